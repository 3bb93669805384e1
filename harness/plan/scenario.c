#include "harness/plan/scenario.h"

#include <string.h>

#include "harness/base/options.h"
#include "harness/base/strings.h"
#include "harness/plan/seed_set.h"

#include "assay/banned.h"

#define MAX_ROWS 24
#define MAX_QUERIES 1e11

#define FIELD(name) offsetof(struct assay_scenario, name)
#define NUMBER(key, field, fallback, low, high, text) \
    {.name = (key), .type = ASSAY_OPT_I64, .offset = FIELD(field), .dflt = (fallback), .min = (low), .max = (high), .help = (text)}
#define SECONDS(key, field, fallback, text) \
    {.name = (key), .type = ASSAY_OPT_SECONDS, .offset = FIELD(field), .dflt = (fallback), .max = 1e6, .help = (text)}
#define MILLISECONDS(key, field, fallback, low, text)                                                                             \
    {.name = (key), .type = ASSAY_OPT_MILLISECONDS, .offset = FIELD(field), .dflt = (fallback), .min = (low), .max = 1e9, \
     .help = (text)}

#define QPS(fallback, text) \
    {.name = "qps", .type = ASSAY_OPT_F64, .offset = FIELD(qps), .dflt = (fallback), .max = 1e9, .unit = "1/s", .help = (text)}
#define EQUAL_ISSUE \
    {.name = "equal_issue", .type = ASSAY_OPT_BOOL, .offset = FIELD(equal_issue), .dflt = "false", \
     .help = "every sample of the loaded set equally often"}
/* How samples that wait become one execution. */
#define BATCHES                                                                                                                   \
    NUMBER("max_batch", max_batch, "1", 0, 4096, "samples of one execution, at most, for which a workload with parameter batch is " \
           "compiled; 0, with qps=0: find the one with the highest rate"),                                                        \
    {.name = "buckets", .type = ASSAY_OPT_TEXT, .offset = FIELD(buckets), .bytes = sizeof((struct assay_scenario *)0)->buckets,   \
     .dflt = "none", .help = "smaller batches that it is compiled for as well, an execution takes the least that holds it: none, " \
                             "powers (of two), or sizes as in 1+2+4"},                                                            \
    MILLISECONDS("batch_delay_ms", batch_delay_ns, "0", 0, "a batch that is not full leaves when its first sample has waited so long")
/* What every scenario has. */
#define COMMON(queries, duration)                                                                                                 \
    NUMBER("performance_samples", performance_samples, "1024", 1, 1e8, "samples that are loaded at once and drawn from"),         \
    NUMBER("total_samples", total_samples, "0", 0, 1e9, "samples of the data set; 0: as many as are loaded"),                     \
    NUMBER("min_queries", min_queries, (queries), 0, MAX_QUERIES, "queries, at least (offline: samples)"),                        \
    SECONDS("min_duration_s", min_duration_ns, (duration), "time, at least"),                                                     \
    SECONDS("max_duration_s", max_duration_ns, "0", "no query is issued later; 0: no limit"),                                     \
    {.name = "seeds", .type = ASSAY_OPT_TEXT, .offset = FIELD(seeds), .bytes = sizeof((struct assay_scenario *)0)->seeds,         \
     .dflt = "case", .help = "case (from the run's seed), loadgen-v5.1, loadgen-v6.0 or loadgen-v6.1"},                                         \
    {.name = "profile", .type = ASSAY_OPT_TEXT, .offset = FIELD(profile), .bytes = sizeof((struct assay_scenario *)0)->profile,   \
     .dflt = "short", .help = "where defaults come from: short, or loadgen (MLPerf's official values)"}
/* What is asked of the latencies. */
#define LIMIT(share, limit)                                                                                                       \
    {.name = "percentile", .type = ASSAY_OPT_F64, .offset = FIELD(percentile), .dflt = (share), .min = 0.5, .max = 0.99999,       \
     .help = "share of the latencies that has to be within the limit"},                                                           \
    MILLISECONDS("latency_ms", latency_ns, (limit), 0, "limit from the scheduled time; 0: none")
