/* Transpose (ONNX 24): axis i of Y is axis perm[i] of X; without perm, the axes in reverse. In a built graph perm
 * always stands in the node.
 * Cost: bytes only. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "perm", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    const struct assay_attr *given = assay_node_attr(in->node, "perm");
    int64_t perm[ASSAY_MAX_RANK], dims[ASSAY_MAX_RANK];
    bool used[ASSAY_MAX_RANK] = {false};
    if (given && given->n != (size_t)x->rank)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "perm has %zu axes", given->n);
    for (int32_t i = 0; i < x->rank; i++) {
        perm[i] = given ? given->list[i] : x->rank - 1 - i;
        if (perm[i] < 0 || perm[i] >= x->rank || used[perm[i]])
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE,
                                      "perm is not a permutation of its axes: %" PRId64 " at %" PRId32, perm[i], i);
        used[perm[i]] = true;
        dims[i] = x->dims[perm[i]];
    }
    assay_infer_set_i64s(in, "perm", (size_t)x->rank, perm);
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_attr *perm = assay_node_attr(q->node, "perm");
    int64_t                  inverse[ASSAY_MAX_RANK];
    for (size_t i = 0; i < perm->n; i++)
        inverse[perm->list[i]] = (int64_t)i;
    q->dx[0] = assay_gradient_transpose(q, q->dy[0], inverse);
}

ASSAY_OP_IR(Transpose) = {.attrs = attrs, .infer = infer, .gradient = gradient};
