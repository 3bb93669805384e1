/* assay.Copy: Y = X bit for bit, of any type. Its two sides may be in different places (assay_graph_place), so a
 * transfer is timed like any other work.
 * Cost: bytes only. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_ANY, err);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_unary(q, "assay.Copy", q->dy[0]);
}

ASSAY_OP_IR(Copy) = {.infer = infer, .gradient = gradient};
