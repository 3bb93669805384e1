#include "harness/run/case_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/load/drive.h"
#include "harness/load/batch_search.h"
#include "harness/load/peak.h"
#include "harness/load/series.h"
#include "harness/measure/noise.h"
#include "harness/plan/seed_set.h"
#include "harness/run/audit.h"
#include "harness/run/case_draw.h"
#include "harness/run/case_metrics.h"
#include "harness/run/case_programs.h"
#include "harness/run/case_time.h"
#include "harness/run/drawn_scenario.h"
#include "harness/run/load_verdict.h"
#include "harness/store/run_folder.h"
#include "harness/verify/witness.h"

#include "assay/banned.h"

#define LONG_FLOPS 100000000u  /* executions of more have fewer inputs: a round over them would take seconds */
#define SERIES_ROWS ((size_t)1 << 18)
#define SERIES_BYTES (SERIES_ROWS * sizeof(struct assay_query_row) + sizeof(struct assay_drive_tally))
#define WARM_NS 30000000u      /* caches, clocks and lazy libraries settle */
#define PROOF_NS 500000000u    /* executions that are judged, before and after the timed phase, each at most */
#define PROOFS 32u             /* … and at least one round, at most so many executions */
#define DRAWS_WITH_VALUES 5u /* each computes them */
#define LEAST_TIMEOUT_NS 10000000000u

/* The load of one course. */
struct load {
    struct assay_course       *c;
    struct assay_scenario      scenario;  /* the case's; once a search has found the batch, with that */
    struct assay_case_programs programs;
    struct assay_target        outer;     /* of the scenario: the program by the batch, the slot by its first sample */
    uint32_t                   most_sets;
    enum assay_clock           clock;
    struct assay_series        series;
    struct assay_drive_tally  *tally;     /* behind the series, for who finds the file of a worker that did not live to tell; or NULL */
    struct assay_query_row    *rows;      /* of the series: its file's, or of nothing that is kept */
    uint64_t                  *latencies; /* room for the series */
    struct assay_drive_result *result;
    uint64_t                   model_ns;  /* where a model's clock stands */
    uint64_t                   seen, before, timed, after; /* executions judged */
    struct assay_batches       batches; /* that were searched; n 0: a batch is given */
    struct assay_audit         audit;
    bool                       is_timed;
    struct flight {
        uint64_t                   token;
        uint32_t                   slot;
        struct assay_case_program *program;
    } flight[2]; /* of an audit: which execution is whose */
    uint32_t                   n_flight;
};

/* ---- the target of the scenario: a program by the batch, a slot by the sample --------------------------------- */

static enum assay_code issue(void *self, const struct assay_query *q, uint64_t *token, struct assay_error *err)
{
    struct load               *l = self;
    uint64_t                   sample = l->audit.same ? ASSAY_AUDIT_SAME_SAMPLE : q->samples[0];
    struct assay_query         query = {.slot = (uint32_t)(sample % l->c->sets), .earliest_ns = q->earliest_ns};
    struct assay_case_program *program = assay_case_programs_find(&l->programs, q->n_places);
    program->used[query.slot] = true;
    if (program->as_target.issue(program->as_target.self, &query, token, err))
        return err->code;
    program->executions += l->is_timed;
    if (l->audit.logs && l->n_flight < 2)
        l->flight[l->n_flight++] = (struct flight){*token, query.slot, program};
    return ASSAY_OK;
}

/* Where an execution that has ended wrote to, unless another that is in flight may be writing there. */
static bool ended_in(struct load *l, uint64_t token, struct flight *out)
{
    bool found = false;
    for (uint32_t i = 0; i < l->n_flight && !found; i++)
        if (l->flight[i].token == token) {
            *out = l->flight[i];
            l->flight[i] = l->flight[--l->n_flight];
            found = true;
        }
    return found && !(l->n_flight && l->flight[0].slot == out->slot && l->flight[0].program == out->program);
}

static enum assay_code look_at(struct load *l, struct assay_case_program *program, uint32_t slot, struct assay_error *err);

/* Any of the programs tells of the executions of all. */
static const struct assay_target *any_target(const struct load *l)
{
    return &l->programs.of[0].as_target;
}

