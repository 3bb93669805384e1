#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "harness/judge/history/cusum.h"

/* Plain: nothing clipped, no second look, nothing cut. */
static struct assay_cusum plain(double reference, double alarm)
{
    return (struct assay_cusum){.reference = reference, .clip = 40, .again = 1e9, .most = 1e9, .alarm = alarm};
}

Test(cusum, agrees_with_published_run_lengths_of_the_plain_scheme)
{
    /* one-sided, twice the two-sided 168 and 465 of Lucas and Crosier (Technometrics 24, 1982) */
    struct assay_cusum four = plain(0.5, 4), five = plain(0.5, 5);
    cr_expect_float_eq(assay_cusum_nights(&four), 336, 4, "%g", assay_cusum_nights(&four));
    cr_expect_float_eq(assay_cusum_nights(&five), 930, 15, "%g", assay_cusum_nights(&five));
}

Test(cusum, finds_the_alarm_that_gives_the_nights_asked_for)
{
    for (double nights = 600; nights < 1e8; nights *= 100) {
        struct assay_cusum c;
        assay_cusum_make(nights, 2, &c);
        double is = assay_cusum_nights(&c);
        cr_expect(is >= nights * 0.999 && is < nights * 1.25, "%g for %g", is, nights);
        cr_expect_lt(c.most, c.alarm, "one night alone must not be an alarm");
    }
}

static double clip(double z, double most)
{
    return z > most ? most : z < -most ? -most : z;
}

/* One night of the scheme itself. */
static double night(struct assay_random *r, const struct assay_cusum *c, double s, double step)
{
    double before = s;
    s = fmax(0, s + clip(assay_random_normal(r) + step, c->clip) - c->reference);
    if (s > c->again)
        s = fmax(0, s + c->more * (step - c->reference) + sqrt(c->more) * assay_random_normal(r));
    return fmin(s, before + c->most);
}

Test(cusum, says_what_a_simulation_of_the_scheme_shows, .timeout = 20)
{
    struct assay_cusum c;
    struct assay_random r;
    unsigned found = 0, alarms = 0, tries = 20000;
    assay_cusum_make(500, 2, &c);
    assay_random_init(&r, 5);
    double s = 0;
    for (unsigned i = 0; i < 1000000; i++)
        if ((s = night(&r, &c, s, 0)) > c.alarm) {
            alarms++;
            s = 0;
        }
    double rate = alarms / 1e6 * assay_cusum_nights(&c);
    cr_expect(rate > 0.75 && rate < 1.05, "%u alarms are %g of what was computed", alarms, rate);
    for (unsigned i = 0; i < tries; i++) {
        s = 0;
        for (unsigned t = 0; t < 30; t++)
            if ((s = night(&r, &c, s, 0)) > c.alarm)
                s = 0;
        for (unsigned t = 0; t < 3; t++)
            if ((s = night(&r, &c, s, 1.7)) > c.alarm) {
                found++;
                break;
            }
    }
    cr_expect_float_eq((double)found / tries, assay_cusum_power(&c, 1.7, 3), 0.02, "%g, computed %g", (double)found / tries,
                       assay_cusum_power(&c, 1.7, 3));
}

Test(cusum, finds_three_hundredths_at_a_noise_of_1_2_in_a_thousand_series)
{
    struct assay_cusum c, once;
    assay_cusum_make(2.0 * 30 * 1000, 2, &c);
    assay_cusum_make(2.0 * 30 * 1000, 0, &once);
    cr_expect_lt(assay_cusum_smallest(&c), 2.5 * 0.9);
    cr_expect_gt(assay_cusum_smallest(&once), 2.5, "without a second look it cannot");
    cr_expect_lt(assay_cusum_again(&c), 0.03);
    cr_expect_float_eq(assay_cusum_power(&c, assay_cusum_smallest(&c), ASSAY_CUSUM_NIGHTS), ASSAY_CUSUM_CHANCE, 1e-3);
}
