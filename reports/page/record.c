/* The end of the page: what was not counted, the machine, definitions, and what the report does not say. */
#include <string.h>

#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static void uncounted_row(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c,
                          const struct assay_summary_row *row, size_t i)
{
    const struct assay_record  *r = row->launches[i];
    const struct assay_verdict *v = row->verdicts[i];
    assay_sink_raw(&p->to, "<tr><th scope=\"row\" class=\"case\"><a href=\"#case-%zu-%zu\"><span class=\"no\">%zu</span>&#160;", run->number, c->number, c->number);
    assay_page_case_brief(p, c->name);
    assay_sink_raw(&p->to, "</a></th>");
    assay_page_element(p, "td data-label=\"back end\"", row->backend);
    assay_sink_raw(&p->to, "<td data-label=\"launch\">%u</td><td data-label=\"what\">", r->launch + 1);
    if (r->status != ASSAY_STATUS_OK)
        assay_sink_raw(&p->to, "<span class=\"v vx\">%s</span>", assay_status_name(r->status));
    else
        assay_page_outcome(p, v ? v->check.outcome : ASSAY_NOT_CHECKED);
    assay_sink_raw(&p->to, "</td><td data-label=\"why\">");
    if (r->status == ASSAY_STATUS_OK)
        assay_sink_text(&p->to, v && *v->check.why ? v->check.why : v ? assay_figure_outcome_about(v->check.outcome) : "the run was not validated");
    else
        assay_sink_text(&p->to, *r->reason ? r->reason : assay_figure_status_about(r->status));
    if (r->error.code != ASSAY_OK && *r->error.message && strcmp(r->error.message, r->reason) != 0) {
        assay_sink_raw(&p->to, "<small>");
        assay_sink_text(&p->to, r->error.message);
        for (uint32_t f = 0; f < r->error.nframes && f < ASSAY_ERROR_FRAMES; f++)
            assay_sink_textf(&p->to, "; while %s", r->error.frame[f]);
        assay_sink_raw(&p->to, "</small>");
    }
    assay_sink_raw(&p->to, "</td></tr>\n");
}

static void missing(struct assay_page *p, const struct assay_summary *run)
{
    if (run->n_missing == 0)
        return;
    assay_sink_raw(&p->to, "<h3>Never run</h3><p>%zu %s of the plan without a record, each a case on a back end:</p><ul class=\"names\">\n",
                   run->n_missing, run->n_missing == 1 ? "row" : "rows");
    for (size_t i = 0; i < run->n_missing; i++) {
        assay_sink_raw(&p->to, "<li>");
        assay_page_case_brief(p, run->missing[i].case_name);
        assay_sink_raw(&p->to, " on ");
        assay_sink_text(&p->to, run->missing[i].backend);
        assay_sink_raw(&p->to, "</li>\n");
    }
    assay_sink_raw(&p->to, "</ul>\n");
}

void assay_page_uncounted(struct assay_page *p, const struct assay_report_run *run)
{
    size_t n = 0;
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "uncounted");
    assay_sink_raw(&p->to, "\">\n<h2>Launches that do not count</h2>\n");
    for (size_t c = 0; c < run->n_cases; c++)
        for (size_t j = 0; j < run->cases[c].n_rows; j++) {
            const struct assay_summary_row *row = run->cases[c].rows[j];
            for (size_t i = 0; i < row->n_launches; i++) {
                if (assay_launch_is_proved(row, i))
                    continue;
                if (n++ == 0)
                    assay_sink_raw(&p->to, "<p class=\"small\">Every launch that did not end well, or whose outputs did not pass, with its reason.</p>\n"
                                           "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"launches that do not count\"><table class=\"results\"><thead><tr>"
                                           "<th scope=\"col\">case</th><th scope=\"col\">back end</th><th scope=\"col\">launch</th><th scope=\"col\">what</th>"
                                           "<th scope=\"col\">why</th></tr></thead><tbody>\n");
                uncounted_row(p, run, &run->cases[c], row, i);
            }
        }
    if (n == 0)
        assay_sink_raw(&p->to, "<p>None: all %zu launches ended well and their outputs passed.</p>\n", run->summary->n_records);
    else
        assay_sink_raw(&p->to, "</tbody></table></div>\n<p class=\"small\">%zu of %zu launches.</p>\n", n, run->summary->n_records);
    missing(p, run->summary);
    assay_sink_raw(&p->to, "</section>\n");
}

