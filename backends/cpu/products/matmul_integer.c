/* MatMulInteger: the product of the numbers as they are, packed as u8 by i8; what zero points and turned signs change is added
 * afterwards, from sums of rows and columns. */
#include <stdlib.h>

#include "backends/cpu/convolution/onednn.h"
#include "backends/cpu/products/igemm.h"
#include "backends/cpu/products/product.h"

#include "assay/banned.h"

/* One number, or one a row of A or column of B, counted over all its matrices. */
struct zero {
    bool there, is_signed, of_lines;
};

struct plan {
    struct cpu_igemm product;
    size_t           batch;
    size_t          *a_at, *b_at; /* which matrix of A and B each of the batch is; NULL: the first */
    struct zero      a_zero, b_zero;
    bool             corrects; /* zero points or turned signs */
    bool             by_onednn, b_is_packed;
    void            *a, *b; /* packed, or turned over */
    int32_t         *a_sum, *b_sum;
};

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    for (uint32_t i = 0; i < 2; i++)
        if (!cpu_in_is(node, i, CPU_TYPE(U8) | CPU_TYPE(I8), why_not))
            return false;
    return cpu_product_is_small_enough(node, why_not);
}

static void release(void *state)
{
    struct plan *plan = state;
    if (!plan)
        return;
    free(plan->a_at);
    free(plan->b_at);
    free(plan->a);
    free(plan->b);
    free(plan->a_sum);
    free(plan->b_sum);
    free(plan);
}

