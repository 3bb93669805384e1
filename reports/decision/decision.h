/* The page that a board signs: one A4 with the decision, then the rules one by one. In one language; nothing in it that is not
 * in policy and run folders, so the same of these give the same bytes. */
#ifndef ASSAY_REPORTS_DECISION_DECISION_H
#define ASSAY_REPORTS_DECISION_DECISION_H

#include <jansson.h>

#include "assay/error.h"
#include "harness/judge/claims.h"
#include "harness/judge/guarantee.h"
#include "harness/judge/qualify.h"
#include "reports/language.h"

/* What stands beside the qualification; each may be NULL. */
struct assay_decision_extras {
    const struct assay_claims     *claims;
    const struct assay_guarantees *orders;
};
/* The whole page, self-contained, to the file `path`: the old file or the new, never a mixture. `extras` may be NULL. */
enum assay_code assay_decision_write(const struct assay_qualification *q, const struct assay_decision_extras *extras,
                                     enum assay_language language, const char *path, struct assay_error *err);

/* Decision and claims (NULL: none) for programs, "assay-decision/1". New reference; NULL: out of memory. */
json_t *assay_decision_to_json(const struct assay_qualification *q, const struct assay_claims *claims);

#endif
