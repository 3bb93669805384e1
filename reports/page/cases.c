/* A section a case: what every launch gave, how it was proved, and the line that repeats it. */
#include <math.h>
#include <string.h>

#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

/* A value of one launch, or the reason why there is none. */
static void launch_cell(struct assay_page *p, const struct assay_record *r, enum assay_metric metric)
{
    char                             room[64];
    struct assay_text                text = ASSAY_TEXT(room);
    const struct assay_metric_value *v = &r->metric[metric];
    if (v->has_value) {
        assay_figure_value(&text, metric, v->value);
        assay_page_element(p, "td class=\"num\"", room);
        return;
    }
    assay_sink_raw(&p->to, "<td class=\"num none\" title=\"");
    assay_sink_text(&p->to, *v->why ? v->why : "no reason was recorded");
    assay_sink_raw(&p->to, "\">–</td>");
}

static void launches(struct assay_page *p, const struct assay_summary_row *row)
{
    static const char *const columns[] = {"launch", ">median", ">spread", ">p90", ">p99", ">iterations", "ended", "verdict", "machine", NULL};
    assay_sink_raw(&p->to, "<h5>Launches</h5>\n");
    assay_page_table_begin(p, "launches", columns);
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        assay_sink_raw(&p->to, "<tr%s><th scope=\"row\">%u%s</th>", i == row->typical ? " class=\"typical\"" : "", r->launch + 1,
                       i == row->typical && row->n_launches > 1 ? "<small>typical</small>" : "");
        launch_cell(p, r, ASSAY_METRIC_latency_ns);
        launch_cell(p, r, ASSAY_METRIC_latency_spread);
        launch_cell(p, r, ASSAY_METRIC_latency_p90_ns);
        launch_cell(p, r, ASSAY_METRIC_latency_p99_ns);
        assay_sink_raw(&p->to, "<td class=\"num\">%llu</td><td>%s</td><td>", (unsigned long long)r->proof.iterations, assay_status_name(r->status));
        if (row->verdicts[i])
            assay_page_outcome(p, row->verdicts[i]->check.outcome);
        else
            assay_sink_raw(&p->to, "<span class=\"none\">%s</span>", r->status == ASSAY_STATUS_OK ? "not validated" : "nothing to validate");
        assay_sink_raw(&p->to, "</td>");
        assay_page_element(p, "td", *r->noise_complaint ? r->noise_complaint : r->status == ASSAY_STATUS_OK ? "quiet" : "–");
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_page_table_end(p);
}

/* What has no figure, by its reason: `name` and `why` of the i-th of n, NULL where it has one. */
struct absences {
    const struct assay_summary_row *row;
    const char *(*name)(const struct assay_summary_row *row, size_t i);
    const char *(*why)(const struct assay_summary_row *row, size_t i);
    size_t n;
};

static bool first_of_its_reason(const struct absences *a, size_t i, const char *why)
{
    for (size_t before = 0; before < i; before++) {
        const char *other = a->why(a->row, before);
        if (other && !strcmp(other, why))
            return false;
    }
    return true;
}

static void absences(struct assay_page *p, const struct absences *a)
{
    bool any = false;
    for (size_t i = 0; i < a->n; i++) {
        const char *why = a->why(a->row, i);
        if (!why || !first_of_its_reason(a, i, why))
            continue;
        assay_sink_raw(&p->to, any ? "" : "<ul class=\"absent\">\n");
        any = true;
        assay_sink_raw(&p->to, "<li>");
        for (size_t k = i; k < a->n; k++) {
            const char *same = a->why(a->row, k);
            if (!same || strcmp(same, why) != 0)
                continue;
            assay_sink_raw(&p->to, k > i ? ", " : "");
            assay_page_element(p, "b", a->name(a->row, k));
        }
        assay_page_element(p, "span", why);
        assay_sink_raw(&p->to, "</li>\n");
    }
    assay_sink_raw(&p->to, any ? "</ul>\n" : "");
}

