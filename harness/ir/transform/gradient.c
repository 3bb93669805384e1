#include "harness/ir/transform/gradient.h"

#include <stdlib.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/steps.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

/* The walk. Arrays are by value or by node of the forward half, which the walk does not change. */
struct walk {
    struct assay_graph  *graph;
    uint32_t             n_values, n_nodes; /* of the forward half */
    enum assay_recompute recompute;
    bool                *wanted; /* value hangs on something that is asked for */
    int32_t             *grad;   /* gradient so far, or ASSAY_NO_VALUE */
    int32_t             *again;  /* the recomputed copy of a value, or ASSAY_NO_VALUE */
};

/* ---- recomputation --------------------------------------------------------------------------------------------- */

static bool is_costly(const struct assay_node *node)
{
    static const char *const costly[] = {"MatMul", "Gemm", "Conv", "Attention", "GroupedMatMul"};
    for (size_t i = 0; i < sizeof costly / sizeof *costly; i++)
        if (!strcmp(node->op->name, costly[i]))
            return true;
    return false;
}

/* What goes from one rank to another goes once. */
static bool is_message(const struct assay_node *node)
{
    return !strcmp(node->op->qualified, "assay.Send") || !strcmp(node->op->qualified, "assay.Receive");
}

static bool is_kept(const struct walk *w, int32_t value)
{
    const struct assay_value *v = assay_graph_value(w->graph, value);
    if (v->producer >= 0 && is_message(&w->graph->nodes[v->producer]))
        return true;
    if (w->recompute == ASSAY_RECOMPUTE_NONE || v->producer < 0 || v->role == ASSAY_ROLE_OUTPUT || v->checkpoint)
        return true;
    return w->recompute == ASSAY_RECOMPUTE_SELECTIVE && is_costly(&w->graph->nodes[v->producer]);
}

/* Makes node `index` again, from operands that are kept or were made again already. */
static void clone_node(struct walk *w, uint32_t index)
{
    const struct assay_node node = w->graph->nodes[index];
    struct assay_gradient   q = {.graph = w->graph, .node = &node};
    struct assay_attr       attrs[ASSAY_GRADIENT_MAX_ATTRS];
    int32_t                 in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    bool                    want[ASSAY_OP_MAX_OPERANDS] = {false};
    for (uint32_t i = 0; i < node.n_inputs; i++) {
        in[i] = node.inputs[i];
        if (in[i] != ASSAY_NO_VALUE && !is_kept(w, in[i]))
            in[i] = w->again[in[i]];
    }
    for (uint32_t o = 0; o < node.n_outputs; o++)
        want[o] = node.outputs[o] != ASSAY_NO_VALUE;
    (void)assay_gradient_attrs(&q, attrs);
    assay_gradient_op_outputs(&q, node.op->qualified, in, node.n_inputs, attrs, want, node.n_outputs, out);
    for (uint32_t o = 0; o < node.n_outputs; o++)
        if (want[o])
            w->again[node.outputs[o]] = out[o];
}

/* The value as the backward half reads it. The nodes it stands on are cloned in their order: marked by a walk back over
 * the forward nodes, then made. */
static int32_t read_again(struct walk *w, int32_t value)
{
    if (value == ASSAY_NO_VALUE || is_kept(w, value) || w->again[value] != ASSAY_NO_VALUE)
        return value == ASSAY_NO_VALUE || is_kept(w, value) ? value : w->again[value];
    uint32_t last = (uint32_t)w->graph->values[value].producer, first = last;
    bool    *marked = calloc((size_t)w->n_nodes + 1, sizeof *marked);
    if (!marked) {
        assay_graph_refuse(w->graph, ASSAY_MEMORY, "no memory to recompute '%s'", w->graph->values[value].name);
        return ASSAY_NO_VALUE;
    }
    marked[last] = true;
    for (uint32_t n = last + 1; n-- > 0;) {
        const struct assay_node *node = &w->graph->nodes[n];
        for (uint32_t i = 0; marked[n] && i < node->n_inputs; i++) {
            int32_t v = node->inputs[i];
            if (v != ASSAY_NO_VALUE && !is_kept(w, v) && w->again[v] == ASSAY_NO_VALUE)
                marked[w->graph->values[v].producer] = true;
        }
        first = marked[n] ? n : first;
    }
    for (uint32_t n = first; n <= last; n++)
        if (marked[n])
            clone_node(w, n);
    free(marked);
    return w->again[value];
}

/* ---- the walk back --------------------------------------------------------------------------------------------- */

static bool is_float(const struct walk *w, int32_t value)
{
    return assay_dtype_is_float(w->graph->values[value].dtype);
}

/* Which values hang on one that is asked for. */
static void mark_wanted(struct walk *w, const int32_t *wrt, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w->wanted[wrt[i]] = true;
    for (uint32_t k = 0; k < w->n_nodes; k++) {
        const struct assay_node *node = &w->graph->nodes[k];
        bool                     any = false;
        for (uint32_t i = 0; i < node->n_inputs; i++)
            any |= node->inputs[i] != ASSAY_NO_VALUE && w->wanted[node->inputs[i]];
        for (uint32_t o = 0; any && o < node->n_outputs; o++)
            if (node->outputs[o] != ASSAY_NO_VALUE && is_float(w, node->outputs[o]))
                w->wanted[node->outputs[o]] = true;
    }
}

