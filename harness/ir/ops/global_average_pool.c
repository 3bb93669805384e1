/* GlobalAveragePool (ONNX 22): the mean over all spatial axes of X [n, c, d1, ..], as Y [n, c, 1, ..].
 * Cost of an output element, a mean of n: n - 1 additions and a multiplication by the reciprocal of n. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t dims[ASSAY_MAX_RANK];
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_rank(in, 0, 3, ASSAY_MAX_RANK, err);
    if (code)
        return code;
    for (int32_t i = 0; i < x->rank; i++) {
        dims[i] = i < 2 ? x->dims[i] : 1;
        if (i >= 2 && x->dims[i] == 0)
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE,
                                      "axis %" PRId32 " is empty, and of nothing there is no mean", i);
    }
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, 1, assay_input_elements(g, node, 0));
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    double n = (double)assay_shape_count(x.dims, 2, x.rank);
    int32_t each = assay_gradient_binary(q, "Mul", q->dy[0], assay_gradient_number(q, q->dy[0], 1 / n));
    int32_t shape = assay_gradient_i64s(q, (size_t)x.rank, x.dims);
    q->dx[0] = assay_gradient_op(q, "Expand", (int32_t[]){each, shape}, 2, NULL);
}

ASSAY_OP_IR(GlobalAveragePool) = {.infer = infer, .cost = cost, .gradient = gradient};
