/* assay.EmbeddingBag and its gradient. */
#include <stdlib.h>

#include "backends/cpu/moving/moving.h"
#include "backends/cpu/moving/scatter.h"

#include "assay/banned.h"

enum { GRAIN = 16384, AHEAD = 4 };

struct bags {
    size_t  rows, width, terms, bags;
    bool    mean, wide_index, wide_offset;
    size_t *bag_of; /* of the gradient, by term; its scale */
    float  *scale;
};

struct running {
    const struct bags *b;
    const float       *table;
    const void        *indices, *offsets;
    float             *y;
    const struct cpu_moving_kernels *kernels;
    size_t             pieces;
};

static size_t begin_of(const struct bags *b, const void *offsets, size_t bag)
{
    return bag < b->bags ? (size_t)cpu_index_at(offsets, b->wide_offset, bag) : b->terms;
}

static enum assay_code check(const struct bags *b, const void *indices, const void *offsets, struct assay_error *err)
{
    int64_t before = 0;
    for (size_t i = 0; i < b->bags; i++) {
        int64_t x = cpu_index_at(offsets, b->wide_offset, i);
        if (x < before || (uint64_t)x > b->terms || (i == 0 && x != 0))
            return ASSAY_FAIL(err, ASSAY_DATA, "offset %zu is %lld", i, (long long)x);
        before = x;
    }
    return cpu_index_check("index", indices, b->wide_index, b->terms, -(int64_t)b->rows, (int64_t)b->rows, err);
}

static const float *row_at(const struct running *r, size_t t)
{
    int64_t row = cpu_index_at(r->indices, r->b->wide_index, t);
    return r->table + (size_t)(row < 0 ? row + (int64_t)r->b->rows : row) * r->b->width;
}

static void bag_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct bags    *b = r->b;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(b->bags, r->pieces, 1, chunk, &begin, &end);
    for (size_t bag = begin; bag < end; bag++) {
        size_t first = begin_of(b, r->offsets, bag), last = begin_of(b, r->offsets, bag + 1);
        float *y = r->y + bag * b->width;
        if (first == last)
            memset(y, 0, b->width * sizeof *y);
        for (size_t t = first; t < last; t++) {
            if (t + AHEAD < b->terms) /* rows are anywhere: asked for before they are needed */
                for (size_t i = 0; i < b->width && i < 512; i += 16)
                    __builtin_prefetch(row_at(r, t + AHEAD) + i);
            const float *x = row_at(r, t);
            (t == first ? r->kernels->scaled : r->kernels->add_scaled)(b->width, 1.0f, x, y);
        }
        if (b->mean && last - first > 1)
            for (size_t i = 0; i < b->width; i++)
                y[i] /= (float)(last - first);
    }
}

static enum assay_code run_bag(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct bags *b = state;
    struct running     r = {.b = b, .table = call->in[0], .indices = call->in[1], .offsets = call->in[2], .y = call->out[0],
                            .kernels = call->engine->kernels->moving};
    size_t             each = b->bags ? (b->terms / b->bags + 1) * b->width : 1;
    if (check(b, r.indices, r.offsets, err))
        return err->code;
    r.pieces = cpu_pool_pieces(call->engine->pool, b->bags, GRAIN / (each + 1) + 1, 8);
    if (b->bags)
        cpu_pool_run(call->engine->pool, r.pieces, bag_piece, &r);
    return ASSAY_OK;
}

static enum assay_code run_grad(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct bags *b = state;
    if (check(b, call->in[1], call->in[2], err))
        return err->code;
    for (size_t bag = 0; bag < b->bags; bag++) {
        size_t first = begin_of(b, call->in[2], bag), last = begin_of(b, call->in[2], bag + 1);
        for (size_t t = first; t < last; t++) {
            b->bag_of[t] = bag;
            b->scale[t] = b->mean ? 1.0f / (float)(last - first) : 1.0f;
        }
    }
    struct cpu_scatter s = {.outer = 1, .length = b->rows, .inner = b->width, .terms = b->bags ? b->terms : 0, .slices = b->bags,
                            .index = call->in[1], .wide = b->wide_index, .slice = b->bag_of, .scale = b->scale};
    cpu_scatter_run(call->engine, &s, call->in[0], call->out[0]);
    return ASSAY_OK;
}

static void release(void *state)
{
    struct bags *b = state;
    free(b->bag_of);
    free(b->scale);
    free(b);
}

static struct bags *prepare(const struct cpu_node *node, const struct assay_value_view *table, struct cpu_step *step,
                            struct assay_error *err)
{
    struct bags *b = calloc(1, sizeof *b);
    if (!b) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
        return NULL;
    }
    *b = (struct bags){.rows = (size_t)table->dims[0], .width = (size_t)table->dims[1], .terms = node->in[1].elements,
                       .bags = node->in[2].elements, .mean = !strcmp(cpu_attr_text(node, "mode", "sum"), "mean"),
                       .wide_index = node->in[1].dtype == ASSAY_I64, .wide_offset = node->in[2].dtype == ASSAY_I64};
    step->state = b;
    step->release = release;
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu rows of %zu in %zu bags", b->terms, b->width, b->bags);
    return b;
}

static enum assay_code prepare_bag(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                   struct assay_error *err)
{
    (void)engine;
    step->run = run_bag;
    return prepare(node, &node->in[0], step, err) ? ASSAY_OK : err->code;
}

static enum assay_code prepare_grad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    struct bags *b = prepare(node, &node->out[0], step, err);
    (void)engine;
    if (!b)
        return err->code;
    b->bag_of = calloc(b->terms + 1, sizeof *b->bag_of);
    b->scale = calloc(b->terms + 1, sizeof *b->scale);
    step->run = run_grad;
    return b->bag_of && b->scale ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu indices", b->terms);
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && cpu_in_is(node, 1, CPU_TYPES_INDEX, why_not) &&
           cpu_in_is(node, 2, CPU_TYPES_INDEX, why_not);
}

const struct cpu_op cpu_op_embedding_bag = {.name = "EmbeddingBag", .domain = "assay", .accepts = accepts, .prepare = prepare_bag,
                                            .any_type = true};
const struct cpu_op cpu_op_embedding_bag_grad = {.name = "EmbeddingBagGrad", .domain = "assay", .accepts = accepts,
                                                 .prepare = prepare_grad, .any_type = true};
