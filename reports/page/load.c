/* Cases with a scenario: what was served how fast, by which rules it counts, and latency over throughput. */
#include <stdio.h>

#include "harness/plan/plan.h"
#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static void cell(struct assay_page *p, const struct assay_summary_row *row, enum assay_metric metric, const char *label)
{
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", label);
    assay_page_figure(p, row, metric);
    assay_sink_raw(&p->to, "</td>");
}

/* A verdict in a word, its sentence as a tool tip. */
static void verdict_cell(struct assay_page *p, const struct assay_estimate *e, const char *why, const char *label)
{
    assay_sink_raw(&p->to, "<td class=\"word\" data-label=\"%s\"><span title=\"", label);
    assay_sink_text(&p->to, why);
    assay_sink_raw(&p->to, "\">%s</span></td>", !e->has_value ? "undecided" : e->value >= 1 ? "valid" : "invalid");
}

/* Samples a second; where the rate was searched for, the highest that is valid. */
static void served_cell(struct assay_page *p, const struct assay_summary_row *r)
{
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"samples served\">");
    assay_page_figure(p, r, ASSAY_METRIC_samples_per_s);
    if (r->metric[ASSAY_METRIC_peak_qps].has_value) {
        assay_sink_raw(&p->to, "<small>peak ");
        assay_page_figure(p, r, ASSAY_METRIC_peak_qps);
        assay_sink_raw(&p->to, "</small>");
    }
    assay_sink_raw(&p->to, "</td>");
}

static void row(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c, size_t i)
{
    const struct assay_summary_row *r = c->rows[i];
    const struct assay_load        *load = &r->launches[r->typical]->load;
    assay_sink_raw(&p->to, "<tr%s><th scope=\"row\" class=\"case\"><a href=\"#case-%zu-%zu\"><span class=\"no\">%zu</span>&#160;", i ? "" : " class=\"first\"",
                   run->number, c->number, c->number);
    assay_page_case_brief(p, c->name);
    assay_sink_raw(&p->to, "</a></th><td data-label=\"back end\"><span class=\"be\">");
    assay_page_series(p, run->summary, r->backend, false);
    assay_sink_raw(&p->to, "</span></td>");
    served_cell(p, r);
    cell(p, r, ASSAY_METRIC_latency_ns, "median");
    cell(p, r, ASSAY_METRIC_latency_p90_ns, "p90");
    cell(p, r, ASSAY_METRIC_latency_at_percentile_ns, "at percentile");
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"limit\">");
    if (load->allowed_within_ns)
        assay_sink_raw(&p->to, "%.4g ms<small>%g %%</small>", (double)load->allowed_within_ns / 1e6, 100 * load->percentile);
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td>");
    verdict_cell(p, &r->metric[ASSAY_METRIC_loadgen_valid], load->loadgen, "published rules");
    if (load->allowed_within_ns)
        verdict_cell(p, &r->metric[ASSAY_METRIC_settled_valid], load->settled, "settled");
    else
        assay_sink_raw(&p->to, "<td data-label=\"settled\" title=\"no latency limit was given\">–</td>");
    assay_page_element(p, "td data-label=\"rule that is broken\"", *load->invalid ? load->invalid : "none");
    assay_sink_raw(&p->to, "</tr>\n");
}

static bool is_load(const struct assay_summary_row *r)
{
    return r->launches[r->typical]->load.issued > 0;
}

static void curves(struct assay_page *p, const struct assay_report_run *run)
{
    for (size_t i = 0; i < run->n_curves; i++) {
        const struct assay_report_case *c = &run->cases[run->curve[i].first_case];
        if (!assay_plots_svg(p->plots, run->curve[i].plot))
            continue;
        assay_sink_raw(&p->to, "<figure>\n");
        assay_page_plot(p, run->curve[i].plot, "Latency over throughput; every point is a row of the table above");
        assay_sink_raw(&p->to, "<figcaption>");
        assay_page_case_brief(p, c->name);
        assay_sink_raw(&p->to, " and the cases that differ from it in the rate alone: <ul class=\"keys\">");
        for (size_t k = 0; k < c->n_rows; k++) {
            assay_sink_raw(&p->to, "<li>");
            assay_page_series(p, run->summary, c->rows[k]->backend, false);
            assay_sink_raw(&p->to, "</li>");
        }
        assay_sink_raw(&p->to, "</ul>Filled: no rule is broken. Hollow: one is.</figcaption></figure>\n");
    }
}

void assay_page_load(struct assay_page *p, const struct assay_report_run *run)
{
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "load");
    assay_sink_raw(&p->to, "\">\n<h2>Under load</h2>\n<p class=\"small\">Latencies are of queries, from when they were due to their completion. "
                           "Published rules: MLPerf's, early stopping included. Settled: whether the share within the limit is certain although "
                           "latencies of a queue depend on each other. The sentence with the numbers is a tool tip here and text in the case's own section.</p>\n"
                           "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"under load\"><table class=\"results\"><thead><tr>"
                           "<th scope=\"col\">case</th><th scope=\"col\">back end</th><th scope=\"col\" class=\"num\">samples served</th>"
                           "<th scope=\"col\" class=\"num\">median</th><th scope=\"col\" class=\"num\">p90</th><th scope=\"col\" class=\"num\">at its percentile</th>"
                           "<th scope=\"col\" class=\"num\">limit</th><th scope=\"col\">published rules</th><th scope=\"col\">settled</th>"
                           "<th scope=\"col\">rule that is broken</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < run->n_cases; i++)
        for (size_t k = 0; k < run->cases[i].n_rows; k++)
            if (is_load(run->cases[i].rows[k]))
                row(p, run, &run->cases[i], k);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    curves(p, run);
    assay_sink_raw(&p->to, "</section>\n");
}

