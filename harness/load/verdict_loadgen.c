#include "harness/load/verdict_loadgen.h"

#include <math.h>

#include "harness/base/student.h"

#include "assay/banned.h"

#define CONFIDENCE 0.99

/* The chance of at most `over` among within + over, where each is over with 1 - p, is below 1 - c. It falls as `within` grows. */
static bool passes(double p, uint64_t within, uint64_t over)
{
    return within && assay_incomplete_beta((double)within, (double)over + 1, p) < 1 - CONFIDENCE;
}

uint64_t assay_early_stopping_within(double p, uint64_t over)
{
    uint64_t low = (uint64_t)((double)over * p / (1 - p)); /* the mean: too few */
    uint64_t step = 1, high = low + step;
    while (!passes(p, high, over)) {
        low = high;
        step *= 2;
        high += step;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (passes(p, middle, over))
            high = middle;
        else
            low = middle;
    }
    return high;
}

bool assay_early_stopping_passes(double p, uint64_t n, uint64_t over)
{
    return over < n && passes(p, n - over, over);
}

/* More over the limit never help, so the largest number that passes is found by halving. */
uint64_t assay_early_stopping_discard(double p, uint64_t n)
{
    uint64_t low = 0, high = (uint64_t)((double)n * (1 - p)) + 1; /* the mean is too many */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (assay_early_stopping_passes(p, n, middle))
            low = middle;
        else
            high = middle;
    }
    return low;
}

void assay_early_stopping_tell(double p, uint64_t n, struct assay_text *out)
{
    uint64_t most = assay_early_stopping_discard(p, n);
    if (assay_early_stopping_passes(p, n, most))
        assay_text_add(out, "p%g if at most %llu of %llu %s over", 100 * p, (unsigned long long)most, (unsigned long long)n,
                       most == 1 ? "is" : "are");
    else
        assay_text_add(out, "not p%g: it takes %llu queries", 100 * p, (unsigned long long)assay_early_stopping_within(p, 0));
}