static const char *metric_name(const struct assay_summary_row *row, size_t i)
{
    (void)row;
    return assay_figure_metric_title((enum assay_metric)i);
}

/* A modelled one may have an interval and no value. */
static bool metric_is_there(const struct assay_estimate *e)
{
    return e->has_value || e->has_interval;
}

static const char *metric_why(const struct assay_summary_row *row, size_t i)
{
    const struct assay_estimate *e = &row->metric[i];
    return metric_is_there(e) ? NULL : *e->why ? e->why : "no reason was recorded";
}

static void metrics(struct assay_page *p, const struct assay_summary_row *row)
{
    static const char *const columns[] = {"figure", ">value", ">interval", ">launches", "without it, because", NULL};
    const struct absences    absent = {row, metric_name, metric_why, ASSAY_METRIC_COUNT};
    char                     room[128];
    bool                     any = false;
    assay_sink_raw(&p->to, "<h5>Figures</h5>\n");
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
        const struct assay_estimate *e = &row->metric[m];
        struct assay_text            text = ASSAY_TEXT(room);
        if (!metric_is_there(e))
            continue;
        if (!any)
            assay_page_table_begin(p, "figures", columns);
        any = true;
        assay_sink_raw(&p->to, "<tr><th scope=\"row\">%s</th><td class=\"num\">", assay_figure_metric_title((enum assay_metric)m));
        assay_page_figure(p, row, (enum assay_metric)m);
        assay_sink_raw(&p->to, "</td>");
        assay_figure_range(&text, (enum assay_metric)m, e);
        assay_page_element(p, "td class=\"num\"", room);
        assay_sink_raw(&p->to, "<td class=\"num\">%llu</td>", (unsigned long long)e->n);
        assay_page_element(p, "td class=\"why\"", e->has_value && e->has_interval ? "" : *e->why ? e->why : e->has_value ? "" : "no reason was recorded");
        assay_sink_raw(&p->to, "</tr>\n");
    }
    if (any)
        assay_page_table_end(p);
    absences(p, &absent);
}

static bool counter_is_there(const struct assay_summary_counter *c)
{
    return c->has_value || c->ranged;
}

static const char *counter_name(const struct assay_summary_row *row, size_t i)
{
    return row->counters[i].first->name;
}

static const char *counter_why(const struct assay_summary_row *row, size_t i)
{
    const struct assay_summary_counter *c = &row->counters[i];
    return counter_is_there(c) ? NULL : *c->why ? c->why : "no reason was recorded";
}

static void counter(struct assay_page *p, const struct assay_summary_counter *c)
{
    char              room[160];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<tr>");
    assay_page_element(p, "th scope=\"row\"", c->first->name);
    if (c->has_value)
        assay_figure_counter(&text, c->value, c->first->unit);
    if (c->ranged) {
        assay_text_add(&text, c->has_value ? " (" : "");
        assay_figure_counter(&text, c->low, c->first->unit);
        assay_text_add(&text, " – ");
        assay_figure_counter(&text, c->high, c->first->unit);
        assay_text_add(&text, c->has_value ? ")" : "");
    }
    assay_page_element(p, "td class=\"num\"", room);
    assay_page_element(p, "td", c->first->provider);
    if (!c->has_value)
        assay_page_element(p, "td", *c->why ? c->why : "no reason was recorded");
    else
        assay_sink_raw(&p->to, "<td>%s%s</td>", c->n > 1 ? "median of the launches" : "", c->multiplexed ? ", scaled: it shared the hardware with others" : "");
    assay_sink_raw(&p->to, "</tr>\n");
}

static void counters(struct assay_page *p, const struct assay_summary_row *row)
{
    static const char *const columns[] = {"counter", ">value", "provider", "remark", NULL};
    const struct absences    absent = {row, counter_name, counter_why, row->n_counters};
    bool                     any = false;
    assay_sink_raw(&p->to, "<h5>Counters of the timed phase</h5>\n");
    if (row->n_counters == 0) {
        assay_sink_raw(&p->to, "<p class=\"none\">none were recorded: %s</p>\n",
                       row->status == ASSAY_STATUS_OK ? "the records of this row name no counter" : "no launch came to its end");
        return;
    }
    for (size_t i = 0; i < row->n_counters; i++) {
        if (!counter_is_there(&row->counters[i]))
            continue;
        if (!any)
            assay_page_table_begin(p, "counters", columns);
        any = true;
        counter(p, &row->counters[i]);
    }
    if (any)
        assay_page_table_end(p);
    absences(p, &absent);
}

