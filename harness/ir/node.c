/* Building a graph: nodes. A node is checked by its op's row (arity, attributes) and then by the op's inference. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/ir/build.h"
#include "harness/ir/ops.h"

#include "assay/banned.h"

#define MAX_ROWS 256 /* ops, and attributes of one op, among which a nearest name is looked for */

struct request {
    const char *op;
    const char *const *names;
    size_t n_outputs;
    const int32_t *inputs;
    size_t n_inputs;
    const struct assay_attr *attrs;
};

/* ---- the op and its operands --------------------------------------------------------------------------- */

static enum assay_code find_op(const char *name, const struct assay_op_row **row, struct assay_error *err)
{
    const char *names[MAX_ROWS], *nearest;
    size_t n;
    *row = name ? assay_op_find(name) : NULL;
    if (*row)
        return ASSAY_OK;
    const struct assay_op_row *rows = assay_op_rows(&n);
    for (size_t i = 0; i < n && i < MAX_ROWS; i++)
        names[i] = rows[i].name;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no op '%.64s'", name ? name : "");
    nearest = name ? assay_string_nearest(name, names, n < MAX_ROWS ? n : MAX_ROWS) : NULL;
    for (size_t i = 0; nearest && i < n; i++) {
        if (nearest == rows[i].name)
            (void)assay_error_hint(err, "did you mean '%s%s%s'?", rows[i].domain, rows[i].domain[0] ? "." : "",
                                   nearest);
    }
    return ASSAY_CONFIG;
}

static enum assay_code check_operands(const struct assay_graph *g, const struct assay_node *node,
                                      const struct request *ask, struct assay_error *err)
{
    const struct assay_op_row *op = node->op;
    if (ask->n_inputs < op->min_inputs || ask->n_inputs > op->max_inputs)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' takes %" PRIu32 "..%" PRIu32 " inputs, got %zu", op->name,
                          node->name, op->min_inputs, op->max_inputs, ask->n_inputs);
    if (ask->n_outputs < op->min_outputs || ask->n_outputs > op->max_outputs)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' gives %" PRIu32 "..%" PRIu32 " outputs, not %zu", op->name,
                          node->name, op->min_outputs, op->max_outputs, ask->n_outputs);
    for (size_t i = 0; i < ask->n_inputs; i++) {
        if (i < op->min_inputs && ask->inputs[i] == ASSAY_NO_VALUE)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': input %zu is absent but not optional", op->name, node->name,
                              i);
        if (ask->inputs[i] != ASSAY_NO_VALUE && !assay_graph_value(g, ask->inputs[i]))
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': input %zu is value %" PRId32 ", of which there is none",
                              op->name, node->name, i, ask->inputs[i]);
    }
    for (size_t o = 0; o < ask->n_outputs; o++) {
        if (!ask->names[o]) {
            if (o < op->min_outputs)
                return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': output %zu needs a name", op->name, node->name, o);
            continue;
        }
        enum assay_code code = assay_graph_check_name(g, "value", ask->names[o], err);
        for (size_t before = 0; !code && before < o; before++) {
            if (ask->names[before] && !strcmp(ask->names[before], ask->names[o]))
                code = ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': outputs %zu and %zu have the same name '%s'", op->name,
                                  node->name, before, o, ask->names[o]);
        }
        if (code)
            return code;
    }
    return ASSAY_OK;
}

/* Copies operand lists into the graph, without absent ones at their ends: equal nodes look equal. */
static enum assay_code take_operands(struct assay_graph *g, struct assay_node *node, const struct request *ask,
                                     struct assay_error *err)
{
    uint32_t n_inputs = (uint32_t)ask->n_inputs, n_outputs = (uint32_t)ask->n_outputs;
    while (n_inputs && ask->inputs[n_inputs - 1] == ASSAY_NO_VALUE)
        n_inputs--;
    while (n_outputs && !ask->names[n_outputs - 1])
        n_outputs--;
    int32_t *list = assay_arena_take(&g->memory->arena, n_inputs + n_outputs, sizeof *list);
    if (!list)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "out of memory for node '%s'", node->name);
    node->n_inputs = n_inputs;
    node->n_outputs = n_outputs;
    node->inputs = list;
    node->outputs = list + n_inputs;
    for (uint32_t i = 0; i < n_inputs; i++)
        node->inputs[i] = ask->inputs[i];
    for (uint32_t o = 0; o < n_outputs; o++)
        node->outputs[o] = ASSAY_NO_VALUE;
    return ASSAY_OK;
}

/* ---- attributes ---------------------------------------------------------------------------------------- */

