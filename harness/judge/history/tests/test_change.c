#include <criterion/criterion.h>

#include "harness/judge/history/tests/noise.h"

static struct noise_series s;
static struct assay_change_limits limits;
static struct assay_change found[8];
static struct assay_change_state state;

/* Normal nights of noise `sigma`, from `bad` on slower by `step`. */
static size_t follow(uint64_t seed, size_t nights, double sigma, size_t bad, double step)
{
    struct noise n = {.source = -1, .scale = 1};
    assay_random_init(&n.random, seed);
    noise_fill(&n, nights, sigma, bad, step, &s);
    if (limits.smallest[0] <= 0)
        assay_change_limits_make(1000, 30, &limits);
    return assay_change_follow(&s.series, &limits, found, 8, &state, NULL);
}

Test(change, says_when_a_step_began_and_how_large_it_is)
{
    unsigned near = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        size_t n = follow(seed, 140, 0.01, 120, 0.03);
        cr_assert_eq(n, 1, "seed %lu: %zu changes", (unsigned long)seed, n);
        cr_expect_float_eq(found[0].after - found[0].before, 0.03, 0.02);
        near += found[0].first_bad >= 119 && found[0].first_bad <= 121 && found[0].last_good + 1 == found[0].first_bad;
    }
    cr_expect_geq(near, 45u, "in %u of 50 the first bad night is known to a night", near);
}

/* Mean over the nights from the first bad one on, which the watch tells with this error. */
Test(change, knows_how_well_a_step_is_known_once_further_nights_have_shown_it)
{
    enum { SEEDS = 400, BEFORE = 30, NIGHTS = 60 };
    unsigned covered = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        static double level[NOISE_MOST_NIGHTS];
        (void)follow(seed, NIGHTS, 0.01, BEFORE, 0.04);
        size_t n = assay_change_follow(&s.series, &limits, found, 8, &state, level);
        cr_assert_geq(n, 1u, "seed %lu", (unsigned long)seed);
        double step = level[NIGHTS - 1] - level[found[n - 1].last_good];
        covered += fabs(step - 0.04) < 1.96 * assay_change_error(&found[n - 1], NIGHTS - found[n - 1].first_bad);
    }
    /* 95 % less what an estimated noise takes; were only the nights after uncertain, it would be under 85 % */
    cr_expect(covered >= SEEDS * 0.91 && covered <= SEEDS * 0.98, "%u of %d", covered, SEEDS);
}

Test(change, finds_what_became_faster_too)
{
    cr_assert_eq(follow(3, 140, 0.01, 120, -0.04), 1);
    cr_expect_lt(found[0].after, found[0].before);
}

Test(change, begins_anew_after_a_change_and_finds_the_next)
{
    struct noise n = {.source = -1, .scale = 1};
    assay_random_init(&n.random, 4);
    cr_assert_eq(follow(4, 200, 0.01, 80, 0.05), 1);
    for (size_t i = 140; i < 200; i++)
        s.value[i] += 0.05;
    for (size_t i = 140 * ASSAY_CHANGE_MOST_AGAIN; i < 200 * ASSAY_CHANGE_MOST_AGAIN; i++)
        s.again[i] += 0.05;
    cr_assert_eq(assay_change_follow(&s.series, &limits, found, 8, &state, NULL), 2);
    cr_expect(found[1].first_bad >= 139 && found[1].first_bad <= 141, "%zu", found[1].first_bad);
    cr_expect_float_eq(state.level, 0.10, 0.01);
    cr_expect_eq(state.segment, found[1].first_bad);
}

Test(change, is_not_moved_by_single_wild_nights)
{
    cr_assert_eq(follow(5, 200, 0.01, 200, 0), 0);
    double quiet = state.sigma;
    for (size_t i = 50; i < 200; i += 15) {
        s.value[i] += 2; /* a night's every run */
        for (unsigned k = 0; k < ASSAY_CUSUM_RUNS_AGAIN; k++)
            s.again[i * ASSAY_CHANGE_MOST_AGAIN + k] += 2;
    }
    cr_expect_eq(assay_change_follow(&s.series, &limits, found, 8, &state, NULL), 0, "one bad night in 15 raised an alarm");
    cr_expect_lt(state.sigma, 1.6 * quiet, "and its noise went from %g to %g", quiet, state.sigma);
}

Test(change, says_nothing_while_it_learns)
{
    cr_expect_eq(follow(6, ASSAY_CHANGE_LEARN, 0.01, 5, 0.5), 0);
    cr_expect_eq(state.nights, 0u);
    cr_expect(isinf(state.smallest));
}

