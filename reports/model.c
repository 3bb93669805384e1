#include "reports/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/ir/ops.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

static const struct assay_record *typical(const struct assay_report_model *m)
{
    return m->row->launches[m->row->typical];
}

/* The graph, if this program builds the same case as the one that ran; NULL otherwise. */
static struct assay_graph *graph_of(const struct assay_record *r)
{
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_case   c;
    struct assay_graph *g = NULL;
    if (r->status != ASSAY_STATUS_OK || assay_case_parse(r->case_name, &c, &err))
        return NULL;
    bool same = strcmp(c.id, r->id) == 0 && !assay_case_graph(&c, &g, &err);
    assay_case_release(&c);
    if (same && assay_graph_cost(g).flops == r->flops)
        return g;
    assay_graph_free(g);
    return NULL;
}

/* The trace's times go to the nodes they name; a trace of another graph gives none. */
static bool take_times(struct assay_report_model *m)
{
    for (size_t i = 0; i < m->trace.n; i++) {
        const struct assay_trace_node *t = &m->trace.nodes[i];
        if (t->node >= m->n || strcmp(m->nodes[t->node].name, t->name) != 0 || strcmp(m->nodes[t->node].op, t->op) != 0)
            return false;
    }
    for (size_t i = 0; i < m->trace.n; i++) {
        const struct assay_trace_node *t = &m->trace.nodes[i];
        struct assay_model_node       *node = &m->nodes[t->node];
        node->has_ns = true;
        node->ns = t->ns;
        node->note = t->note;
        m->sum_ns += t->ns;
        m->by_time[m->n_timed++] = node;
    }
    return true;
}

static int longer(const void *a, const void *b)
{
    const struct assay_model_node *x = *(const struct assay_model_node *const *)a, *y = *(const struct assay_model_node *const *)b;
    return x->ns != y->ns ? (x->ns < y->ns) - (x->ns > y->ns) : (x > y) - (x < y);
}

static int heavier(const void *a, const void *b)
{
    const struct assay_model_op *x = a, *y = b;
    if (x->ns != y->ns)
        return (x->ns < y->ns) - (x->ns > y->ns);
    if (x->all_flops != y->all_flops)
        return (x->all_flops < y->all_flops) - (x->all_flops > y->all_flops);
    return x->all_bytes != y->all_bytes ? (x->all_bytes < y->all_bytes) - (x->all_bytes > y->all_bytes) : strcmp(x->op, y->op);
}

static size_t op_of(const struct assay_report_model *m, const char *op)
{
    size_t k = 0;
    while (k < m->n_ops && strcmp(m->ops[k].op, op) != 0)
        k++;
    return k;
}

static void group(struct assay_report_model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct assay_model_node *node = &m->nodes[i];
        size_t                         k = op_of(m, node->op);
        if (k == m->n_ops)
            m->ops[m->n_ops++].op = node->op;
        struct assay_model_op *op = &m->ops[k];
        double                 flops = (double)node->cost.flops, bytes = (double)node->cost.read_bytes + (double)node->cost.written_bytes;
        op->n++;
        op->all_flops += flops;
        op->all_bytes += bytes;
        if (!node->has_ns)
            continue;
        op->timed++;
        op->ns += node->ns;
        op->flops += flops;
        op->bytes += bytes;
    }
    qsort(m->ops, m->n_ops, sizeof *m->ops, heavier);
    for (size_t i = 0; i < m->n; i++)
        m->nodes[i].rank = op_of(m, m->nodes[i].op);
}

bool assay_report_model_init(struct assay_report_model *out, const struct assay_summary *summary, const struct assay_summary_row *row)
{
    struct assay_error err = {.code = ASSAY_OK};
    *out = (struct assay_report_model){.row = row, .plot = ASSAY_PLOT_NONE};
    struct assay_graph *g = row->n_launches ? graph_of(typical(out)) : NULL;
    if (!g || g->n_nodes < ASSAY_MODEL_LEAST_NODES) {
        assay_graph_free(g);
        return true;
    }
    out->graph = g;
    out->nodes = calloc(g->n_nodes, sizeof *out->nodes);
    out->by_time = calloc(g->n_nodes, sizeof(struct assay_model_node *));
    out->ops = calloc(g->n_nodes, sizeof *out->ops);
    if (!out->nodes || !out->by_time || !out->ops)
        return false;
    out->n = g->n_nodes;
    for (size_t i = 0; i < out->n; i++)
        out->nodes[i] = (struct assay_model_node){.name = g->nodes[i].name, .op = g->nodes[i].op->qualified, .note = "",
                                                  .cost = assay_node_cost(g, &g->nodes[i])};
    if (assay_trace_read(assay_run_folder_path(summary->folder), typical(out), &out->trace, &err))
        (void)assay_string_copy(out->why_not, sizeof out->why_not, err.message);
    else if (!take_times(out))
        (void)assay_string_copy(out->why_not, sizeof out->why_not, "the trace is of another graph than this program builds for the case");
    qsort(out->by_time, out->n_timed, sizeof(struct assay_model_node *), longer);
    group(out);
    return true;
}

void assay_report_model_release(struct assay_report_model *model)
{
    assay_graph_free(model->graph);
    assay_trace_release(&model->trace);
    free(model->nodes);
    free(model->by_time);
    free(model->ops);
    *model = (struct assay_report_model){0};
}

double assay_report_model_cost(const struct assay_report_model *model)
{
    const struct assay_metric_value *latency = &typical(model)->metric[ASSAY_METRIC_latency_ns];
    return model->n_timed && latency->has_value && latency->value > 0 ? model->sum_ns / latency->value - 1 : NAN;
}

double assay_report_model_share(const struct assay_report_model *model, double ns)
{
    return model->sum_ns > 0 ? ns / model->sum_ns : 0;
}

double assay_report_model_rate(double amount, double ns)
{
    return ns > 0 ? amount / (ns / 1e9) : 0;
}

static double ceiling(const struct assay_report_model *model, enum assay_metric metric)
{
    const struct assay_metric_value *v = &typical(model)->metric[metric];
    return v->has_value && v->value > 0 ? v->value : 0;
}

double assay_report_model_peak(const struct assay_report_model *model)
{
    return ceiling(model, ASSAY_METRIC_ceiling_flops_per_s);
}

double assay_report_model_triad(const struct assay_report_model *model)
{
    return ceiling(model, ASSAY_METRIC_ceiling_bytes_per_s);
}
