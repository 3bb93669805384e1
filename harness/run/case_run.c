#include "harness/run/case_run.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/ir/live.h"
#include "harness/ir/ops.h"
#include "harness/load/closed_loop.h"
#include "harness/load/graph_target.h"
#include "harness/load/lesson.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/counters.h"
#include "harness/measure/noise.h"
#include "harness/measure/power.h"
#include "harness/measure/statistics.h"
#include "harness/run/case_trace.h"
#include "harness/run/loader.h"
#include "harness/store/run_folder.h"
#include "harness/store/trace.h"
#include "harness/verify/learned.h"
#include "harness/verify/witness.h"
#include "suites/weights/value_source.h"

#include "assay/banned.h"

#define MAX_SAMPLES (1u << 20)
#define KEEP_FREE_SHARE 0.8 /* of the memory that is available now */

struct run {
    const struct assay_case_job *job;
    struct assay_record         *record;
    struct assay_graph          *graph;
    struct assay_value_source   *source;
    struct assay_opened          opened;
    bool                         is_open;
    const struct assay_lesson   *lesson;     /* NULL: the case is not trained to a quality */
    struct assay_graph          *evaluation; /* of the lesson */
    struct assay_graph_target   *target;
    uint32_t                     sets; /* of inputs: ASSAY_MIN_SETS, fewer for want of memory */
    struct assay_witness        *witness;
    struct assay_ceiling        *ceiling; /* NULL: why_no_ceiling */
    char                         why_no_ceiling[128];
    struct assay_counters       *counters;
    struct assay_meter          *meter;
    struct assay_mapped_file     samples, curve;
    char                         samples_path[700], witness_path[700], curve_path[700];
    bool                         unstored; /* a file of the run folder could not be made or kept */
    enum assay_phase             phase;
    uint64_t                     phase_begin_ns;
    uint64_t                     memory_before[2]; /* heap, resident: after the first batch, when all buffers have been touched */
    uint64_t                     settled_n;        /* iterations until then; 0 = not yet */
    struct assay_closed_loop_result loop;
    struct assay_lesson_result      learned;
};

/* ---- phases ---------------------------------------------------------------------------------------------- */

static void enter(struct run *r, enum assay_phase phase)
{
    uint64_t now = assay_clock_now_ns();
    r->record->phase_ns[r->phase] += now - r->phase_begin_ns;
    r->phase = phase;
    r->phase_begin_ns = now;
    if (r->job->progress)
        r->job->progress(r->job->self, phase, 0, 0);
}

static void on_target_phase(void *self, enum assay_target_phase phase)
{
    static const enum assay_phase of[] = {ASSAY_PHASE_FILL, ASSAY_PHASE_UPLOAD, ASSAY_PHASE_COMPILE};
    enter(self, of[phase]);
}

static void on_warmed(void *self)
{
    enter(self, ASSAY_PHASE_TIMED);
}

static void memory_now(uint64_t out[2]);

static void on_progress(void *self, double share, uint64_t median_ns)
{
    struct run *r = self;
    if (!r->settled_n) {
        memory_now(r->memory_before);
        r->settled_n = r->loop.n;
    }
    if (r->job->progress)
        r->job->progress(r->job->self, ASSAY_PHASE_TIMED, share, median_ns);
}

static void on_see(void *self, uint64_t iteration, const struct assay_collected *left)
{
    struct run       *r = self;
    struct assay_seen seen = {iteration, left->set, left->poison_key, left->outputs, left->before};
    assay_witness_see(r->witness, &seen);
}

static void on_batch_end(void *self)
{
    assay_witness_batch_end(((struct run *)self)->witness);
}

/* ---- metrics --------------------------------------------------------------------------------------------- */

static void set(struct run *r, enum assay_metric metric, double value, uint64_t n, enum assay_clock clock)
{
    struct assay_metric_value *m = &r->record->metric[metric];
    *m = (struct assay_metric_value){.has_value = true, .value = value, .n = n, .clock = clock};
}

static void absent(struct run *r, enum assay_metric metric, const char *why)
{
    struct assay_metric_value *m = &r->record->metric[metric];
    *m = (struct assay_metric_value){.has_value = false};
    (void)assay_string_copy(m->why, sizeof m->why, why);
}

static void set_estimate(struct run *r, enum assay_metric metric, const struct assay_estimate *e)
{
    if (e->has_value)
        set(r, metric, e->value, e->n, 0);
    else
        absent(r, metric, e->why);
}

