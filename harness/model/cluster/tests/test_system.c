#include <math.h>

#include "harness/model/cluster/system.h"
#include "harness/model/tests/described.h"
#include "harness/model/cluster/tiers.h"

#include "assay/banned.h"

static struct assay_error   err;
static struct assay_system *s;
static char                 path[64], second[64];

static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
}
static void tear_down(void)
{
    assay_system_free(s);
    if (*path)
        (void)unlink(path);
    if (*second)
        (void)unlink(second);
}
TestSuite(system, .init = set_up, .fini = tear_down, .timeout = 60);

struct seen {
    size_t n, wrong;
    char   first[300];
};
static void see(void *self, const char *name, const struct assay_system *each, const struct assay_error *why_not)
{
    struct seen            *all = self;
    struct assay_described *d = NULL;
    struct assay_error      why = {.code = ASSAY_OK};
    all->n++;
    if (each && assay_described_find(each->device, &d, &why))
        why_not = &why;
    if ((!each || !d) && !all->wrong++)
        (void)snprintf(all->first, sizeof all->first, "%s: %s", name, why_not->message);
    assay_described_free(d);
}

Test(system, every_description_that_comes_with_the_program_can_be_read_and_names_a_device_there_is)
{
    struct seen all = {0};
    cr_assert_eq(assay_systems_list(see, &all, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(all.wrong, 0, "%s", all.first);
    cr_expect_geq(all.n, 16);
}

Test(system, it_is_found_by_its_name_or_an_alias_in_any_case_and_a_wrong_name_suggests_the_nearest)
{
    cr_assert_eq(assay_system_find("Tianchi-512", &s, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(s->name, "tianchi512");
    cr_expect_eq(s->devices, 512);
    assay_system_free(s);
    s = NULL;
    cr_expect_eq(assay_system_find("tianchi521", &s, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.hint, "did you mean 'tianchi512'?");
}

Test(system, what_nobody_published_of_tianchi_has_a_range_and_no_point)
{
    cr_assert_eq(assay_system_find("tianchi512", &s, &err), ASSAY_OK, "%s", err.message);
    const struct assay_quantity *link = &s->tiers[0].fields[ASSAY_TIER_LINK];
    cr_expect_eq(link->provenance, ASSAY_ASSUMED);
    cr_expect(isnan(link->value) && link->low < link->high && strlen(link->source) > 40);
}

/* ---- files that are wrong ------------------------------------------------------------------------------------------ */

#define HEAD "{ \"format\": \"assay-system/1\", \"name\": \"x\", \"product\": \"x\", \"vendor\": \"x\", \"about\": \"x\", \"device\": \"h100-sxm\", \"status\": \"available\", \"devices\": 16,\n"
#define UP "{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"switch\", \"units\": 8 }"
#define Q(key, number) "\"" key "\": { \"value\": " number ", \"provenance\": \"datasheet\", \"source\": \"s\" }"
#define OUT_FIELDS Q("link_bytes_per_s", "5e10") ", " Q("latency_ns", "5000") ", " Q("link_efficiency", "0.9")
#define OUT "{ \"name\": \"out\", \"joins\": \"up\", \"topology\": \"fat_tree\", \"units\": 2, \"fields\": { " OUT_FIELDS " } }"

static void expect_wrong(const char *tiers, const char *message)
{
    char text[4096];
    (void)snprintf(text, sizeof text, HEAD "\"tiers\": [ %s ], \"fields\": {} }", tiers);
    write_temporary(path, text);
    err = (struct assay_error){.code = ASSAY_OK};
    cr_expect_neq(assay_system_read(path, &s, &err), ASSAY_OK, "%s", tiers);
    cr_expect(strstr(err.message, message), "'%s', expected '%s'", err.message, message);
    (void)unlink(path);
    *path = 0;
}

Test(system, files_that_are_wrong_are_told_with_line_and_what)
{
    char text[4096];
    (void)snprintf(text, sizeof text, HEAD "\"tiers\": [ %s, %s ], \"fields\": {} }", UP, OUT);
    write_temporary(path, text);
    cr_expect_eq(assay_system_read(path, &s, &err), ASSAY_OK, "%s", err.message);
    expect_wrong(UP, "the tiers join 8 devices, 'devices' says 16");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"out\", \"topology\": \"switch\", \"units\": 8 }, " OUT, "tier 'up' joins 'out', which rests on it: a circle");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"up\", \"topology\": \"switch\", \"units\": 8 }, " OUT, "a circle");
    expect_wrong(UP ", { \"name\": \"up\", \"joins\": \"up\", \"topology\": \"switch\", \"units\": 2 }", "two tiers are called 'up'");
    expect_wrong(UP ", { \"name\": \"out\", \"joins\": \"device\", \"topology\": \"switch\", \"units\": 2 }", "below it is 'up'");
    expect_wrong(UP ", { \"name\": \"out\", \"joins\": \"up\", \"topology\": \"switch\", \"units\": 2 }", "tier 'out' has no link_bytes_per_s");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"torus\", \"units\": 16, \"shape\": [3, 5] }", "multiply to 15, it joins 16");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"swich\", \"units\": 16 }", "'topology' is 'swich'");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"switch\", \"units\": 16, \"leaf\": 4 }", "a switch has no leaves");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"fat_tree\", \"units\": 16, \"leaf\": 5 }", "leaves of 5 do not divide the 16 units");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"switch\", \"units\": 16, \"fields\": { \"link_bytes_per_s\": { \"value\": 1e9 } } }", "provenance");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"switch\", \"units\": 16, \"fields\": { "
                 "\"link_bytes_per_s\": { \"value\": 1e9, \"provenance\": \"assumed\", \"source\": \"s\" } } }", "is assumed and has a value");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"switch\", \"units\": 16, \"fields\": { "
                 "\"link_bytes_per_s\": { \"low\": 2e9, \"high\": 1e9, \"provenance\": \"assumed\", \"source\": \"s\" } } }", "which is inverted");
    expect_wrong("{ \"name\": \"up\", \"joins\": \"device\", \"topology\": \"switch\", \"units\": 16, \"links\": 4 }", "unknown key 'links'");
}

