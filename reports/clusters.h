/* What records of modelled systems say of a decoder's training: by counters with ranges (backends/cluster/README.md). */
#ifndef ASSAY_REPORTS_CLUSTERS_H
#define ASSAY_REPORTS_CLUSTERS_H

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

/* A figure of the row times a factor, with what is known of it; without anything known, has_interval and has_value are false. */
struct assay_estimate assay_cluster_scaled(const struct assay_summary_row *row, enum assay_metric metric, double factor);

#endif
