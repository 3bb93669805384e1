#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/load/tests/binomial.h"
#include "harness/load/tests/queues.h"
#include "harness/load/verdict_loadgen.h"
#include "harness/load/verdict_settled.h"

#define LIMIT 1000000u
#define SECOND 1000000000u

/* n latencies, `over` of them over LIMIT, spread so evenly over the run that they say as much as independent ones. */
static uint64_t *even(uint64_t n, uint64_t over)
{
    uint64_t *latency = malloc((n ? n : 1) * sizeof *latency);
    cr_assert_not_null(latency);
    for (uint64_t i = 0; i < n; i++) {
        double place = (double)(i + 1) * 0.6180339887498949;
        latency[i] = 1000 + (uint64_t)(1e5 * (place - floor(place)));
    }
    for (uint64_t k = 0; k < over; k++)
        latency[(2 * k + 1) * n / (2 * over)] = LIMIT + 1;
    return latency;
}

static struct assay_settled_verdict settle(uint64_t n, uint64_t over, double p)
{
    struct assay_settled_verdict v;
    uint64_t                    *latency = even(n, over);
    assay_settle(latency, n, LIMIT, p, 0.01, 10 * (uint64_t)SECOND, &v);
    free(latency);
    return v;
}

static enum assay_settled verdict(uint64_t n, uint64_t over, double p)
{
    struct assay_settled_verdict v = settle(n, over, p);
    cr_expect_eq(v.phi, 1, "%s", v.why);
    cr_expect(v.n == n && v.over == over);
    return v.verdict;
}

Test(verdict_settled, independent_latencies_are_valid_where_early_stopping_passes_and_undecided_one_query_earlier)
{
    for (uint64_t over = 0; over <= 100; over += 20) {
        uint64_t n = assay_early_stopping_within(0.99, over) + over;
        cr_expect_eq(verdict(n, over, 0.99), ASSAY_SETTLED_VALID, "just inside, %llu over", (unsigned long long)over);
        cr_expect_eq(verdict(n - 1, over, 0.99), ASSAY_UNDECIDED, "just outside, %llu over", (unsigned long long)over);
    }
}

Test(verdict_settled, it_is_invalid_from_the_count_on_that_the_allowed_share_would_hardly_give)
{
    for (uint64_t n = 1000; n <= 8000; n *= 2) {
        uint64_t over = n / 100;
        while (1 - binomial_at_most(n, over - 1, 0.99) > 0.01L)
            over++;
        cr_expect_eq(verdict(n, over, 0.99), ASSAY_SETTLED_INVALID, "just inside, n %llu", (unsigned long long)n);
        cr_expect_eq(verdict(n, over - 1, 0.99), ASSAY_UNDECIDED, "just outside, n %llu", (unsigned long long)n);
    }
}

Test(verdict_settled, fewer_than_two_hundred_independent_latencies_decide_nothing)
{
    cr_expect_eq(verdict(200, 0, 0.9), ASSAY_SETTLED_VALID);
    cr_expect_eq(verdict(199, 0, 0.9), ASSAY_UNDECIDED);
    cr_expect_eq(verdict(200, 100, 0.9), ASSAY_SETTLED_INVALID);
    cr_expect_eq(settle(199, 100, 0.9).verdict, ASSAY_UNDECIDED);
    cr_expect_eq(settle(0, 0, 0.9).verdict, ASSAY_UNDECIDED);
    cr_expect_str_eq(settle(0, 0, 0.9).why, "undecided: there is no latency");
}

/* Each value r times in a row: r samples say what one says. */
Test(verdict_settled, phi_is_how_many_latencies_hang_together)
{
    enum { N = 400000 };
    struct assay_settled_verdict v;
    struct assay_random          random;
    uint64_t                    *latency = malloc(N * sizeof *latency);
    cr_assert_not_null(latency);
    for (unsigned r = 1; r <= 100; r *= 10) {
        assay_random_init(&random, 5);
        for (size_t i = 0; i < N; i++)
            latency[i] = i % r ? latency[i - 1] : (uint64_t)(1e6 * assay_random_unit(&random));
        assay_settle(latency, N, 995000, 0.99, 0.01, SECOND, &v);
        cr_expect(v.phi > 0.8 * r && v.phi < 2.2 * r, "%u in a row: phi %g", r, v.phi);
    }
    free(latency);
}

