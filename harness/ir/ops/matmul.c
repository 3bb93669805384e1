/* MatMul: Y = A B as numpy.matmul (ONNX MatMul-13). A vector on the left is one row, on the right one column, and
 * that axis is dropped again; axes before the last two broadcast.
 * Cost: 2 m n k flops for each of the products of [m,k] and [k,n]. */
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_WIDE, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    return code ? code : assay_infer_product(in, in->in[0]->dtype, err);
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *a = assay_graph_value(g, node->inputs[0]);
    uint64_t k = (uint64_t)a->dims[a->rank - 1];
    assay_cost_flops(cost, assay_count_multiply(2, k), assay_output_elements(g, node, 0));
}

static int32_t rank_of(const struct assay_gradient *q, int32_t value)
{
    const struct assay_value *v = assay_graph_value(q->graph, value);
    return v ? v->rank : 0;
}

static int32_t transposed(const struct assay_gradient *q, int32_t x)
{
    int64_t perm[ASSAY_MAX_RANK];
    int32_t rank = rank_of(q, x);
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i;
    if (rank >= 2) {
        perm[rank - 2] = rank - 1;
        perm[rank - 1] = rank - 2;
    }
    return assay_gradient_transpose(q, x, perm);
}

/* Y = A B with one matrix B for all rows of A, however many axes count them: two Gemms, which transpose for free. */
static void by_one_matrix(const struct assay_gradient *q)
{
    int32_t                   a = q->node->inputs[0], b = q->node->inputs[1];
    const struct assay_value *v = assay_graph_value(q->graph, a), *w = assay_graph_value(q->graph, b);
    int64_t                   k = w->dims[0], n = w->dims[1], rows = (int64_t)assay_shape_count(v->dims, 0, v->rank - 1);
    bool                      flat = v->rank == 2;
    int32_t                   dy = flat ? q->dy[0] : assay_gradient_reshape(q, q->dy[0], 2, (int64_t[]){rows, n});
    if (q->wanted[0]) {
        int32_t dx = assay_gradient_op(q, "Gemm", (int32_t[]){dy, b}, 2,
                                       (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
        q->dx[0] = assay_gradient_shape_as(q, dx, a);
    }
    if (q->wanted[1]) {
        int32_t x = flat ? a : assay_gradient_reshape(q, a, 2, (int64_t[]){rows, k});
        q->dx[1] = assay_gradient_op(q, "Gemm", (int32_t[]){x, dy}, 2,
                                     (struct assay_attr[]){ASSAY_ATTR_INT("transA", 1), ASSAY_ATTR_END});
    }
}

static void gradient(const struct assay_gradient *q)
{
    int32_t a = q->node->inputs[0], b = q->node->inputs[1];
    if (rank_of(q, b) == 2 && rank_of(q, a) >= 2) {
        by_one_matrix(q);
        return;
    }
    /* Vectors become matrices; then dA = dY B^T and dB = A^T dY, summed over the axes that were stretched. */
    const struct assay_value *v = assay_graph_value(q->graph, a), *w = assay_graph_value(q->graph, b);
    int64_t                   row = v->dims[v->rank - 1], column = w->dims[0], dims[ASSAY_MAX_RANK];
    int32_t                   a2 = v->rank > 1 ? a : assay_gradient_reshape(q, a, 2, (int64_t[]){1, row});
    int32_t                   b2 = rank_of(q, b) > 1 ? b : assay_gradient_reshape(q, b, 2, (int64_t[]){column, 1});
    const struct assay_value *y = assay_graph_value(q->graph, q->dy[0]);
    bool                      a_is_row = rank_of(q, a) == 1, b_is_column = rank_of(q, b) == 1;
    int32_t                   rank = y->rank;
    memcpy(dims, y->dims, sizeof dims);
    if (b_is_column)
        dims[rank++] = 1;
    if (a_is_row) {
        dims[rank] = dims[rank - 1];
        dims[rank++ - 1] = 1;
    }
    int32_t dy = a_is_row || b_is_column ? assay_gradient_reshape(q, q->dy[0], rank, dims) : q->dy[0];
    if (q->wanted[0])
        q->dx[0] = assay_gradient_shape_as(
            q, assay_gradient_sum_to(q, assay_gradient_binary(q, "MatMul", dy, transposed(q, b2)), a2), a);
    if (q->wanted[1])
        q->dx[1] = assay_gradient_shape_as(
            q, assay_gradient_sum_to(q, assay_gradient_binary(q, "MatMul", transposed(q, a2), dy), b2), b);
}

ASSAY_OP_IR(MatMul) = {.infer = infer, .cost = cost, .gradient = gradient};
