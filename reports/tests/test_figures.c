#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "reports/figures.h"

static const char *value(enum assay_metric metric, double v)
{
    static char       room[2][64];
    static unsigned   next;
    char             *at = room[next++ % 2];
    struct assay_text text = assay_text_over(at, sizeof room[0]);
    assay_figure_value(&text, metric, v);
    return at;
}

Test(figures, have_four_digits_and_the_unit_of_their_metric)
{
    cr_expect_str_eq(value(ASSAY_METRIC_latency_ns, 1234567.8), "1.235 ms");
    cr_expect_str_eq(value(ASSAY_METRIC_latency_ns, 81.25), "81.25 ns");
    cr_expect_str_eq(value(ASSAY_METRIC_latency_ns, 2.5e9), "2.500 s");
    cr_expect_str_eq(value(ASSAY_METRIC_flops_per_s, 183.42e9), "183.4 Gflop/s");
    cr_expect_str_eq(value(ASSAY_METRIC_items_per_s, 12.3456), "12.35 /s");
    cr_expect_str_eq(value(ASSAY_METRIC_items_per_s, 12345.6), "12346 /s");
    cr_expect_str_eq(value(ASSAY_METRIC_goodput_per_device_s, 0.028672), "0.0287 /s");
    cr_expect_str_eq(value(ASSAY_METRIC_goodput_per_device_s, 0), "0.00 /s");
    cr_expect_str_eq(value(ASSAY_METRIC_devices_for_demand, 23252.6), "23,253");
    cr_expect_str_eq(value(ASSAY_METRIC_items_per_s, 12345678), "12.35 M/s");
    cr_expect_str_eq(value(ASSAY_METRIC_peak_share, 0.8434), "84.3 %");
    cr_expect_str_eq(value(ASSAY_METRIC_latency_spread, 0.0005), "0.1 %");
    cr_expect_str_eq(value(ASSAY_METRIC_harness_allocations, 1234567), "1,234,567");
    cr_expect_str_eq(value(ASSAY_METRIC_harness_allocations, 0), "0");
    cr_expect_str_eq(value(ASSAY_METRIC_harness_allocations, 0.5), "0.5");
    cr_expect(strstr(value(ASSAY_METRIC_resident_peak_bytes, 512.0 * 1024 * 1024), "512") && strstr(value(ASSAY_METRIC_resident_peak_bytes, 1 << 20), "MiB"));
    cr_expect(strstr(value(ASSAY_METRIC_bytes_per_s, 2e9), "B/s"));
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++) /* nothing that a device can say overflows or crashes */
        for (int k = 0; k < 4; k++)
            cr_expect_lt(strlen(value((enum assay_metric)m, (double[]){NAN, INFINITY, -1e300, 1e300}[k])), 40u);
}

