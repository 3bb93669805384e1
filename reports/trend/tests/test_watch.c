#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/file.h"
#include "harness/store/tests/scratch.h"
#include "reports/trend/watch.h"

#define HOSTILE "=x<script>alert(1)</script>\"' onload=\"y\" ]]> & | ` \\ \x01\n\xE2\x80\xAE"

static struct assay_history_point point = {.night = 20600, .log_median = 10, .ratio = 0.1};
static struct assay_history_series of[2] = {
    {.case_name = HOSTILE,
     .case_id = "0",
     .backend = "cpu:" HOSTILE,
     .device = HOSTILE,
     .host = HOSTILE,
     .points = &point,
     .n = 1},
    {.case_name = "softmax/a=1", .case_id = "1", .backend = "cpu", .device = "chip", .host = "host", .points = &point, .n = 1}};
#define MOST 400
static int32_t night[MOST] = {20599, 20600};
static double value[MOST] = {10, 10.1}, level[MOST] = {10, 10};
static size_t n_nights = 2;
static struct assay_watch_series series[2];
static struct assay_watch watch = {.series = series, .n = 2, .n_watched = 2, .n_gating = 1};
static struct assay_history_alarm alarms[2];

static char *report(enum assay_watch_format format)
{
    struct scratch s = scratch_new();
    struct assay_error err = {0};
    char path[96], *text = NULL;
    size_t length;
    struct assay_watch_report r = {&watch, alarms, 2, 1, "history.db"};
    for (int i = 0; i < 2; i++)
        series[i] = (struct assay_watch_series){.of = &of[i],
                                                .n = n_nights,
                                                .night = night,
                                                .value = value,
                                                .level = level,
                                                .state = {.nights = 40, .sigma = 0.01 * (i + 1), .smallest = 0.025 * (i + 1)}};
    alarms[0] = (struct assay_history_alarm){
        .id = "01234567", .kind = "time", .last_good = 20598, .first_bad = 20599, .confirmed = 20600};
    assay_watch_scope(&of[0], alarms[0].scope);
    (void)snprintf(alarms[0].message, sizeof alarms[0].message, "slower %s", HOSTILE);
    (void)snprintf(alarms[0].changed, sizeof alarms[0].changed, "library: %s", HOSTILE);
    alarms[1] = alarms[0];
    (void)snprintf(alarms[1].named, sizeof alarms[1].named, "intended");
    (void)snprintf(alarms[1].why, sizeof alarms[1].why, "%s", HOSTILE);
    (void)snprintf(path, sizeof path, "%s/file", s.path);
    cr_assert_eq(assay_watch_write(&r, format, path, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_read(path, 1 << 24, &text, &length, &err), ASSAY_OK);
    cr_assert_eq(strlen(text), length, "a byte 0");
    scratch_remove(&s);
    return text;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    return n;
}

Test(watch, lets_no_name_break_out_of_xml)
{
    char *text = report(ASSAY_WATCH_JUNIT);
    cr_expect_not(strstr(text, "<script"));
    cr_expect_not(strchr(text, '\x01'));
    cr_expect_eq(count(text, "<failure "), 1u, "one is open");
    cr_expect(strstr(text, "tests=\"2\" failures=\"1\""), "%s", text);
    cr_expect(strstr(text, "<skipped message=\"too noisy: finds 5.1 %\"/>"), "%s", text);
    cr_expect_eq(count(text, "<testcase"), count(text, "</testcase>"));
    free(text);
}

Test(watch, lets_no_name_break_out_of_a_page)
{
    char *text = report(ASSAY_WATCH_HTML);
    cr_expect_not(strstr(text, "<script"));
    cr_expect_not(strstr(text, "onload=\"y\""));
    cr_expect_not(strstr(text, "\xE2\x80\xAE"), "a reading direction");
    cr_expect_not(strstr(text, "src=\"http"));
    cr_expect(strstr(text, "<h1>1 alarm open</h1>"));
    cr_expect(strstr(text, "<table>") && strstr(text, "</html>"));
    free(text);
}

Test(watch, lets_no_name_break_out_of_a_line_of_metrics)
{
    char *text = report(ASSAY_WATCH_OPENMETRICS), *end = NULL;
    for (char *line = strtok_r(text, "\n", &end); line; line = strtok_r(NULL, "\n", &end)) {
        cr_expect(line[0] == '#' || !strncmp(line, "assay_history_", 14), "%s", line);
        if (line[0] == '#')
            continue;
        for (const char *at = line; *at; at++) {
            cr_expect((unsigned char)*at >= 0x20);
            if (*at == '\\') {
                at++;
                cr_expect(*at == '\\' || *at == '"' || *at == 'n', "\\%c", *at);
            }
        }
    }
    free(text);
    text = report(ASSAY_WATCH_OPENMETRICS);
    cr_expect(
        strstr(text,
               "assay_history_night_noise_ratio{case=\"softmax/a=1\",backend=\"cpu\",device=\"chip\",host=\"host\"} 0.02\n"),
        "%s", text);
    cr_expect_eq(count(text, "assay_history_alarm_open{"), 1u);
    cr_expect_str_eq(text + strlen(text) - 6, "# EOF\n");
    free(text);
}

Test(watch, lets_no_name_break_out_of_a_cell_of_markdown)
{
    char *text = report(ASSAY_WATCH_MARKDOWN);
    cr_expect(strstr(text, "## Nightly: 1 alarm open"));
    cr_expect_not(strstr(text, "<script"));
    cr_expect_eq(count(text, "\n| 01234567"), 1u);
    free(text);
}

/* Dates in the plots of two series, each of so many nights. */
static size_t dates(size_t nights)
{
    size_t found = 0;
    n_nights = nights;
    for (size_t i = 0; i < nights; i++) {
        night[i] = 20600 - (int32_t)(nights - 1 - i);
        value[i] = 10 + 0.01 * (double)(i % 3);
        level[i] = 10;
    }
    char *text = report(ASSAY_WATCH_HTML);
    for (const char *at = text; (at = strstr(at, "<svg")); at++) {
        const char *end = strstr(at, "</svg>");
        for (const char *year = at; end && (year = strstr(year, "2026-")) && year < end; year++)
            found++;
    }
    if (!strstr(text, "<svg"))
        cr_skip_test("no plots: gnuplot is not here");
    free(text);
    return found;
}

Test(watch, dates_of_a_plot_are_not_written_over_each_other)
{
    static const size_t nights[] = {2, 10, 60, 120};
    for (size_t i = 0; i < sizeof nights / sizeof *nights; i++) {
        size_t found = dates(nights[i]); /* one series has an alarm, so there is one plot */
        cr_expect(found >= 2 && found <= 7, "%zu dates in a plot of %zu nights", found, nights[i]);
    }
}
