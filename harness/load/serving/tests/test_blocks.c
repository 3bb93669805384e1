#include <criterion/criterion.h>

#include "harness/load/serving/blocks.h"

static struct assay_error err;

static struct assay_blocks *make(uint32_t n)
{
    struct assay_blocks *b;
    cr_assert(!assay_blocks_new(n, &b, &err));
    return b;
}

static struct assay_hash128 content(uint64_t x)
{
    return (struct assay_hash128){x * 4, x}; /* all in few buckets */
}

Test(blocks, gives_every_block_once_and_then_none)
{
    struct assay_blocks *b = make(5);
    bool                 seen[5] = {false};
    cr_expect_eq(assay_blocks_available(b), 5);
    for (int i = 0; i < 5; i++) {
        int32_t x = assay_blocks_take(b);
        cr_assert(x >= 0 && x < 5 && !seen[x]);
        seen[x] = true;
    }
    cr_expect_eq(assay_blocks_take(b), ASSAY_NO_BLOCK);
    cr_expect_eq(assay_blocks_available(b), 0);
    assay_blocks_free(b);
}

Test(blocks, of_no_blocks_has_none)
{
    struct assay_blocks *b = make(0);
    cr_expect_eq(assay_blocks_take(b), ASSAY_NO_BLOCK);
    cr_expect_eq(assay_blocks_find(b, content(1)), ASSAY_NO_BLOCK);
    assay_blocks_free(b);
    assay_blocks_free(NULL);
}

Test(blocks, a_block_is_free_when_its_last_holder_has_gone)
{
    struct assay_blocks *b = make(2);
    int32_t              x = assay_blocks_take(b);
    assay_blocks_hold(b, x);
    assay_blocks_release(b, x);
    cr_expect_eq(assay_blocks_available(b), 1);
    cr_expect(assay_blocks_held(b, x));
    assay_blocks_release(b, x);
    cr_expect_eq(assay_blocks_available(b), 2);
    cr_expect_not(assay_blocks_held(b, x));
    assay_blocks_free(b);
}

Test(blocks, content_is_found_after_its_holder_has_gone_until_the_block_is_taken)
{
    struct assay_blocks *b = make(2);
    int32_t              x = assay_blocks_take(b);
    assay_blocks_publish(b, x, content(1));
    assay_blocks_release(b, x);
    cr_expect_eq(assay_blocks_find(b, content(1)), x);
    cr_expect_neq(assay_blocks_take(b), x, "a block without content goes first");
    cr_expect_eq(assay_blocks_find(b, content(1)), x);
    cr_expect_eq(assay_blocks_take(b), x);
    cr_expect_eq(assay_blocks_find(b, content(1)), ASSAY_NO_BLOCK);
    assay_blocks_free(b);
}

Test(blocks, content_free_for_longest_is_lost_first)
{
    struct assay_blocks *b = make(3);
    int32_t              x[3];
    for (uint64_t i = 0; i < 3; i++) {
        x[i] = assay_blocks_take(b);
        assay_blocks_publish(b, x[i], content(i));
    }
    assay_blocks_release(b, x[1]);
    assay_blocks_release(b, x[0]);
    assay_blocks_release(b, x[2]);
    assay_blocks_hold(b, x[1]); /* used again: now the last of the line */
    assay_blocks_release(b, x[1]);
    cr_expect_eq(assay_blocks_take(b), x[0]);
    cr_expect_eq(assay_blocks_take(b), x[2]);
    cr_expect_eq(assay_blocks_find(b, content(1)), x[1]);
    assay_blocks_free(b);
}

Test(blocks, of_two_blocks_with_the_same_content_the_first_stays)
{
    struct assay_blocks *b = make(2);
    int32_t              x = assay_blocks_take(b), y = assay_blocks_take(b);
    assay_blocks_publish(b, x, content(7));
    assay_blocks_publish(b, y, content(7));
    assay_blocks_publish(b, y, content(7));
    cr_expect_eq(assay_blocks_find(b, content(7)), x);
    assay_blocks_release(b, y);
    assay_blocks_release(b, x);
    cr_expect_eq(assay_blocks_take(b), y, "it holds nothing that can be found");
    assay_blocks_free(b);
}

Test(blocks, contents_of_one_bucket_are_told_apart)
{
    struct assay_blocks *b = make(64);
    int32_t              x[64];
    for (uint64_t i = 0; i < 64; i++) {
        x[i] = assay_blocks_take(b);
        assay_blocks_publish(b, x[i], (struct assay_hash128){5, i});
    }
    for (uint64_t i = 0; i < 64; i += 2)
        assay_blocks_release(b, x[i]);
    for (int i = 0; i < 32; i++)
        cr_assert_neq(assay_blocks_take(b), ASSAY_NO_BLOCK);
    for (uint64_t i = 0; i < 64; i++)
        cr_expect_eq(assay_blocks_find(b, (struct assay_hash128){5, i}), i % 2 ? x[i] : ASSAY_NO_BLOCK);
    assay_blocks_free(b);
}