static size_t count_rows(const struct assay_attr_row *rows)
{
    size_t n = 0;
    while (rows && rows[n].name)
        n++;
    return n;
}

static enum assay_code unknown_attr(const struct assay_node *node, const char *name, struct assay_error *err)
{
    const char *names[MAX_ROWS];
    const struct assay_attr_row *rows = node->op->ir->attrs;
    size_t n = count_rows(rows);
    for (size_t i = 0; i < n && i < MAX_ROWS; i++)
        names[i] = rows[i].name;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' has no attribute '%.64s'", node->op->name, node->name, name);
    const char *nearest = assay_string_nearest(name, names, n < MAX_ROWS ? n : MAX_ROWS);
    if (nearest)
        (void)assay_error_hint(err, "did you mean '%s'?", nearest);
    return ASSAY_CONFIG;
}

static const char *type_name(enum assay_attr_type type)
{
    switch (type) {
    case ASSAY_ATTR_I64:
        return "an integer";
    case ASSAY_ATTR_F64:
        return "a float";
    case ASSAY_ATTR_TEXT:
        return "a text";
    case ASSAY_ATTR_I64S:
        return "a list of integers";
    }
    return "of no known type";
}

static enum assay_code take_attr(struct assay_graph *g, const struct assay_node *node, const struct assay_attr_row *row,
                                 const struct assay_attr *given, struct assay_attr *slot, struct assay_error *err)
{
    const char *op = node->op->name;
    if (slot->name)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': attribute '%s' is given twice", op, node->name, row->name);
    if (given->type != row->type)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': attribute '%s' is %s, not %s", op, node->name, row->name,
                          type_name(row->type), type_name(given->type));
    if (given->type == ASSAY_ATTR_F64 && !isfinite(given->f))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': attribute '%s' is not finite", op, node->name, row->name);
    if (given->type == ASSAY_ATTR_I64S && given->n > ASSAY_ATTR_MAX_LENGTH)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': attribute '%s' has %zu numbers, more than %d", op, node->name,
                          row->name, given->n, ASSAY_ATTR_MAX_LENGTH);
    if (given->type == ASSAY_ATTR_TEXT && !given->text)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s': attribute '%s' has no text", op, node->name, row->name);
    *slot = *given;
    slot->name = row->name;
    if (given->type == ASSAY_ATTR_TEXT) {
        slot->text = assay_arena_text(&g->memory->arena, given->text);
        if (!slot->text)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "out of memory for attribute '%s'", row->name);
    }
    return ASSAY_OK;
}

/* One slot per row of the op's table, in its order; a slot without a name is an absent attribute. */
static enum assay_code take_attrs(struct assay_graph *g, struct assay_node *node, const struct assay_attr *given,
                                  struct assay_error *err)
{
    const struct assay_attr_row *rows = node->op->ir->attrs;
    size_t n = count_rows(rows);
    node->attrs = n ? assay_arena_take(&g->memory->arena, n, sizeof *node->attrs) : NULL;
    node->n_attrs = (uint32_t)n;
    if (n && !node->attrs)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "out of memory for the attributes of '%s'", node->name);
    for (; given && given->name; given++) {
        size_t i = 0;
        while (i < n && strcmp(rows[i].name, given->name) != 0)
            i++;
        enum assay_code code =
            i == n ? unknown_attr(node, given->name, err) : take_attr(g, node, &rows[i], given, &node->attrs[i], err);
        if (code)
            return code;
    }
    for (size_t i = 0; i < n; i++) {
        if (node->attrs[i].name)
            continue;
        if (rows[i].presence == ASSAY_ATTR_REQUIRED)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s '%s' needs attribute '%s'", node->op->name, node->name,
                              rows[i].name);
        if (rows[i].presence == ASSAY_ATTR_DEFAULT)
            node->attrs[i] = (struct assay_attr){
                .name = rows[i].name, .type = rows[i].type, .i = rows[i].i, .f = rows[i].f, .text = rows[i].text};
    }
    return ASSAY_OK;
}

/* Inference is over: closes the gaps of absent attributes. */
static void pack_attrs(struct assay_node *node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        if (node->attrs[i].name)
            node->attrs[kept++] = node->attrs[i];
    }
    node->n_attrs = kept;
}

/* ---- the node ------------------------------------------------------------------------------------------ */