static enum assay_code poll(void *self, uint64_t timeout_ns, uint64_t *token, struct assay_span *span, struct assay_error *err)
{
    struct load  *l = self;
    struct flight ended;
    if (any_target(l)->poll(any_target(l)->self, timeout_ns, token, span, err))
        return err->code;
    if (span->clock == ASSAY_CLOCK_MODEL && span->end_ns > l->model_ns)
        l->model_ns = span->end_ns;
    return l->audit.logs && ended_in(l, *token, &ended) && assay_audit_chooses(&l->audit) ? look_at(l, ended.program, ended.slot, err)
                                                                                         : ASSAY_OK;
}

static void cancel(void *self, uint64_t token)
{
    struct load  *l = self;
    struct flight ignored;
    (void)ended_in(l, token, &ignored);
    any_target(l)->cancel(any_target(l)->self, token);
}

/* ---- proofs: the same programs, executed untimed ------------------------------------------------------------- */

static enum assay_code execute(struct load *l, struct assay_case_program *p, uint32_t slot, struct assay_error *err)
{
    struct assay_query q = {.slot = slot, .earliest_ns = l->clock == ASSAY_CLOCK_MODEL ? l->model_ns : 0};
    struct assay_span  span = {.size = sizeof span};
    uint64_t           token, done, begin = assay_clock_now_ns();
    if (p->as_target.issue(p->as_target.self, &q, &token, err) || poll(l, l->c->job->what->repeat.timeout_ns, &done, &span, err))
        return err->code;
    if (done != token || span.end_ns < span.begin_ns || span.clock != l->clock)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "span of an execution is wrong");
    uint64_t took = l->clock == ASSAY_CLOCK_DEVICE ? assay_clock_now_ns() - begin : span.end_ns - span.begin_ns;
    if (!l->c->loop.warm_runs++)
        l->c->loop.first_ns = took;
    p->typical_ns = !p->typical_ns || took < p->typical_ns ? took : p->typical_ns;
    return ASSAY_OK;
}

/* What an execution left in its slot. */
static enum assay_code look_at(struct load *l, struct assay_case_program *p, uint32_t slot, struct assay_error *err)
{
    struct assay_course   *c = l->c;
    struct assay_collected left;
    uint32_t               number = (uint32_t)(p - l->programs.of);
    if (assay_graph_target_collect(p->target, slot, &left, err))
        return err->code;
    c->loop.guard_changed += left.guard_changed;
    if (l->is_timed)
        assay_audit_log(&l->audit, number, p->graph, &left, &c->record->audit);
    else
        assay_audit_before(&l->audit, number, p->graph, &left);
    struct assay_seen seen = {p->seen, left.set, left.poison_key, left.outputs, left.before};
    if (p->witness && left.set < ASSAY_MIN_SETS) {
        assay_witness_see(p->witness, &seen);
        p->seen++;
        l->seen++;
    }
    return ASSAY_OK;
}

/* Rounds over all slots of one program into poisoned outputs: to warm up, and to be judged. */
static enum assay_code prove_one(struct load *l, struct assay_case_program *p, uint64_t least_ns, struct assay_error *err)
{
    struct assay_course *c = l->c;
    uint64_t             begin = assay_clock_now_ns(), before = p->seen;
    do {
        if (assay_graph_target_prepare(p->target, c->sets, err))
            return err->code;
        for (uint32_t slot = 0; slot < c->sets; slot++)
            if (execute(l, p, slot, err))
                return assay_error_in(err, "execution %llu beside the timed phase", (unsigned long long)c->loop.warm_runs);
        for (uint32_t slot = 0; p->witness && slot < c->sets; slot++)
            if (look_at(l, p, slot, err))
                return err->code;
    } while (assay_clock_now_ns() - begin < (p->witness && p->seen - before < PROOFS ? PROOF_NS : least_ns));
    if (p->witness)
        assay_witness_batch_end(p->witness);
    return ASSAY_OK;
}

