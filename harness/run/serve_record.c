#include "harness/run/serve_record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/load/steady.h"
#include "harness/load/verdict_loadgen.h"
#include "harness/load/verdict_settled.h"
#include "harness/measure/statistics.h"
#include "harness/run/case_metrics.h"

#include "assay/banned.h"

#define SETTLED_LEVEL 0.01 /* of both limits' verdicts together */

/* ---- figures ------------------------------------------------------------------------------------------------------- */

static void spread(struct assay_record *rec, const struct assay_served_spread *s, const enum assay_metric metric[3], enum assay_clock clock,
                   const char *none)
{
    const double value[] = {(double)s->p50_ns, (double)s->p90_ns, (double)s->p99_ns};
    for (int i = 0; i < 3; i++) {
        if (metric[i] == ASSAY_METRIC_COUNT)
            continue;
        if (s->n)
            assay_metric_set(rec, metric[i], value[i], s->n, clock);
        else
            assay_metric_absent(rec, metric[i], none);
    }
}

static void rate(struct assay_record *rec, enum assay_metric metric, double value, uint64_t n, enum assay_clock clock, const char *none)
{
    if (isfinite(value))
        assay_metric_set(rec, metric, value, n, clock);
    else
        assay_metric_absent(rec, metric, none);
}

static void of_requests(const struct assay_serve_told *t, const struct assay_served_metrics *m, struct assay_record *rec)
{
    static const enum assay_metric ttft[] = {ASSAY_METRIC_ttft_ns, ASSAY_METRIC_ttft_p90_ns, ASSAY_METRIC_ttft_p99_ns},
                                   tpot[] = {ASSAY_METRIC_tpot_ns, ASSAY_METRIC_tpot_p90_ns, ASSAY_METRIC_tpot_p99_ns},
                                   gap[] = {ASSAY_METRIC_itl_ns, ASSAY_METRIC_COUNT, ASSAY_METRIC_itl_p99_ns};
    static const char *const no_time = "the window has no length";
    spread(rec, &m->ttft, ttft, t->clock, "no request of the window was completed");
    spread(rec, &m->tpot, tpot, t->clock, "no request of the window has two tokens");
    spread(rec, &m->gap, gap, t->clock, "no request has two tokens");
    rate(rec, ASSAY_METRIC_tokens_per_s, m->tokens_per_s / t->devices, m->tokens, t->clock, no_time);
    rate(rec, ASSAY_METRIC_tokens_per_s_user, m->tokens_per_s_user, m->tpot.n, t->clock, "no request has a time per further token");
    rate(rec, ASSAY_METRIC_goodput_per_s, m->goodput_per_s, m->in_window, t->clock, no_time);
    rate(rec, ASSAY_METRIC_samples_per_s, m->requests_per_s, m->in_window, t->clock, no_time);
    rate(rec, ASSAY_METRIC_items_per_s, m->tokens_per_s, m->tokens, t->clock, no_time);
    assay_metric_set(rec, ASSAY_METRIC_requests_without_tpot, (double)m->without_tpot, m->in_window, 0);
    assay_metric_set(rec, ASSAY_METRIC_queries_failed, (double)m->failed, m->issued, 0);
}

/* What of devices a request and a token take. */
static void of_devices(const struct assay_serve_told *t, const struct assay_served_metrics *m, uint64_t tokens, struct assay_record *rec)
{
    double each_s = m->goodput_per_s / t->devices;
    rate(rec, ASSAY_METRIC_goodput_per_device_s, each_s, m->in_window, t->clock, "the window has no length");
    if (!(t->demand_per_s > 0))
        assay_metric_absent(rec, ASSAY_METRIC_devices_for_demand, "no demand was stated: +serving/demand_per_s=…");
    else if (!(each_s > 0))
        assay_metric_absent(rec, ASSAY_METRIC_devices_for_demand, "no request kept its limits");
    else
        assay_metric_set(rec, ASSAY_METRIC_devices_for_demand, t->demand_per_s / each_s, m->in_window, t->clock);
    if (t->joules > 0 && tokens)
        assay_metric_set(rec, ASSAY_METRIC_joules_per_token, t->joules / (double)tokens, tokens, 0);
    else
        assay_metric_absent(rec, ASSAY_METRIC_joules_per_token, !tokens ? "no token came"
                            : t->clock == ASSAY_CLOCK_MODEL ? "the model has no power for the device" : rec->metric[ASSAY_METRIC_energy_joules].why);
}