Test(verdict_settled, phi_follows_its_formula)
{
    enum { N = 400, BATCH = 10 }; /* 40 batches of 10; in every other one the upper half of all values */
    uint64_t                     latency[N];
    struct assay_settled_verdict v;
    for (size_t i = 0; i < N; i++)
        latency[i] = (i / BATCH % 2 ? 1000 : 0) + i;
    assay_settle(latency, N, 1, 0.99, 0.01, SECOND, &v);
    /* the level of 50 %: the smallest of the upper half itself is not over it: 19 batches with all, one with 9 of 10, 20 with none */
    double p = 199.0 / N, sum = 19 * (1 - p) * (1 - p) + (0.9 - p) * (0.9 - p) + 20 * p * p;
    double phi = BATCH * sum / (39 * p * (1 - p));
    cr_expect_float_eq(v.phi, phi, 1e-9 * phi, "%g, wanted %g", v.phi, phi);
}

Test(verdict_settled, an_undecided_run_is_decided_after_as_much_more_as_it_says)
{
    static const uint64_t over[] = {0, 2, 6, 8, 12, 14, 20};
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        uint64_t                     n = over[i] ? 1000 : 300;
        struct assay_settled_verdict v = settle(n, over[i], 0.99);
        if (v.verdict != ASSAY_UNDECIDED)
            continue;
        cr_assert(isfinite(v.more_seconds) && v.more_seconds > 0);
        double longer = 1 + v.more_seconds / 10;
        uint64_t enough = (uint64_t)(1.1 * longer * (double)n), little = (uint64_t)(0.9 * longer * (double)n);
        struct assay_settled_verdict after = settle(enough, (enough * over[i] + n / 2) / n, 0.99);
        struct assay_settled_verdict before = settle(little, (little * over[i] + n / 2) / n, 0.99);
        cr_expect_neq(after.verdict, ASSAY_UNDECIDED, "%llu over: %s", (unsigned long long)over[i], v.why);
        cr_expect_eq(before.verdict, ASSAY_UNDECIDED, "%llu over: %s", (unsigned long long)over[i], v.why);
    }
}

Test(verdict_settled, the_sentence_has_the_numbers_and_what_to_do)
{
    cr_expect_str_eq(settle(1000, 6, 0.99).why, "undecided: about 23 more seconds or 3 more seeds; 0.6 % of 1000 over 1.000 ms, 1 % allowed, phi 1");
    cr_expect_str_eq(settle(1000, 1, 0.99).why, "valid: 0.1 % of 1000 over 1.000 ms, 1 % allowed, phi 1, chance 0.00048 <= 0.01");
    cr_expect_str_eq(settle(1000, 30, 0.99).why, "invalid: 3 % of 1000 over 1.000 ms, 1 % allowed, phi 1, chance 2.1e-07 <= 0.01");
    struct assay_settled_verdict v = settle(1000, 10, 0.99);
    cr_expect(isinf(v.more_seconds) && strstr(v.why, "too near to the limit"), "%s", v.why);
    cr_expect_float_eq(settle(1000, 6, 0.99).margin, 0.4, 1e-12);
    cr_expect_float_eq(settle(1000, 30, 0.99).margin, -2, 1e-12);
}

Test(verdict_settled, a_latency_at_the_limit_is_within_it_whatever_its_size)
{
    static const uint64_t        limits[] = {0, 255, 256, UINT64_MAX - 1};
    struct assay_settled_verdict v;
    uint64_t                     latency[500];
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < 500; i++)
            latency[i] = limits[k];
        assay_settle(latency, 500, limits[k], 0.99, 0.01, SECOND, &v);
        cr_expect(v.over == 0 && v.verdict == ASSAY_SETTLED_VALID, "%s", v.why);
        latency[7] = limits[k] + 1;
        assay_settle(latency, 500, limits[k], 0.99, 0.01, SECOND, &v);
        cr_expect_eq(v.over, 1);
    }
}

