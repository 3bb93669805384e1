/* The deviation table that a tender asks for: every clause of the policy, what it requires, what the vendor claims, what was measured,
 * how far that deviates, where it stands and the command that repeats it. In words of one language; computed here for every format.
 *
 * Of a figure that was measured x and a threshold T, the deviation is x / T - 1 in per cent: positive where it is better than required
 * and the rule came out as qualified, negative where the rule failed. What is not decided deviates neither way and says so; what was
 * not measured has no figure in the column "measured". */
#ifndef ASSAY_REPORTS_DECISION_DEVIATION_H
#define ASSAY_REPORTS_DECISION_DEVIATION_H

#include "harness/judge/claims.h"
#include "harness/judge/qualify.h"
#include "reports/language.h"

struct assay_deviation {
    char        clause[600], required[200], claimed[300], measured[1200], deviation[100];
    size_t      words; /* where in `clause` the words of the policy begin, which stand as they were written */
    const char *id, *case_id, *repeat; /* of the rule; of the case that decides, "" none; "" none */
    enum assay_decision decision;
};

/* One clause of one candidate; `claims` may be NULL. */
void assay_deviation_of(const struct assay_candidate *c, size_t rule, const struct assay_claims *claims, enum assay_language language,
                        struct assay_deviation *out);

#endif
