#include "harness/load/series.h"

#include <criterion/criterion.h>

#include "assay/banned.h"

static struct assay_query_row rows[64];
static struct assay_series    s;

static void add(uint64_t query)
{
    struct assay_query_row row = {.query = query, .completed_ns = query * 10};
    assay_series_add(&s, &row);
}

static void begin(void)
{
    assay_series_init(&s, rows, 64);
}
TestSuite(series, .init = begin);

Test(series, keeps_every_row_while_there_is_room)
{
    for (uint64_t q = 0; q < 64; q++)
        add(q);
    assay_series_finish(&s);
    cr_expect(s.n == 64 && s.every == 1);
    for (uint64_t q = 0; q < 64; q++)
        cr_expect_eq(rows[q].query, q);
}

Test(series, keeps_every_kth_row_of_the_whole_run_when_it_is_longer)
{
    for (uint64_t n = 65; n < 5000; n = n * 5 / 4) {
        begin();
        for (uint64_t q = 0; q < n; q++)
            add(q);
        assay_series_finish(&s);
        cr_assert_eq(s.n, (n + s.every - 1) / s.every, "%llu rows of %llu at a stride of %llu", (unsigned long long)s.n,
                     (unsigned long long)n, (unsigned long long)s.every);
        for (size_t i = 0; i < s.n; i++)
            cr_assert(rows[i].query == i * s.every && rows[i].completed_ns == rows[i].query * 10);
        cr_expect(s.n > 64 / 4);
    }
}

Test(series, rows_that_come_in_another_order_stand_in_the_order_of_queries)
{
    for (uint64_t q = 0; q < 1000; q++)
        add(q ^ 3);
    assay_series_finish(&s);
    cr_expect_eq(s.n, (1000 + s.every - 1) / s.every);
    for (size_t i = 0; i < s.n; i++)
        cr_expect_eq(rows[i].query, i * s.every);
}