#define TOKENS(first, next)                                                                                                       \
    MILLISECONDS("ttft_ms", ttft_ns, (first), 0, "limit of the time to the first token; 0: none"),                                \
    MILLISECONDS("tpot_ms", tpot_ns, (next), 0, "limit of the time per further token; 0: none")

static const struct assay_option single_stream[] = {
    LIMIT("0.9", "0"),
    MILLISECONDS("expected_latency_ms", expected_latency_ns, "10", 1e-6, "sets how many queries equal issue prepares for"),
    EQUAL_ISSUE, COMMON("100", "2s"), {0},
};
static const struct assay_option multi_stream[] = {
    LIMIT("0.99", "0"),
    NUMBER("samples_per_query", samples_per_query, "8", 1, 1e6, "samples of each query, neighbours in the loaded set"),
    EQUAL_ISSUE, BATCHES, COMMON("662", "2s"), {0},
};
static const struct assay_option server[] = {
    QPS("100", "queries a second, on average; 0: find the highest that is valid"), LIMIT("0.99", "100"), EQUAL_ISSUE, BATCHES,
    COMMON("662", "5s"), {0},
};
static const struct assay_option interactive[] = {
    QPS("1", "queries a second, on average; 0: find the highest that is valid"), LIMIT("0.99", "0"), TOKENS("450", "40"),
    EQUAL_ISSUE, BATCHES, COMMON("662", "5s"), {0},
};
static const struct assay_option offline[] = {
    QPS("0", "samples a second that are expected: sets how many the query has; 0: what executions before the query suggest"), EQUAL_ISSUE, BATCHES, COMMON("256", "2s"), {0},
};
static const struct assay_option concurrency[] = {
    NUMBER("in_flight", in_flight, "8", 1, 1e6, "queries that are in flight at any time"), LIMIT("0.99", "0"), TOKENS("0", "0"),
    EQUAL_ISSUE, BATCHES, COMMON("662", "2s"), {0},
};
static const struct assay_option burst[] = {
    NUMBER("burst", burst, "16", 1, 1e6, "queries that come together"),
    MILLISECONDS("period_ms", burst_period_ns, "100", 1e-6, "from one burst to the next"), LIMIT("0.99", "0"), TOKENS("0", "0"),
    EQUAL_ISSUE, BATCHES, COMMON("662", "2s"), {0},
};
static const struct assay_option trace[] = {
    {.name = "trace", .type = ASSAY_OPT_TEXT, .offset = FIELD(trace), .bytes = sizeof((struct assay_scenario *)0)->trace,
     .help = "a CSV of scheduled_ns[,sample_index[,prompt_tokens,output_tokens]]"},
    LIMIT("0.99", "0"), TOKENS("0", "0"), BATCHES, COMMON("0", "0"), {0},
};

const struct assay_scenario_row assay_scenarios[] = {
    {ASSAY_SINGLE_STREAM, "single_stream", "the next query when the last one is done", single_stream},
    {ASSAY_MULTI_STREAM, "multi_stream", "the same, of several samples each", multi_stream},
    {ASSAY_SERVER, "server", "queries at random times, independent of each other (Poisson), at a rate", server},
    {ASSAY_INTERACTIVE, "interactive", "a server with limits on first and further tokens", interactive},
    {ASSAY_OFFLINE, "offline", "one query with everything", offline},
    {ASSAY_CONCURRENCY, "concurrency", "a fixed number of queries in flight", concurrency},
    {ASSAY_BURST, "burst", "groups of queries at a fixed period", burst},
    {ASSAY_TRACE, "trace", "the times, and perhaps samples and lengths, that a file gives", trace},
    {0, NULL, NULL, NULL},
};

