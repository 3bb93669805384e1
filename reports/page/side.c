/* Devices side by side, case by case: where their times lie, on one scale. And what moves a modelled time most. */
#include <math.h>
#include <string.h>

#include "harness/plan/plan.h"
#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

bool assay_page_has_side(const struct assay_report_run *run)
{
    bool modelled = false;
    for (size_t i = 0; i < run->summary->n_rows; i++)
        modelled = modelled || run->summary->rows[i].evidence == ASSAY_EVIDENCE_MODELLED;
    return modelled && run->summary->n_backends > 1;
}

/* From 10 % to 90 % of a modelled time, or the interval or the value of a measured one; false: there is no time. */
static bool ends_of(const struct assay_summary_row *row, double *low, double *high)
{
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    if (!e->has_interval && !e->has_value)
        return false;
    *low = e->has_interval ? e->low : e->value;
    *high = e->has_interval ? e->high : e->value;
    return *low > 0 && *high >= *low;
}

/* The scale of a case: a little beyond all of its times, so that no end lies on an edge. */
static bool scale_of(const struct assay_report_case *c, double *low, double *high)
{
    double a, b;
    *low = INFINITY;
    *high = 0;
    for (size_t i = 0; i < c->n_rows; i++)
        if (ends_of(c->rows[i], &a, &b)) {
            *low = fmin(*low, a / 1.1);
            *high = fmax(*high, b * 1.1);
        }
    return *high > *low;
}

static double place(double value, double low, double high)
{
    return 100 * log(value / low) / log(high / low);
}

static void bar(struct assay_page *p, const struct assay_report_run *run, const struct assay_summary_row *row, double low, double high)
{
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    double                       a, b;
    assay_sink_raw(&p->to, "<span class=\"track\" aria-hidden=\"true\">");
    if (ends_of(row, &a, &b)) {
        unsigned series = (assay_report_series(run->summary, row->backend) - 1) % ASSAY_PLOT_MAX_SERIES + 1;
        assay_sink_raw(&p->to, "<span class=\"span b%u\" style=\"left:%.2f%%;width:%.2f%%\"></span>", series, place(a, low, high),
                       place(b, low, high) - place(a, low, high));
        if (e->has_value)
            assay_sink_raw(&p->to, "<span class=\"mid\" style=\"left:%.2f%%\"></span>", place(e->value, low, high));
    }
    assay_sink_raw(&p->to, "</span>");
}

static void time_text(struct assay_page *p, const struct assay_summary_row *row)
{
    char                         room[160];
    struct assay_text            text = ASSAY_TEXT(room);
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    if (!e->has_interval && !e->has_value) {
        assay_sink_raw(&p->to, "<span class=\"none\"><b>%s</b>", assay_status_name(row->status));
        assay_sink_textf(&p->to, "%s%s", *row->reason ? ": " : "", row->reason);
        assay_sink_raw(&p->to, "</span>");
        return;
    }
    assay_figure_range(&text, ASSAY_METRIC_latency_ns, e);
    if (e->has_value) {
        assay_text_add(&text, "%s", e->has_interval ? ", middle " : "");
        assay_figure_value(&text, ASSAY_METRIC_latency_ns, e->value);
    } else
        assay_text_add(&text, ", no point");
    assay_sink_text(&p->to, room);
}

static void one_case(struct assay_page *p, const struct assay_report_run *run, const struct assay_report_case *c)
{
    double low = 0, high = 0;
    char   name[ASSAY_CASE_NAME_BYTES];
    (void)scale_of(c, &low, &high);
    assay_case_brief(c->name, name);
    assay_sink_raw(&p->to, "<h4><a href=\"#case-%zu-%zu\"><span class=\"no\">%zu</span>&#160;", run->number, c->number, c->number);
    assay_page_case_name(p, name);
    assay_sink_raw(&p->to, "</a></h4>\n<ul class=\"bars ranges\">\n");
    for (size_t i = 0; i < c->n_rows; i++) {
        assay_sink_raw(&p->to, "<li><span class=\"of\">");
        assay_page_series(p, run->summary, c->rows[i]->backend, false);
        assay_sink_raw(&p->to, " <small>");
        assay_page_evidence(p, c->rows[i]);
        assay_sink_raw(&p->to, "</small></span>");
        bar(p, run, c->rows[i], low, high);
        assay_sink_raw(&p->to, "<span>");
        time_text(p, c->rows[i]);
        assay_sink_raw(&p->to, "</span></li>\n");
    }
    assay_sink_raw(&p->to, "</ul>\n");
}

