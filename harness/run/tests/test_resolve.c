#include "harness/run/resolve.h"

#include <criterion/criterion.h>

#include "harness/base/tests/source.h"
#include "harness/run/tests/place.h"

#include "assay/banned.h"

static struct assay_error err;
static char               said[300];

static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
}
TestSuite(resolve, .init = set_up, .timeout = 60);

static enum assay_code resolve(const char *text, struct assay_backend_name *out)
{
    struct assay_text why = ASSAY_TEXT(said);
    char              folder[600];
    place_of(folder, sizeof folder, "backends", "assay-model");
    *strrchr(folder, '/') = 0;
    cr_assert_eq(setenv("ASSAY_BACKEND_PATH", folder, 1), 0);
    cr_assert_eq(assay_backend_name_parse(text, out, &err), ASSAY_OK, "%s", err.message);
    return assay_backend_resolve(out, &why, &err);
}

Test(resolve, a_device_that_no_driver_finds_is_its_model_and_the_reason_is_told)
{
    static const char names[3][16] = {"m100", "auto:m100", "kunlun-m100"};
    for (size_t i = 0; i < 3; i++) {
        struct assay_backend_name n;
        cr_assert_eq(resolve(names[i], &n), ASSAY_OK, "%s", err.message);
        cr_expect(!strcmp(n.name, "model") && !strcmp(n.device, "m100"), "%s:%s", n.name, n.device);
        cr_expect(strstr(said, "no driver here finds one"), "%s", said);
    }
}

Test(resolve, a_device_that_a_driver_finds_is_that_driver)
{
    struct assay_backend_name n;
    cr_assert_eq(resolve("auto:host", &n), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(n.device, "host");
    cr_expect_str_neq(n.name, "model");
    cr_expect(strstr(said, "its driver finds"), "%s", said);
}

Test(resolve, a_plug_ins_name_stays_and_an_alias_of_the_model_becomes_its_name)
{
    struct assay_backend_name n;
    cr_assert_eq(resolve("cpu", &n), ASSAY_OK);
    cr_expect(!strcmp(n.name, "cpu") && !*n.device && !*said);
    cr_assert_eq(resolve("model:h100,precision=bf16", &n), ASSAY_OK);
    cr_expect(!strcmp(n.device, "h100-sxm") && !strcmp(n.options, "precision=bf16"));
}

Test(resolve, what_is_neither_is_refused_as_no_back_end)
{
    struct assay_backend_name n;
    cr_expect_eq(resolve("no-such-thing", &n), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "there is no back end 'no-such-thing'"), "%s", err.message);
    cr_expect_eq(resolve("auto:no-such-thing", &n), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "nobody described one"), "%s", err.message);
}
