#include "harness/run/load_verdict.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/load/peak.h"
#include "harness/load/steady.h"
#include "harness/load/verdict_loadgen.h"
#include "harness/measure/statistics.h"
#include "harness/run/case_metrics.h"

#include "assay/banned.h"

#define LATE_LEAST_NS 100000u
#define LATE_SHARE_OF_LIMIT 0.02
#define LATE_SHARE_OF_ALLOWED 0.5 /* of the share of latencies that may be over the limit, so many executions may be late */
#define OVERLOADED 0.05           /* of the time of all arrivals, that the last completion comes behind the last arrival */
#define SETTLED_LEVEL 0.01        /* of the verdict's error */

uint64_t assay_lateness_limit_ns(const struct assay_scenario *s)
{
    uint64_t share = (uint64_t)(LATE_SHARE_OF_LIMIT * (double)s->latency_ns);
    return share > LATE_LEAST_NS ? share : LATE_LEAST_NS;
}

static bool waits(const struct assay_scenario *s)
{
    return s->type == ASSAY_SINGLE_STREAM || s->type == ASSAY_MULTI_STREAM;
}

/* ---- settled ------------------------------------------------------------------------------------------------- */

void assay_load_settle(const struct assay_scenario *s, const struct assay_drive_result *r, const struct assay_series *series,
                       double level, uint64_t *latencies, size_t *first, char *steady, struct assay_settled_verdict *out)
{
    struct assay_steady found;
    for (size_t i = 0; i < series->n; i++) {
        const struct assay_query_row *row = &series->rows[i];
        latencies[i] = row->status ? UINT64_MAX : row->completed_ns - row->scheduled_ns;
    }
    assay_steady_find(latencies, series->n, &found);
    *first = found.first;
    (void)snprintf(steady, 160, "%s", found.why);
    size_t n = series->n - found.first;
    uint64_t span = n ? r->last_completed_ns - series->rows[found.first].scheduled_ns : 0;
    assay_settle(latencies + found.first, n, s->latency_ns, s->percentile, level, span, out);
}

static void tell_settled(const struct assay_scenario *s, const struct assay_settled_verdict *v, struct assay_record *rec)
{
    struct assay_load *load = &rec->load;
    load->phi = v->phi;
    load->margin = isfinite(v->margin) ? v->margin : 0;
    load->percentile = s->percentile;
    (void)snprintf(load->settled, sizeof load->settled, "%s", v->why);
    if (v->verdict == ASSAY_UNDECIDED)
        assay_metric_absent(rec, ASSAY_METRIC_settled_valid, v->why);
    else
        assay_metric_set(rec, ASSAY_METRIC_settled_valid, v->verdict == ASSAY_SETTLED_VALID, v->n, 0);
}

/* ---- by the published rules ----------------------------------------------------------------------------------- */

static void seconds(struct assay_text *text, uint64_t ns)
{
    assay_string_quantity(text, (double)ns / 1e9, "s", 3);
}

/* What LoadGen calls the duration: of offline the whole, of a server up to the last arrival, else up to the last issue. */
static uint64_t duration_by_rule(const struct assay_scenario *s, const struct assay_drive_result *r)
{
    return s->type == ASSAY_OFFLINE ? r->last_completed_ns : r->last_scheduled_ns;
}

static bool early_stopping(const struct assay_scenario *s, const struct assay_drive_result *r, uint64_t over,
                           struct assay_text *why)
{
    if (s->type == ASSAY_OFFLINE)
        return true;
    if (waits(s)) {
        uint64_t t = assay_early_stopping_discard(s->percentile, r->completed);
        if (t)
            assay_text_add(why, "; early stopping discards %" PRIu64 " of %" PRIu64 " latencies", t, r->completed);
        else
            assay_text_add(why, "; early stopping: %" PRIu64 " latencies are too few for percentile %g", r->completed,
                           100 * s->percentile);
        return t > 0;
    }
    if (!s->latency_ns) {
        assay_text_add(why, "; no latency limit was given");
        return true;
    }
    bool passes = assay_early_stopping_passes(s->percentile, r->completed, over);
    assay_text_add(why, "; early stopping: %" PRIu64 " of %" PRIu64 " over the limit need %" PRIu64 " within", over, r->completed,
                   assay_early_stopping_within(s->percentile, over));
    return passes;
}

