#include "rebuild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

#include "assay/banned.h"

enum { MAX_ATTRS = 16 };

struct rebuild {
    const struct assay_host *host;
    const struct assay_graph *from;
    struct assay_graph *to;
    const struct rebuild_fault *fault;
    bool spoilt;
};

void rebuild_op_name(const struct assay_node_view *node, char name[96])
{
    (void)snprintf(name, 96, "%s%s%s", node->domain, node->domain[0] ? "." : "", node->op);
}

static struct assay_value_view value_of(const struct rebuild *r, uint32_t value)
{
    struct assay_value_view view = {.size = sizeof view};
    (void)r->host->graph_value(r->from, value, &view);
    return view;
}

/* How the host fills a value is no concern of a device. */
static int32_t add_given(struct rebuild *r, const struct assay_value_view *v)
{
    const struct assay_fill none = {ASSAY_FILL_NONE, 0, 0};
    switch (v->role) {
    case ASSAY_ROLE_INPUT:
        return assay_graph_input(r->to, v->name, v->dtype, v->rank, v->dims, none);
    case ASSAY_ROLE_CONTROL:
        return assay_graph_control(r->to, v->name, v->dtype, v->rank, v->dims, none);
    case ASSAY_ROLE_PARAM:
        return assay_graph_param(r->to, v->name, v->dtype, v->rank, v->dims, none);
    case ASSAY_ROLE_STATE:
        return assay_graph_state(r->to, v->name, v->dtype, v->rank, v->dims, none);
    case ASSAY_ROLE_CONST:
        return assay_graph_const(r->to, v->name, v->dtype, v->rank, v->dims, v->data);
    case ASSAY_ROLE_TEMP:
    case ASSAY_ROLE_OUTPUT:
        break;
    }
    assay_graph_refuse(r->to, ASSAY_UNSUPPORTED, "nothing gives or writes value '%s'", v->name);
    return ASSAY_NO_VALUE;
}

static bool attr_of(struct rebuild *r, uint32_t node, const struct assay_attr_row *row, struct assay_attr *to)
{
    const struct assay_host *h = r->host;
    *to = (struct assay_attr){.name = row->name, .type = row->type};
    switch (row->type) {
    case ASSAY_ATTR_I64:
        return h->attr_i64(r->from, node, row->name, &to->i);
    case ASSAY_ATTR_F64:
        return h->attr_f64(r->from, node, row->name, &to->f);
    case ASSAY_ATTR_TEXT:
        to->text = h->attr_text(r->from, node, row->name);
        return to->text != NULL;
    case ASSAY_ATTR_I64S:
        to->n = h->attr_i64s(r->from, node, row->name, to->list, ASSAY_ATTR_MAX_LENGTH);
        return to->n <= ASSAY_ATTR_MAX_LENGTH;
    }
    return false;
}

static void spoil(struct rebuild *r, struct assay_attr *attrs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        r->spoilt = r->spoilt || attrs[i].type == ASSAY_ATTR_F64;
        attrs[i].f *= r->fault->factor;
    }
}

static void add_node(struct rebuild *r, uint32_t node)
{
    struct assay_node_view view = {.size = sizeof view};
    struct assay_attr attrs[MAX_ATTRS + 1];
    const char *names[16];
    int32_t out[16];
    char op[96];
    size_t n = 0;
    (void)r->host->graph_node(r->from, node, &view);
    rebuild_op_name(&view, op);
    const struct assay_op_row *row = assay_op_find(op);
    if (!row || view.n_outputs > 16) {
        assay_graph_refuse(r->to, ASSAY_UNSUPPORTED, "there is no op '%s'", op);
        return;
    }
    for (const struct assay_attr_row *a = row->ir->attrs; a && a->name && n < MAX_ATTRS; a++)
        n += attr_of(r, node, a, &attrs[n]) ? 1 : 0;
    attrs[n] = ASSAY_ATTR_END;
    if (r->fault && !strcmp(view.name, r->fault->node))
        spoil(r, attrs, n);
    for (uint32_t i = 0; i < view.n_outputs; i++)
        names[i] = view.outputs[i] == ASSAY_NO_VALUE ? NULL : value_of(r, (uint32_t)view.outputs[i]).name;
    assay_graph_op_outputs(r->to, op, names, view.n_outputs, view.inputs, view.n_inputs, attrs, out);
    for (uint32_t i = 0; i < view.n_outputs; i++)
        if (out[i] != view.outputs[i])
            assay_graph_refuse(r->to, ASSAY_INTERNAL, "output %u of node %u is value %d here and %d there", i, node,
                               out[i], view.outputs[i]);
}

enum assay_code rebuild_graph(const struct assay_host *host, const struct assay_graph *from, const struct rebuild_fault *fault,
                              struct assay_graph **out, struct assay_error *err)
{
    struct rebuild *r = calloc(1, sizeof *r);
    if (!r || !(r->to = assay_graph_new("rebuilt"))) {
        free(r);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    }
    r->host = host;
    r->from = from;
    r->fault = fault;
    for (uint32_t v = 0, nodes = 0; v < host->graph_values(from); v++) {
        struct assay_value_view view = value_of(r, v);
        if (view.producer < 0)
            (void)add_given(r, &view);
        else if (view.producer >= (int32_t)nodes)
            add_node(r, nodes++);
        if (view.place != ASSAY_PLACE_DEVICE)
            assay_graph_place(r->to, (int32_t)v, view.place);
    }
    for (uint32_t v = 0; v < host->graph_values(from); v++) {
        struct assay_value_view view = value_of(r, v);
        if (view.role == ASSAY_ROLE_OUTPUT)
            assay_graph_output(r->to, (int32_t)v);
        if (view.alias_of != ASSAY_NO_VALUE)
            assay_graph_alias(r->to, (int32_t)v, view.alias_of);
    }
    if (fault && !r->spoilt)
        assay_graph_refuse(r->to, ASSAY_UNSUPPORTED, "there is no node '%.60s' with an attribute that is a float", fault->node);
    enum assay_code code = assay_graph_finish(r->to, err);
    if (code)
        assay_graph_free(r->to);
    else
        *out = r->to;
    free(r);
    return code;
}