static void rate_metrics(struct run *r, double median_ns, uint64_t n, enum assay_clock clock)
{
    const struct assay_record *rec = r->record;
    double                     seconds = median_ns / 1e9, bytes = (double)(rec->read_bytes + rec->written_bytes);
    const char                *instant = "the clock did not move during an execution";
    struct { enum assay_metric metric; double amount; const char *none; } rate[] = {
        {ASSAY_METRIC_flops_per_s, (double)rec->flops, "the case has no floating-point operations"},
        {ASSAY_METRIC_bytes_per_s, bytes, "the case moves no bytes"},
        {ASSAY_METRIC_items_per_s, (double)rec->items, "the case has no items"},
    };
    for (size_t i = 0; i < sizeof rate / sizeof *rate; i++) {
        if (rate[i].amount <= 0)
            absent(r, rate[i].metric, rate[i].none);
        else if (seconds <= 0)
            absent(r, rate[i].metric, instant);
        else
            set(r, rate[i].metric, rate[i].amount / seconds, n, clock);
    }
}

static void latency_metrics(struct run *r)
{
    const struct assay_closed_loop_result *loop = &r->loop;
    enum assay_clock                       clock = r->opened.device.clock;
    struct assay_launch_summary            sum;
    uint64_t                              *sorted = malloc(loop->n * sizeof *sorted);
    if (!sorted) {
        absent(r, ASSAY_METRIC_latency_ns, "no memory to sort the samples");
        return;
    }
    assay_launch_summarize(r->samples.at, loop->n, sorted, &sum);
    set(r, ASSAY_METRIC_latency_ns, sum.median_ns, loop->n, clock);
    set(r, ASSAY_METRIC_latency_p90_ns, (double)assay_percentile_u64(sorted, loop->n, 0.90), loop->n, clock);
    struct assay_estimate p99 = assay_estimate_percentile(sorted, loop->n, sum.effective_n, 0.99, 0.95);
    if (p99.has_interval)
        set(r, ASSAY_METRIC_latency_p99_ns, (double)assay_percentile_u64(sorted, loop->n, 0.99), loop->n, clock);
    else
        absent(r, ASSAY_METRIC_latency_p99_ns, p99.why);
    if (sum.median_ns > 0)
        set(r, ASSAY_METRIC_latency_spread, (sum.p75_ns - sum.p25_ns) / sum.median_ns, loop->n, 0);
    else
        absent(r, ASSAY_METRIC_latency_spread, "the median is zero");
    rate_metrics(r, sum.median_ns, loop->n, clock);
    free(sorted);
}

/* What bursts of one ceiling gave, and the case's rate against the burst beside each batch. */
static void against_ceiling(struct run *r, const double *burst, double amount, const enum assay_metric metric[3], const char *none)
{
    struct assay_closed_loop_result *loop = &r->loop;
    double                           rate[ASSAY_MAX_PAIRS];
    uint64_t                         sorted[ASSAY_MAX_PAIRS];
    uint32_t                         n = loop->n_pairs;
    for (uint32_t i = 0; i < n; i++) {
        rate[i] = loop->batch_median_ns[i] > 0 ? amount / (loop->batch_median_ns[i] / 1e9) : 0;
        sorted[i] = (uint64_t)burst[i];
    }
    struct assay_estimate share = assay_estimate_interleaved(burst, rate, n, 0.95, r->job->seed);
    if (amount > 0)
        set_estimate(r, metric[0], &share);
    else
        absent(r, metric[0], none);
    assay_sort_u64(sorted, n);
    set(r, metric[1], assay_median_u64(sorted, n), n, 0);
    set(r, metric[2], (double)sorted[n - 1], n, 0);
}

static void ceiling_metrics(struct run *r)
{
    static const enum assay_metric peak[] = {ASSAY_METRIC_peak_share, ASSAY_METRIC_ceiling_flops_per_s,
                                             ASSAY_METRIC_ceiling_best_flops_per_s};
    static const enum assay_metric triad[] = {ASSAY_METRIC_bandwidth_share, ASSAY_METRIC_ceiling_bytes_per_s,
                                              ASSAY_METRIC_ceiling_best_bytes_per_s};
    const struct assay_record *rec = r->record;
    if (r->ceiling && r->loop.n_pairs) {
        against_ceiling(r, r->loop.peak_flops_per_s, (double)rec->flops, peak, "the case has no floating-point operations");
        against_ceiling(r, r->loop.triad_bytes_per_s, (double)(rec->read_bytes + rec->written_bytes), triad,
                        "the case moves no bytes");
        /* A busy neighbour can slow every burst that there was; the clock says what they would have given. */
        char   how[128];
        double nominal = assay_ceiling_nominal_flops_per_s(r->ceiling, how);
        if (nominal > rec->metric[ASSAY_METRIC_ceiling_best_flops_per_s].value)
            r->record->metric[ASSAY_METRIC_ceiling_best_flops_per_s].value = nominal;
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        absent(r, peak[i], r->ceiling ? "no burst was run beside this case" : r->why_no_ceiling);
        absent(r, triad[i], r->ceiling ? "no burst was run beside this case" : r->why_no_ceiling);
    }
}

