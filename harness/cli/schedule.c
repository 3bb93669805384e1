#include <stdio.h>
#include <string.h>

#include "harness/base/option_text.h"
#include "harness/base/options.h"
#include "harness/cli/cli.h"
#include "harness/load/arrivals.h"

#include "assay/banned.h"

/* Texts, as the scenario's own table parses and checks them; "" is not given. */
struct schedule_options {
    char    scenario[400], qps[40], samples[40], total[40], min_queries[40], min_duration[40], expected_latency_ns[40], trace[200];
    char    seed_set[32];
    bool    equal_issue;
    int64_t queries, seed, context;
};

#define FIELD(name) offsetof(struct schedule_options, name)
#define TEXT(key, field, fallback, text) \
    {.name = (key), .type = ASSAY_OPT_TEXT, .offset = FIELD(field), .bytes = sizeof((struct schedule_options *)0)->field, \
     .dflt = (fallback), .help = (text)}

static const struct assay_option options[] = {
    TEXT("scenario", scenario, NULL, "single_stream, multi_stream, server, interactive, offline, concurrency, burst, trace; or with "
                                     "all its settings: server/qps=40,equal_issue=true"),
    TEXT("qps", qps, "", "queries a second (offline: samples a second that are expected)"),
    {.name = "queries", .type = ASSAY_OPT_I64, .offset = FIELD(queries), .dflt = "100", .min = 0, .max = 1e12,
     .help = "rows to print, at most; each is one sample"},
    TEXT("samples", samples, "", "samples that are loaded and drawn from; 1024 if not given"),
    TEXT("total", total, "", "samples of the data set; as many as are loaded if not given"),
    TEXT("min-queries", min_queries, "", "queries that the run will have at least: decides what was drawn before the first row"),
    {.name = "equal-issue", .type = ASSAY_OPT_BOOL, .offset = FIELD(equal_issue), .dflt = "false",
     .help = "every sample of the loaded set equally often"},
    TEXT("min-duration", min_duration, "", "seconds that the run will take at least; 600 if not given"),
    TEXT("expected-latency-ns", expected_latency_ns, "", "of single_stream with equal issue; 10000000 if not given"),
    TEXT("trace", trace, "", "the CSV of scenario trace"),
    {.name = "context", .type = ASSAY_OPT_I64, .offset = FIELD(context), .dflt = "0", .min = 0, .max = 1e9,
     .help = "refuse a trace with a request of more tokens, prompt and output together; 0: take all"},
    TEXT("seed-set", seed_set, "", "loadgen-v5.1, loadgen-v6.0, loadgen-v6.1, or case: from --seed; loadgen-v6.1 if not given"),
    {.name = "seed", .type = ASSAY_OPT_I64, .offset = FIELD(seed), .dflt = "1", .min = 0, .max = 9e18, .help = "of seed set case"},
    {0},
};

/* A setting that is given, where the scenario has it. Unit: what a bare number means there. */
static void add(struct assay_text *out, const struct assay_scenario_row *row, const char *key, const char *value, const char *unit)
{
    const struct assay_option *o = row->options;
    while (o->name && strcmp(o->name, key) != 0)
        o++;
    if (!o->name || !*value)
        return;
    char              whole[240];
    struct assay_text text = ASSAY_TEXT(whole);
    assay_text_add(&text, "%s%s", value, unit);
    assay_text_add(out, "%s%s=", strchr(out->at, '=') ? "," : "", key);
    assay_option_text_write(whole, out);
}

