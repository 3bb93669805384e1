/* What a reader sees first: what ran on what, what came out, and what must be known before a figure is used. */
#include <string.h>

#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static const struct assay_record *shown(const struct assay_summary_row *row)
{
    return row->launches[row->typical];
}

/* The first row of a back end whose device opened, else its first. */
static const struct assay_summary_row *row_of(const struct assay_summary *run, const char *backend)
{
    const struct assay_summary_row *first = NULL;
    for (size_t i = 0; i < run->n_rows; i++) {
        if (strcmp(run->rows[i].backend, backend) != 0)
            continue;
        if (*shown(&run->rows[i])->device.name)
            return &run->rows[i];
        first = first ? first : &run->rows[i];
    }
    return first;
}

static void device(struct assay_page *p, const struct assay_summary *run, const char *backend)
{
    const struct assay_summary_row *row = row_of(run, backend);
    const struct assay_device_info *d = row ? &shown(row)->device : NULL;
    assay_sink_raw(&p->to, "<tr><th scope=\"row\">");
    assay_page_series(p, run, backend, true);
    assay_sink_raw(&p->to, "</th>");
    if (!d || !*d->name) {
        assay_sink_raw(&p->to, "<td colspan=\"5\" class=\"none\">never opened: ");
        assay_sink_text(&p->to, row && *row->reason ? row->reason : "no reason was recorded");
        assay_sink_raw(&p->to, "</td></tr>\n");
        return;
    }
    assay_sink_raw(&p->to, "<td>");
    assay_sink_textf(&p->to, "%s%s%s", *d->product ? d->product : d->name, *d->vendor ? ", " : "", d->vendor);
    if (*d->serial)
        assay_sink_textf(&p->to, ", serial %s", d->serial);
    if (*d->firmware)
        assay_sink_textf(&p->to, ", firmware %s", d->firmware);
    assay_sink_raw(&p->to, "</td>");
    assay_page_element(p, "td class=\"why\"", *d->how_known ? d->how_known : "not said: its name is the back end's own word");
    assay_page_element(p, "td", assay_figure_origin(d->origin));
    assay_page_element(p, "td", assay_figure_clock_about(d->clock));
    assay_sink_raw(&p->to, "<td>");
    assay_page_evidence(p, row);
    assay_sink_raw(&p->to, "</td></tr>\n");
}

