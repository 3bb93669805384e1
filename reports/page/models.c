/* A section a model: what its nodes took, by node and by op, and where they stand below the roof. */
#include <math.h>
#include <string.h>

#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

/* A figure that was traced: the evidence of its row, and struck through like any other where the row is not proved. */
static void traced(struct assay_page *p, const struct assay_report_model *m, enum assay_metric metric, double value)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_value(&text, metric, value);
    assay_page_evidence_mark(p, m->row);
    assay_sink_raw(&p->to, "&#160;<span class=\"%s\" title=\"traced\">", assay_figure_is_struck(m->row) ? "fig unproved" : "fig");
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "</span>");
}

/* Its colour here and on the plot: ops beyond the colours share the last one. */
static size_t series(size_t rank)
{
    return rank + 1 < ASSAY_PLOT_MAX_SERIES ? rank + 1 : ASSAY_PLOT_MAX_SERIES;
}

static void words(struct assay_page *p, const struct assay_report_model *m)
{
    char              room[512];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_trace(&text, m);
    assay_sink_raw(&p->to, "<p>");
    if (m->n_timed) {
        assay_page_evidence_mark(p, m->row);
        assay_sink_raw(&p->to, " ");
    }
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, ".</p>\n");
}

/* ---- by node --------------------------------------------------------------------------------------------- */

static void time_and_share(struct assay_page *p, const struct assay_report_model *m, double ns)
{
    assay_sink_raw(&p->to, "<span class=\"num\">");
    traced(p, m, ASSAY_METRIC_latency_ns, ns);
    assay_sink_raw(&p->to, " <small>%.1f %%</small></span></li>\n", 100 * assay_report_model_share(m, ns));
}

static void bars(struct assay_page *p, const struct assay_report_model *m)
{
    size_t shown = m->n_timed < ASSAY_MODEL_BARS ? m->n_timed : ASSAY_MODEL_BARS;
    double rest = 0;
    for (size_t i = shown; i < m->n_timed; i++)
        rest += m->by_time[i]->ns;
    double longest = m->by_time[0]->ns;
    assay_sink_raw(&p->to, "<h4>Time by node</h4>\n<ol class=\"bars\" aria-label=\"time by node, traced, the longest first\">\n");
    for (size_t i = 0; i < shown; i++) {
        const struct assay_model_node *node = m->by_time[i];
        assay_sink_raw(&p->to, "<li><span class=\"of\"><b>");
        assay_sink_text(&p->to, node->name);
        assay_sink_raw(&p->to, "</b> <small title=\"");
        assay_sink_text(&p->to, node->note);
        assay_sink_raw(&p->to, "\">");
        assay_sink_text(&p->to, node->op);
        assay_sink_raw(&p->to, "</small></span>");
        assay_sink_raw(&p->to, "<span class=\"track\"><span class=\"bar b%zu\" style=\"width:%.2f%%\"></span></span>", series(node->rank),
                       longest > 0 ? 100 * node->ns / longest : 0);
        time_and_share(p, m, node->ns);
    }
    if (shown < m->n_timed) {
        assay_sink_raw(&p->to, "<li class=\"rest\"><span class=\"of\">%zu more, together</span><span></span>", m->n_timed - shown);
        time_and_share(p, m, rest);
    }
    assay_sink_raw(&p->to, "</ol>\n");
}

/* ---- by op ----------------------------------------------------------------------------------------------- */

static void rate_cells(struct assay_page *p, const struct assay_report_model *m, double amount, double ns, enum assay_metric metric, double roof,
                       const char *label, const char *of)
{
    double rate = assay_report_model_rate(amount, ns);
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", label);
    if (rate > 0)
        traced(p, m, metric, rate);
    else
        assay_sink_raw(&p->to, "<span class=\"none\" title=\"%s\">–</span>", ns > 0 ? "it has no such work" : "its nodes have no time");
    assay_sink_raw(&p->to, "</td><td class=\"num\" data-label=\"%s\">", of);
    if (rate > 0 && roof > 0)
        traced(p, m, ASSAY_METRIC_peak_share, rate / roof);
    else
        assay_sink_raw(&p->to, "<span class=\"none\" title=\"%s\">–</span>", roof > 0 ? "it has no rate" : "the device has no measured roof");
    assay_sink_raw(&p->to, "</td>");
}

static void op_row(struct assay_page *p, const struct assay_report_model *m, size_t rank)
{
    const struct assay_model_op *op = &m->ops[rank];
    assay_sink_raw(&p->to, "<tr><th scope=\"row\"><span class=\"key s%zu\"></span> ", series(rank));
    assay_sink_text(&p->to, op->op);
    assay_sink_raw(&p->to, "</th><td class=\"num\" data-label=\"nodes\">%zu", op->n);
    if (op->timed < op->n)
        assay_sink_raw(&p->to, "<small>%zu with a time</small>", op->timed);
    assay_sink_raw(&p->to, "</td><td class=\"num\" data-label=\"time\">");
    if (op->timed)
        traced(p, m, ASSAY_METRIC_latency_ns, op->ns);
    else
        assay_sink_raw(&p->to, "<span class=\"none\" title=\"the back end does not tell of them\">–</span>");
    assay_sink_raw(&p->to, "</td><td class=\"num\" data-label=\"share\">");
    if (op->timed)
        traced(p, m, ASSAY_METRIC_peak_share, assay_report_model_share(m, op->ns));
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td>");
    rate_cells(p, m, op->flops, op->ns, ASSAY_METRIC_flops_per_s, assay_report_model_peak(m), "rate", "of peak");
    rate_cells(p, m, op->bytes, op->ns, ASSAY_METRIC_bytes_per_s, assay_report_model_triad(m), "byte rate", "of triad");
    assay_sink_raw(&p->to, "</tr>\n");
}

