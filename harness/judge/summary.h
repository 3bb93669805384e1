/* A run folder, made ready to be read by people: one row a (case, back end) over all its launches. The terminal table,
 * the reports and the comparison read this and nothing else of a run. It reads; nothing here writes.
 *
 * How figures come about (harness/measure/statistics.h has the formulas)
 *  - Launches count that ended with status ok. A launch has one value of each metric, the one in its record.
 *  - A metric that is positive in every launch: geometric mean with its 95 % t interval over the logarithms (the mean and
 *    not the median, because it is the mean that the interval is about). With one launch there is no interval and
 *    `why` says so. A metric that is 0 in some launch (counts): median, no interval.
 *  - The rates flops_per_s, bytes_per_s and items_per_s: the algorithmic work of one execution divided by the estimate
 *    of latency_ns, so that value and interval are those of latency, ends exchanged.
 *    Cases with a scenario have a rate of their own in each record, summed up like any metric.
 *  - On the model's clock launches repeat a calculation and are no replication: the interval is the widest of the
 *    records' own (ranges in the device's description), never a t interval.
 *  - Counters: median over the launches that have a value. */
#ifndef ASSAY_JUDGE_SUMMARY_H
#define ASSAY_JUDGE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"
#include "harness/judge/verdict.h"
#include "harness/measure/statistics.h"
#include "harness/store/run_folder.h"

/* A counter of the same name, provider and unit over the launches. */
struct assay_summary_counter {
    const struct assay_counter *first; /* for name, provider, unit; of the first launch that has it */
    bool                        has_value, multiplexed; /* multiplexed: scaled in at least one launch */
    double                      value;                  /* median */
    uint32_t                    n;                      /* launches with a value */
    bool                        ranged;                 /* of a modelled device: */
    double                      low, high;              /* its range over the draws, the widest of the launches; also without a value */
    const char                 *why;                    /* without a value: the first reason; else "" */
};

/* One case on one back end. Texts and records are borrowed from the summary. */
struct assay_summary_row {
    const char *case_name, *id, *backend; /* as in the records */

    /* Its launches, ascending; verdicts[i] belongs to launches[i], NULL when it was not validated. */
    const struct assay_record  *const *launches;
    const struct assay_verdict *const *verdicts;
    size_t                             n_launches;

    /* The launch that stands for the row where one must be shown (distribution, device, compiled, repeat line): of
     * the ok ones that whose latency is the lower median, else the first. Index into launches. */
    size_t typical;

    /* How execution went: ok if every launch was; else the worst (crashed, timeout, error, unsupported, skipped) and
     * its reason. */
    enum assay_status status;
    const char       *reason; /* "" when ok */
    uint32_t          statuses[ASSAY_STATUS_ERROR + 1]; /* launches by status */

    /* Whether the numbers are right: the worst over the ok launches (fail, untrusted, not checked, marginal, pass).
     * An ok launch without a verdict counts as not checked. Without an ok launch: not checked, why = reason. */
    bool                      validated; /* at least one launch has a verdict */
    enum assay_outcome        outcome;
    const char               *outcome_why;
    const struct assay_check *check; /* of the launch that decided; NULL when there is none */

    /* What the figures are worth: the weakest of the ok launches' (of all, when none is ok). */
    enum assay_evidence evidence;
    const char         *grade; /* "A".."D" for modelled figures, else "" */
    enum assay_clock    clock; /* of latency_ns; 0 = no latency */

    /* Launch medians of latency_ns in launch order, and the launch numbers they belong to. */
    const double   *medians;
    const uint32_t *median_launch;
    size_t          n_medians;

    struct assay_estimate metric[ASSAY_METRIC_COUNT];

    const struct assay_summary_counter *counters; /* in the order in which records name them */
    size_t                              n_counters;

    uint32_t    noisy; /* ok launches with a complaint about noise */
    const char *noise; /* the first of them; "" when quiet */
};

/* A case of the plan without a record on one of its back ends: the run was interrupted. */
struct assay_summary_missing {
    const char *case_name, *id, *backend;
};

struct assay_summary {
    struct assay_run_folder *folder; /* open for reading; manifest, plan and path by its functions */

    struct assay_summary_row *rows; /* in the order of the first record of each */
    size_t                    n_rows;
    const char *const        *backends; /* that have a row, in the order of their first record */
    size_t                    n_backends;

    struct assay_summary_missing *missing;
    size_t                        n_missing;

    size_t n_records;
    bool   validated; /* there is a verdicts.jsonl */
    size_t outcomes[ASSAY_NOT_CHECKED + 1];  /* rows by outcome */
    size_t statuses[ASSAY_STATUS_ERROR + 1]; /* rows by status */
    size_t noisy;                            /* rows with a noisy launch */

    void *owned; /* memory behind all pointers above */
};

/* Reads the run folder at `path` with its verdicts, if there are any. Free with assay_summary_release. */
enum assay_code assay_summary_read(const char *path, struct assay_summary *out, struct assay_error *err);
void            assay_summary_release(struct assay_summary *summary);

/* The last part of the folder's path: what a report calls the run. */
void assay_summary_name(const struct assay_summary *summary, struct assay_text *out);

/* The row of (case id, back end), or NULL. */
const struct assay_summary_row *assay_summary_find(const struct assay_summary *summary, const char *id,
                                                   const char *backend);

/* Did launch i of the row end well, and did its outputs prove it? */
bool assay_launch_is_proved(const struct assay_summary_row *row, size_t i);

#endif
