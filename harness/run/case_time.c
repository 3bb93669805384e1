#include "harness/run/case_time.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/load/closed_loop.h"
#include "harness/load/graph_target.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/counters.h"
#include "harness/measure/noise.h"
#include "harness/measure/power.h"
#include "harness/run/case_draw.h"
#include "harness/run/case_metrics.h"
#include "harness/run/case_target.h"
#include "harness/run/case_trace.h"
#include "harness/store/trace.h"
#include "harness/verify/witness.h"

#include "assay/banned.h"

static void on_progress(void *self, double share, uint64_t median_ns)
{
    struct assay_course *c = self;
    assay_course_settle(c, c->loop.n);
    assay_course_progress(c, share, median_ns);
}

static void on_see(void *self, uint64_t iteration, const struct assay_collected *left)
{
    struct assay_course *c = self;
    struct assay_seen    seen = {iteration, left->set, left->poison_key, left->outputs, left->before};
    assay_witness_see(c->witness, &seen);
}

static void on_batch_end(void *self)
{
    assay_witness_batch_end(((struct assay_course *)self)->witness);
}

const char *assay_case_without_bursts(const struct assay_case *c, const struct assay_device_info *device)
{
    if (c->scenario.type)
        return "no bursts are run beside a scenario";
    if (c->workload->lesson && !strcmp(c->workload->lesson->phase, c->phase))
        return "no bursts are run beside a training";
    if (!(device->traits & ASSAY_TRAIT_IS_HOST) || device->clock != ASSAY_CLOCK_HOST)
        return "peak and triad are measured only for back ends that run on this host's cores";
    if (!c->repeat.min_ns) /* a witness without figures: filling arrays beyond the caches takes longer than all else */
        return "no timed time was asked for (min-s 0)";
    return NULL;
}

/* Everything that the timed phase will write into or read from is made and touched before it. */
static enum assay_code make_instruments(struct assay_course *c, struct assay_error *err)
{
    const struct assay_device_info *device = &c->opened.device;
    char                            file[160];
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    if (assay_course_name_file(c, "samples", file, c->samples_path, err) ||
        assay_mapped_file_new(c->samples_path, ASSAY_COURSE_MAX_SAMPLES * sizeof(uint64_t), &c->samples, err))
        return assay_course_unmade(c, err);
    (void)assay_string_copy(c->record->samples_file, sizeof c->record->samples_file, file);
    if (device->traits & ASSAY_TRAIT_VALUES) {
        if (assay_course_name_file(c, "witness", file, c->witness_path, err))
            return err->code;
        struct assay_witness_setup setup = {
            .path = c->witness_path, .case_id = c->job->what->id, .graph = c->graph, .seed = c->job->seed,
            .entropy = assay_random_entropy(), .sets = c->sets, .chosen = assay_witness_chosen_of(c->graph, c->sets),
        };
        if (assay_witness_new(&setup, &c->witness, err))
            return assay_course_unmade(c, err);
        (void)assay_string_copy(c->record->witness_file, sizeof c->record->witness_file, file);
    }
    struct assay_error no_ceiling;
    const char        *why_not = assay_case_without_bursts(c->job->what, device);
    if (!why_not && (!c->job->ceiling || assay_ceiling_open_kept(c->job->ceiling, &c->ceiling, &no_ceiling)) &&
        assay_ceiling_open(0, &c->ceiling, &no_ceiling)) /* the case is none the worse for it */
        why_not = no_ceiling.message;
    (void)assay_string_copy(c->why_no_ceiling, sizeof c->why_no_ceiling, why_not ? why_not : "");
    return assay_counters_open(&c->counters, err) ? err->code : assay_meter_open(c->job->power, &c->meter, err);
}

