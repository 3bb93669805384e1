/* Hours of the same work, every output compared: silent errors, and the most a year that is compatible with them. */
#include <string.h>

#include "harness/base/clock.h"
#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

#define EVENTS_MOST 20u

bool assay_page_has_soak(const struct assay_report_run *run)
{
    return run->soak.n || *run->why_no_soak;
}

static void begin_cell(struct assay_page *p, const char *label)
{
    assay_sink_raw(&p->to, "<td class=\"num\" data-label=\"%s\">", label);
}

/* Crashes and the like, each with its number. */
static void how_it_went(struct assay_page *p, const struct assay_soak_case *c)
{
    const struct { uint64_t n; const char *what; } ends[] = {
        {c->crashed, "crashed"}, {c->hung, "hung"}, {c->failed, "reported an error"}, {c->guard_bytes_changed, "bytes beside the outputs changed"}};
    bool any = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends[i].n) {
            assay_sink_raw(&p->to, "%s%s %llu time%s", any ? ", " : "", ends[i].what, (unsigned long long)ends[i].n, ends[i].n == 1 ? "" : "s");
            any = true;
        }
    if (*c->reason) {
        assay_sink_raw(&p->to, "; the last: ");
        assay_sink_text(&p->to, c->reason);
    }
    if (*c->why_not) {
        assay_sink_raw(&p->to, "%s", any ? "; " : "");
        assay_sink_text(&p->to, c->why_not);
    }
    if (!any && !*c->reason && !*c->why_not)
        assay_sink_raw(&p->to, "no crash, no hang, no reported error");
}

static void row(struct assay_page *p, const struct assay_report_run *run, const struct assay_soak_case *c)
{
    char              room[96];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<tr class=\"first\"><th scope=\"row\" class=\"case\">");
    assay_page_case_name(p, c->name);
    assay_sink_raw(&p->to, "</th><td data-label=\"back end\"><span class=\"be\">");
    assay_page_series(p, run->summary, c->backend, false);
    assay_sink_raw(&p->to, "</span></td>");
    assay_page_count(p, "executions", c->iterations);
    assay_page_count(p, "silent errors", c->mismatches);
    begin_cell(p, "card-hours");
    assay_sink_raw(&p->to, "%.3g</td>", (double)c->busy_ns / 3.6e12);
    begin_cell(p, "a year");
    if (c->is_wrong)
        assay_text_add(&text, "no rate: see right");
    else
        assay_soak_say_most(c->mismatches, c->busy_ns, &text);
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "</td><td data-label=\"how it went\" class=\"why\">");
    how_it_went(p, c);
    assay_sink_raw(&p->to, "</td></tr>\n");
}

static bool has_row(const struct assay_report_run *run, const struct assay_summary_row *r)
{
    for (size_t i = 0; i < run->soak.n; i++)
        if (!strcmp(run->soak.row[i].name, r->case_name) && !strcmp(run->soak.row[i].backend, r->backend))
            return true;
    return false;
}

/* Cases of the run that no stretch was made of. */
static void left_out(struct assay_page *p, const struct assay_report_run *run)
{
    bool any = false;
    for (size_t i = 0; i < run->summary->n_rows; i++) {
        const struct assay_summary_row *r = &run->summary->rows[i];
        if (has_row(run, r))
            continue;
        assay_sink_raw(&p->to, "%s<li>", any ? "" : "<h3>Not soaked</h3>\n<ul class=\"prose\">\n");
        assay_page_case_name(p, r->case_name);
        assay_sink_raw(&p->to, ": ");
        if (r->outcome == ASSAY_PASS || r->outcome == ASSAY_MARGINAL)
            assay_sink_raw(&p->to, "its time had not come, or its outputs do not repeat by themselves");
        else
            assay_sink_text(&p->to, r->outcome_why);
        assay_sink_raw(&p->to, ".</li>\n");
        any = true;
    }
    assay_sink_raw(&p->to, "%s", any ? "</ul>\n" : "");
}

