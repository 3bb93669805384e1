#include <criterion/criterion.h>
#include <math.h>

#include "harness/plan/lengths.h"

static struct assay_error   err;
static struct assay_lengths l;

Test(lengths, reads_the_three_kinds)
{
    cr_assert(!assay_lengths_parse("512", "prompt", &l, &err));
    cr_expect(l.kind == ASSAY_LENGTHS_FIXED && l.low == 512 && l.high == 512);
    cr_assert(!assay_lengths_parse("uniform-128-1024", "prompt", &l, &err));
    cr_expect(l.kind == ASSAY_LENGTHS_UNIFORM && l.low == 128 && l.high == 1024);
    cr_assert(!assay_lengths_parse("lognormal-400-0.8-2048", "prompt", &l, &err));
    cr_expect(l.kind == ASSAY_LENGTHS_LOGNORMAL && l.low == 1 && l.high == 2048 && l.median == 400 && l.deviation == 0.8);
}

Test(lengths, refuses_what_is_none_and_says_what_would_be)
{
    static const char wrong[][40] = {"", "0", "-5", "1.5", "512 ", "uniform-9-8", "uniform-0-8", "uniform-1", "uniform-1-2-3", "uniform-1-nan",
                                     "lognormal-400-0.8", "lognormal-400-5-2048", "lognormal-4000-1-2048", "lognormal-0-1-8", "16777217",
                                     "fixed", "normal-1-2", "uniform--1-5", "uniform-1-1e300", "0x10"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(assay_lengths_parse(wrong[i], "output", &l, &err), ASSAY_CONFIG, "%s", wrong[i]);
        cr_expect(strstr(err.message, "output"), "%s", err.message);
        cr_expect(*err.hint, "%s", wrong[i]);
    }
    cr_expect_eq(assay_lengths_parse("unifrom-1-2", "prompt", &l, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.hint, "did you mean 'uniform'?");
}

Test(lengths, a_uniform_one_has_its_ends_and_its_mean)
{
    double   sum = 0;
    uint32_t least = UINT32_MAX, most = 0;
    cr_assert(!assay_lengths_parse("uniform-10-20", "prompt", &l, &err));
    for (uint64_t k = 0; k < 20000; k++) {
        uint32_t n = assay_lengths_draw(&l, 3, k);
        sum += n;
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    cr_expect(least == 10 && most == 20);
    cr_expect_float_eq(sum / 20000, 15, 0.1);
}

Test(lengths, a_lognormal_one_has_its_median_and_its_spread_and_is_cut)
{
    uint64_t below = 0, within = 0, n = 40000, cut = 0;
    cr_assert(!assay_lengths_parse("lognormal-400-0.8-2048", "prompt", &l, &err));
    for (uint64_t k = 0; k < n; k++) {
        double x = assay_lengths_draw(&l, 3, k);
        below += x < 400;
        within += x > 400 * exp(-0.8) && x < 400 * exp(0.8);
        cut += x == 2048;
        cr_assert(x >= 1 && x <= 2048);
    }
    cr_expect_float_eq((double)below / (double)n, 0.5, 0.01);
    cr_expect_float_eq((double)within / (double)n, 0.6827, 0.01);
    cr_expect_float_eq((double)cut / (double)n, 0.5 * erfc(log(2047.5 / 400) / 0.8 / sqrt(2)), 0.005);
}

Test(lengths, the_same_stream_gives_the_same_length_in_any_order)
{
    cr_assert(!assay_lengths_parse("lognormal-400-0.8-2048", "prompt", &l, &err));
    uint32_t late = assay_lengths_draw(&l, 9, 1000), early = assay_lengths_draw(&l, 9, 1);
    cr_expect_eq(assay_lengths_draw(&l, 9, 1000), late);
    cr_expect_eq(assay_lengths_draw(&l, 9, 1), early);
    cr_expect_neq(assay_lengths_draw(&l, 10, 1000), late);
    cr_expect_eq(assay_lengths_draw(&(struct assay_lengths){.kind = ASSAY_LENGTHS_LOGNORMAL, .low = 1, .high = 9, .median = 7}, 9, 5), 7,
                 "no deviation: always the median");
}
