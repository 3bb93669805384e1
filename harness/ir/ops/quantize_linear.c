/* QuantizeLinear: Y = X / scale, rounded to nearest even, plus the zero point, cut at the ends of Y's type (ONNX 24); to a
 * float, cast with saturate. One scale, one for each place along `axis`, or one for each block of block_size along it. Y's
 * type is the zero point's, or output_dtype, or u8. Differs from ONNX: `precision` is the scale's.
 * Cost: one division (a transcendental) an element, and an addition if there is a zero point.
 * Gradient: zero almost everywhere. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/quantize.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "block_size", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "output_dtype", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "precision", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "saturate", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *zero = in->in[2];
    int64_t                   asked = assay_node_i64(in->node, "output_dtype", 0), precision = assay_node_i64(in->node, "precision", 0);
    enum assay_dtype          out = zero ? zero->dtype : asked ? assay_onnx_dtype(asked) : ASSAY_U8;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT | ASSAY_TYPE(ASSAY_I32), err);
    if (!code)
        code = assay_infer_type(in, 1, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_type(in, 2, ASSAY_TYPES_QUANTIZED, err);
    if (!code)
        code = assay_infer_range(in, "saturate", 0, 1, err);
    if (!code)
        code = assay_infer_scales(in, err);
    if (code)
        return code;
    if (!(ASSAY_TYPES_QUANTIZED >> out & 1) || (asked && assay_onnx_dtype(asked) != out))
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "output_dtype %" PRId64 " is not one to quantize to", asked);
    if (precision && assay_onnx_dtype(precision) != in->in[1]->dtype)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "precision must be the scale's type, got %" PRId64,
                                  precision);
    assay_infer_set_i64(in, "output_dtype", assay_onnx_number(out));
    assay_infer_output(in, 0, out, x->rank, x->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_transcendentals(cost, 1, assay_output_elements(g, node, 0));
    assay_cost_flops(cost, node->n_inputs > 2, assay_output_elements(g, node, 0));
}

ASSAY_OP_IR(QuantizeLinear) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = assay_gradient_zero};