/* ---- queues ---------------------------------------------------------------------------------------------------- */

static const struct queue small[] = {{true, 1, 0.7}, {false, 1, 0.7}, {false, 2, 0.7}, {false, 8, 0.7}};

Test(queues, closed_forms_agree_with_one_another)
{
    cr_expect_float_eq(queue_chance_to_wait(&(struct queue){false, 1, 0.7}), 0.7, 1e-12);
    cr_expect_float_eq(queue_wait_beyond_deterministic(0.7, 0), 0.7, 1e-12);
    /* Erlang's own series, whose terms cancel, is good for short waits: P(wait <= 1.5) = (1 - a) (e^1.5a - a/2 e^a/2) */
    double a = 0.7, erlang = (1 - a) * (exp(1.5 * a) - 0.5 * a * exp(0.5 * a));
    cr_expect_float_eq(1 - queue_wait_beyond_deterministic(a, 1.5), erlang, 1e-12);
    for (double load = 0.7; load < 0.96; load += 0.05) {
        double sum = 0, step = 0.01; /* the mean is the integral of the tail; steps do not cross a whole number */
        for (double x = step / 2; x < 300; x += step)
            sum += step * queue_wait_beyond_deterministic(load, x);
        cr_expect_float_eq(sum, load / (2 * (1 - load)), 1e-3 * sum, "rho %g: %g", load, sum);
    }
}

Test(queues, virtual_time_gives_the_means_and_percentiles_of_the_closed_forms, .timeout = 30)
{
    enum { N = 1000000 };
    uint64_t *latency = malloc(N * sizeof *latency);
    cr_assert_not_null(latency);
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        static const double shares[] = {0.5, 0.1, 0.01};
        struct queue_run    r;
        struct assay_error  err = {0};
        double              wait_ns;
        cr_assert_eq(queue_start(&small[i], 11, &r, &err), ASSAY_OK, "%s", err.message);
        queue_go(&small[i], &r, N, latency, &wait_ns);
        assay_arrivals_free(r.arrivals);
        double mean = queue_mean_wait(&small[i]) * QUEUE_SERVICE_NS;
        cr_expect(fabs(wait_ns - mean) < 0.02 * mean, "queue %zu: waits %g, closed form %g", i, wait_ns, mean);
        for (size_t k = 0; k < 3; k++) {
            uint64_t limit = (uint64_t)(queue_limit(&small[i], shares[k]) * QUEUE_SERVICE_NS), over = 0;
            for (size_t j = 0; j < N; j++)
                over += latency[j] > limit;
            cr_expect(fabs((double)over / N - shares[k]) < 0.06 * shares[k], "queue %zu: %g beyond the limit of %g", i, (double)over / N,
                      shares[k]);
        }
    }
    free(latency);
}

/* The long version of this is long_settled.c. */
Test(queues, near_saturation_the_published_rule_passes_what_is_over_the_limit_and_settled_does_not, .timeout = 30)
{
    enum { N = 10000, RUNS = 100 };
    struct queue                 q = {true, 1, 0.9};
    uint64_t                     latency[N], limit = (uint64_t)(queue_limit(&q, 0.011) * QUEUE_SERVICE_NS);
    unsigned                     valid = 0, published = 0;
    struct assay_settled_verdict v;
    for (uint64_t run = 0; run < RUNS; run++) {
        struct queue_run   r;
        struct assay_error err = {0};
        cr_assert_eq(queue_start(&q, run, &r, &err), ASSAY_OK, "%s", err.message);
        queue_go(&q, &r, 2000, NULL, NULL);
        queue_go(&q, &r, N, latency, NULL);
        assay_arrivals_free(r.arrivals);
        assay_settle(latency, N, limit, 0.99, 0.01, SECOND, &v);
        valid += v.verdict == ASSAY_SETTLED_VALID;
        published += assay_early_stopping_passes(0.99, N, v.over);
    }
    cr_expect_leq(valid, RUNS * 3 / 100, "%u", valid);
    cr_expect_geq(published, RUNS * 20 / 100, "%u", published);
}
