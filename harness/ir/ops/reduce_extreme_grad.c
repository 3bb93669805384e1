/* assay.ReduceExtremeGrad: the gradient of ReduceMax (largest = 1) and ReduceMin (0) over `axes`: dY, in the reduced shape,
 * at the elements of X that are the extreme along the axes, 0 at the others. Equals share it evenly, so that the shares add
 * up to dY. Where NaN is among them, NaN won and there is no share.
 * Cost: one division a result. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axes", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "keepdims", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "largest", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0], *x = in->in[1];
    const struct assay_attr  *axes = assay_node_attr(in->node, "axes");
    bool                      folded[ASSAY_MAX_RANK] = {false}, keep = assay_node_i64(in->node, "keepdims", 1) != 0;
    int32_t                   rank = 0;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "keepdims", 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "largest", 0, 1, err);
    if (code)
        return code;
    for (size_t i = 0; i < axes->n; i++) {
        if (axes->list[i] < 0 || axes->list[i] >= x->rank || folded[axes->list[i]])
            return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "axes must be axes of it, from 0, each once");
        folded[axes->list[i]] = true;
    }
    bool fits = true;
    for (int32_t d = 0; d < x->rank; d++)
        if (!folded[d] || keep) {
            fits &= rank < dy->rank && dy->dims[rank] == (folded[d] ? 1 : x->dims[d]);
            rank++;
        }
    if (!fits || rank != dy->rank)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the first is not the second reduced");
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_transcendentals(cost, 1, assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(ReduceExtremeGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
