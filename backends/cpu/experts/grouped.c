/* assay.GroupedMatMul and the gradient of its matrices: a product for each group of rows, cut along the result's columns
 * (of the gradient, its rows), so that one large group is still work for all threads. */
#include <limits.h>
#include <stdlib.h>

#include "backends/cpu/moving/scatter.h"
#include "backends/cpu/products/gemv.h"
#include "backends/cpu/products/sgemm.h"

#include "assay/banned.h"

enum { LEAST_CUT = 64 };

struct grouped {
    size_t  rows, groups, depth, columns; /* of the product, or of the gradient [groups, depth, columns] */
    size_t  cuts; /* pieces of each group's result */
    bool    turned, wide;
    size_t *first; /* groups + 1, written by each execution */
    float  *scratch;
    size_t  scratch_floats;
};

struct running {
    const struct grouped    *g;
    const struct cpu_engine *engine;
    const float             *a, *b;
    float                   *y;
};

static enum assay_code read_counts(const struct grouped *g, const void *counts, struct assay_error *err)
{
    size_t sum = 0;
    for (size_t e = 0; e < g->groups; e++) {
        int64_t count = cpu_index_at(counts, g->wide, e);
        g->first[e] = sum;
        if (count < 0 || (uint64_t)count > g->rows - sum)
            return ASSAY_FAIL(err, ASSAY_DATA, "count %zu is %lld of %zu rows that are left", e, (long long)count, g->rows - sum);
        sum += (size_t)count;
    }
    g->first[g->groups] = sum;
    if (sum != g->rows)
        return ASSAY_FAIL(err, ASSAY_DATA, "counts of %zu rows together, not %zu", sum, g->rows);
    return ASSAY_OK;
}

static void multiply(const struct running *r, const struct cpu_sgemm *p, unsigned thread)
{
    if (r->engine->openblas)
        cpu_openblas_sgemm(r->engine->openblas, p);
    else
        cpu_sgemm_own(r->engine->kernels, p, r->g->scratch + thread * r->g->scratch_floats);
}

static void product_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct grouped *g = r->g;
    size_t                e = chunk / g->cuts, first = g->first[e], count = g->first[e + 1] - first, begin, end;
    cpu_pool_piece(g->columns, g->cuts, 16, chunk % g->cuts, &begin, &end);
    if (!count || begin >= end)
        return;
    const float *x = r->a + first * g->depth, *w = r->b + e * g->depth * g->columns + begin * (g->turned ? g->depth : 1);
    float       *y = r->y + first * g->columns + begin;
    if (!g->depth)
        for (size_t i = 0; i < count; i++)
            memset(y + i * g->columns, 0, (end - begin) * sizeof *y);
    else if (count == 1 && g->turned && !r->engine->batch_invariant) /* one row reads the matrix once: no use in packing it */
        r->engine->kernels->gemv->dots(end - begin, g->depth, w, g->depth, x, y);
    else if (count == 1 && !r->engine->batch_invariant)
        r->engine->kernels->gemv->combine(g->depth, end - begin, x, w, g->columns, y);
    else
        multiply(r, &(struct cpu_sgemm){.m = count, .n = end - begin, .k = g->depth, .alpha = 1.0f, .a = x, .lda = g->depth, .b = w,
                                        .ldb = g->turned ? g->depth : g->columns, .b_transposed = g->turned, .c = y, .ldc = g->columns},
                 thread);
}

static void gradient_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct grouped *g = r->g;
    size_t                e = chunk / g->cuts, first = g->first[e], count = g->first[e + 1] - first, begin, end;
    cpu_pool_piece(g->depth, g->cuts, 8, chunk % g->cuts, &begin, &end);
    if (begin >= end)
        return;
    float *y = r->y + (e * g->depth + begin) * g->columns;
    if (!count)
        memset(y, 0, (end - begin) * g->columns * sizeof *y);
    else if (g->columns)
        multiply(r, &(struct cpu_sgemm){.m = end - begin, .n = g->columns, .k = count, .alpha = 1.0f, .a = r->a + first * g->depth + begin,
                                        .lda = g->depth, .a_transposed = true, .b = r->b + first * g->columns, .ldb = g->columns, .c = y,
                                        .ldc = g->columns},
                 thread);
}