/* The scenario's text: what was given of it, LoadGen's official values for what was not. */
static enum assay_code spell(const struct schedule_options *o, struct assay_text *out, struct assay_error *err)
{
    size_t                           length = strcspn(o->scenario, "/");
    const struct assay_scenario_row *row = assay_scenarios;
    while (row->name && (strlen(row->name) != length || strncmp(row->name, o->scenario, length) != 0))
        row++;
    assay_text_add(out, "%s%s", o->scenario, o->scenario[length] ? "" : "/");
    if (!row->name)
        return ASSAY_OK; /* parsing says so */
    if (!strstr(o->scenario, "profile="))
        add(out, row, "profile", "loadgen", "");
    add(out, row, "qps", o->qps, "");
    add(out, row, "performance_samples", o->samples, "");
    add(out, row, "total_samples", o->total, "");
    add(out, row, "min_queries", o->min_queries, "");
    add(out, row, "min_duration_s", o->min_duration, "");
    add(out, row, "expected_latency_ms", o->expected_latency_ns, "ns");
    add(out, row, "trace", o->trace, "");
    add(out, row, "seeds", o->seed_set, "");
    if (o->equal_issue)
        add(out, row, "equal_issue", "true", "");
    return out->cut ? ASSAY_FAIL(err, ASSAY_CONFIG, "the scenario's settings are too long") : ASSAY_OK;
}

static enum assay_code begin(const struct schedule_options *o, struct assay_arrivals **out, struct assay_error *err)
{
    char                  spelled[1200];
    struct assay_text     text = ASSAY_TEXT(spelled);
    struct assay_scenario scenario;
    struct assay_seeds    seeds;
    if (spell(o, &text, err) || assay_scenario_parse(spelled, &scenario, err))
        return err->code;
    if (assay_seeds_of(scenario.seeds, (uint64_t)o->seed, 0, &seeds, err) || assay_arrivals_new(&scenario, &seeds, out, err))
        return err->code;
    if (o->context && assay_arrivals_fit(*out, (uint64_t)o->context, err)) {
        assay_arrivals_free(*out);
        return err->code;
    }
    return ASSAY_OK;
}

/* LoadGen prepares queries that wait for completions at a constant period, 1/qps, and issues them when it may: their places on its
 * clock, printed where a rate is given; else 0. */
static enum assay_code nominal_period(const struct schedule_options *o, uint64_t *period_ns, struct assay_error *err)
{
    double      qps = 0;
    const char *name = o->scenario;
    *period_ns = 0;
    if (!*o->qps || (strncmp(name, "single_stream", 13) != 0 && strncmp(name, "multi_stream", 12) != 0))
        return ASSAY_OK;
    static const struct assay_option rate[] = {
        {.name = "qps", .type = ASSAY_OPT_F64, .dflt = "1", .min = 1e-9, .max = 1e9, .help = "queries a second"}, {0}};
    if (assay_option_set(rate, &qps, "qps", o->qps, err))
        return err->code;
    *period_ns = (uint64_t)(1 / qps * 1e9);
    return ASSAY_OK;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct schedule_options *o = given_options;
    struct assay_error             err = {.code = ASSAY_OK};
    struct assay_arrivals         *arrivals = NULL;
    struct assay_arrival           row;
    uint64_t                       period_ns;
    (void)given;
    if (n)
        return assay_cli_usage("schedule takes no operands, got '%.60s'", operands[0]);
    if (!*o->scenario)
        return assay_cli_usage("schedule needs a scenario: assay schedule --scenario server --qps 100");
    if (nominal_period(o, &period_ns, &err) || begin(o, &arrivals, &err))
        return assay_cli_fail(&err);
    puts("query,scheduled_ns,sample_index");
    for (int64_t i = 0; i < o->queries && !ferror(stdout) && assay_arrivals_next(arrivals, &row); i++) {
        uint64_t at_ns = row.scheduled_ns + row.query * period_ns;
        printf("%llu,%llu,%llu\n", (unsigned long long)row.query, (unsigned long long)at_ns, (unsigned long long)row.sample);
    }
    assay_arrivals_free(arrivals);
    return ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_schedule = {
    .name = "schedule",
    .operands = "",
    .summary = "prints which sample is asked for when, as CSV: query, scheduled_ns, sample_index",
    .details = "Defaults are the official ones of MLPerf's LoadGen (profile loadgen), and for its seed sets so are the rows, bit for\n"
               "bit. A setting that the scenario does not have changes nothing.\n"
               "Scenarios that wait for completions (single_stream, multi_stream, concurrency) schedule nothing: their times\n"
               "are 0, or, for the first two with --qps, the constant period at which LoadGen prepares such queries.",
    .options = options,
    .options_bytes = sizeof(struct schedule_options),
    .run = run,
};
