/* The host's accessors for plug-ins. A view is filled only as far as its caller's `size` says, and `size` then tells
 * how much the host knew of it, so that a plug-in newer than the host can see what is missing. */
#include <string.h>

#include "assay/backend.h"
#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

#include "assay/banned.h"

/* Copies the first *size bytes of `full`, whose own first member is its size. */
static bool lend(void *view, uint32_t *size, void *full, uint32_t full_size)
{
    uint32_t bytes = *size < full_size ? *size : full_size;
    if (bytes < sizeof *size)
        return false;
    memcpy(full, &bytes, sizeof bytes);
    memcpy(view, full, bytes);
    return true;
}

static const struct assay_node *node_at(const struct assay_graph *g, uint32_t node)
{
    return node < g->n_nodes ? &g->nodes[node] : NULL;
}

static const struct assay_attr *attr_at(const struct assay_graph *g, uint32_t node, const char *name,
                                        enum assay_attr_type type)
{
    const struct assay_node *n = node_at(g, node);
    const struct assay_attr *attr = n ? assay_node_attr(n, name) : NULL;
    return attr && attr->type == type ? attr : NULL;
}

static uint32_t graph_values(const struct assay_graph *g)
{
    return g->n_values;
}

static uint32_t graph_nodes(const struct assay_graph *g)
{
    return g->n_nodes;
}

static bool graph_value(const struct assay_graph *g, uint32_t value, struct assay_value_view *out)
{
    if (value >= g->n_values)
        return false;
    const struct assay_value *v = &g->values[value];
    struct assay_value_view full = {
        .dtype = v->dtype,
        .role = v->role,
        .place = v->place,
        .rank = v->rank,
        .alias_of = v->alias_of,
        .producer = v->producer,
        .elements = v->elements,
        .bytes = v->bytes,
        .name = v->name,
        .data = v->data,
    };
    memcpy(full.dims, v->dims, sizeof full.dims);
    return lend(out, &out->size, &full, sizeof full);
}

static bool graph_node(const struct assay_graph *g, uint32_t node, struct assay_node_view *out)
{
    const struct assay_node *n = node_at(g, node);
    if (!n)
        return false;
    struct assay_node_view full = {
        .n_inputs = n->n_inputs,
        .n_outputs = n->n_outputs,
        .inputs = n->inputs,
        .outputs = n->outputs,
        .op = n->op->name,
        .domain = n->op->domain,
        .name = n->name,
    };
    return lend(out, &out->size, &full, sizeof full);
}

static bool attr_i64(const struct assay_graph *g, uint32_t node, const char *name, int64_t *out)
{
    const struct assay_attr *attr = attr_at(g, node, name, ASSAY_ATTR_I64);
    if (attr)
        *out = attr->i;
    return attr != NULL;
}

static bool attr_f64(const struct assay_graph *g, uint32_t node, const char *name, double *out)
{
    const struct assay_attr *attr = attr_at(g, node, name, ASSAY_ATTR_F64);
    if (attr)
        *out = attr->f;
    return attr != NULL;
}

static size_t attr_i64s(const struct assay_graph *g, uint32_t node, const char *name, int64_t *out, size_t capacity)
{
    const struct assay_attr *attr = attr_at(g, node, name, ASSAY_ATTR_I64S);
    if (!attr)
        return SIZE_MAX;
    for (size_t i = 0; i < attr->n && i < capacity; i++)
        out[i] = attr->list[i];
    return attr->n;
}

static const char *attr_text(const struct assay_graph *g, uint32_t node, const char *name)
{
    const struct assay_attr *attr = attr_at(g, node, name, ASSAY_ATTR_TEXT);
    return attr ? attr->text : NULL;
}

static bool cost(const struct assay_graph *g, uint32_t node, struct assay_cost *out)
{
    const struct assay_node *n = node_at(g, node);
    if (!n)
        return false;
    struct assay_cost full = assay_node_cost(g, n);
    return lend(out, &out->size, &full, sizeof full);
}

void assay_graph_lend(struct assay_host *host)
{
    host->graph_values = graph_values;
    host->graph_nodes = graph_nodes;
    host->graph_value = graph_value;
    host->graph_node = graph_node;
    host->attr_i64 = attr_i64;
    host->attr_f64 = attr_f64;
    host->attr_i64s = attr_i64s;
    host->attr_text = attr_text;
    host->cost = cost;
}
