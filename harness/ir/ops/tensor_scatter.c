/* TensorScatter (ONNX 24): past_cache with `update` written over it along `axis` (not 0, that of the batch), in batch b from
 * write_indices[b] on (0 without them). mode "linear": all of it has room behind that index; "circular": it goes on at the
 * beginning. Of any type.
 * Cost: bytes only. They are counted as the definition reads; where the output takes over the cache's memory only `update`
 * moves. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = -2},
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

enum { PAST, UPDATE, INDICES };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *past = in->in[PAST], *update = in->in[UPDATE];
    int32_t axis;
    enum assay_code code = assay_infer_same_type(in, PAST, UPDATE, err);
    if (!code)
        code = check_mode(in, INDICES, &axis, err);
    if (code)
        return code;
    bool fits = update->rank == past->rank;
    for (int32_t i = 0; fits && i < past->rank; i++)
        fits = i == axis ? update->dims[i] <= past->dims[i] : update->dims[i] == past->dims[i];
    if (!fits)
        return ASSAY_INFER_REFUSE(in, err, PAST, UPDATE,
                                  "the second must have the first's shape, at most as long along axis %" PRId32,
                                  axis);
    assay_infer_output(in, 0, past->dtype, past->rank, past->dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_node *node = q->node;
    struct assay_attr list[ASSAY_GRADIENT_MAX_ATTRS];
    size_t n = assay_gradient_attrs(q, list);
    list[n] = ASSAY_ATTR_INT("length", assay_graph_value(q->graph, node->inputs[UPDATE])->dims[assay_node_i64(node, "axis", -2)]);
    list[n + 1] = ASSAY_ATTR_END;
    int32_t in[] = {q->dy[0], node->n_inputs > INDICES ? node->inputs[INDICES] : ASSAY_NO_VALUE};
    assay_gradient_op_outputs(q, "assay.TensorScatterGrad", in, 2, list, (bool[]){true, q->wanted[UPDATE]}, 2, q->dx);
}

ASSAY_OP_IR(TensorScatter) = {.attrs = attrs, .infer = infer, .gradient = gradient};
