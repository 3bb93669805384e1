#include "harness/run/case_metrics.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/ir/live.h"
#include "harness/load/graph_target.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/counters.h"
#include "harness/measure/power.h"
#include "harness/measure/statistics.h"
#include "harness/run/case_draw.h"
#include "harness/run/drawn_levels.h"
#include "harness/run/session_counters.h"
#include "harness/verify/witness.h"

#include "assay/banned.h"

static void set_estimate(struct assay_record *rec, enum assay_metric metric, const struct assay_estimate *e)
{
    if (e->has_value)
        assay_metric_set(rec, metric, e->value, e->n, 0);
    else
        assay_metric_absent(rec, metric, e->why);
}

static void rate_metrics(const struct assay_course *c, double median_ns, uint64_t n, enum assay_clock clock)
{
    struct assay_record *rec = c->record;
    double                     seconds = median_ns / 1e9, bytes = (double)(rec->read_bytes + rec->written_bytes);
    const char                *instant = "the clock did not move during an execution";
    struct { enum assay_metric metric; double amount; const char *none; } rate[] = {
        {ASSAY_METRIC_flops_per_s, (double)rec->flops, "the case has no floating-point operations"},
        {ASSAY_METRIC_bytes_per_s, bytes, "the case moves no bytes"},
        {ASSAY_METRIC_items_per_s, (double)rec->items, "the case has no items"},
        {ASSAY_METRIC_message_bytes_per_s, (double)c->message_bytes, "the case is no exchange between ranks"},
        {ASSAY_METRIC_link_bytes_per_s, (double)c->message_bytes * c->link_factor, "the case is no exchange between ranks"},
    };
    for (size_t i = 0; i < sizeof rate / sizeof *rate; i++) {
        if (rate[i].amount <= 0)
            assay_metric_absent(rec, rate[i].metric, rate[i].none);
        else if (seconds <= 0)
            assay_metric_absent(rec, rate[i].metric, instant);
        else
            assay_metric_set(rec, rate[i].metric, rate[i].amount / seconds, n, clock);
    }
}

static void latency_metrics(const struct assay_course *c)
{
    struct assay_record                   *rec = c->record;
    const struct assay_closed_loop_result *loop = &c->loop;
    enum assay_clock                       clock = c->opened.device.clock;
    struct assay_launch_summary            sum;
    uint64_t                              *sorted = malloc(loop->n * sizeof *sorted);
    if (!sorted) {
        assay_metric_absent(rec, ASSAY_METRIC_latency_ns, "no memory to sort the samples");
        return;
    }
    assay_launch_summarize(c->samples.at, loop->n, sorted, &sum);
    assay_metric_set(rec, ASSAY_METRIC_latency_ns, sum.median_ns, loop->n, clock);
    assay_metric_set(rec, ASSAY_METRIC_latency_p90_ns, (double)assay_percentile_u64(sorted, loop->n, 0.90), loop->n, clock);
    struct assay_estimate p99 = assay_estimate_percentile(sorted, loop->n, sum.effective_n, 0.99, 0.95);
    if (p99.has_interval)
        assay_metric_set(rec, ASSAY_METRIC_latency_p99_ns, (double)assay_percentile_u64(sorted, loop->n, 0.99), loop->n, clock);
    else
        assay_metric_absent(rec, ASSAY_METRIC_latency_p99_ns, p99.why);
    if (sum.median_ns > 0)
        assay_metric_set(rec, ASSAY_METRIC_latency_spread, (sum.p75_ns - sum.p25_ns) / sum.median_ns, loop->n, 0);
    else
        assay_metric_absent(rec, ASSAY_METRIC_latency_spread, "the median is zero");
    rate_metrics(c, sum.median_ns, loop->n, clock);
    free(sorted);
}