/* Heap in use and resident pages: a plug-in that loses memory grows one of them. */
static void memory_now(uint64_t out[2])
{
    struct mallinfo2 heap = mallinfo2();
    unsigned long    pages = 0, ignored;
    FILE            *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%lu %lu", &ignored, &pages) != 2)
        pages = 0;
    if (f)
        (void)fclose(f);
    out[0] = heap.uordblks + heap.hblkhd;
    out[1] = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
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

static void device_memory_metrics(struct run *r)
{
    struct assay_memory held = {.size = sizeof held};
    uint64_t            all, one, ignored;
    const char         *why = !ASSAY_HAS(r->opened.backend, memory) ? "the back end does not tell what memory it holds"
                              : !r->target                          ? "the buffers of a training are gone when it has ended"
                                                                    : NULL;
    if (why) {
        absent(r, ASSAY_METRIC_device_memory_bytes, why);
        absent(r, ASSAY_METRIC_device_memory_share, why);
        return;
    }
    r->opened.backend->memory(r->opened.session, &held);
    double bytes = (double)held.buffer_bytes + (double)held.program_bytes, needed = memory_needed(r->graph);
    assay_graph_target_bytes(r->graph, r->sets, &all, &ignored);
    assay_graph_target_bytes(r->graph, 1, &one, &ignored);
    set(r, ASSAY_METRIC_device_memory_bytes, bytes, 1, 0);
    if (needed > 0)
        set(r, ASSAY_METRIC_device_memory_share, (bytes - (double)(all - one)) / needed, 1, 0);
    else
        absent(r, ASSAY_METRIC_device_memory_share, "the graph needs no memory");
}

static void resource_metrics(struct run *r)
{
    struct assay_closed_loop_result *loop = &r->loop;
    double                           peak;
    uint64_t                         after[2], most = 0;
    memory_now(after);
    for (int i = 0; i < 2; i++)
        if (after[i] > r->memory_before[i] && after[i] - r->memory_before[i] > most)
            most = after[i] - r->memory_before[i];
    uint64_t watched = loop->n - r->settled_n;
    if (r->settled_n && watched)
        set(r, ASSAY_METRIC_memory_growth_bytes, (double)most / (double)watched, watched, 0);
    else
        absent(r, ASSAY_METRIC_memory_growth_bytes, "there was only one batch of iterations");
    device_memory_metrics(r);
    if (assay_counters_peak_resident(&peak))
        set(r, ASSAY_METRIC_resident_peak_bytes, peak, 1, 0);
    else
        absent(r, ASSAY_METRIC_resident_peak_bytes, "/proc/self/status has no peak of the resident set");
    if (assay_allocations_counted()) {
        set(r, ASSAY_METRIC_harness_allocations, (double)loop->allocations.by_harness, loop->n, 0);
        set(r, ASSAY_METRIC_plugin_allocations, (double)loop->allocations.by_plugin, loop->n, 0);
    } else {
        absent(r, ASSAY_METRIC_harness_allocations, "this build cannot count allocations");
        absent(r, ASSAY_METRIC_plugin_allocations, "this build cannot count allocations");
    }
    if (r->opened.device.clock == ASSAY_CLOCK_HOST)
        set(r, ASSAY_METRIC_harness_overhead_ns, (double)(loop->timed_wall_ns - loop->timed_span_ns) / (double)loop->n,
            loop->n, ASSAY_CLOCK_HOST);
    else
        absent(r, ASSAY_METRIC_harness_overhead_ns, "executions are not timed by the host's clock");
    if (loop->device_ns_n)
        set(r, ASSAY_METRIC_device_ns, (double)loop->device_ns_sum / (double)loop->device_ns_n, loop->device_ns_n,
            ASSAY_CLOCK_DEVICE);
    else
        absent(r, ASSAY_METRIC_device_ns, *loop->last.why_no_device_ns ? loop->last.why_no_device_ns
                                                                       : "the back end gave no device time and no reason");
    struct assay_counter energy = assay_meter_read(r->meter, r->record->energy_source);
    if (energy.status == ASSAY_COUNTER_UNAVAILABLE)
        absent(r, ASSAY_METRIC_energy_joules, energy.why);
    else
        set(r, ASSAY_METRIC_energy_joules, energy.value / (double)loop->n, loop->n, 0);
}

static void add_counter(struct assay_record *rec, const struct assay_counter *c)
{
    if (rec->n_counters < ASSAY_RECORD_MAX_COUNTERS)
        rec->counters[rec->n_counters++] = *c;
}

static void counters(struct run *r)
{
    size_t                      n;
    const struct assay_counter *c = assay_counters_read(r->counters, &n);
    for (size_t i = 0; i < n; i++)
        add_counter(r->record, &c[i]);
    if (!ASSAY_HAS(r->opened.backend, counters))
        return;
    struct assay_counter_row rows[32];
    struct assay_error       ignored;
    size_t                   rows_n = 0;
    memset(rows, 0, sizeof rows);
    if (r->opened.backend->counters(r->opened.session, rows, sizeof *rows, 32, &rows_n, &ignored))
        return;
    for (size_t i = 0; i < rows_n && i < 32; i++) {
        rows[i].name[sizeof rows[i].name - 1] = rows[i].unit[sizeof rows[i].unit - 1] = rows[i].why[sizeof rows[i].why - 1] = 0;
        struct assay_counter x = {.status = *rows[i].why ? ASSAY_COUNTER_UNAVAILABLE : ASSAY_COUNTER_OK, .value = rows[i].value};
        (void)assay_string_copy(x.name, sizeof x.name, rows[i].name);
        (void)assay_string_copy(x.unit, sizeof x.unit, rows[i].unit);
        (void)assay_string_copy(x.why, sizeof x.why, rows[i].why);
        (void)assay_string_copy(x.provider, sizeof x.provider, r->opened.backend->name);
        add_counter(r->record, &x);
    }
}

/* ---- the course of a launch ------------------------------------------------------------------------------ */

static enum assay_code build(struct run *r, struct assay_error *err)
{
    const struct assay_case *c = r->job->what;
    const char *weights = r->job->weights ? r->job->weights : "", *inputs = r->job->inputs ? r->job->inputs : "";
    if (assay_case_graph(c, &r->graph, err))
        return err->code;
    if ((*weights || *inputs) && assay_value_source_open(r->graph, weights, inputs, &r->source, err))
        return err->code;
    struct assay_cost cost = assay_graph_cost(r->graph);
    r->record->flops = cost.flops;
    r->record->transcendentals = cost.transcendentals;
    r->record->read_bytes = cost.read_bytes;
    r->record->written_bytes = cost.written_bytes;
    r->record->items = c->workload->items ? c->workload->items(c->params, c->phase) : 1;
    r->lesson = c->workload->lesson && !strcmp(c->workload->lesson->phase, c->phase) ? c->workload->lesson : NULL;
    if (!r->lesson)
        return ASSAY_OK;
    if (!(r->evaluation = assay_graph_new("evaluation")))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    if (r->lesson->build_evaluation(c->params, r->evaluation, err))
        return assay_error_in(err, "building the evaluation of '%.80s'", c->name);
    return ASSAY_OK;
}

static enum assay_code ask_accepted(const struct run *r, const struct assay_graph *g, struct assay_error *err)
{
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        char              reason[160];
        struct assay_text why = ASSAY_TEXT(reason);
        if (!r->opened.backend->accepts(r->opened.session, g, i, &why))
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "node '%.48s' (%s): %s", g->nodes[i].name, g->nodes[i].op->name,
                              *reason ? reason : "no reason given");
    }
    return ASSAY_OK;
}

