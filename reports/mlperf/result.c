#include "reports/mlperf/result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/load/verdict_loadgen.h"
#include "harness/measure/statistics.h"
#include "harness/store/run_folder.h"

#include "assay/banned.h"

const double assay_mlperf_percentile[ASSAY_MLPERF_PERCENTILES] = {0.50, 0.90, 0.95, 0.97, 0.99, 0.999};

double assay_mlperf_per_second(double n, uint64_t ns)
{
    return ns ? n * 1e9 / (double)ns : 0;
}

/* ---- what cannot be one ------------------------------------------------------------------------------------------- */

static enum assay_code refuse(const struct assay_record *r, const struct assay_scenario *s, enum assay_mlperf_scenario *kind,
                              struct assay_error *err)
{
    if (!s->type)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the case has no scenario: nothing arrived");
    if (!assay_mlperf_scenario_of(s->type, kind))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the scenario is none of MLPerf's");
    if (r->device.clock == ASSAY_CLOCK_MODEL || r->evidence != ASSAY_EVIDENCE_MEASURED)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "it is %s, not measured: only what was measured on a real clock is written as a log",
                          r->evidence ? assay_evidence_name(r->evidence) : "without evidence");
    if (r->status != ASSAY_STATUS_OK)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "it ended as '%s': %.150s", assay_status_name(r->status), r->reason);
    return ASSAY_OK;
}

/* ---- spreads ------------------------------------------------------------------------------------------------------ */

/* values are sorted on the way. */
static void spread(uint64_t *values, size_t n, struct assay_mlperf_spread *out)
{
    double sum = 0;
    *out = (struct assay_mlperf_spread){.n = n};
    if (!n)
        return;
    assay_sort_u64(values, n);
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i];
    out->min_ns = values[0];
    out->max_ns = values[n - 1];
    out->mean_ns = (uint64_t)(sum / (double)n);
    for (int p = 0; p < ASSAY_MLPERF_PERCENTILES; p++)
        out->at_ns[p] = assay_percentile_u64(values, n, assay_mlperf_percentile[p]);
}

static uint64_t count_over(const uint64_t *sorted, size_t n, uint64_t limit)
{
    uint64_t over = 0;
    while (limit && over < n && sorted[n - 1 - over] > limit)
        over++;
    return over;
}

/* ---- the rules ---------------------------------------------------------------------------------------------------- */

static bool waits(const struct assay_mlperf_result *r)
{
    return r->kind == ASSAY_MLPERF_SINGLE_STREAM || r->kind == ASSAY_MLPERF_MULTI_STREAM;
}

/* One limit of a server's; adds to the sentence. */
static bool stops_at(const struct assay_mlperf_result *r, const char *name, uint64_t n, uint64_t over, struct assay_text *say)
{
    bool passes = assay_early_stopping_passes(r->scenario.percentile, n, over);
    assay_text_add(say, "%s%s%" PRIu64 " of %" PRIu64 " over the limit need %" PRIu64 " within", say->length ? "; " : "", name, over, n,
                   assay_early_stopping_within(r->scenario.percentile, over));
    return passes;
}

static void stop_waiting(struct assay_mlperf_result *r, const uint64_t *sorted, size_t n, struct assay_text *say)
{
    uint64_t t = assay_early_stopping_discard(r->scenario.percentile, n);
    r->stops_early = t > 0;
    r->early_stopping_ns = t ? sorted[n - t] : 0;
    if (t)
        assay_text_add(say, "%zu queries, %" PRIu64 " discarded", n, t);
    else
        assay_text_add(say, "%zu queries are too few for percentile %g", n, 100 * r->scenario.percentile);
}

static void conclude(struct assay_mlperf_result *r)
{
    const struct assay_scenario     *s = &r->scenario;
    const struct assay_metric_value *published = &r->record->metric[ASSAY_METRIC_loadgen_valid];
    r->long_enough = (r->kind == ASSAY_MLPERF_OFFLINE ? r->longest_ns : r->last_scheduled_ns) >= s->min_duration_ns;
    r->many_enough = r->queries >= assay_scenario_least(s);
    r->valid = r->stops_early && r->long_enough && r->many_enough && r->within_limits && !r->record->load.failed &&
               published->has_value && published->value > 0; /* what the run itself found counts too */
}

/* ---- queries of a graph ------------------------------------------------------------------------------------------- */