static void phases(struct assay_page *p, const struct assay_record *r)
{
    char room[32];
    assay_sink_raw(&p->to, "<h5>Phases of the typical launch</h5>\n<dl class=\"facts phases\">\n");
    for (int i = 0; i < ASSAY_PHASE_COUNT; i++) {
        struct assay_text text = ASSAY_TEXT(room);
        assay_figure_duration(&text, r->phase_ns[i]);
        assay_page_fact(p, assay_phase_name((enum assay_phase)i), r->phase_ns[i] ? room : "not reached or not timed");
    }
    assay_sink_raw(&p->to, "</dl>\n");
}

static void verdict(struct assay_page *p, const struct assay_summary_row *row)
{
    char                      room[512];
    const struct assay_check *c = row->check;
    static void (*const       say[])(struct assay_text *, const struct assay_check *) = {assay_figure_check_scope, assay_figure_check_worst,
                                                                                   assay_figure_check_iterations, assay_figure_check_fault};
    static const char *const  title[] = {"assurance", "worst element", "iterations", "smallest fault found"};
    assay_sink_raw(&p->to, "<p class=\"verdict\">");
    assay_page_outcome(p, row->outcome);
    assay_sink_raw(&p->to, " ");
    assay_sink_text(&p->to, *row->outcome_why ? row->outcome_why : assay_figure_outcome_about(row->outcome));
    assay_sink_raw(&p->to, "</p>\n");
    if (row->status != ASSAY_STATUS_OK) {
        assay_sink_raw(&p->to, "<p class=\"verdict\"><span class=\"v vx\">%s</span> ", assay_status_name(row->status));
        assay_sink_text(&p->to, *row->reason ? row->reason : assay_figure_status_about(row->status));
        assay_sink_raw(&p->to, "</p>\n");
    }
    if (!c)
        return;
    assay_sink_raw(&p->to, "<dl class=\"facts proof\">\n");
    for (size_t i = 0; i < sizeof say / sizeof *say; i++) {
        struct assay_text text = ASSAY_TEXT(room);
        say[i](&text, c);
        assay_page_fact(p, title[i], room);
    }
    if (c->not_finite || c->poison_left || c->zeros) {
        struct assay_text text = ASSAY_TEXT(room);
        assay_text_add(&text, "%llu not finite, %llu never written, %llu zero", (unsigned long long)c->not_finite,
                       (unsigned long long)c->poison_left, (unsigned long long)c->zeros);
        assay_page_fact(p, "of the kept elements", room);
    }
    assay_sink_raw(&p->to, "</dl>\n");
}

static void bytes_fact(struct assay_page *p, const char *name, uint64_t bytes)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    assay_string_quantity(&text, (double)bytes, "B", 4);
    assay_page_fact(p, name, room);
}