static enum assay_code open_device(struct run *r, struct assay_error *err)
{
    enter(r, ASSAY_PHASE_OPEN);
    if (assay_backend_open_file(r->job->plugin, r->job->backend, NULL, &r->opened, err))
        return err->code;
    r->is_open = true;
    r->record->device = r->opened.device;
    r->record->evidence = assay_evidence_of(&r->opened.device);
    (void)assay_string_copy(r->record->backend, sizeof r->record->backend, r->opened.canonical);
    if (ask_accepted(r, r->graph, err))
        return err->code;
    return r->lesson ? ask_accepted(r, r->evaluation, err) : ASSAY_OK;
}

/* What may be taken: most of what is available now, and no more than the device has. */
static uint64_t memory_limit(const struct assay_device_info *device)
{
    unsigned long long available_kib = 0;
    char               line[128];
    FILE              *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu", &available_kib) == 1)
            break;
    if (f)
        (void)fclose(f);
    uint64_t limit = available_kib ? (uint64_t)((double)available_kib * 1024 * KEEP_FREE_SHARE / 2) : UINT64_MAX;
    return device->memory_bytes && device->memory_bytes < limit ? device->memory_bytes : limit;
}

/* As many input sets as there is memory for. With fewer, what a device remembers of one is found less surely. */
static uint32_t affordable_sets(const struct assay_graph *g, const struct assay_device_info *device, uint64_t limit)
{
    uint64_t on_device, on_host;
    uint32_t sets = ASSAY_MIN_SETS;
    for (; sets > 1; sets /= 2) {
        assay_graph_target_bytes(g, sets, &on_device, &on_host);
        on_host = device->traits & ASSAY_TRAIT_VALUES ? on_host : 0;
        if (!(device->traits & ASSAY_TRAIT_MEMORY) || (on_device <= limit && on_host <= limit))
            break;
    }
    return sets;
}

