#include "harness/load/steady.h"

#include <criterion/criterion.h>
#include <string.h>

#include "harness/base/random.h"

#include "assay/banned.h"

static uint64_t            x[20000];
static struct assay_steady s;
static struct assay_random random_numbers;

static void noise(size_t n, uint64_t seed)
{
    assay_random_init(&random_numbers, seed);
    for (size_t i = 0; i < n; i++)
        x[i] = 1000000 + assay_random_below(&random_numbers, 200000);
}

Test(steady, burst_at_the_beginning_is_marked)
{
    noise(4000, 1);
    for (size_t i = 0; i < 100; i++)
        x[i] += 5000000 - 50000 * i;
    assay_steady_find(x, 4000, &s);
    cr_expect(s.first >= 80 && s.first <= 140, "%zu", s.first);
    cr_expect(strstr(s.why, "opening"), "%s", s.why);
}

Test(steady, queue_that_begins_empty_is_marked_too)
{
    noise(4000, 2);
    for (size_t i = 0; i < 200; i++)
        x[i] = x[i] / 4;
    assay_steady_find(x, 4000, &s);
    cr_expect(s.first >= 180 && s.first <= 260, "%zu", s.first);
}

Test(steady, run_without_an_opening_keeps_every_latency)
{
    size_t cut = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        noise(4000, 100 + seed);
        assay_steady_find(x, 4000, &s);
        cut += s.first > 0;
    }
    cr_expect(cut <= 30, "cut in %zu of 200 runs", cut);
}

Test(steady, slow_stretch_in_the_middle_or_at_the_end_is_never_cut)
{
    noise(4000, 3);
    for (size_t i = 2000; i < 2400; i++)
        x[i] += 9000000;
    assay_steady_find(x, 4000, &s);
    cr_expect(s.first < 2000);
    noise(4000, 4);
    for (size_t i = 3600; i < 4000; i++)
        x[i] += 9000000;
    assay_steady_find(x, 4000, &s);
    cr_expect_eq(s.first, 0, "%zu", s.first);
}

Test(steady, run_that_is_never_steady_is_kept_whole_and_called_so)
{
    noise(4000, 5);
    for (size_t i = 0; i < 1600; i++)
        x[i] += 9000000;
    assay_steady_find(x, 4000, &s);
    cr_expect_eq(s.first, 0);
    cr_expect(strstr(s.why, "not steady"), "%s", s.why);
}

Test(steady, few_latencies_tell_nothing)
{
    noise(99, 6);
    x[0] = 1000000000;
    assay_steady_find(x, 99, &s);
    cr_expect_eq(s.first, 0);
    assay_steady_find(x, 0, &s);
    cr_expect_eq(s.first, 0);
}

Test(steady, equal_latencies_have_no_opening)
{
    for (size_t i = 0; i < 20000; i++)
        x[i] = 5;
    assay_steady_find(x, 20000, &s);
    cr_expect_eq(s.first, 0);
}
