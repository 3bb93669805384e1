/* TopK: along `axis` the k greatest (or least) of X in order, and where they stood (ONNX TopK-24). Of equals the one with the
 * lower index comes first. k is const input 1; `sorted` must be 1, since an order that is left open cannot be judged.
 * Cost: none, comparisons are not counted. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -1},
    {.name = "largest", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "sorted", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    const int64_t            *k;
    size_t                    n;
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   axis;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_NUMERIC, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (!code)
        code = assay_infer_range(in, "largest", 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "sorted", 1, 1, err);
    if (!code)
        code = assay_infer_const_i64s(in, 1, 1, &k, &n, err);
    if (code)
        return code;
    if (n != 1 || *k < 0 || *k > x->dims[axis])
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "k must be one number in 0..%" PRId64, x->dims[axis]);
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = *k;
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    assay_infer_output(in, 1, ASSAY_I64, x->rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    int64_t axis = assay_node_i64(q->node, "axis", 0), length = assay_graph_value(q->graph, q->node->inputs[0])->dims[axis];
    int32_t indices = q->node->n_outputs > 1 ? q->node->outputs[1] : ASSAY_NO_VALUE;
    if (indices == ASSAY_NO_VALUE) { /* nobody asked for them: chosen again */
        int32_t          out[2];
        struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
        (void)assay_gradient_attrs(q, list);
        assay_gradient_op_outputs(q, "TopK", q->node->inputs, 2, list, (const bool[]){true, true}, 2, out);
        indices = out[1];
    }
    q->dx[0] = assay_gradient_op(q, "assay.TopKGrad", (int32_t[]){q->dy[0], indices}, 2,
                                 (struct assay_attr[]){ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_INT("length", length), ASSAY_ATTR_END});
}

ASSAY_OP_IR(TopK) = {.attrs = attrs, .infer = infer, .gradient = gradient};
