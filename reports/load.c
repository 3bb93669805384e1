/* Latency over throughput: cases that differ in nothing but how much arrives, one curve a back end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/promise.h"
#include "reports/cases.h"

#include "assay/banned.h"

#define POINTS 64u

struct point {
    double load, x, y; /* what arrives; samples a second; latency, ms */
    bool   valid;
};
struct curve {
    unsigned     series;
    size_t       n;
    struct point at[POINTS];
};

static bool is_load(const struct assay_report_case *c)
{
    return c->rows[0]->launches[c->rows[0]->typical]->load.issued > 0;
}

static bool point_of(const struct assay_summary_row *row, double load, struct point *out)
{
    const struct assay_record       *r = row->launches[row->typical];
    const struct assay_estimate     *x = &row->metric[ASSAY_METRIC_samples_per_s], *y = &row->metric[ASSAY_METRIC_latency_at_percentile_ns];
    if (row->status != ASSAY_STATUS_OK || !x->has_value || !y->has_value)
        return false;
    *out = (struct point){load, x->value, y->value / 1e6, !*r->load.invalid};
    return true;
}

static int by_load(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return (x->load > y->load) - (x->load < y->load);
}

static void gather(const struct assay_report_run *run, size_t first, const char *family, const char *backend, struct curve *out)
{
    for (size_t i = first; i < run->n_cases; i++) {
        char   name[ASSAY_CASE_NAME_BYTES];
        double load;
        if (!is_load(&run->cases[i]) || !assay_case_family(run->cases[i].name, name, &load) || strcmp(name, family) != 0)
            continue;
        for (size_t j = 0; j < run->cases[i].n_rows && out->n < POINTS; j++)
            if (!strcmp(run->cases[i].rows[j]->backend, backend) && point_of(run->cases[i].rows[j], load, &out->at[out->n]))
                out->n++;
    }
    qsort(out->at, out->n, sizeof *out->at, by_load);
}

static void draw(FILE *script, const struct curve *curves, size_t n, double percentile, double limit_ms)
{
    fprintf(script, "set border 3 lw 0.8\nset tics nomirror scale 0.5\nset grid y lt 1 lc " ASSAY_PLOT_GRID " lw 0.6\nunset key\nset xrange [0:*]\n"
                    "set logscale y\nset format y \"%%g\"\nset xlabel \"samples a second\"\nset ylabel \"latency, p%g (ms)\" offset 1\n", 100 * percentile);
    if (limit_ms > 0)
        fprintf(script, "set arrow 1 from graph 0, first %.9g to graph 1, first %.9g nohead lw 1.1 dt 3 lc rgb \"#000000\"\n"
                        "set label 1 \"limit\" at graph 0.01, first %.9g left offset 0,0.6 noenhanced\n", limit_ms, limit_ms, limit_ms);
    for (size_t c = 0; c < n; c++)
        for (int valid = 0; valid < 2; valid++) {
            fprintf(script, "$p%zu%c << EOD\n", c, valid ? 'v' : 'a');
            for (size_t i = 0; i < curves[c].n; i++)
                if (!valid || curves[c].at[i].valid)
                    fprintf(script, "%.7g %.7g\n", curves[c].at[i].x, curves[c].at[i].y);
            fprintf(script, "%sEOD\n", valid ? "NaN NaN\n" : "");
        }
    for (size_t c = 0; c < n; c++)
        fprintf(script, "%s $p%zua using 1:2 with linespoints pt 6 ps 0.7 lw 1.4 lc " ASSAY_PLOT_SERIES ", $p%zuv using 1:2 with points pt 7 ps 0.7 lc "
                ASSAY_PLOT_SERIES, c ? "," : "plot", c, curves[c].series, c, curves[c].series);
    fputs("\n", script);
}

/* One plot of all cases like case `first`; none if no back end has two points. */
static void begin(struct assay_report_run *run, size_t first, const char *family, struct assay_plots *plots)
{
    struct curve *curves = calloc(run->summary->n_backends + 1, sizeof *curves);
    size_t        n = 0, most = 0;
    FILE         *script;
    const struct assay_load *load = &run->cases[first].rows[0]->launches[run->cases[first].rows[0]->typical]->load;
    for (size_t b = 0; curves && b < run->summary->n_backends; b++) {
        curves[n].series = (unsigned)b + 1;
        curves[n].n = 0;
        gather(run, first, family, run->summary->backends[b], &curves[n]);
        most = curves[n].n > most ? curves[n].n : most;
        n += curves[n].n > 0;
    }
    if (most > 1 && run->n_curves < ASSAY_REPORT_MAX_CURVES &&
        (run->curve[run->n_curves].plot = assay_plots_begin(plots, 660, 300, &script)) != ASSAY_PLOT_NONE) {
        draw(script, curves, n, load->percentile, (double)load->allowed_within_ns / 1e6);
        run->curve[run->n_curves++].first_case = first;
    }
    free(curves);
}

void assay_load_begin(struct assay_report_run *run, struct assay_plots *plots)
{
    for (size_t i = 0; i < run->n_cases; i++) {
        char   mine[ASSAY_CASE_NAME_BYTES], other[ASSAY_CASE_NAME_BYTES];
        double ignored;
        bool   seen = false;
        if (!is_load(&run->cases[i]) || !assay_case_family(run->cases[i].name, mine, &ignored))
            continue;
        for (size_t k = 0; k < i && !seen; k++)
            seen = is_load(&run->cases[k]) && assay_case_family(run->cases[k].name, other, &ignored) && !strcmp(mine, other);
        if (!seen)
            begin(run, i, mine, plots);
    }
}

bool assay_report_has_load(const struct assay_report_run *run)
{
    for (size_t i = 0; i < run->n_cases; i++)
        if (is_load(&run->cases[i]))
            return true;
    return false;
}
