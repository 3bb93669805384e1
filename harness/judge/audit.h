/* What an audit says: a launch beside the run that it audits, after MLPerf's compliance tests TEST01, TEST04, TEST06 (harness/run/audit.h
 * says what each does).
 *
 *   TEST01  every logged output is, bit by bit, what the same inputs gave outside of the timed phase; or, where a device's sums come in
 *           another order each time, the logged outputs pass `validate`. And the run is as fast as the one it audits: within 10 % (20 %
 *           where single_stream takes 200 us at most or multi_stream 1.6 ms). Compared is samples a second, or where queries wait for each
 *           other the latency at the scenario's percentile.
 *   TEST04  asking for the same sample again and again gains 10 % at most, over the run that it audits (samples a second, or where
 *           queries wait for each other the median latency) and over inputs that were never seen (median of pairs within the audit).
 *   TEST06  of each request: the first token is that of the request alone, or a tie; as many tokens as were asked for; all of the
 *           vocabulary. Requests here have no token that ends them: none may end early, and none can have two. */
#ifndef ASSAY_JUDGE_AUDIT_H
#define ASSAY_JUDGE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "harness/store/record.h"
#include "harness/verify/check.h"

#define ASSAY_AUDIT_SPEED 0.10
#define ASSAY_AUDIT_SPEED_SHORT 0.20
#define ASSAY_AUDIT_GAIN 0.10

/* One thing that a test asks. */
struct assay_audit_rule {
    char               name[40];
    enum assay_outcome outcome; /* pass, fail, not_checked */
    bool               has_value;
    double             value, limit; /* a share of what it is compared with; it fails beyond the limit */
    char               why[240];     /* with its numbers */
};
#define ASSAY_AUDIT_MOST_RULES 3

struct assay_audit_verdict {
    char                    test[8], case_name[ASSAY_CASE_NAME_BYTES], id[17], backend[640];
    struct assay_audit_rule rule[ASSAY_AUDIT_MOST_RULES];
    size_t                  n_rules;
    enum assay_outcome      outcome; /* of all: fail, else not_checked, else pass */
};

/* `check`: what validate says of the audit's outputs; NULL: nobody looked. */
void assay_audit_judge(const struct assay_record *run, const struct assay_record *audit, const struct assay_check *check,
                       struct assay_audit_verdict *out);

/* "<run folder>/audit/TEST01": where the audits of a run are. ASSAY_CONFIG: too long. */
enum assay_code assay_audit_folder(const char *run, const char *test, char out[4096], struct assay_error *err);
/* Verdicts of all audits in that folder, each beside its record in `run`: newly allocated. A folder that is not there has none. */
enum assay_code assay_audit_read(const char *run, const char *test, struct assay_audit_verdict **out, size_t *n, struct assay_error *err);

#endif
