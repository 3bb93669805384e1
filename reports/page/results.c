/* The table of all cases and back ends, and the roofline. */
#include <string.h>

#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

/* The time, with the interval over launches or the spread of the one launch. */
static void time_cell(struct assay_page *p, const struct assay_summary_row *row)
{
    char                         room[160];
    struct assay_text            text = ASSAY_TEXT(room);
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns], *spread = &row->metric[ASSAY_METRIC_latency_spread];
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"time\">");
    if (e->has_value || !e->has_interval)
        assay_page_figure(p, row, ASSAY_METRIC_latency_ns);
    else {
        assay_sink_raw(&p->to, "<span class=\"none\" title=\"");
        assay_sink_text(&p->to, e->why);
        assay_sink_raw(&p->to, "\">no point</span>");
    }
    assay_sink_raw(&p->to, "</td><td class=\"num\" data-label=\"how sure\">");
    if (!e->has_value) {
        assay_figure_range(&text, ASSAY_METRIC_latency_ns, e); /* a model of grade D gives a range and no point */
        assay_sink_text(&p->to, room);
        assay_sink_raw(&p->to, "<small>");
        assay_sink_text(&p->to, row->status != ASSAY_STATUS_OK ? assay_figure_status_about(row->status) : *e->why ? e->why : "no reason was recorded");
        assay_sink_raw(&p->to, "</small></td>");
        return;
    }
    assay_figure_range(&text, ASSAY_METRIC_latency_ns, e);
    if (!e->has_interval && spread->has_value) {
        assay_text_add(&text, "spread ");
        assay_figure_value(&text, ASSAY_METRIC_latency_spread, spread->value);
    }
    assay_sink_text(&p->to, room);
    text = ASSAY_TEXT(room);
    assay_figure_interval_words(&text, row);
    assay_sink_raw(&p->to, "<small>");
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "</small></td>");
}

/* Floating-point work if the case has it, else bytes, else items. */
static enum assay_metric rate_of(const struct assay_summary_row *row)
{
    static const enum assay_metric rates[] = {ASSAY_METRIC_flops_per_s, ASSAY_METRIC_bytes_per_s, ASSAY_METRIC_items_per_s, ASSAY_METRIC_message_bytes_per_s};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (row->metric[rates[i]].has_value ? row->metric[rates[i]].value > 0 : row->metric[rates[i]].has_interval)
            return rates[i];
    return ASSAY_METRIC_flops_per_s;
}

static void figure_cell(struct assay_page *p, const struct assay_summary_row *row, enum assay_metric metric, const char *label)
{
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", label);
    assay_page_figure(p, row, metric);
    assay_sink_raw(&p->to, "</td>");
}

static void verdict_cell(struct assay_page *p, const struct assay_summary_row *row)
{
    assay_sink_raw(&p->to, "<td data-label=\"verdict\">");
    if (row->status != ASSAY_STATUS_OK)
        assay_sink_raw(&p->to, "<span class=\"v vx\">%s</span> ", assay_status_name(row->status));
    assay_page_outcome(p, row->outcome);
    if (row->check && row->check->elements)
        assay_sink_raw(&p->to, "<small>%s, observed/bound %.2g</small>", assay_assurance_name(row->check->assurance), row->check->worst_ratio);
    assay_sink_raw(&p->to, "</td><td data-label=\"machine\">");
    if (row->noisy) {
        assay_sink_raw(&p->to, "<span class=\"noisy\" title=\"");
        assay_sink_text(&p->to, row->noise);
        assay_sink_raw(&p->to, "\">noisy</span><small>%u of %zu launches</small>", row->noisy, row->n_launches);
    } else {
        assay_sink_raw(&p->to, "%s", row->n_medians ? "quiet" : "–");
    }
    assay_sink_raw(&p->to, "</td>");
}

static void row_cells(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c, size_t i)
{
    const struct assay_summary_row *row = c->rows[i];
    assay_sink_raw(&p->to, "<tr%s><th scope=\"row\" class=\"case\"><a href=\"#case-%zu-%zu\"><span class=\"no\">%zu</span>&#160;", i ? "" : " class=\"first\"",
                   run->number, c->number, c->number);
    assay_page_case_brief(p, c->name);
    assay_sink_raw(&p->to, "</a></th><td data-label=\"back end\"><span class=\"be\">");
    assay_page_series(p, run->summary, row->backend, false);
    assay_sink_raw(&p->to, "</span><small>");
    assay_page_evidence(p, row);
    assay_sink_raw(&p->to, "</small></td>");
    time_cell(p, row);
    figure_cell(p, row, rate_of(row), "rate");
    figure_cell(p, row, ASSAY_METRIC_peak_share, "of peak");
    figure_cell(p, row, ASSAY_METRIC_bandwidth_share, "of bandwidth");
    verdict_cell(p, row);
    assay_sink_raw(&p->to, "</tr>\n");
}

