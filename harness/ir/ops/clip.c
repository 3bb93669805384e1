/* Clip: Y = the lesser of `max` and of the greater of X and `min`, which are scalars and may be absent (ONNX Clip-13).
 * Cost: none, comparisons are not counted.
 * Gradient: of X where it lies between both, ends included; of an end, where the end is what came out. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_unary(in, ASSAY_TYPES_NUMERIC, err);
    for (int i = 1; !code && i < 3; i++) {
        code = assay_infer_same_type(in, 0, i, err);
        if (!code)
            code = assay_infer_rank(in, i, 0, 0, err);
    }
    return code;
}

static int32_t both(const struct assay_gradient *q, int32_t a, int32_t b)
{
    return a == ASSAY_NO_VALUE ? b : b == ASSAY_NO_VALUE ? a : assay_gradient_binary(q, "And", a, b);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t x = q->node->inputs[0], low = q->node->n_inputs > 1 ? q->node->inputs[1] : ASSAY_NO_VALUE;
    int32_t high = q->node->n_inputs > 2 ? q->node->inputs[2] : ASSAY_NO_VALUE;
    bool    has_low = low != ASSAY_NO_VALUE, has_high = high != ASSAY_NO_VALUE;
    if (q->wanted[0]) {
        int32_t above = has_low ? assay_gradient_binary(q, "GreaterOrEqual", x, low) : ASSAY_NO_VALUE;
        int32_t below = has_high ? assay_gradient_binary(q, "LessOrEqual", x, high) : ASSAY_NO_VALUE;
        int32_t inside = both(q, above, below);
        q->dx[0] = inside == ASSAY_NO_VALUE ? q->dy[0] : assay_gradient_where(q, inside, q->dy[0], false, x);
    }
    if (has_low && q->wanted[1]) {
        int32_t raised = assay_gradient_binary(q, "Less", x, low);
        int32_t ordered = has_high ? assay_gradient_binary(q, "LessOrEqual", low, high) : ASSAY_NO_VALUE;
        q->dx[1] = assay_gradient_where(q, both(q, raised, ordered), q->dy[0], false, low);
    }
    if (has_high && q->wanted[2]) {
        int32_t raised = has_low ? assay_gradient_binary(q, "Max", x, low) : x;
        q->dx[2] = assay_gradient_where(q, assay_gradient_binary(q, "Greater", raised, high), q->dy[0], false, high);
    }
}

ASSAY_OP_IR(Clip) = {.infer = infer, .gradient = gradient};
