#include "harness/judge/parting.h"

#include <math.h>
#include <stdio.h>

#include "assay/banned.h"

void assay_judge_parting(double margin, double bound, struct assay_check *check)
{
    if (margin == 0 || check->outcome == ASSAY_FAIL || (margin <= 2 * bound))
        return;
    if (isnan(bound)) {
        check->outcome = ASSAY_NOT_CHECKED;
        (void)snprintf(check->why, sizeof check->why, "tokens differ from those of requests alone, and margins of the step were not compared");
        return;
    }
    check->outcome = ASSAY_FAIL;
    (void)snprintf(check->why, sizeof check->why,
                   "served tokens are not those of requests alone: they part where the margin is %.3g, and two right answers part at %.3g at most", margin,
                   2 * bound);
}
