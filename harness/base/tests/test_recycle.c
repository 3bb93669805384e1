#include "harness/base/recycle.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define LARGE (((size_t)3 << 20) - 64) /* with what stands before a block, just the length of a class */

TestSuite(recycle);

Test(recycle, gives_back_the_block_of_a_like_length)
{
    assay_recycle_keep(ASSAY_RECYCLE_BYTES);
    char *a = assay_recycle_take(LARGE);
    cr_assert(a);
    cr_expect_eq((uintptr_t)a % 64, 0);
    memset(a, 1, LARGE);
    assay_recycle_give(a);
    char *b = assay_recycle_take(LARGE - 1000); /* of the same class: at most an eighth longer than asked for */
    cr_expect_eq(b, a);
    char *c = assay_recycle_take(LARGE - 1000); /* there was one only */
    cr_expect_neq(c, a);
    assay_recycle_give(b);
    char *d = assay_recycle_take(LARGE / 2);
    cr_expect_neq(d, a, "half as long is another class");
    assay_recycle_give(c);
    assay_recycle_give(d);
    assay_recycle_give(NULL);
}

/* Every length around the borders of classes has room for what was asked for. */
Test(recycle, has_room_for_what_is_asked)
{
    assay_recycle_keep(ASSAY_RECYCLE_BYTES);
    for (size_t octave = (size_t)1 << 16; octave <= (size_t)1 << 23; octave *= 2)
        for (size_t eighth = 8; eighth < 16; eighth++)
            for (int off = -1; off <= 1; off++) {
                size_t bytes = octave / 8 * eighth - 64 + (size_t)off;
                char  *x = assay_recycle_take(bytes);
                cr_assert(x);
                memset(x, 0x5a, bytes); /* beyond the room: the allocator's own checks, or a sanitizer's, see it */
                assay_recycle_give(x);
            }
    cr_expect_null(assay_recycle_take(SIZE_MAX - 10));
    cr_expect_null(assay_recycle_take(SIZE_MAX / 2));
}

Test(recycle, keeps_no_more_than_it_may)
{
    assay_recycle_keep(0);
    char *a = assay_recycle_take(LARGE), *b = assay_recycle_take(LARGE);
    assay_recycle_give(a); /* back to the system */
    assay_recycle_keep(LARGE + LARGE / 2);
    char *c = assay_recycle_take(LARGE);
    assay_recycle_give(c);
    assay_recycle_give(b); /* one fits */
    cr_expect_eq(assay_recycle_take(LARGE), c);
    assay_recycle_give(c);
    assay_recycle_keep(0); /* the last block goes */
    assay_recycle_keep(ASSAY_RECYCLE_BYTES);
    char *small = assay_recycle_take(100);
    cr_assert(small);
    memset(small, 1, 100);
    assay_recycle_give(small);
}

static void *take_and_give(void *self)
{
    uint8_t mark = *(uint8_t *)self;
    for (int i = 0; i < 300; i++) {
        uint8_t *x = assay_recycle_take(LARGE);
        if (!x)
            return NULL;
        memset(x, mark, 4096);
        for (int k = 0; k < 4096; k++)
            if (x[k] != mark)
                return NULL;
        assay_recycle_give(x);
    }
    return self;
}

Test(recycle, gives_a_block_to_one_thread_only)
{
    pthread_t thread[4];
    uint8_t   mark[4] = {1, 2, 3, 4};
    assay_recycle_keep(ASSAY_RECYCLE_BYTES);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, take_and_give, &mark[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *seen = NULL;
        cr_assert_eq(pthread_join(thread[i], &seen), 0);
        cr_expect(seen, "thread %d saw another's bytes", i);
    }
}