/* ---- in a case's own section -------------------------------------------------------------------------------------- */

static void duration_fact(struct assay_page *p, const char *name, uint64_t ns)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_duration(&text, ns);
    assay_page_fact(p, name, room);
}

static void counts(struct assay_page *p, const struct assay_load *l)
{
    char              room[200];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_count(&text, l->issued);
    assay_text_add(&text, " issued = ");
    assay_figure_count(&text, l->completed);
    assay_text_add(&text, " completed + ");
    assay_figure_count(&text, l->failed);
    assay_text_add(&text, " failed; ");
    assay_figure_count(&text, l->executions);
    assay_text_add(&text, " executions of ");
    assay_figure_count(&text, l->samples);
    assay_text_add(&text, " samples, at most %llu in flight", (unsigned long long)l->most_in_flight);
    assay_page_fact(p, "queries", room);
    text = ASSAY_TEXT(room);
    assay_text_add(&text, "%llu executions later than ", (unsigned long long)l->late);
    assay_figure_duration(&text, l->lateness_limit_ns);
    assay_text_add(&text, ", the latest by ");
    assay_figure_duration(&text, l->lateness_max_ns);
    assay_page_fact(p, "lateness", l->lateness_limit_ns ? room : "");
    text = ASSAY_TEXT(room);
    assay_text_add(&text, "%llu rows, one of every %llu queries; %llu distinct inputs", (unsigned long long)l->kept, (unsigned long long)l->every,
                   (unsigned long long)l->sets);
    assay_page_fact(p, "raw series", l->every > 1 ? room : "");
}

static void rate_cell(struct assay_page *p, double qps)
{
    if (qps > 0)
        assay_sink_raw(&p->to, qps < 1e4 ? "<td class=\"num\">%.4g /s</td>" : "<td class=\"num\">%.0f /s</td>", qps);
    else
        assay_sink_raw(&p->to, "<td class=\"num none\">–</td>");
}

/* Which sizes of batch there were. */
static void buckets(struct assay_page *p, const struct assay_load *l)
{
    static const char *const columns[] = {">samples of a batch", ">executions", NULL};
    if (!l->n_buckets)
        return;
    assay_sink_raw(&p->to, "<h5>Batches</h5>\n");
    assay_page_table_begin(p, "batches", columns);
    for (uint32_t i = 0; i < l->n_buckets; i++)
        assay_sink_raw(&p->to, "<tr><td class=\"num\">%llu</td><td class=\"num\">%llu</td></tr>\n", (unsigned long long)l->bucket[i].samples,
                       (unsigned long long)l->bucket[i].executions);
    assay_page_table_end(p);
}

/* Which a search looked at; the one that was found is marked. */
static void tried(struct assay_page *p, const struct assay_load *l)
{
    static const char *const columns[] = {">most samples", ">looks", ">highest valid", ">lowest invalid", "not better, because", NULL};
    if (!l->n_tried)
        return;
    assay_sink_raw(&p->to, "<h5>Batches that were searched</h5>\n");
    assay_page_table_begin(p, "batches that were searched", columns);
    for (uint32_t i = 0; i < l->n_tried; i++) {
        const struct assay_tried *t = &l->tried[i];
        assay_sink_raw(&p->to, "<tr%s><td class=\"num\">%llu</td><td class=\"num\">%llu</td>", t->max_batch == l->max_batch ? " class=\"typical\"" : "",
                       (unsigned long long)t->max_batch, (unsigned long long)t->looks);
        rate_cell(p, t->low_qps);
        rate_cell(p, t->high_qps);
        assay_page_element(p, "td", t->why);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_page_table_end(p);
}

void assay_page_load_facts(struct assay_page *p, const struct assay_summary_row *r)
{
    const struct assay_load *l = &r->launches[r->typical]->load;
    if (!l->issued)
        return;
    assay_sink_raw(&p->to, "<h5>Under load, typical launch</h5>\n<dl class=\"facts load\">\n");
    assay_page_fact(p, "rule that is broken", *l->invalid ? l->invalid : "none");
    assay_page_fact(p, "settled", l->settled);
    assay_page_fact(p, "published rules", l->loadgen);
    assay_page_fact(p, "search", l->peak);
    counts(p, l);
    duration_fact(p, "from start to last completion", l->duration_ns);
    duration_fact(p, "from start to first issue", l->first_issue_ns);
    assay_page_fact(p, "opening", l->steady);
    assay_page_fact(p, "outputs", l->proof);
    assay_page_fact(p, "served requests", l->served);
    assay_page_fact(p, "first failure", l->failure);
    assay_sink_raw(&p->to, "</dl>\n");
    buckets(p, l);
    tried(p, l);
}