static enum assay_code prove(struct load *l, uint64_t least_ns, struct assay_error *err)
{
    for (uint32_t i = 0; i < l->programs.n; i++)
        if (prove_one(l, &l->programs.of[i], least_ns, err))
            return err->code;
    return ASSAY_OK;
}

/* Outputs were poisoned before the timed phase, so what lies there now is what its last executions left. */
static enum assay_code prove_timed(struct load *l, struct assay_error *err)
{
    uint64_t before = l->seen;
    for (uint32_t i = 0; i < l->programs.n; i++) {
        struct assay_case_program *p = &l->programs.of[i];
        for (uint32_t slot = 0; p->witness && slot < l->c->sets; slot++)
            if (p->used[slot] && look_at(l, p, slot, err))
                return err->code;
        if (p->witness)
            assay_witness_batch_end(p->witness);
    }
    l->timed = l->seen - before;
    return ASSAY_OK;
}

/* ---- the timed phase ---------------------------------------------------------------------------------------- */

static void on_completed(void *self, const struct assay_query_row *row)
{
    assay_series_add(&((struct load *)self)->series, row);
}

static void on_progress(void *self, double share, uint64_t median_ns)
{
    assay_course_progress(((struct load *)self)->c, share, median_ns);
}

/* Longer than any query takes that is not lost: what waits behind others waits for all of them. */
static uint64_t timeout_of(const struct load *l, const struct assay_scenario *s)
{
    uint64_t together = s->samples_per_query * s->in_flight * s->burst; /* those that a scenario has not are 1 */
    double   spare = 50.0 * (double)assay_case_programs_slowest_ns(&l->programs) * (double)(together ? together : 1), limit = 20.0 * (double)s->latency_ns;
    double   least = spare > limit ? spare : limit;
    if (s->type == ASSAY_OFFLINE)
        return l->c->job->what->repeat.timeout_ns;
    return least > (double)LEAST_TIMEOUT_NS ? (uint64_t)least : LEAST_TIMEOUT_NS;
}

static enum assay_code drive(struct load *l, const struct assay_scenario *s, const struct assay_seeds *seeds,
                             struct assay_error *err)
{
    struct assay_drive d = {
        .scenario = s, .seeds = seeds, .target = &l->outer,
        .batching = {.maximum = (uint32_t)s->max_batch, .sizes = l->programs.size, .n_sizes = l->programs.n, .delay_ns = s->batch_delay_ns},
        /* launches of a queue run in order: one runs, one waits behind it */
        .executions = l->clock == ASSAY_CLOCK_DEVICE ? 2 : 1,
        .model_begin_ns = l->model_ns, .timeout_ns = timeout_of(l, s), .lateness_limit_ns = assay_lateness_limit_ns(s),
        .completed = on_completed, .progress = on_progress, .self = l, .tally = l->tally,
    };
    assay_series_init(&l->series, l->rows, SERIES_ROWS);
    enum assay_code code = assay_drive_run(&d, l->result, err);
    if (!code)
        assay_series_finish(&l->series);
    return code;
}

/* ---- the highest rate that is valid -------------------------------------------------------------------------- */

static enum assay_code look_at_rate(void *self, const struct assay_peak_asked *asked, struct assay_peak_look *out,
                                    struct assay_error *err)
{
    struct load                 *l = self;
    struct assay_scenario        s = l->scenario;
    struct assay_settled_verdict v;
    struct assay_seeds           seeds;
    char                         ignored[160];
    size_t                       first;
    s.qps = asked->qps;
    s.min_queries = asked->queries;
    s.min_duration_ns *= asked->effort;
    assay_seeds_from(l->c->job->seed + 1000 + asked->look, &seeds); /* the run of the peak has others */
    if (drive(l, &s, &seeds, err))
        return err->code;
    assay_load_settle(&s, l->result, &l->series, asked->level, l->latencies, &first, ignored, &v);
    *out = (struct assay_peak_look){.qps = s.qps, .n = v.n, .over = v.over, .phi = v.phi,
                                    .verdict = l->result->failed ? ASSAY_SETTLED_INVALID : v.verdict};
    return ASSAY_OK;
}