/* What MLPerf's rules say where the rows above say something shorter (mlperf.conf of LoadGen 6.0.17, test_settings.h). */
static const struct official {
    enum assay_scenario_type type; /* 0: all */
    const char              *key, *value;
} official[] = {
    {0, "profile", "loadgen"},
    {0, "seeds", "loadgen-v6.1"},
    {ASSAY_SINGLE_STREAM, "min_duration_s", "600s"},
    {ASSAY_MULTI_STREAM, "min_duration_s", "600s"},
    {ASSAY_SERVER, "min_duration_s", "600s"},
    {ASSAY_INTERACTIVE, "min_duration_s", "600s"},
    {ASSAY_OFFLINE, "min_duration_s", "600s"},
    {ASSAY_CONCURRENCY, "min_duration_s", "600s"},
    {ASSAY_BURST, "min_duration_s", "600s"},
    {ASSAY_SERVER, "min_queries", "100"},
    {ASSAY_INTERACTIVE, "min_queries", "100"},
    {ASSAY_OFFLINE, "min_queries", "24576"},
    {ASSAY_SERVER, "latency_ms", "10"},
};

static const struct assay_scenario_row *find(const char *name, struct assay_error *err)
{
    const char *names[16], *near;
    size_t      n = 0;
    for (; assay_scenarios[n].name; n++) {
        names[n] = assay_scenarios[n].name;
        if (!strcmp(name, names[n]))
            return &assay_scenarios[n];
    }
    near = assay_string_nearest(name, names, n);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "unknown scenario '%.40s'", name);
    if (near)
        (void)assay_error_hint(err, "did you mean '%s'?", near);
    else
        (void)assay_error_hint(err, "known: single_stream, multi_stream, server, interactive, offline, concurrency, burst, trace");
    return NULL;
}

/* The scenario's rows with the defaults of the official profile. */
static void make_official(const struct assay_scenario_row *row, struct assay_option out[MAX_ROWS])
{
    size_t n = assay_options_count(row->options);
    memcpy(out, row->options, (n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++)
        for (const struct official *o = official; o < official + sizeof official / sizeof *official; o++)
            if ((o->type == row->type || !o->type) && !strcmp(o->key, out[i].name))
                out[i].dflt = o->value;
}

static enum assay_code check_names(const struct assay_scenario *s, struct assay_error *err)
{
    static const char *const profiles[] = {"short", "loadgen"};
    struct assay_seeds       ignored;
    if (strcmp(s->profile, "short") != 0 && strcmp(s->profile, "loadgen") != 0) {
        const char *near = assay_string_nearest(s->profile, profiles, 2);
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "profile must be one of short, loadgen; got '%s'", s->profile);
        return near ? assay_error_hint(err, "did you mean '%s'?", near) : err->code;
    }
    return strcmp(s->seeds, "case") != 0 ? assay_seeds_find(s->seeds, &ignored, err) : ASSAY_OK;
}

/* What no row can check alone; a data set whose size is not given is what is loaded. */
static enum assay_code complete(struct assay_scenario *s, bool queries_given, struct assay_error *err)
{
    if (check_names(s, err))
        return err->code;
    if (!s->total_samples)
        s->total_samples = s->performance_samples;
    if (s->total_samples < s->performance_samples)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "total_samples=%llu is less than performance_samples=%llu",
                          (unsigned long long)s->total_samples, (unsigned long long)s->performance_samples);
    if (s->qps > 0 && s->qps < 1e-3)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "qps must be 0 or from 0.001 to 1000000000, got %g", s->qps);
    if (s->type == ASSAY_SERVER && s->qps == 0 && !s->latency_ns)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "qps=0 finds the highest rate within a limit, and latency_ms=0 sets none");
    if (s->type == ASSAY_INTERACTIVE && s->qps == 0 && !s->latency_ns && !s->ttft_ns && !s->tpot_ns)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "qps=0 finds the highest rate within limits, and none is set");
    if (!s->max_batch && (s->type != ASSAY_SERVER || s->qps > 0))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "max_batch=0 finds the batch that has the highest rate: only of a server with qps=0");
    if (assay_buckets_complete(s->buckets, s->max_batch, err))
        return err->code;
    if (s->max_duration_ns && s->max_duration_ns < s->min_duration_ns)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "max_duration_s is less than min_duration_s");
    /* the official rule: 24,576 samples, or the data set if that is smaller */
    if (s->type == ASSAY_OFFLINE && !queries_given && s->min_queries > s->total_samples && !strcmp(s->profile, "loadgen"))
        s->min_queries = s->total_samples;
    return ASSAY_OK;
}

