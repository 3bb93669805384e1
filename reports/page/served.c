/* Cases whose requests of tokens went through a serving engine: what a user waits for, what a device gives. */
#include "harness/plan/plan.h"
#include "reports/clusters.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static const struct { enum assay_metric metric; const char *title; } columns[] = {
    {ASSAY_METRIC_ttft_ns, "first token"},    {ASSAY_METRIC_ttft_p99_ns, "first token, p99"},
    {ASSAY_METRIC_tpot_ns, "further token"},  {ASSAY_METRIC_tpot_p90_ns, "further token, p90"},
    {ASSAY_METRIC_itl_p99_ns, "gap, p99"},    {ASSAY_METRIC_tokens_per_s, "tokens of a device"},
    {ASSAY_METRIC_tokens_per_s_user, "tokens of a user"}, {ASSAY_METRIC_goodput_per_s, "goodput"},
    {ASSAY_METRIC_goodput_per_device_s, "goodput of a device"}, {ASSAY_METRIC_devices_for_demand, "devices for the demand"},
    {ASSAY_METRIC_joules_per_token, "energy of a token"},
};
#define N_COLUMNS (sizeof columns / sizeof *columns)

static bool is_served(const struct assay_summary_row *r)
{
    return *r->launches[r->typical]->load.served != 0;
}

static bool has_served(const struct assay_report_case *c)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (is_served(c->rows[i]))
            return true;
    return false;
}

static bool tells_of_links(const struct assay_report_case *c)
{
    struct assay_cluster_link links[ASSAY_CLUSTER_LINKS];
    for (size_t i = 0; i < c->n_rows; i++)
        if (assay_cluster_links(c->rows[i], links))
            return true;
    return false;
}

/* "1 decoder.serve/model=…", a link to the case's own section. */
static void case_link(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    char name[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(c->name, name);
    assay_sink_raw(&p->to, "<a href=\"#case-%zu-%zu\"><span class=\"no\">%zu</span>&#160;", run->number, c->number, c->number);
    assay_page_case_name(p, name);
    assay_sink_raw(&p->to, "</a>");
}

static void row(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c, size_t i)
{
    const struct assay_summary_row *r = c->rows[i];
    assay_sink_raw(&p->to, "<tr%s><th scope=\"row\" class=\"case\">", i ? "" : " class=\"first\"");
    case_link(p, run, c);
    assay_sink_raw(&p->to, "</th><td data-label=\"back end\"><span class=\"be\">");
    assay_page_series(p, run->summary, r->backend, false);
    assay_sink_raw(&p->to, "</span></td>");
    for (size_t k = 0; k < N_COLUMNS; k++) {
        assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", columns[k].title);
        assay_page_figure(p, r, columns[k].metric);
        assay_sink_raw(&p->to, "</td>");
    }
    assay_page_element(p, "td class=\"engine\"", r->launches[r->typical]->load.served);
    assay_sink_raw(&p->to, "</tr>\n");
}

void assay_page_served(struct assay_page *p, const struct assay_report_run *run)
{
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "served");
    assay_sink_raw(&p->to, "\">\n<h2>Served requests</h2>\n<p class=\"small\">First token: from when a request was due. Further token: (latency − first) / "
                           "(tokens − 1) of a request. Gap: between any two tokens of any request. Tokens of a user: the inverse of the 90th percentile "
                           "of the time per further token. Goodput: requests within every limit. Goodput of a device: over all that served. "
                           "Devices for the demand: the stated demand over that. Energy of a token: of all steps, prompts included. "
                           "Formulas, and what counts in which window: harness/load/serving/README.md.</p>\n"
                           "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"served requests\"><table class=\"results\"><thead><tr>"
                           "<th scope=\"col\">case</th><th scope=\"col\">back end</th>");
    for (size_t k = 0; k < N_COLUMNS; k++)
        assay_sink_raw(&p->to, "<th scope=\"col\" class=\"num\">%s</th>", columns[k].title);
    assay_sink_raw(&p->to, "<th scope=\"col\">engine, and its tokens</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < run->n_cases; i++)
        for (size_t k = 0; k < run->cases[i].n_rows; k++)
            if (is_served(run->cases[i].rows[k]))
                row(p, run, &run->cases[i], k);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    for (size_t i = 0; i < run->n_cases; i++) {
        if (!has_served(&run->cases[i]) || !tells_of_links(&run->cases[i]))
            continue;
        assay_sink_raw(&p->to, "<h3>");
        case_link(p, run, &run->cases[i]);
        assay_sink_raw(&p->to, "</h3>\n");
        assay_page_links(p, run, &run->cases[i]);
    }
    assay_sink_raw(&p->to, "</section>\n");
}

bool assay_page_has_served(const struct assay_report_run *run)
{
    for (size_t i = 0; i < run->n_cases; i++)
        if (has_served(&run->cases[i]))
            return true;
    return false;
}