/* Where not every query was kept those that were stand for all. */
static void from_queries(struct assay_mlperf_result *r, const struct assay_query_row *rows, size_t n, uint64_t *values)
{
    const struct assay_load *load = &r->record->load;
    struct assay_text        say = ASSAY_TEXT(r->early_stopping);
    size_t                   m = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].scheduled_ns >= r->last_scheduled_ns) {
            r->last_scheduled_ns = rows[i].scheduled_ns;
            r->last_done_ns = rows[i].completed_ns;
        }
        if (!rows[i].status)
            values[m++] = rows[i].completed_ns - rows[i].scheduled_ns;
    }
    r->queries = load->issued;
    r->samples = load->samples;
    r->longest_ns = load->duration_ns;
    spread(values, m, &r->latency);
    r->over = load->every > 1 ? load->over : count_over(values, m, r->scenario.latency_ns);
    r->stops_early = r->within_limits = true;
    if (waits(r))
        stop_waiting(r, values, m, &say);
    else if (r->kind == ASSAY_MLPERF_SERVER && r->scenario.latency_ns)
        r->within_limits = r->stops_early = stops_at(r, "", load->completed, r->over, &say);
}

/* ---- served requests ---------------------------------------------------------------------------------------------- */

static size_t take(const struct assay_served_row *rows, size_t n, int what, uint64_t *values)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t ns = 0;
        if (rows[i].status || !rows[i].output_tokens)
            continue;
        if (what == 0)
            ns = assay_served_latency_ns(&rows[i]);
        else if (what == 1)
            ns = assay_served_ttft_ns(&rows[i]);
        else if (!assay_served_tpot_ns(&rows[i], &ns))
            continue;
        values[m++] = ns;
    }
    return m;
}

static void from_served(struct assay_mlperf_result *r, const struct assay_served_row *rows, size_t n, uint64_t *values)
{
    const struct assay_scenario *s = &r->scenario;
    struct assay_text            say = ASSAY_TEXT(r->early_stopping);
    const struct { const char *name; uint64_t limit; struct assay_mlperf_spread *to; } figures[] = {
        {"latency: ", s->latency_ns, &r->latency}, {"first token: ", s->ttft_ns, &r->ttft}, {"further tokens: ", s->tpot_ns, &r->tpot}};
    bool limited = r->kind == ASSAY_MLPERF_SERVER || r->kind == ASSAY_MLPERF_INTERACTIVE;
    r->stops_early = r->within_limits = true;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].scheduled_ns >= r->last_scheduled_ns) {
            r->last_scheduled_ns = rows[i].scheduled_ns;
            r->last_done_ns = rows[i].completed_ns;
        }
        r->longest_ns = rows[i].completed_ns > r->longest_ns ? rows[i].completed_ns : r->longest_ns;
        r->samples += rows[i].status == 0;
        r->tokens_n += rows[i].status ? 0 : rows[i].output_tokens;
    }
    r->queries = n;
    for (int k = 0; k < 3; k++) {
        size_t m = take(rows, n, k, values);
        spread(values, m, figures[k].to);
        uint64_t over = count_over(values, m, figures[k].limit);
        if (k == 0)
            r->over = over;
        if (limited && figures[k].limit && !stops_at(r, figures[k].name, m, over, &say))
            r->stops_early = r->within_limits = false;
        if (k == 0 && waits(r))
            stop_waiting(r, values, m, &say);
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static enum assay_code read_rows(const char *folder, struct assay_mlperf_result *r, struct assay_error *err)
{
    struct assay_query_row  *queries = NULL;
    struct assay_served_row *served = NULL;
    uint64_t                *values = NULL;
    size_t                   n = 0;
    enum assay_code code = r->tokens ? assay_served_read(folder, r->record, &served, &n, err) : assay_queries_read(folder, r->record, &queries, &n, err);
    if (code)
        return code;
    values = malloc((n + 1) * sizeof *values);
    if (!values)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu latencies", n);
    else if (r->tokens)
        from_served(r, served, n, values);
    else
        from_queries(r, queries, n, values);
    free(values);
    free(queries);
    free(served);
    if (!code)
        conclude(r);
    return code;
}

enum assay_code assay_mlperf_result_read(const char *folder, const struct assay_record *record, uint64_t run_seed,
                                         struct assay_mlperf_result *out, struct assay_error *err)
{
    struct assay_case c;
    *out = (struct assay_mlperf_result){.record = record};
    if (assay_case_parse(record->case_name, &c, err))
        return err->code;
    out->scenario = c.scenario;
    out->tokens = assay_case_is_served(&c);
    assay_case_release(&c);
    if (refuse(record, &out->scenario, &out->kind, err))
        return err->code;
    if (assay_seeds_of(out->scenario.seeds, run_seed, record->launch, &out->seeds, err))
        return err->code;
    return read_rows(folder, out, err);
}