static bool by_published_rules(const struct assay_scenario *s, const struct assay_drive_result *r, uint64_t over,
                               struct assay_record *rec)
{
    struct assay_text text = ASSAY_TEXT(rec->load.loadgen);
    uint64_t          least = assay_scenario_least(s), took = duration_by_rule(s, r);
    bool              traced = s->type == ASSAY_TRACE, enough = traced || r->issued >= least, long_enough = traced ||
        took >= s->min_duration_ns;
    char              rest[160];
    struct assay_text why = ASSAY_TEXT(rest);
    bool              valid = early_stopping(s, r, over, &why) && enough && long_enough && !r->failed && r->completed;
    assay_text_add(&text, "%s: %" PRIu64 " queries %s %" PRIu64 ", ", valid ? "valid" : "invalid", r->issued, enough
                   ? ">=" : "<", least);
    seconds(&text, took);
    assay_text_add(&text, " %s ", long_enough ? ">=" : "<");
    seconds(&text, s->min_duration_ns);
    assay_text_add(&text, "%s%s", r->failed ? "; queries failed" : "", rest);
    assay_metric_set(rec, ASSAY_METRIC_loadgen_valid, valid, r->issued, 0);
    return valid;
}

static void discarded_latency(const struct assay_scenario *s, const struct assay_drive_result *r, enum assay_clock clock,
                              struct assay_record *rec)
{
    uint64_t t = waits(s) ? assay_early_stopping_discard(s->percentile, r->completed) : 0;
    if (!waits(s))
        assay_metric_absent(rec, ASSAY_METRIC_early_stopping_latency_ns, "only single_stream and multi_stream have one");
    else if (!t)
        assay_metric_absent(rec, ASSAY_METRIC_early_stopping_latency_ns, "too few queries for this percentile");
    else
        assay_metric_set(rec, ASSAY_METRIC_early_stopping_latency_ns,
                         (double)assay_histogram_percentile(&r->latency, (double)(r->completed - t) / (double)r->completed),
                             r->completed,
                         clock);
}

/* ---- which rule is broken -------------------------------------------------------------------------------------- */

static double late_share(const struct assay_drive_result *r)
{
    return r->executions ? (double)r->late / (double)r->executions : 0;
}

static double late_allowed(const struct assay_scenario *s)
{
    return LATE_SHARE_OF_ALLOWED * (1 - s->percentile);
}

static bool broken_by_failures(const struct assay_drive_result *r, struct assay_text *out)
{
    if (r->failed)
        assay_text_add(out, "%" PRIu64 " of %" PRIu64 " queries failed, none may; first: %.100s%s", r->failed, r->issued,
                       r->first_failure.message,
                       r->gave_up ? " (given up)" : "");
    else if (!r->completed)
        assay_text_add(out, "no query was issued");
    return out->length > 0;
}

/* What came was more than what could be served, so that a queue grew to the end: all else follows from that. */
static bool is_overloaded(const struct assay_scenario *s, const struct assay_drive_result *r)
{
    double spare = OVERLOADED * (double)r->last_scheduled_ns;
    double behind = (double)r->last_completed_ns - (double)r->last_scheduled_ns;
    return s->type == ASSAY_SERVER && behind > spare && behind > (double)s->latency_ns;
}

