#include "harness/model/spec_check.h"
#include "harness/model/tests/described.h"

#include "assay/banned.h"

static struct assay_error         err;
static struct assay_described    *d, *known;
static char                       path[64];
static struct assay_contradiction found[ASSAY_MOST_CONTRADICTIONS];

static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
}
static void tear_down(void)
{
    assay_described_free(d);
    assay_described_free(known);
    if (*path)
        (void)unlink(path);
}
TestSuite(spec_check, .init = set_up, .fini = tear_down, .timeout = 60);

static void check_one(void *self, const char *name, const struct assay_described *each, const struct assay_error *why_not)
{
    (void)self;
    (void)why_not;
    size_t n = each ? assay_spec_check(each, NULL, found) : 1;
    cr_expect_eq(n, 0, "%s: %s", name, n && each ? found[0].text : "cannot be read");
}

Test(spec_check, what_comes_with_the_program_does_not_contradict_itself)
{
    cr_assert_eq(assay_described_list(check_one, NULL, &err), ASSAY_OK, "%s", err.message);
}

/* An overlay of one number for a device, and the rule that it breaks; "" = none. */
static const struct claim {
    char device[16], field[32], number[64], rule[16];
} claims[] = {
    {"p800", "memory_bytes_per_s", "\"value\": 1.6e12", "measured"},
    {"p800", "memory_bytes_per_s", "\"value\": 2.4e12", ""},
    {"p800", "peak_f16_flops_per_s", "\"value\": 690e12", "sparse"},
    {"p800", "scale_up_bytes_per_s", "\"value\": 200e9", ""},
    {"h100-sxm", "peak_bf16_flops_per_s", "\"value\": 1979e12", "sparse"},
    {"h100-sxm", "peak_f8_flops_per_s", "\"value\": 3958e12", "sparse"},
    {"h100-sxm", "peak_bf16_flops_per_s", "\"value\": 1400e12", "units"},
    {"h100-sxm", "peak_bf16_flops_per_s", "\"value\": 700e12", "measured"},
    {"h100-sxm", "scale_up_bytes_per_s", "\"value\": 900e9", "bidirectional"},
    {"h100-sxm", "memory_bytes_per_s", "\"value\": 3350", "unit"},
    {"l40s", "register_feed_bytes_per_clock", "\"value\": 322e9", "unit"},
    {"l40s", "register_feed_bytes_per_clock", "\"value\": 256", ""},
    {"h100-sxm", "memory_bytes", "\"value\": 80e9", ""},
    {"h100-sxm", "llc_bytes_per_s", "\"value\": 1e12", "order"},
    {"m100", "peak_bf16_flops_per_s", "\"value\": 400", "unit"},
    {"m100", "memory_bytes_per_s", "\"low\": 1e12, \"high\": 2e12", ""},
};

Test(spec_check, a_claim_is_told_by_the_rule_that_it_breaks)
{
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        char text[500];
        (void)snprintf(text, sizeof text, "{\"format\": \"assay-spec/1\", \"device\": \"%s\", \"by\": \"x\", \"fields\": {\"%s\": {%s, "
                       "\"provenance\": \"announced\", \"source\": \"offer\"}}}", claims[i].device, claims[i].field, claims[i].number);
        write_temporary(path, text);
        cr_assert(!assay_described_find(claims[i].device, &d, &err) && !assay_described_find(claims[i].device, &known, &err));
        cr_assert_eq(assay_described_overlay(d, path, &err), ASSAY_OK, "%s", err.message);
        size_t n = assay_spec_check(d, known, found), of_rule = 0;
        for (size_t k = 0; k < n; k++)
            of_rule += !strcmp(found[k].rule, claims[i].rule) && !strcmp(assay_device_fields[found[k].field].key, claims[i].field);
        cr_expect_eq(of_rule > 0, *claims[i].rule != 0, "%s %s %s: %zu found, the first '%s'", claims[i].device, claims[i].field,
                     claims[i].number, n, n ? found[0].text : "");
        cr_expect(*claims[i].rule || !n, "%s %s: %s", claims[i].device, claims[i].field, n ? found[0].text : "");
        (void)unlink(path);
        assay_described_free(d);
        assay_described_free(known);
        d = known = NULL;
    }
}

Test(spec_check, a_source_that_counts_both_directions_or_sparsity_is_believed)
{
    static const char text[] = "{\"format\": \"assay-spec/1\", \"device\": \"m100\", \"by\": \"x\", \"fields\": {"
        "\"scale_up_bytes_per_s\": {\"value\": 300e9, \"provenance\": \"announced\", \"source\": \"page 3: 300 GB/s bidirectional\"},"
        "\"peak_bf16_flops_per_s\": {\"value\": 800e12, \"provenance\": \"announced\", \"source\": \"800 TFLOPS with sparsity\"}}}";
    write_temporary(path, text);
    cr_assert(!assay_described_find("m100", &d, &err) && !assay_described_overlay(d, path, &err), "%s", err.message);
    size_t n = assay_spec_check(d, NULL, found);
    cr_assert_eq(n, 2);
    cr_expect_str_eq(found[0].rule, "sparse");
    cr_expect_str_eq(found[1].rule, "bidirectional");
}