static enum assay_code infer(struct assay_graph *g, struct assay_node *node, const struct request *ask,
                             struct assay_error *err)
{
    const struct assay_value *in[ASSAY_OP_MAX_OPERANDS] = {NULL};
    struct assay_value *out[ASSAY_OP_MAX_OPERANDS] = {NULL};
    struct assay_infer call = {.graph = g, .node = node, .in = in, .out = out};
    struct assay_value *next = &g->values[g->n_values]; /* reserved */
    for (uint32_t i = 0; i < node->n_inputs; i++)
        in[i] = assay_graph_value(g, node->inputs[i]);
    for (uint32_t o = 0; o < node->n_outputs; o++) {
        if (!ask->names[o])
            continue;
        *next = (struct assay_value){.role = ASSAY_ROLE_TEMP,
                                     .place = ASSAY_PLACE_DEVICE,
                                     .alias_of = ASSAY_NO_VALUE,
                                     .producer = (int32_t)g->n_nodes};
        (void)assay_string_copy(next->name, sizeof next->name, ask->names[o]);
        out[o] = next++;
    }
    enum assay_code code = node->op->ir->infer(&call, err);
    char what[ASSAY_VALUE_NAME_BYTES + 48];
    (void)snprintf(what, sizeof what, "%s '%.127s': output", node->op->name, node->name);
    for (uint32_t o = 0; !code && o < node->n_outputs; o++) {
        if (out[o])
            code = assay_value_measure(out[o], what, err);
    }
    return code;
}

static enum assay_code add_node(struct assay_graph *g, const struct request *ask, int32_t *out, struct assay_error *err)
{
    struct assay_node node = {.op = NULL};
    enum assay_code code = find_op(ask->op, &node.op, err);
    if (code)
        return code;
    if (ask->n_outputs && ask->names[0])
        (void)assay_string_copy(node.name, sizeof node.name, ask->names[0]);
    code = check_operands(g, &node, ask, err);
    if (!code)
        code = take_operands(g, &node, ask, err);
    if (!code)
        code = take_attrs(g, &node, ask->attrs, err);
    if (!code)
        code = assay_graph_reserve_values(g, node.n_outputs, err);
    if (!code)
        code = assay_graph_reserve_nodes(g, 1, err);
    if (!code)
        code = infer(g, &node, ask, err);
    for (uint32_t o = 0; !code && o < node.n_outputs; o++) {
        if (ask->names[o])
            code = assay_graph_admit(g, &node.outputs[o], err);
    }
    if (code)
        return code;
    pack_attrs(&node);
    for (uint32_t i = 0; i < node.n_inputs; i++) {
        if (node.inputs[i] != ASSAY_NO_VALUE)
            g->values[node.inputs[i]].readers++;
    }
    for (uint32_t o = 0; o < node.n_outputs; o++)
        out[o] = node.outputs[o];
    g->memory->step_of[g->n_nodes] = g->memory->step;
    g->nodes[g->n_nodes++] = node;
    return ASSAY_OK;
}

/* Under the names of the repetition that is being built. */
static enum assay_code add_repeated(struct assay_graph *g, const struct request *ask, int32_t *out, struct assay_error *err)
{
    char           room[ASSAY_OP_MAX_OPERANDS][ASSAY_VALUE_NAME_BYTES + 16];
    const char    *names[ASSAY_OP_MAX_OPERANDS] = {NULL};
    struct request again = *ask;
    if (ask->n_outputs > ASSAY_OP_MAX_OPERANDS)
        return add_node(g, ask, out, err); /* which refuses so many */
    for (size_t o = 0; o < ask->n_outputs; o++)
        names[o] = assay_graph_repeated_name(g, ask->names[o], room[o]);
    again.names = names;
    return add_node(g, &again, out, err);
}

void assay_graph_op_outputs(struct assay_graph *g, const char *op, const char *const *names, size_t n_outputs,
                            const int32_t *inputs, size_t n_inputs, const struct assay_attr *attrs, int32_t *out)
{
    const struct request ask = {op, names, n_outputs, inputs, n_inputs, attrs};
    struct assay_error err = {0};
    for (size_t o = 0; o < n_outputs; o++)
        out[o] = ASSAY_NO_VALUE;
    if (!assay_graph_open(g))
        return;
    if ((g->repetition ? add_repeated(g, &ask, out, &err) : add_node(g, &ask, out, &err)) != ASSAY_OK)
        assay_graph_keep(g, &err);
}

int32_t assay_graph_op(struct assay_graph *g, const char *op, const char *output, const int32_t *inputs,
                       size_t n_inputs, const struct assay_attr *attrs)
{
    int32_t out;
    assay_graph_op_outputs(g, op, &output, 1, inputs, n_inputs, attrs, &out);
    return out;
}
