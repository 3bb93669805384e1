#include "harness/verify/errors.h"

#include <math.h>

#include "assay/banned.h"

#define LEAST 64u
#define BEYOND_CHANCE 5.0 /* deviations of a normal variable: two-sided 5.7e-7 */

void assay_errors_add(struct assay_errors *e, double observed, double expected, double deviation)
{
    double error = observed - expected, z = error / deviation;
    e->n++;
    if (error == 0)
        return;
    bool up = error > 0, inward = up != (expected > 0);
    e->up += up;
    e->down += !up;
    e->inward += inward;
    e->outward += !inward;
    e->squares += z * z;
}

void assay_errors_join(struct assay_errors *e, const struct assay_errors *other)
{
    e->n += other->n;
    e->inward += other->inward;
    e->outward += other->outward;
    e->up += other->up;
    e->down += other->down;
    e->squares += other->squares;
}

static double sign_test(uint64_t a, uint64_t b)
{
    double n = (double)a + (double)b;
    return n < LEAST ? 0 : ((double)a - (double)b) / sqrt(n);
}

double assay_errors_lean(const struct assay_errors *e)
{
    return sign_test(e->inward, e->outward);
}

double assay_errors_drift(const struct assay_errors *e)
{
    return sign_test(e->up, e->down);
}

bool assay_errors_are_biased(const struct assay_errors *e)
{
    return fabs(assay_errors_lean(e)) > BEYOND_CHANCE || fabs(assay_errors_drift(e)) > BEYOND_CHANCE;
}

double assay_errors_rms(const struct assay_errors *e)
{
    return e->n < LEAST ? NAN : sqrt(e->squares / (double)e->n);
}

/* The mean square of n normal variables has deviation sqrt(2 / n). */
bool assay_errors_are_large(const struct assay_errors *e)
{
    double rms = assay_errors_rms(e);
    return rms * rms > 1 + BEYOND_CHANCE * sqrt(2 / (double)e->n);
}
