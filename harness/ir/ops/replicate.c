/* assay.Replicate: Y = X, which all ranks of the group have alike and from here on use each for work of its own. Nothing moves; the
 * node stands for what its gradient does.
 * Cost: bytes only.
 * Gradient: the sum over the group of their dY: AllReduce. */
#include "harness/ir/gradient.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_ATTR_RANKS,
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    int64_t         n;
    enum assay_code code = assay_infer_unary(in, ASSAY_TYPES_ANY, err);
    return code ? code : assay_infer_ranks(in, 1, ASSAY_ATTR_MAX_LENGTH, &n, err);
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_on_ranks(q, "assay.AllReduce", q->dy[0], NULL);
}

ASSAY_OP_IR(Replicate) = {.attrs = attrs, .infer = infer, .gradient = gradient};