static enum assay_code search(struct load *l, struct assay_scenario *s, struct assay_peak *peak, struct assay_error *err)
{
    struct assay_peak_search  how = {.capacity_qps = assay_case_programs_capacity_qps(&l->programs), .percentile = s->percentile, .look = look_at_rate, .self = l};
    if (assay_peak_find(&how, peak, err))
        return err->code;
    assay_peak_take(peak, s);
    return ASSAY_OK;
}

/* ---- the batch that has it ------------------------------------------------------------------------------------- */

static enum assay_code offer_batch(void *self, uint32_t max_batch, struct assay_batch_offer *out, struct assay_error *err)
{
    struct load *l = self;
    assay_case_programs_close(&l->programs, true);
    l->scenario.max_batch = max_batch;
    if (assay_case_programs_open(l->c, l->scenario.buckets, max_batch, l->most_sets, &l->programs, err))
        return err->code;
    assay_course_enter(l->c, ASSAY_PHASE_WARM);
    if (prove(l, WARM_NS, err))
        return err->code;
    *out = (struct assay_batch_offer){assay_case_programs_slowest_ns(&l->programs), assay_case_programs_capacity_qps(&l->programs)};
    return ASSAY_OK;
}

/* The search is over: what its programs took to be made is not what the case's take. */
static void forget_programs(struct load *l)
{
    static const enum assay_phase of_making[] = {ASSAY_PHASE_FILL, ASSAY_PHASE_UPLOAD, ASSAY_PHASE_COMPILE};
    struct assay_course *c = l->c;
    assay_case_programs_close(&l->programs, true);
    assay_course_enter(c, ASSAY_PHASE_WARM);
    for (size_t i = 0; i < sizeof of_making / sizeof *of_making; i++) {
        c->record->phase_ns[ASSAY_PHASE_WARM] += c->record->phase_ns[of_making[i]];
        c->record->phase_ns[of_making[i]] = 0;
    }
    c->loop.warm_runs = 0;
}

/* On a modelled device, its middle. */
static enum assay_code search_batch(struct load *l, struct assay_error *err)
{
    struct assay_batch_search how = {.latency_ns = l->scenario.latency_ns, .percentile = l->scenario.percentile, .offer = offer_batch,
                                     .look = look_at_rate, .self = l};
    enum assay_code           code = assay_batch_search(&how, &l->batches, err);
    forget_programs(l);
    if (!code)
        l->scenario.max_batch = l->batches.step[l->batches.best].max_batch;
    return code;
}

/* ---- the course ---------------------------------------------------------------------------------------------- */

/* A device that is drawn anew has many series, and none of them is the case's. */
static enum assay_code make_series(struct load *l, struct assay_error *err)
{
    struct assay_course *c = l->c;
    if (assay_case_is_drawn(c)) {
        l->rows = calloc(SERIES_ROWS, sizeof *l->rows);
        return l->rows ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the queries of a scenario");
    }
    assay_run_folder_queries_file(c->job->what->id, c->record->backend, c->job->launch, c->record->load.series_file);
    if (assay_path_join(c->series_path, sizeof c->series_path, c->job->folder, c->record->load.series_file, err) ||
        assay_mapped_file_new(c->series_path, SERIES_BYTES, &c->series, err))
        return assay_course_unmade(c, err);
    l->rows = c->series.at;
    l->tally = (struct assay_drive_tally *)(void *)(l->rows + SERIES_ROWS);
    return ASSAY_OK;
}

static enum assay_code make_instruments(struct load *l, struct assay_error *err)
{
    struct assay_course *c = l->c;
    (void)assay_string_copy(c->why_no_ceiling, sizeof c->why_no_ceiling, assay_case_without_bursts(c->job->what, &c->opened.device));
    if (make_series(l, err))
        return err->code;
    l->latencies = calloc(SERIES_ROWS, sizeof *l->latencies);
    l->result = calloc(1, sizeof *l->result);
    if (!l->latencies || !l->result)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the latencies of a scenario");
    return assay_counters_open(&c->counters, err) ? err->code : assay_meter_open(c->job->power, &c->meter, err);
}