static void devices(struct assay_page *p, const struct assay_summary *run)
{
    assay_sink_raw(&p->to, "<h3>What was tested</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"back ends and devices\">"
                           "<table class=\"devices\"><thead><tr><th scope=\"col\">back end</th><th scope=\"col\">device</th>"
                           "<th scope=\"col\">how the device is known</th><th scope=\"col\">is</th><th scope=\"col\">timed by</th>"
                           "<th scope=\"col\">evidence</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < run->n_backends; i++)
        device(p, run, run->backends[i]);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

static void tiles(struct assay_page *p, const struct assay_summary *run)
{
    assay_sink_raw(&p->to, "<h3>Are the results right?</h3>\n<ul class=\"tiles\">\n");
    for (enum assay_outcome o = ASSAY_PASS; o <= ASSAY_NOT_CHECKED; o++)
        assay_sink_raw(&p->to, "<li class=\"t%d%s\"><b>%zu</b> %s<small>%s</small></li>\n", (int)o, run->outcomes[o] ? "" : " zero",
                       run->outcomes[o], assay_outcome_name(o), assay_figure_outcome_about(o));
    assay_sink_raw(&p->to, "</ul>\n<p class=\"small\">Counted in rows: one case on one back end over all its launches, the worst launch deciding. Execution: ");
    bool first = true;
    for (int s = ASSAY_STATUS_OK; s <= ASSAY_STATUS_ERROR; s++) {
        if (run->statuses[s] == 0)
            continue;
        assay_sink_raw(&p->to, "%s%zu %s", first ? "" : ", ", run->statuses[s], assay_status_name((enum assay_status)s));
        first = false;
    }
    assay_sink_raw(&p->to, ".</p>\n");
}

struct tally {
    size_t single, models, instruments, unproved;
};

static struct tally count(const struct assay_summary *run)
{
    struct tally t = {0};
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct assay_summary_row *row = &run->rows[i];
        bool                            timed = row->metric[ASSAY_METRIC_latency_ns].has_value;
        t.single += timed && row->n_medians == 1 && row->clock != ASSAY_CLOCK_MODEL;
        t.models += row->evidence == ASSAY_EVIDENCE_MODELLED;
        t.instruments += row->evidence == ASSAY_EVIDENCE_INSTRUMENT;
        t.unproved += timed && assay_figure_is_struck(row);
    }
    return t;
}

static void plural(struct assay_page *p, size_t n, const char *one, const char *many)
{
    assay_sink_raw(&p->to, "<li><b>%zu</b> %s</li>\n", n, n == 1 ? one : many);
}

/* What must be known before a figure is used; each only if it is so. */
static void cautions(struct assay_page *p, const struct assay_summary *run)
{
    struct tally t = count(run);
    const char  *torn = assay_run_folder_torn(run->folder);
    bool         plots = *assay_plots_why(p->plots);
    bool         unseen = assay_figures_want_validation(run);
    if (!torn && !plots && !unseen && !t.single && !t.models && !t.instruments && !t.unproved && !run->noisy && !run->n_missing)
        return;
    assay_sink_raw(&p->to, "<div class=\"cautions\" role=\"note\"><h3>Before a figure is used</h3><ul>\n");
    if (unseen)
        assay_sink_raw(&p->to, "<li><b>Nothing was validated.</b> No time below is proved: run <code>assay validate</code> on the run folder, then write the report again.</li>\n");
    else if (t.unproved)
        plural(p, t.unproved, "row has a time whose outputs did not pass: it is struck through and counts for nothing.",
               "rows have times whose outputs did not pass: they are struck through and count for nothing.");
    if (t.single)
        plural(p, t.single, "row was launched once: it has a spread, no interval, and cannot be compared with confidence.",
               "rows were launched once: they have a spread, no interval, and cannot be compared with confidence.");
    if (run->noisy)
        plural(p, run->noisy, "row was measured while the machine was not quiet.", "rows were measured while the machine was not quiet.");
    if (t.models)
        plural(p, t.models, "row is modelled: calculated, not measured. It is marked ◇ and never mixed with measured ones.",
               "rows are modelled: calculated, not measured. They are marked ◇ and never mixed with measured ones.");
    if (t.instruments)
        plural(p, t.instruments, "row is of an instrument of the harness and says nothing about a device.",
               "rows are of instruments of the harness and say nothing about a device.");
    if (run->n_missing)
        plural(p, run->n_missing, "row of the plan was never run: the run was interrupted (listed below).",
               "rows of the plan were never run: the run was interrupted (listed below).");
    if (torn) {
        assay_sink_raw(&p->to, "<li>The end of the records was torn and left out: ");
        assay_sink_text(&p->to, torn);
        assay_sink_raw(&p->to, "</li>\n");
    }
    if (plots) {
        assay_sink_raw(&p->to, "<li>Plots are missing: ");
        assay_sink_text(&p->to, assay_plots_why(p->plots));
        assay_sink_raw(&p->to, ". Every number is in the tables all the same.</li>\n");
    }
    assay_sink_raw(&p->to, "</ul></div>\n");
}

static void legend(struct assay_page *p, const struct assay_summary *run)
{
    assay_sink_raw(&p->to, "<h3>What the figures are worth</h3>\n<p class=\"small\">Each figure carries the mark of its evidence.</p>\n<ul class=\"legend\">\n");
    for (enum assay_evidence e = ASSAY_EVIDENCE_MEASURED; e <= ASSAY_EVIDENCE_INSTRUMENT; e++) {
        size_t n = 0;
        for (size_t i = 0; i < run->n_rows; i++)
            n += run->rows[i].evidence == e;
        assay_sink_raw(&p->to, "<li%s><span class=\"ev ev%d\" aria-hidden=\"true\">%s</span> <b>%s</b> <span class=\"n\">%zu</span> %s</li>\n",
                       n ? "" : " class=\"zero\"", (int)e, assay_figure_evidence_mark(e), assay_evidence_name(e), n, assay_figure_evidence_about(e));
    }
    assay_sink_raw(&p->to, "</ul>\n");
}

static const char *host_name(const struct assay_summary *run)
{
    const json_t *host = json_object_get(assay_run_folder_manifest(run->folder), "host");
    const char   *name = json_is_string(host) ? json_string_value(host) : json_string_value(json_object_get(host, "hostname"));
    return name ? name : "not recorded";
}

void assay_page_summary(struct assay_page *p, const struct assay_report_run *run)
{
    char              room[512];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "summary");
    assay_sink_raw(&p->to, "\">\n<h2>Summary</h2>\n<p class=\"lead\">");
    assay_figure_run(&text, run->summary);
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "; <b>%zu</b> of %zu rows proved right.</p>\n<dl class=\"facts top\">\n",
                   run->summary->outcomes[ASSAY_PASS] + run->summary->outcomes[ASSAY_MARGINAL], run->summary->n_rows);
    assay_page_fact(p, "host", host_name(run->summary));
    assay_page_fact(p, "run", assay_figure_manifest(run->summary, "created"));
    text = ASSAY_TEXT(room);
    assay_figure_run_name(&text, run->summary);
    assay_page_fact(p, "run folder", room);
    assay_page_fact(p, "suite", assay_figure_manifest(run->summary, "suite"));
    text = ASSAY_TEXT(room);
    assay_figure_seed(&text, run->summary);
    assay_page_fact(p, "seed", room);
    assay_page_fact(p, "measured with", *assay_figure_manifest(run->summary, "assay") ? assay_figure_manifest(run->summary, "assay") : "not recorded");
    assay_sink_raw(&p->to, "</dl>\n");
    tiles(p, run->summary);
    cautions(p, run->summary);
    devices(p, run->summary);
    legend(p, run->summary);
    assay_sink_raw(&p->to, "</section>\n");
}
