/* assay.TensorScatterGrad(dY, write_indices?): dPast is dY with zeros where TensorScatter wrote `length` numbers along `axis`,
 * dUpdate what dY has there.
 * Cost: bytes only. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -2},
    {.name = "length", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "linear"},
    {.name = NULL},
};

static enum assay_code check_mode(const struct assay_infer *in, int indices, int32_t *axis, struct assay_error *err)
{
    const char *mode = assay_node_text(in->node, "mode", "linear");
    const struct assay_value *at = in->in[indices];
    enum assay_code code = assay_infer_axis(in, "axis", axis, err);
    if (code)
        return code;
    if (*axis == 0)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis 0 is that of the batch");
    if (strcmp(mode, "linear") != 0 && strcmp(mode, "circular") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "mode must be linear or circular, got '%.32s'",
                                  mode);
    if (at && (at->dtype != ASSAY_I64 || at->rank != 1 || at->dims[0] != in->in[0]->dims[0]))
        return ASSAY_INFER_REFUSE(in, err, indices, ASSAY_INFER_NONE, "write_indices must be i64[%" PRId64 "]",
                                  in->in[0]->dims[0]);
    return ASSAY_OK;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0];
    int64_t dims[ASSAY_MAX_RANK];
    int32_t axis;
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = check_mode(in, 1, &axis, err);
    if (!code)
        code = assay_infer_range(in, "length", 0, dy->dims[axis], err);
    if (code)
        return code;
    memcpy(dims, dy->dims, sizeof dims);
    dims[axis] = assay_node_i64(in->node, "length", 0);
    assay_infer_output(in, 0, dy->dtype, dy->rank, dy->dims);
    assay_infer_output(in, 1, dy->dtype, dy->rank, dims);
    return ASSAY_OK;
}

ASSAY_OP_IR(TensorScatterGrad) = {.attrs = attrs, .infer = infer};