/* The programs of the case, each with its witness. */
static enum assay_code make_programs(struct load *l, struct assay_error *err)
{
    struct assay_course *c = l->c;
    if (assay_case_programs_open(c, l->scenario.buckets, l->scenario.max_batch, l->most_sets, &l->programs, err))
        return err->code;
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    return c->opened.device.traits & ASSAY_TRAIT_VALUES ? assay_case_programs_witness(&l->programs, err) : ASSAY_OK;
}

static enum assay_code timed(struct load *l, const struct assay_scenario *s, struct assay_error *err)
{
    struct assay_course     *c = l->c;
    struct assay_noise_probe noise;
    struct assay_seeds       seeds;
    if (assay_seeds_of(s->seeds, c->job->seed, c->job->launch, &seeds, err) || assay_case_programs_prepare(&l->programs, err))
        return err->code;
    assay_course_settle(c, 1);
    assay_noise_begin(&noise);
    assay_course_on_warmed(c);
    assay_meter_start(c->meter);
    assay_counters_resume(c->counters);
    l->is_timed = true;
    l->n_flight = 0;
    enum assay_code code = drive(l, s, &seeds, err);
    l->is_timed = false;
    assay_counters_pause(c->counters);
    assay_meter_stop(c->meter);
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    if (l->clock != ASSAY_CLOCK_MODEL) /* whose time nothing on this machine disturbs */
        assay_noise_end(&noise, 0, &c->record->noise);
    return code;
}

static enum assay_code make_samples(struct load *l, size_t most, struct assay_error *err)
{
    struct assay_course *c = l->c;
    char                 file[160];
    if (assay_course_name_file(c, "samples", file, c->samples_path, err) ||
        assay_mapped_file_new(c->samples_path, (most + 1) * sizeof(uint64_t), &c->samples, err))
        return assay_course_unmade(c, err);
    (void)assay_string_copy(c->record->samples_file, sizeof c->record->samples_file, file);
    return ASSAY_OK;
}

/* The latencies of the queries that were completed, as every case leaves them. */
static enum assay_code take_samples(struct load *l, struct assay_error *err)
{
    struct assay_course *c = l->c;
    size_t               n = 0;
    uint64_t            *samples = c->samples.at;
    c->series_n = l->series.n;
    for (size_t i = 0; i < l->series.n; i++)
        if (!l->series.rows[i].status)
            samples[n++] = l->series.rows[i].completed_ns - l->series.rows[i].scheduled_ns;
    c->loop.n = n;
    if (n)
        return ASSAY_OK;
    return l->result->first_failure.code ? (*err = l->result->first_failure).code : ASSAY_FAIL(err, ASSAY_CONFIG, "the scenario has no query");
}

/* What was looked at of the smaller programs, beside what the course knows of its own. */
static void add_proofs_of_smaller(const struct load *l)
{
    struct assay_proof *proof = &l->c->record->proof;
    for (uint32_t i = 0; i + 1 < l->programs.n; i++) {
        if (!l->programs.of[i].witness)
            continue;
        struct assay_witness_counts counts = assay_witness_counts(l->programs.of[i].witness);
        proof->chosen += counts.kept;
        proof->hashed += counts.seen;
        proof->equal += counts.equal;
    }
}

static void summarize(struct load *l, const struct assay_scenario *s)
{
    struct assay_course *c = l->c;
    struct assay_record *rec = c->record;
    struct assay_text    proof = ASSAY_TEXT(rec->load.proof);
    const char          *complaint = assay_noise_complaint(&rec->noise);
    c->loop.timed_wall_ns = l->result->wall_ns;
    c->loop.timed_span_ns = l->result->span_ns < l->result->wall_ns ? l->result->span_ns : l->result->wall_ns;
    c->loop.allocations = l->result->allocations;
    c->loop.last = l->result->last;
    assay_case_summarize(c);
    rec->proof.iterations = l->result->executions;
    add_proofs_of_smaller(l);
    assay_load_judge(s, l->result, &l->series, l->latencies, c->opened.device.clock, rec);
    rec->load.sets = c->sets;
    if (s->type != ASSAY_SINGLE_STREAM)
        assay_metric_absent(rec, ASSAY_METRIC_harness_overhead_ns, "time without a query is no overhead: lateness_p99_ns says "
                            "what the loop costs");
    if (c->witness)
        assay_text_add(&proof, "judged: what the last timed execution of %llu input sets left, and %llu executions before and "
                       "%llu after the timed phase by the same program%s", (unsigned long long)l->timed, (unsigned long long)l->before,
                       (unsigned long long)l->after, l->programs.n > 1 ? "s, one for each size of batch" : "");
    else
        assay_text_add(&proof, "the device computes no values: there is nothing to judge");
    (void)assay_string_copy(rec->why_no_trace, sizeof rec->why_no_trace, "a case with a scenario is not traced; the same case "
                            "without it is");
    if (l->scenario.performance_samples > c->sets)
        assay_course_remark(c, "%u distinct inputs for %llu samples", c->sets,
                            (unsigned long long)l->scenario.performance_samples);
    if (complaint)
        assay_course_remark(c, "%s", complaint);
}

