#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/random.h"
#include "harness/load/histogram.h"

static struct assay_histogram h;

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

Test(histogram, every_value_alone_comes_back_not_below_and_at_most_a_128th_above)
{
    assay_histogram_init(&h);
    for (unsigned bit = 0; bit < 64; bit++)
        for (int off = -1; off <= 1; off++) {
            uint64_t value = ((uint64_t)1 << bit) + (uint64_t)off;
            assay_histogram_init(&h);
            assay_histogram_add(&h, value);
            assay_histogram_add(&h, UINT64_MAX); /* so that the largest value is no help */
            uint64_t got = assay_histogram_percentile(&h, 0);
            cr_expect(got >= value && got - value <= value / 128, "%llu gave %llu", (unsigned long long)value, (unsigned long long)got);
        }
}

Test(histogram, percentiles_are_those_of_the_sorted_series_at_the_published_index)
{
    enum { N = 20000 };
    static uint64_t     values[N];
    static const double shares[] = {0, 0.5, 0.9, 0.97, 0.99, 0.999, 0.99995};
    struct assay_random r;
    double              sum = 0;
    assay_random_init(&r, 7);
    assay_histogram_init(&h);
    for (size_t i = 0; i < N; i++) {
        values[i] = (uint64_t)(1e6 * exp(3 * assay_random_normal(&r)));
        assay_histogram_add(&h, values[i]);
        sum += (double)values[i];
    }
    qsort(values, N, sizeof *values, ascending);
    for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
        uint64_t exact = values[(size_t)(N * shares[k])], got = assay_histogram_percentile(&h, shares[k]);
        cr_expect(got >= exact && got - exact <= exact / 128, "share %g: %llu, got %llu", shares[k], (unsigned long long)exact,
                  (unsigned long long)got);
    }
    cr_expect(h.n == N && h.min_ns == values[0] && h.max_ns == values[N - 1] && fabs((double)h.sum_ns - sum) <= N);
}

Test(histogram, the_largest_share_gives_the_largest_value_itself)
{
    assay_histogram_init(&h);
    assay_histogram_add(&h, 1000001);
    cr_expect_eq(assay_histogram_percentile(&h, 0.99), 1000001);
}

Test(histogram, what_is_over_a_limit_is_counted_exactly_where_buckets_hold_one_value)
{
    assay_histogram_init(&h);
    for (uint64_t i = 1; i <= 200; i++)
        assay_histogram_add(&h, i);
    for (uint64_t limit = 0; limit <= 210; limit++)
        cr_expect_float_eq(assay_histogram_over(&h, limit), limit < 200 ? (double)(200 - limit) : 0, 1e-9, "limit %llu",
                           (unsigned long long)limit);
}

Test(histogram, a_bucket_that_holds_the_limit_is_shared_in_proportion)
{
    assay_histogram_init(&h);
    for (uint64_t i = 0; i < 512; i++) /* of the bucket 65536 to 66047 every value once */
        assay_histogram_add(&h, 65536 + i);
    cr_expect_float_eq(assay_histogram_over(&h, 65535), 512, 1e-9);
    cr_expect_float_eq(assay_histogram_over(&h, 65536 + 127), 384, 1e-9);
    cr_expect_float_eq(assay_histogram_over(&h, 65536 + 511), 0, 1e-9);
    cr_expect_float_eq(assay_histogram_over(&h, UINT64_MAX), 0, 1e-9);
}

Test(histogram, a_sum_that_does_not_fit_stays_at_the_largest_number)
{
    assay_histogram_init(&h);
    assay_histogram_add(&h, UINT64_MAX);
    assay_histogram_add(&h, 5);
    cr_expect_eq(h.sum_ns, UINT64_MAX);
    cr_expect(h.n == 2 && h.min_ns == 5);
}
