/* assay.Sgd(R, P, G, M?, scale?): g = G scale + weight_decay P; with M (which momentum needs) M' = momentum M + g and
 * P' = P - R M', without it P' = P - R g. R and scale are one number each.
 * Cost an element: two flops for the step, one for scale, two for weight_decay, two for M, each where it is. */
#include "harness/ir/update.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "momentum", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.0},
    {.name = "weight_decay", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.0},
    {.name = NULL},
};

enum { R, P, G, M, SCALE };

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    double momentum = assay_node_f64(in->node, "momentum", 0);
    enum assay_code code = assay_infer_scalar(in, R, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_alike(in, P, M, err);
    if (!code)
        code = assay_infer_scalar(in, SCALE, ASSAY_TYPES_FLOAT, err);
    if (code)
        return code;
    if (momentum < 0 || momentum >= 1)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "momentum must be in [0,1), got %g", momentum);
    if (!in->in[M] && (momentum > 0 || in->out[1]))
        return ASSAY_INFER_REFUSE(in, err, P, ASSAY_INFER_NONE, "momentum needs M, where it is kept");
    assay_infer_next(in, 0, P);
    if (in->in[M])
        assay_infer_next(in, 1, M);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t n = assay_output_elements(g, node, 0), scaled = assay_input_elements(g, node, SCALE) > 0;
    uint64_t kept = node->n_inputs > M && node->inputs[M] != ASSAY_NO_VALUE;
    assay_cost_flops(cost, 2 + scaled + 2 * kept + (assay_node_f64(node, "weight_decay", 0) != 0 ? 2 : 0), n);
}

ASSAY_OP_IR(Sgd) = {.attrs = attrs, .infer = infer, .cost = cost};