static void command_line(struct assay_page *p, const json_t *arguments)
{
    size_t  i;
    json_t *word;
    assay_sink_raw(&p->to, "<pre class=\"repeat\"><code>");
    json_array_foreach(arguments, i, word) {
        const char *text = json_string_value(word);
        char       *shell = assay_string_escaped(ASSAY_ESCAPE_SHELL, text ? text : "");
        if (!shell)
            p->to.failed = true;
        else
            assay_sink_textf(&p->to, "%s%s", i ? " " : "", shell);
        free(shell);
    }
    assay_sink_raw(&p->to, "</code></pre>\n");
}

void assay_page_environment(struct assay_page *p, const struct assay_report_run *run)
{
    const json_t *manifest = assay_run_folder_manifest(run->summary->folder);
    const char   *key;
    json_t       *value;
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "environment");
    assay_sink_raw(&p->to, "\">\n<h2>Environment</h2>\n<p class=\"small\">As the run recorded it (manifest.json). What could not be read says why.</p>\n");
    if (json_object_size(manifest) == 0)
        assay_sink_raw(&p->to, "<p class=\"none\">The manifest is empty: nothing is known of the machine.</p>\n");
    json_object_foreach((json_t *)(uintptr_t)manifest, key, value) {
        assay_page_element(p, "h3", key);
        if (strcmp(key, "arguments") == 0 && json_is_array(value))
            command_line(p, value);
        else if (json_is_object(value) || json_is_array(value))
            assay_page_json(p, value);
        else {
            assay_sink_raw(&p->to, "<p>");
            assay_page_json(p, value);
            assay_sink_raw(&p->to, "</p>\n");
        }
    }
    assay_sink_raw(&p->to, "</section>\n");
}

void assay_page_definitions(struct assay_page *p)
{
    static const char *const better[] = {"neither", "lower", "higher"};
    assay_sink_raw(&p->to,
                   "<section id=\"definitions\">\n<h2>How each figure is computed</h2>\n"
                   "<ul class=\"prose\">\n<li>The unit of replication is a <b>launch</b>: one fresh process. A launch has one value of each figure. Launches that did not end well do not count, and are listed.</li>\n"
                   "<li>Over launches: the geometric mean, with a 95 %% interval by Student's t over the logarithms. With one launch there is no interval.</li>\n"
                   "<li>Rates are the algorithmic work of one execution divided by the estimate of its time; their interval is the time's, ends exchanged.</li>\n"
                   "<li>Figures that may be 0, and counters: the median of the launches, without interval.</li>\n"
                   "<li>On a model's clock launches repeat a calculation and are no replication: the range comes from what the device's description does not know.</li>\n"
                   "<li>Spread is the interquartile range of one launch divided by its median. No sample is dropped.</li>\n"
                   "<li>The typical launch of a row is the one whose time is the lower median; distribution, phases, what was compiled and the line that repeats it are its own.</li>\n"
                   "<li>Observed/bound is the largest difference from the reference divided by what number formats, lengths and magnitudes allow there: 1 is the limit, over 0.5 is marginal.</li>\n</ul>\n"
                   "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"definitions\"><table class=\"wide\"><thead><tr><th scope=\"col\">figure</th><th scope=\"col\">name in files</th><th scope=\"col\">unit in files</th>"
                   "<th scope=\"col\">better</th><th scope=\"col\">definition, of one launch</th></tr></thead><tbody>\n");
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
        const struct assay_metric_row *row = assay_metric_row((enum assay_metric)m);
        assay_sink_raw(&p->to, "<tr><th scope=\"row\">%s</th><td><code>%s</code></td><td>%s</td><td>%s</td><td>%s</td></tr>\n",
                       assay_figure_metric_title((enum assay_metric)m), row->name, row->unit, better[row->better], row->definition);
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n</section>\n");
}

void assay_page_limits(struct assay_page *p)
{
    assay_sink_raw(&p->to,
                   "<section id=\"limits\">\n<h2>What this report does not say</h2>\n<ul class=\"prose\">\n"
                   "<li>Nothing about cases, sizes, number formats and loads that are not in the table.</li>\n"
                   "<li>Nothing about another unit of the same device, another host, driver or day: the interval covers launches on this machine during this run.</li>\n"
                   "<li>A pass shows that the judged iterations were right within the bound. How much could have gone wrong unseen stands with each verdict.</li>\n"
                   "<li>Shares are of what this host's own cores were measured to reach, not of a datasheet; a device without a measured roof has no share.</li>\n"
                   "<li>Energy is only said where a meter is named, and only of what that meter sees.</li>\n"
                   "<li>Modelled figures are calculations. They are not evidence that a device reaches them.</li>\n"
                   "<li>Nothing about price, supply or support, and no choice between devices.</li>\n"
                   "<li>Where two runs stand on one page, they are not compared: <code>assay compare</code> does that, with its confidence.</li>\n</ul>\n</section>\n");
}
