#include "harness/ir/transform/copy.h"

#include <stdlib.h>
#include <string.h>

#include "harness/ir/ops.h"

#include "assay/banned.h"

bool assay_graph_can_reveal(const struct assay_graph *g, int32_t value)
{
    const struct assay_value *v = assay_graph_value(g, value);
    return v && v->role == ASSAY_ROLE_TEMP && v->place == ASSAY_PLACE_DEVICE;
}

/* Without what it may be a part of. */
static int32_t add_whole(struct assay_graph *to, const struct assay_value *v, enum assay_role role)
{
    switch (role) {
    case ASSAY_ROLE_INPUT: return assay_graph_input(to, v->name, v->dtype, v->rank, v->dims, v->fill);
    case ASSAY_ROLE_CONTROL: return assay_graph_control(to, v->name, v->dtype, v->rank, v->dims, v->fill);
    case ASSAY_ROLE_PARAM: return assay_graph_param(to, v->name, v->dtype, v->rank, v->dims, v->fill);
    case ASSAY_ROLE_STATE: return assay_graph_state(to, v->name, v->dtype, v->rank, v->dims, v->fill);
    case ASSAY_ROLE_CONST: return assay_graph_const(to, v->name, v->dtype, v->rank, v->dims, v->data);
    case ASSAY_ROLE_TEMP:
    case ASSAY_ROLE_OUTPUT: break;
    }
    assay_graph_refuse(to, ASSAY_INTERNAL, "nothing gives or writes value '%s'", v->name);
    return ASSAY_NO_VALUE;
}

int32_t assay_graph_copy_given(struct assay_graph *to, const struct assay_value *v, enum assay_role role)
{
    int32_t there = add_whole(to, v, role);
    if (v->part && there != ASSAY_NO_VALUE)
        assay_graph_part(to, there, v->part);
    return there;
}

void assay_graph_copy_node(struct assay_graph *to, const struct assay_graph *g, uint32_t node, const int32_t *inputs, int32_t *out)
{
    const struct assay_node *n = &g->nodes[node];
    struct assay_attr       *attrs = calloc((size_t)n->n_attrs + 1, sizeof *attrs);
    const char             **names = calloc((size_t)n->n_outputs + 1, sizeof *names);
    if (attrs && names) {
        for (uint32_t i = 0; i < n->n_attrs; i++)
            attrs[i] = n->attrs[i];
        attrs[n->n_attrs] = ASSAY_ATTR_END;
        for (uint32_t o = 0; o < n->n_outputs; o++)
            names[o] = n->outputs[o] == ASSAY_NO_VALUE ? NULL : g->values[n->outputs[o]].name;
        assay_graph_op_outputs(to, n->op->qualified, names, n->n_outputs, inputs, n->n_inputs, attrs, out);
    } else {
        assay_graph_refuse(to, ASSAY_MEMORY, "no memory for a copy of node '%s'", n->name);
    }
    free(attrs);
    free(names);
}

/* A copy that keeps numbers must meet each of them in turn. */
static void must_be(struct assay_graph *to, const struct assay_value *v, int32_t here, int32_t there)
{
    if (here != there)
        assay_graph_refuse(to, ASSAY_INTERNAL, "value '%s' is number %d of the copy and %d of the graph", v->name, here, there);
}

static void copy_node(struct assay_graph *to, const struct assay_graph *g, uint32_t node)
{
    const struct assay_node *n = &g->nodes[node];
    int32_t                 *out = calloc((size_t)n->n_outputs + 1, sizeof *out);
    if (!out) {
        assay_graph_refuse(to, ASSAY_MEMORY, "no memory for a copy of node '%s'", n->name);
        return;
    }
    assay_graph_copy_node(to, g, node, n->inputs, out);
    for (uint32_t o = 0; o < n->n_outputs; o++)
        if (n->outputs[o] != ASSAY_NO_VALUE)
            must_be(to, &g->values[n->outputs[o]], out[o], n->outputs[o]);
    free(out);
}

static void finish_value(struct assay_graph *to, const struct assay_graph *g, int32_t value, bool shown)
{
    const struct assay_value *v = &g->values[value];
    if (v->place != ASSAY_PLACE_DEVICE)
        assay_graph_place(to, value, v->place);
    if (v->frozen)
        assay_graph_freeze(to, value);
    if (v->checkpoint)
        assay_graph_checkpoint(to, value);
    if (v->role == ASSAY_ROLE_OUTPUT || (shown && assay_graph_can_reveal(g, value)))
        assay_graph_output(to, value);
    if (v->alias_of != ASSAY_NO_VALUE)
        assay_graph_alias(to, value, v->alias_of);
}

static enum assay_code finish(struct assay_graph *to, struct assay_graph **out, struct assay_error *err)
{
    enum assay_code code = assay_graph_finish(to, err);
    if (code)
        assay_graph_free(to);
    else
        *out = to;
    return code;
}

enum assay_code assay_graph_reveal(const struct assay_graph *g, const bool *shown, struct assay_graph **out, struct assay_error *err)
{
    struct assay_graph *to = assay_graph_new(g->name);
    uint32_t            nodes = 0;
    if (!to)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct assay_value *v = &g->values[i];
        if (v->producer < 0)
            must_be(to, v, assay_graph_copy_given(to, v, v->role), (int32_t)i);
        else if (v->producer >= (int32_t)nodes)
            copy_node(to, g, nodes++);
    }
    for (uint32_t i = 0; i < g->n_values; i++)
        finish_value(to, g, (int32_t)i, shown[i]);
    return finish(to, out, err);
}

enum assay_code assay_graph_excerpt(const struct assay_graph *g, uint32_t node, struct assay_graph **out, int32_t *value,
                                    struct assay_error *err)
{
    const struct assay_node *n = &g->nodes[node];
    struct assay_graph      *to = assay_graph_new("excerpt");
    int32_t                 *operand = calloc((size_t)n->n_inputs + n->n_outputs + 1, sizeof *operand), *made;
    if (!to || !operand) {
        free(operand);
        assay_graph_free(to);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph of one node");
    }
    made = operand + n->n_inputs;
    for (uint32_t i = 0; i < g->n_values; i++)
        value[i] = ASSAY_NO_VALUE;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        int32_t of = n->inputs[i];
        operand[i] = ASSAY_NO_VALUE;
        if (of == ASSAY_NO_VALUE)
            continue;
        const struct assay_value *v = &g->values[of];
        bool keeps = v->role == ASSAY_ROLE_CONST || v->role == ASSAY_ROLE_CONTROL;
        if (value[of] == ASSAY_NO_VALUE) {
            value[of] = assay_graph_copy_given(to, v, keeps ? v->role : ASSAY_ROLE_INPUT);
            if (v->place != ASSAY_PLACE_DEVICE)
                assay_graph_place(to, value[of], v->place);
        }
        operand[i] = value[of];
    }
    assay_graph_copy_node(to, g, node, operand, made);
    for (uint32_t o = 0; o < n->n_outputs; o++) {
        if (n->outputs[o] == ASSAY_NO_VALUE)
            continue;
        value[n->outputs[o]] = made[o];
        if (g->values[n->outputs[o]].place != ASSAY_PLACE_DEVICE)
            assay_graph_place(to, made[o], g->values[n->outputs[o]].place);
        assay_graph_output(to, made[o]);
    }
    free(operand);
    return finish(to, out, err);
}