static enum assay_code time_it(struct assay_course *c, struct assay_error *err)
{
    const struct assay_repeat *repeat = &c->job->what->repeat;
    struct assay_closed_loop   loop = {
          .target = c->target, .slots = c->sets, .min_runs = (uint64_t)repeat->min_runs, .min_ns = repeat->min_ns,
          .max_ns = repeat->max_ns, .samples = c->samples.at, .max_samples = ASSAY_COURSE_MAX_SAMPLES, .ceiling = c->ceiling,
          .counters = c->counters, .meter = c->meter, .see = on_see, .batch_end = on_batch_end,
          .warmed = assay_course_on_warmed, .progress = on_progress, .self = c, .collects = c->witness != NULL,
          .timeout_ns = repeat->timeout_ns,
    };
    struct assay_noise_probe noise;
    uint64_t                 lent_before_ns = assay_ceiling_lent_ns(c->ceiling);
    assay_noise_begin(&noise);
    assay_course_enter(c, ASSAY_PHASE_WARM);
    if (assay_closed_loop_run(&loop, &c->loop, err))
        return err->code;
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    c->record->phase_ns[ASSAY_PHASE_TIMED] -= c->loop.proof_ns;
    c->record->phase_ns[ASSAY_PHASE_WITNESS] += c->loop.proof_ns;
    assay_noise_end(&noise, assay_ceiling_lent_ns(c->ceiling) - lent_before_ns, &c->record->noise);
    const char *complaint = assay_noise_complaint(&c->record->noise);
    if (c->sets < ASSAY_MIN_SETS)
        assay_course_remark(c, "%u input set%s instead of %u, for want of memory", c->sets, c->sets == 1 ? "" : "s",
                            ASSAY_MIN_SETS);
    if (c->loop.hit_wall_limit)
        assay_course_remark(c, "ended at the limit of %.3g s after %llu executions", (double)repeat->max_ns / 1e9,
                            (unsigned long long)c->loop.n);
    if (complaint)
        assay_course_remark(c, "%s", complaint);
    return ASSAY_OK;
}

/* Where the time of an execution goes. No figure depends on it: without one, the record has the reason. */
static enum assay_code trace_it(struct assay_course *c, struct assay_error *err)
{
    const struct assay_repeat    *repeat = &c->job->what->repeat;
    struct assay_record          *rec = c->record;
    struct assay_trace            trace = {0};
    struct assay_case_trace_setup setup = {
        .backend = c->opened.backend, .target = c->target, .graph = c->graph, .slots = c->sets,
        .timeout_ns = repeat->timeout_ns,
    };
    struct assay_error why = {.code = ASSAY_OK};
    char               file[160], path[700];
    assay_course_enter(c, ASSAY_PHASE_TRACE);
    if (assay_case_trace(&setup, &trace, &rec->traced_ns, &why)) {
        (void)assay_string_copy(rec->why_no_trace, sizeof rec->why_no_trace, why.message);
        return ASSAY_OK;
    }
    if (!assay_course_name_file(c, "trace", file, path, err) && !assay_trace_write(path, &trace, err) &&
        !assay_sha256_file(path, rec->trace_sha256, err)) {
        (void)assay_string_copy(rec->trace_file, sizeof rec->trace_file, file);
        rec->trace_runs = trace.executions;
    }
    assay_trace_release(&trace);
    c->unstored = c->unstored || err->code == ASSAY_IO;
    return err->code;
}

/* What a model computes values of is proved as all else is, on one of the devices it may be; its time is the draws'. */
static enum assay_code draw_it(struct assay_course *c, struct assay_error *err)
{
    if ((c->opened.device.traits & ASSAY_TRAIT_VALUES) && (c->opened.backend->draw(c->opened.session, 1, err) || time_it(c, err)))
        return err->code;
    return assay_case_draw(c, err);
}

enum assay_code assay_case_time(struct assay_course *c, struct assay_error *err)
{
    if (assay_case_target_make(c, ASSAY_MIN_SETS, err) || make_instruments(c, err) ||
        (assay_case_is_drawn(c) ? draw_it(c, err) : time_it(c, err)))
        return err->code;
    assay_case_summarize(c);
    return trace_it(c, err);
}
