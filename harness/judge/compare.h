/* Is B worse than A? Two runs, or two back ends of one run, case by case.
 *
 * For a case the headline is time: R = latency of B / latency of A, estimated from the launch medians with its 95 % interval
 * (assay_estimate_ratio: pairs of launches of equal number when both back ends ran interleaved in one run, else Welch).
 * With the margin delta:
 *
 *     worse       the interval lies above 1 + delta
 *     no worse    the interval lies at or below 1 + delta
 *     undecided   it does not, or there is none; the row says what would settle it
 *
 * A verdict that got worse (pass, marginal, not checked, untrusted, fail: in this order), or a B that did not end ok where A
 * did, is worse whatever the times.
 *
 * Delta, when it is not given, is what this machine shows when nothing changed: the half-width of the 95 % interval that
 * comparing A with another run of A with as many launches would have, and at least 1 %. With s_c^2 the variance of the log
 * launch medians of case c over n_c launches in A, pooled s^2 = sum (n_c - 1) s_c^2 / sum (n_c - 1), and n the median of n_c:
 *
 *     delta = max(0.01, exp(t(0.975, 2 n - 2) * s * sqrt(2 / n)) - 1)
 *
 * All cases together: every case is tested at 95 %, so of many unchanged cases some look worse by chance. B is worse as a
 * whole only if a case stays worse by Holm's step-down procedure (S. Holm, "A simple sequentially rejective multiple test
 * procedure", 1979): of m tests with p-values ascending p_(1) <= p_(2) ..., the first that exceeds 0.025 / (m - i + 1) ends
 * the list; p is one-sided, of "R <= 1 + delta", so that m = 1 gives the interval's own answer. B is no worse as a whole
 * only if every case is no worse, which needs no correction. Everything else is undecided. */
#ifndef ASSAY_JUDGE_COMPARE_H
#define ASSAY_JUDGE_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/judge/summary.h"

enum assay_comparison {
    ASSAY_NO_WORSE = 1,
    ASSAY_WORSE = 2,
    ASSAY_UNDECIDED = 3,
    ASSAY_NOT_COMPARABLE = 4, /* of a row: figures that may not stand beside each other, or none on both sides */
};
const char *assay_comparison_name(enum assay_comparison outcome); /* "no worse", "worse", … */

/* One case. Rows are borrowed from the summaries. */
struct assay_compare_row {
    const struct assay_summary_row *a, *b; /* evidence, clock, outcome, latency and the rest are theirs */
    enum assay_comparison           outcome;
    char                            why[256]; /* one sentence; never empty */
    bool                            by_verdict; /* worse because of outcome or status, not of time */
    bool                            paired;
    size_t                          pairs; /* launches compared on each side when paired */
    struct assay_estimate           ratio; /* time of B over time of A */
    bool                            tested;        /* p is there */
    double                          p;             /* one-sided, of "R <= 1 + delta" */
    bool                            confirmed;     /* worse also as one of all cases: by Holm, or without chance */
    uint64_t                        more_launches; /* about so many more on each side would settle it; 0 = unknown */
    bool                            evidence_differs; /* to be marked wherever the row is shown */
};

struct assay_compare_setup {
    const char *backend_a, *backend_b; /* canonical names; NULL: all that both have, or the only one of each */
    double      delta;                 /* margin, 0.02 = 2 %; negative: from A itself */
};

struct assay_compare {
    struct assay_compare_row *rows; /* cases that both have, in A's order */
    size_t                    n_rows;
    size_t                    only_a, only_b;                    /* cases that the other lacks */
    size_t                    counts[ASSAY_NOT_COMPARABLE + 1]; /* rows by outcome */
    double                    delta;
    char                      delta_how[256];  /* where delta comes from, with its numbers */
    char                      family_how[256]; /* what was tested, how often, and how Holm decided */
    enum assay_comparison     outcome;         /* worse, no worse or undecided */
    char                      why[256];
};

/* Compares; both summaries (which may be the same) must outlive the result. ASSAY_CONFIG for back ends that are not
 * there or are not given where there is a choice, naming those there are. Free with assay_compare_release. */
enum assay_code assay_compare_runs(const struct assay_summary *a, const struct assay_summary *b,
                                   const struct assay_compare_setup *setup, struct assay_compare *out,
                                   struct assay_error *err);
void            assay_compare_release(struct assay_compare *compare);

/* The whole result for `--json`. New reference; NULL when out of memory. */
json_t *assay_compare_to_json(const struct assay_compare *compare);

#endif
