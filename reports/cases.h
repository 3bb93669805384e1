/* A run sorted for reading: rows of one case together, numbered, with the plots that go with them. */
#ifndef ASSAY_REPORTS_CASES_H
#define ASSAY_REPORTS_CASES_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/judge/repeats_seen.h"
#include "harness/judge/soak.h"
#include "harness/judge/summary.h"
#include "reports/model.h"
#include "reports/plot.h"
#include "reports/worth.h"

/* Beyond so many cases distributions are not drawn, and the report says so: a drawing has 10 KiB. */
#define ASSAY_REPORT_MAX_DISTRIBUTIONS 300

struct assay_report_case {
    const char                            *name, *id; /* borrowed from the summary */
    size_t                                 number;    /* from 1, as printed */
    const struct assay_summary_row *const *rows;      /* one a back end, in the order of the summary's */
    size_t                                 n_rows;
    size_t                                 plot; /* distribution, or ASSAY_PLOT_NONE */
    bool                                   plot_is_log;
    char                                   why_no_plot[200];
    size_t                                 learning, quality, norms; /* of what was trained; or ASSAY_PLOT_NONE */
    char                                   why_no_learning[200];
};

#define ASSAY_REPORT_MAX_CURVES 16

struct assay_report_run {
    const struct assay_summary *summary; /* borrowed */
    size_t                      number;  /* from 1 */
    struct assay_report_case   *cases;
    size_t                      n_cases;
    const struct assay_summary_row **rows; /* behind cases[].rows */
    struct assay_report_model  *models; /* one a row of the summary; without nodes where there is nothing to divide */
    struct {
        size_t plot, first_case;
    } curve[ASSAY_REPORT_MAX_CURVES]; /* latency over throughput */
    size_t                      n_curves;
    size_t                      roofline;  /* plot, or ASSAY_PLOT_NONE */
    double                      peak_flops_per_s, triad_bytes_per_s; /* medians over the rows that have them; 0 = none */
    struct assay_soak           soak;    /* n 0: there is none */
    struct assay_repeats_seen  *repeats; /* what the witnesses say, n_repeats of them */
    size_t                      n_repeats;
    struct assay_worth          worth; /* begun where a row is modelled, else zeros */
    char                        why_no_soak[300], why_no_repeats[300]; /* why what is there could not be read; else empty */
};

/* Release what it holds with assay_report_run_release, also after failure. false: out of memory. */
bool assay_report_run_init(struct assay_report_run *out, const struct assay_summary *summary, size_t number);
void assay_report_run_release(struct assay_report_run *run);

/* series.c: the series (from 1) of a back end in plots: its place in the summary's list. */
unsigned assay_report_series(const struct assay_summary *summary, const char *backend);
/* Its device, and those options that tell it from the others of the run. */
void assay_report_series_name(const struct assay_summary *run, const char *backend, struct assay_text *out);

/* distribution.c: plots of the typical launches' samples, one a case. */
void assay_distributions_begin(struct assay_report_run *run, struct assay_plots *plots);

/* learning.c: curves of the typical launches of what was trained. */
void assay_learning_begin(struct assay_report_run *run, struct assay_plots *plots);

/* repeats.c: the soak and the repeats that the run folder tells of. A file that cannot be read is told in its place. */
void assay_repeats_begin(struct assay_report_run *run);

/* load.c: latency over throughput, of cases that differ in how much arrives alone. */
void assay_load_begin(struct assay_report_run *run, struct assay_plots *plots);
bool assay_report_has_load(const struct assay_report_run *run);

/* roofline.c: where a row stands. Intensity in flop a byte, 0 when it cannot be placed, with the reason. */
double assay_roofline_place(const struct assay_summary_row *row, const char **why_not);
void   assay_roofline_begin(struct assay_report_run *run, struct assay_plots *plots);

#endif
