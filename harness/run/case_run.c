#include "harness/run/case_run.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/load/drive.h"
#include "harness/load/graph_target.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/counters.h"
#include "harness/measure/power.h"
#include "harness/run/case_learn.h"
#include "harness/run/case_load.h"
#include "harness/run/case_metrics.h"
#include "harness/run/case_serve.h"
#include "harness/run/case_time.h"
#include "harness/run/course.h"
#include "harness/run/drawn_levels.h"
#include "harness/run/ranked.h"
#include "harness/verify/witness.h"
#include "suites/weights/value_source.h"

#include "assay/banned.h"

/* A rank that waits so long for another says so; sooner, where the whole worker has less time, so that there is time to say it. */
#define RANKS_PATIENCE_NS (30 * ASSAY_NS_PER_S)
#define RANKS_PATIENCE_SHARE 4

static enum assay_code build(struct assay_course *c, struct assay_error *err)
{
    const struct assay_case *what = c->job->what;
    const char *weights = c->job->weights ? c->job->weights : "", *inputs = c->job->inputs ? c->job->inputs : "";
    if (assay_case_ranks(what, &c->ranks, err) ||
        (c->ranks > 1 ? assay_case_join(what, c->ranks, &c->graph, &c->of, err) : assay_case_graph(what, &c->graph, err)))
        return err->code;
    if ((*weights || *inputs) && assay_value_source_open(c->graph, weights, inputs, &c->source, err))
        return err->code;
    assay_course_tell_cost(c);
    if (what->workload->message)
        what->workload->message(what->params, what->phase, &c->message_bytes, &c->link_factor);
    c->record->items = what->workload->items ? what->workload->items(what->params, what->phase) : 1;
    c->lesson = what->workload->lesson && !strcmp(what->workload->lesson->phase, what->phase) ? what->workload->lesson : NULL;
    if (!c->lesson)
        return ASSAY_OK;
    if (!(c->evaluation = assay_graph_new("evaluation")))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    if (c->lesson->build_evaluation(what->params, c->evaluation, err))
        return assay_error_in(err, "building the evaluation of '%.80s'", what->name);
    return ASSAY_OK;
}

static enum assay_code open_device(struct assay_course *c, struct assay_error *err)
{
    assay_course_enter(c, ASSAY_PHASE_OPEN);
    uint64_t                        share = c->job->what->repeat.timeout_ns / RANKS_PATIENCE_SHARE;
    const struct assay_ranked_setup ranked = {.what = c->job->what, .backend = c->job->backend, .plugin = c->job->plugin,
                                              .launcher = c->job->launcher, .graph = c->graph, .of = c->of, .n = c->ranks,
                                              .patience_ns = share < RANKS_PATIENCE_NS ? share : RANKS_PATIENCE_NS};
    if (c->ranks > 1 ? assay_ranked_open(&ranked, &c->opened, err)
                     : assay_backend_open_file(c->job->plugin, c->job->backend, NULL, &c->opened, err))
        return err->code;
    c->is_open = true;
    c->record->device = c->opened.device;
    c->record->evidence = assay_evidence_of(&c->opened.device);
    (void)assay_string_copy(c->record->backend, sizeof c->record->backend, c->opened.canonical);
    if (assay_course_accepted(c, c->graph, err))
        return err->code;
    return c->lesson ? assay_course_accepted(c, c->evaluation, err) : ASSAY_OK;
}

/* Closes files (cutting the samples to what was taken) and hashes them for the record. */
static enum assay_code finish_files(struct assay_course *c, struct assay_error *err)
{
    struct assay_error first = {.code = ASSAY_OK};
    if (c->samples.at && assay_mapped_file_close(&c->samples, c->samples_path, c->loop.n * sizeof(uint64_t), err))
        first = *err;
    if (c->witness && assay_witness_close(c->witness, err) && !first.code)
        first = *err;
    c->witness = NULL;
    if (c->curve.at &&
        assay_mapped_file_close(&c->curve, c->curve_path, (size_t)c->learned.n_rows * sizeof(struct assay_lesson_row), err) &&
        !first.code)
        first = *err;
    if (c->series.at &&
        assay_mapped_file_close(&c->series, c->series_path, c->series_n * sizeof(struct assay_query_row), err) && !first.code)
        first = *err;
    if (!first.code && *c->record->load.series_file && assay_sha256_file(c->series_path, c->record->load.series_sha256, err))
        first = *err;
    if (!first.code && *c->record->curve_file && assay_sha256_file(c->curve_path, c->record->curve_sha256, err))
        first = *err;
    if (!first.code && *c->record->samples_file && assay_sha256_file(c->samples_path, c->record->samples_sha256, err))
        first = *err;
    if (!first.code && *c->record->witness_file && assay_sha256_file(c->witness_path, c->record->witness_sha256, err))
        first = *err;
    *err = first;
    c->unstored = c->unstored || first.code == ASSAY_IO;
    return first.code;
}

static void close_all(struct assay_course *c)
{
    assay_meter_close(c->meter);
    assay_counters_close(c->counters);
    assay_ceiling_close(c->ceiling);
    assay_graph_target_free(c->target);
    if (c->is_open)
        assay_backend_close(&c->opened);
    assay_drawn_levels_free(c->drawn.levels);
    assay_value_source_close(c->source);
    assay_graph_free(c->graph);
    free(c->of);
    assay_graph_free(c->evaluation);
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
    struct assay_course c = {.job = job, .record = record, .phase_begin_ns = assay_clock_now_ns()};
    struct assay_error  err = {.code = ASSAY_OK};
    uint64_t            begin = c.phase_begin_ns;
    memset(record, 0, sizeof *record);
    (void)assay_string_copy(record->case_name, sizeof record->case_name, job->what->name);
    (void)assay_string_copy(record->id, sizeof record->id, job->what->id);
    (void)assay_string_copy(record->backend, sizeof record->backend, job->backend);
    (void)assay_string_copy(record->repeat, sizeof record->repeat, job->repeat);
    record->launch = job->launch;
    record->started_utc_ns = assay_clock_utc_ns();
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++)
        assay_metric_absent(record, (enum assay_metric)i, "the case did not get that far");
    enum assay_code code = build(&c, &err);
    if (!code)
        code = open_device(&c, &err);
    if (!code && c.lesson)
        code = assay_case_learn(&c, &err);
    else if (!code && assay_case_is_served(job->what))
        code = assay_case_serve(&c, &err);
    else if (!code && job->what->scenario.type)
        code = assay_case_load(&c, &err);
    else if (!code)
        code = assay_case_time(&c, &err);
    struct assay_error closing = {.code = ASSAY_OK};
    if (finish_files(&c, &closing) && !code) {
        err = closing;
        code = closing.code;
    }
    assay_course_enter(&c, ASSAY_PHASE_CLOSE);
    close_all(&c);
    record->phase_ns[ASSAY_PHASE_CLOSE] += assay_clock_now_ns() - c.phase_begin_ns;
    record->status = status_of(code);
    if (code)
        record->error = err;
    (void)assay_string_copy(record->reason, sizeof record->reason, code ? err.message : "");
    record->wall_ns = assay_clock_now_ns() - begin;
    if (!c.unstored)
        return ASSAY_OK;
    *unstored = closing.code == ASSAY_IO ? closing : err;
    return unstored->code;
}
