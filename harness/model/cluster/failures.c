#include "harness/model/cluster/failures.h"

#include <math.h>

#include "assay/banned.h"

#define YEAR_S (365.25 * 86400.0)

static double share_at(const struct assay_failures *f, double between_s, double every_s)
{
    return every_s / (between_s * exp(f->restart_s / between_s) * expm1((every_s + f->checkpoint_s) / between_s));
}

/* The share rises to one top and falls again: thirds are cut off until nothing is left. In logarithms, as ten seconds and ten hours
 * may be right. */
static double best_interval(const struct assay_failures *f, double between_s)
{
    double low = log(fmax(1e-3, f->checkpoint_s * 1e-3)), high = log(fmax(between_s, f->checkpoint_s) * 10);
    for (int i = 0; i < 100; i++) {
        double a = low + (high - low) / 3, b = high - (high - low) / 3;
        if (share_at(f, between_s, exp(a)) < share_at(f, between_s, exp(b)))
            low = a;
        else
            high = b;
    }
    return exp((low + high) / 2);
}

struct assay_goodput assay_goodput_of(const struct assay_failures *f)
{
    double rate = f->per_device_year * f->devices / YEAR_S;
    if (rate == 0)
        return (struct assay_goodput){1, INFINITY, INFINITY};
    struct assay_goodput g = {.between_s = 1 / rate};
    g.every_s = best_interval(f, g.between_s);
    g.share = fmin(1, share_at(f, g.between_s, g.every_s));
    return g;
}
