/* assay.MoePermute: a copy of each token's row for each of its experts, grouped by expert, in the order of the tokens (of a
 * token, of its experts) within each. Slot s = token k + j is the j-th expert of a token; `source` holds each row's slot,
 * `counts` how many rows each of num_experts experts got.
 * Cost: bytes only.
 * Gradient: a token gets the sum of its rows: MoeCombine with weights of 1. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "num_experts", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *experts = in->in[1];
    int64_t                   count = assay_node_i64(in->node, "num_experts", 0), rows;
    enum assay_code           code = assay_infer_type(in, 1, ASSAY_TYPES_INDEX, err);
    for (int i = 0; !code && i < 2; i++)
        code = assay_infer_rank(in, i, 2, 2, err);
    if (!code)
        code = assay_infer_range(in, "num_experts", 1, INT32_MAX, err);
    if (code)
        return code;
    if (x->dims[0] != experts->dims[0])
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "%" PRId64 " and %" PRId64 " tokens", x->dims[0], experts->dims[0]);
    rows = (int64_t)experts->elements;
    if (rows > INT32_MAX)
        return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "more slots than i32 numbers");
    assay_infer_output(in, 0, x->dtype, 2, (int64_t[]){rows, x->dims[1]});
    assay_infer_output(in, 1, ASSAY_I32, 1, &count);
    assay_infer_output(in, 2, ASSAY_I32, 1, &rows);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    int64_t slots[2] = {assay_graph_value(q->graph, q->node->inputs[1])->dims[0], assay_graph_value(q->graph, q->node->inputs[1])->dims[1]};
    int32_t source = q->node->n_outputs > 2 ? q->node->outputs[2] : ASSAY_NO_VALUE;
    if (!q->wanted[0])
        return;
    if (source == ASSAY_NO_VALUE) { /* nobody asked for it: sorted again */
        int32_t           out[3];
        struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
        (void)assay_gradient_attrs(q, list);
        assay_gradient_op_outputs(q, "assay.MoePermute", q->node->inputs, 2, list, (const bool[]){true, false, true}, 3, out);
        source = out[2];
    }
    int32_t one = assay_gradient_number(q, q->dy[0], 1), shape = assay_gradient_i64s(q, 2, slots);
    int32_t weights = assay_gradient_binary(q, "Expand", one, shape);
    q->dx[0] = assay_gradient_op(q, "assay.MoeCombine", (int32_t[]){q->dy[0], weights, source}, 3, NULL);
}

ASSAY_OP_IR(MoePermute) = {.attrs = attrs, .infer = infer, .gradient = gradient};
