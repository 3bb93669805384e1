#include "harness/judge/model.h"

#include <string.h>

#include "harness/base/json.h"
#include "harness/run/job.h"
#include "harness/run/manifest.h"
#include "harness/verify/check.h"

#include "assay/banned.h"

#define PROBE_TIMEOUT_NS UINT64_C(60000000000)

/* What a worker's answer says of its case, with "outcome" and "why"; a new reference. */
static json_t *found_of(const struct assay_job_result *job)
{
    json_t *found = job->end == ASSAY_JOB_ANSWERED ? json_object_get(job->answer, "found") : NULL;
    if (json_is_object(found) && json_is_string(json_object_get(found, "outcome")) && json_is_string(json_object_get(found, "why")))
        return json_incref(found);
    /* what a back end does not take, or what does not fit, says nothing of its results */
    bool not_taken = job->end == ASSAY_JOB_FAILED && (job->error.code == ASSAY_UNSUPPORTED || job->error.code == ASSAY_MEMORY);
    bool is_open = not_taken || job->end == ASSAY_JOB_TIMEOUT;
    return json_pack("{s:s, s:o}", "outcome", assay_outcome_name(is_open ? ASSAY_NOT_CHECKED : ASSAY_FAIL), "why",
                     assay_json_string(*job->error.message ? job->error.message : "the worker gave another answer than was asked for"));
}

static enum assay_code run_case(const struct assay_model_request *request, const struct assay_case *c, json_t *cases, struct assay_error *err)
{
    struct assay_job_watch  watch = {.timeout_ns = request->timeout_ns ? request->timeout_ns : c->repeat.timeout_ns, .stop = request->stop};
    struct assay_job_result job;
    bool                    killed = true;
    for (int attempt = 0; killed && attempt < ASSAY_JOB_MAX_ATTEMPTS; attempt++) {
        json_t *found, *what = json_pack("{s:s, s:s, s:s, s:I}", "do", "model", "backend", request->backend, "case", c->name, "seed",
                                         (json_int_t)request->plan->seed);
        if (assay_job_run(what, &watch, &job, err))
            return err->code;
        killed = assay_job_was_killed(&job);
        bool stopped = job.end == ASSAY_JOB_STOPPED, last = !killed || attempt + 1 == ASSAY_JOB_MAX_ATTEMPTS;
        if (last && !stopped && (json_object_set_new(found = found_of(&job), "case", assay_json_string(c->name)) || json_array_append_new(cases, found)))
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found of '%.80s'", c->name);
        assay_job_release(&job);
        if (stopped)
            return ASSAY_FAIL(err, ASSAY_INTERRUPTED, "interrupted in case '%.80s'", c->name);
    }
    return err->code;
}

enum assay_code assay_model(const struct assay_model_request *request, json_t **out, struct assay_error *err)
{
    size_t  n = request->plan->n_cases;
    json_t *probe = NULL, *cases = json_array();
    memset(err, 0, sizeof *err);
    (void)assay_job_probe(request->backend, request->timeout_ns ? request->timeout_ns : PROBE_TIMEOUT_NS, &probe, err);
    for (size_t i = 0; i < n && !err->code; i++) {
        if (request->progress)
            request->progress(request->self, i, n, request->plan->cases[i].name);
        (void)run_case(request, &request->plan->cases[i], cases, err);
    }
    if (!err->code) {
        const struct assay_manifest circumstances = {.suite = request->plan->name, .seed = request->plan->seed, .arguments = request->arguments,
                                                     .n_arguments = request->n_arguments, .backends = &request->backend, .probe = &probe,
                                                     .n_backends = 1};
        *out = json_pack("{s:s, s:o, s:O}", "format", ASSAY_MODEL_FORMAT, "manifest", assay_manifest_to_json(&circumstances), "cases", cases);
        if (!*out)
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found of %zu cases", n);
    }
    json_decref(probe);
    json_decref(cases);
    return err->code;
}
