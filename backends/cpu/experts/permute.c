/* assay.MoePermute, assay.MoeCombine, assay.MoeCombineGrad: rows to their experts and back. The sorting of slots is short
 * beside the rows and done by one thread; the rows are moved by all. */
#include <stdlib.h>

#include "backends/cpu/moving/moving.h"
#include "backends/cpu/moving/scatter.h"

#include "assay/banned.h"

enum { GRAIN_BYTES = 65536 };

struct permute {
    size_t   tokens, k, width, row_bytes, experts;
    bool     wide;
    int32_t *slots; /* by row its slot, or by slot its row: tokens k */
    size_t  *first; /* experts + 1 */
};

struct running {
    const struct permute            *p;
    const struct cpu_moving_kernels *kernels;
    const int32_t                   *slots;
    const void                      *source;
    const float                     *rows, *weights, *dy;
    const char                      *x;
    void                            *out;
    float                           *dw;
    size_t                           pieces;
};

static void over(const struct cpu_engine *engine, struct running *r, size_t n, size_t each_bytes, cpu_pool_work *work)
{
    r->kernels = engine->kernels->moving;
    r->pieces = cpu_pool_pieces(engine->pool, n, GRAIN_BYTES / (each_bytes + 1) + 1, 4);
    if (n)
        cpu_pool_run(engine->pool, r->pieces, work, r);
}

/* ---- MoePermute ----------------------------------------------------------------------------------------------- */

static void sort_slots(const struct permute *p, const void *experts, int32_t *counts, int32_t *source)
{
    size_t n = p->tokens * p->k;
    memset(p->first, 0, (p->experts + 1) * sizeof *p->first);
    for (size_t s = 0; s < n; s++)
        p->first[cpu_index_at(experts, p->wide, s) + 1]++;
    for (size_t e = 0; counts && e < p->experts; e++)
        counts[e] = (int32_t)p->first[e + 1];
    for (size_t e = 0; e < p->experts; e++)
        p->first[e + 1] += p->first[e];
    for (size_t s = 0; s < n; s++)
        source[p->first[cpu_index_at(experts, p->wide, s)]++] = (int32_t)s;
}

static void copy_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct permute *p = r->p;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(p->tokens * p->k, r->pieces, 1, chunk, &begin, &end);
    for (size_t row = begin; row < end; row++)
        memcpy((char *)r->out + row * p->row_bytes, r->x + (size_t)r->slots[row] / p->k * p->row_bytes, p->row_bytes);
}

static enum assay_code run_permute(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct permute *p = state;
    int32_t              *source = call->out[2] ? call->out[2] : p->slots;
    struct running        r = {.p = p, .x = call->in[0], .out = call->out[0], .slots = source};
    if (cpu_index_check("expert", call->in[1], p->wide, p->tokens * p->k, 0, (int64_t)p->experts, err))
        return err->code;
    sort_slots(p, call->in[1], call->out[1], source);
    over(call->engine, &r, p->tokens * p->k, 2 * p->row_bytes, copy_piece);
    return ASSAY_OK;
}

/* ---- MoeCombine ----------------------------------------------------------------------------------------------- */

/* By slot its row. Refuses what is no permutation; nothing is read through it before. */
static enum assay_code turn_round(const struct permute *p, const void *source, struct assay_error *err)
{
    size_t n = p->tokens * p->k;
    if (cpu_index_check("slot", source, p->wide, n, 0, (int64_t)n, err))
        return err->code;
    for (size_t s = 0; s < n; s++)
        p->slots[s] = -1;
    for (size_t row = 0; row < n; row++) {
        int64_t slot = cpu_index_at(source, p->wide, row);
        if (p->slots[slot] >= 0)
            return ASSAY_FAIL(err, ASSAY_DATA, "slot %lld stands in rows %d and %zu", (long long)slot, p->slots[slot], row);
        p->slots[slot] = (int32_t)row;
    }
    return ASSAY_OK;
}

static void combine_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct permute *p = r->p;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(p->tokens, r->pieces, 1, chunk, &begin, &end);
    for (size_t token = begin; token < end; token++) {
        float *y = (float *)r->out + token * p->width;
        if (p->k == 0)
            memset(y, 0, p->width * sizeof *y);
        for (size_t s = token * p->k; s < (token + 1) * p->k; s++)
            (s == token * p->k ? r->kernels->scaled : r->kernels->add_scaled)(p->width, r->weights[s],
                                                                              r->rows + (size_t)r->slots[s] * p->width, y);
    }
}

