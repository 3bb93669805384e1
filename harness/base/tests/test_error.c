#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "assay/error.h"
#include "assay/text.h"

#include "assay/banned.h"

static enum assay_code fail_below(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_CONFIG, "batch must be positive, got %d", -1);
}

Test(error, keeps_the_first_cause_and_the_path_to_it)
{
    struct assay_error err;
    memset(&err, 0x5A, sizeof err);
    cr_expect_eq(fail_below(&err), ASSAY_CONFIG);
    cr_expect_eq(assay_error_in(&err, "reading case '%s'", "gemm/64"), ASSAY_CONFIG);
    cr_expect_eq(assay_error_hint(&err, "try %d", 1), ASSAY_CONFIG);
    cr_expect_eq(assay_error_in(&err, "reading suite '%s'", "quick"), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "batch must be positive, got -1");
    cr_expect_str_eq(err.frame[0], "reading case 'gemm/64'");
    cr_expect_str_eq(err.frame[1], "reading suite 'quick'");
    cr_expect_str_eq(err.hint, "try 1");
    cr_expect_eq(err.nframes, 2);
    cr_expect(err.sys_errno == 0 && err.vendor == 0);
    cr_expect_eq(strncmp(err.where, "test_error.c:", 13), 0, "no folder in '%s'", err.where);
    cr_expect_eq(fail_below(&err), ASSAY_CONFIG);
    cr_expect(err.nframes == 0 && err.hint[0] == 0 && err.frame[0][0] == 0, "a new cause replaces everything");
}

Test(error, takes_errno_before_anything_can_change_it)
{
    struct assay_error err;
    errno = ENOSPC;
    cr_expect_eq(ASSAY_FAIL_ERRNO(&err, ASSAY_IO, "cannot write '%s'", "x"), ASSAY_IO);
    cr_expect_str_eq(err.message, "cannot write 'x': No space left on device");
    cr_expect_eq(err.sys_errno, ENOSPC);
}

Test(error, cuts_what_is_too_long_and_drops_frames_beyond_the_last)
{
    struct assay_error err;
    char               big[1000];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    (void)assay_error_set(&err, ASSAY_DATA, big, "%s", big);
    for (int i = 0; i < ASSAY_ERROR_FRAMES + 3; i++)
        cr_expect_eq(assay_error_in(&err, "%d%s", i, big), ASSAY_DATA);
    (void)assay_error_hint(&err, "%s", big);
    cr_expect_eq(strlen(err.where), sizeof err.where - 1);
    cr_expect_eq(strlen(err.message), sizeof err.message - 1);
    cr_expect_eq(strlen(err.hint), sizeof err.hint - 1);
    cr_expect_eq(err.nframes, ASSAY_ERROR_FRAMES);
    for (int i = 0; i < ASSAY_ERROR_FRAMES; i++) {
        cr_expect_eq(err.frame[i][0], '0' + i, "the innermost frames are kept");
        cr_expect_eq(strlen(err.frame[i]), sizeof err.frame[0] - 1);
    }
    errno = EIO;
    (void)ASSAY_FAIL_ERRNO(&err, ASSAY_IO, "%s", big);
    cr_expect(strstr(err.message, ": Input/output error"), "the system's words survive a long text");
}

Test(error, gives_every_code_a_name_and_a_text_of_its_own)
{
    for (int a = 0; a <= ASSAY_INTERNAL; a++) {
        cr_expect_str_neq(assay_code_name((enum assay_code)a), "UNKNOWN", "%d has no name", a);
        for (int b = 0; b < a; b++) {
            cr_expect_str_neq(assay_code_name((enum assay_code)a), assay_code_name((enum assay_code)b));
            cr_expect_str_neq(assay_code_text((enum assay_code)a), assay_code_text((enum assay_code)b));
        }
    }
    cr_expect_str_eq(assay_code_name((enum assay_code)99), "UNKNOWN");
    cr_expect_str_eq(assay_code_text((enum assay_code)99), "unknown code");
    cr_expect_eq(ASSAY_OK, 0);
    cr_expect_eq(ASSAY_INTERNAL, 11, "the numbers cross the plug-in line and stay");
}

Test(text, appends_until_it_is_full_and_says_that_it_cut)
{
    char              room[8];
    struct assay_text text = ASSAY_TEXT(room);
    cr_expect_str_eq(room, "");
    assay_text_add(&text, "%s", "abc");
    assay_text_add(&text, "%d", 1234);
    cr_expect_str_eq(room, "abc1234");
    cr_expect(text.length == 7 && !text.cut, "what just fits is not cut");
    assay_text_add(&text, "%s", "");
    cr_expect(!text.cut);
    assay_text_add(&text, "x");
    cr_expect(text.cut && text.length == 7);
    cr_expect_str_eq(room, "abc1234");
}

Test(text, stays_within_a_single_byte)
{
    char              room[3] = {'#', '#', '#'};
    struct assay_text text = assay_text_over(room + 1, 1);
    assay_text_add(&text, "long");
    assay_text_add(&text, "longer");
    cr_expect(room[0] == '#' && room[1] == 0 && room[2] == '#');
    cr_expect(text.cut && text.length == 0);
}