static void by_op(struct assay_page *p, const struct assay_report_model *m)
{
    assay_sink_raw(&p->to, "<h4>Share of time by op</h4>\n"
                           "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"share of time by op\"><table class=\"ops\"><thead><tr><th scope=\"col\">op</th>"
                           "<th scope=\"col\" class=\"num\">nodes</th><th scope=\"col\" class=\"num\">time</th><th scope=\"col\" class=\"num\">share</th>"
                           "<th scope=\"col\" class=\"num\">rate</th><th scope=\"col\" class=\"num\">of peak</th><th scope=\"col\" class=\"num\">byte rate</th>"
                           "<th scope=\"col\" class=\"num\">of triad</th></tr></thead><tbody>\n");
    for (size_t k = 0; k < m->n_ops; k++)
        op_row(p, m, k);
    assay_sink_raw(&p->to, "</tbody></table></div>\n<p class=\"small\">Rates are algorithmic: a node's operations, and its operands and results once each, over its traced "
                           "time. A byte rate above the triad's was served by a cache, "
                           "or is that of an op which reads only a part of an operand (Gather, Slice).</p>\n");
}

/* ---- below the roof -------------------------------------------------------------------------------------- */

static void roofline(struct assay_page *p, const struct assay_report_model *m)
{
    size_t placed = assay_model_roofline_placed(m);
    if (!assay_plots_svg(p->plots, m->plot)) {
        if (m->n_timed && (assay_report_model_peak(m) <= 0 || assay_report_model_triad(m) <= 0))
            assay_sink_raw(&p->to, "<p class=\"none\">No roofline of the nodes: the device has no measured roof.</p>\n");
        return;
    }
    assay_sink_raw(&p->to, "<h4>Its nodes below the roof</h4>\n<figure>\n");
    assay_page_plot(p, m->plot, "Roofline of the nodes, both axes logarithmic; their rates by op are in the table above");
    assay_sink_raw(&p->to, "<figcaption><ul class=\"keys\">");
    for (size_t k = 0; k < m->n_ops && k < ASSAY_PLOT_MAX_SERIES; k++) {
        if (m->ops[k].flops <= 0 && k + 1 < ASSAY_PLOT_MAX_SERIES) /* it has no point */
            continue;
        assay_sink_raw(&p->to, "<li><span class=\"key s%zu\"></span> ", series(k));
        if (k + 1 == ASSAY_PLOT_MAX_SERIES && m->n_ops > ASSAY_PLOT_MAX_SERIES)
            assay_sink_raw(&p->to, "other ops");
        else
            assay_sink_text(&p->to, m->ops[k].op);
        assay_sink_raw(&p->to, "</li>");
    }
    assay_sink_raw(&p->to, "</ul>%zu of %zu nodes, traced; a point's area grows with its share of the time. %s %zu without a place only move bytes, have no time, or are too short.</figcaption></figure>\n",
                   placed, m->n, assay_figure_is_proved(m->row) ? "Filled: the outputs were proved right." : "Hollow: the outputs are not proved.", m->n - placed);
}

static void one(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c, const struct assay_report_model *m)
{
    assay_sink_raw(&p->to, "<details class=\"one model\"><summary><h3><span class=\"no\">%zu</span> ", c->number);
    assay_page_case_brief(p, c->name);
    assay_sink_raw(&p->to, " <small class=\"on\">");
    assay_page_series(p, run->summary, m->row->backend, false);
    assay_sink_raw(&p->to, "</small></h3><span class=\"marks\">");
    assay_page_outcome(p, m->row->outcome);
    assay_sink_raw(&p->to, "</span></summary>\n<div class=\"body\">\n");
    words(p, m);
    if (m->n_timed)
        bars(p, m);
    by_op(p, m);
    roofline(p, m);
    assay_sink_raw(&p->to, "<p class=\"small\">All figures of the case: <a href=\"#case-%zu-%zu\">%zu</a>.</p>\n</div></details>\n", run->number, c->number, c->number);
}

void assay_page_models(struct assay_page *p, const struct assay_report_run *run)
{
    size_t n = 0;
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "models");
    assay_sink_raw(&p->to, "\">\n<h2>Models</h2>\n");
    for (size_t i = 0; i < run->n_cases; i++)
        for (size_t j = 0; j < run->cases[i].n_rows; j++) {
            const struct assay_report_model *m = &run->models[run->cases[i].rows[j] - run->summary->rows];
            if (m->n == 0)
                continue;
            if (n++ == 0)
                assay_sink_raw(&p->to, "<p class=\"small\">Where the time of one execution goes, for every case of at least %d nodes. Each opens. Times of nodes are <b>traced</b>: "
                                       "they come from a few more executions after the timed ones, and no figure elsewhere uses them.</p>\n", ASSAY_MODEL_LEAST_NODES);
            one(p, run, &run->cases[i], m);
        }
    if (n == 0)
        assay_sink_raw(&p->to, "<p>None: no case that ran has %d nodes or more.</p>\n", ASSAY_MODEL_LEAST_NODES);
    assay_sink_raw(&p->to, "</section>\n");
}
