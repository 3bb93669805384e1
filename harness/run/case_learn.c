#include "harness/run/case_learn.h"

#include <math.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/load/lesson.h"
#include "harness/measure/counters.h"
#include "harness/measure/noise.h"
#include "harness/measure/power.h"
#include "harness/run/case_metrics.h"
#include "harness/run/case_time.h"
#include "harness/store/run_folder.h"
#include "harness/verify/learned.h"

#include "assay/banned.h"

static enum assay_code make_instruments(struct assay_course *c, struct assay_error *err)
{
    struct assay_record      *rec = c->record;
    struct assay_lesson_terms terms;
    char                      samples[160], witness[160], curve[160];
    size_t                    ignored;
    uint32_t                  needed = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY;
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    if ((c->opened.device.traits & needed) != needed)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the device computes no values: nothing can be learned on it");
    c->lesson->terms(c->job->what->params, &terms);
    if (assay_learned_bytes(c->evaluation, &ignored, err))
        return err->code;
    assay_run_folder_curve_file(c->job->what->id, rec->backend, c->job->launch, curve);
    if (terms.max_steps > ASSAY_COURSE_MAX_SAMPLES)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "max_steps %llu; at most %u are recorded", (unsigned long long)terms.max_steps,
                          ASSAY_COURSE_MAX_SAMPLES);
    if (assay_course_name_file(c, "samples", samples, c->samples_path, err) ||
        assay_course_name_file(c, "witness", witness, c->witness_path, err) ||
        assay_path_join(c->curve_path, sizeof c->curve_path, c->job->folder, curve, err) ||
        assay_mapped_file_new(c->samples_path, (size_t)terms.max_steps * sizeof(uint64_t), &c->samples, err) ||
        assay_mapped_file_new(c->curve_path, (size_t)assay_lesson_rows(&terms) * sizeof(struct assay_lesson_row), &c->curve, err))
        return assay_course_unmade(c, err);
    (void)assay_string_copy(rec->samples_file, sizeof rec->samples_file, samples);
    (void)assay_string_copy(rec->curve_file, sizeof rec->curve_file, curve);
    (void)assay_string_copy(c->why_no_ceiling, sizeof c->why_no_ceiling, assay_case_without_bursts(c->job->what, &c->opened.device));
    return assay_counters_open(&c->counters, err) ? err->code : assay_meter_open(c->job->power, &c->meter, err);
}

static void on_step(void *self, double share, uint64_t median_ns)
{
    struct assay_course *c = self;
    if (c->learned.evaluations) /* both programs have run */
        assay_course_settle(c, c->learned.loop.n);
    assay_course_progress(c, share, median_ns);
}

static enum assay_code on_learned(void *self, const void *const *params, size_t n, struct assay_error *err)
{
    struct assay_course *c = self;
    const char          *id = c->job->what->id;
    (void)n;
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    if (assay_learned_write(c->witness_path, id, c->job->seed, c->learned.steps, c->evaluation, params, err))
        return assay_course_unmade(c, err);
    assay_run_folder_file("witness", id, c->record->backend, c->job->launch, c->record->witness_file);
    return ASSAY_OK;
}

static enum assay_code learn(struct assay_course *c, struct assay_error *err)
{
    const struct assay_repeat *repeat = &c->job->what->repeat;
    struct assay_lesson_run    how = {
           .backend = c->opened.backend, .session = c->opened.session, .device = &c->opened.device, .lesson = c->lesson,
           .params = c->job->what->params, .step = c->graph, .evaluation = c->evaluation, .seed = c->job->seed,
           .timeout_ns = repeat->timeout_ns, .max_ns = repeat->max_ns, .rows = c->curve.at, .samples = c->samples.at,
           .max_samples = c->samples.bytes / sizeof(uint64_t), .counters = c->counters, .meter = c->meter,
           .phase = assay_course_on_target_phase, .begun = assay_course_on_warmed, .progress = on_step, .learned = on_learned,
           .compiled = assay_course_on_compiled, .self = c,
    };
    struct assay_noise_probe noise;
    assay_noise_begin(&noise);
    enum assay_code code = assay_lesson_run(&how, &c->learned, err);
    c->loop = c->learned.loop;
    if (code)
        return code;
    assay_noise_end(&noise, 0, &c->record->noise);
    const char *complaint = assay_noise_complaint(&c->record->noise);
    if (c->learned.hit_wall_limit)
        assay_course_remark(c, "ended at the limit of %.3g s after %llu steps", (double)repeat->max_ns / 1e9,
                            (unsigned long long)c->learned.steps);
    if (complaint)
        assay_course_remark(c, "%s", complaint);
    return ASSAY_OK;
}

static void summarize_lesson(const struct assay_course *c)
{
    const struct assay_lesson_result *l = &c->learned;
    struct assay_record              *rec = c->record;
    assay_case_summarize(c);
    rec->proof.sets = l->steps; /* every step has data of its own */
    assay_metric_set(rec, ASSAY_METRIC_quality_target, l->terms.target, 1, 0);
    assay_metric_set(rec, ASSAY_METRIC_quality_floor, l->terms.floor, 1, 0);
    if (isfinite(l->quality))
        assay_metric_set(rec, ASSAY_METRIC_quality, l->quality, l->evaluations, 0);
    else
        assay_metric_absent(rec, ASSAY_METRIC_quality, "the loss became no finite number");
    if (l->reached) {
        assay_metric_set(rec, ASSAY_METRIC_steps_to_quality, (double)l->reached_step, 1, 0);
        assay_metric_set(rec, ASSAY_METRIC_time_to_quality_ns, (double)l->reached_ns, 1, ASSAY_CLOCK_HOST);
        return;
    }
    assay_metric_absent(rec, ASSAY_METRIC_steps_to_quality, "the target was not reached");
    assay_metric_absent(rec, ASSAY_METRIC_time_to_quality_ns, "the target was not reached");
}

enum assay_code assay_case_learn(struct assay_course *c, struct assay_error *err)
{
    if (make_instruments(c, err) || learn(c, err))
        return err->code;
    summarize_lesson(c);
    return ASSAY_OK;
}
