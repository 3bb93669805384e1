#include <math.h>

#include "harness/model/tests/described.h"

#include "assay/banned.h"

static struct assay_error      err;
static struct assay_described *d;
static char                    path[64], second[64];

static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
}
static void tear_down(void)
{
    assay_described_free(d);
    if (*path)
        (void)unlink(path);
    if (*second)
        (void)unlink(second);
}
TestSuite(device, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- what comes with the program -------------------------------------------------------------------------------- */

struct seen {
    size_t n, wrong;
    char   first[300];
};
static void see(void *self, const char *name, const struct assay_described *each, const struct assay_error *why_not)
{
    struct seen *s = self;
    s->n++;
    if (each)
        return;
    if (!s->wrong++)
        (void)snprintf(s->first, sizeof s->first, "%s: %s", name, why_not->message);
}

Test(device, every_description_that_comes_with_the_program_can_be_read)
{
    struct seen s = {0};
    cr_assert_eq(assay_described_list(see, &s, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(s.wrong, 0, "%s", s.first);
    cr_expect_geq(s.n, 32);
}

static void see_alias(void *self, const char *name, const struct assay_described *each, const struct assay_error *why_not)
{
    (void)self;
    (void)why_not;
    for (const char *const *alias = each ? each->aliases : NULL; alias && *alias; alias++) {
        struct assay_described *found = NULL;
        struct assay_error      why = {.code = ASSAY_OK};
        cr_assert_eq(assay_described_find(*alias, &found, &why), ASSAY_OK, "%s: %s", *alias, why.message);
        cr_expect_str_eq(found->name, name, "'%s' is an alias of %s and of %s", *alias, name, found->name);
        assay_described_free(found);
    }
}

Test(device, is_found_however_its_words_are_joined)
{
    static const char *const called[] = {"h200-sxm", "h200_sxm", "H200 SXM", "NVIDIA_H200-SXM-141GB", "NVIDIA H200-SXM-141GB-CTS", "SXM H200"};
    for (size_t i = 0; i < sizeof called / sizeof *called; i++) {
        struct assay_described *found = NULL;
        struct assay_error      why = {.code = ASSAY_OK};
        cr_assert_eq(assay_described_find(called[i], &found, &why), ASSAY_OK, "%s: %s", called[i], why.message);
        cr_expect_str_eq(found->name, "h200-sxm");
        assay_described_free(found);
    }
    static const char *const not_called[] = {"h200sxm", "h200-sxm-96gb", "h200-nvl", "NVIDIA GPU", "", "----",
                                             "h200-sxm-that-goes-on-and-on-and-on-and-on-and-on-and-on", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof not_called / sizeof *not_called; i++) {
        struct assay_described *none = NULL;
        struct assay_error      why = {.code = ASSAY_OK};
        cr_expect_eq(assay_described_find(not_called[i], &none, &why), ASSAY_CONFIG, "'%s': %s", not_called[i], why.message);
    }
}

Test(device, an_alias_leads_to_one_description_only)
{
    cr_assert_eq(assay_described_list(see_alias, NULL, &err), ASSAY_OK, "%s", err.message);
}

static void see_points(void *self, const char *name, const struct assay_described *each, const struct assay_error *why_not)
{
    (void)self;
    (void)why_not;
    for (int f = 0; each && f < ASSAY_DEVICE_FIELDS; f++) {
        const struct assay_quantity *q = &each->fields[f];
        cr_expect(q->provenance != ASSAY_ASSUMED || (isnan(q->value) && q->low < q->high), "%s.%s", name, assay_device_fields[f].key);
        cr_expect(q->state == ASSAY_UNKNOWN_FIELD || *q->source, "%s.%s has no source", name, assay_device_fields[f].key);
        cr_expect(q->state != ASSAY_UNKNOWN_FIELD || *q->source, "%s.%s is unknown without a why", name, assay_device_fields[f].key);
    }
}

Test(device, what_is_assumed_is_a_range_and_every_number_has_a_source)
{
    cr_assert_eq(assay_described_list(see_points, NULL, &err), ASSAY_OK, "%s", err.message);
}

Test(device, m100_and_m300_have_no_published_peak_memory_or_power)
{
    static const char names[2][8] = {"m100", "M300"};
    static const enum assay_device_field fields[] = {ASSAY_DEVICE_PEAK_BF16, ASSAY_DEVICE_PEAK_I8, ASSAY_DEVICE_BANDWIDTH,
                                                     ASSAY_DEVICE_MEMORY, ASSAY_DEVICE_POWER, ASSAY_DEVICE_SCALE_UP};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(assay_described_find(names[i], &d, &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(d->status, ASSAY_DEVICE_ANNOUNCED);
        cr_expect_geq(d->n_said, 1);
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
            cr_expect(d->fields[fields[f]].provenance == ASSAY_ASSUMED && isnan(d->fields[fields[f]].value));
        assay_described_free(d);
        d = NULL;
    }
}

Test(device, a_name_is_found_in_any_case_and_an_unknown_one_has_its_nearest)
{
    cr_assert_eq(assay_described_find("NVIDIA h100-sxm5-80GB", &d, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(d->name, "h100-sxm");
    struct assay_described *none = NULL;
    cr_expect_eq(assay_described_find("h100-sxn", &none, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.hint, "h100-sxm"), "%s", err.hint);
}

/* ---- bad input --------------------------------------------------------------------------------------------------- */

#define HEAD                                                                                                                  \
    "{\"format\": \"assay-device/1\", \"name\": \"x\", \"product\": \"x\", \"vendor\": \"x\", \"origin\": \"CN\", \"about\": \"x\"," \
    "\"family\": \"systolic\", \"memory_class\": \"hbm\", \"status\": \"available\","
#define FROM "\"provenance\": \"datasheet\", \"source\": \"x\"}"
#define FIELD(text) HEAD "\"fields\": {" text "}}"

static const struct bad {
    const char *text, *says, *hints;
} bads[] = {
    {HEAD "\"fields\": {}, \"familly\": 1}", "unknown key 'familly'", "family"},
    {FIELD("\"memory_bites\": null"), "unknown key 'memory_bites'", "memory_bytes"},
    {FIELD("\"power_watts\": {\"valeu\": 5, " FROM), "unknown key 'valeu'", "value"},
    {FIELD("\"power_watts\": {\"value\": -5, " FROM), "must be from", ""},
    {FIELD("\"power_watts\": {\"value\": 0, " FROM), "is 0, which none has", "unknown"},
    {FIELD("\"power_watts\": {\"low\": 5, \"high\": 4, " FROM), "inverted", ""},
    {FIELD("\"power_watts\": {\"value\": 9, \"low\": 3, \"high\": 4, " FROM), "outside its own range", ""},
    {FIELD("\"power_watts\": {\"low\": 3, " FROM), "one end of a range", ""},
    {FIELD("\"power_watts\": {" FROM), "has no number", ""},
    {FIELD("\"power_watts\": {\"value\": 9}"), "'provenance' is missing", ""},
    {FIELD("\"power_watts\": {\"value\": 9, \"provenance\": \"datashet\", \"source\": \"x\"}"), "'datashet'", "datasheet"},
    {FIELD("\"power_watts\": {\"value\": 9, \"provenance\": \"datasheet\", \"source\": \"\"}"), "source of power_watts is empty", ""},
    {FIELD("\"power_watts\": {\"value\": 9, \"provenance\": \"assumed\", \"source\": \"x\"}"), "is assumed and has a value", "low and high"},
    {FIELD("\"power_watts\": {\"supported\": false, \"value\": 9, " FROM), "not supported and yet has a number", ""},
    {FIELD("\"power_watts\": {\"unknown\": \"x\", \"value\": 9}"), "unknown and yet says more", ""},
    {FIELD("\"power_watts\": 9"), "must be an object", ""},
    {FIELD("\"sustained_fraction\": {\"value\": 1.5, " FROM), "must be from", ""},
    {FIELD("\"in_network_reduce\": {\"value\": 2, " FROM), "must be from", ""},
    {FIELD("\"power_watts\": {\"value\": 9, " FROM ", \"idle_power_watts\": {\"value\": 10, " FROM), "idle it takes", ""},
    {FIELD("\"array_rows\": {\"value\": 9, " FROM), "known together", ""},
    {FIELD("\"power_watts\": {\"value\": 1, \"value\": 2, " FROM), "duplicate", ""},
    {"{\"format\": \"assay-suite/1\"}", "'format' must be 'assay-device/1'", ""},
    {"[]", "must be an object", ""},
    {"{", "", ""},
};

Test(device, what_is_wrong_in_a_file_is_one_line_with_its_place)
{
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        write_temporary(path, bads[i].text);
        err = (struct assay_error){.code = ASSAY_OK};
        cr_expect_eq(assay_described_read(path, &d, &err), ASSAY_DATA, "%zu: %s", i, bads[i].text);
        cr_expect(strstr(err.message, bads[i].says), "%zu: %s", i, err.message);
        cr_expect(strstr(err.hint, bads[i].hints), "%zu: %s", i, err.hint);
        cr_expect(strstr(err.message, path) && !strchr(err.message, '\n'), "%zu: %s", i, err.message);
        (void)unlink(path);
    }
}

/* ---- a buyer's numbers ------------------------------------------------------------------------------------------- */

Test(device, an_overlay_replaces_only_what_it_has_and_is_named)
{
    char before[65];
    cr_assert_eq(assay_described_find("m100", &d, &err), ASSAY_OK, "%s", err.message);
    memcpy(before, d->fingerprint, sizeof before);
    write_temporary(path, "{\"format\": \"assay-spec/1\", \"device\": \"Kunlun-M100\", \"by\": \"the vendor, offer 17\", \"fields\": {"
                          "\"memory_bytes_per_s\": {\"value\": 3e12, \"provenance\": \"announced\", \"source\": \"offer 17\"}}}");
    cr_assert_eq(assay_described_overlay(d, path, &err), ASSAY_OK, "%s", err.message);
    const struct assay_quantity *q = &d->fields[ASSAY_DEVICE_BANDWIDTH];
    cr_expect(q->value == 3e12 && q->low == 3e12 && q->high == 3e12 && q->provenance == ASSAY_ANNOUNCED && *q->overlay);
    cr_expect(isnan(d->fields[ASSAY_DEVICE_MEMORY].value) && !*d->fields[ASSAY_DEVICE_MEMORY].overlay);
    cr_expect(strstr(d->overlays, "offer 17") && strstr(d->overlays, path), "%s", d->overlays);
    cr_expect_str_neq(d->fingerprint, before);
}

Test(device, an_overlay_of_another_device_is_refused_and_changes_nothing)
{
    cr_assert_eq(assay_described_find("m100", &d, &err), ASSAY_OK, "%s", err.message);
    write_temporary(path, "{\"format\": \"assay-spec/1\", \"device\": \"h100-sxm\", \"by\": \"x\", \"fields\": {}}");
    cr_expect_eq(assay_described_overlay(d, path, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "for device 'h100-sxm', not for 'm100'"), "%s", err.message);
    cr_expect_str_eq(d->overlays, "");
    write_temporary(second, "{\"format\": \"assay-spec/1\", \"device\": \"m100\", \"by\": \"x\", \"fields\": {"
                            "\"power_watts\": {\"value\": 9, \"provenance\": \"measured\", \"source\": \"x\"}, \"llc_bytes\": {\"value\": -1}}}");
    cr_expect_eq(assay_described_overlay(d, second, &err), ASSAY_DATA);
    cr_expect(isnan(d->fields[ASSAY_DEVICE_POWER].value));
}

Test(device, overlays_that_lie_on_each_other_are_told_and_one_on_another_is_laid_last)
{
    char text[400];
    cr_assert_eq(assay_described_find("m100", &d, &err), ASSAY_OK, "%s", err.message);
    write_temporary(path, "x");
    (void)snprintf(text, sizeof text, "{\"format\": \"assay-spec/1\", \"device\": \"m100\", \"by\": \"x\", \"over\": \"%s\", \"fields\": {}}", path);
    write_temporary(second, text);
    (void)snprintf(text, sizeof text, "{\"format\": \"assay-spec/1\", \"device\": \"m100\", \"by\": \"x\", \"over\": \"%s\", \"fields\": {}}", second);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK);
    cr_expect_eq(assay_described_overlay(d, second, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "which lies over it"), "%s", err.message);
    static const char ground[] = "{\"format\": \"assay-spec/1\", \"device\": \"m100\", \"by\": \"first\", \"fields\": {"
                                 "\"power_watts\": {\"value\": 300, \"provenance\": \"announced\", \"source\": \"x\"}}}";
    cr_assert_eq(assay_file_replace(path, ground, strlen(ground), &err), ASSAY_OK);
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect_eq(assay_described_overlay(d, second, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(d->fields[ASSAY_DEVICE_POWER].value, 300);
    cr_expect(strstr(d->overlays, "first") && strstr(d->overlays, second));
}
