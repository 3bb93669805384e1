#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/judge/parting.h"

static enum assay_outcome judged(double margin, double bound, enum assay_outcome before)
{
    struct assay_check c = {.outcome = before};
    assay_judge_parting(margin, bound, &c);
    cr_expect(c.outcome == before || strlen(c.why) > 20);
    return c.outcome;
}

Test(parting, tokens_may_part_where_two_right_answers_can_and_nowhere_else)
{
    cr_expect_eq(judged(0, NAN, ASSAY_PASS), ASSAY_PASS, "none parts");
    cr_expect_eq(judged(0, 1e-6, ASSAY_MARGINAL), ASSAY_MARGINAL);
    cr_expect_eq(judged(2e-6, 1e-6, ASSAY_PASS), ASSAY_PASS, "just inside");
    cr_expect_eq(judged(2.0001e-6, 1e-6, ASSAY_PASS), ASSAY_FAIL, "just outside");
    cr_expect_eq(judged(NAN, 1e-6, ASSAY_PASS), ASSAY_FAIL, "a margin that is no number is no tie");
    cr_expect_eq(judged(1e-9, 0, ASSAY_PASS), ASSAY_FAIL, "exact margins part nowhere");
    cr_expect_eq(judged(1e-9, NAN, ASSAY_PASS), ASSAY_NOT_CHECKED);
    cr_expect_eq(judged(1e-9, NAN, ASSAY_FAIL), ASSAY_FAIL, "what was wrong stays wrong");
}