static void of_engine(const struct assay_serve_told *t, struct assay_record *rec)
{
    const struct assay_engine_counts *a = &t->result->engine, *b = &t->result->decode;
    uint64_t                          n, prompts = 0, reused = 0, steps = a->steps + b->steps;
    const struct assay_served_row    *row = assay_served_rows(t->result->served, &n);
    for (uint64_t i = 0; i < n; i++) {
        prompts += row[i].prompt_tokens;
        reused += row[i].reused_tokens;
    }
    assay_metric_set(rec, ASSAY_METRIC_preemptions, (double)(a->preemptions + b->preemptions), n, 0);
    if (prompts)
        assay_metric_set(rec, ASSAY_METRIC_prefix_reused_share, (double)reused / (double)prompts, n, 0);
    if (!steps)
        return;
    assay_metric_set(rec, ASSAY_METRIC_sequences_per_step, (double)(a->sequences + b->sequences) / (double)steps, steps, 0);
    assay_metric_set(rec, ASSAY_METRIC_engine_step_ns, (double)(a->host_ns + b->host_ns) / (double)steps, steps, t->clock);
}

static void without(struct assay_record *rec)
{
    static const struct { enum assay_metric metric; const char *why; } none[] = {
        {ASSAY_METRIC_flops_per_s, "a step has as many operations as there is in it: a served case has a rate of tokens"},
        {ASSAY_METRIC_bytes_per_s, "a step moves as many bytes as there is in it: a served case has a rate of tokens"},
        {ASSAY_METRIC_early_stopping_latency_ns, "served requests have limits instead"},
        {ASSAY_METRIC_lateness_p99_ns, "requests are looked for when a step begins: how late that is is part of their latency"},
        {ASSAY_METRIC_late_share, "requests are looked for when a step begins: how late that is is part of their latency"},
        {ASSAY_METRIC_batch_fill, "sequences_per_step says how full steps were"},
        {ASSAY_METRIC_peak_qps, "a rate was given: qps=0 finds the highest that is valid"},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assay_metric_absent(rec, none[i].metric, none[i].why);
}

/* ---- the limits ------------------------------------------------------------------------------------------------------ */

struct limit {
    const char *name;
    uint64_t    ns;
    uint64_t  (*of)(const struct assay_served_row *row); /* UINT64_MAX: there is none */
};

static uint64_t ttft(const struct assay_served_row *row)
{
    return row->output_tokens ? assay_served_ttft_ns(row) : UINT64_MAX;
}

/* A request of one token keeps a limit that it cannot break; LoadGen takes it for an error, so it is counted beside. */
static uint64_t tpot(const struct assay_served_row *row)
{
    uint64_t ns = 0;
    return assay_served_tpot_ns(row, &ns) ? ns : 0;
}

static size_t limits_of(const struct assay_scenario *s, struct limit out[3])
{
    const struct limit all[] = {{"ttft", s->ttft_ns, ttft}, {"tpot", s->tpot_ns, tpot}, {"latency", s->latency_ns, assay_served_latency_ns}};
    size_t             n = 0;
    for (size_t i = 0; i < 3; i++)
        if (all[i].ns)
            out[n++] = all[i];
    return n;
}

static int by_request(const void *a, const void *b)
{
    const struct assay_served_row *x = a, *y = b;
    return (x->request > y->request) - (x->request < y->request);
}

/* Rows by request are in the order of scheduled time. A failed request is over every limit. */
static void take(const struct limit *l, const struct assay_served_row *rows, uint64_t n, uint64_t *values)
{
    for (uint64_t i = 0; i < n; i++)
        values[i] = rows[i].status == ASSAY_OK ? l->of(&rows[i]) : UINT64_MAX;
}

struct verdicts {
    bool   all_valid, any_invalid, published;
    int    badness; /* of the worst limit so far, -1: there was none; with its margin it says which is told */
    double margin, phi;
};

/* Invalid is worse than undecided; of equal ones the one with less margin. */
static bool is_worse(const struct verdicts *so_far, const struct assay_settled_verdict *v, int *badness)
{
    double margin = isfinite(v->margin) ? v->margin : 0;
    *badness = v->verdict == ASSAY_SETTLED_INVALID ? 2 : v->verdict == ASSAY_SETTLED_VALID ? 0 : 1;
    return *badness > so_far->badness || (*badness == so_far->badness && margin < so_far->margin);
}

static void judge_limit(const struct assay_serve_told *t, const struct limit *l, size_t n_limits, const uint64_t *values, uint64_t n,
                        struct assay_record *rec, struct verdicts *so_far)
{
    struct assay_load           *load = &rec->load;
    struct assay_settled_verdict v;
    double                       p = t->scenario->percentile;
    uint64_t                     over = 0;
    for (uint64_t i = 0; i < n; i++)
        over += values[i] > l->ns;
    assay_settle(values + load->steady_first, n - load->steady_first, l->ns, p, SETTLED_LEVEL / (double)n_limits, load->duration_ns, &v);
    bool passes = assay_early_stopping_passes(p, n, over);
    int  badness;
    if (is_worse(so_far, &v, &badness)) { /* the worst of them is told, in words and numbers */
        (void)snprintf(load->settled, sizeof load->settled, "%s: %s", l->name, v.why);
        so_far->badness = badness;
        so_far->margin = isfinite(v.margin) ? v.margin : 0;
        so_far->phi = v.phi;
        load->over = over;
        load->allowed_within_ns = l->ns;
    }
    if (so_far->published) /* the first that fails, else the last */
        (void)snprintf(load->loadgen, sizeof load->loadgen, "%s: %s by early stopping: %" PRIu64 " of %" PRIu64 " over the limit need %" PRIu64 " within",
                       passes ? "valid" : "invalid", l->name, over, n, assay_early_stopping_within(p, over));
    so_far->all_valid = so_far->all_valid && v.verdict == ASSAY_SETTLED_VALID;
    so_far->any_invalid = so_far->any_invalid || v.verdict == ASSAY_SETTLED_INVALID;
    so_far->published = so_far->published && passes;
}

static void tell_verdicts(const struct assay_serve_told *t, const struct verdicts *v, size_t n_limits, uint64_t n, struct assay_record *rec)
{
    struct assay_load *load = &rec->load;
    bool               enough = t->scenario->type == ASSAY_TRACE || n >= assay_scenario_least(t->scenario);
    /* Elsewhere requests come until the time is over; all at once, they may be done too soon. */
    bool               long_enough = t->scenario->type != ASSAY_OFFLINE || load->duration_ns >= t->scenario->min_duration_ns;
    load->margin = v->margin;
    load->phi = v->phi;
    if (!n_limits) {
        (void)snprintf(load->settled, sizeof load->settled, "no limit was given: there is nothing to settle");
        (void)snprintf(load->loadgen, sizeof load->loadgen, "no limit was given");
    }
    if (v->all_valid && n_limits)
        assay_metric_set(rec, ASSAY_METRIC_settled_valid, 1, n, 0);
    else if (v->any_invalid)
        assay_metric_set(rec, ASSAY_METRIC_settled_valid, 0, n, 0);
    else
        assay_metric_absent(rec, ASSAY_METRIC_settled_valid, load->settled);
    assay_metric_set(rec, ASSAY_METRIC_loadgen_valid, v->published && enough && long_enough && !load->failed, n, 0);
    if (load->failed)
        (void)snprintf(load->invalid, sizeof load->invalid, "%" PRIu64 " of %" PRIu64 " requests failed, none may; first: %.100s", load->failed,
                       load->issued, load->failure);
    else if (!enough && !v->any_invalid)
        (void)snprintf(load->invalid, sizeof load->invalid, "%" PRIu64 " requests, %" PRIu64 " are wanted", n, assay_scenario_least(t->scenario));
    else if (!long_enough && !v->any_invalid)
        (void)snprintf(load->invalid, sizeof load->invalid, "all requests were done after %.3g s, at least %.3g s are wanted: more requests",
                       (double)load->duration_ns / 1e9, (double)t->scenario->min_duration_ns / 1e9);
    else if (n_limits && !v->all_valid)
        (void)snprintf(load->invalid, sizeof load->invalid, "%.199s", load->settled);
    else if (!v->published)
        (void)snprintf(load->invalid, sizeof load->invalid, "not %.190s", load->loadgen);
}

static void judge(const struct assay_serve_told *t, struct assay_served_row *rows, uint64_t *values, uint64_t n, struct assay_record *rec)
{
    struct limit    limit[3];
    size_t          n_limits = limits_of(t->scenario, limit);
    struct verdicts v = {.all_valid = true, .published = true, .badness = -1};
    struct assay_steady steady;
    qsort(rows, n, sizeof *rows, by_request);
    take(&(struct limit){.of = ttft}, rows, n, values); /* an empty engine's first burst shows in the wait for first tokens */
    assay_steady_find(values, n, &steady);
    rec->load.steady_first = steady.first;
    (void)snprintf(rec->load.steady, sizeof rec->load.steady, "%s", steady.why);
    for (size_t i = 0; i < n_limits; i++) {
        take(&limit[i], rows, n, values);
        judge_limit(t, &limit[i], n_limits, values, n, rec, &v);
    }
    tell_verdicts(t, &v, n_limits, n, rec);
    take(&(struct limit){.of = assay_served_latency_ns}, rows, n, values);
    assay_sort_u64(values, n);
    uint64_t at = assay_percentile_u64(values, n, t->scenario->percentile);
    if (at < UINT64_MAX)
        assay_metric_set(rec, ASSAY_METRIC_latency_at_percentile_ns, (double)at, n, t->clock);
    else
        assay_metric_absent(rec, ASSAY_METRIC_latency_at_percentile_ns, "so many requests failed that it has no end");
}

/* The limits of requests that were sorted, their opening left out. */
static void settle_limits(const struct assay_serve_told *t, double level, const struct assay_served_row *rows, uint64_t *values, uint64_t n,
                          struct assay_settled_verdict *out)
{
    struct limit        limit[3];
    size_t              n_limits = limits_of(t->scenario, limit);
    struct verdicts     so_far = {.badness = -1};
    struct assay_steady steady;
    uint64_t            span_ns = n ? rows[n - 1].scheduled_ns : 0;
    take(&(struct limit){.of = ttft}, rows, n, values);
    assay_steady_find(values, n, &steady);
    for (size_t i = 0; i < n_limits; i++) {
        struct assay_settled_verdict v;
        int                          badness;
        take(&limit[i], rows, n, values);
        assay_settle(values + steady.first, n - steady.first, limit[i].ns, t->scenario->percentile, level / (double)n_limits, span_ns, &v);
        if (!is_worse(&so_far, &v, &badness))
            continue;
        so_far.badness = badness;
        so_far.margin = isfinite(v.margin) ? v.margin : 0;
        *out = v;
    }
}

enum assay_code assay_serve_settle(const struct assay_serve_told *t, double level, struct assay_settled_verdict *out, struct assay_error *err)
{
    uint64_t                       n;
    const struct assay_served_row *rows = assay_served_rows(t->result->served, &n);
    struct assay_served_row       *sorted = malloc((n + 1) * sizeof *sorted);
    uint64_t                      *values = malloc((n + 1) * sizeof *values);
    enum assay_code                code = ASSAY_OK;
    *out = (struct assay_settled_verdict){.verdict = ASSAY_UNDECIDED};
    if (sorted && values) {
        memcpy(sorted, rows, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_request);
        settle_limits(t, level, sorted, values, n, out);
    } else {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge %" PRIu64 " requests", n);
    }
    free(sorted);
    free(values);
    return code;
}

/* ---- counts ---------------------------------------------------------------------------------------------------------- */

static void count(const struct assay_serve_told *t, const struct assay_served_metrics *m, const struct assay_served_row *rows, uint64_t n,
                  struct assay_load *load)
{
    const struct assay_scenario *s = t->scenario;
    load->issued = m->issued;
    load->completed = load->samples = m->completed;
    load->failed = m->failed;
    load->executions = t->result->engine.steps + t->result->decode.steps;
    load->percentile = s->percentile;
    load->rate = assay_scenario_rate(s);
    for (uint64_t i = 0; i < n; i++) {
        load->duration_ns = rows[i].completed_ns > load->duration_ns ? rows[i].completed_ns : load->duration_ns;
        if (rows[i].status != ASSAY_OK && !*load->failure)
            (void)snprintf(load->failure, sizeof load->failure, "request %" PRIu64 ": %.160s", rows[i].request,
                           t->result->failure.code ? t->result->failure.message : assay_code_text((enum assay_code)rows[i].status));
    }
}

enum assay_code assay_serve_tell(const struct assay_serve_told *t, struct assay_record *rec, struct assay_error *err)
{
    struct assay_served_limits     limits = {t->scenario->ttft_ns, t->scenario->tpot_ns, t->scenario->latency_ns};
    struct assay_served_metrics    m;
    uint64_t                       n, tokens = 0;
    const struct assay_served_row *rows = assay_served_rows(t->result->served, &n);
    for (uint64_t i = 0; i < n; i++)
        tokens += rows[i].output_tokens;
    if (assay_served_summarize(t->result->served, &limits, &m, err))
        return err->code;
    struct assay_served_row *sorted = malloc((n + 1) * sizeof *sorted);
    uint64_t                *values = malloc((n + 1) * sizeof *values);
    enum assay_code          code = ASSAY_OK;
    if (sorted && values) {
        memcpy(sorted, rows, n * sizeof *sorted);
        count(t, &m, rows, n, &rec->load);
        of_requests(t, &m, rec);
        of_devices(t, &m, tokens, rec);
        of_engine(t, rec);
        without(rec);
        judge(t, sorted, values, n, rec);
    } else {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge %" PRIu64 " requests", n);
    }
    free(sorted);
    free(values);
    return code;
}
