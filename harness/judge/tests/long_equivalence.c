/* Error rates and coverage of the judge of trainings by simulation, over numbers of pairs, spreads and true means. */
#include "harness/judge/tests/equivalent.h"

#include <stdbool.h>
#include <stdio.h>

#define ROUNDS 20000
#define MARGIN 0.5

static const size_t numbers[] = {3, 5, 8, 16, 40};
static const double deviations[] = {0.05, 0.2, 0.5, 1};
static const double means[] = {-1, 1, 0.7, -1.3}; /* in margins */

/* "Equivalent" is wrong from the margin on, "not equivalent" up to it; each may be said in 5 % of the rounds there. */
static bool holds(size_t n, double deviation, double mean)
{
    struct rates r = simulate(ROUNDS, n, mean * MARGIN, deviation, MARGIN);
    double       most = 0.05 + chance(0.05, ROUNDS), equivalent = r.said[ASSAY_EQUIVALENT], other = r.said[ASSAY_NOT_EQUIVALENT];
    bool ok = fabs(r.covered - 0.9) <= chance(0.1, ROUNDS) && (fabs(mean) < 1 || equivalent <= most) && (fabs(mean) > 1 || other <= most);
    printf("%s %2zu pairs, deviation %4g, mean %4g margins: equivalent %.4f, not equivalent %.4f, interval covers %.4f\n",
           ok ? "ok  " : "FAIL", n, deviation, mean, equivalent, other, r.covered);
    return ok;
}

int main(void)
{
    size_t failed = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t k = 0; k < sizeof deviations / sizeof *deviations; k++)
            for (size_t m = 0; m < sizeof means / sizeof *means; m++)
                failed += !holds(numbers[i], deviations[k], means[m]);
    printf("%zu failed\n", failed);
    return failed ? 1 : 0;
}
