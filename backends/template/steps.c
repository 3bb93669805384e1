#include "steps.h"

#include <string.h>

#include "assay/banned.h"

/* The caller of an accessor says how large its struct is; the host fills what it knows. */
struct assay_value_view step_value(const struct assay_graph *g, int32_t value)
{
    struct assay_value_view view;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    (void)host->graph_value(g, (uint32_t)value, &view);
    return view;
}

static struct assay_node_view node_of(const struct assay_graph *g, uint32_t node)
{
    struct assay_node_view view;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    (void)host->graph_node(g, node, &view);
    return view;
}

static float *floats(unsigned char *const *memory, int32_t value)
{
    return (float *)(void *)memory[value];
}

static void run_matmul(const struct step *s, unsigned char *const *memory)
{
    kernel_matmul(floats(memory, s->a), floats(memory, s->b), floats(memory, s->out), s->m, s->k, s->n);
}

static void run_add(const struct step *s, unsigned char *const *memory)
{
    kernel_add(&s->walk, floats(memory, s->a), floats(memory, s->b), floats(memory, s->out));
}

static void run_mul(const struct step *s, unsigned char *const *memory)
{
    kernel_mul(&s->walk, floats(memory, s->a), floats(memory, s->b), floats(memory, s->out));
}

static void run_relu(const struct step *s, unsigned char *const *memory)
{
    kernel_relu(floats(memory, s->a), floats(memory, s->out), s->elements);
}

static void run_softmax(const struct step *s, unsigned char *const *memory)
{
    kernel_softmax(floats(memory, s->a), floats(memory, s->out), s->m, s->k, s->n);
}

/* Each plan_ function fills a step from a node, or says why this device does not run it. */

static bool plan_matmul(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not)
{
    struct assay_value_view a = step_value(g, step->a), b = step_value(g, step->b), c = step_value(g, step->out);
    (void)node;
    if (a.rank != 2 || b.rank != 2) {
        assay_text_add(why_not, "MatMul is done for two matrices, not for ranks %d and %d", (int)a.rank, (int)b.rank);
        return false;
    }
    if (c.alias_of == step->a || c.alias_of == step->b) {
        assay_text_add(why_not, "MatMul cannot write over its own operand '%s'", step_value(g, c.alias_of).name);
        return false;
    }
    step->run = run_matmul;
    step->m = a.dims[0];
    step->k = a.dims[1];
    step->n = b.dims[1];
    return true;
}

/* Steps of an operand through the output's shape, axes aligned at the end. */
static void broadcast(const struct assay_value_view *operand, int32_t rank, int64_t *steps)
{
    int64_t stride = 1;
    for (int32_t axis = rank - 1, own = operand->rank - 1; axis >= 0; axis--, own--) {
        steps[axis] = own >= 0 && operand->dims[own] != 1 ? stride : 0;
        stride *= own >= 0 ? operand->dims[own] : 1;
    }
}

static bool plan_binary(const struct assay_graph *g, struct step *step, step_fn *run)
{
    struct assay_value_view a = step_value(g, step->a), b = step_value(g, step->b), c = step_value(g, step->out);
    step->run = run;
    step->walk.rank = c.rank;
    memcpy(step->walk.dims, c.dims, sizeof c.dims);
    broadcast(&a, c.rank, step->walk.a_step);
    broadcast(&b, c.rank, step->walk.b_step);
    return true;
}

static bool plan_add(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return plan_binary(g, step, run_add);
}

static bool plan_mul(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    return plan_binary(g, step, run_mul);
}

static bool plan_relu(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not)
{
    (void)node;
    (void)why_not;
    step->run = run_relu;
    step->elements = (size_t)step_value(g, step->out).elements;
    return true;
}

static bool plan_softmax(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not)
{
    struct assay_value_view x = step_value(g, step->a);
    int64_t axis = -1;
    (void)why_not;
    (void)host->attr_i64(g, node, "axis", &axis);
    axis += axis < 0 ? x.rank : 0;
    step->run = run_softmax;
    step->m = 1;
    step->k = x.dims[axis];
    step->n = 1;
    for (int32_t i = 0; i < x.rank; i++)
        *(i < axis ? &step->m : &step->n) *= i == axis ? 1 : x.dims[i];
    return true;
}

static const struct {
    const char *op;
    uint32_t n_inputs;
    bool (*plan)(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not);
} known_ops[] = {
    {"MatMul", 2, plan_matmul}, {"Add", 2, plan_add},         {"Mul", 2, plan_mul},
    {"Relu", 1, plan_relu},     {"Softmax", 1, plan_softmax},
};

static bool all_f32(const struct assay_graph *g, const struct assay_node_view *node, struct assay_text *why_not)
{
    for (uint32_t i = 0; i < node->n_inputs + node->n_outputs; i++) {
        int32_t value = i < node->n_inputs ? node->inputs[i] : node->outputs[i - node->n_inputs];
        struct assay_value_view view = step_value(g, value);
        if (view.dtype != ASSAY_F32) {
            assay_text_add(why_not, "'%s' is %s; this device computes in f32 only", view.name,
                           assay_dtype_name(view.dtype));
            return false;
        }
    }
    return true;
}

bool step_plan(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not)
{
    struct assay_node_view view = node_of(g, node);
    for (size_t i = 0; i < sizeof known_ops / sizeof *known_ops; i++) {
        if (view.domain[0] || strcmp(view.op, known_ops[i].op) != 0)
            continue;
        if (!all_f32(g, &view, why_not))
            return false;
        step->a = view.inputs[0];
        step->b = known_ops[i].n_inputs > 1 ? view.inputs[1] : ASSAY_NO_VALUE;
        step->out = view.outputs[0];
        return known_ops[i].plan(g, node, step, why_not);
    }
    assay_text_add(why_not, "op %s%s%s is not among MatMul, Add, Mul, Relu, Softmax", view.domain,
                   view.domain[0] ? "." : "", view.op);
    return false;
}
