/* Do the bits repeat? What differs stands in a table; what does not is one sentence and a list that opens. */
#include "harness/base/student.h"
#include "harness/judge/repeatability.h"
#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static bool has_any(const struct assay_repeats_seen *r)
{
    return r->runs.runs || r->processes.runs;
}

static bool differs(const struct assay_repeats_seen *r)
{
    return r->runs.differing || r->processes.differing;
}

bool assay_page_has_repeats(const struct assay_report_run *run)
{
    for (size_t i = 0; i < run->n_repeats; i++)
        if (has_any(&run->repeats[i]))
            return true;
    return *run->why_no_repeats != 0;
}

static void agreement(struct assay_page *p, const char *label, const struct assay_agreement *a, const char *why)
{
    char              room[256];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<td data-label=\"%s\">", label);
    if (a->runs)
        assay_repeats_say(a, &text);
    else
        assay_text_add(&text, "%s", why);
    if (!a->runs)
        assay_sink_raw(&p->to, "<span class=\"none\">");
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "%s</td>", a->runs ? "" : "</span>");
}

static void table(struct assay_page *p, const struct assay_report_run *run, bool differing)
{
    assay_sink_raw(&p->to, "<div class=\"scroll cards\" tabindex=\"0\" role=\"region\" aria-label=\"repeatability\"><table class=\"results\"><thead><tr>"
                           "<th scope=\"col\">case</th><th scope=\"col\">back end</th><th scope=\"col\">executions of a launch</th>"
                           "<th scope=\"col\">launches</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < run->n_repeats; i++) {
        const struct assay_repeats_seen *r = &run->repeats[i];
        if (differs(r) != differing)
            continue;
        assay_sink_raw(&p->to, "<tr class=\"first\"><th scope=\"row\" class=\"case\">");
        assay_page_case_name(p, r->case_name);
        assay_sink_raw(&p->to, "</th><td data-label=\"back end\"><span class=\"be\">");
        assay_page_series(p, run->summary, r->backend, false);
        assay_sink_raw(&p->to, "</span></td>");
        agreement(p, "executions", &r->runs, r->why_no_runs);
        agreement(p, "launches", &r->processes, r->why_no_processes);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

/* The weakest row decides what may be said of all. */
static void sentence(struct assay_page *p, const struct assay_report_run *run, size_t alike, size_t different)
{
    double most = 0;
    for (size_t i = 0; i < run->n_repeats; i++)
        if (run->repeats[i].runs.runs && !differs(&run->repeats[i])) {
            double share = assay_upper_share(0, run->repeats[i].runs.runs, 0.95);
            most = share > most ? share : most;
        }
    assay_sink_raw(&p->to, "<p class=\"big\">%zu of %zu rows gave the same bits every time they were asked again", alike, alike + different);
    if (most > 0)
        assay_sink_raw(&p->to, "; of the one that was asked least often at most %.2g %% of the executions differ, with 95 %% confidence", 100 * most);
    assay_sink_raw(&p->to, ".</p>\n");
}

void assay_page_repeats(struct assay_page *p, const struct assay_report_run *run)
{
    size_t alike = 0, different = 0;
    for (size_t i = 0; i < run->n_repeats; i++) {
        different += has_any(&run->repeats[i]) && differs(&run->repeats[i]);
        alike += has_any(&run->repeats[i]) && !differs(&run->repeats[i]);
    }
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "repeats");
    assay_sink_raw(&p->to, "\">\n<h2>Repeatability</h2>\n");
    if (*run->why_no_repeats) {
        assay_sink_raw(&p->to, "<p>The witnesses of this run could not be read: ");
        assay_sink_text(&p->to, run->why_no_repeats);
        assay_sink_raw(&p->to, ".</p>\n</section>\n");
        return;
    }
    sentence(p, run, alike, different);
    assay_sink_raw(&p->to, "<p class=\"small\">All output bits of observed executions: against those that most executions on the same inputs had in that launch, and launch "
                           "against launch. None of n differs: at most 1 − 0.05<sup>1/n</sup> of such runs do (about 3/n). Other threads, batches and places in a batch "
                           "are asked by <code>assay probe repeat</code>, hours of work by <code>assay soak</code>.</p>\n");
    if (different)
        table(p, run, true);
    assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3>Rows that repeat</h3></summary><div class=\"body\">\n");
    table(p, run, false);
    assay_sink_raw(&p->to, "</div></details>\n</section>\n");
}
