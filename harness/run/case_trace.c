#include "harness/run/case_trace.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/ir/ops.h"
#include "harness/measure/statistics.h"

#include "assay/banned.h"

#define ROWS_OF_A_NODE 4u /* kernels that one node may become, on average */
#define SPARE_ROWS 64u

struct tracing {
    const struct assay_case_trace_setup *with;
    struct assay_trace_row              *rows;
    size_t                               capacity;
    double                              *ns;    /* [node][ASSAY_TRACE_RUNS] */
    char (*note)[64];                           /* of the node's last row */
    bool                                *told;  /* some execution had a row of it */
    double                               span_ns[ASSAY_TRACE_RUNS];
    uint32_t                             runs;
};

static enum assay_code room(struct tracing *t, struct assay_error *err)
{
    size_t n = t->with->graph->n_nodes;
    t->capacity = n * ROWS_OF_A_NODE + SPARE_ROWS;
    t->rows = calloc(t->capacity, sizeof *t->rows);
    t->ns = calloc(n * ASSAY_TRACE_RUNS, sizeof *t->ns);
    t->note = calloc(n, sizeof *t->note);
    t->told = calloc(n, sizeof *t->told);
    return t->rows && t->ns && t->note && t->told ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to trace %zu nodes", n);
}

static void release(struct tracing *t)
{
    free(t->rows);
    free(t->ns);
    free(t->note);
    free(t->told);
}

/* Adds the rows of one execution to the nodes they name. */
static enum assay_code add_rows(struct tracing *t, size_t n, struct assay_error *err)
{
    if (n > t->capacity)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "trace gives %zu rows for %u nodes", n, t->with->graph->n_nodes);
    for (size_t i = 0; i < n; i++) {
        const struct assay_trace_row *row = &t->rows[i];
        if (row->node >= t->with->graph->n_nodes || row->rank_class != 0)
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "trace names node %u of rank class %u, and there are %u nodes of one class",
                              row->node, row->rank_class, t->with->graph->n_nodes);
        if (row->end_ns < row->begin_ns)
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "trace says node %u ended %llu ns before it began", row->node,
                              (unsigned long long)(row->begin_ns - row->end_ns));
        t->ns[row->node * (size_t)ASSAY_TRACE_RUNS + t->runs] += (double)(row->end_ns - row->begin_ns);
        t->told[row->node] = true;
        (void)memcpy(t->note[row->node], row->note, sizeof row->note - 1);
    }
    return ASSAY_OK;
}

static enum assay_code once(struct tracing *t, struct assay_error *err)
{
    struct assay_graph_target *target = t->with->target;
    struct assay_span          span;
    size_t                     n = 0;
    bool                       restores = assay_graph_target_restores(target);
    uint32_t                   slot = restores ? 0 : t->runs % t->with->slots;
    if ((restores || slot == 0) && assay_graph_target_prepare(target, t->with->slots, err))
        return err->code;
    if (assay_graph_target_trace(target, slot, t->with->timeout_ns, t->rows, t->capacity, &n, &span, err) || add_rows(t, n, err))
        return err->code;
    if (span.end_ns < span.begin_ns)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "a traced execution ended before it began");
    t->span_ns[t->runs++] = (double)(span.end_ns - span.begin_ns);
    return ASSAY_OK;
}

static enum assay_code conclude(const struct tracing *t, struct assay_trace *out, struct assay_error *err)
{
    const struct assay_graph *g = t->with->graph;
    out->executions = t->runs;
    out->nodes = calloc(g->n_nodes, sizeof *out->nodes);
    if (!out->nodes)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the trace of %u nodes", g->n_nodes);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        if (!t->told[i])
            continue;
        struct assay_trace_node *node = &out->nodes[out->n++];
        node->node = i;
        node->ns = assay_median(&t->ns[i * (size_t)ASSAY_TRACE_RUNS], t->runs);
        (void)assay_string_copy(node->name, sizeof node->name, g->nodes[i].name);
        (void)assay_string_copy(node->op, sizeof node->op, g->nodes[i].op->qualified);
        (void)assay_string_copy(node->note, sizeof node->note, t->note[i]);
    }
    return ASSAY_OK;
}

enum assay_code assay_case_trace(const struct assay_case_trace_setup *setup, struct assay_trace *out, double *traced_ns,
                                 struct assay_error *err)
{
    struct tracing t = {.with = setup};
    *out = (struct assay_trace){0};
    if (!ASSAY_HAS(setup->backend, trace))
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "the back end has no trace");
    if (setup->graph->n_nodes == 1)
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "the graph is one node: its time is the execution's");
    if (!room(&t, err)) {
        uint64_t begin = assay_clock_now_ns();
        enum assay_code code = ASSAY_OK;
        while (!code && t.runs < ASSAY_TRACE_RUNS && (!t.runs || assay_clock_now_ns() - begin < ASSAY_TRACE_NS))
            code = once(&t, err);
        if (!code && !conclude(&t, out, err))
            *traced_ns = assay_median(t.span_ns, t.runs);
    }
    release(&t);
    return err->code;
}