/* What a graph on a device cannot be asked. */
static enum assay_code refuse(const struct assay_course *c, struct assay_error *err)
{
    const char *audit = assay_audit_test(c);
    if (!strcmp(audit, "TEST01") && !(c->opened.device.traits & ASSAY_TRAIT_VALUES))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the device computes no values: there are no outputs to log");
    if (!strcmp(audit, "TEST06"))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "TEST06 is of served requests, and an execution of this graph is none");
    if (c->job->what->scenario.type == ASSAY_INTERACTIVE)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "interactive has limits on tokens, and an execution of this graph yields none "
                          "one by one");
    for (uint32_t i = 0; i < c->graph->n_values; i++)
        if (c->graph->values[i].role == ASSAY_ROLE_OUTPUT && c->graph->values[i].alias_of != ASSAY_NO_VALUE)
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "executions change params or states, which are restored before each: no "
                              "scenario can be driven");
    return ASSAY_OK;
}

static enum assay_code repeat_same(struct load *l, struct assay_error *err)
{
    struct assay_course *c = l->c;
    assay_case_programs_close(&l->programs, true);
    return assay_audit_pairs(c, &c->record->audit, err);
}

static enum assay_code run(struct load *l, struct assay_error *err)
{
    struct assay_course  *c = l->c;
    struct assay_scenario s = l->scenario;
    struct assay_peak     peak;
    bool                  searches = assay_scenario_searches(&s), found = l->batches.n;
    assay_course_enter(c, ASSAY_PHASE_WARM);
    if (prove(l, WARM_NS, err) || (searches && !found && search(l, &s, &peak, err)))
        return err->code;
    if (found) {
        peak = l->batches.step[l->batches.best].peak;
        assay_peak_take(&peak, &s);
    }
    if (s.type == ASSAY_OFFLINE && s.qps == 0)
        s.qps = assay_case_programs_capacity_qps(&l->programs);
    l->before = l->seen;
    if (timed(l, &s, err) || prove_timed(l, err))
        return err->code;
    if (c->witness && prove(l, 0, err))
        return err->code;
    l->after = l->seen - l->before - l->timed;
    if (make_samples(l, l->series.n, err) || take_samples(l, err))
        return err->code;
    summarize(l, &s);
    if (searches)
        assay_load_tell_peak(&peak, c->record);
    return ASSAY_OK;
}

/* How long an execution of each program takes on this device. */
static enum assay_code time_each(struct load *l, struct assay_error *err)
{
    for (uint32_t i = 0; i < l->programs.n; i++) {
        l->programs.of[i].typical_ns = 0;
        if (execute(l, &l->programs.of[i], 0, err))
            return err->code;
    }
    return ASSAY_OK;
}

/* On one of the devices that fit what is known: as `run`, and nothing of one run is kept but its figures. */
static enum assay_code run_on(struct load *l, uint64_t draw, struct assay_error *err)
{
    struct assay_course  *c = l->c;
    struct assay_scenario s = l->scenario;
    struct assay_peak     peak;
    bool                  searches = assay_scenario_searches(&s);
    if (c->opened.backend->draw(c->opened.session, draw, err) || time_each(l, err) || (searches && search(l, &s, &peak, err)))
        return err->code;
    if (s.type == ASSAY_OFFLINE && s.qps == 0)
        s.qps = assay_case_programs_capacity_qps(&l->programs);
    if (timed(l, &s, err) || take_samples(l, err))
        return err->code;
    summarize(l, &s);
    if (searches)
        assay_load_tell_peak(&peak, c->record);
    return ASSAY_OK;
}

