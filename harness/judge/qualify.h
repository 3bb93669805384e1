/* Does a candidate meet a policy? A candidate is one back end's device in one run folder. A folder that has nothing to decide by itself
 * lends what it has to the candidate of the same back end (of the whole system, if it ran a part): one that is a curve and nothing else, or
 * that has no case that the policy asks for by name.
 *
 * Of a figure, with x_i the value of launch i, z_i = ln x_i where more is better and -ln x_i where less is, t = ln T or -ln T
 * for the threshold T, m and s mean and standard deviation of the n values z_i, and g the guard band:
 *
 *     L(a) = m - t(1 - a, n - 1) s / sqrt(n)      U(a) = m + t(1 - a, n - 1) s / sqrt(n)        one-sided, Student's t
 *
 *     qualified                L(a) >= t + ln(1 + g)
 *     not qualified            U(a) <  t
 *     insufficient evidence    otherwise, with what would settle it
 *
 * a is 0.05, or 0.01 where the rule says bounds_99. All mandatory rules must hold: the chance that a bad candidate qualifies is
 * then at most a without correction, as it must pass the very rule that it breaks. A candidate is not qualified when one of the
 * K mandatory rules fails, and each of them takes U(a / K) in place of U(a): the chance that a good one fails any of them is at
 * most a (Bonferroni). Other rules stand for themselves, K = 1.
 *
 * What would settle it: with the same m and s, the least n at which L or U leaves the open zone; none where m itself lies in [t,
 * t + ln(1 + g)).
 *
 * A figure counts only if it was measured on hardware, its outputs passed with the least assurance, and its clock is no model's.
 * What is modelled, mixed, simulated, claimed or of an instrument neither qualifies nor disqualifies: insufficient evidence.
 *
 * The terms of a candidate are its offer in the policy, with the throughput at the promise that its own curve tells (promise.h), which
 * comes before what the buyer assumes, and, where the buyer gives no power, that of the description: of a device, or as a device's share of
 * the system that its runs were on. */
#ifndef ASSAY_JUDGE_QUALIFY_H
#define ASSAY_JUDGE_QUALIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/judge/policy.h"
#include "harness/judge/promise.h"
#include "harness/judge/summary.h"

enum assay_decision { ASSAY_QUALIFIED = 1, ASSAY_NOT_QUALIFIED = 2, ASSAY_INSUFFICIENT = 3 };
const char *assay_decision_name(enum assay_decision decision);

/* Why. Words are made of them by reports, in every language; in JSON they stand by their names. */
#define ASSAY_REASONS(X)                                                                                               \
    X(MEETS, "meets")                     /* L(a) >= T (1 + g) */                                                      \
    X(BELOW, "below")                     /* U(a / K) < T; not qualified */                                            \
    X(BELOW_ALONE, "below_alone")         /* U(a) < T <= U(a / K): as one of K it may be chance, so undecided */       \
    X(BETWEEN, "between")                 /* the interval holds the threshold; more_launches */                        \
    X(GUARD_BAND, "guard_band")           /* the estimate lies between threshold and guard band */                     \
    X(FEW_LAUNCHES, "few_launches")       /* fewer than the rule's least */                                            \
    X(NO_CASE, "no_case")                 /* the case was not run on it */                                             \
    X(NOT_RUN, "not_run")                 /* no launch ended ok; detail */                                             \
    X(GAP, "gap")                         /* the device declined: a gap of the closed path */                          \
    X(NO_FIGURE, "no_figure")             /* a metric has no value; detail */                                          \
    X(EVIDENCE, "evidence")               /* of a kind that never qualifies */                                         \
    X(CONTRADICTION, "contradiction")     /* it says measured, and its clock or origin say otherwise */                \
    X(WRONG, "wrong")                     /* outputs failed */                                                         \
    X(UNPROVED, "unproved")               /* outputs untrusted or not checked */                                       \
    X(ASSURANCE, "assurance")             /* less was compared than the rule asks */                                   \
    X(OUTPUTS_PASS, "outputs_pass")                                                                                    \
    X(STABLE, "stable")                   /* none of n launches failed */                                              \
    X(UNSTABLE, "unstable")               /* count of n crashed, hung or lost the device */                            \
    X(ORIGIN_FREE, "origin_free")         /* the rule of origin asks nothing here */                                   \
    X(ORIGIN_YES, "origin_yes")                                                                                        \
    X(ORIGIN_NO, "origin_no")                                                                                          \
    X(ORIGIN_UNKNOWN, "origin_unknown")                                                                                \
    X(DIVISION, "division")               /* the candidate stands in the other division */                             \
    X(WORDS, "words")                     /* no case decides such a clause */

