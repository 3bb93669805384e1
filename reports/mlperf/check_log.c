#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "reports/mlperf/check.h"

#include "assay/banned.h"

/* One log and where its refusals go. */
struct looked_at {
    const struct assay_mlperf_log *log;
    const char                    *where;
    struct assay_mlperf_notes     *notes;
};

ASSAY_PRINTF(2, 3) static void refuse(const struct looked_at *l, const char *fmt, ...)
{
    char    text[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assay_mlperf_note(l->notes, ASSAY_MLPERF_REFUSED, "%s: %s", l->where, text);
}

static bool number(const struct looked_at *l, const char *key, uint64_t *out)
{
    bool there = assay_mlperf_log_u64(l->log, key, out);
    if (!there)
        refuse(l, "%s is missing, or no number", key);
    return there;
}

static void at_least(const struct looked_at *l, const char *key, uint64_t least)
{
    uint64_t value;
    if (number(l, key, &value) && value < least)
        refuse(l, "%s is %" PRIu64 ", at least %" PRIu64 " is wanted", key, value, least);
}

/* `at_limit`: is the limit itself within it? */
static void below(const struct looked_at *l, const char *key, uint64_t limit, bool at_limit)
{
    uint64_t value;
    if (number(l, key, &value) && (value > limit || (value == limit && !at_limit)))
        refuse(l, "%s is %" PRIu64 ", %s %" PRIu64 " is wanted", key, value, at_limit ? "at most" : "less than", limit);
}

static void is_true(const struct looked_at *l, const char *key)
{
    bool value;
    if (!assay_mlperf_log_truth(l->log, key, &value))
        refuse(l, "%s is missing", key);
    else if (!value)
        refuse(l, "%s is false", key);
}

static void is_positive(const struct looked_at *l, const char *key)
{
    double value;
    if (!assay_mlperf_log_f64(l->log, key, &value))
        refuse(l, "%s is missing, or no number", key);
    else if (!(value > 0))
        refuse(l, "%s is %g", key, value);
}

static void of_scenario(const struct looked_at *l, enum assay_mlperf_scenario s)
{
    const char *is = assay_mlperf_log_text(l->log, "effective_scenario"), *wanted = assay_mlperf_scenario_log(s);
    if (!is || strcmp(is, wanted) != 0)
        refuse(l, "effective_scenario is '%.40s', '%s' is wanted", is ? is : "", wanted);
}

static void seeds(const struct looked_at *l, enum assay_mlperf_round round)
{
    struct assay_seeds s;
    const char        *name = assay_mlperf_round_seeds(round, &s);
    const struct { const char *key; uint64_t wanted; } rows[] = {{"effective_qsl_rng_seed", s.qsl}, {"effective_sample_index_rng_seed", s.sample},
                                                                 {"effective_schedule_rng_seed", s.schedule}};
    for (int i = 0; i < 3; i++) {
        uint64_t value;
        if (number(l, rows[i].key, &value) && value != rows[i].wanted)
            refuse(l, "%s is %" PRIu64 ", %" PRIu64 " is wanted (seeds=%s)", rows[i].key, value, rows[i].wanted, name);
    }
}

static bool online(enum assay_mlperf_scenario s)
{
    return s == ASSAY_MLPERF_SERVER || s == ASSAY_MLPERF_INTERACTIVE;
}

static void metric(const struct looked_at *l, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s)
{
    static const char *const names[] = {"early_stopping_latency_ss", "early_stopping_latency_ms", "result_completed_samples_per_sec",
                                        "result_completed_samples_per_sec", "result_samples_per_second"};
    is_positive(l, names[s]);
    if (b->tokens && (online(s) || s == ASSAY_MLPERF_OFFLINE))
        is_positive(l, online(s) ? "result_completed_tokens_per_second" : "result_tokens_per_second");
}

static void latencies(const struct looked_at *l, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s)
{
    struct assay_mlperf_limits limits = assay_mlperf_limits_of(b, s);
    if (b->tokens)
        is_true(l, "requested_use_token_latencies");
    if (limits.latency_ns)
        below(l, "effective_target_latency_ns", limits.latency_ns, true);
    if (limits.ttft_ns)
        below(l, "result_first_token_99.00_percentile_latency_ns", limits.ttft_ns, false);
    if (limits.tpot_ns)
        below(l, "result_time_per_output_token_99.00_percentile_ns", limits.tpot_ns, false);
}

/* What the checker lets pass. */
static void is_clean(const struct looked_at *l)
{
    const char *validity = assay_mlperf_log_text(l->log, "result_validity");
    if (!validity || strcmp(validity, "VALID") != 0)
        refuse(l, "result_validity is '%.20s'", validity ? validity : "");
    if (l->log->errors)
        refuse(l, "%" PRIu64 " lines are errors", l->log->errors);
}

void assay_mlperf_check_performance(const struct assay_mlperf_log *log, const struct assay_mlperf_how *how, const struct assay_mlperf_benchmark *b,
                                    enum assay_mlperf_scenario s, const char *where, struct assay_mlperf_notes *notes)
{
    const struct looked_at l = {log, where, notes};
    of_scenario(&l, s);
    at_least(&l, "effective_performance_sample_count", b->loaded);
    seeds(&l, how->round);
    at_least(&l, "effective_min_duration_ms", ASSAY_MLPERF_LEAST_MS);
    if (s == ASSAY_MLPERF_OFFLINE) {
        at_least(&l, "effective_min_query_count", 1);
        at_least(&l, "effective_samples_per_query", how->division == ASSAY_MLPERF_CLOSED ? b->offline : 1);
    } else {
        is_true(&l, "early_stopping_met");
    }
    metric(&l, b, s);
    latencies(&l, b, s);
    is_clean(&l);
}

void assay_mlperf_check_accuracy(const struct assay_mlperf_log *log, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s,
                                 const char *where, struct assay_mlperf_notes *notes)
{
    const struct looked_at l = {log, where, notes};
    uint64_t               total;
    of_scenario(&l, s);
    const char *key = assay_mlperf_log_u64(log, "effective_accuracy_sample_count", &total) ? "effective_accuracy_sample_count" : "qsl_reported_total_count";
    if (number(&l, key, &total) && total != b->data_set)
        refuse(&l, "%s is %" PRIu64 ", the data set has %" PRIu64, key, total, b->data_set);
    if (log->errors)
        refuse(&l, "%" PRIu64 " lines are errors", log->errors);
}