static enum assay_code run(const void *state, const struct cpu_call *call, cpu_pool_work *work, struct assay_error *err)
{
    const struct grouped *g = state;
    struct running        r = {g, call->engine, call->in[0], call->in[1], call->out[0]};
    if (read_counts(g, call->in[2], err))
        return err->code;
    if (g->groups)
        cpu_pool_run(call->engine->pool, g->groups * g->cuts, work, &r);
    return ASSAY_OK;
}

static enum assay_code run_product(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    return run(state, call, product_piece, err);
}

static enum assay_code run_gradient(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    return run(state, call, gradient_piece, err);
}

static void release(void *state)
{
    struct grouped *g = state;
    free(g->first);
    free(g->scratch);
    free(g);
}

static enum assay_code prepare(const struct cpu_engine *engine, struct grouped is, size_t cut, struct cpu_step *step,
                               struct assay_error *err)
{
    struct grouped *g = calloc(1, sizeof *g);
    size_t          threads = cpu_pool_threads(engine->pool), most = cut / LEAST_CUT;
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *g = is;
    g->cuts = threads == 1 || most < 2 ? 1 : most < 2 * threads ? most : 2 * threads;
    g->scratch_floats = engine->openblas ? 0 : cpu_sgemm_own_scratch(engine->kernels);
    step->state = g;
    step->release = release;
    g->first = calloc(g->groups + 1, sizeof *g->first);
    g->scratch = cpu_block_new(g->scratch_floats * threads * sizeof *g->scratch);
    (void)snprintf(step->kernel, sizeof step->kernel, "sgemm of %s, %zu groups, %zux%zu, cut in %zu",
                   engine->openblas ? "OpenBLAS" : "ours", g->groups, g->depth, g->columns, g->cuts);
    return g->first && g->scratch ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a product's scratch");
}

static enum assay_code prepare_product(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    struct grouped is = {.rows = (size_t)node->in[0].dims[0], .groups = (size_t)node->in[1].dims[0],
                         .depth = (size_t)node->in[0].dims[1], .columns = (size_t)node->out[0].dims[1],
                         .turned = cpu_attr_i64(node, "transB", 0) != 0, .wide = node->in[2].dtype == ASSAY_I64};
    step->run = run_product;
    return prepare(engine, is, is.columns, step, err);
}

static enum assay_code prepare_gradient(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                        struct assay_error *err)
{
    struct grouped is = {.rows = (size_t)node->in[0].dims[0], .groups = (size_t)node->out[0].dims[0],
                         .depth = (size_t)node->out[0].dims[1], .columns = (size_t)node->out[0].dims[2],
                         .wide = node->in[2].dtype == ASSAY_I64};
    step->run = run_gradient;
    return prepare(engine, is, is.depth, step, err);
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    for (uint32_t i = 0; i < 2; i++)
        for (int32_t d = 0; d < node->in[i].rank; d++)
            if (node->in[i].dims[d] > INT_MAX / 8) {
                assay_text_add(why_not, "a dimension of %lld; the libraries count in 32 bits", (long long)node->in[i].dims[d]);
                return false;
            }
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not);
}

const struct cpu_op cpu_op_grouped_mat_mul = {.name = "GroupedMatMul", .domain = "assay", .accepts = accepts,
                                              .prepare = prepare_product, .any_type = true};
const struct cpu_op cpu_op_grouped_mat_mul_weight_grad = {.name = "GroupedMatMulWeightGrad", .domain = "assay", .accepts = accepts,
                                                          .prepare = prepare_gradient, .any_type = true};
