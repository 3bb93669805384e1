/* How long the iterations of a launch took: for each time, the share of iterations that took at most so long. Curves of
 * all back ends of a case in one plot, each of its typical launch. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure/statistics.h"
#include "harness/store/run_folder.h"
#include "reports/cases.h"

#include "assay/banned.h"

#define POINTS 160      /* of a curve; more cannot be told apart on paper */
#define LEAST 10        /* executions of which a curve tells more than their list does */
#define LOG_FROM 20.0   /* longest over shortest from which the axis is logarithmic */

struct curve {
    unsigned series;
    size_t   n;
    double   at_ns[POINTS], share[POINTS];
};

/* false: no samples, and `why` says why. */
static bool read_curve(const struct assay_report_run *run, const struct assay_summary_row *row, struct curve *out, char why[200])
{
    struct assay_error         err = {.code = ASSAY_OK};
    uint64_t                  *samples = NULL;
    size_t                     n = 0;
    const struct assay_record *launch = row->launches[row->typical];
    if (launch->status != ASSAY_STATUS_OK) {
        (void)snprintf(why, 200, "no launch on %.80s ended well", row->backend);
        return false;
    }
    if (assay_samples_read(assay_run_folder_path(run->summary->folder), launch, &samples, &n, &err)) {
        /* The path of the folder is no part of a report: the same folder elsewhere gives the same bytes. */
        (void)snprintf(why, 200, "%s", err.code == ASSAY_IO            ? "the file of samples cannot be read"
                                       : err.code == ASSAY_UNAVAILABLE ? "the launch left no samples"
                                                                       : "the file of samples is not what the record says");
        return false;
    }
    if (n == 0)
        (void)snprintf(why, 200, "the file of samples is empty");
    else if (n < LEAST)
        (void)snprintf(why, 200, "%zu executions are too few for a curve", n);
    if (n < LEAST) {
        free(samples);
        return false;
    }
    assay_sort_u64(samples, n);
    out->series = assay_report_series(run->summary, row->backend);
    out->n = n < POINTS ? n : POINTS;
    for (size_t i = 0; i < out->n; i++) {
        size_t k = out->n < 2 ? 0 : (size_t)((double)i * (double)(n - 1) / (double)(out->n - 1) + 0.5);
        out->at_ns[i] = (double)samples[k];
        out->share[i] = 100.0 * (double)(k + 1) / (double)n;
    }
    free(samples);
    return true;
}

static void draw(FILE *script, const struct curve *curves, size_t n, bool is_log, bool is_load, double low, double high)
{
    static const struct { double ns; const char *name; } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
    size_t u = 0;
    while (u < 3 && high < units[u].ns)
        u++;
    double margin = high > low ? 0.04 * (high - low) : 0.05 * high + 1;
    fprintf(script, "set border 3 lw 0.8\nset tics nomirror scale 0.5\nset grid y lt 1 lc " ASSAY_PLOT_GRID " lw 0.6\nset yrange [0:100]\n"
                    "set ytics 25\nset format y \"%%g %%%%\"\nset xlabel \"%s (%s)\"\nset ylabel \"share of %s\" offset 1\nunset key\n",
            is_load ? "latency of a query" : "time of one execution", units[u].name, is_load ? "queries" : "iterations");
    if (is_log)
        fprintf(script, "set logscale x\nset xrange [%.6g:%.6g]\n", low / 1.1 / units[u].ns, high * 1.1 / units[u].ns);
    else
        fprintf(script, "set xrange [%.6g:%.6g]\nset xtics autofreq\n", (low - margin > 0 ? low - margin : 0) / units[u].ns,
                (high + margin) / units[u].ns);
    for (size_t c = 0; c < n; c++) {
        fprintf(script, "$p%zu << EOD\n%.7g 0\n", c, curves[c].at_ns[0] / units[u].ns);
        for (size_t i = 0; i < curves[c].n; i++)
            fprintf(script, "%.7g %.4g\n", curves[c].at_ns[i] / units[u].ns, curves[c].share[i]);
        fputs("EOD\n", script);
    }
    for (size_t c = 0; c < n; c++)
        fprintf(script, "%s $p%zu using 1:2 with steps lw 1.8 dt %zu lc " ASSAY_PLOT_SERIES, c ? "," : "plot", c,
                curves[c].series <= ASSAY_PLOT_MAX_SERIES ? (size_t)1 : (size_t)2, curves[c].series);
    fputs("\n", script);
}

static void begin(struct assay_report_run *run, struct assay_report_case *c, struct assay_plots *plots)
{
    size_t        n = 0;
    double        low = INFINITY, high = 0;
    FILE         *script;
    struct curve *curves = calloc(c->n_rows, sizeof *curves);
    if (!curves) {
        (void)snprintf(c->why_no_plot, sizeof c->why_no_plot, "out of memory");
        return;
    }
    for (size_t i = 0; i < c->n_rows; i++) {
        if (!read_curve(run, c->rows[i], &curves[n], c->why_no_plot))
            continue;
        low = fmin(low, curves[n].at_ns[0]);
        high = fmax(high, curves[n].at_ns[curves[n].n - 1]);
        n++;
    }
    c->plot_is_log = low > 0 && high / low > LOG_FROM;
    if (n > 0 && (c->plot = assay_plots_begin(plots, 660, 250, &script)) != ASSAY_PLOT_NONE)
        draw(script, curves, n, c->plot_is_log, c->rows[0]->launches[c->rows[0]->typical]->load.issued > 0, low, high);
    free(curves);
}

void assay_distributions_begin(struct assay_report_run *run, struct assay_plots *plots)
{
    for (size_t i = 0; i < run->n_cases; i++)
        if (i < ASSAY_REPORT_MAX_DISTRIBUTIONS)
            begin(run, &run->cases[i], plots);
        else
            (void)snprintf(run->cases[i].why_no_plot, sizeof run->cases[i].why_no_plot,
                           "distributions are drawn for the first %d cases of a run, so that the page stays readable; "
                           "the samples are in the run folder", ASSAY_REPORT_MAX_DISTRIBUTIONS);
}