static void about(struct assay_page *p, const struct assay_summary_row *row)
{
    const struct assay_record *r = row->launches[row->typical];
    char                       room[160];
    struct assay_text          text = ASSAY_TEXT(room);
    assay_page_influences(p, r);
    assay_sink_raw(&p->to, "<h5>What ran</h5>\n<dl class=\"facts\">\n<div><dt>evidence</dt><dd>");
    assay_page_evidence(p, row);
    assay_sink_raw(&p->to, ": %s</dd></div>\n", assay_figure_evidence_about(row->evidence));
    if (*r->compiled)
        assay_page_recorded(p, "compiled, as recorded by the back end", r->compiled);
    else
        assay_page_fact(p, "compiled", "the back end did not say what it compiled");
    assay_figure_count(&text, r->flops);
    assay_text_add(&text, " flop, %llu transcendental, %llu items", (unsigned long long)r->transcendentals, (unsigned long long)r->items);
    assay_page_fact(p, "work of one execution", room);
    bytes_fact(p, "reads", r->read_bytes);
    bytes_fact(p, "writes", r->written_bytes);
    bytes_fact(p, "working set, all input sets", r->working_set_bytes);
    text = ASSAY_TEXT(room);
    assay_text_add(&text, "%llu input sets in turn, %llu warm-up executions", (unsigned long long)r->proof.sets, (unsigned long long)r->warm_runs);
    assay_page_fact(p, "inputs", room);
    if (r->proof.guard_bytes_changed) {
        text = ASSAY_TEXT(room);
        assay_text_add(&text, "%llu bytes beyond the bound ranges were changed", (unsigned long long)r->proof.guard_bytes_changed);
        assay_page_fact(p, "overrun", room);
    }
    assay_page_fact(p, "energy by", *r->energy_source ? r->energy_source : "no meter was read");
    assay_page_fact(p, "machine", row->noisy ? row->noise : row->n_medians ? "quiet in every launch" : "no launch came to its end");
    assay_sink_raw(&p->to, "</dl>\n");
}

static void one_backend(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row)
{
    const struct assay_record *r = row->launches[row->typical];
    char                       room[160];
    struct assay_text          text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<div class=\"backend\">\n<h4>");
    assay_page_series(p, run->summary, row->backend, false);
    assay_sink_raw(&p->to, "</h4>\n");
    if (row->metric[ASSAY_METRIC_latency_ns].has_value) {
        assay_sink_raw(&p->to, "<p class=\"big\">");
        assay_page_figure(p, row, ASSAY_METRIC_latency_ns);
        assay_figure_range(&text, ASSAY_METRIC_latency_ns, &row->metric[ASSAY_METRIC_latency_ns]);
        assay_text_add(&text, "%s", *room ? ", " : "");
        assay_figure_interval_words(&text, row);
        assay_sink_raw(&p->to, " <small>");
        assay_sink_text(&p->to, room);
        assay_sink_raw(&p->to, "</small></p>\n");
    }
    verdict(p, row);
    assay_page_load_facts(p, row);
    launches(p, row);
    metrics(p, row);
    counters(p, row);
    phases(p, r);
    about(p, row);
    assay_sink_raw(&p->to, "<h5>Repeat it</h5>\n<pre class=\"repeat\"><code>");
    assay_sink_text(&p->to, *r->repeat ? r->repeat : "(the record has no line that repeats it)");
    assay_sink_raw(&p->to, "</code></pre>\n</div>\n");
}

static void distribution(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    if (!assay_plots_svg(p->plots, c->plot)) {
        /* That plots cannot be drawn at all is said once, in the summary. */
        if (*c->why_no_plot) {
            assay_sink_raw(&p->to, "<p class=\"none\">No distribution: ");
            assay_sink_text(&p->to, c->why_no_plot);
            assay_sink_raw(&p->to, ".</p>\n");
        }
        return;
    }
    assay_sink_raw(&p->to, "<figure>\n");
    bool is_load = c->rows[0]->launches[c->rows[0]->typical]->load.issued > 0;
    assay_page_plot(p, c->plot, is_load ? "Distribution of latencies: share of queries that took at most so long; median, p90 and p99 are in the table of launches"
                                        : "Distribution of the time of one execution: share of iterations that took at most so long; median, p90 and p99 are in the table of launches");
    assay_sink_raw(&p->to, "<figcaption><ul class=\"keys\">");
    for (size_t i = 0; i < c->n_rows; i++) {
        assay_sink_raw(&p->to, "<li>");
        assay_page_series(p, run->summary, c->rows[i]->backend, false);
        assay_sink_raw(&p->to, " <small>(");
        assay_page_evidence(p, c->rows[i]);
        assay_sink_raw(&p->to, ")</small></li>");
    }
    bool modelled = false;
    for (size_t i = 0; i < c->n_rows; i++)
        modelled = modelled || c->rows[i]->evidence == ASSAY_EVIDENCE_MODELLED;
    assay_sink_raw(&p->to, "</ul>Share of the typical launch's %s that took at most so long%s.%s", is_load ? "queries" : "iterations",
                   c->plot_is_log ? ", logarithmic axis" : "",
                   modelled ? " Of a modelled device nothing ran: its curve is over devices that fit what is known of it." : "");
    if (*c->why_no_plot) {
        assay_sink_raw(&p->to, " Not drawn: ");
        assay_sink_text(&p->to, c->why_no_plot);
        assay_sink_raw(&p->to, ".");
    }
    assay_sink_raw(&p->to, "</figcaption></figure>\n");
}

