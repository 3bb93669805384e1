/* Figures in words: quantities with units, intervals, evidence, verdicts. The one place that turns numbers into text
 * for people, so that every format says the same. Texts come back plain: escape them on the way out. */
#ifndef ASSAY_REPORTS_FIGURES_H
#define ASSAY_REPORTS_FIGURES_H

#include <stdint.h>

#include "assay/text.h"
#include "harness/judge/summary.h"

/* What a metric is called in a table, short; its exact definition is in assay_metric_row. */
const char *assay_figure_metric_title(enum assay_metric metric);

/* A value of a metric with its unit: "1.234 ms", "183.4 Gflop/s", "84.3 %", "1,024". */
void assay_figure_value(struct assay_text *out, enum assay_metric metric, double value);
/* The value of an estimate, or "–" when it has none (then the reason is e->why). */
void assay_figure_estimate(struct assay_text *out, enum assay_metric metric, const struct assay_estimate *e);
/* "1.214 ms – 1.259 ms", or "" without an interval. */
void assay_figure_range(struct assay_text *out, enum assay_metric metric, const struct assay_estimate *e);
/* What the time of a row is worth: "95 % interval, 3 launches", "90 % range of the model",
 * "one launch: no interval". */
void assay_figure_interval_words(struct assay_text *out, const struct assay_summary_row *row);
/* "1,234,567" */
void assay_figure_count(struct assay_text *out, uint64_t n);
/* A duration of a phase: "12.3 ms", "–" for 0. */
void assay_figure_duration(struct assay_text *out, uint64_t ns);
/* A counter's value with its unit. */
void assay_figure_counter(struct assay_text *out, double value, const char *unit);

/* Evidence: a mark for tight places, and what it means in one sentence. */
const char *assay_figure_evidence_mark(enum assay_evidence evidence);
const char *assay_figure_evidence_about(enum assay_evidence evidence);
/* "measured", "modelled, grade C" */
void        assay_figure_evidence(struct assay_text *out, const struct assay_summary_row *row);
const char *assay_figure_outcome_about(enum assay_outcome outcome);
const char *assay_figure_status_about(enum assay_status status);
const char *assay_figure_clock_about(enum assay_clock clock);
const char *assay_figure_origin(enum assay_origin origin);

/* May the figures of this row be relied on: did the outputs of that very program in that run pass? */
bool assay_figure_is_proved(const struct assay_summary_row *row);
/* Is it struck through: an execution's whose outputs did not pass, or were not looked at? What is modelled without values has no outputs; it
 * bears the mark of its evidence, and is told apart by that. */
bool assay_figure_is_struck(const struct assay_summary_row *row);
/* Would `assay validate` tell more of the run: was it not run yet, and is there a figure that it could prove? */
bool assay_figures_want_validation(const struct assay_summary *run);

/* The verdict in sentences: what was compared and how, the worst element, how many iterations, what would have been
 * found. `check` as in a summary row. */
void assay_figure_check_scope(struct assay_text *out, const struct assay_check *check);
void assay_figure_check_worst(struct assay_text *out, const struct assay_check *check);
void assay_figure_check_iterations(struct assay_text *out, const struct assay_check *check);
void assay_figure_check_fault(struct assay_text *out, const struct assay_check *check);

/* One sentence on what ran: suite, cases, back ends, launches. */
void assay_figure_run(struct assay_text *out, const struct assay_summary *run);
/* The last part of the run folder's path. */
void assay_figure_run_name(struct assay_text *out, const struct assay_summary *run);
/* A text member of the manifest, or "" when there is none. */
const char *assay_figure_manifest(const struct assay_summary *run, const char *key);
/* The seed, as the manifest has it (number or text). */
void assay_figure_seed(struct assay_text *out, const struct assay_summary *run);

struct assay_report_model;
/* "193 nodes; the 175 that the back end tells of sum to 236.4 ms (traced, median of 3 executions); tracing costs 1.2 % over …", or why there
 * are no times. */
void assay_figure_trace(struct assay_text *out, const struct assay_report_model *model);

#endif