static void table(struct assay_page *p, const struct assay_report_run *run)
{
    assay_sink_raw(&p->to, "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"results\"><table class=\"results\"><thead><tr>"
                           "<th scope=\"col\">case</th><th scope=\"col\">back end, evidence</th><th scope=\"col\" class=\"num\">time</th>"
                           "<th scope=\"col\" class=\"num\">how sure</th><th scope=\"col\" class=\"num\">rate</th><th scope=\"col\" class=\"num\">of peak</th>"
                           "<th scope=\"col\" class=\"num\">of band&#173;width</th><th scope=\"col\">verdict</th><th scope=\"col\">machine</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < run->n_cases; i++)
        for (size_t j = 0; j < run->cases[i].n_rows && !assay_page_is_brief(run, &run->cases[i]); j++)
            row_cells(p, run, &run->cases[i], j);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

void assay_page_results(struct assay_page *p, const struct assay_report_run *run)
{
    size_t brief = 0;
    for (size_t i = 0; i < run->n_cases; i++)
        brief += assay_page_is_brief(run, &run->cases[i]);
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "results");
    assay_sink_raw(&p->to, "\">\n<h2>Results</h2>\n<p class=\"small\">Times are of one execution, of a case with a scenario of one query. A number struck through is not proved: its outputs did "
                           "not pass. What is modelled (◇) has no outputs that could. Shares are of the peak and the bandwidth that this host's cores reached in turn with the case. "
                           "The number of a case leads to its section.</p>\n");
    if (brief)
        assay_sink_raw(&p->to, "<p>%zu of %zu cases, of one launch that is right or that the device declined, stand in tables under Case by case.</p>\n", brief,
                       run->n_cases);
    if (brief < run->n_cases || !brief)
        table(p, run);
    if (run->n_cases == 0)
        assay_sink_raw(&p->to, "<p>The run has no record: it was interrupted before its first case ended.</p>\n");
    assay_sink_raw(&p->to, "</section>\n");
}

/* ---- roofline ------------------------------------------------------------------------------------------- */

struct reason {
    const char *why;
    size_t      n;
};

/* Cases that stand nowhere on the plot, by reason. Reasons are constant texts, so that pointers tell them apart. */
static void unplaced(struct assay_page *p, const struct assay_report_run *run)
{
    struct reason reasons[8] = {{0}};
    const char   *why;
    size_t        n = 0;
    for (size_t i = 0; i < run->summary->n_rows; i++) {
        if (assay_roofline_place(&run->summary->rows[i], &why) > 0)
            continue;
        size_t k = 0;
        while (k < n && strcmp(reasons[k].why, why) != 0)
            k++;
        if (k == n && n < 8)
            reasons[n++].why = why;
        if (k < 8)
            reasons[k].n++;
    }
    if (n == 0)
        return;
    assay_sink_raw(&p->to, "<p>Not on the plot:</p><ul>\n");
    for (size_t k = 0; k < n; k++) {
        size_t shown = 0;
        assay_sink_raw(&p->to, "<li>%s (%zu %s): ", reasons[k].why, reasons[k].n, reasons[k].n == 1 ? "row" : "rows");
        for (size_t c = 0; c < run->n_cases && shown < 40; c++)
            for (size_t i = 0; i < run->cases[c].n_rows && shown < 40; i++) {
                const struct assay_summary_row *row = run->cases[c].rows[i];
                if (assay_roofline_place(row, &why) > 0 || strcmp(why, reasons[k].why) != 0)
                    continue;
                assay_sink_raw(&p->to, "%s<a href=\"#case-%zu-%zu\">%zu</a>", shown++ ? ", " : "", run->number, run->cases[c].number, run->cases[c].number);
                if (run->summary->n_backends > 1)
                    assay_sink_textf(&p->to, " on %s", row->backend);
            }
        assay_sink_raw(&p->to, "%s</li>\n", shown < reasons[k].n ? " and more" : "");
    }
    assay_sink_raw(&p->to, "</ul>\n");
}

void assay_page_roofline(struct assay_page *p, const struct assay_report_run *run)
{
    char              room[256];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "roofline");
    assay_sink_raw(&p->to, "\">\n<h2>Roofline</h2>\n");
    if (run->peak_flops_per_s > 0 && run->triad_bytes_per_s > 0) {
        assay_text_add(&text, "peak ");
        assay_figure_value(&text, ASSAY_METRIC_ceiling_flops_per_s, run->peak_flops_per_s);
        assay_text_add(&text, ", bandwidth ");
        assay_figure_value(&text, ASSAY_METRIC_ceiling_bytes_per_s, run->triad_bytes_per_s);
        assay_sink_raw(&p->to, "<p>What each case reached, below what this host's cores were measured to be able to: ");
        assay_sink_text(&p->to, room);
        assay_sink_raw(&p->to, " (multiply-add in f32 and triad, medians of bursts run in turn with the cases). The roof is measured, not a datasheet's. "
                               "A case above the slope was served by a cache.</p>\n");
    } else {
        assay_sink_raw(&p->to, "<p>No roof: no device of this run has a peak and a bandwidth that were measured in turn with its cases.</p>\n");
    }
    if (assay_plots_svg(p->plots, run->roofline)) {
        assay_sink_raw(&p->to, "<figure>\n");
        assay_text_add(&text, "; every point is in the results table");
        char label[320];
        (void)snprintf(label, sizeof label, "Roofline plot, both axes logarithmic: %s", room);
        assay_page_plot(p, run->roofline, label);
        assay_sink_raw(&p->to, "<figcaption><ul class=\"keys\">");
        for (size_t i = 0; i < run->summary->n_backends; i++) {
            assay_sink_raw(&p->to, "<li>");
            assay_page_series(p, run->summary, run->summary->backends[i], false);
            assay_sink_raw(&p->to, "</li>");
        }
        assay_sink_raw(&p->to, "</ul>Filled: outputs proved right. Hollow: not proved. The number is the case's.</figcaption></figure>\n");
    }
    unplaced(p, run);
    assay_sink_raw(&p->to, "</section>\n");
}
