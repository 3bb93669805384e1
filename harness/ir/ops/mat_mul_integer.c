/* MatMulInteger (ONNX 10): Y = (A - zero point of A) (B - zero point of B) as numpy.matmul, of u8 or i8 each, in whole numbers: a sum
 * wraps around as one of i32. A zero point is of its operand's type; one for all, or one a row of A [m] or a column of B [n], or,
 * for every matrix of a batch its own, [.., m, 1] and [.., 1, n].
 * Cost: as MatMul, 2 m n k, and a subtraction for each element of an operand that has a zero point. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

/* Has the zero point `zero` one number for all of `x`, or as many as x without its axis `summed`? */
static enum assay_code check_zero_point(const struct assay_infer *in, int x, int zero, struct assay_error *err)
{
    const struct assay_value *v = in->in[x], *z = in->in[zero];
    int32_t                   summed = v->rank - (x == 0 ? 1 : 2), kept = v->rank - (x == 0 ? 2 : 1);
    enum assay_code           code = assay_infer_same_type(in, x, zero, err);
    if (code || !z || z->rank == 0 || (z->rank == 1 && z->dims[0] == 1))
        return code;
    if (z->rank == 1 && v->rank == 2 && z->dims[0] == v->dims[kept])
        return ASSAY_OK;
    bool same = z->rank == v->rank && v->rank > 1;
    for (int32_t d = 0; same && d < v->rank; d++)
        same = z->dims[d] == (d == summed ? 1 : v->dims[d]);
    return same ? ASSAY_OK
                : ASSAY_INFER_REFUSE(in, err, x, zero, "a zero point is one number, or one for every %s", x == 0 ? "row" : "column");
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = ASSAY_OK;
    for (int i = 0; !code && i < 2; i++)
        code = assay_infer_type(in, i, ASSAY_TYPE(ASSAY_U8) | ASSAY_TYPE(ASSAY_I8), err);
    if (!code)
        code = assay_infer_product(in, ASSAY_I32, err);
    for (int i = 0; !code && i < 2; i++)
        code = check_zero_point(in, i, 2 + i, err);
    return code;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *a = assay_graph_value(g, node->inputs[0]);
    assay_cost_flops(cost, assay_count_multiply(2, (uint64_t)a->dims[a->rank - 1]), assay_output_elements(g, node, 0));
    for (uint32_t i = 0; i < 2; i++)
        if (assay_input_elements(g, node, 2 + i))
            assay_cost_flops(cost, 1, assay_input_elements(g, node, i));
}

ASSAY_OP_IR(MatMulInteger) = {.infer = infer, .cost = cost};