static enum assay_code make_target(struct run *r, struct assay_error *err)
{
    uint64_t limit = memory_limit(&r->opened.device);
    r->sets = affordable_sets(r->graph, &r->opened.device, limit);
    struct assay_graph_target_setup setup = {
        .backend = r->opened.backend, .session = r->opened.session, .device = &r->opened.device, .graph = r->graph,
        .source = r->source, .seed = r->job->seed, .slots = r->sets, .limit_bytes = limit,
        .phase = on_target_phase, .phase_self = r,
    };
    if (assay_graph_target_new(&setup, &r->target, err))
        return err->code;
    r->record->working_set_bytes = assay_graph_target_working_set(r->target);
    if (ASSAY_HAS(r->opened.backend, describe)) {
        struct assay_text text = ASSAY_TEXT(r->record->compiled);
        r->opened.backend->describe(r->opened.session, assay_graph_target_program(r->target), &text);
    }
    return ASSAY_OK;
}

static enum assay_code name_file(struct run *r, const char *kind, char record_name[160], char path[700],
                                 struct assay_error *err)
{
    assay_run_folder_file(kind, r->job->what->id, r->record->backend, r->job->launch, record_name);
    return assay_path_join(path, 700, r->job->folder, record_name, err);
}

/* Everything that the timed phase will write into or read from is made and touched before it. */
static enum assay_code make_instruments(struct run *r, struct assay_error *err)
{
    const struct assay_device_info *device = &r->opened.device;
    char                            file[160];
    enter(r, ASSAY_PHASE_WITNESS);
    if (name_file(r, "samples", file, r->samples_path, err) ||
        assay_mapped_file_new(r->samples_path, MAX_SAMPLES * sizeof(uint64_t), &r->samples, err)) {
        r->unstored = err->code == ASSAY_IO;
        return err->code;
    }
    (void)assay_string_copy(r->record->samples_file, sizeof r->record->samples_file, file);
    if (device->traits & ASSAY_TRAIT_VALUES) {
        if (name_file(r, "witness", file, r->witness_path, err))
            return err->code;
        struct assay_witness_setup setup = {
            .path = r->witness_path, .case_id = r->job->what->id, .graph = r->graph, .seed = r->job->seed,
            .entropy = assay_random_entropy(), .sets = r->sets, .chosen = assay_witness_chosen_of(r->graph, r->sets),
        };
        if (assay_witness_new(&setup, &r->witness, err)) {
            r->unstored = err->code == ASSAY_IO;
            return err->code;
        }
        (void)assay_string_copy(r->record->witness_file, sizeof r->record->witness_file, file);
    }
    struct assay_error no_ceiling;
    if (!(device->traits & ASSAY_TRAIT_IS_HOST) || device->clock != ASSAY_CLOCK_HOST)
        (void)assay_string_copy(r->why_no_ceiling, sizeof r->why_no_ceiling,
                                "peak and triad are measured only for back ends that run on this host's cores");
    else if (assay_ceiling_open(0, &r->ceiling, &no_ceiling)) /* the case is none the worse for it */
        (void)assay_string_copy(r->why_no_ceiling, sizeof r->why_no_ceiling, no_ceiling.message);
    return assay_counters_open(&r->counters, err) ? err->code : assay_meter_open(r->job->power, &r->meter, err);
}

