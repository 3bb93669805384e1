/* What the reductions share: ReduceSum, ReduceMean, ReduceSumSquare, ReduceL2, ReduceMax, ReduceMin (ONNX 13, 18, 18, 18,
 * 20, 20). */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

const struct assay_attr_row assay_reduce_attrs[] = {
    {.name = "keepdims", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "noop_with_empty_axes", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code mark_axes(const struct assay_infer *in, const int64_t *axes, size_t n,
                                 bool folded[ASSAY_MAX_RANK], struct assay_error *err)
{
    int64_t rank = in->in[0]->rank;
    for (size_t i = 0; i < n; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axes[i] < -rank || axis >= rank)
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId64 " is not an axis of it", axes[i]);
        if (folded[axis])
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId64 " is given twice", axes[i]);
        folded[axis] = true;
    }
    return ASSAY_OK;
}

enum assay_code assay_infer_reduce(const struct assay_infer *in, uint32_t types, bool empty, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    bool folded[ASSAY_MAX_RANK] = {false};
    const int64_t *axes = NULL;
    size_t n_axes = 0;
    enum assay_code code = assay_infer_type(in, 0, types, err);
    if (!code)
        code = assay_infer_range(in, "keepdims", 0, 1, err);
    if (!code)
        code = assay_infer_range(in, "noop_with_empty_axes", 0, 1, err);
    if (!code && in->in[1])
        code = assay_infer_const_i64s(in, 1, ASSAY_MAX_RANK, &axes, &n_axes, err);
    if (!code)
        code = mark_axes(in, axes, n_axes, folded, err);
    if (code)
        return code;
    bool all = n_axes == 0 && !assay_node_i64(in->node, "noop_with_empty_axes", 0);
    bool keep = assay_node_i64(in->node, "keepdims", 1);
    int64_t dims[ASSAY_MAX_RANK];
    int32_t rank = 0;
    for (int32_t i = 0; i < x->rank; i++) {
        bool fold = all || folded[i];
        if (fold && !empty && x->dims[i] == 0)
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE,
                                      "axis %" PRId32 " is empty, and of nothing there is no mean", i);
        if (!fold || keep)
            dims[rank++] = fold ? 1 : x->dims[i];
    }
    assay_infer_output(in, 0, x->dtype, rank, dims);
    return ASSAY_OK;
}

void assay_reduce_axes(const struct assay_graph *g, const struct assay_node *node, bool folded[ASSAY_MAX_RANK])
{
    int32_t rank = assay_graph_value(g, node->inputs[0])->rank;
    const struct assay_value *axes = node->n_inputs > 1 ? assay_graph_value(g, node->inputs[1]) : NULL;
    size_t n = axes ? (size_t)axes->elements : 0;
    bool all = n == 0 && !assay_node_i64(node, "noop_with_empty_axes", 0);
    for (int32_t i = 0; i < ASSAY_MAX_RANK; i++)
        folded[i] = all && i < rank;
    for (size_t i = 0; i < n; i++) {
        int64_t axis = ((const int64_t *)axes->data)[i];
        folded[axis < 0 ? axis + rank : axis] = true;
    }
}

int32_t assay_gradient_kept(const struct assay_gradient *q, int32_t x)
{
    const struct assay_value *v = assay_graph_value(q->graph, q->node->inputs[0]);
    bool                      folded[ASSAY_MAX_RANK];
    int64_t                   kept[ASSAY_MAX_RANK];
    assay_reduce_axes(q->graph, q->node, folded);
    for (int32_t i = 0; i < v->rank; i++)
        kept[i] = folded[i] ? 1 : v->dims[i];
    return assay_node_i64(q->node, "keepdims", 1) ? x : assay_gradient_reshape(q, x, v->rank, kept);
}

int32_t assay_gradient_expand_reduced(const struct assay_gradient *q, int32_t x)
{
    const struct assay_value *v = assay_graph_value(q->graph, q->node->inputs[0]);
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   rank = v->rank;
    memcpy(dims, v->dims, sizeof dims);
    x = assay_gradient_kept(q, x);
    int32_t shape = assay_gradient_i64s(q, (size_t)rank, dims);
    return assay_gradient_binary(q, "Expand", x, shape);
}

int32_t assay_gradient_reduce_extreme(const struct assay_gradient *q, bool largest)
{
    int32_t x = q->node->inputs[0], rank = assay_graph_value(q->graph, x)->rank;
    bool    folded[ASSAY_MAX_RANK];
    int64_t axes[ASSAY_MAX_RANK];
    size_t  n = 0;
    assay_reduce_axes(q->graph, q->node, folded);
    for (int32_t d = 0; d < rank; d++)
        if (folded[d])
            axes[n++] = d;
    return assay_gradient_op(q, "assay.ReduceExtremeGrad", (int32_t[]){q->dy[0], x}, 2,
                             (struct assay_attr[]){assay_gradient_list("axes", n, axes),
                                                   ASSAY_ATTR_INT("keepdims", assay_node_i64(q->node, "keepdims", 1)),
                                                   ASSAY_ATTR_INT("largest", largest), ASSAY_ATTR_END});
}
