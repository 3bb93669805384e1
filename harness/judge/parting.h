/* Served tokens that are others than those of the same requests alone: may two right answers part there? */
#ifndef ASSAY_JUDGE_PARTING_H
#define ASSAY_JUDGE_PARTING_H

#include "harness/verify/check.h"

/* `margin`: the largest margin of a lone request's best logit over its second at which tokens part, 0: none do; `bound`: the largest that the
 * judge has for margins of the step, NaN: none were compared. Served and lone margin of the two tokens are each within the bound of the true
 * one; the served one is at most 0, as it chose the other token; so the lone one is at most twice the bound, or one of them is wrong.
 * Lowers the outcome of a check that has not failed. */
void assay_judge_parting(double margin, double bound, struct assay_check *check);

#endif
