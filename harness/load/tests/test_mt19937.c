/* Against libstdc++ itself (libstdcxx.cc), bit for bit. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/load/mt19937.h"

void     cxx_seed(uint64_t seed);
uint32_t cxx_next(void);
uint32_t cxx_below(uint32_t n);
double   cxx_unit(void);
double   cxx_exponential(double rate);
void     cxx_shuffle(uint32_t *values, uint32_t n);

static struct assay_mt19937 g;

static void seed_both(uint64_t seed)
{
    assay_mt19937_init(&g, seed);
    cxx_seed(seed);
}

Test(mt19937, the_ten_thousandth_word_is_the_one_that_the_standard_names)
{
    uint32_t word = 0;
    assay_mt19937_init(&g, 5489);
    for (int i = 0; i < 10000; i++)
        word = assay_mt19937_next(&g);
    cr_expect_eq(word, 4123659995u); /* C++11, [rand.predef] */
}

Test(mt19937, words_of_wide_seeds_are_those_of_the_seed_modulo_2_to_the_32)
{
    static const uint64_t seeds[] = {0, 1, 2747215439041700203u, UINT64_MAX};
    for (size_t k = 0; k < 4; k++) {
        unsigned different = 0;
        seed_both(seeds[k]);
        for (int i = 0; i < 1000000; i++)
            different += assay_mt19937_next(&g) != cxx_next();
        cr_expect_eq(different, 0, "seed %llu", (unsigned long long)seeds[k]);
    }
    struct assay_mt19937 wide, narrow;
    assay_mt19937_init(&wide, (uint64_t)7 << 32 | 12345);
    assay_mt19937_init(&narrow, 12345);
    cr_expect_eq(memcmp(&wide, &narrow, sizeof wide), 0);
}

Test(mt19937, ten_million_units_and_gaps_are_the_library_s_to_the_bit)
{
    unsigned units = 0, gaps = 0;
    seed_both(16159082839903944936u);
    for (int i = 0; i < 10000000; i++) {
        double mine = assay_mt19937_unit(&g), theirs = cxx_unit();
        units += memcmp(&mine, &theirs, sizeof mine) != 0;
        mine = assay_mt19937_exponential(&g, 757.25);
        theirs = cxx_exponential(757.25);
        gaps += memcmp(&mine, &theirs, sizeof mine) != 0;
    }
    cr_expect_eq(units, 0);
    cr_expect_eq(gaps, 0);
}

/* Ranges where half of the words are drawn again are among them. */
Test(mt19937, ten_million_numbers_below_others_are_the_library_s)
{
    static const uint32_t n[] = {1, 2, 3, 43, 1024, 24576, 788379, 0x40000001u, 0x55555556u, 0x7fffffffu};
    unsigned              different = 0;
    seed_both(3);
    for (int i = 0; i < 10000000; i++)
        different += assay_mt19937_below(&g, n[i % 10]) != cxx_below(n[i % 10]);
    cr_expect_eq(different, 0);
}

Test(mt19937, shuffles_are_the_library_s_on_both_sides_of_where_it_stops_drawing_pairs)
{
    static const uint32_t n[] = {0, 1, 2, 3, 4, 5, 43, 44, 1024, 24576, 65534, 65535, 65536, 65537, 788379};
    uint32_t             *mine = malloc(788379 * sizeof *mine), *theirs = malloc(788379 * sizeof *theirs);
    cr_assert(mine && theirs);
    seed_both(2085463073848966840u);
    for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
        for (uint32_t i = 0; i < n[k]; i++)
            mine[i] = theirs[i] = i;
        assay_mt19937_shuffle(&g, mine, n[k]);
        cxx_shuffle(theirs, n[k]);
        cr_expect_eq(memcmp(mine, theirs, n[k] * sizeof *mine), 0, "n %u", n[k]);
        cr_expect_eq(assay_mt19937_next(&g), cxx_next(), "as much is drawn for n %u", n[k]);
    }
    free(mine);
    free(theirs);
}

Test(mt19937, a_shuffle_of_nothing_draws_what_a_shuffle_would)
{
    static const uint32_t n[] = {1, 2, 43, 1024, 65535, 65536, 100000, 788379};
    uint32_t             *values = calloc(788379, sizeof *values);
    cr_assert_not_null(values);
    for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
        struct assay_mt19937 other;
        assay_mt19937_init(&g, k);
        other = g;
        assay_mt19937_shuffle(&g, values, n[k]);
        assay_mt19937_shuffle(&other, NULL, n[k]);
        cr_expect_eq(memcmp(&g, &other, sizeof g), 0, "n %u", n[k]);
    }
    free(values);
}