Test(figures, counts_have_their_thousands_apart)
{
    static const struct { uint64_t n; char want[32]; } rows[] = {
        {0, "0"}, {7, "7"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}, {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char              room[64];
        struct assay_text text = ASSAY_TEXT(room);
        assay_figure_count(&text, rows[i].n);
        cr_expect_str_eq(room, rows[i].want);
    }
}

Test(figures, durations_and_counters_have_their_units)
{
    char              room[64];
    struct assay_text text = ASSAY_TEXT(room);
    assay_figure_duration(&text, 0);
    cr_expect_str_eq(room, "–");
    text = ASSAY_TEXT(room);
    assay_figure_duration(&text, 12345678);
    cr_expect(strncmp(room, "12.3", 4) == 0 && strstr(room, "ms"), "%s", room);
    static const struct { double v; char unit[8], want[24]; } rows[] = {
        {65536, "bytes", "64.00 KiB"}, {0.0015, "joules", "1.500 mJ"}, {2500, "ns", "2.500 µs"}, {12, "1", "12"}, {12345, "", "12,345"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        text = ASSAY_TEXT(room);
        assay_figure_counter(&text, rows[i].v, rows[i].unit);
        cr_expect_str_eq(room, rows[i].want);
    }
}

Test(figures, without_a_value_are_a_dash_and_without_an_interval_have_no_range)
{
    char                  room[64];
    struct assay_text     text = ASSAY_TEXT(room);
    struct assay_estimate e = {.value = 1e6, .low = 9e5, .high = 1.1e6};
    assay_figure_estimate(&text, ASSAY_METRIC_latency_ns, &e);
    assay_figure_range(&text, ASSAY_METRIC_latency_ns, &e);
    cr_expect_str_eq(room, "–");
    text = ASSAY_TEXT(room);
    e.has_value = e.has_interval = true;
    assay_figure_estimate(&text, ASSAY_METRIC_latency_ns, &e);
    assay_text_add(&text, "; ");
    assay_figure_range(&text, ASSAY_METRIC_latency_ns, &e);
    cr_expect_str_eq(room, "1.000 ms; 900.0 µs – 1.100 ms");
}

static const char *words(struct assay_estimate e, enum assay_clock clock, size_t n_medians)
{
    static char              room[160];
    struct assay_text        text = ASSAY_TEXT(room);
    struct assay_summary_row row = {.clock = clock, .n_medians = n_medians};
    row.metric[ASSAY_METRIC_latency_ns] = e;
    assay_figure_interval_words(&text, &row);
    return room;
}

Test(figures, say_what_an_interval_is_an_interval_of)
{
    const struct assay_estimate some = {.has_value = true, .has_interval = true, .level = 0.95, .n = 3}, none = {.has_value = true, .n = 1, .why = "one launch"};
    struct assay_estimate       range = some;
    range.level = 0.8;
    cr_expect_str_eq(words(some, ASSAY_CLOCK_HOST, 3), "95 % interval, 3 launches");
    cr_expect_str_eq(words(range, ASSAY_CLOCK_MODEL, 3), "80 % range of the model", "a model's launches are no replication");
    cr_expect_str_eq(words(none, ASSAY_CLOCK_HOST, 1), "one launch: no interval");
    cr_expect_str_eq(words(none, ASSAY_CLOCK_MODEL, 1), "no interval: one launch");
    cr_expect_str_eq(words((struct assay_estimate){.n = 0}, ASSAY_CLOCK_HOST, 0), "no interval: no reason was recorded");
}

Test(figures, marks_of_evidence_differ_and_everything_has_its_words)
{
    for (enum assay_evidence e = 0; e <= ASSAY_EVIDENCE_INSTRUMENT; e++)
        for (enum assay_evidence f = 0; f < e; f++) {
            cr_expect_str_neq(assay_figure_evidence_mark(e), assay_figure_evidence_mark(f));
            cr_expect_str_neq(assay_figure_evidence_about(e), assay_figure_evidence_about(f));
        }
    for (enum assay_outcome o = ASSAY_PASS; o <= ASSAY_NOT_CHECKED; o++)
        cr_expect_str_neq(assay_figure_outcome_about(o), "unknown");
    for (enum assay_status s = ASSAY_STATUS_OK; s <= ASSAY_STATUS_ERROR; s++)
        cr_expect_str_neq(assay_figure_status_about(s), "unknown");
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        for (int k = 0; k <= m; k++) {
            const char *title = assay_figure_metric_title((enum assay_metric)m);
            cr_expect(k == m || strcmp(title, assay_figure_metric_title((enum assay_metric)k)) != 0, "two are called '%s'", title);
            cr_expect_str_neq(title, assay_metric_row((enum assay_metric)m)->name, "a reader gets words");
        }
    cr_expect_str_neq(assay_figure_clock_about(ASSAY_CLOCK_MODEL), assay_figure_clock_about(ASSAY_CLOCK_HOST));
    cr_expect_str_eq(assay_figure_origin((enum assay_origin)0), "never opened");
}

Test(figures, want_validation_where_there_is_something_to_prove)
{
    struct assay_summary_row rows[] = {{.evidence = ASSAY_EVIDENCE_MODELLED, .outcome = ASSAY_NOT_CHECKED},
                                       {.evidence = ASSAY_EVIDENCE_MEASURED, .outcome = ASSAY_NOT_CHECKED}};
    struct assay_summary run = {.rows = rows, .n_rows = 2};
    cr_expect(assay_figures_want_validation(&run));
    run.validated = true;
    cr_expect_not(assay_figures_want_validation(&run), "it was done");
    run = (struct assay_summary){.rows = rows, .n_rows = 1};
    cr_expect_not(assay_figures_want_validation(&run), "a model without values has none");
}

Test(figures, are_proved_by_pass_and_marginal_alone)
{
    for (enum assay_outcome o = 0; o <= ASSAY_NOT_CHECKED; o++) {
        struct assay_summary_row row = {.outcome = o};
        cr_expect_eq(assay_figure_is_proved(&row), o == ASSAY_PASS || o == ASSAY_MARGINAL);
        for (int e = ASSAY_EVIDENCE_MEASURED; e <= ASSAY_EVIDENCE_MODELLED; e++) {
            row.evidence = (enum assay_evidence)e;
            cr_expect_eq(assay_figure_is_struck(&row), !assay_figure_is_proved(&row) && !(e == ASSAY_EVIDENCE_MODELLED && o == ASSAY_NOT_CHECKED));
        }
    }
}

Test(figures, evidence_of_a_model_comes_with_its_grade)
{
    char                     room[64];
    struct assay_text        text = ASSAY_TEXT(room);
    struct assay_summary_row row = {.evidence = ASSAY_EVIDENCE_MODELLED, .grade = "C"};
    assay_figure_evidence(&text, &row);
    row.grade = "";
    row.evidence = ASSAY_EVIDENCE_MEASURED;
    assay_text_add(&text, "; ");
    assay_figure_evidence(&text, &row);
    cr_expect_str_eq(room, "modelled, grade C; measured");
}