/* Whether a chip can be had is a part of what a figure of it is worth. */
static void statuses(struct assay_page *p, const struct assay_summary *run)
{
    assay_sink_raw(&p->to, "<ul class=\"keys names\">\n");
    for (size_t b = 0; b < run->n_backends; b++) {
        const struct assay_device_info *d = NULL;
        for (size_t i = 0; i < run->n_rows && !d; i++) {
            const struct assay_record *r = run->rows[i].launches[run->rows[i].typical];
            if (!strcmp(run->rows[i].backend, run->backends[b]) && *r->device.name)
                d = &r->device;
        }
        assay_sink_raw(&p->to, "<li>");
        assay_page_series(p, run, run->backends[b], false);
        assay_sink_raw(&p->to, " <small class=\"on\">");
        assay_sink_text(&p->to, d ? *d->product ? d->product : d->name : "never opened");
        assay_sink_raw(&p->to, "</small></li>\n");
    }
    assay_sink_raw(&p->to, "</ul>\n");
}

void assay_page_side(struct assay_page *p, const struct assay_report_run *run)
{
    assay_sink_raw(&p->to, "<section id=\"");
    assay_page_id(p, run, "side");
    assay_sink_raw(&p->to, "\">\n<h2>Side by side</h2>\n<p class=\"small\">Time of one execution, shorter to the left, each case on a scale of its own "
                           "(logarithmic). A bar of a modelled device holds 80 of 100 of what is possible by all that is known (10th to 90th percentile); "
                           "its line is the middle, and stands only where every number behind it is known. Bars that overlap do not tell the two apart. "
                           "Grade: A calibrated on the chip, B complete datasheet, C reported or inferred numbers, D a number is assumed.</p>\n");
    statuses(p, run->summary);
    for (size_t i = 0; i < run->n_cases; i++)
        one_case(p, run, &run->cases[i]);
    assay_sink_raw(&p->to, "</section>\n");
}

/* ---- what moves a time most ---------------------------------------------------------------------------------------- */

static double widest_of(const struct assay_influence *x)
{
    double widest = 0;
    for (size_t i = 0; i < ASSAY_INFLUENCES && x[i].share > 0; i++)
        widest = fmax(widest, fmax(fabs(log(x[i].low)), fabs(log(x[i].high))));
    return widest;
}

void assay_page_influences(struct assay_page *p, const struct assay_record *r)
{
    double widest = widest_of(r->influences);
    if (!(widest > 0) || isinf(widest))
        return;
    assay_sink_raw(&p->to, "<h5>What moves the time most</h5>\n<p class=\"small\">The time when one input goes from end to end of what is known of it, over the "
                           "time in the middle; and its share of the whole uncertainty (variance of the logarithm). Of a served case it is the time of a full step; "
                           "of two devices each input says whose it is, and its share is of that one's time.</p>\n<ul class=\"bars ranges\">\n");
    for (size_t i = 0; i < ASSAY_INFLUENCES && r->influences[i].share > 0; i++) {
        const struct assay_influence *x = &r->influences[i];
        double a = fmin(x->low, x->high), b = fmax(x->low, x->high);
        double left = 50 + 49 * log(a) / widest, right = 50 + 49 * log(b) / widest;
        assay_sink_raw(&p->to, "<li><span class=\"of\">");
        assay_sink_text(&p->to, x->name);
        assay_sink_raw(&p->to, " <small>");
        assay_sink_text(&p->to, x->from);
        assay_sink_raw(&p->to, "</small></span><span class=\"track\" aria-hidden=\"true\"><span class=\"span b%d\" style=\"left:%.2f%%;width:%.2f%%\"></span>"
                               "<span class=\"mid\" style=\"left:50%%\"></span></span><span>x %.2f – x %.2f, %.0f %%</span></li>\n",
                       !strcmp(x->from, "assumed") ? 2 : 1, left, right - left, a, b, 100 * x->share);
    }
    assay_sink_raw(&p->to, "</ul>\n");
}
