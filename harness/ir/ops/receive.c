/* assay.Receive: Y of type and shape as said (`dtype` by ONNX's number, that of T if absent) comes from the first of its two ranks to
 * the second, on which the node stands: what a Send of the same `ranks` gave. T, one number, is not looked at: the node stands behind
 * whatever made it. In a group of one nobody sends, and Y is zeros.
 * Cost: bytes only; a message of Y's bytes.
 * Gradient: Y's goes back to the other rank: Send, whose zero is T's. So the gradient is asked of a T that is wanted (an input of a
 * pipeline's stage), and then what came is answered. */
#include "harness/ir/gradient.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_ATTR_RANKS,
    {.name = "shape", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "dtype", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    int64_t          dims[ASSAY_MAX_RANK], n, number = assay_node_i64(in->node, "dtype", assay_onnx_number(in->in[0]->dtype));
    enum assay_dtype dtype = assay_onnx_dtype(number);
    int32_t          rank;
    enum assay_code  code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_rank(in, 0, 0, 0, err);
    if (!code)
        code = assay_infer_ranks(in, 1, 2, &n, err);
    if (!code)
        code = assay_infer_shape(in, "shape", &rank, dims, err);
    if (code)
        return code;
    if (dtype == ASSAY_DTYPE_NONE)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "dtype %lld is no type that there is here",
                                  (long long)number);
    assay_infer_set_i64(in, "dtype", number);
    assay_infer_output(in, 0, dtype, rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_value *t = assay_graph_value(q->graph, q->node->inputs[0]), *y = assay_graph_value(q->graph, q->node->outputs[0]);
    enum assay_dtype          dtype = t->dtype;
    bool                      is_same = y->dtype == dtype;
    struct assay_attr         ranks = *assay_node_attr(q->node, "ranks");
    if (ranks.n == 2) {
        int64_t from = ranks.list[0];
        ranks.list[0] = ranks.list[1];
        ranks.list[1] = from;
    }
    q->dx[0] = assay_gradient_op(q, "assay.Send", &q->dy[0], 1, (struct assay_attr[]){ranks, ASSAY_ATTR_END});
    if (!is_same)
        q->dx[0] = assay_gradient_op(q, "Cast", &q->dx[0], 1,
                                     (struct assay_attr[]){ASSAY_ATTR_INT("to", assay_onnx_number(dtype)), ASSAY_ATTR_END});
}

ASSAY_OP_IR(Receive) = {.attrs = attrs, .infer = infer, .cost = assay_cost_payload, .gradient = gradient};