static enum assay_code time_it(struct run *r, struct assay_error *err)
{
    const struct assay_repeat *repeat = &r->job->what->repeat;
    struct assay_closed_loop   loop = {
          .target = r->target, .slots = r->sets, .min_runs = (uint64_t)repeat->min_runs, .min_ns = repeat->min_ns,
          .max_ns = repeat->max_ns, .samples = r->samples.at, .max_samples = MAX_SAMPLES, .ceiling = r->ceiling,
          .counters = r->counters, .meter = r->meter, .see = on_see, .batch_end = on_batch_end, .warmed = on_warmed,
          .progress = on_progress, .self = r, .collects = r->witness != NULL, .timeout_ns = repeat->timeout_ns,
    };
    struct assay_noise_probe noise;
    assay_noise_begin(&noise);
    enter(r, ASSAY_PHASE_WARM);
    if (assay_closed_loop_run(&loop, &r->loop, err))
        return err->code;
    enter(r, ASSAY_PHASE_WITNESS);
    r->record->phase_ns[ASSAY_PHASE_TIMED] -= r->loop.proof_ns;
    r->record->phase_ns[ASSAY_PHASE_WITNESS] += r->loop.proof_ns;
    assay_noise_end(&noise, &r->record->noise);
    const char       *complaint = assay_noise_complaint(&r->record->noise);
    struct assay_text text = ASSAY_TEXT(r->record->noise_complaint);
    if (r->sets < ASSAY_MIN_SETS)
        assay_text_add(&text, "%u input set%s instead of %u, for want of memory%s", r->sets, r->sets == 1 ? "" : "s", ASSAY_MIN_SETS,
                       r->loop.hit_wall_limit || complaint ? "; " : "");
    if (r->loop.hit_wall_limit)
        assay_text_add(&text, "ended at the limit of %.3g s after %llu executions%s", (double)repeat->max_ns / 1e9,
                       (unsigned long long)r->loop.n, complaint ? "; " : "");
    assay_text_add(&text, "%s", complaint ? complaint : "");
    return ASSAY_OK;
}

static const enum assay_metric of_lessons[] = {ASSAY_METRIC_steps_to_quality, ASSAY_METRIC_time_to_quality_ns, ASSAY_METRIC_quality,
                                               ASSAY_METRIC_quality_target, ASSAY_METRIC_quality_floor};

static void summarize(struct run *r)
{
    struct assay_record *rec = r->record;
    rec->warm_runs = r->loop.warm_runs;
    rec->proof = (struct assay_proof){.sets = r->sets, .iterations = r->loop.n,
                                      .guard_bytes_changed = r->loop.guard_changed};
    if (r->witness) {
        struct assay_witness_counts kept = assay_witness_counts(r->witness);
        rec->proof.chosen = kept.kept;
        rec->proof.hashed = kept.seen;
        rec->proof.equal = kept.equal;
    }
    latency_metrics(r);
    ceiling_metrics(r);
    resource_metrics(r);
    counters(r);
    set(r, ASSAY_METRIC_first_ns, (double)r->loop.first_ns, 1, r->opened.device.clock);
    set(r, ASSAY_METRIC_compile_ns, (double)rec->phase_ns[ASSAY_PHASE_COMPILE], 1, ASSAY_CLOCK_HOST);
    for (size_t i = 0; i < sizeof of_lessons / sizeof *of_lessons && !r->lesson; i++)
        absent(r, of_lessons[i], "the case is not trained to a quality");
}

/* ---- a case that is trained -------------------------------------------------------------------------------- */

static enum assay_code make_lesson_instruments(struct run *r, struct assay_error *err)
{
    struct assay_record      *rec = r->record;
    struct assay_lesson_terms terms;
    char                      samples[160], witness[160], curve[160];
    size_t                    ignored;
    uint32_t                  needed = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY;
    enter(r, ASSAY_PHASE_WITNESS);
    if ((r->opened.device.traits & needed) != needed)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the device computes no values: nothing can be learned on it");
    r->lesson->terms(r->job->what->params, &terms);
    if (assay_learned_bytes(r->evaluation, &ignored, err))
        return err->code;
    assay_run_folder_curve_file(r->job->what->id, rec->backend, r->job->launch, curve);
    if (terms.max_steps > MAX_SAMPLES)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "max_steps %llu; at most %u are recorded", (unsigned long long)terms.max_steps, MAX_SAMPLES);
    if (name_file(r, "samples", samples, r->samples_path, err) || name_file(r, "witness", witness, r->witness_path, err) ||
        assay_path_join(r->curve_path, sizeof r->curve_path, r->job->folder, curve, err) ||
        assay_mapped_file_new(r->samples_path, (size_t)terms.max_steps * sizeof(uint64_t), &r->samples, err) ||
        assay_mapped_file_new(r->curve_path, (size_t)assay_lesson_rows(&terms) * sizeof(struct assay_lesson_row), &r->curve, err)) {
        r->unstored = err->code == ASSAY_IO;
        return err->code;
    }
    (void)assay_string_copy(rec->samples_file, sizeof rec->samples_file, samples);
    (void)assay_string_copy(rec->curve_file, sizeof rec->curve_file, curve);
    (void)assay_string_copy(r->why_no_ceiling, sizeof r->why_no_ceiling, "no bursts are run beside a training");
    return assay_counters_open(&r->counters, err) ? err->code : assay_meter_open(r->job->power, &r->meter, err);
}

static void on_compiled(void *self, const struct assay_program *step)
{
    struct run       *r = self;
    struct assay_text text = ASSAY_TEXT(r->record->compiled);
    if (ASSAY_HAS(r->opened.backend, describe))
        r->opened.backend->describe(r->opened.session, step, &text);
}

