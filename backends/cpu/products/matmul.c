/* MatMul (numpy's) and Gemm. */
#include <stdlib.h>

#include "backends/cpu/products/product.h"

#include "assay/banned.h"

bool cpu_product_is_small_enough(const struct cpu_node *node, struct assay_text *why_not)
{
    for (uint32_t i = 0; i < node->n_in; i++)
        for (int32_t d = 0; d < node->in[i].rank; d++)
            if (node->in[i].dims[d] > INT_MAX / 8) {
                assay_text_add(why_not, "a dimension of %lld; the libraries count in 32 bits",
                               (long long)node->in[i].dims[d]);
                return false;
            }
    return true;
}

static bool accepts_matmul(const struct cpu_node *node, struct assay_text *why_not)
{
    return cpu_product_is_small_enough(node, why_not);
}

size_t *cpu_product_offsets(const struct assay_value_view *v, const int64_t *batch_dims, int32_t batch_rank, size_t batch,
                            size_t matrix, bool *ok)
{
    int32_t own_rank = v->rank > 2 ? v->rank - 2 : 0;
    *ok = true;
    if (!own_rank || !batch)
        return NULL;
    size_t *at = calloc(batch, sizeof *at);
    *ok = at != NULL;
    for (size_t i = 0; at && i < batch; i++) {
        size_t rest = i, stride = matrix;
        for (int32_t d = batch_rank - 1, own = own_rank - 1; d >= 0 && own >= 0; d--, own--) {
            size_t index = rest % (size_t)batch_dims[d];
            rest /= (size_t)batch_dims[d];
            if (v->dims[own] != 1)
                at[i] += index * stride;
            stride *= (size_t)v->dims[own];
        }
    }
    return at;
}

static enum assay_code finish_prepare(const struct cpu_engine *engine, struct cpu_product *p, struct cpu_step *step,
                                      struct assay_error *err);

static enum assay_code prepare_matmul(const struct cpu_engine *engine, const struct cpu_node *node,
                                      struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *a = &node->in[0], *b = &node->in[1], *y = &node->out[0];
    struct cpu_product             p = {.batch = 1, .alpha = 1.0f};
    p.m = a->rank == 1 ? 1 : (size_t)a->dims[a->rank - 2];
    p.k = (size_t)a->dims[a->rank - 1];
    p.n = b->rank == 1 ? 1 : (size_t)b->dims[b->rank - 1];
    int32_t batch_rank = y->rank - (a->rank > 1) - (b->rank > 1);
    for (int32_t d = 0; d < batch_rank; d++)
        p.batch *= (size_t)y->dims[d];
    if (b->elements == p.k * p.n && p.batch > 1 && a->elements == p.batch * p.m * p.k) {
        p.m *= p.batch; /* one right operand for all: a single taller product */
        p.batch = 1;
    } else {
        bool a_ok, b_ok;
        p.a_at = cpu_product_offsets(a, y->dims, batch_rank, p.batch, p.m * p.k, &a_ok);
        p.b_at = cpu_product_offsets(b, y->dims, batch_rank, p.batch, p.k * p.n, &b_ok);
        if (!a_ok || !b_ok) {
            free(p.a_at);
            free(p.b_at);
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a batch of %zu", p.batch);
        }
    }
    return finish_prepare(engine, &p, step, err);
}

static bool accepts_gemm(const struct cpu_node *node, struct assay_text *why_not)
{
    if (node->in[0].rank != 2 || node->in[1].rank != 2) {
        assay_text_add(why_not, "Gemm of ranks %d and %d; it multiplies matrices", node->in[0].rank, node->in[1].rank);
        return false;
    }
    return cpu_product_is_small_enough(node, why_not);
}

/* What fusion found around a Gemm. */
static void read_fused(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_product *p)
{
    enum assay_dtype dtype = node->in[1].dtype;
    p->stored = dtype == ASSAY_BF16 ? CPU_STORED_BF16 : dtype == ASSAY_F16 ? CPU_STORED_F16 : dtype == ASSAY_I8 ? CPU_STORED_I8
                                                                                                      : CPU_STORED_F32;
    p->has_scale = cpu_has_in(node, CPU_IN_SCALE);
    p->has_added = cpu_has_in(node, CPU_IN_ADDED);
    if (node->fused.activation >= 0)
        p->activation = engine->kernels->elementwise->unary[node->fused.activation];
    p->activation_alpha = node->fused.alpha;
}

static enum assay_code prepare_gemm(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step,
                                    struct assay_error *err)
{
    const struct assay_value_view *a = &node->in[0], *c = &node->in[2];
    struct cpu_product             p = {.batch = 1};
    p.alpha = (float)cpu_attr_f64(node, "alpha", 1.0);
    p.beta = (float)cpu_attr_f64(node, "beta", 1.0);
    p.a_transposed = cpu_attr_i64(node, "transA", 0) != 0;
    p.b_transposed = cpu_attr_i64(node, "transB", 0) != 0;
    p.m = (size_t)node->out[0].dims[0];
    p.n = (size_t)node->out[0].dims[1];
    p.k = (size_t)a->dims[p.a_transposed ? 0 : 1];
    p.has_c = cpu_has_in(node, 2) && p.beta != 0.0f;
    if (p.has_c && c->rank > 0 && c->dims[c->rank - 1] != 1)
        p.c_column = 1;
    if (p.has_c && c->rank > 1 && c->dims[0] != 1)
        p.c_row = p.c_column ? p.n : 1;
    read_fused(engine, node, &p);
    return finish_prepare(engine, &p, step, err);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    (void)err;
    cpu_product_run(state, call->engine, &(struct cpu_product_operands){call->in[0], call->in[1], call->in[2],
                    call->in[CPU_IN_ADDED], call->in[CPU_IN_SCALE], call->out[0]});
    return ASSAY_OK;
}

static enum assay_code finish_prepare(const struct cpu_engine *engine, struct cpu_product *p, struct cpu_step *step,
                                      struct assay_error *err)
{
    struct cpu_product_plan *plan;
    struct assay_text        kernel = ASSAY_TEXT(step->kernel);
    if (cpu_product_plan_new(engine, p, &plan, &kernel, err))
        return err->code;
    step->state = plan;
    step->release = cpu_product_plan_free;
    step->run = run;
    return ASSAY_OK;
}

const struct cpu_op cpu_op_matmul = {.name = "MatMul", .domain = "", .accepts = accepts_matmul, .prepare = prepare_matmul};
const struct cpu_op cpu_op_gemm = {.name = "Gemm", .domain = "", .accepts = accepts_gemm, .prepare = prepare_gemm};
