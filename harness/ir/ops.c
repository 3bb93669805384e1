/* The op table, and the cost of nodes and graphs. */
#include "harness/ir/ops.h"

#include <string.h>

#include "assay/banned.h"

static const struct assay_op_row rows[] = {
#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out)                                                 \
    {#name, domain, sizeof(domain) > 1 ? domain "." #name : #name, min_in, max_in, min_out, max_out, &assay_op_ir_##name},
#include "harness/ir/ops.def"
#undef ASSAY_OP
};

#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out)                                                 \
    _Static_assert((max_in) <= ASSAY_OP_MAX_OPERANDS && (max_out) <= ASSAY_OP_MAX_OPERANDS, #name);                    \
    _Static_assert((min_in) <= (max_in) && (min_out) >= 1 && (min_out) <= (max_out), #name);
#include "harness/ir/ops.def"
#undef ASSAY_OP

const struct assay_op_row *assay_op_find(const char *name)
{
    const char *dot = strchr(name, '.');
    size_t domain = dot ? (size_t)(dot - name) : 0;
    const char *word = dot ? dot + 1 : name;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strlen(rows[i].domain) == domain && !strncmp(rows[i].domain, name, domain) && !strcmp(rows[i].name, word) &&
            !(dot && !domain))
            return &rows[i];
    }
    return NULL;
}

const struct assay_op_row *assay_op_rows(size_t *n)
{
    *n = sizeof rows / sizeof *rows;
    return rows;
}

size_t assay_op_index(const struct assay_op_row *row)
{
    return (size_t)(row - rows);
}

/* ---- cost ---------------------------------------------------------------------------------------------- */

uint64_t assay_count_multiply(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

uint64_t assay_count_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void assay_cost_flops(struct assay_cost *cost, uint64_t times, uint64_t count)
{
    cost->flops = assay_count_add(cost->flops, assay_count_multiply(times, count));
}

void assay_cost_transcendentals(struct assay_cost *cost, uint64_t times, uint64_t count)
{
    cost->transcendentals = assay_count_add(cost->transcendentals, assay_count_multiply(times, count));
}

static bool stands_before(const int32_t *list, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (list[i] == list[at])
            return true;
    }
    return false;
}

static uint64_t bytes_read(const struct assay_graph *g, const struct assay_node *node, uint32_t i)
{
    const struct assay_value *v = assay_graph_value(g, node->inputs[i]);
    uint64_t                  bytes = v ? v->bytes : 0;
    uint64_t                  some = v && node->op->ir->reads ? node->op->ir->reads(g, node, i) : bytes;
    return some < bytes ? some : bytes;
}

static uint64_t bytes_written(const struct assay_graph *g, const struct assay_node *node, uint32_t o)
{
    const struct assay_value *v = assay_graph_value(g, node->outputs[o]);
    bool                      in_place = v && v->alias_of != ASSAY_NO_VALUE && node->op->ir->writes;
    uint64_t                  bytes = v ? v->bytes : 0, some = in_place ? node->op->ir->writes(g, node, o) : bytes;
    return some < bytes ? some : bytes;
}

struct assay_cost assay_node_cost(const struct assay_graph *g, const struct assay_node *node)
{
    struct assay_cost cost = {.size = sizeof cost};
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        const struct assay_value *v = assay_graph_value(g, node->inputs[i]);
        if (v && !stands_before(node->inputs, i))
            cost.read_bytes = assay_count_add(cost.read_bytes, bytes_read(g, node, i));
    }
    for (uint32_t i = 0; i < node->n_outputs; i++)
        cost.written_bytes = assay_count_add(cost.written_bytes, bytes_written(g, node, i));
    if (node->op->ir->cost)
        node->op->ir->cost(g, node, &cost);
    return cost;
}

/* Of a value that the graph is given: all of it, unless every reader only takes chosen rows. */
static uint64_t bytes_read_by_all(const struct assay_graph *g, int32_t value)
{
    const struct assay_value *v = &g->values[value];
    uint64_t                  bytes = 0;
    uint32_t                  choosing = 0;
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        const struct assay_node *node = &g->nodes[n];
        for (uint32_t i = 0; node->op->ir->reads && i < node->n_inputs; i++)
            if (node->inputs[i] == value) {
                bytes = assay_count_add(bytes, bytes_read(g, node, i));
                choosing++;
            }
    }
    return v->readers > choosing || bytes > v->bytes ? v->bytes : bytes;
}

struct assay_cost assay_graph_cost(const struct assay_graph *g)
{
    struct assay_cost whole = {.size = sizeof whole};
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        struct assay_cost one = assay_node_cost(g, &g->nodes[n]);
        whole.flops = assay_count_add(whole.flops, one.flops);
        whole.transcendentals = assay_count_add(whole.transcendentals, one.transcendentals);
        whole.payload_bytes = assay_count_add(whole.payload_bytes, one.payload_bytes);
        for (uint32_t o = 0; o < g->nodes[n].n_outputs; o++)
            if (g->nodes[n].outputs[o] != ASSAY_NO_VALUE && g->values[g->nodes[n].outputs[o]].role == ASSAY_ROLE_OUTPUT)
                whole.written_bytes = assay_count_add(whole.written_bytes, bytes_written(g, &g->nodes[n], o));
    }
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = &g->values[v];
        if (value->producer < 0 && value->readers > 0)
            whole.read_bytes = assay_count_add(whole.read_bytes, bytes_read_by_all(g, (int32_t)v));
    }
    return whole;
}
