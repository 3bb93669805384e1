#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "harness/model/cluster/failures.h"

#include "assay/banned.h"

TestSuite(failures, .timeout = 60);

Test(failures, without_interruptions_nothing_is_lost)
{
    struct assay_goodput g = assay_goodput_of(&(struct assay_failures){0, 1000, 600, 30});
    cr_expect_eq(g.share, 1);
}

/* Far from its limits the share is the first-order one: 1 - c / t - (t / 2 + r) / M at t = sqrt(2 c M) (Young, 1974). */
Test(failures, where_interruptions_are_rare_the_share_is_youngs)
{
    struct assay_failures f = {0.17, 1024, 600, 30};
    double                between = 365.25 * 86400 / (0.17 * 1024), every = sqrt(2 * 30 * between);
    struct assay_goodput  g = assay_goodput_of(&f);
    cr_expect_float_eq(g.between_s, between, 1e-6 * between);
    cr_expect_float_eq(g.every_s, every, 0.03 * every, "%g, Young's %g", g.every_s, every);
    cr_expect_float_eq(g.share, 1 - 30 / every - (every / 2 + 600) / between, 1e-3);
}

/* Hours of work between Poisson interruptions, played out. */
Test(failures, the_share_is_what_a_simulated_job_gets)
{
    struct assay_failures f = {2, 16384, 900, 60};
    struct assay_goodput  g = assay_goodput_of(&f);
    struct assay_random   r;
    double                now = 0, kept = 0, next;
    assay_random_init(&r, 5);
    next = -log(1 - assay_random_unit(&r)) * g.between_s;
    while (kept < 3000 * g.every_s) {
        double end = now + g.every_s + f.checkpoint_s;
        if (next >= end) {
            kept += g.every_s;
            now = end;
            continue;
        }
        do { /* restarts are interrupted too */
            now = next;
            next = now - log(1 - assay_random_unit(&r)) * g.between_s;
        } while (next < now + f.restart_s);
        now += f.restart_s;
    }
    cr_expect_float_eq(kept / now, g.share, 0.015, "%g simulated, %g by the form", kept / now, g.share);
}

Test(failures, fewer_interruptions_are_never_worse)
{
    struct assay_random r;
    assay_random_init(&r, 6);
    for (int i = 0; i < 2000; i++) {
        struct assay_failures f = {10 * assay_random_unit(&r), 8 * pow(2, 14 * assay_random_unit(&r)), 2000 * assay_random_unit(&r),
                                   1 + 500 * assay_random_unit(&r)};
        struct assay_failures fewer = f;
        fewer.per_device_year *= assay_random_unit(&r);
        cr_expect_geq(assay_goodput_of(&fewer).share, assay_goodput_of(&f).share - 1e-12);
    }
}
