/* Reading a graph. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/build.h"

#include "assay/banned.h"

const struct assay_value *assay_graph_value(const struct assay_graph *g, int32_t index)
{
    return index >= 0 && (uint32_t)index < g->n_values ? &g->values[index] : NULL;
}

uint64_t assay_graph_parameters(const struct assay_graph *g)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < g->n_values; i++)
        n += g->values[i].role == ASSAY_ROLE_PARAM && !g->values[i].frozen ? g->values[i].elements : 0;
    return n;
}

size_t assay_graph_outputs(const struct assay_graph *g, int32_t *values, size_t capacity)
{
    size_t n = 0;
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (g->values[i].role != ASSAY_ROLE_OUTPUT)
            continue;
        if (n < capacity)
            values[n] = (int32_t)i;
        n++;
    }
    return n;
}

int32_t assay_graph_find(const struct assay_graph *g, const char *name)
{
    return name ? assay_names_find(g, name) : ASSAY_NO_VALUE;
}

const struct assay_attr *assay_node_attr(const struct assay_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        if (node->attrs[i].name && !strcmp(node->attrs[i].name, name))
            return &node->attrs[i];
    }
    return NULL;
}

int64_t assay_node_i64(const struct assay_node *node, const char *name, int64_t if_absent)
{
    const struct assay_attr *attr = assay_node_attr(node, name);
    return attr && attr->type == ASSAY_ATTR_I64 ? attr->i : if_absent;
}

double assay_node_f64(const struct assay_node *node, const char *name, double if_absent)
{
    const struct assay_attr *attr = assay_node_attr(node, name);
    return attr && attr->type == ASSAY_ATTR_F64 ? attr->f : if_absent;
}

const char *assay_node_text(const struct assay_node *node, const char *name, const char *if_absent)
{
    const struct assay_attr *attr = assay_node_attr(node, name);
    return attr && attr->type == ASSAY_ATTR_TEXT ? attr->text : if_absent;
}

void assay_value_describe(const struct assay_value *v, struct assay_text *out)
{
    assay_text_add(out, "%s[", assay_dtype_name(v->dtype));
    for (int32_t i = 0; i < v->rank; i++)
        assay_text_add(out, "%s%" PRId64, i ? "," : "", v->dims[i]);
    assay_text_add(out, "]");
}

bool assay_value_same_shape(const struct assay_value *a, const struct assay_value *b)
{
    bool same = a->rank == b->rank;
    for (int32_t i = 0; same && i < a->rank; i++)
        same = a->dims[i] == b->dims[i];
    return same;
}
