#include "harness/ir/transform/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "harness/ir/ops.h"
#include "harness/ir/steps.h"
#include "harness/ir/transform/copy.h"

#include "assay/banned.h"

struct pass {
    const struct assay_graph *from;
    struct assay_graph       *to;
    int32_t                  *there; /* by value of `from`; ASSAY_NO_VALUE: not yet */
    uint32_t                 *stack; /* nodes of no step that are to come first */
    bool                     *done;  /* by node */
    uint64_t                 *sorted; /* step << 32 | node, rising */
};

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort(const struct pass *p)
{
    for (uint32_t k = 0; k < p->from->n_nodes; k++)
        p->sorted[k] = (uint64_t)assay_graph_step_of(p->from, k) << 32 | k;
    qsort(p->sorted, p->from->n_nodes, sizeof *p->sorted, by_number);
}

/* Where the nodes of a step begin. */
static uint32_t first_of(const struct pass *p, uint32_t step)
{
    uint32_t low = 0, high = p->from->n_nodes;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->sorted[middle] >> 32 < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t missing(const struct pass *p, uint32_t index)
{
    const struct assay_node *node = &p->from->nodes[index];
    for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != ASSAY_NO_VALUE && p->there[node->inputs[i]] == ASSAY_NO_VALUE)
            return node->inputs[i];
    return ASSAY_NO_VALUE;
}

static void copy_node(const struct pass *p, uint32_t index)
{
    const struct assay_node *node = &p->from->nodes[index];
    int32_t                  inputs[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    for (uint32_t i = 0; i < node->n_inputs; i++)
        inputs[i] = node->inputs[i] == ASSAY_NO_VALUE ? ASSAY_NO_VALUE : p->there[node->inputs[i]];
    assay_graph_step(p->to, assay_graph_step_of(p->from, index));
    assay_graph_copy_node(p->to, p->from, index, inputs, out);
    assay_graph_step(p->to, 0);
    for (uint32_t o = 0; o < node->n_outputs; o++)
        if (node->outputs[o] != ASSAY_NO_VALUE)
            p->there[node->outputs[o]] = out[o];
    p->done[index] = true;
}

/* The node, and before it what it needs of those that belong to no step. Each node stands on earlier ones, so the stack is no higher
 * than there are nodes. */
static void put(const struct pass *p, uint32_t index)
{
    size_t n = 0;
    p->stack[n++] = index;
    while (n > 0 && !p->to->first_error.code) {
        uint32_t at = p->stack[n - 1];
        int32_t  needs = missing(p, at);
        if (needs == ASSAY_NO_VALUE) {
            copy_node(p, at);
            n--;
            continue;
        }
        uint32_t producer = (uint32_t)p->from->values[needs].producer, step = assay_graph_step_of(p->from, producer);
        if (step && step != assay_graph_step_of(p->from, index))
            assay_graph_refuse(p->to, ASSAY_CONFIG, "schedule: '%s' needs '%s', which a later step writes", p->from->nodes[index].name,
                               p->from->values[needs].name);
        p->stack[n++] = producer;
    }
}

static bool is_receive(const struct assay_node *node)
{
    return !strcmp(node->op->qualified, "assay.Receive");
}

static void put_entry(const struct pass *p, const struct assay_schedule_entry *entry)
{
    for (uint32_t i = first_of(p, entry->step); i < p->from->n_nodes && p->sorted[i] >> 32 == entry->step && !p->to->first_error.code; i++) {
        uint32_t k = (uint32_t)p->sorted[i];
        if (!p->done[k] && (!entry->only_receives || is_receive(&p->from->nodes[k])))
            put(p, k);
    }
}

static void put_rest(const struct pass *p)
{
    for (uint32_t k = 0; k < p->from->n_nodes && !p->to->first_error.code; k++) {
        if (!p->done[k] && assay_graph_step_of(p->from, k))
            assay_graph_refuse(p->to, ASSAY_CONFIG, "schedule: '%s' is of step %u, which the schedule does not have", p->from->nodes[k].name,
                               assay_graph_step_of(p->from, k));
        else if (!p->done[k])
            put(p, k);
    }
}

static void add_given(const struct pass *p)
{
    for (uint32_t i = 0; i < p->from->n_values; i++) {
        const struct assay_value *v = &p->from->values[i];
        p->there[i] = v->producer < 0 ? assay_graph_copy_given(p->to, v, v->role) : ASSAY_NO_VALUE;
    }
}

static void mark(const struct pass *p)
{
    for (uint32_t i = 0; i < p->from->n_values && !p->to->first_error.code; i++) {
        const struct assay_value *v = &p->from->values[i];
        if (v->place != ASSAY_PLACE_DEVICE)
            assay_graph_place(p->to, p->there[i], v->place);
        if (v->frozen)
            assay_graph_freeze(p->to, p->there[i]);
        if (v->checkpoint)
            assay_graph_checkpoint(p->to, p->there[i]);
        if (v->role == ASSAY_ROLE_OUTPUT)
            assay_graph_output(p->to, p->there[i]);
        if (v->alias_of != ASSAY_NO_VALUE)
            assay_graph_alias(p->to, p->there[i], p->there[v->alias_of]);
    }
}

void assay_graph_schedule(const struct assay_graph *from, const struct assay_schedule_entry *entries, size_t n, struct assay_graph *to)
{
    struct pass p = {.from = from, .to = to, .there = malloc(((size_t)from->n_values + 1) * sizeof *p.there),
                     .stack = malloc(((size_t)from->n_nodes + 1) * sizeof *p.stack), .done = calloc((size_t)from->n_nodes + 1, sizeof *p.done),
                     .sorted = malloc(((size_t)from->n_nodes + 1) * sizeof *p.sorted)};
    if (from->first_error.code) {
        assay_graph_refuse(to, from->first_error.code, "%s", from->first_error.message);
    } else if (p.there && p.stack && p.done && p.sorted) {
        sort(&p);
        add_given(&p);
        for (size_t i = 0; i < n; i++)
            put_entry(&p, &entries[i]);
        put_rest(&p);
        mark(&p);
    } else {
        assay_graph_refuse(to, ASSAY_MEMORY, "no memory to order the nodes of graph '%s'", from->name);
    }
    free(p.there);
    free(p.stack);
    free(p.done);
    free(p.sorted);
}