static bool gives(const char *list, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = list; (at = strstr(at, key)); at += length)
        if ((at == list || at[-1] == ',') && at[length] == '=')
            return true;
    return false;
}

static enum assay_code parse(const char *list, const struct assay_scenario_row *row, struct assay_scenario *s,
                             struct assay_error *err)
{
    struct assay_option rows[MAX_ROWS];
    char                what[48];
    struct assay_text   text = ASSAY_TEXT(what);
    assay_text_add(&text, "scenario %s", row->name);
    if (assay_options_parse(row->options, s, list, what, err))
        return err->code;
    if (!strcmp(s->profile, "loadgen")) {
        make_official(row, rows);
        if (assay_options_parse(rows, s, list, what, err))
            return err->code;
    }
    if (complete(s, gives(list, "min_queries"), err))
        return assay_error_in(err, "reading %s", what);
    return ASSAY_OK;
}

enum assay_code assay_scenario_parse(const char *text, struct assay_scenario *out, struct assay_error *err)
{
    struct assay_scenario s = {.in_flight = 1, .samples_per_query = 1, .burst = 1, .percentile = 0.99, .max_batch = 1, .buckets = "none"};
    char                  name[40];
    const char           *slash = strchr(text, '/');
    size_t                length = slash ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof name)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "unknown scenario '%.40s…'", text);
    memcpy(name, text, length);
    name[length] = 0;
    const struct assay_scenario_row *row = find(name, err);
    if (!row)
        return err->code;
    s.type = row->type;
    if (parse(slash ? slash + 1 : "", row, &s, err))
        return err->code;
    *out = s;
    return ASSAY_OK;
}

void assay_scenario_write(const struct assay_scenario *s, struct assay_text *out)
{
    const struct assay_scenario_row *row = &assay_scenarios[s->type - ASSAY_SINGLE_STREAM];
    assay_text_add(out, "%s/", row->name);
    assay_options_write(row->options, s, out);
}

/* seconds * rate as LoadGen has them: whole microseconds, and its order of operations. */
static uint64_t expected(double slack, uint64_t duration_ns, double rate)
{
    uint64_t us = duration_ns / 1000;
    return (uint64_t)(slack * ((double)us / 1e6) * rate);
}

uint64_t assay_scenario_least(const struct assay_scenario *s)
{
    uint64_t least = s->min_queries, more = 0, set = s->performance_samples;
    if (s->type == ASSAY_OFFLINE)
        more = expected(1.1, s->min_duration_ns, s->qps);
    if (s->type == ASSAY_SINGLE_STREAM && s->equal_issue)
        more = expected(2.0, s->min_duration_ns, 1e9 / (double)s->expected_latency_ns);
    least = least > more ? least : more;
    if (!s->equal_issue)
        return least;
    if (s->type == ASSAY_SINGLE_STREAM) /* a whole set more when it is a multiple already */
        return least + set - least % set;
    if (s->type == ASSAY_MULTI_STREAM)
        set += s->samples_per_query - 1;
    return (least + set - 1) / set * set;
}

double assay_scenario_rate(const struct assay_scenario *s)
{
    return s->type == ASSAY_SERVER || s->type == ASSAY_INTERACTIVE ? s->qps
           : s->type == ASSAY_BURST ? (double)s->burst * 1e9 / (double)s->burst_period_ns : 0;
}

bool assay_scenario_searches(const struct assay_scenario *s)
{
    return (s->type == ASSAY_SERVER || s->type == ASSAY_INTERACTIVE) && s->qps == 0;
}

bool assay_scenario_searches_batch(const struct assay_scenario *s)
{
    return assay_scenario_searches(s) && s->max_batch == 0;
}
