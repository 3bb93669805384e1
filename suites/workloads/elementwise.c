/* One element-wise op over n elements: two operands for the arithmetic ones, one for the functions. */
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

struct elementwise {
    int64_t          op, elements;
    enum assay_dtype dtype;
};

/* The name in the case and the op it stands for; operands and the range in which the op is defined and not constant. */
static const struct {
    const char       *op;
    size_t            operands;
    struct assay_fill fill;
} ops[] = {
    {"Add", 2, {ASSAY_FILL_UNIFORM, -1, 1}},   {"Sub", 2, {ASSAY_FILL_UNIFORM, -1, 1}},
    {"Mul", 2, {ASSAY_FILL_UNIFORM, -1, 1}},   {"Div", 2, {ASSAY_FILL_UNIFORM, 0.5, 1.5}},
    {"Sqrt", 1, {ASSAY_FILL_UNIFORM, 0, 4}},   {"Exp", 1, {ASSAY_FILL_UNIFORM, -8, 8}},
    {"Log", 1, {ASSAY_FILL_UNIFORM, 0.01, 8}}, {"Erf", 1, {ASSAY_FILL_UNIFORM, -3, 3}},
    {"Tanh", 1, {ASSAY_FILL_UNIFORM, -4, 4}},  {"Sigmoid", 1, {ASSAY_FILL_UNIFORM, -8, 8}},
    {"Relu", 1, {ASSAY_FILL_UNIFORM, -1, 1}},  {"Gelu", 1, {ASSAY_FILL_UNIFORM, -4, 4}},
    {"Swish", 1, {ASSAY_FILL_UNIFORM, -8, 8}},
};
static const char *const names[] = {"add", "sub", "mul", "div", "sqrt", "exp", "log", "erf", "tanh", "sigmoid",
                                    "relu", "gelu", "swish", NULL};

static const struct assay_option params[] = {
    {.name = "op", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct elementwise, op), .dflt = "add", .choices = names,
     .help = "which function"},
    ASSAY_PARAM_SIZE(struct elementwise, elements, "elements", "4194304", "elements of each operand"),
    ASSAY_PARAM_DTYPE(struct elementwise, dtype),
    {0},
};

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct elementwise *p = given;
    (void)phase;
    int32_t in[2];
    for (size_t i = 0; i < ops[p->op].operands; i++)
        in[i] = assay_graph_input(g, i ? "B" : "A", p->dtype, 1, &p->elements, ops[p->op].fill);
    assay_graph_output(g, assay_graph_op(g, ops[p->op].op, "C", in, ops[p->op].operands, NULL));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_elementwise = {
    .name = "elementwise",
    .summary = "one element-wise op",
    .params = params,
    .params_bytes = sizeof(struct elementwise),
    .headline = "bytes_per_s",
    .batch = "elements",
    .build = build,
};