static void on_step(void *self, double share, uint64_t median_ns)
{
    struct run *r = self;
    if (!r->settled_n && r->learned.evaluations) { /* all buffers of both programs have been touched */
        memory_now(r->memory_before);
        r->settled_n = r->learned.loop.n;
    }
    if (r->job->progress)
        r->job->progress(r->job->self, ASSAY_PHASE_TIMED, share, median_ns);
}

static enum assay_code on_learned(void *self, const void *const *params, size_t n, struct assay_error *err)
{
    struct run              *r = self;
    const struct assay_case *c = r->job->what;
    (void)n;
    enter(r, ASSAY_PHASE_WITNESS);
    if (assay_learned_write(r->witness_path, c->id, r->job->seed, r->learned.steps, r->evaluation, params, err)) {
        r->unstored = err->code == ASSAY_IO;
        return err->code;
    }
    assay_run_folder_file("witness", c->id, r->record->backend, r->job->launch, r->record->witness_file);
    return ASSAY_OK;
}

static enum assay_code learn(struct run *r, struct assay_error *err)
{
    const struct assay_repeat *repeat = &r->job->what->repeat;
    struct assay_lesson_run    how = {
           .backend = r->opened.backend, .session = r->opened.session, .device = &r->opened.device, .lesson = r->lesson,
           .params = r->job->what->params, .step = r->graph, .evaluation = r->evaluation, .seed = r->job->seed,
           .timeout_ns = repeat->timeout_ns, .max_ns = repeat->max_ns, .rows = r->curve.at, .samples = r->samples.at,
           .max_samples = r->samples.bytes / sizeof(uint64_t), .counters = r->counters, .meter = r->meter, .phase = on_target_phase,
           .begun = on_warmed, .progress = on_step, .learned = on_learned, .compiled = on_compiled, .self = r,
    };
    struct assay_noise_probe noise;
    assay_noise_begin(&noise);
    enum assay_code code = assay_lesson_run(&how, &r->learned, err);
    r->loop = r->learned.loop;
    if (code)
        return code;
    assay_noise_end(&noise, &r->record->noise);
    const char       *complaint = assay_noise_complaint(&r->record->noise);
    struct assay_text text = ASSAY_TEXT(r->record->noise_complaint);
    if (r->learned.hit_wall_limit)
        assay_text_add(&text, "ended at the limit of %.3g s after %llu steps%s", (double)repeat->max_ns / 1e9,
                       (unsigned long long)r->learned.steps, complaint ? "; " : "");
    assay_text_add(&text, "%s", complaint ? complaint : "");
    return ASSAY_OK;
}

static void summarize_lesson(struct run *r)
{
    const struct assay_lesson_result *l = &r->learned;
    enum assay_clock                  clock = ASSAY_CLOCK_HOST;
    summarize(r);
    r->record->proof.sets = l->steps; /* every step has data of its own */
    set(r, ASSAY_METRIC_quality_target, l->terms.target, 1, 0);
    set(r, ASSAY_METRIC_quality_floor, l->terms.floor, 1, 0);
    if (isfinite(l->quality))
        set(r, ASSAY_METRIC_quality, l->quality, l->evaluations, 0);
    else
        absent(r, ASSAY_METRIC_quality, "the loss became no finite number");
    if (l->reached) {
        set(r, ASSAY_METRIC_steps_to_quality, (double)l->reached_step, 1, 0);
        set(r, ASSAY_METRIC_time_to_quality_ns, (double)l->reached_ns, 1, clock);
        return;
    }
    absent(r, ASSAY_METRIC_steps_to_quality, "the target was not reached");
    absent(r, ASSAY_METRIC_time_to_quality_ns, "the target was not reached");
}

static enum assay_code train_case(struct run *r, struct assay_error *err)
{
    if (make_lesson_instruments(r, err) || learn(r, err))
        return err->code;
    summarize_lesson(r);
    return ASSAY_OK;
}

/* Where the time of an execution goes. No figure depends on it: without one, the record has the reason. */
static enum assay_code trace_it(struct run *r, struct assay_error *err)
{
    const struct assay_repeat    *repeat = &r->job->what->repeat;
    struct assay_record          *rec = r->record;
    struct assay_trace            trace = {0};
    struct assay_case_trace_setup setup = {
        .backend = r->opened.backend, .target = r->target, .graph = r->graph, .slots = r->sets,
        .timeout_ns = repeat->timeout_ns,
    };
    struct assay_error why = {.code = ASSAY_OK};
    char               file[160], path[700];
    enter(r, ASSAY_PHASE_TRACE);
    if (assay_case_trace(&setup, &trace, &rec->traced_ns, &why)) {
        (void)assay_string_copy(rec->why_no_trace, sizeof rec->why_no_trace, why.message);
        return ASSAY_OK;
    }
    if (!name_file(r, "trace", file, path, err) && !assay_trace_write(path, &trace, err) &&
        !assay_sha256_file(path, rec->trace_sha256, err)) {
        (void)assay_string_copy(rec->trace_file, sizeof rec->trace_file, file);
        rec->trace_runs = trace.executions;
    }
    assay_trace_release(&trace);
    r->unstored = r->unstored || err->code == ASSAY_IO;
    return err->code;
}

