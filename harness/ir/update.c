#include "harness/ir/update.h"

#include "assay/banned.h"

enum assay_code assay_infer_scalar(const struct assay_infer *in, int i, uint32_t types, struct assay_error *err)
{
    enum assay_code code = assay_infer_type(in, i, types, err);
    if (!code && in->in[i] && in->in[i]->rank != 0)
        return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "it must be one number, without axes");
    return code;
}

enum assay_code assay_infer_alike(const struct assay_infer *in, int first, int last, struct assay_error *err)
{
    enum assay_code code = ASSAY_OK;
    for (int i = first; !code && i <= last; i++) {
        code = assay_infer_type(in, i, ASSAY_TYPES_FLOAT, err);
        if (!code)
            code = assay_infer_same_shape(in, first, i, err);
    }
    return code;
}

void assay_infer_next(const struct assay_infer *in, int o, int i)
{
    assay_infer_output(in, o, in->in[i]->dtype, in->in[i]->rank, in->in[i]->dims);
}

const struct assay_attr_row assay_adam_attrs[] = {
    {.name = "beta1", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.9},
    {.name = "beta2", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.999},
    {.name = "epsilon", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 1e-8},
    {.name = "weight_decay", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_DEFAULT, .f = 0.0},
    {.name = NULL},
};

static enum assay_code check_number(const struct assay_infer *in, const char *name, double below, struct assay_error *err)
{
    double number = assay_node_f64(in->node, name, 0);
    if (number >= 0 && number < below)
        return ASSAY_OK;
    return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "%s must be in [0,%g), got %g", name, below, number);
}

/* Operands stand as step, param, gradient, first moment, second moment, scale. */
enum assay_code assay_infer_adam(const struct assay_infer *in, int step, int param, struct assay_error *err)
{
    enum assay_code code = assay_infer_scalar(in, step, ASSAY_TYPE(ASSAY_I64), err);
    if (!code)
        code = assay_infer_alike(in, param, param + 3, err);
    if (!code)
        code = assay_infer_scalar(in, param + 4, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = check_number(in, "beta1", 1, err);
    if (!code)
        code = check_number(in, "beta2", 1, err);
    if (!code)
        code = check_number(in, "epsilon", 1e30, err);
    if (!code)
        code = check_number(in, "weight_decay", 1e30, err);
    for (int i = 0; !code && i < 3; i++)
        assay_infer_next(in, i, i ? param + 1 + i : param);
    return code;
}

void assay_cost_adam(const struct assay_graph *g, const struct assay_node *node, int param, struct assay_cost *cost)
{
    uint64_t n = assay_output_elements(g, node, 0);
    bool scaled = assay_input_elements(g, node, (uint32_t)param + 4) > 0;
    assay_cost_flops(cost, 3 + 4 + 2 + 1 + (scaled ? 1 : 0) + (assay_node_f64(node, "weight_decay", 0) != 0 ? 2 : 0), n);
    assay_cost_transcendentals(cost, 2, n);
    assay_cost_transcendentals(cost, 4, 1);
}
