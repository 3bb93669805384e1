/* assay.Copy: Y = X bit for bit, of any type. Its two sides may be in different places (assay_graph_place), so a
 * transfer is timed like any other work.
 * Cost: bytes only. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    return assay_infer_unary(in, ASSAY_TYPES_ANY, err);
}

ASSAY_OP_IR(Copy) = {.infer = infer};
