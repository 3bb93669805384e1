#include "reports/trend/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "reports/data/exchange.h"

#include "assay/banned.h"

#define GATE log1p(ASSAY_WATCH_GATE)

void assay_watch_worth(const struct assay_watch_series *s, char out[96])
{
    double smallest = 100 * expm1(s->state.smallest);
    if (s->state.nights)
        (void)snprintf(out, 96, "%s %.2g %%", s->state.smallest <= GATE ? "finds" : "too noisy: finds", smallest);
    else if (s->n)
        (void)snprintf(out, 96, "learning: %zu of %d nights", s->n - s->state.segment,
                       s->state.segment ? ASSAY_CHANGE_LEARN_AGAIN : ASSAY_CHANGE_LEARN);
    else
        (void)snprintf(out, 96, "no proved time");
}

void assay_watch_sum(const struct assay_watch *w, struct assay_text *out)
{
    assay_text_add(out, "%zu series, %zu watched: %zu find a step of %g %% in %d nights with %g %%, %zu are too noisy for that",
                   w->n, w->n_watched, w->n_gating, 100 * ASSAY_WATCH_GATE, ASSAY_CUSUM_NIGHTS, 100 * ASSAY_CUSUM_CHANCE,
                   w->n_watched - w->n_gating);
}

static void night_cell(struct assay_sink *to, int32_t night)
{
    char text[11];
    assay_night_text(night, text);
    assay_sink_raw(to, "%s", night < 0 ? "–" : text);
}

/* ---- Markdown ---------------------------------------------------------------------------------------------------- */

static void markdown_alarms(struct assay_sink *to, const struct assay_watch_report *r)
{
    assay_sink_raw(to, "\n| alarm | since | last good | where | what | changed |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < r->n_open; i++) {
        const struct assay_history_alarm *a = &r->alarms[i];
        assay_sink_raw(to, "| %s %s | ", a->id, a->kind);
        night_cell(to, a->first_bad);
        assay_sink_raw(to, " | ");
        night_cell(to, a->last_good);
        const char *const cells[] = {a->scope, a->message, a->changed};
        for (int c = 0; c < 3; c++) {
            assay_sink_raw(to, " | ");
            assay_sink_text(to, cells[c]);
        }
        assay_sink_raw(to, " |\n");
    }
}

static void markdown(struct assay_sink *to, const struct assay_watch_report *r)
{
    char sum[256];
    struct assay_text text = ASSAY_TEXT(sum);
    assay_watch_sum(r->watch, &text);
    assay_sink_raw(to, "## Nightly: %zu alarm%s open\n\n%s.\n", r->n_open, r->n_open == 1 ? "" : "s", sum);
    if (r->n_open)
        markdown_alarms(to, r);
    assay_sink_raw(to, "\nAn alarm stays open until it is named: `assay history name ALARM regression|intended|environment --why "
                       "TEXT --db FILE`.\n");
}

/* ---- JUnit ------------------------------------------------------------------------------------------------------- */

static void junit_failure(struct assay_sink *to, const struct assay_history_alarm *a)
{
    assay_sink_raw(to, "    <failure type=\"%s\" message=\"", a->kind);
    assay_sink_text(to, a->message);
    assay_sink_raw(to, "\">alarm %s since ", a->id);
    night_cell(to, a->first_bad);
    assay_sink_raw(to, ", last good ");
    night_cell(to, a->last_good);
    assay_sink_raw(to, "; changed: ");
    assay_sink_text(to, a->changed);
    assay_sink_raw(to, "</failure>\n");
}

static void junit_case(struct assay_sink *to, const char *class, const char *name)
{
    assay_sink_raw(to, "  <testcase classname=\"");
    assay_sink_text(to, class);
    assay_sink_raw(to, "\" name=\"");
    assay_sink_text(to, name);
    assay_sink_raw(to, "\">\n");
}

static bool junit_series(struct assay_sink *to, const struct assay_watch_report *r, const struct assay_watch_series *s,
                         bool *told)
{
    char scope[1024], class[1024], worth[96];
    bool failed = false;
    assay_watch_scope(s->of, scope);
    (void)snprintf(class, sizeof class, "%s, %s at %s", s->of->backend, s->of->device, s->of->host);
    junit_case(to, class, s->of->case_name);
    for (size_t i = 0; i < r->n_open; i++)
        if (!strcmp(r->alarms[i].scope, scope)) {
            junit_failure(to, &r->alarms[i]);
            failed = told[i] = true;
        }
    if (!failed && !(s->state.smallest <= GATE)) {
        assay_watch_worth(s, worth);
        assay_sink_raw(to, "    <skipped message=\"%s\"/>\n", worth);
    }
    assay_sink_raw(to, "  </testcase>\n");
    return failed;
}

/* Twice over the series: a suite says first how many of its cases fail. */
static void junit_cases(struct assay_sink *to, const struct assay_watch_report *r, size_t *tests, size_t *failures)
{
    bool *told = calloc(r->n_open + 1, sizeof *told);
    *tests = *failures = 0;
    if (!told)
        to->failed = true;
    for (size_t i = 0; told && i < r->watch->n; i++, ++*tests)
        *failures += junit_series(to, r, &r->watch->series[i], told);
    for (size_t i = 0; told && i < r->n_open; i++) {
        if (told[i])
            continue;
        junit_case(to, "host", r->alarms[i].scope);
        junit_failure(to, &r->alarms[i]);
        assay_sink_raw(to, "  </testcase>\n");
        ++*tests;
        ++*failures;
    }
    free(told);
}