static enum assay_code time_case(struct run *r, struct assay_error *err)
{
    if (make_target(r, err) || make_instruments(r, err) || time_it(r, err))
        return err->code;
    summarize(r);
    return trace_it(r, err);
}

/* Closes files (cutting the samples to what was taken) and hashes them for the record. */
static enum assay_code finish_files(struct run *r, struct assay_error *err)
{
    struct assay_error first = {.code = ASSAY_OK};
    if (r->samples.at && assay_mapped_file_close(&r->samples, r->samples_path, r->loop.n * sizeof(uint64_t), err))
        first = *err;
    if (r->witness && assay_witness_close(r->witness, err) && !first.code)
        first = *err;
    r->witness = NULL;
    if (r->curve.at && assay_mapped_file_close(&r->curve, r->curve_path, (size_t)r->learned.n_rows * sizeof(struct assay_lesson_row), err) && !first.code)
        first = *err;
    if (!first.code && *r->record->curve_file && assay_sha256_file(r->curve_path, r->record->curve_sha256, err))
        first = *err;
    if (!first.code && *r->record->samples_file && assay_sha256_file(r->samples_path, r->record->samples_sha256, err))
        first = *err;
    if (!first.code && *r->record->witness_file && assay_sha256_file(r->witness_path, r->record->witness_sha256, err))
        first = *err;
    *err = first;
    r->unstored = r->unstored || first.code == ASSAY_IO;
    return first.code;
}

static void close_all(struct run *r)
{
    assay_meter_close(r->meter);
    assay_counters_close(r->counters);
    assay_ceiling_close(r->ceiling);
    assay_graph_target_free(r->target);
    if (r->is_open)
        assay_backend_close(&r->opened);
    assay_value_source_close(r->source);
    assay_graph_free(r->graph);
    assay_graph_free(r->evaluation);
}

static enum assay_status status_of(enum assay_code code)
{
    switch (code) {
    case ASSAY_OK: return ASSAY_STATUS_OK;
    case ASSAY_UNSUPPORTED: return ASSAY_STATUS_UNSUPPORTED;
    case ASSAY_MEMORY: return ASSAY_STATUS_SKIPPED;
    case ASSAY_TIMEOUT: return ASSAY_STATUS_TIMEOUT;
    default: return ASSAY_STATUS_ERROR;
    }
}

enum assay_code assay_case_run(const struct assay_case_job *job, struct assay_record *record, struct assay_error *unstored)
{
    struct run         r = {.job = job, .record = record, .phase_begin_ns = assay_clock_now_ns()};
    struct assay_error err = {.code = ASSAY_OK};
    uint64_t           begin = r.phase_begin_ns;
    memset(record, 0, sizeof *record);
    (void)assay_string_copy(record->case_name, sizeof record->case_name, job->what->name);
    (void)assay_string_copy(record->id, sizeof record->id, job->what->id);
    (void)assay_string_copy(record->backend, sizeof record->backend, job->backend);
    (void)assay_string_copy(record->repeat, sizeof record->repeat, job->repeat);
    record->launch = job->launch;
    record->started_utc_ns = assay_clock_utc_ns();
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++)
        absent(&r, (enum assay_metric)i, "the case did not get that far");
    enum assay_code code = build(&r, &err);
    if (!code)
        code = open_device(&r, &err);
    if (!code && r.lesson)
        code = train_case(&r, &err);
    else if (!code)
        code = time_case(&r, &err);
    struct assay_error closing = {.code = ASSAY_OK};
    if (finish_files(&r, &closing) && !code) {
        err = closing;
        code = closing.code;
    }
    enter(&r, ASSAY_PHASE_CLOSE);
    close_all(&r);
    record->phase_ns[ASSAY_PHASE_CLOSE] += assay_clock_now_ns() - r.phase_begin_ns;
    record->status = status_of(code);
    if (code)
        record->error = err;
    (void)assay_string_copy(record->reason, sizeof record->reason, code ? err.message : "");
    record->wall_ns = assay_clock_now_ns() - begin;
    if (!r.unstored)
        return ASSAY_OK;
    *unstored = closing.code == ASSAY_IO ? closing : err;
    return unstored->code;
}
