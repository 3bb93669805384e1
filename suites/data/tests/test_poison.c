#include "suites/data/poison.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum assay_dtype every[] = {
#define X(id, number, name, bits, is_float) ASSAY_##id,
    ASSAY_DTYPES(X)
#undef X
};
enum { N_DTYPES = sizeof every / sizeof *every };

#define N 1003

/* What counts as an element: of formats below 16 bits, a byte. */
static uint64_t countable(enum assay_dtype dtype, size_t n)
{
    return assay_dtype_bits(dtype) >= 16 ? n : assay_dtype_bytes(dtype, n);
}

Test(poison, what_nobody_wrote_is_all_counted_in_every_format_and_nothing_beyond_is_touched)
{
    for (size_t d = 0; d < N_DTYPES; d++)
        for (size_t n = 0; n < 40; n++) {
            unsigned char at[400];
            size_t        bytes = assay_dtype_bytes(every[d], n);
            memset(at, 0x5A, sizeof at);
            assay_poison_fill(every[d], 77, n, at);
            cr_expect_eq(at[bytes], 0x5A, "%s", assay_dtype_name(every[d]));
            cr_expect_eq(assay_poison_count(every[d], 77, n, at), countable(every[d], n), "%zu of %s", n, assay_dtype_name(every[d]));
        }
}

Test(poison, one_element_that_was_written_is_one_less)
{
    for (size_t d = 0; d < N_DTYPES; d++) {
        static unsigned char at[N * 8];
        size_t               width = assay_dtype_bits(every[d]) >= 16 ? assay_dtype_bits(every[d]) / 8 : 1;
        uint64_t             all = countable(every[d], N);
        for (size_t i = 0; i < all; i += 97) {
            assay_poison_fill(every[d], 5, N, at);
            at[i * width + width - 1] ^= 1;
            cr_expect_eq(assay_poison_count(every[d], 5, N, at), all - 1, "%s[%zu]", assay_dtype_name(every[d]), i);
        }
    }
}

/* Honest results are no NaN with a chosen payload; a device that copies NaNs about does not hit the place's own. */
Test(poison, is_quiet_nans_with_a_payload_of_their_own_in_floating_formats)
{
    double   wide[N];
    float    f[N];
    uint64_t bits[N], moved = 0;
    assay_poison_fill(ASSAY_F64, 3, N, wide);
    assay_poison_fill(ASSAY_F32, 3, N, f);
    memcpy(bits, wide, sizeof bits);
    for (size_t i = 0; i < N; i++) {
        cr_expect(isnan(wide[i]) && isnan(f[i]));
        cr_expect_neq(bits[i] & 0x0008000000000000ull, 0u, "quiet");
        moved += i > 0 && bits[i] == bits[i - 1];
    }
    cr_expect_eq(moved, 0u, "each place has its own");
    memmove(f + 1, f, (N - 1) * sizeof *f);
    cr_expect_lt(assay_poison_count(ASSAY_F32, 3, N, f), 3u, "poison from another place is not this place's");
    uint16_t half[2][N];
    assay_poison_fill(ASSAY_F16, 3, N, half[0]);
    assay_poison_fill(ASSAY_BF16, 3, N, half[1]);
    for (size_t i = 0; i < N; i++) {
        cr_expect_eq(half[0][i] & 0x7E00, 0x7E00, "exponent all ones and quiet");
        cr_expect_eq(half[1][i] & 0x7FC0, 0x7FC0);
    }
}

Test(poison, of_another_key_agrees_by_chance_alone)
{
    static const struct { enum assay_dtype dtype; double chance; } rows[] = {{ASSAY_F64, 0}, {ASSAY_F32, 0}, {ASSAY_I32, 0}, {ASSAY_I64, 0}, {ASSAY_U8, 1.0 / 256},
                                                                            {ASSAY_BF16, 1.0 / 128}, {ASSAY_F16, 1.0 / 1024}};
    static unsigned char at[8 * 100000];
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        assay_poison_fill(rows[r].dtype, 1 << 24, 100000, at);
        double share = (double)assay_poison_count(rows[r].dtype, 2 << 24, 100000, at) / 1e5;
        cr_expect_lt(fabs(share - rows[r].chance), 0.0002 + 5 * sqrt(rows[r].chance / 1e5), "%s: %g", assay_dtype_name(rows[r].dtype), share);
    }
}

Test(poison, is_the_same_for_any_number_of_threads)
{
    const size_t   n = 3000001; /* bytes; more than one piece of work */
    unsigned char *one = malloc(n), *many = malloc(n);
    cr_assert(one && many);
    cr_assert_eq(setenv("ASSAY_THREADS", "1", 1), 0);
    assay_poison_fill(ASSAY_U8, 9, n, one);
    cr_assert_eq(setenv("ASSAY_THREADS", "5", 1), 0);
    assay_poison_fill(ASSAY_U8, 9, n, many);
    cr_expect_eq(memcmp(one, many, n), 0);
    free(one);
    free(many);
}
