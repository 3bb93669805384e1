/* assay.MoeRouteGrad: the gradient of MoeRoute's logits, of that of the weights, the logits, and the experts that were chosen.
 * With the scores s of the chosen and S their sum, ds_j = scale (dw_j - sum_i dw_i s_i / S) / S if normalized, else
 * scale dw_j. Of a sigmoid the logit of a chosen expert gets ds_j s_j (1 - s_j), the others nothing; of a softmax every
 * logit i gets p_i (ds_i - sum_j ds_j s_j), ds_i being 0 where i was not chosen.
 * Cost a token: the scores as in MoeRoute; for k chosen 5 k - 1 flops and a division if normalized, else k; of a softmax
 * 2 k - 1 and 2 an expert, of a sigmoid 3 k. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "scoring", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "softmax"},
    {.name = "normalize", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "scale", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dw = in->in[0], *logits = in->in[1];
    const char               *scoring = assay_node_text(in->node, "scoring", "softmax");
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_type(in, 2, ASSAY_TYPES_INDEX, err);
    for (int i = 0; !code && i < 3; i++)
        code = assay_infer_rank(in, i, 2, 2, err);
    if (!code)
        code = assay_infer_range(in, "normalize", 0, 1, err);
    if (code)
        return code;
    if (strcmp(scoring, "softmax") != 0 && strcmp(scoring, "sigmoid") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "scoring must be softmax or sigmoid, got '%s'", scoring);
    if (!assay_value_same_shape(dw, in->in[2]))
        return ASSAY_INFER_REFUSE(in, err, 0, 2, "the shapes must be equal");
    if (dw->dims[0] != logits->dims[0] || dw->dims[1] > logits->dims[1])
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "not weights of its tokens");
    assay_infer_output(in, 0, dw->dtype, 2, logits->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    const struct assay_value *dw = assay_graph_value(g, node->inputs[0]), *x = assay_graph_value(g, node->inputs[1]);
    uint64_t tokens = (uint64_t)x->dims[0], e = (uint64_t)x->dims[1], k = (uint64_t)dw->dims[1];
    bool     softmax = !strcmp(assay_node_text(node, "scoring", "softmax"), "softmax"), normalize = assay_node_i64(node, "normalize", 1) != 0;
    if (!e || !k)
        return;
    assay_cost_flops(cost, (softmax ? 5 * e - 1 + 2 * k - 1 : e + 3 * k) + (normalize ? 5 * k - 1 : k), tokens);
    assay_cost_transcendentals(cost, (softmax ? e + 1 : 2 * e) + normalize, tokens);
}

ASSAY_OP_IR(MoeRouteGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