/* What bursts of one ceiling gave, and the case's rate against the burst beside each batch. */
static void against_ceiling(const struct assay_course *c, const double *burst, double amount, const enum assay_metric metric[3],
                            const char *none)
{
    struct assay_record                   *rec = c->record;
    const struct assay_closed_loop_result *loop = &c->loop;
    double                                 rate[ASSAY_MAX_PAIRS];
    uint64_t                               sorted[ASSAY_MAX_PAIRS];
    uint32_t                               n = loop->n_pairs;
    for (uint32_t i = 0; i < n; i++) {
        rate[i] = loop->batch_median_ns[i] > 0 ? amount / (loop->batch_median_ns[i] / 1e9) : 0;
        sorted[i] = (uint64_t)burst[i];
    }
    struct assay_estimate share = assay_estimate_interleaved(burst, rate, n, 0.95, c->job->seed);
    if (amount > 0)
        set_estimate(rec, metric[0], &share);
    else
        assay_metric_absent(rec, metric[0], none);
    assay_sort_u64(sorted, n);
    assay_metric_set(rec, metric[1], assay_median_u64(sorted, n), n, 0);
    assay_metric_set(rec, metric[2], (double)sorted[n - 1], n, 0);
}

static void ceiling_metrics(const struct assay_course *c)
{
    static const enum assay_metric peak[] = {ASSAY_METRIC_peak_share, ASSAY_METRIC_ceiling_flops_per_s,
                                             ASSAY_METRIC_ceiling_best_flops_per_s};
    static const enum assay_metric triad[] = {ASSAY_METRIC_bandwidth_share, ASSAY_METRIC_ceiling_bytes_per_s,
                                              ASSAY_METRIC_ceiling_best_bytes_per_s};
    struct assay_record *rec = c->record;
    if (c->ceiling && c->loop.n_pairs) {
        against_ceiling(c, c->loop.peak_flops_per_s, (double)rec->flops, peak, "the case has no floating-point operations");
        against_ceiling(c, c->loop.triad_bytes_per_s, (double)(rec->read_bytes + rec->written_bytes), triad,
                        "the case moves no bytes");
        /* A busy neighbour can slow every burst that there was; the clock says what they would have given. */
        char   how[128];
        double nominal = assay_ceiling_nominal_flops_per_s(c->ceiling, how);
        if (nominal > rec->metric[ASSAY_METRIC_ceiling_best_flops_per_s].value)
            rec->metric[ASSAY_METRIC_ceiling_best_flops_per_s].value = nominal;
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        assay_metric_absent(rec, peak[i], c->ceiling ? "no burst was run beside this case" : c->why_no_ceiling);
        assay_metric_absent(rec, triad[i], c->ceiling ? "no burst was run beside this case" : c->why_no_ceiling);
    }
}

/* What one execution needs: a working set without the places of further slots. */
static double memory_needed(const struct assay_graph *g)
{
    struct assay_live live;
    double            inputs = 0;
    if (!assay_graph_live(g, &live))
        return 0;
    for (uint32_t v = 0; v < g->n_values; v++)
        inputs += g->values[v].role == ASSAY_ROLE_INPUT ? (double)g->values[v].bytes : 0;
    return (double)live.param_bytes + (double)live.state_bytes + (double)live.peak_bytes + inputs;
}

static void device_memory_metrics(const struct assay_course *c)
{
    struct assay_record *rec = c->record;
    struct assay_memory  held = {.size = sizeof held};
    uint64_t             all, one, ignored;
    const char          *why = !ASSAY_HAS(c->opened.backend, memory) ? "the back end does not tell what memory it holds"
                               : !c->target                          ? "the buffers of a training are gone when it has ended"
                                                                     : NULL;
    if (why) {
        assay_metric_absent(rec, ASSAY_METRIC_device_memory_bytes, why);
        assay_metric_absent(rec, ASSAY_METRIC_device_memory_share, why);
        return;
    }
    c->opened.backend->memory(c->opened.session, &held);
    double bytes = (double)held.buffer_bytes + (double)held.program_bytes, needed = memory_needed(c->graph);
    assay_graph_target_bytes(c->graph, c->sets, &all, &ignored);
    assay_graph_target_bytes(c->graph, 1, &one, &ignored);
    assay_metric_set(rec, ASSAY_METRIC_device_memory_bytes, bytes, 1, 0);
    if (needed > 0)
        assay_metric_set(rec, ASSAY_METRIC_device_memory_share, (bytes - (double)(all - one) - (double)c->spare_bytes) / needed, 1, 0);
    else
        assay_metric_absent(rec, ASSAY_METRIC_device_memory_share, "the graph needs no memory");
}

