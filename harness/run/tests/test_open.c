#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/loader.h"
#include "harness/run/tests/place.h"

#include "assay/banned.h"

static enum assay_code open_wrong(const char *fault, const char *rest, struct assay_opened *out,
                                  struct assay_error *err)
{
    char path[600], text[1200];
    (void)setenv("ASSAY_TEST_FAULT", fault, 1);
    place_of(path, sizeof path, "fixtures", "wrong");
    (void)snprintf(text, sizeof text, "%s%s", path, rest);
    memset(err, 0, sizeof *err);
    memset(out, 0, sizeof *out);
    return assay_backend_open(text, NULL, out, err);
}

Test(open, chooses_the_device_and_writes_the_name_out, .timeout = 60)
{
    static const struct {
        const char *rest, *canonical;
    } cases[] = {
        {"", "wrong:one,count=7,text=abc"},
        {",count=9", "wrong:one,count=9,text=abc"},
        {":\"two:half,left\",text=\"x,y\"", "wrong:\"two:half,left\",count=7,text=\"x,y\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assay_opened opened;
        struct assay_error err;
        cr_assert_eq(open_wrong("none", cases[i].rest, &opened, &err), ASSAY_OK, "%s", err.message);
        cr_expect_str_eq(opened.canonical, cases[i].canonical);
        cr_expect(strstr(opened.canonical, opened.device.name));
        cr_expect(opened.session && opened.backend && opened.options);
        assay_backend_close(&opened);
        cr_expect_null(opened.session);
    }
}

Test(open, refuses_what_is_not_there, .timeout = 60)
{
    static const struct {
        const char *fault, *rest;
        enum assay_code code;
        const char *says;
    } cases[] = {
        {"none", ":three", ASSAY_CONFIG, "back end 'wrong' has no device 'three'"},
        {"none", ",cuont=3", ASSAY_CONFIG, "cuont"},
        {"none", ",count=three", ASSAY_CONFIG, "three"},
        {"none", ",text=muchtoolongatext", ASSAY_CONFIG, "text"},
        {"open_null", "", ASSAY_PROTOCOL, "opened no session and said it did"},
        {"probe_silent", "", ASSAY_UNAVAILABLE, "no reason was given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assay_opened opened;
        struct assay_error err;
        cr_expect_eq(open_wrong(cases[i].fault, cases[i].rest, &opened, &err), cases[i].code, "%s%s", cases[i].fault,
                     cases[i].rest);
        cr_expect(strstr(err.message, cases[i].says), "%s%s: %s", cases[i].fault, cases[i].rest, err.message);
        cr_expect(err.nframes >= 1 && strstr(err.frame[err.nframes - 1], "opening '"));
        cr_expect_null(opened.session);
    }
}

Test(open, a_back_end_without_options_takes_none, .timeout = 60)
{
    struct assay_opened opened;
    struct assay_error err;
    cr_expect_eq(open_wrong("options_none", ",a=b", &opened, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "has no options, 'a=b' was given"), "%s", err.message);
    cr_assert_eq(open_wrong("options_none", "", &opened, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(opened.canonical, "wrong:one");
    assay_backend_close(&opened);
}

Test(open, what_a_plug_in_logs_is_escaped, .init = cr_redirect_stderr, .timeout = 60)
{
    struct assay_opened opened;
    struct assay_error err;
    cr_assert_eq(open_wrong("open_log", "", &opened, &err), ASSAY_OK);
    (void)fflush(stderr);
    cr_assert_stderr_eq_str("plug-in warning: red \\x1b[31m alert\n");
    assay_backend_close(&opened);
}
