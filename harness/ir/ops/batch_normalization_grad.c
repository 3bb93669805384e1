/* assay.BatchNormalizationGrad: of a BatchNormalization in training_mode, from dY and X (one type) and scale. With mean
 * and inverse = 1 / sqrt(variance + epsilon) of X made again, x' = (X - mean) inverse and n elements a channel,
 *     dBias = sum(dY), dScale = sum(dY x'), dX = scale inverse (dY - dBias/n - x' dScale/n).
 * Cost of a channel of n: 4 n - 1 flops for mean and variance (n - 1, n, n, n - 1, one for epsilon), 3 n - 2 for the sums
 * of dY and of dY (X - mean), 4 n for dX, 3 for factors: 11 n; six divisions and roots. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-5},
    {.name = NULL},
};

static int64_t channels_of(const struct assay_value *x)
{
    return x->rank > 1 ? x->dims[1] : 1;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[1], *scale = in->in[2];
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_type(in, 2, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_rank(in, 1, 1, ASSAY_MAX_RANK, err);
    if (code)
        return code;
    if (!assay_value_same_shape(in->in[0], x))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the shapes must be equal");
    if (scale->rank != 1 || scale->dims[0] != channels_of(x))
        return ASSAY_INFER_REFUSE(in, err, 1, 2, "the second must be [%" PRId64 "], one number a channel", channels_of(x));
    if (!x->elements)
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "nothing to take statistics of");
    assay_infer_output(in, 0, x->dtype, x->rank, x->dims);
    assay_infer_output(in, 1, scale->dtype, 1, scale->dims);
    assay_infer_output(in, 2, scale->dtype, 1, scale->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *x = assay_graph_value(g, node->inputs[1]);
    assay_cost_flops(cost, 11, x->elements);
    assay_cost_transcendentals(cost, 6, (uint64_t)channels_of(x));
}

ASSAY_OP_IR(BatchNormalizationGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
