/* Gemm: Y = alpha A' B' + beta C (ONNX Gemm-13), where A' is A or, with transA, its transpose, and C stretches to
 * [m,n].
 * Cost: 2 m n k flops for the product; for each output element one to multiply by alpha (unless it is 1), one to add
 * C and one to multiply C by beta (unless it is 1). */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "alpha", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1.0},
    {.name = "beta", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1.0},
    {.name = "transA", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "transB", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *a = in->in[0], *b = in->in[1], *c = in->in[2];
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_WIDE, err);
    for (int i = 1; !code && i < 3; i++)
        code = assay_infer_same_type(in, 0, i, err);
    for (int i = 0; !code && i < 2; i++)
        code = assay_infer_rank(in, i, 2, 2, err);
    if (!code)
        code = assay_infer_range(in, "transA", 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "transB", 0, 1, err);
    if (code)
        return code;
    bool trans_a = assay_node_i64(in->node, "transA", 0), trans_b = assay_node_i64(in->node, "transB", 0);
    int64_t k = a->dims[!trans_a], k_b = b->dims[trans_b];
    int64_t dims[2] = {a->dims[trans_a], b->dims[!trans_b]};
    if (k != k_b)
        return ASSAY_INFER_REFUSE(in, err, 0, 1,
                                  "the inner lengths %" PRId64 " and %" PRId64 " differ (transA %d, transB %d)", k, k_b,
                                  trans_a, trans_b);
    if (c && !assay_shape_stretches(c->rank, c->dims, 2, dims))
        return ASSAY_INFER_REFUSE(in, err, 2, ASSAY_INFER_NONE, "it does not stretch to [%" PRId64 ",%" PRId64 "]",
                                  dims[0], dims[1]);
    assay_infer_output(in, 0, a->dtype, 2, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *a = assay_graph_value(g, node->inputs[0]);
    uint64_t k = (uint64_t)a->dims[!assay_node_i64(node, "transA", 0)], elements = assay_output_elements(g, node, 0);
    assay_cost_flops(cost, assay_count_multiply(2, k), elements);
    if (assay_node_f64(node, "alpha", 1.0) != 1.0)
        assay_cost_flops(cost, 1, elements);
    if (node->n_inputs > 2)
        assay_cost_flops(cost, assay_node_f64(node, "beta", 1.0) != 1.0 ? 2 : 1, elements);
}

static int32_t product(const struct assay_gradient *q, double alpha, int32_t a, bool trans_a, int32_t b, bool trans_b)
{
    return assay_gradient_op(q, "Gemm", (int32_t[]){a, b}, 2,
                             (struct assay_attr[]){ASSAY_ATTR_FLOAT("alpha", alpha), ASSAY_ATTR_INT("transA", trans_a),
                                                   ASSAY_ATTR_INT("transB", trans_b), ASSAY_ATTR_END});
}

static void gradient(const struct assay_gradient *q)
{
    int32_t a = q->node->inputs[0], b = q->node->inputs[1], dy = q->dy[0];
    bool    trans_a = assay_node_i64(q->node, "transA", 0), trans_b = assay_node_i64(q->node, "transB", 0);
    double  alpha = assay_node_f64(q->node, "alpha", 1), beta = assay_node_f64(q->node, "beta", 1);
    if (q->wanted[0]) /* A' is A or its transpose: dA' = alpha dY B'^T */
        q->dx[0] = trans_a ? product(q, alpha, b, trans_b, dy, true) : product(q, alpha, dy, false, b, !trans_b);
    if (q->wanted[1])
        q->dx[1] = trans_b ? product(q, alpha, dy, true, a, trans_a) : product(q, alpha, a, !trans_a, dy, false);
    if (q->node->n_inputs > 2 && q->wanted[2]) {
        int32_t sum = assay_gradient_sum_to(q, dy, q->node->inputs[2]);
        q->dx[2] = beta == 1 ? sum : assay_gradient_binary(q, "Mul", sum, assay_gradient_number(q, sum, beta));
    }
}

ASSAY_OP_IR(Gemm) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
