#include "harness/run/ranks/region.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

Test(region, refuses_what_is_no_memory_of_ranks)
{
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_region *region = NULL;
    char                 path[64], file[] = "/tmp/assay-region-XXXXXX";
    cr_expect_eq(assay_region_make(0, &region, path, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_region_make(ASSAY_REGION_RANKS + 1, &region, path, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_region_open("/proc/self/exe-is-not-here", &region, &err), ASSAY_IO);
    int fd = mkstemp(file);
    cr_assert(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect_eq(assay_region_open(file, &region, &err), ASSAY_PROTOCOL);
    (void)close(fd);
    (void)unlink(file);
}

Test(region, keeps_the_first_word_on_who_is_lost)
{
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_region *mine = NULL, *theirs = NULL;
    char                 path[64], why[ASSAY_LINK_WHY];
    uint32_t             rank = 9;
    cr_assert_eq(assay_region_make(3, &mine, path, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_region_open(path, &theirs, &err), ASSAY_OK, "%s", err.message);
    cr_expect_not(assay_region_lost(theirs, &rank, why));
    assay_region_lose(mine, 2, "killed by SIGSEGV");
    assay_region_lose(theirs, 1, "the second word does not count");
    cr_expect(assay_region_lost(theirs, &rank, why) && rank == 2);
    cr_expect_str_eq(why, "killed by SIGSEGV");
    assay_region_close(theirs);
    assay_region_close(mine);
}

Test(region, passes_an_order_and_its_answer)
{
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_region *region = NULL;
    struct assay_post    post;
    struct assay_duty    duty;
    char                 path[64];
    bool                 ended = true;
    cr_assert_eq(assay_region_make(2, &region, path, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_region_post(region, &post, &err), ASSAY_OK);
    cr_assert_eq(assay_region_duty(region, 1, &duty, &err), ASSAY_OK);
    cr_expect_not(duty.next(duty.self, 1000000, &ended), "nothing was ordered");
    cr_expect_not(ended);
    post.box(post.self, 1)->what = ASSAY_ORDER_DISCARD;
    post.box(post.self, 1)->arg[0] = 7;
    cr_assert_eq(post.give(post.self, 1, 0, 0, &err), ASSAY_OK);
    cr_expect_not(post.is_done(post.self, 1));
    cr_expect(post.is_done(post.self, 0), "the other was given nothing");
    cr_assert(duty.next(duty.self, 1000000, &ended));
    cr_expect_eq(duty.box(duty.self)->what, ASSAY_ORDER_DISCARD);
    cr_expect_eq(duty.box(duty.self)->arg[0], 7);
    duty.done(duty.self, 0);
    cr_expect(post.is_done(post.self, 1));
    duty.close(duty.self);
    post.close(post.self);
    assay_region_close(region);
}