static void memory_metrics(const struct assay_course *c)
{
    struct assay_record *rec = c->record;
    double               peak;
    uint64_t             after[2], most = 0, watched = c->loop.n - c->settled_n;
    assay_course_memory(after);
    for (int i = 0; i < 2; i++)
        if (after[i] > c->memory_before[i] && after[i] - c->memory_before[i] > most)
            most = after[i] - c->memory_before[i];
    if (!assay_allocations_counted()) /* the allocator is a sanitizer's */
        assay_metric_absent(rec, ASSAY_METRIC_memory_growth_bytes, "this build's own memory grows with every execution");
    else if (c->settled_n && watched)
        assay_metric_set(rec, ASSAY_METRIC_memory_growth_bytes, (double)most / (double)watched, watched, 0);
    else
        assay_metric_absent(rec, ASSAY_METRIC_memory_growth_bytes, "there was only one batch of iterations");
    device_memory_metrics(c);
    if (assay_counters_peak_resident(&peak))
        assay_metric_set(rec, ASSAY_METRIC_resident_peak_bytes, peak, 1, 0);
    else
        assay_metric_absent(rec, ASSAY_METRIC_resident_peak_bytes, "/proc/self/status has no peak of the resident set");
}

static void resource_metrics(const struct assay_course *c)
{
    struct assay_record                   *rec = c->record;
    const struct assay_closed_loop_result *loop = &c->loop;
    double                                 n = (double)loop->n;
    memory_metrics(c);
    if (assay_allocations_counted()) {
        assay_metric_set(rec, ASSAY_METRIC_harness_allocations, (double)loop->allocations.by_harness, loop->n, 0);
        assay_metric_set(rec, ASSAY_METRIC_plugin_allocations, (double)loop->allocations.by_plugin, loop->n, 0);
    } else {
        assay_metric_absent(rec, ASSAY_METRIC_harness_allocations, "this build cannot count allocations");
        assay_metric_absent(rec, ASSAY_METRIC_plugin_allocations, "this build cannot count allocations");
    }
    if (c->opened.device.clock == ASSAY_CLOCK_HOST)
        assay_metric_set(rec, ASSAY_METRIC_harness_overhead_ns, (double)(loop->timed_wall_ns - loop->timed_span_ns) / n, loop->n,
                         ASSAY_CLOCK_HOST);
    else
        assay_metric_absent(rec, ASSAY_METRIC_harness_overhead_ns, "executions are not timed by the host's clock");
    if (loop->device_ns_n)
        assay_metric_set(rec, ASSAY_METRIC_device_ns, (double)loop->device_ns_sum / (double)loop->device_ns_n,
                         loop->device_ns_n, ASSAY_CLOCK_DEVICE);
    else
        assay_metric_absent(rec, ASSAY_METRIC_device_ns,
                            *loop->last.why_no_device_ns ? loop->last.why_no_device_ns
                                                         : "the back end gave no device time and no reason");
    struct assay_counter energy = assay_meter_read(c->meter, rec->energy_source);
    if (energy.status == ASSAY_COUNTER_UNAVAILABLE)
        assay_metric_absent(rec, ASSAY_METRIC_energy_joules, energy.why);
    else
        assay_metric_set(rec, ASSAY_METRIC_energy_joules, energy.value / n, loop->n, 0);
}

static void add_counter(struct assay_record *rec, const struct assay_counter *c)
{
    if (rec->n_counters < ASSAY_RECORD_MAX_COUNTERS)
        rec->counters[rec->n_counters++] = *c;
}

static void add_told(const struct assay_course *c)
{
    struct assay_counter_row rows[ASSAY_COURSE_COUNTERS];
    size_t                   told = assay_course_counters(c, rows);
    for (size_t i = 0; i < told; i++) {
        struct assay_drawn_range range;
        struct assay_counter     x = {.status = *rows[i].why ? ASSAY_COUNTER_UNAVAILABLE : ASSAY_COUNTER_OK, .value = rows[i].value};
        (void)assay_string_copy(x.name, sizeof x.name, rows[i].name);
        (void)assay_string_copy(x.unit, sizeof x.unit, rows[i].unit);
        (void)assay_string_copy(x.why, sizeof x.why, rows[i].why);
        (void)assay_string_copy(x.provider, sizeof x.provider, c->opened.backend->name);
        if (rows[i].level && assay_drawn_levels_range(c->drawn.levels, rows[i].name, &range)) {
            x.ranged = true;
            x.low = range.low;
            x.high = range.high;
            x.value = range.middle;
        }
        add_counter(c->record, &x);
    }
}