static int32_t zero_point(const struct zero *z, const void *at, size_t line, int32_t turned)
{
    const uint8_t *x = (const uint8_t *)at + (z->of_lines ? line : 0);
    return turned + (z->there ? z->is_signed ? (int32_t)(int8_t)*x : (int32_t)*x : 0);
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

struct correction {
    const struct plan *plan;
    const void        *a_zero, *b_zero;
    size_t             a_line, b_line; /* first row of A's matrix, first column of B's */
    int32_t           *c;
};

/* sum (a - za) (b - zb) = sum a b - za sum b - zb sum a + k za zb, modulo 2^32. */
static void correct_row(void *self, size_t m, unsigned thread)
{
    const struct correction *s = self;
    const struct plan       *plan = s->plan;
    const struct cpu_igemm  *p = &plan->product;
    int32_t                  za = zero_point(&plan->a_zero, s->a_zero, s->a_line + m, p->a_signed ? 128 : 0);
    uint32_t                 of_row = (uint32_t)plan->a_sum[m], k_za = (uint32_t)p->k * (uint32_t)za;
    (void)thread;
    for (size_t n = 0; n < p->n; n++) {
        uint32_t zb = (uint32_t)zero_point(&plan->b_zero, s->b_zero, s->b_line + n, p->b_unsigned ? -128 : 0);
        s->c[m * p->n + n] = (int32_t)((uint32_t)s->c[m * p->n + n] - (uint32_t)za * (uint32_t)plan->b_sum[n] + zb * (k_za - of_row));
    }
}

static enum assay_code multiply(const struct plan *plan, const struct cpu_call *call, const uint8_t *a, const uint8_t *b, int32_t *c,
                                struct assay_error *err)
{
    const struct cpu_engine *engine = call->engine;
    const struct cpu_igemm  *p = &plan->product;
    if (plan->by_onednn) {
        if (plan->corrects) {
            cpu_igemm_turn_a(engine, p, a, plan->a, plan->a_sum);
            cpu_igemm_turn_b(engine, p, b, plan->b, plan->b_sum);
        }
        return cpu_onednn_gemm_u8s8s32(engine->integer_products, p->m, p->n, p->k, plan->a ? plan->a : a,
                                       plan->b ? plan->b : (const void *)b, c, err);
    }
    cpu_igemm_pack_a(engine, p, a, plan->a, plan->a_sum);
    if (!plan->b_is_packed)
        cpu_igemm_pack_b(engine, p, b, plan->b, plan->b_sum);
    cpu_igemm_multiply(engine, p, plan->a, plan->b, c);
    return ASSAY_OK;
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct plan      *plan = state;
    const struct cpu_igemm *p = &plan->product;
    for (size_t i = 0; i < plan->batch; i++) {
        size_t   a = plan->a_at ? plan->a_at[i] : 0, b = plan->b_at ? plan->b_at[i] : 0;
        int32_t *c = (int32_t *)call->out[0] + i * p->m * p->n;
        if (multiply(plan, call, (const uint8_t *)call->in[0] + a * p->m * p->k, (const uint8_t *)call->in[1] + b * p->k * p->n, c, err))
            return err->code;
        struct correction s = {.plan = plan, .a_zero = call->in[2], .b_zero = call->in[3], .a_line = a * p->m, .b_line = b * p->n, .c = c};
        if (plan->corrects && p->k)
            cpu_pool_run(call->engine->pool, p->m, correct_row, &s);
    }
    return ASSAY_OK;
}

/* ---- preparing --------------------------------------------------------------------------------------------------- */

static struct zero zero_of(const struct cpu_node *node, uint32_t i)
{
    return (struct zero){.there = cpu_has_in(node, i), .is_signed = node->in[i].dtype == ASSAY_I8,
                         .of_lines = cpu_has_in(node, i) && node->in[i].elements > 1};
}

static enum assay_code read_shape(const struct cpu_node *node, struct plan *plan, struct assay_error *err)
{
    const struct assay_value_view *a = &node->in[0], *b = &node->in[1], *y = &node->out[0];
    struct cpu_igemm              *p = &plan->product;
    int32_t                        batch_rank = y->rank - (a->rank > 1) - (b->rank > 1);
    bool                           a_ok, b_ok;
    p->m = a->rank == 1 ? 1 : (size_t)a->dims[a->rank - 2];
    p->k = (size_t)a->dims[a->rank - 1];
    p->n = b->rank == 1 ? 1 : (size_t)b->dims[b->rank - 1];
    p->a_signed = a->dtype == ASSAY_I8;
    p->b_unsigned = b->dtype == ASSAY_U8;
    plan->a_zero = zero_of(node, 2);
    plan->b_zero = zero_of(node, 3);
    plan->corrects = p->a_signed || p->b_unsigned || plan->a_zero.there || plan->b_zero.there;
    plan->batch = 1;
    for (int32_t d = 0; d < batch_rank; d++)
        plan->batch *= (size_t)y->dims[d];
    if (plan->batch > 1 && b->rank <= 2) { /* one right operand for all: a single taller product */
        p->m *= plan->batch;
        plan->batch = 1;
        return ASSAY_OK;
    }
    plan->a_at = cpu_product_offsets(a, y->dims, batch_rank, plan->batch, 1, &a_ok);
    plan->b_at = cpu_product_offsets(b, y->dims, batch_rank, plan->batch, 1, &b_ok);
    return a_ok && b_ok ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a batch of %zu", plan->batch);
}

static enum assay_code take_room(const struct cpu_engine *engine, struct plan *plan, struct assay_error *err)
{
    const struct cpu_igemm *p = &plan->product;
    size_t                  a = plan->by_onednn ? p->a_signed ? p->m * p->k : 0 : cpu_igemm_a_bytes(engine->kernels, p);
    size_t                  b = plan->by_onednn ? p->b_unsigned ? p->k * p->n : 0 : cpu_igemm_b_bytes(engine->kernels, p);
    plan->a_sum = cpu_block_new(p->m * sizeof *plan->a_sum);
    plan->b_sum = cpu_block_new(p->n * sizeof *plan->b_sum);
    plan->a = a ? cpu_block_new(a) : NULL;
    plan->b = b ? cpu_block_new(b) : NULL;
    if (!plan->a_sum || !plan->b_sum || (a && !plan->a) || (b && !plan->b))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to pack %zu bytes", a + b);
    return ASSAY_OK;
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                               struct assay_error *err)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    if (read_shape(node, plan, err)) {
        release(plan);
        return err->code;
    }
    struct cpu_igemm *p = &plan->product;
    plan->by_onednn = engine->integer_products && p->m && p->n && p->k;
    p->quads = cpu_igemm_has_quads(engine->kernels);
    if (take_room(engine, plan, err)) {
        release(plan);
        return err->code;
    }
    if (!plan->by_onednn && plan->batch == 1 && !plan->b_at && node->known[1]) {
        cpu_igemm_pack_b(engine, p, node->known[1], plan->b, plan->b_sum);
        plan->b_is_packed = true;
    }
    step->state = plan;
    step->release = release;
    step->run = run;
    (void)snprintf(step->kernel, sizeof step->kernel, "%s by %s, %s%s, %zux%zux%zu%s", assay_dtype_name(node->in[0].dtype),
                   assay_dtype_name(node->in[1].dtype), plan->by_onednn ? "oneDNN's u8s8s32" : "igemm of ours, by ",
                   plan->by_onednn ? "" : p->quads ? engine->kernels->igemm->quads_by : "pairs of 16 bits", p->m, p->n, p->k,
                   plan->b_is_packed ? ", packed at compile" : "");
    return ASSAY_OK;
}

const struct cpu_op cpu_op_matmul_integer = {.name = "MatMulInteger", .domain = "", .accepts = accepts, .prepare = prepare, .any_type = true};