static void find_broken(const struct assay_scenario *s, const struct assay_drive_result *r, const struct assay_settled_verdict *v,
                        bool published, struct assay_load *load)
{
    struct assay_text out = ASSAY_TEXT(load->invalid);
    if (broken_by_failures(r, &out))
        return;
    if (r->hit_wall_limit)
        assay_text_add(&out, "max_duration_s=%.4g ended it after %" PRIu64 " queries, before its minimum: a longer one, or fewer "
                       "queries", (double)s->max_duration_ns / 1e9, r->issued);
    else if (is_overloaded(s, r))
        assay_text_add(&out, "overloaded: %.4g queries a second came, %.4g were served: a lower rate", s->qps,
                       (double)r->completed * 1e9 / (double)r->last_completed_ns);
    else if (late_share(r) > late_allowed(s))
        assay_text_add(&out, "%.3g %% of the executions were issued more than %.3g us late, %.3g %% may be: a quieter machine or "
                       "a lower rate",
                       100 * late_share(r), (double)load->lateness_limit_ns / 1e3, 100 * late_allowed(s));
    else if (s->latency_ns && v->verdict == ASSAY_SETTLED_INVALID)
        assay_text_add(&out, "%.3g %% of the latencies are over %.4g ms, %.3g %% may be: a lower rate or a larger limit",
                       100 * (double)v->over / (double)(v->n ? v->n : 1), (double)s->latency_ns / 1e6, 100 * (1 - s->percentile));
    else if (s->latency_ns && v->verdict == ASSAY_UNDECIDED && isfinite(v->more_seconds))
        assay_text_add(&out, "it is undecided whether the limit of %.4g ms is kept: about %.3g s more",
                       (double)s->latency_ns / 1e6, v->more_seconds);
    else if (s->latency_ns && v->verdict == ASSAY_UNDECIDED)
        assay_text_add(&out, "it is undecided whether the limit of %.4g ms is kept: the share over it is as large as it may be",
                       (double)s->latency_ns / 1e6);
    else if (!published)
        assay_text_add(&out, "MLPerf's rules: %.180s", load->loadgen);
}

/* ---- figures ---------------------------------------------------------------------------------------------------- */

static void count(const struct assay_scenario *s, const struct assay_drive_result *r, const struct assay_series *series,
                  struct assay_load *load)
{
    load->issued = r->issued;
    load->completed = r->completed;
    load->failed = r->failed;
    load->samples = r->samples;
    load->executions = r->executions;
    load->most_in_flight = r->most_in_flight;
    load->duration_ns = r->last_completed_ns;
    load->first_issue_ns = r->first_issue_ns;
    load->late = r->late;
    load->lateness_limit_ns = assay_lateness_limit_ns(s);
    load->lateness_max_ns = r->lateness.max_ns;
    load->kept = series->n;
    load->every = series->every;
    load->allowed_within_ns = s->latency_ns;
    load->percentile = s->percentile;
    load->rate = assay_scenario_rate(s);
    if (r->first_failure.code)
        (void)snprintf(load->failure, sizeof load->failure, "%.190s", r->first_failure.message);
}

static void rates(const struct assay_scenario *s, const struct assay_drive_result *r, enum assay_clock clock,
                  struct assay_record *rec)
{
    static const char *const why = "a case with a scenario has a rate of samples";
    double                   per_s = r->last_completed_ns ? (double)r->samples * 1e9 / (double)r->last_completed_ns : 0;
    assay_metric_absent(rec, ASSAY_METRIC_flops_per_s, why);
    assay_metric_absent(rec, ASSAY_METRIC_bytes_per_s, why);
    if (per_s > 0) {
        assay_metric_set(rec, ASSAY_METRIC_samples_per_s, per_s, r->samples, clock);
        assay_metric_set(rec, ASSAY_METRIC_items_per_s, per_s * (double)rec->items, r->samples, clock);
    } else {
        assay_metric_absent(rec, ASSAY_METRIC_samples_per_s, r->samples ? "the clock did not move" : "no query was completed");
        assay_metric_absent(rec, ASSAY_METRIC_items_per_s, r->samples ? "the clock did not move" : "no query was completed");
    }
    assay_metric_set(rec, ASSAY_METRIC_queries_failed, (double)r->failed, r->issued, 0);
    if (r->executions) {
        assay_metric_set(rec, ASSAY_METRIC_lateness_p99_ns, (double)assay_histogram_percentile(&r->lateness, 0.99),
                         r->executions, clock);
        assay_metric_set(rec, ASSAY_METRIC_late_share, late_share(r), r->executions, 0);
        assay_metric_set(rec, ASSAY_METRIC_batch_fill, (double)r->samples / (double)r->places, r->executions, 0);
    }
    if (r->completed)
        assay_metric_set(rec, ASSAY_METRIC_latency_at_percentile_ns, (double)assay_histogram_percentile(&r->latency,
            s->percentile),
                         r->completed, clock);
    else
        assay_metric_absent(rec, ASSAY_METRIC_latency_at_percentile_ns, "no query was completed");
}