enum assay_reason {
    ASSAY_REASON_NONE = 0,
#define X(name, word) ASSAY_REASON_##name,
    ASSAY_REASONS(X)
#undef X
    ASSAY_REASON_COUNT
};
const char *assay_reason_name(enum assay_reason reason);

struct assay_rule_result {
    const struct assay_rule        *rule;
    const struct assay_summary_row *row; /* NULL: none */
    enum assay_decision             decision;
    enum assay_reason               reason;
    bool                            has_point, has_bounds; /* in the rule's unit; of a model: its range at level */
    double                          value, low, high, level;
    double                          ratio_low, ratio_high; /* over the threshold, 1 or more is good; with bounds */
    uint64_t                        n, count, more_launches; /* launches; unstable ones; 0 = no number settles it */
    enum assay_evidence             evidence;
    const char                     *grade;
    const char                     *detail; /* of records, or "" */
    enum assay_assurance            assurance; /* of ASSURANCE: what there is */
};

/* Where a candidate stands on the page: measured above a line, what is not below it, what cannot be bought yet below another. */
enum assay_list { ASSAY_LIST_MEASURED = 1, ASSAY_LIST_MODELLED = 2, ASSAY_LIST_ANNOUNCED = 3 };

/* Records of a candidate in a run folder: those of this back end. */
struct assay_telling {
    const struct assay_summary *run;
    const char                 *backend;
};

struct assay_candidate {
    const struct assay_summary     *run; /* its own */
    const char                     *backend;
    struct assay_telling           *told_by; /* its own run, then those that lend to it: what crashed or was wrong there counts as well */
    size_t                          n_told_by;
    char                            name[160];   /* what people call it */
    const struct assay_device_info *device;      /* of a launch that opened it; NULL: none */
    const struct assay_offer       *offer;       /* its terms; NULL: the policy knows nothing of it */
    struct assay_promise            promise;     /* what its own runs tell of the throughput */
    enum assay_division             division;
    enum assay_evidence             evidence; /* the weakest of its rows */
    const char                     *grade;
    bool                            measured, announced; /* announced: not available yet */
    enum assay_decision             decision;
    struct assay_rule_result       *results; /* one a rule */
    size_t                          passed, failed, undecided; /* mandatory rules */
    double                          points_low, points_high;
};

/* An offer of which no run folder has a record: nothing is known of it, and it says so. */
struct assay_absent {
    const struct assay_offer *offer;
    char                      device[64]; /* of a described system: what it is made of; "" of a device */
    int64_t                   devices;    /* of a described system */
};

struct assay_qualification {
    const struct assay_policy *policy;
    struct assay_candidate    *candidates; /* measured, modelled, announced; by division within; in the order given */
    size_t                     n;
    const struct assay_summary *runs; /* all that were given, those that only lend a curve included */
    size_t                     n_runs;
    struct assay_absent       *absent; /* in the order of the policy */
    size_t                     n_absent;
    enum assay_decision        decision; /* qualified: one is; not qualified: all are not; else insufficient evidence */
    void                      *owned;
};

enum assay_list assay_candidate_list(const struct assay_candidate *c);
/* Is the back end the candidate's, or a part of it: the same system with fewer or more devices than are described? */
bool            assay_candidate_is_told_by(const struct assay_candidate *c, const char *backend);

/* Policy and runs must outlive the result. ASSAY_CONFIG: no candidate. */
enum assay_code assay_qualify(const struct assay_policy *policy, const struct assay_summary *runs, size_t n,
                              struct assay_qualification *out, struct assay_error *err);
void            assay_qualification_release(struct assay_qualification *q);
json_t         *assay_qualification_to_json(const struct assay_qualification *q);

/* May records like this one count for the rule? ASSAY_REASON_NONE: yes. */
enum assay_reason assay_record_counts(const struct assay_rule *rule, const struct assay_record *record);
/* Is at least as much compared as is asked for? */
bool assay_assurance_suffices(enum assay_assurance there_is, enum assay_assurance asked);
/* One rule by the values of its launches, in SI units, all positive; k mandatory rules. Fills decision, reason, bounds,
 * more_launches. */
void assay_rule_decide(const struct assay_rule *rule, const double *values, size_t n, size_t k, struct assay_rule_result *out);
/* One rule of one candidate (run, back end, offer and division are set); `room` for as many doubles as the run has records. */
void assay_rule_judge(const struct assay_policy *policy, const struct assay_rule *rule, const struct assay_candidate *c,
                      double *room, struct assay_rule_result *out);

#endif
