/* Throughput at the promise: how much one device delivers while it keeps the time limits of the demand, read off the
 * candidate's latency-throughput curve. The curve is the rows of the demand's case at whatever rate, or number in
 * flight, they were run; a point of it is one row. With the limits of the policy's demand (time to the first token and
 * per further token, at p50 and p99) a point
 *
 *     keeps       no request failed, and the upper end of every limited time is at most its limit
 *     breaks      a request failed, or the lower end of a limited time is above its limit
 *     is open     otherwise
 *
 * by increasing load. lower end: the greatest lower end of the throughput among the points before the first that does
 * not keep. upper end: the greatest upper end among the points before the first that breaks. middle: among the points
 * before the first whose own values break; there is none where a point of the curve has none. Nothing is interpolated,
 * and nothing offline enters.
 *
 * Of a described system the load, batch and packed tokens are of all its devices, whose number is its counter `devices`: a
 * point of its curve may have any, and stands where its load on a device is. Tokens a second are of a device anyway.
 *
 * Of a training (the demand's `training`) what is promised is its end within the days. Every arrangement that was run is a row; the one
 * with the greatest lower end counts, as one arrangement trains:
 *
 *     throughput of a device = items a second / devices; where the row has the time of 10^12 items, interruptions and checkpoints
 *                              counted, 10^12 over that time / devices
 *
 * The devices of that row must end the run in time: how more of them than were run would scale is not known, and nothing is
 * extrapolated. Fewer are counted at the rate that they have among all.
 *
 * What was measured counts as it does for a rule: validated, at least two launches, 95 % intervals. What is modelled
 * has the model's range (80 %), and stays modelled. */
#ifndef ASSAY_JUDGE_PROMISE_H
#define ASSAY_JUDGE_PROMISE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/judge/policy.h"
#include "harness/judge/summary.h"

/* Why there is no throughput at the promise. */
enum assay_promise_lack {
    ASSAY_PROMISE_KNOWN = 0,
    ASSAY_PROMISE_NOT_ASKED,  /* the demand names no case or no limit */
    ASSAY_PROMISE_NOT_RUN,    /* no row of the curve */
    ASSAY_PROMISE_NOT_PROVED, /* rows that count for nothing: not validated, wrong, one launch, evidence mixed */
    ASSAY_PROMISE_NONE_KEEPS, /* no point keeps the limits */
    ASSAY_PROMISE_TOO_SLOW,   /* the devices that were run do not end the training in time, for certain */
};

struct assay_promise {
    enum assay_promise_lack lack;
    bool has_middle, is_open;     /* open: the curve ends before the promise breaks */
    struct assay_range per_s;     /* of the demand's unit, one device; middle only if has_middle */
    enum assay_evidence evidence; /* of the curve; also where no point keeps */
    const char *grade;
    size_t points;
    double devices; /* that the points are of: 1, or of a system as many as its rows say, the fewest */
    double days;    /* of a training, that these take for it, by the lower end of their rate; 0: it is none, or not known */
};

/* The number of devices that a row of a described system tells of; 1 of any other. */
double assay_promise_devices(const struct assay_summary_row *row);
/* Of back end `backend` in a run. */
void assay_promise_read(const struct assay_policy *policy, const struct assay_summary *run, const char *backend,
                        struct assay_promise *out);
/* Has the run rows of this back end, and are all of them points of the curve? Such a run lends its curve to the
 * candidate of the same back end in another one. */
bool assay_promise_is_all(const struct assay_policy *policy, const struct assay_summary *run, const char *backend);
/* Is any of them one? */
bool assay_promise_is_any(const struct assay_policy *policy, const struct assay_summary *run, const char *backend);

#endif
