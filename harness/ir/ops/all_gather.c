/* assay.AllGather: Y on every rank of the group = their X one after the other along `axis`, in the order of the ranks.
 * Cost: bytes only; a message of Y's bytes.
 * Gradient: each rank has a share of Y's, so ReduceScatter (ranks.h). */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_ATTR_RANKS,
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t                   dims[ASSAY_MAX_RANK], n;
    int32_t                   axis;
    enum assay_code           code = assay_infer_ranks(in, 1, ASSAY_ATTR_MAX_LENGTH, &n, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (code)
        return code;
    memcpy(dims, x->dims, sizeof dims);
    if (__builtin_mul_overflow(dims[axis], n, &dims[axis]))
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%" PRId64 " of them are too long", n);
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", assay_node_i64(q->node, "axis", 0)), ASSAY_ATTR_END};
    q->dx[0] = assay_gradient_on_ranks(q, "assay.ReduceScatter", q->dy[0], axis);
}

ASSAY_OP_IR(AllGather) = {.attrs = attrs, .infer = infer, .cost = assay_cost_payload, .gradient = gradient};
