/* QuantizeLinear and DequantizeLinear between f32 and integers of 4 and 8 bits or 8-bit floats. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/converting/converting.h"
#include "backends/cpu/cpu.h"

#include "assay/banned.h"

enum { GRAIN = 8192, BLOCK = 512 };
#define QUANTIZED (CPU_TYPE(I8) | CPU_TYPE(U8) | CPU_TYPE(I4) | CPU_TYPE(U4) | CPU_TYPE(F8E4M3) | CPU_TYPE(F8E5M2))

/* How scales lie: element [outer, a, inner] has scale [outer, a / block, inner] of blocks, [a] of slices, [0] of one. */
struct quantize {
    enum assay_dtype narrow;
    bool             to_narrow, saturate, blocked, single;
    size_t           length, inner, block, blocks;
    size_t           n;
    float            low, high; /* of an integer type */
};

struct running {
    const struct quantize               *q;
    const struct cpu_converting_kernels *kernels;
    const float                         *scale;
    const void                          *zero; /* of the narrow type, or NULL */
    const char                          *x;
    char                                *y;
    size_t                               pieces;
};

static bool is_packed(enum assay_dtype dtype)
{
    return dtype == ASSAY_I4 || dtype == ASSAY_U4;
}

/* From any element on: of packed types the odd first one is taken with its neighbour. */
static void load(const struct running *r, const void *from, size_t at, size_t n, float *to)
{
    enum assay_dtype dtype = r->q->narrow;
    const char      *bytes = from;
    if (!is_packed(dtype)) {
        r->kernels->load_float[dtype](n, bytes + at, to);
        return;
    }
    if (at % 2 && n) {
        float pair[2];
        r->kernels->load_float[dtype](2, bytes + at / 2, pair);
        *to++ = pair[1];
        at++;
        n--;
    }
    r->kernels->load_float[dtype](n, bytes + at / 2, to);
}

/* Length of the run from `at` on whose elements have one scale (step 0) or scales side by side (step 1). */
static size_t run_of(const struct quantize *q, size_t at, size_t left, size_t *scale, size_t *step)
{
    size_t within = at % q->inner, a = at / q->inner % q->length, outer = at / q->inner / q->length, n;
    *step = 0;
    if (q->single) {
        *scale = 0;
        return left;
    }
    if (!q->blocked) {
        *scale = a;
        *step = q->inner == 1;
        n = q->inner == 1 ? q->length - a : q->inner - within;
    } else if (q->inner == 1) {
        *scale = outer * q->blocks + a / q->block;
        n = (a / q->block + 1) * q->block - a;
        n = n < q->length - a ? n : q->length - a;
    } else {
        *scale = (outer * q->blocks + a / q->block) * q->inner + within;
        *step = 1;
        n = q->inner - within;
    }
    return n < left ? n : left;
}

/* A run: the zero points side by side with the scales, if there are any. */
static void one_run(const struct running *r, float *x, size_t n, size_t scale, size_t step)
{
    const struct quantize  *q = r->q;
    float                   zero[BLOCK];
    struct cpu_quantize_run run = {n, step, r->scale + scale, r->zero ? zero : NULL, q->low, q->high};
    if (r->zero)
        load(r, r->zero, scale, step ? n : 1, zero);
    if (!q->to_narrow)
        r->kernels->dequantize(&run, x);
    else if (assay_dtype_is_float(q->narrow))
        r->kernels->quantize(&run, x);
    else
        r->kernels->quantize_integer(&run, x);
}

static void block(const struct running *r, size_t at, size_t count)
{
    const struct quantize *q = r->q;
    float                  x[BLOCK];
    if (q->to_narrow)
        memcpy(x, (const float *)(const void *)r->x + at, count * sizeof *x);
    else
        load(r, r->x, at, count, x);
    for (size_t i = 0, n; i < count; i += n) {
        size_t scale, step;
        n = run_of(q, at + i, count - i, &scale, &step);
        one_run(r, x + i, n, scale, step);
    }
    if (q->to_narrow)
        r->kernels->store_float[q->narrow](count, x, r->y + at * assay_dtype_bits(q->narrow) / 8, q->saturate); /* at is even */
    else
        memcpy((float *)(void *)r->y + at, x, count * sizeof *x);
}

static void piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(r->q->n, r->pieces, 64, chunk, &begin, &end);
    for (size_t at = begin; at < end; at += BLOCK)
        block(r, at, end - at < BLOCK ? end - at : BLOCK);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct quantize *q = state;
    struct running r = {.q = q, .kernels = call->engine->kernels->converting, .x = call->in[0], .scale = call->in[1],
                        .zero = call->in[2], .y = call->out[0]};
    (void)err;
    r.pieces = cpu_pool_pieces(call->engine->pool, q->n, GRAIN, 4);
    if (q->n)
        cpu_pool_run(call->engine->pool, r.pieces, piece, &r);
    return ASSAY_OK;
}

static enum assay_code prepare(const struct cpu_node *node, bool to_narrow, struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *x = &node->in[0], *scale = &node->in[1];
    struct quantize               *q = calloc(1, sizeof *q);
    int64_t                        axis = cpu_attr_i64(node, "axis", 1);
    if (!q)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *q = (struct quantize){.narrow = (to_narrow ? &node->out[0] : x)->dtype, .to_narrow = to_narrow, .n = x->elements, .inner = 1,
                           .saturate = cpu_attr_i64(node, "saturate", 1) != 0, .single = scale->rank == 0, .length = 1};
    q->block = (size_t)cpu_attr_i64(node, "block_size", 0);
    q->blocked = q->block > 0;
    if (!q->single) {
        q->length = (size_t)x->dims[axis];
        q->blocks = (size_t)scale->dims[q->blocked ? axis : 0];
        for (int64_t d = axis + 1; d < x->rank; d++)
            q->inner *= (size_t)x->dims[d];
    }
    bool is_unsigned = q->narrow == ASSAY_U8 || q->narrow == ASSAY_U4;
    q->high = ldexpf(1.0f, (int)assay_dtype_bits(q->narrow) - !is_unsigned) - 1.0f;
    q->low = is_unsigned ? 0.0f : -q->high - 1.0f;
    step->state = q;
    step->release = free;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s, %s, %zu elements", assay_dtype_name(q->narrow),
                   q->single ? "one scale" : q->blocked ? "a scale a block" : "a scale a slice", q->n);
    return ASSAY_OK;
}

static enum assay_code prepare_quantize(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                        struct assay_error *err)
{
    (void)engine;
    return prepare(node, true, step, err);
}

static enum assay_code prepare_dequantize(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                          struct assay_error *err)
{
    (void)engine;
    return prepare(node, false, step, err);
}

static bool accepts_quantize(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && cpu_in_is(node, 1, CPU_TYPE(F32), why_not) && cpu_out_is(node, 0, QUANTIZED, why_not);
}

static bool accepts_dequantize(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, QUANTIZED, why_not) && cpu_in_is(node, 1, CPU_TYPE(F32), why_not) &&
           cpu_out_is(node, 0, CPU_TYPE(F32), why_not);
}

const struct cpu_op cpu_op_quantize_linear = {.name = "QuantizeLinear", .domain = "", .accepts = accepts_quantize,
                                              .prepare = prepare_quantize, .any_type = true};
const struct cpu_op cpu_op_dequantize_linear = {.name = "DequantizeLinear", .domain = "", .accepts = accepts_dequantize,
                                                .prepare = prepare_dequantize, .any_type = true};
