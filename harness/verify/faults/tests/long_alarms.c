/* A hundred thousand outcomes in which nothing is wrong: every subject, fresh operands each, five orders of summation. Fails if an
 * alarm is raised; says what rate that excludes. */
#include <stdio.h>

#include "harness/base/student.h"
#include "harness/verify/faults/alarms.h"

#include "assay/banned.h"

#define OUTCOMES 100000u
#define DRAWS 64u /* of a subject at a time */

int main(void)
{
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_fault_alarms a = {.draws = 0};
    for (uint64_t seed = 1000000; !err.code && a.judged < OUTCOMES; seed += DRAWS)
        for (size_t s = 0; !err.code && s < assay_fault_subjects_n; s++) {
            /* Those that take long are drawn seldom. */
            bool slow = assay_fault_subjects[s].traits & ASSAY_FAULT_LARGE;
            (void)assay_fault_alarms_add(&assay_fault_subjects[s], slow ? 1 : DRAWS, seed, &a, &err);
        }
    if (err.code) {
        (void)fprintf(stderr, "long_alarms: %s\n", err.message);
        return 1;
    }
    (void)printf("false alarms: %llu of %llu honest outcomes from %llu draws of operands; rate at most %.2g with 95 %%%s%s\n",
                 (unsigned long long)a.alarms, (unsigned long long)a.judged, (unsigned long long)a.draws,
                 assay_upper_share(a.alarms, a.judged, 0.95), a.alarms ? "; first: " : "", a.first);
    return a.alarms > 0;
}