static enum assay_code run_drawn(struct load *l, struct assay_error *err)
{
    struct assay_course         *c = l->c;
    struct assay_drawn_scenario *drawn;
    if (make_samples(l, SERIES_ROWS, err) || assay_drawn_scenario_new(&drawn, err))
        return err->code;
    uint64_t draws = c->witness ? DRAWS_WITH_VALUES : ASSAY_SCENARIO_DRAWS;
    assay_course_enter(c, ASSAY_PHASE_WARM);
    enum assay_code code = c->witness ? prove(l, WARM_NS, err) : assay_case_programs_prepare(&l->programs, err);
    l->before = l->seen;
    for (uint64_t k = 1; !code && k <= draws; k++) {
        assay_drawn_scenario_begin(c->record);
        code = run_on(l, k, err);
        if (!code)
            assay_drawn_scenario_add(drawn, c->record);
    }
    if (!code)
        code = c->opened.backend->draw(c->opened.session, 0, err);
    if (!code)
        code = prove_timed(l, err);
    if (!code)
        assay_drawn_scenario_tell(drawn, c, assay_graph_target_program(c->target));
    c->series_n = 0;
    assay_drawn_scenario_free(drawn);
    return code;
}

/* ---- of a worker that did not live to tell ------------------------------------------------------------------- */

void assay_case_load_recover(const char *folder, const char *id, const char *backend, uint32_t launch, struct assay_load *out)
{
    char                     name[160], path[700];
    struct assay_mapped_file file;
    struct assay_error       ignored = {.code = ASSAY_OK};
    struct assay_drive_tally tally;
    assay_run_folder_queries_file(id, backend, launch, name);
    if (assay_path_join(path, sizeof path, folder, name, &ignored) || assay_mapped_file_read(path, &file, &ignored))
        return;
    if (file.bytes == SERIES_BYTES) {
        memcpy(&tally, (const unsigned char *)file.at + SERIES_ROWS * sizeof(struct assay_query_row), sizeof tally);
        out->issued = tally.issued;
        out->completed = tally.completed < tally.issued ? tally.completed : tally.issued;
        out->failed = out->issued - out->completed; /* what was in flight has failed */
    }
    assay_mapped_file_release(&file);
}

/* What is said, and asked, once the programs are done with. */
static enum assay_code finish(struct load *l, struct assay_error *err)
{
    assay_load_tell_batches(&l->batches, l->c->record);
    if (assay_case_programs_finish(&l->programs, err))
        return err->code;
    return l->audit.same ? repeat_same(l, err) : ASSAY_OK;
}

enum assay_code assay_case_load(struct assay_course *c, struct assay_error *err)
{
    const struct assay_scenario *s = &c->job->what->scenario;
    uint32_t                     most = c->record->flops > LONG_FLOPS ? ASSAY_MIN_SETS : ASSAY_PROGRAM_MOST_SETS;
    struct load                  l = {.c = c, .scenario = *s, .clock = c->opened.device.clock};
    if (refuse(c, err))
        return err->code;
    l.most_sets = s->performance_samples < most ? (uint32_t)s->performance_samples : most;
    assay_audit_init(&l.audit, c->record->audit.test, assay_scenario_least(s));
    l.outer = (struct assay_target){.self = &l, .clock = l.clock, .issue = issue, .poll = poll, .cancel = cancel};
    if (!make_instruments(&l, err) && !(assay_scenario_searches_batch(s) && search_batch(&l, err)) && !make_programs(&l, err) &&
        !(assay_case_is_drawn(c) ? run_drawn(&l, err) : run(&l, err)))
        (void)finish(&l, err);
    assay_case_programs_close(&l.programs, false);
    free(l.latencies);
    free(l.result);
    if (!c->series.at)
        free(l.rows);
    return err->code;
}