static void keys(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    assay_sink_raw(&p->to, "<ul class=\"keys\">");
    for (size_t i = 0; i < c->n_rows; i++) {
        assay_sink_raw(&p->to, "<li>");
        assay_page_series(p, run->summary, c->rows[i]->backend, false);
        assay_sink_raw(&p->to, "</li>");
    }
    assay_sink_raw(&p->to, "</ul>");
}

static void one_curve(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c, size_t plot,
                      const char *label, const char *caption)
{
    if (!assay_plots_svg(p->plots, plot))
        return;
    assay_sink_raw(&p->to, "<figure>\n");
    assay_page_plot(p, plot, label);
    assay_sink_raw(&p->to, "<figcaption>");
    keys(p, run, c);
    assay_sink_raw(&p->to, "%s</figcaption></figure>\n", caption);
}

static void learning(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    if (*c->why_no_learning) {
        assay_sink_raw(&p->to, "<p class=\"none\">No curve: ");
        assay_sink_text(&p->to, c->why_no_learning);
        assay_sink_raw(&p->to, ".</p>\n");
    }
    bool apart = c->quality != ASSAY_PLOT_NONE;
    one_curve(p, run, c, c->learning, "Loss by training step",
              apart ? "Loss of the training steps, on data that never come again; means where a point stands for several steps."
                    : "Lines: loss of the training steps, on data that never come again; means where a point stands for several steps. Points: "
                      "mean loss on unseen data. The floor is the entropy of the data: no net can be expected below it.");
    one_curve(p, run, c, c->quality, "Share of unseen data classed wrongly by training step", "Share of unseen data that is classed wrongly.");
    one_curve(p, run, c, c->norms, "Norm of all gradients by training step", "Norm of all gradients together, before they are clipped.");
}

void assay_page_cases(struct assay_page *p, const struct assay_report_run *run)
{
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "cases");
    assay_sink_raw(&p->to, "\">\n<h2>Case by case</h2>\n<p class=\"small\">Each opens.</p>\n");
    assay_page_brief(p, run);
    for (size_t i = 0; i < run->n_cases; i++) {
        const struct assay_report_case *c = &run->cases[i];
        if (assay_page_is_brief(run, c))
            continue;
        assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3><span class=\"no\">%zu</span> ", c->number);
        assay_page_case_brief(p, c->name);
        assay_sink_raw(&p->to, "</h3><span class=\"marks\">");
        for (size_t j = 0; j < c->n_rows; j++)
            assay_page_outcome(p, c->rows[j]->outcome);
        assay_sink_raw(&p->to, "</span></summary>\n<div class=\"body\" id=\"case-%zu-%zu\">\n<p class=\"small\">case id <code>", run->number, c->number);
        assay_sink_text(&p->to, c->id);
        assay_sink_raw(&p->to, "</code></p>\n<p class=\"small\"><code translate=\"no\">");
        assay_sink_text(&p->to, c->name);
        assay_sink_raw(&p->to, "</code></p>\n");
        learning(p, run, c);
        distribution(p, run, c);
        for (size_t j = 0; j < c->n_rows; j++)
            one_backend(p, run, c->rows[j]);
        assay_sink_raw(&p->to, "</div></details>\n");
    }
    assay_sink_raw(&p->to, "</section>\n");
}
