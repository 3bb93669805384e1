/* assay.Send: X goes from the first of its two ranks, on which the node stands, to the second, where a Receive of the same `ranks`
 * takes it; several between the same two in the order of the graph. T, one zero of X's type (of f32 if that is no float), is there
 * when X is on its way, so that something can hang on it.
 * Cost: bytes only; a message of X's bytes.
 * Gradient: X's comes back from the other rank: Receive, behind dT. */
#include "harness/ir/gradient.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_ATTR_RANKS,
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_dtype dtype = in->in[0]->dtype;
    bool             is_real = ASSAY_TYPES_FLOAT >> dtype & 1;
    int64_t          n;
    enum assay_code  code = assay_infer_ranks(in, 1, 2, &n, err);
    if (!code)
        assay_infer_output(in, 0, is_real ? dtype : ASSAY_F32, 0, NULL);
    return code;
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    struct assay_attr        ranks = *assay_node_attr(q->node, "ranks");
    if (ranks.n == 2) {
        int64_t from = ranks.list[0];
        ranks.list[0] = ranks.list[1];
        ranks.list[1] = from;
    }
    q->dx[0] = assay_gradient_op(q, "assay.Receive", &q->dy[0], 1,
                                 (struct assay_attr[]){ranks, assay_gradient_list("shape", (size_t)x.rank, x.dims),
                                                       ASSAY_ATTR_INT("dtype", assay_onnx_number(x.dtype)), ASSAY_ATTR_END});
}

ASSAY_OP_IR(Send) = {.attrs = attrs, .infer = infer, .cost = assay_cost_payload, .gradient = gradient};
