#include "harness/plan/buckets.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "assay/banned.h"

static char text[ASSAY_BUCKETS_TEXT_BYTES];
static struct assay_error err;

static bool reads(const char *from, int64_t max_batch)
{
    memset(&err, 0, sizeof err);
    (void)snprintf(text, sizeof text, "%s", from);
    return assay_buckets_complete(text, max_batch, &err) == ASSAY_OK;
}

static bool refused(const char *from, int64_t max_batch, const char *why)
{
    return !reads(from, max_batch) && err.code == ASSAY_CONFIG && strstr(err.message, why);
}

Test(buckets, powers_are_written_out_and_the_maximum_goes_without_saying)
{
    cr_assert(reads("powers", 8));
    cr_expect_str_eq(text, "1+2+4");
    cr_assert(reads("powers", 9));
    cr_expect_str_eq(text, "1+2+4+8");
    cr_assert(reads("powers", 4096));
    cr_expect_str_eq(text, "1+2+4+8+16+32+64+128+256+512+1024+2048");
    cr_assert(reads("powers", 1));
    cr_expect_str_eq(text, "none");
    cr_assert(reads("1+3+8", 8));
    cr_expect_str_eq(text, "1+3");
    cr_assert(reads("8", 8));
    cr_expect_str_eq(text, "none");
    cr_assert(reads("none", 8));
    cr_expect_str_eq(text, "none");
}

Test(buckets, the_one_spelling_reads_as_itself)
{
    char once[sizeof text];
    cr_assert(reads("1+2+7", 12));
    (void)snprintf(once, sizeof once, "%s", text);
    cr_assert(reads(once, 12));
    cr_expect_str_eq(text, once);
}

Test(buckets, sizes_that_cannot_be_give_one_line)
{
    cr_expect(refused("0+2", 8, "buckets=0+2: a bucket of 0 samples holds nothing"), "%s", err.message);
    cr_expect(refused("4+2", 8, "sizes must rise, and 2 comes behind 4"), "%s", err.message);
    cr_expect(refused("2+2", 8, "sizes must rise, and 2 comes behind 2"), "%s", err.message);
    cr_expect(reads("1+8", 8) && refused("1+9", 8, "9 is more than max_batch=8"), "%s", err.message);
    static const char *const bad[] = {"", "+1", "1+", "1++2", "1,2", "-1", "two", "1+2x", "9999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(refused(bad[i], 4096, "none, powers, or sizes"), "'%s': %s", bad[i], err.message);
}

Test(buckets, there_are_sixteen_at_most_with_the_largest)
{
    uint32_t size[ASSAY_BUCKETS_MOST];
    cr_assert(reads("1+2+3+4+5+6+7+8+9+10+11+12+13+14+15", 20));
    cr_expect_eq(assay_buckets_list(text, 20, size), 16);
    cr_expect_eq(size[15], 20);
    cr_assert(reads("1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16", 16));
    cr_expect_eq(assay_buckets_list(text, 16, size), 16);
    cr_expect(refused("1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16", 20, "more than 16 sizes"), "%s", err.message);
    cr_expect(refused("1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16+17", 20, "more than 16 sizes"), "%s", err.message);
}

Test(buckets, a_searched_maximum_has_none_or_powers)
{
    uint32_t size[ASSAY_BUCKETS_MOST];
    cr_assert(reads("powers", 0));
    cr_expect_str_eq(text, "powers");
    cr_expect_eq(assay_buckets_list(text, 4, size), 3);
    cr_expect(size[0] == 1 && size[1] == 2 && size[2] == 4);
    cr_expect(reads("none", 0) && refused("1+2", 0, "max_batch=0 searches the sizes"), "%s", err.message);
}

Test(buckets, the_list_ends_in_the_largest)
{
    uint32_t size[ASSAY_BUCKETS_MOST];
    cr_expect_eq(assay_buckets_list("none", 1, size), 1);
    cr_expect_eq(size[0], 1);
    cr_expect_eq(assay_buckets_list("none", 32, size), 1);
    cr_expect_eq(size[0], 32);
    cr_expect_eq(assay_buckets_list("1+6", 32, size), 3);
    cr_expect(size[0] == 1 && size[1] == 6 && size[2] == 32);
}
