#include <criterion/criterion.h>
#include <string.h>

#include "harness/load/told.h"

static const struct assay_backend backend = {.size = sizeof backend, .name = "fake"};

Test(told, success_is_passed_on_and_leaves_the_error_alone)
{
    struct assay_error err = {0};
    cr_expect_eq(assay_backend_told(&backend, ASSAY_OK, "alloc", &err), ASSAY_OK);
    cr_expect(err.code == ASSAY_OK && err.nframes == 0);
}

Test(told, an_error_names_the_call_and_the_back_end)
{
    struct assay_error err = {0};
    (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "out of device memory");
    cr_expect_eq(assay_backend_told(&backend, ASSAY_MEMORY, "alloc", &err), ASSAY_MEMORY);
    cr_expect_str_eq(err.message, "out of device memory");
    cr_expect_str_eq(err.frame[0], "alloc of back end 'fake'");
}

Test(told, a_code_without_a_reason_or_with_another_in_the_error_gets_what_was_returned)
{
    struct assay_error err = {0};
    cr_expect_eq(assay_backend_told(&backend, ASSAY_TIMEOUT, "poll", &err), ASSAY_TIMEOUT);
    cr_expect(err.code == ASSAY_TIMEOUT && strstr(err.message, "no reason was given"), "%s", err.message);
    memset(&err, 0, sizeof err);
    (void)ASSAY_FAIL(&err, ASSAY_CONFIG, "x");
    cr_expect_eq(assay_backend_told(&backend, ASSAY_DEVICE, "poll", &err), ASSAY_DEVICE);
    cr_expect_eq(err.code, ASSAY_DEVICE);
}

Test(told, what_is_no_code_is_the_device_s_error)
{
    struct assay_error err = {0};
    cr_expect_eq(assay_backend_told(&backend, (enum assay_code)12345, "execute", &err), ASSAY_DEVICE);
    cr_expect(err.code == ASSAY_DEVICE && strstr(err.message, "12345"), "%s", err.message);
}

Test(told, texts_without_an_end_and_too_many_frames_are_made_safe)
{
    struct assay_error err;
    memset(&err, 'x', sizeof err);
    cr_expect_eq(assay_backend_told(&backend, ASSAY_DEVICE, "upload", &err), ASSAY_DEVICE);
    cr_expect_eq(strlen(err.message), sizeof err.message - 1);
    cr_expect_eq(strlen(err.where), sizeof err.where - 1);
    cr_expect_eq(strlen(err.hint), sizeof err.hint - 1);
    cr_expect(err.nframes == 1 && strcmp(err.frame[0], "upload of back end 'fake'") == 0, "frames that cannot be are dropped");
}