static void read_counters(const struct assay_course *c)
{
    size_t                      n;
    const struct assay_counter *own = assay_counters_read(c->counters, &n);
    c->record->n_counters = 0; /* of a device that is drawn again, those of the last one */
    for (size_t i = 0; i < n && !assay_case_is_drawn(c); i++) /* the host's cores say nothing of a modelled device */
        add_counter(c->record, &own[i]);
    add_told(c);
}

static const enum assay_metric of_lessons[] = {ASSAY_METRIC_steps_to_quality, ASSAY_METRIC_time_to_quality_ns, ASSAY_METRIC_quality,
                                               ASSAY_METRIC_quality_target, ASSAY_METRIC_quality_floor};
static const enum assay_metric of_scenarios[] = {
    ASSAY_METRIC_samples_per_s, ASSAY_METRIC_latency_at_percentile_ns, ASSAY_METRIC_early_stopping_latency_ns, ASSAY_METRIC_loadgen_valid,
    ASSAY_METRIC_settled_valid, ASSAY_METRIC_queries_failed, ASSAY_METRIC_lateness_p99_ns, ASSAY_METRIC_late_share,
    ASSAY_METRIC_batch_fill, ASSAY_METRIC_peak_qps,
};
static const enum assay_metric of_requests[] = {
    ASSAY_METRIC_ttft_ns, ASSAY_METRIC_ttft_p90_ns, ASSAY_METRIC_ttft_p99_ns, ASSAY_METRIC_tpot_ns, ASSAY_METRIC_tpot_p90_ns,
    ASSAY_METRIC_tpot_p99_ns, ASSAY_METRIC_itl_ns, ASSAY_METRIC_itl_p99_ns, ASSAY_METRIC_tokens_per_s, ASSAY_METRIC_tokens_per_s_user,
    ASSAY_METRIC_goodput_per_s, ASSAY_METRIC_goodput_per_device_s, ASSAY_METRIC_devices_for_demand, ASSAY_METRIC_joules_per_token,
    ASSAY_METRIC_requests_without_tpot, ASSAY_METRIC_preemptions, ASSAY_METRIC_prefix_reused_share,
    ASSAY_METRIC_sequences_per_step, ASSAY_METRIC_engine_step_ns, ASSAY_METRIC_tokens_equal_share, ASSAY_METRIC_parting_margin,
};

void assay_case_summarize(const struct assay_course *c)
{
    struct assay_record *rec = c->record;
    rec->warm_runs = c->loop.warm_runs;
    rec->proof = (struct assay_proof){.sets = c->sets, .iterations = c->loop.n,
                                      .guard_bytes_changed = c->loop.guard_changed};
    if (c->witness) {
        struct assay_witness_counts kept = assay_witness_counts(c->witness);
        rec->proof.chosen = kept.kept;
        rec->proof.hashed = kept.seen;
        rec->proof.equal = kept.equal;
    }
    assay_metric_set(rec, ASSAY_METRIC_first_ns, (double)c->loop.first_ns, 1, c->opened.device.clock);
    assay_metric_set(rec, ASSAY_METRIC_compile_ns, (double)rec->phase_ns[ASSAY_PHASE_COMPILE], 1, ASSAY_CLOCK_HOST);
    ceiling_metrics(c);
    resource_metrics(c);
    read_counters(c);
    assay_metric_absent(rec, ASSAY_METRIC_trillion_items_ns, "only a modelled system tells what failures leave of its time");
    if (c->drawn.ns.n)
        assay_case_draw_metrics(c);
    else
        latency_metrics(c);
    for (size_t i = 0; i < sizeof of_lessons / sizeof *of_lessons && !c->lesson; i++)
        assay_metric_absent(rec, of_lessons[i], "the case is not trained to a quality");
    for (size_t i = 0; i < sizeof of_scenarios / sizeof *of_scenarios; i++)
        assay_metric_absent(rec, of_scenarios[i], "the case has no scenario");
    for (size_t i = 0; i < sizeof of_requests / sizeof *of_requests; i++)
        assay_metric_absent(rec, of_requests[i], "the case serves no requests of tokens");
}
