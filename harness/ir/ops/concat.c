/* Concat: the inputs one after the other along `axis` (ONNX Concat-13).
 * Cost: bytes only. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   axis;
    enum assay_code           code = assay_infer_axis(in, "axis", &axis, err);
    if (code)
        return code;
    memcpy(dims, x->dims, sizeof dims);
    for (int i = 1; i < (int)in->node->n_inputs; i++) {
        const struct assay_value *v = in->in[i];
        if (!v)
            return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "input %d is absent", i);
        if ((code = assay_infer_same_type(in, 0, i, err)))
            return code;
        for (int32_t d = 0; d < x->rank; d++)
            if (v->rank != x->rank || (d != axis && v->dims[d] != x->dims[d]))
                return ASSAY_INFER_REFUSE(in, err, 0, i, "they differ in more than axis %" PRId32, axis);
        dims[axis] += v->dims[axis];
    }
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

/* The parts of dy, by one Split. */
static void gradient(const struct assay_gradient *q)
{
    int64_t axis = assay_node_i64(q->node, "axis", 0), sizes[ASSAY_OP_MAX_OPERANDS];
    bool    want[ASSAY_OP_MAX_OPERANDS];
    int32_t out[ASSAY_OP_MAX_OPERANDS];
    for (uint32_t i = 0; i < q->node->n_inputs; i++) {
        sizes[i] = assay_graph_value(q->graph, q->node->inputs[i])->dims[axis];
        want[i] = q->wanted[i] || i == 0;
    }
    int32_t list = assay_gradient_i64s(q, q->node->n_inputs, sizes);
    assay_gradient_op_outputs(q, "Split", (int32_t[]){q->dy[0], list}, 2,
                              (struct assay_attr[]){ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END}, want, q->node->n_inputs, out);
    for (uint32_t i = 0; i < q->node->n_inputs; i++)
        if (q->wanted[i])
            q->dx[i] = out[i];
}

ASSAY_OP_IR(Concat) = {.attrs = attrs, .infer = infer, .gradient = gradient};