void assay_load_judge(const struct assay_scenario *s, const struct assay_drive_result *r, const struct assay_series *series,
                      uint64_t *latencies, enum assay_clock clock, struct assay_record *rec)
{
    struct assay_settled_verdict v = {.verdict = ASSAY_UNDECIDED};
    size_t                       first = 0;
    count(s, r, series, &rec->load);
    rates(s, r, clock, rec);
    discarded_latency(s, r, clock, rec);
    assay_load_settle(s, r, series, SETTLED_LEVEL, latencies, &first, rec->load.steady, &v);
    rec->load.steady_first = first;
    if (s->latency_ns) {
        rec->load.over = (uint64_t)llround(assay_histogram_over(&r->latency, s->latency_ns));
        tell_settled(s, &v, rec);
    } else {
        (void)snprintf(rec->load.settled, sizeof rec->load.settled, "no latency limit was given: there is nothing to settle");
        assay_metric_absent(rec, ASSAY_METRIC_settled_valid, rec->load.settled);
    }
    bool published = by_published_rules(s, r, rec->load.over, rec);
    find_broken(s, r, &v, published, &rec->load);
    assay_metric_absent(rec, ASSAY_METRIC_peak_qps, "a rate was given: qps=0 finds the highest that is valid");
}

void assay_load_tell_peak(const struct assay_peak *peak, struct assay_record *rec)
{
    struct assay_metric_value *m = &rec->metric[ASSAY_METRIC_peak_qps];
    const struct assay_metric_value *settled = &rec->metric[ASSAY_METRIC_settled_valid];
    struct assay_text          text = ASSAY_TEXT(rec->load.peak);
    assay_peak_say(peak, &text);
    if (peak->low_qps <= 0)
        assay_metric_absent(rec, ASSAY_METRIC_peak_qps, "no rate was settled to be valid");
    else if (!settled->has_value || settled->value < 1)
        assay_metric_absent(rec, ASSAY_METRIC_peak_qps, "the rate that the search found was not settled to be valid when run "
                            "once more");
    else
        assay_metric_set(rec, ASSAY_METRIC_peak_qps, peak->low_qps, peak->n, 0);
    if (m->has_value && peak->high_qps > 0) {
        m->has_interval = true;
        m->low = peak->low_qps;
        m->high = peak->high_qps;
        m->level = 1 - ASSAY_PEAK_LEVEL;
    }
}

void assay_load_tell_batches(const struct assay_batches *batches, struct assay_record *rec)
{
    struct assay_load *load = &rec->load;
    for (uint32_t i = 0; i < batches->n && i < ASSAY_RECORD_MAX_TRIED; i++) {
        const struct assay_batch_step *step = &batches->step[i];
        struct assay_tried            *row = &load->tried[load->n_tried++];
        *row = (struct assay_tried){.max_batch = step->max_batch, .looks = step->peak.n, .low_qps = step->peak.low_qps,
                                    .high_qps = step->peak.high_qps};
        (void)assay_string_copy(row->why, sizeof row->why, step->why);
    }
}
