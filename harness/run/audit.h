/* What a launch does beside the run itself when it is an audit, after MLPerf's compliance tests: is what runs when time is taken what runs
 * otherwise?
 *
 *   TEST01  outputs of timed executions, chosen by chance after each had ended, beside those of the same inputs executed before
 *   TEST04  every query asks for the same sample; and inputs that were never seen beside some that were seen all along, in pairs
 *   TEST06  many served requests once more alone: first token, number of tokens, tokens of the vocabulary
 *
 * What it saw goes into the record; what that means is harness/judge/audit.h's business. */
#ifndef ASSAY_RUN_AUDIT_H
#define ASSAY_RUN_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/hash.h"
#include "harness/base/random.h"
#include "harness/plan/buckets.h"
#include "harness/run/course.h"

#define ASSAY_AUDIT_SAME_SAMPLE 3u    /* TEST04: MLPerf's performance_issue_same_index */
#define ASSAY_AUDIT_LOGGED 4096u      /* TEST01: outputs, about; MLPerf's accuracy_log_sampling_target. A tenth of the executions if that is less … */
#define ASSAY_AUDIT_LEAST_LOGGED 64u  /* … and not fewer than so many, or all */
#define ASSAY_AUDIT_REQUESTS 100u     /* TEST06: requests that are served once more alone */
#define ASSAY_AUDIT_MOST_SETS 64u

struct assay_audit {
    bool                 logs, same;  /* TEST01; TEST04 */
    double               chance;      /* of an execution to be logged */
    struct assay_random  entropy;     /* nothing on the other side can foresee it */
    bool                 has[ASSAY_BUCKETS_MOST][ASSAY_AUDIT_MOST_SETS]; /* of each set of each program */
    struct assay_hash128 before[ASSAY_BUCKETS_MOST][ASSAY_AUDIT_MOST_SETS]; /* … what its outputs were */
};

/* The test that a launch is, "" for none; also told to its record. */
const char *assay_audit_test(const struct assay_course *c);
/* What it asks of a case with queries; `executions`: that are expected. */
void assay_audit_init(struct assay_audit *a, const char *test, uint64_t executions);
/* Outputs outside the timed phase of the case's program number `program`: the first of each set count. */
void assay_audit_before(struct assay_audit *a, uint32_t program, const struct assay_graph *g, const struct assay_collected *left);
/* Is the execution that has just ended to be logged? */
bool assay_audit_chooses(struct assay_audit *a);
/* Outputs of a timed execution. */
void assay_audit_log(struct assay_audit *a, uint32_t program, const struct assay_graph *g, const struct assay_collected *left, struct assay_audited *to);

/* Pairs of executions, one of inputs that the device never had before, one of inputs that it has had again and again; the course has no
 * target while this makes one. */
enum assay_code assay_audit_pairs(struct assay_course *c, struct assay_audited *to, struct assay_error *err);

#endif
