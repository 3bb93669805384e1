/* Gather and assay.GatherGrad. An index that is not one of the axis ends the execution with an error; nothing outside is
 * touched. */
#include <stdatomic.h>
#include <stdlib.h>

#include "backends/cpu/moving/scatter.h"

#include "assay/banned.h"

enum { GRAIN_BYTES = 65536 };

struct gather {
    size_t outer, length, inner, many; /* inner in bytes for Gather, in elements for GatherGrad */
    bool   wide;
};

struct running {
    const struct gather *g;
    const char          *x;
    const void          *index;
    char                *y;
    size_t               pieces;
    atomic_size_t        bad; /* number of an index that is not one, or `many` */
};

static void copy_slice(size_t bytes, const char *from, char *to)
{
    switch (bytes) { /* single elements without a call */
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    default: memcpy(to, from, bytes); break;
    }
}

static void gather_piece(void *self, size_t chunk, unsigned thread)
{
    struct running      *r = self;
    const struct gather *g = r->g;
    size_t               begin, end;
    (void)thread;
    cpu_pool_piece(g->outer * g->many, r->pieces, 1, chunk, &begin, &end);
    size_t outer = g->many ? begin / g->many : 0, which = g->many ? begin % g->many : 0;
    for (size_t i = begin; i < end; i++) {
        int64_t k = cpu_index_at(r->index, g->wide, which);
        k += k < 0 ? (int64_t)g->length : 0;
        if (k < 0 || (size_t)k >= g->length)
            atomic_store(&r->bad, which);
        else
            copy_slice(g->inner, r->x + (outer * g->length + (size_t)k) * g->inner, r->y + i * g->inner);
        if (++which == g->many) {
            which = 0;
            outer++;
        }
    }
}

static enum assay_code run_gather(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct gather *g = state;
    struct running       r = {.g = g, .x = call->in[0], .index = call->in[1], .y = call->out[0]};
    size_t               slices = g->outer * g->many;
    atomic_init(&r.bad, g->many);
    r.pieces = cpu_pool_pieces(call->engine->pool, slices, GRAIN_BYTES / (g->inner + 8) + 1, 4);
    if (slices)
        cpu_pool_run(call->engine->pool, r.pieces, gather_piece, &r);
    size_t bad = atomic_load(&r.bad);
    return bad == g->many ? ASSAY_OK
                          : cpu_index_check("index", (const char *)r.index + bad * (g->wide ? 8 : 4), g->wide, 1,
                                            -(int64_t)g->length, (int64_t)g->length, err);
}

static enum assay_code run_grad(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct gather *g = state;
    struct cpu_scatter   s = {.outer = g->outer, .length = g->length, .inner = g->inner, .terms = g->many, .slices = g->many,
                              .index = call->in[1], .wide = g->wide};
    enum assay_code      code = cpu_index_check("index", s.index, s.wide, s.terms, -(int64_t)s.length, (int64_t)s.length, err);
    if (!code)
        cpu_scatter_run(call->engine, &s, call->in[0], call->out[0]);
    return code;
}

/* `whole`: the value that has the axis. */
static enum assay_code prepare(const struct cpu_node *node, const struct assay_value_view *whole, struct cpu_step *step,
                               struct assay_error *err)
{
    struct gather *g = calloc(1, sizeof *g);
    int64_t        axis = cpu_attr_i64(node, "axis", 0);
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *g = (struct gather){1, (size_t)whole->dims[axis], 1, node->in[1].elements, node->in[1].dtype == ASSAY_I64};
    for (int64_t d = 0; d < whole->rank; d++)
        *(d < axis ? &g->outer : &g->inner) *= d == axis ? 1 : (size_t)whole->dims[d];
    step->state = g;
    step->release = free;
    return ASSAY_OK;
}

static enum assay_code prepare_gather(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                      struct assay_error *err)
{
    (void)engine;
    if (prepare(node, &node->in[0], step, err))
        return err->code;
    struct gather *g = step->state;
    g->inner *= assay_dtype_bits(node->in[0].dtype) / 8;
    step->run = run_gather;
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu slices of %zu bytes copied", g->outer * g->many, g->inner);
    return ASSAY_OK;
}

static enum assay_code prepare_grad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    (void)engine;
    if (prepare(node, &node->out[0], step, err))
        return err->code;
    const struct gather *g = step->state;
    step->run = run_grad;
    (void)snprintf(step->kernel, sizeof step->kernel, "%zu slices of %zu added, each thread to its own part", g->outer * g->many,
                   g->inner);
    return ASSAY_OK;
}

static bool accepts_gather(const struct cpu_node *node, struct assay_text *why_not)
{
    if (assay_dtype_bits(node->in[0].dtype) % 8) {
        assay_text_add(why_not, "Gather of elements that share a byte");
        return false;
    }
    return cpu_in_is(node, 1, CPU_TYPES_INDEX, why_not);
}

static bool accepts_grad(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && cpu_in_is(node, 1, CPU_TYPES_INDEX, why_not);
}

const struct cpu_op cpu_op_gather = {.name = "Gather", .domain = "", .accepts = accepts_gather, .prepare = prepare_gather,
                                     .any_type = true};
const struct cpu_op cpu_op_gather_grad = {.name = "GatherGrad", .domain = "assay", .accepts = accepts_grad,
                                          .prepare = prepare_grad, .any_type = true};
