#include "harness/run/devices.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/loader.h"
#include "harness/run/tests/place.h"

#include "assay/banned.h"

static enum assay_code devices_of(const char *fault, struct assay_device_info **out, size_t *n, struct assay_error *err)
{
    const struct assay_backend *b = NULL;
    struct {
        int64_t count;
        char text[8];
        double ratio;
    } options = {.count = 1};
    char path[600];
    (void)setenv("ASSAY_TEST_FAULT", fault, 1);
    place_of(path, sizeof path, "fixtures", "wrong");
    cr_assert_eq(assay_backend_load(path, &b, err), ASSAY_OK, "%s", err->message);
    *out = NULL;
    *n = 0;
    return assay_backend_devices(b, &options, out, n, err);
}

Test(devices, a_probe_that_breaks_the_agreement_is_refused_with_the_reason, .timeout = 60)
{
    static const struct {
        const char *fault;
        enum assay_code code;
        const char *says;
    } cases[] = {
        {"probe_none", ASSAY_UNAVAILABLE, "lists no device and gives no reason"},
        {"probe_silent", ASSAY_UNAVAILABLE, "no reason was given"},
        {"probe_code", ASSAY_DEVICE, "returned 77, which is no code"},
        {"probe_unended", ASSAY_DEVICE, "xxxx"},
        {"device_small", ASSAY_PROTOCOL, "a device of 16 bytes was added"},
        {"device_nameless", ASSAY_PROTOCOL, "it has no name"},
        {"device_twice", ASSAY_PROTOCOL, "device 1 ('one') is refused: its name is taken"},
        {"device_clock", ASSAY_PROTOCOL, "its clock is none"},
        {"device_origin", ASSAY_PROTOCOL, "its origin is none"},
        {"device_modelled", ASSAY_PROTOCOL, "it is modelled and claims a clock that measures"},
        {"device_unreal", ASSAY_PROTOCOL, "it claims to be real"},
        {"device_queues", ASSAY_PROTOCOL, "it has no queue"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct assay_device_info *info;
        struct assay_error err = {0};
        size_t n;
        cr_expect_eq(devices_of(cases[i].fault, &info, &n, &err), cases[i].code, "%s", cases[i].fault);
        cr_expect(strstr(err.message, cases[i].says), "%s: %s", cases[i].fault, err.message);
        cr_expect_null(info);
    }
}

Test(devices, strings_of_a_device_are_ended_and_plain, .timeout = 60)
{
    struct assay_device_info *info;
    struct assay_error err = {0};
    size_t n;
    cr_assert_eq(devices_of("device_unended", &info, &n, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(n, 2);
    cr_expect_eq(strlen(info[0].vendor), sizeof info[0].vendor - 1);
    cr_expect_str_eq(info[1].name, "two:half,left");
    free(info);
    cr_assert_eq(devices_of("device_control", &info, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(info[0].serial, "A?[2J?1");
    free(info);
}

Test(devices, a_list_grows_and_ends)
{
    struct assay_device_list list = {0};
    struct assay_device_info info = {
        .size = sizeof info, .clock = ASSAY_CLOCK_HOST, .origin = ASSAY_ORIGIN_REAL, .queues = 1};
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(info.name, sizeof info.name, "d%d", i);
        assay_device_list_add(&list, &info);
    }
    cr_expect_eq(list.n, 4096);
    cr_expect_str_eq(list.info[4095].name, "d4095");
    cr_expect_eq(list.error.code, ASSAY_PROTOCOL);
    cr_expect(strstr(list.error.message, "there are too many"));
    free(list.info);
}
