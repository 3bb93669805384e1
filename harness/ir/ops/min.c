/* Min: C = the lesser of A and B, NaN if either is, with broadcasting (ONNX Min-13 of two).
 * Cost: none, comparisons are not counted.
 * Gradient: of the operand that is the lesser, the first where they are equal, so that the shares add up. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_binary(in, ASSAY_TYPES_NUMERIC, err);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t first = assay_gradient_binary(q, "LessOrEqual", q->node->inputs[0], q->node->inputs[1]);
    for (int i = 0; i < 2; i++)
        if (q->wanted[i])
            q->dx[i] = assay_gradient_where(q, first, q->dy[0], i == 1, q->node->inputs[i]);
}

ASSAY_OP_IR(Min) = {.infer = infer, .gradient = gradient};
