/* What is read from the counters of modelled systems, for the page and the text alike. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/strings.h"
#include "reports/clusters.h"

enum { MOST = 12 };

/* A row with counters of its own; it must not move. */
struct made {
    struct assay_summary_row          row;
    struct assay_counter              told[MOST];
    struct assay_summary_counter      counters[MOST];
    struct assay_record               record;
    const struct assay_record        *launches[1];
};

static void add(struct made *m, const char *name, double value, double low, double high)
{
    size_t n = m->row.n_counters++;
    cr_assert(n < MOST);
    (void)snprintf(m->told[n].name, sizeof m->told[n].name, "%s", name);
    m->counters[n] = (struct assay_summary_counter){.first = &m->told[n], .has_value = !isnan(value), .value = value, .ranged = true, .low = low, .high = high, .why = ""};
}

static struct made *made_of(const char *case_name, const char *system, double devices, double per_s)
{
    struct made *m = calloc(1, sizeof *m);
    cr_assert(m);
    m->launches[0] = &m->record;
    (void)snprintf(m->record.device.name, sizeof m->record.device.name, "%s", system);
    m->row = (struct assay_summary_row){.case_name = case_name, .status = ASSAY_STATUS_OK, .launches = m->launches, .n_launches = 1, .counters = m->counters};
    m->row.metric[ASSAY_METRIC_items_per_s] = (struct assay_estimate){.has_interval = true, .low = per_s / 1.1, .high = per_s * 1.1};
    add(m, "plan_tp", 8, 8, 8);
    add(m, "step_compute", 1e9, 0.9e9, 1.2e9);
    add(m, "devices", devices, devices, devices);
    return m;
}

Test(clusters, links_are_those_of_the_tiers_that_the_record_names)
{
    struct made              *m = made_of("decoder.train/batch=8", "dgx-h100", 8, 1);
    struct assay_cluster_link links[ASSAY_CLUSTER_LINKS];
    cr_expect_eq(assay_cluster_links(&m->row, links), 0u, "an older record has none");
    add(m, "link_scale-up_sent", 4e9, 4e9, 4e9);
    add(m, "link_scale-up_busy", NAN, 1e6, 3e6);
    add(m, "link_scale-up_busy_share", NAN, 0.1, 0.2);
    add(m, "link_scale-out_sent", 1e9, 1e9, 1e9);
    cr_assert_eq(assay_cluster_links(&m->row, links), 2u);
    cr_expect_str_eq(links[0].tier, "scale-up");
    cr_expect_str_eq(links[1].tier, "scale-out");
    cr_expect_eq(links[0].sent->value, 4e9);
    cr_expect_eq(links[0].busy_share->high, 0.2);
    cr_expect_null(links[0].rate);
    cr_expect_null(links[1].busy, "it is of its own tier");
    struct assay_estimate busy = assay_cluster_estimate(links[0].busy), sent = assay_cluster_estimate(links[0].sent), none = assay_cluster_estimate(NULL);
    cr_expect(!busy.has_value && busy.has_interval && busy.low == 1e6 && busy.high == 3e6, "a range is no point");
    cr_expect(sent.has_value && !sent.has_interval, "a point is no range");
    cr_expect(!none.has_value && !none.has_interval);
    free(m);
}

static void check_bytes(double low, double high, bool ranged, const char *want)
{
    char                        room[48];
    struct assay_text           text = ASSAY_TEXT(room);
    const struct assay_estimate e = {.has_value = true, .value = low, .has_interval = ranged, .low = low, .high = high};
    assay_cluster_bytes(&text, &e);
    cr_expect_str_eq(room, want);
}

Test(clusters, memories_are_in_units_of_their_links)
{
    check_bytes(70.3e9, 70.3e9, false, "70.3 GB");
    check_bytes(501.9e6, 501.9e6, false, "501.9 MB");
    check_bytes(16384, 16384, false, "16.4 kB");
    check_bytes(24, 24, false, "24 B");
    check_bytes(501.9e6, 2e9, true, "501.9 MB – 2.0 GB");
}

static void check_percent(double low, double high, const char *want)
{
    const struct assay_summary_counter c = {.ranged = true, .low = low, .high = high};
    char                               room[64];
    struct assay_text                  text = ASSAY_TEXT(room);
    cr_expect(assay_cluster_percent(&text, &c));
    cr_expect_str_eq(room, want);
}

