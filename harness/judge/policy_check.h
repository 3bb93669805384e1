/* What is wrong with a policy although it can be read: clauses that no case decides, points that do not add up or hang on costs that
 * nobody can compute, thresholds that only one of the candidates can meet, divisions that no candidate can satisfy together, a demand
 * whose limits no run can show or whose lengths its case does not have. */
#ifndef ASSAY_JUDGE_POLICY_CHECK_H
#define ASSAY_JUDGE_POLICY_CHECK_H

#include <stddef.h>

#include "assay/error.h"
#include "harness/judge/qualify.h"

struct assay_finding {
    const struct assay_rule *rule; /* NULL: of the policy as a whole */
    char                     what[320];
};

/* `q` may be NULL: no candidates are known, so nothing is said about who can meet what. *out is newly allocated, free it. */
enum assay_code assay_policy_check(const struct assay_policy *policy, const struct assay_qualification *q,
                                   struct assay_finding **out, size_t *n, struct assay_error *err);

#endif
