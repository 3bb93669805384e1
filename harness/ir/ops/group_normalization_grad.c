/* assay.GroupNormalizationGrad: of a GroupNormalization, from dY, X and scale. With mean and inverse = 1 / sqrt(variance +
 * epsilon) of each group of one image made again, x' = (X - mean) inverse, g = dY scale and n elements a group,
 *     dX = inverse (g - mean(g) - x' mean(g x')),
 * and for each channel over all images dScale = sum(dY x'), dBias = sum(dY).
 * Cost of a group of n: 4 n - 1 flops for mean and variance, n for x', n for g, 3 n - 2 for sum(g) and sum(g x'), 4 n for
 * dX, n for dY x'; six divisions and roots; and for each of the two sums of a channel of m elements m - 1. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-5},
    {.name = "num_groups", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[1], *scale = in->in[2];
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    for (int i = 1; !code && i < 3; i++)
        code = assay_infer_same_type(in, 0, i, err);
    if (!code)
        code = assay_infer_rank(in, 1, 2, ASSAY_MAX_RANK, err);
    if (code)
        return code;
    int64_t groups = assay_node_i64(in->node, "num_groups", 0);
    if (!assay_value_same_shape(in->in[0], x))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the shapes must be equal");
    if (scale->rank != 1 || scale->dims[0] != x->dims[1])
        return ASSAY_INFER_REFUSE(in, err, 1, 2, "the second must be [%" PRId64 "], one number a channel", x->dims[1]);
    if (groups < 1 || x->dims[1] % groups)
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "its channels do not divide into %" PRId64 " groups", groups);
    if (!x->elements)
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "nothing to take statistics of");
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    assay_infer_output(in, 1, x->dtype, 1, scale->dims);
    assay_infer_output(in, 2, x->dtype, 1, scale->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[1]);
    uint64_t groups = assay_count_multiply((uint64_t)x->dims[0], (uint64_t)assay_node_i64(node, "num_groups", 1));
    assay_cost_flops(cost, 14, x->elements - groups);
    assay_cost_flops(cost, 11, groups); /* 14 n - 3 each */
    assay_cost_flops(cost, 2, x->elements - (uint64_t)x->dims[1]);
    assay_cost_transcendentals(cost, 6, groups);
}

ASSAY_OP_IR(GroupNormalizationGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
