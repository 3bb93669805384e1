/* What records of modelled systems say of a decoder's training: by counters with ranges (backends/cluster/README.md). */
#ifndef ASSAY_REPORTS_CLUSTERS_H
#define ASSAY_REPORTS_CLUSTERS_H

#include "harness/plan/plan.h"
#include "reports/cases.h"

/* The counter of that name, or NULL. */
const struct assay_summary_counter *assay_cluster_counter(const struct assay_summary_row *row, const char *name);
/* Its value, or the middle of its range (geometric, where it does not touch zero): for shares and pictures, never as a figure. NaN: none. */
double assay_cluster_about(const struct assay_summary_row *row, const char *name);
/* Is the row a training step on a system that was spread? */
bool   assay_cluster_is(const struct assay_summary_row *row);
/* A case with such rows. */
bool   assay_cluster_is_case(const struct assay_report_case *c);
/* The system's name without options: "dgx-h100"; and the number of its devices. */
void   assay_cluster_system(const struct assay_summary_row *row, char out[64]);
double assay_cluster_devices(const struct assay_summary_row *row);
/* "tp 4 dp 32 pp 8 chunks 6 mb 64 × 1 zero 1", with blanks that do not break within an axis: axes of one rank are left out. */
void   assay_cluster_plan(const struct assay_summary_row *row, struct assay_text *out);

/* What the row says of one group of a whole, by its counter's name ("step_" + "compute"), of n of them; 0: nothing. */
void   assay_cluster_parts(const struct assay_summary_row *row, const char *prefix, const char *const *names, size_t n, double *out);

/* The range where it is one, else the point: "1.2 s – 1.5 s", "1.3 s". Nothing, and false, for neither. */
bool   assay_cluster_figure(struct assay_text *out, enum assay_metric metric, const struct assay_estimate *e);

/* "62.5 GB", "1.7 MB – 2.9 MB": memories and messages of devices, in units of their links' rates; nothing for neither point nor range. */
void   assay_cluster_bytes(struct assay_text *out, const struct assay_estimate *e);

/* "14.3 % – 14.7 %", of less than a tenth of a percent two digits; false: the counter has no range. */
bool   assay_cluster_percent(struct assay_text *out, const struct assay_summary_counter *c);

/* Links of one tier in a step; a counter is NULL where the record lacks it. */
struct assay_cluster_link {
    char                                tier[48];
    const struct assay_summary_counter *sent, *busy, *busy_share, *rate, *rate_share;
};
enum { ASSAY_CLUSTER_LINKS = 8 };
/* Innermost first; returns how many: none of a row that did not run. */
size_t assay_cluster_links(const struct assay_summary_row *row, struct assay_cluster_link out[ASSAY_CLUSTER_LINKS]);
/* A counter as an estimate: its value where there is a point, its range where that is one. */
struct assay_estimate assay_cluster_estimate(const struct assay_summary_counter *c);

/* Tokens a second for each `unit` of what the counter counts: ranges' half widths, in logarithms, add up in squares. Nothing known: neither
 * interval nor value. */
struct assay_estimate assay_cluster_per(const struct assay_summary_row *row, const char *counter, double unit);

/* How a system goes on over more of its devices. Strong: the same step, each size by its own best plan; weak: as many more sequences a
 * step as there are more devices. A series: rows of one system with the same options, and sizes that differ. */
enum assay_cluster_scaling { ASSAY_CLUSTER_STRONG = 1, ASSAY_CLUSTER_WEAK = 2 };
/* One size of a series. [0] and [1]: low and high. Sizes of a system are priced on the same draws of what is not known of it, so that it is
 * low end over low end and high over high, and not an end over the other. */
struct assay_cluster_size {
    const struct assay_summary_row *row;
    double                          devices;
    double                          speed_up[2];   /* rate over that of the series' smallest size */
    double                          efficiency[2]; /* that, over how many times as many devices */
};
/* Sizes of all series among the rows that have two or more, series after series, each from the smallest on; *n is 0 where there is none. NULL:
 * no memory. Free with free(). */
struct assay_cluster_size *assay_cluster_sizes(const struct assay_summary_row *const *rows, size_t n_rows, enum assay_cluster_scaling kind, size_t *n);
/* The same among all rows of a run. */
struct assay_cluster_size *assay_cluster_sizes_of_run(const struct assay_summary *run, enum assay_cluster_scaling kind, size_t *n);

/* A figure of the row times a factor, with what is known of it; without anything known, has_interval and has_value are false. */
struct assay_estimate assay_cluster_scaled(const struct assay_summary_row *row, enum assay_metric metric, double factor);

#endif
