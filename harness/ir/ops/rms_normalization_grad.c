/* assay.RMSNormalizationGrad(dY, X, Scale): with h = X r, r = 1 / sqrt(mean(X * X) + epsilon) over the axes from `axis` to
 * the last, and g = dY Scale: dX = r (g - h mean(g h)), of X's type; dScale has Scale's shape and is dY h summed over what
 * Scale was stretched along. The statistics are computed again, not stored.
 * Cost of a row of n: 2 n flops for the statistics as in rms_normalization.c, n for h, n for g, 2 n - 1 for the mean, 3 n
 * to join; two divisions by n, a square root and a reciprocal. dScale a product an element of X and the additions that
 * fold them. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -1},
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-5},
    {.name = NULL},
};

enum { DY, X, SCALE };

/* `axis` is one of X, whose shape dY has. */
static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[X];
    int32_t axis;
    enum assay_code code = ASSAY_OK;
    for (int i = DY; !code && i <= SCALE; i++)
        code = assay_infer_type(in, i, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, DY, SCALE, err);
    if (!code)
        code = assay_infer_same_shape(in, DY, X, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (!code)
        code = assay_infer_stretches(in, SCALE, X, err);
    if (code)
        return code;
    if (!assay_shape_count(x->dims, axis, x->rank))
        return ASSAY_INFER_REFUSE(in, err, X, ASSAY_INFER_NONE, "nothing to normalise from axis %" PRId32 " on", axis);
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    for (int o = 1; o < 2; o++)
        assay_infer_output(in, o, in->in[SCALE]->dtype, in->in[SCALE]->rank, in->in[SCALE]->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[X]);
    uint64_t n = assay_shape_count(x->dims, (int32_t)assay_node_i64(node, "axis", 0), x->rank);
    uint64_t folded = x->elements - assay_input_elements(g, node, SCALE);
    assay_cost_flops(cost, 9 * n - 1, x->elements / n);
    assay_cost_transcendentals(cost, 4, x->elements / n);
    if (assay_output_elements(g, node, 1))
        assay_cost_flops(cost, 1, assay_count_add(x->elements, folded));
}

ASSAY_OP_IR(RMSNormalizationGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