static void add_share(struct walk *w, const struct assay_gradient *q, int32_t value, int32_t share)
{
    int32_t so_far = w->grad[value];
    w->grad[value] = so_far == ASSAY_NO_VALUE ? share : assay_gradient_binary(q, "Add", so_far, share);
}

static void step_back(struct walk *w, uint32_t index)
{
    const struct assay_node forward = w->graph->nodes[index];
    struct assay_node       node = forward;
    int32_t dy[ASSAY_OP_MAX_OPERANDS], dx[ASSAY_OP_MAX_OPERANDS], in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    bool    wanted[ASSAY_OP_MAX_OPERANDS] = {false}, hangs = false, asked = false;
    for (uint32_t o = 0; o < ASSAY_OP_MAX_OPERANDS; o++) {
        bool is = o < forward.n_outputs && forward.outputs[o] != ASSAY_NO_VALUE;
        dy[o] = is ? w->grad[forward.outputs[o]] : ASSAY_NO_VALUE;
        dx[o] = ASSAY_NO_VALUE;
        hangs |= dy[o] != ASSAY_NO_VALUE;
    }
    for (uint32_t i = 0; i < forward.n_inputs; i++)
        asked |= wanted[i] = forward.inputs[i] != ASSAY_NO_VALUE && w->wanted[forward.inputs[i]];
    if (!hangs || !asked)
        return;
    if (!forward.op->ir->gradient) {
        assay_graph_refuse(w->graph, ASSAY_UNSUPPORTED, "%s '%s' has no gradient", forward.op->qualified, forward.name);
        return;
    }
    for (uint32_t i = 0; i < forward.n_inputs; i++)
        in[i] = read_again(w, forward.inputs[i]);
    for (uint32_t o = 0; o < forward.n_outputs; o++)
        out[o] = read_again(w, forward.outputs[o]);
    node.inputs = in;
    node.outputs = out;
    struct assay_gradient q = {.graph = w->graph, .node = &node, .dy = dy, .wanted = wanted, .dx = dx};
    forward.op->ir->gradient(&q);
    for (uint32_t i = 0; i < forward.n_inputs; i++)
        if (wanted[i] && dx[i] != ASSAY_NO_VALUE)
            add_share(w, &q, forward.inputs[i], dx[i]);
}

/* d(loss)/d(loss) = 1. */
static int32_t seed(struct walk *w, int32_t loss)
{
    const struct assay_value *v = &w->graph->values[loss];
    double                    one = 1;
    unsigned char             bytes[8] = {0};
    char                      name[ASSAY_VALUE_NAME_BYTES];
    int64_t                   dims[ASSAY_MAX_RANK];
    if (v->elements != 1 || !is_float(w, loss)) {
        assay_graph_refuse(w->graph, ASSAY_CONFIG, "gradient: loss '%s' must be one float", v->name);
        return ASSAY_NO_VALUE;
    }
    assay_from_double(v->dtype, &one, 1, bytes);
    memcpy(dims, v->dims, sizeof dims);
    (void)snprintf(name, sizeof name, "%.112s'seed", v->name);
    return assay_graph_const(w->graph, name, v->dtype, v->rank, dims, bytes);
}

static void collect(struct walk *w, const int32_t *wrt, size_t n, int32_t *grads)
{
    for (size_t i = 0; i < n; i++) {
        grads[i] = w->grad[wrt[i]];
        if (grads[i] == ASSAY_NO_VALUE)
            assay_graph_refuse(w->graph, ASSAY_CONFIG, "gradient: the loss does not hang on '%s'", w->graph->values[wrt[i]].name);
    }
}

static bool are_values(struct assay_graph *g, int32_t loss, const int32_t *wrt, size_t n)
{
    bool good = assay_graph_value(g, loss) != NULL;
    for (size_t i = 0; i < n; i++)
        good &= assay_graph_value(g, wrt[i]) != NULL;
    if (!good)
        assay_graph_refuse(g, ASSAY_CONFIG, "gradient: a value that is not in graph '%s'", g->name);
    return good;
}

void assay_graph_gradient(struct assay_graph *g, int32_t loss, const int32_t *wrt, size_t n, enum assay_recompute recompute,
                          int32_t *grads)
{
    for (size_t i = 0; i < n; i++)
        grads[i] = ASSAY_NO_VALUE;
    if (g->first_error.code || !are_values(g, loss, wrt, n))
        return;
    size_t      room = (size_t)g->n_values + 1;
    struct walk w = {.graph = g, .n_values = g->n_values, .n_nodes = g->n_nodes, .recompute = recompute,
                     .wanted = calloc(room, sizeof *w.wanted), .grad = malloc(room * sizeof *w.grad),
                     .again = malloc(room * sizeof *w.again)};
    if (w.wanted && w.grad && w.again) {
        for (size_t v = 0; v < room; v++)
            w.grad[v] = w.again[v] = ASSAY_NO_VALUE;
        mark_wanted(&w, wrt, n);
        w.grad[loss] = seed(&w, loss);
        for (uint32_t k = w.n_nodes; k-- > 0 && !g->first_error.code;) {
            uint32_t step = assay_graph_step_of(g, k);
            assay_graph_step(g, step ? step | ASSAY_STEP_BACKWARD : 0);
            step_back(&w, k);
        }
        assay_graph_step(g, 0);
        if (!g->first_error.code)
            collect(&w, wrt, n, grads);
    } else {
        assay_graph_refuse(g, ASSAY_MEMORY, "gradient: no memory for graph '%s'", g->name);
    }
    free(w.wanted);
    free(w.grad);
    free(w.again);
}