/* ---- a buyer's numbers, other sizes -------------------------------------------------------------------------------- */

Test(system, a_buyers_file_replaces_only_what_it_has_and_none_of_another_system)
{
    cr_assert_eq(assay_system_find("tianchi512", &s, &err), ASSAY_OK, "%s", err.message);
    struct assay_quantity latency = s->tiers[0].fields[ASSAY_TIER_LATENCY];
    write_temporary(path, "{ \"format\": \"assay-system-spec/1\", \"system\": \"tianchi512\", \"by\": \"vendor\", \"device\": \"m300\", "
                          "\"tiers\": { \"scale-up\": { \"fields\": { " Q("link_bytes_per_s", "4e11") " } } } }");
    cr_assert_eq(assay_system_overlay(s, path, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(s->tiers[0].fields[ASSAY_TIER_LINK].value, 4e11);
    cr_expect_eq(s->tiers[0].fields[ASSAY_TIER_LATENCY].low, latency.low);
    cr_expect_str_eq(s->device, "m300");
    write_temporary(second, "{ \"format\": \"assay-system-spec/1\", \"system\": \"dgx-h100\", \"by\": \"vendor\" }");
    cr_expect_eq(assay_system_overlay(s, second, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "it is for system 'dgx-h100', not for 'tianchi512'"), "%s", err.message);
}

Test(system, other_sizes_fill_the_tiers_from_within_and_what_does_not_divide_is_refused)
{
    cr_assert_eq(assay_system_find("dgx-h100", &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_resize(s, 4, &err), ASSAY_OK, "%s", err.message);
    cr_expect(s->tiers[0].units == 4 && s->tiers[1].units == 1);
    assay_system_free(s);
    cr_assert_eq(assay_system_find("dgx-h100", &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_resize(s, 16384, &err), ASSAY_OK, "%s", err.message);
    cr_expect(s->tiers[0].units == 8 && s->tiers[1].units == 2048 && s->devices == 16384);
    struct assay_system *pod = NULL;
    cr_assert_eq(assay_system_find("ironwood", &pod, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_resize(pod, 1024, &err), ASSAY_OK, "%s", err.message);
    cr_expect(pod->tiers[0].shape[0] == 16 && pod->tiers[0].shape[1] == 8 && pod->tiers[0].shape[2] == 8);
    assay_system_free(pod);
    cr_expect_eq(assay_system_resize(s, 100, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "100 devices do not fill tiers of 'dgx-h100': 'scale-up' joins 8, and 4 are left over");
}

Test(system, draws_stay_within_ranges_and_are_the_same_every_time)
{
    struct assay_coefficients k = assay_coefficients_begin();
    struct assay_described   *d = NULL;
    struct assay_fabric       a, b;
    double                    least = INFINITY, most = 0;
    cr_assert_eq(assay_system_find("tianchi512", &s, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_described_find(s->device, &d, &err), ASSAY_OK, "%s", err.message);
    for (uint64_t draw = 1; draw <= 200; draw++) {
        cr_assert_eq(assay_fabric_of(s, d, &k, draw, &a, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_fabric_of(s, d, &k, draw, &b, &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(a.tier[0].link, b.tier[0].link);
        least = fmin(least, a.tier[0].link);
        most = fmax(most, a.tier[0].link);
    }
    cr_expect(least >= 100e9 && least < 150e9 && most <= 1600e9 && most > 1200e9, "%g to %g", least, most);
    assay_described_free(d);
}