Test(clusters, shares_are_ranges_and_little_is_not_nothing)
{
    char              room[64] = "";
    struct assay_text text = ASSAY_TEXT(room);
    check_percent(0.143, 0.147, "14.3\u00a0% – 14.7\u00a0%");
    check_percent(0.809, 0.809, "80.9\u00a0%");
    check_percent(0.00042, 0.0021, "0.042\u00a0% – 0.2\u00a0%");
    check_percent(0, 0, "0.0\u00a0%");
    cr_expect(!assay_cluster_percent(&text, NULL));
    cr_expect(!assay_cluster_percent(&text, &(struct assay_summary_counter){.has_value = true, .value = 0.5}), "a point alone is no range");
}

/* A training step on a described system, as its record tells of it. */
struct step {
    struct assay_record           record;
    const struct assay_record    *launch;
    struct assay_counter          name[3];
    struct assay_summary_counter  counter[3];
    struct assay_summary_row      row;
};

static void step_on(struct step *s, const char *case_name, const char *backend, double devices, double low, double high)
{
    static const char *const names[] = {"plan_tp", "step_compute", "devices"};
    memset(s, 0, sizeof *s);
    (void)assay_string_copy(s->record.device.name, sizeof s->record.device.name, "pod");
    s->launch = &s->record;
    for (int i = 0; i < 3; i++) {
        (void)assay_string_copy(s->name[i].name, sizeof s->name[i].name, names[i]);
        s->counter[i] = (struct assay_summary_counter){.first = &s->name[i], .has_value = true, .value = i == 2 ? devices : 1};
    }
    s->row = (struct assay_summary_row){.case_name = case_name, .backend = backend, .status = ASSAY_STATUS_OK, .launches = &s->launch,
                                        .n_launches = 1, .counters = s->counter, .n_counters = 3};
    s->row.metric[ASSAY_METRIC_items_per_s] = (struct assay_estimate){.has_interval = true, .low = low, .high = high, .level = 0.8};
}

static struct assay_cluster_size *sizes_of(struct step *s, size_t n_steps, enum assay_cluster_scaling kind, size_t *n)
{
    const struct assay_summary_row *rows[8];
    for (size_t i = 0; i < n_steps; i++)
        rows[i] = &s[i].row;
    struct assay_cluster_size *out = assay_cluster_sizes(rows, n_steps, kind, n);
    cr_assert(out);
    return out;
}

#define STEP "decoder.train/batch=64,model=m"

Test(clusters, the_same_step_on_twice_the_devices_is_compared_end_by_end)
{
    struct step s[2];
    size_t      n;
    step_on(&s[0], STEP, "cluster:pod,devices=32", 32, 1500, 3600);
    step_on(&s[1], STEP, "cluster:pod,devices=16", 16, 1000, 2000);
    struct assay_cluster_size *out = sizes_of(s, 2, ASSAY_CLUSTER_STRONG, &n);
    cr_assert_eq(n, 2u);
    cr_expect_eq(out[0].devices, 16);
    cr_expect_eq(out[0].speed_up[1], 1);
    cr_expect_float_eq(out[1].speed_up[0], 1.5, 1e-12);
    cr_expect_float_eq(out[1].speed_up[1], 1.8, 1e-12);
    cr_expect_float_eq(out[1].efficiency[0], 0.75, 1e-12);
    cr_expect_float_eq(out[1].efficiency[1], 0.9, 1e-12);
    free(out);
}

Test(clusters, other_options_are_another_series_and_one_size_alone_is_none)
{
    struct step s[3];
    size_t      n;
    step_on(&s[0], STEP, "cluster:pod,devices=16,dtype=bf16", 16, 1000, 2000);
    step_on(&s[1], STEP, "cluster:pod,devices=32,dtype=f8e4m3", 32, 3000, 6000);
    step_on(&s[2], STEP, "cluster:pod,devices=16,dtype=bf16", 16, 1000, 2000);
    free(sizes_of(s, 3, ASSAY_CLUSTER_STRONG, &n));
    cr_expect_eq(n, 0u, "two formats, and one size twice");
}

Test(clusters, weak_scaling_keeps_the_work_of_a_device)
{
    struct step s[3];
    size_t      n;
    step_on(&s[0], "decoder.train/batch=64,model=m", "cluster:pod,devices=16", 16, 1000, 2000);
    step_on(&s[1], "decoder.train/batch=128,model=m", "cluster:pod,devices=32", 32, 1900, 3900);
    step_on(&s[2], "decoder.train/batch=128,model=m", "cluster:pod,devices=16", 16, 1000, 2000);
    struct assay_cluster_size *out = sizes_of(s, 3, ASSAY_CLUSTER_WEAK, &n);
    cr_assert_eq(n, 2u, "128 sequences on 16 devices are no part of it");
    cr_expect_eq(out[1].row, &s[1].row);
    cr_expect_float_eq(out[1].efficiency[0], 0.95, 1e-12);
    cr_expect_float_eq(out[1].efficiency[1], 0.975, 1e-12);
    free(out);
}
