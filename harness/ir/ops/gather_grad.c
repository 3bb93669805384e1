/* assay.GatherGrad: zeros of input_shape, to which the slices of dY are added where the indices say: Gather's gradient.
 * The shares of one slice are added in the order of the indices.
 * Cost: an addition for every element of dY. */
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "input_shape", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0], *indices = in->in[1];
    int64_t                   dims[ASSAY_MAX_RANK], axis = assay_node_i64(in->node, "axis", 0);
    int32_t                   rank;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_type(in, 1, ASSAY_TYPES_INDEX, err);
    if (!code)
        code = assay_infer_shape(in, "input_shape", &rank, dims, err);
    if (code)
        return code;
    axis += axis < 0 ? rank : 0;
    bool fits = axis >= 0 && axis < rank && dy->rank == rank - 1 + indices->rank;
    for (int32_t d = 0; fits && d < dy->rank; d++) {
        int64_t own = d < axis ? dims[d] : d < axis + indices->rank ? indices->dims[d - axis] : dims[d - indices->rank + 1];
        fits = dy->dims[d] == own;
    }
    if (!fits)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "not what Gather makes of input_shape along its axis");
    assay_infer_set_i64(in, "axis", axis);
    assay_infer_output(in, 0, dy->dtype, rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, 1, assay_input_elements(g, node, 0));
}

ASSAY_OP_IR(GatherGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
