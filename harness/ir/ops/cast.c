/* Cast: X in the type whose ONNX number is `to` (ONNX Cast-24). Of floats, rounded to nearest even; to integers, cut towards
 * zero; of integers to narrower ones, the low bits; to bool, whether it is not zero. saturate: what an 8-bit float cannot
 * hold becomes its largest number, else infinity or NaN. Differs from ONNX: there is no cast to f8e8m0, so round_mode is
 * not looked at.
 * Cost: bytes only. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "to", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "saturate", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "round_mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "up"},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    int64_t          to = assay_node_i64(in->node, "to", 0);
    enum assay_dtype dtype = assay_onnx_dtype(to);
    enum assay_code  code = assay_infer_range(in, "saturate", 0, 1, err);
    if (code)
        return code;
    if (dtype == ASSAY_DTYPE_NONE || dtype == ASSAY_F8E8M0)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "no cast to ONNX's type %" PRId64 " here", to);
    assay_infer_output(in, 0, dtype, in->in[0]->rank, in->in[0]->dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    int64_t back = assay_onnx_number(assay_graph_value(q->graph, q->node->inputs[0])->dtype);
    if (q->wanted[0])
        q->dx[0] = assay_gradient_op(q, "Cast", q->dy, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", back), ASSAY_ATTR_END});
}

ASSAY_OP_IR(Cast) = {.attrs = attrs, .infer = infer, .gradient = gradient};