static void junit(struct assay_sink *to, const struct assay_watch_report *r)
{
    char *cases = NULL;
    size_t bytes, tests, failures;
    struct assay_sink part = {.out = open_memstream(&cases, &bytes), .how = to->how};
    if (!part.out) {
        to->failed = true;
        return;
    }
    junit_cases(&part, r, &tests, &failures);
    if (fclose(part.out) || part.failed)
        to->failed = true;
    else
        assay_sink_raw(to,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"assay history\" tests=\"%zu\" "
                       "failures=\"%zu\">\n%s</testsuite>\n",
                       tests, failures, cases);
    free(cases);
}

/* ---- OpenMetrics ------------------------------------------------------------------------------------------------- */

static double latency(const struct assay_watch_series *s)
{
    return s->n ? exp(s->value[s->n - 1]) / 1e9 : NAN;
}
static double level(const struct assay_watch_series *s)
{
    return s->n ? exp(s->level[s->n - 1]) / 1e9 : NAN;
}
static double noise(const struct assay_watch_series *s)
{
    return s->state.sigma;
}
static double smallest(const struct assay_watch_series *s)
{
    return expm1(s->state.smallest);
}
static double slower(const struct assay_watch_series *s)
{
    return s->state.nights ? s->state.slower : NAN;
}
static double faster(const struct assay_watch_series *s)
{
    return s->state.nights ? s->state.faster : NAN;
}
static double standing(const struct assay_watch_series *s)
{
    return s->of->n ? s->of->points[s->of->n - 1].standing : NAN;
}
static double error_ratio(const struct assay_watch_series *s)
{
    return s->of->n ? s->of->points[s->of->n - 1].ratio : NAN;
}

static const struct {
    const char *name, *unit, *help;
    double (*value)(const struct assay_watch_series *s);
} metrics[] = {
    {"latency_seconds", "seconds", "Median latency of the last night.", latency},
    {"level_seconds", "seconds", "Latency that holds since the last change.", level},
    {"night_noise_ratio", "ratio", "Standard deviation of one night, correlation between nights included.", noise},
    {"smallest_step_ratio", "ratio", "Step that is found in 5 nights with 95 %.", smallest},
    {"slower_ratio", "ratio", "CUSUM of slower nights; above 1 is an alarm.", slower},
    {"faster_ratio", "ratio", "CUSUM of faster nights; above 1 is an alarm.", faster},
    {"standing", "", "Verdict of the last run: 0 pass, 1 marginal, 2 not checked, 3 untrusted, 4 fail, 5 did not run.", standing},
    {"error_bound_ratio", "ratio", "Largest error of the last run over its bound.", error_ratio},
};

static void openmetrics(struct assay_sink *to, const struct assay_watch_report *r)
{
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        assay_sink_raw(to, "# TYPE assay_history_%s gauge\n", metrics[m].name);
        if (*metrics[m].unit)
            assay_sink_raw(to, "# UNIT assay_history_%s %s\n", metrics[m].name, metrics[m].unit);
        assay_sink_raw(to, "# HELP assay_history_%s %s\n", metrics[m].name, metrics[m].help);
        for (size_t i = 0; i < r->watch->n; i++) {
            const struct assay_watch_series *s = &r->watch->series[i];
            double value = metrics[m].value(s);
            if (!isfinite(value))
                continue;
            assay_sink_raw(to, "assay_history_%s{", metrics[m].name);
            assay_exchange_label(to, "case", s->of->case_name);
            assay_exchange_label(to, ",backend", s->of->backend);
            assay_exchange_label(to, ",device", s->of->device);
            assay_exchange_label(to, ",host", s->of->host);
            assay_sink_raw(to, "} %.9g\n", value);
        }
    }
    assay_sink_raw(
        to, "# TYPE assay_history_alarm_open gauge\n# HELP assay_history_alarm_open 1 for each alarm that nobody has named.\n");
    for (size_t i = 0; i < r->n_open; i++) {
        assay_sink_raw(to, "assay_history_alarm_open{");
        assay_exchange_label(to, "alarm", r->alarms[i].id);
        assay_exchange_label(to, ",kind", r->alarms[i].kind);
        assay_exchange_label(to, ",scope", r->alarms[i].scope);
        assay_sink_raw(to, "} 1\n");
    }
    assay_sink_raw(to, "# EOF\n");
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

enum assay_code assay_watch_write(const struct assay_watch_report *report, enum assay_watch_format format, const char *path,
                                  struct assay_error *err)
{
    static const struct {
        void (*write)(struct assay_sink *to, const struct assay_watch_report *report);
        enum assay_escape how;
    } formats[] = {[ASSAY_WATCH_MARKDOWN] = {markdown, ASSAY_ESCAPE_MARKDOWN},
                   [ASSAY_WATCH_JUNIT] = {junit, ASSAY_ESCAPE_XML},
                   [ASSAY_WATCH_OPENMETRICS] = {openmetrics, ASSAY_ESCAPE_JSON},
                   [ASSAY_WATCH_HTML] = {assay_watch_page, ASSAY_ESCAPE_HTML}};
    char *text = NULL;
    size_t bytes = 0;
    struct assay_sink to = {.out = open_memstream(&text, &bytes), .how = formats[format].how};
    if (to.out)
        formats[format].write(&to, report);
    if (!to.out || fclose(to.out) || to.failed)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to write '%.150s'", path);
    else
        (void)assay_file_replace(path, text, bytes, err);
    free(text);
    return err->code;
}