static enum assay_code run_combine(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct permute *p = state;
    struct running        r = {.p = p, .rows = call->in[0], .weights = call->in[1], .slots = p->slots, .out = call->out[0]};
    if (turn_round(p, call->in[2], err))
        return err->code;
    over(call->engine, &r, p->tokens, (p->k + 1) * p->row_bytes, combine_piece);
    return ASSAY_OK;
}

static void grad_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct permute *p = r->p;
    size_t                begin, end;
    (void)thread;
    cpu_pool_piece(p->tokens * p->k, r->pieces, 1, chunk, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        size_t       slot = (size_t)cpu_index_at(r->source, p->wide, row);
        const float *dy = r->dy + slot / p->k * p->width;
        r->kernels->scaled(p->width, r->weights[slot], dy, (float *)r->out + row * p->width);
        if (r->dw)
            r->dw[slot] = r->kernels->dot(p->width, dy, r->rows + row * p->width);
    }
}

static enum assay_code run_grad(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct permute *p = state;
    struct running        r = {.p = p, .dy = call->in[0], .rows = call->in[1], .weights = call->in[2], .source = call->in[3],
                               .out = call->out[0], .dw = call->out[1]};
    if (turn_round(p, r.source, err))
        return err->code;
    over(call->engine, &r, p->tokens * p->k, 3 * p->row_bytes, grad_piece);
    return ASSAY_OK;
}

/* ---- preparing ------------------------------------------------------------------------------------------------ */

static void release(void *state)
{
    struct permute *p = state;
    free(p->slots);
    free(p->first);
    free(p);
}

/* `slots` has a place a slot ([tokens, k]), `rows` a row for each, or for each token. */
static enum assay_code prepare(const struct assay_value_view *slots, const struct assay_value_view *rows,
                               const struct assay_value_view *indices, size_t experts, const char *what, struct cpu_step *step,
                               struct assay_error *err)
{
    struct permute *p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    *p = (struct permute){.tokens = (size_t)slots->dims[0], .k = (size_t)slots->dims[1], .width = (size_t)rows->dims[1],
                          .experts = experts, .wide = indices->dtype == ASSAY_I64};
    p->row_bytes = p->width * assay_dtype_bits(rows->dtype) / 8;
    step->state = p;
    step->release = release;
    p->slots = calloc(p->tokens * p->k + 1, sizeof *p->slots);
    p->first = calloc(experts + 2, sizeof *p->first);
    (void)snprintf(step->kernel, sizeof step->kernel, "%s, %zu tokens, %zu each, rows of %zu", what, p->tokens, p->k, p->width);
    return p->slots && p->first ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu slots", p->tokens * p->k);
}

static enum assay_code prepare_permute(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    (void)engine;
    step->run = run_permute;
    return prepare(&node->in[1], &node->in[0], &node->in[1], (size_t)cpu_attr_i64(node, "num_experts", 1), "rows copied", step, err);
}

static enum assay_code prepare_combine(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                       struct assay_error *err)
{
    (void)engine;
    step->run = run_combine;
    return prepare(&node->in[1], &node->in[0], &node->in[2], 0, "rows added", step, err);
}

static enum assay_code prepare_grad(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    (void)engine;
    step->run = run_grad;
    return prepare(&node->in[2], &node->in[1], &node->in[3], 0, "rows scaled and multiplied", step, err);
}

static bool accepts_permute(const struct cpu_node *node, struct assay_text *why_not)
{
    if (assay_dtype_bits(node->in[0].dtype) % 8) {
        assay_text_add(why_not, "MoePermute of elements that share a byte");
        return false;
    }
    return cpu_in_is(node, 1, CPU_TYPES_INDEX, why_not);
}

static bool few_slots(const struct cpu_node *node, const struct assay_value_view *slots, struct assay_text *why_not)
{
    if (slots->elements <= INT32_MAX)
        return true;
    assay_text_add(why_not, "%s of more slots than 32 bits count", node->op);
    return false;
}

static bool accepts_combine(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && few_slots(node, &node->in[2], why_not);
}

static bool accepts_grad(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_in_is(node, 0, CPU_TYPE(F32), why_not) && few_slots(node, &node->in[3], why_not);
}

const struct cpu_op cpu_op_moe_permute = {.name = "MoePermute", .domain = "assay", .accepts = accepts_permute,
                                          .prepare = prepare_permute, .any_type = true};
const struct cpu_op cpu_op_moe_combine = {.name = "MoeCombine", .domain = "assay", .accepts = accepts_combine,
                                          .prepare = prepare_combine, .any_type = true};
const struct cpu_op cpu_op_moe_combine_grad = {.name = "MoeCombineGrad", .domain = "assay", .accepts = accepts_grad,
                                               .prepare = prepare_grad, .any_type = true};
