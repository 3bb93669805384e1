/* Cast. */
#include <stdlib.h>

#include "backends/cpu/converting/converting.h"
#include "backends/cpu/cpu.h"

#include "assay/banned.h"

enum { GRAIN = 8192, BLOCK = 512 };
enum way { BY_FLOAT, BY_DOUBLE, BY_INT };

struct cast {
    enum assay_dtype from, to;
    enum way         way;
    bool             saturate;
    size_t           n;
};

struct running {
    const struct cast                   *c;
    const struct cpu_converting_kernels *kernels;
    const char                          *x;
    char                                *y;
    size_t                               pieces;
};

static void convert(const struct running *r, size_t n, const char *x, char *y)
{
    const struct cast *c = r->c;
    union {
        float   f[BLOCK];
        double  d[BLOCK];
        int64_t i[BLOCK];
    } block;
    switch (c->way) {
    case BY_FLOAT:
        r->kernels->load_float[c->from](n, x, block.f);
        r->kernels->store_float[c->to](n, block.f, y, c->saturate);
        break;
    case BY_DOUBLE:
        r->kernels->load_double[c->from](n, x, block.d);
        r->kernels->store_double[c->to](n, block.d, y, c->saturate);
        break;
    case BY_INT:
        r->kernels->load_int[c->from](n, x, block.i);
        r->kernels->store_int[c->to](n, block.i, y);
        break;
    }
}

static void piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end, from = assay_dtype_bits(r->c->from) / 8, to = assay_dtype_bits(r->c->to) / 8;
    (void)thread;
    cpu_pool_piece(r->c->n, r->pieces, 64, chunk, &begin, &end);
    for (size_t at = begin, n; at < end; at += n) {
        n = end - at < BLOCK ? end - at : BLOCK;
        convert(r, n, r->x + at * from, r->y + at * to);
    }
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct cast *c = state;
    struct running     r = {c, call->engine->kernels->converting, call->in[0], call->out[0], 0};
    (void)err;
    r.pieces = cpu_pool_pieces(call->engine->pool, c->n, GRAIN, 4);
    if (c->n)
        cpu_pool_run(call->engine->pool, r.pieces, piece, &r);
    return ASSAY_OK;
}

static bool is_wide(enum assay_dtype dtype)
{
    return dtype == ASSAY_F64 || dtype == ASSAY_I32 || dtype == ASSAY_I64;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err)
{
    static const char *const words[] = {"float", "double", "int64"};
    struct cast             *c = calloc(1, sizeof *c);
    (void)engine;
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *c = (struct cast){.from = node->in[0].dtype, .to = node->out[0].dtype, .n = node->out[0].elements,
                       .saturate = cpu_attr_i64(node, "saturate", 1) != 0};
    c->way = !assay_dtype_is_float(c->from) && !assay_dtype_is_float(c->to) ? BY_INT
             : is_wide(c->from) || is_wide(c->to)                          ? BY_DOUBLE
                                                                            : BY_FLOAT;
    step->state = c;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s to %s by way of %s, %zu elements", assay_dtype_name(c->from),
                   assay_dtype_name(c->to), words[c->way], c->n);
    return ASSAY_OK;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPES_CONVERTED, why_not) && cpu_out_is(node, 0, CPU_TYPES_CONVERTED, why_not);
}

const struct cpu_op cpu_op_cast = {.name = "Cast", .domain = "", .in_place = true, .accepts = accepts, .prepare = prepare,
                                   .any_type = true};
