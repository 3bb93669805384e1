#include "harness/ir/along.h"

#include <inttypes.h>

#include "assay/banned.h"

const struct assay_attr_row assay_softmax_attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -1},
    {.name = NULL},
};

enum assay_code assay_infer_softmax(const struct assay_infer *in, struct assay_error *err)
{
    int32_t axis;
    enum assay_code code = assay_infer_axis(in, "axis", &axis, err);
    return code ? code : assay_infer_unary(in, ASSAY_TYPES_FLOAT, err);
}

enum assay_code assay_infer_softmax_gradient(const struct assay_infer *in, struct assay_error *err)
{
    int32_t axis;
    enum assay_code code = assay_infer_axis(in, "axis", &axis, err);
    return code ? code : assay_infer_pair(in, ASSAY_TYPES_FLOAT, err);
}

const struct assay_attr_row assay_norm_gradient_attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -1},
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-5},
    {.name = NULL},
};

enum { DY = ASSAY_NORM_GRADIENT_DY, X = ASSAY_NORM_GRADIENT_X, SCALE = ASSAY_NORM_GRADIENT_SCALE };

/* `axis` is one of X, whose shape dY has. */
enum assay_code assay_infer_norm_gradient(const struct assay_infer *in, struct assay_error *err)
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
    for (int o = 1; o < (int)in->node->n_outputs; o++)
        assay_infer_output(in, o, in->in[SCALE]->dtype, in->in[SCALE]->rank, in->in[SCALE]->dims);
    return ASSAY_OK;
}
