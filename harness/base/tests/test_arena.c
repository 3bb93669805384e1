#include "harness/base/arena.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

static bool all_bytes_are(const unsigned char *at, size_t bytes, unsigned char value)
{
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != value)
            return false;
    return true;
}

Test(arena, gives_zeroed_aligned_pieces_that_do_not_overlap)
{
    /* Sizes around the alignment and around the size of a block, small after large and large after small. */
    static const size_t sizes[] = {1,     63,    64,    65, 4096,   16383, 16384, 16385,
                                   65535, 65536, 65537, 1,  300000, 7,     50000, 2};
    enum { N = sizeof sizes / sizeof sizes[0], ROUNDS = 20 };
    struct assay_arena arena = {0};
    unsigned char *piece[N * ROUNDS];
    for (size_t i = 0; i < N * ROUNDS; i++) {
        size_t bytes = sizes[i % N];
        piece[i] = assay_arena_take(&arena, bytes, 1);
        cr_assert_not_null(piece[i]);
        cr_expect_eq((uintptr_t)piece[i] % 64, 0);
        cr_expect(all_bytes_are(piece[i], bytes, 0), "piece %zu of %zu bytes is not zeroed", i, bytes);
        memset(piece[i], (int)(i % 255) + 1, bytes);
    }
    for (size_t i = 0; i < N * ROUNDS; i++)
        cr_expect(all_bytes_are(piece[i], sizes[i % N], (unsigned char)(i % 255 + 1)), "piece %zu was overwritten", i);
    assay_arena_clear(&arena);
}

Test(arena, refuses_what_overflows_or_does_not_fit_and_keeps_the_rest)
{
    struct assay_arena arena = {0};
    char *kept = assay_arena_text(&arena, "kept");
    size_t used = arena.used_bytes;
    cr_expect_null(assay_arena_take(&arena, SIZE_MAX, 2));
    cr_expect_null(assay_arena_take(&arena, SIZE_MAX / 2 + 1, 2), "the product is 2^64, which wraps to 0");
    cr_expect_null(assay_arena_take(&arena, 1, SIZE_MAX), "rounding up to the alignment wraps");
    cr_expect_null(assay_arena_take(&arena, 1, SIZE_MAX - 63), "adding the head of the block wraps");
    cr_expect_eq(arena.used_bytes, used);
    cr_expect_str_eq(kept, "kept");
    cr_expect_not_null(assay_arena_take(&arena, 3, 5), "the arena still works");
    assay_arena_clear(&arena);
}

Test(arena, gives_zero_bytes_a_place_of_their_own)
{
    struct assay_arena arena = {0};
    void *a = assay_arena_take(&arena, 0, 8), *b = assay_arena_take(&arena, 8, 0);
    cr_expect_not_null(a);
    cr_expect_not_null(b);
    cr_expect_neq(a, b);
    assay_arena_clear(&arena);
}

Test(arena, can_be_cleared_and_used_again)
{
    struct assay_arena arena = {0};
    assay_arena_clear(&arena);
    for (int round = 0; round < 3; round++) {
        unsigned char *at = assay_arena_take(&arena, 1000, 100);
        char *text = assay_arena_text(&arena, "");
        cr_assert_not_null(at);
        cr_expect(all_bytes_are(at, 100000, 0), "memory that was used before is zeroed again");
        cr_expect_str_empty(text);
        cr_expect_eq(arena.used_bytes, 100032 + 64);
        memset(at, 0xff, 100000);
        assay_arena_clear(&arena);
        cr_expect_eq(arena.used_bytes, 0);
        cr_expect_null(arena.first);
    }
}

Test(arena, copies_text)
{
    struct assay_arena arena = {0};
    char original[] = "gemm/k=64";
    char *copy = assay_arena_text(&arena, original);
    original[0] = 'x';
    cr_expect_str_eq(copy, "gemm/k=64");
    assay_arena_clear(&arena);
}