static void event(struct assay_page *p, const struct assay_soak_stretch *s, const struct assay_soak_event *e)
{
    char when[21];
    assay_clock_utc_text(e->utc_ns, when);
    assay_sink_raw(&p->to, "<tr class=\"first\"><th scope=\"row\" class=\"case\">");
    assay_page_case_name(p, s->case_name);
    assay_sink_raw(&p->to, "</th>");
    assay_page_element(p, "td data-label=\"seen\"", when);
    assay_page_count(p, "execution", e->iteration);
    if (e->element < 0) {
        assay_sink_raw(&p->to, "<td data-label=\"place\">not known: no verified outputs were at hand</td><td data-label=\"is\"></td><td data-label=\"differ\"></td></tr>\n");
        return;
    }
    assay_sink_raw(&p->to, "<td data-label=\"place\">output %u, element %lld</td><td data-label=\"is\">%.9g<small>for %.9g</small></td>"
                           "<td data-label=\"differ\">%llu bit%s in %llu element%s</td></tr>\n",
                   e->output, (long long)e->element, e->observed, e->expected, (unsigned long long)e->bits, e->bits == 1 ? "" : "s",
                   (unsigned long long)e->elements, e->elements == 1 ? "" : "s");
}

static void events(struct assay_page *p, const struct assay_soak *soak)
{
    uint64_t shown = 0;
    for (size_t i = 0; i < soak->n_trouble; i++)
        for (uint32_t k = 0; k < soak->trouble[i].n_events && shown < EVENTS_MOST; k++) {
            if (!shown++)
                assay_sink_raw(&p->to, "<h3>Silent errors</h3>\n<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"silent errors\"><table "
                                       "class=\"results\"><thead><tr><th scope=\"col\">case</th><th scope=\"col\">seen</th><th scope=\"col\" class=\"num\">execution</th>"
                                       "<th scope=\"col\">first that differs</th><th scope=\"col\">is</th><th scope=\"col\">differ</th></tr></thead>\n<tbody>\n");
            event(p, &soak->trouble[i], &soak->trouble[i].event[k]);
        }
    if (shown)
        assay_sink_raw(&p->to, "</tbody></table></div>\n<p class=\"small\">The first %llu that are described; soak.jsonl has what is known of all.</p>\n",
                       (unsigned long long)shown);
}

void assay_page_soak(struct assay_page *p, const struct assay_report_run *run)
{
    char              room[512];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "soak");
    assay_sink_raw(&p->to, "\">\n<h2>Soak</h2>\n");
    if (*run->why_no_soak) {
        assay_sink_raw(&p->to, "<p>The soak of this folder could not be read: ");
        assay_sink_text(&p->to, run->why_no_soak);
        assay_sink_raw(&p->to, ".</p>\n</section>\n");
        return;
    }
    assay_soak_say(&run->soak.all, &text);
    assay_page_element(p, "p class=\"big\"", room);
    assay_sink_raw(&p->to, "<p class=\"small\">All output bytes of every execution, against outputs that were verified. A year: 8,760 h of such work on one card; the limit is "
                           "one-sided, 95 %%, of Poisson's distribution, rounded up. Formulas: harness/judge/README.md.</p>\n"
                           "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"soak\"><table class=\"results\"><thead><tr><th scope=\"col\">case</th>"
                           "<th scope=\"col\">back end</th><th scope=\"col\" class=\"num\">executions</th><th scope=\"col\" class=\"num\">silent errors</th>"
                           "<th scope=\"col\" class=\"num\">card-hours</th><th scope=\"col\" class=\"num\">a year, 95 %%</th><th scope=\"col\">how it went</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < run->soak.n; i++)
        row(p, run, &run->soak.row[i]);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    events(p, &run->soak);
    left_out(p, run);
    assay_sink_raw(&p->to, "</section>\n");
}