Test(change, needs_a_larger_step_where_nights_resemble_each_other)
{
    struct noise n = {.source = -1, .scale = 1, .correlation = 0.5};
    cr_assert_eq(follow(7, 400, 0.01, 400, 0), 0);
    double independent = state.smallest;
    assay_random_init(&n.random, 7);
    noise_fill(&n, 400, 0.01, 400, 0, &s);
    (void)assay_change_follow(&s.series, &limits, found, 8, &state, NULL);
    cr_expect_gt(state.correlation, 1.7); /* 1 + 2 (0.8 / 2 + 0.6 / 4 + 0.4 / 8 + 0.2 / 16) = 2.2 */
    cr_expect_gt(state.smallest, 1.25 * independent);
}

Test(change, needs_a_larger_step_where_few_nights_are_known)
{
    (void)follow(8, 30, 0.01, 30, 0);
    double few = state.smallest;
    (void)follow(8, 300, 0.01, 300, 0);
    cr_expect_lt(state.smallest, 0.8 * few);
    cr_expect_leq(state.smallest, 2.5 * state.sigma, "finds %g at a noise of %g", state.smallest, state.sigma);
}

Test(change, takes_out_what_the_sentinel_did_the_same_night)
{
    static double factor[NOISE_MOST_NIGHTS], again[NOISE_MOST_NIGHTS * ASSAY_CHANGE_MOST_AGAIN];
    struct noise host = {.source = -1, .scale = 1};
    cr_assert_eq(follow(9, 200, 0.01, 200, 0), 0);
    double alone = state.sigma;
    assay_random_init(&host.random, 90);
    for (size_t i = 0; i < 200; i++) {
        factor[i] = 0.05 * assay_random_normal(&host.random) + (i >= 150 ? 0.08 : 0); /* then the host is slower */
        s.value[i] += 0.7 * factor[i];
        for (unsigned k = 0; k < ASSAY_CUSUM_RUNS_AGAIN; k++) {
            again[i * ASSAY_CHANGE_MOST_AGAIN + k] = factor[i];
            s.again[i * ASSAY_CHANGE_MOST_AGAIN + k] += 0.7 * factor[i];
        }
    }
    s.series.n_factors = 1;
    s.series.factor[0] = factor;
    s.series.factor_again[0] = again;
    cr_expect_eq(assay_change_follow(&s.series, &limits, found, 8, &state, NULL), 0,
                 "the host's step was told as the series' own");
    cr_expect_float_eq(state.factor[0], 0.7, 0.05);
    cr_expect_lt(state.sigma, 1.2 * alone);
    s.series.n_factors = 0;
    (void)assay_change_follow(&s.series, &limits, found, 8, &state, NULL);
    cr_expect_gt(state.sigma, 2 * alone, "without the sentinel the host's noise is the series'");
}

Test(change, learns_a_level_anew_where_it_is_told_that_the_host_changed)
{
    static uint8_t restart[NOISE_MOST_NIGHTS];
    cr_assert_eq(follow(10, 200, 0.01, 100, 0.2), 1);
    restart[100] = 1;
    s.series.restart = restart;
    cr_expect_eq(assay_change_follow(&s.series, &limits, found, 8, &state, NULL), 0);
    cr_expect_eq(state.segment, 100u);
    cr_expect_float_eq(state.level, 0.2, 0.01);
}

Test(change, asks_for_a_second_look_where_the_last_night_was_strange)
{
    cr_assert_eq(follow(11, 100, 0.01, 100, 0), 0);
    s.n_again[99] = 0;
    s.value[99] = 0.04;
    (void)assay_change_follow(&s.series, &limits, found, 8, &state, NULL);
    cr_expect(state.again);
    s.value[99] = 0;
    (void)assay_change_follow(&s.series, &limits, found, 8, &state, NULL);
    cr_expect_not(state.again);
}

Test(change, knows_from_second_looks_that_they_repeat_the_first)
{
    cr_assert_leq(follow(12, 600, 0.01, 600, 0), 1u);
    for (size_t i = 0; i < 600; i++)
        for (unsigned k = 0; k < ASSAY_CUSUM_RUNS_AGAIN; k++)
            s.again[i * ASSAY_CHANGE_MOST_AGAIN + k] = s.value[i];
    (void)assay_change_follow(&s.series, &limits, found, 8, &state, NULL);
    cr_expect_gt(state.repeat, 0.5, "%g", state.repeat);
}
