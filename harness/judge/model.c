#include "harness/judge/model.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/run/job.h"

#include "assay/banned.h"

static enum assay_outcome outcome_of(const char *name)
{
    for (int o = ASSAY_PASS; name && o <= ASSAY_NOT_CHECKED; o++)
        if (!strcmp(assay_outcome_name((enum assay_outcome)o), name))
            return (enum assay_outcome)o;
    return ASSAY_FAIL;
}

static void take(struct assay_model_result *r, const struct assay_job_result *job)
{
    json_t     *found = job->end == ASSAY_JOB_ANSWERED ? json_object_get(job->answer, "found") : NULL;
    const char *why = json_string_value(json_object_get(found, "why"));
    if (json_is_object(found) && why) {
        r->found = json_incref(found);
        r->outcome = outcome_of(json_string_value(json_object_get(found, "outcome")));
        (void)assay_string_copy(r->why, sizeof r->why, why);
        return;
    }
    /* what a back end does not take, or what does not fit, says nothing of its results */
    bool not_taken = job->end == ASSAY_JOB_FAILED && (job->error.code == ASSAY_UNSUPPORTED || job->error.code == ASSAY_MEMORY);
    r->outcome = not_taken || job->end == ASSAY_JOB_TIMEOUT ? ASSAY_NOT_CHECKED : ASSAY_FAIL;
    (void)assay_string_copy(r->why, sizeof r->why,
                            *job->error.message ? job->error.message : "the worker gave another answer than was asked for");
}

static enum assay_code run_case(const struct assay_model_request *request, const struct assay_case *c, struct assay_model_result *r,
                                struct assay_error *err)
{
    struct assay_job_watch  watch = {.timeout_ns = request->timeout_ns ? request->timeout_ns : c->repeat.timeout_ns, .stop = request->stop};
    struct assay_job_result job;
    bool                    killed = true;
    (void)assay_string_copy(r->case_name, sizeof r->case_name, c->name);
    for (int attempt = 0; killed && attempt < ASSAY_JOB_MAX_ATTEMPTS; attempt++) {
        json_t *what = json_pack("{s:s, s:s, s:s, s:I}", "do", "model", "backend", request->backend, "case", c->name, "seed",
                                 (json_int_t)request->plan->seed);
        if (assay_job_run(what, &watch, &job, err))
            return err->code;
        killed = assay_job_was_killed(&job);
        if (!killed || attempt + 1 == ASSAY_JOB_MAX_ATTEMPTS)
            take(r, &job);
        bool stopped = job.end == ASSAY_JOB_STOPPED;
        assay_job_release(&job);
        if (stopped)
            return ASSAY_FAIL(err, ASSAY_INTERRUPTED, "interrupted in case '%.80s'", c->name);
    }
    return ASSAY_OK;
}

enum assay_code assay_model(const struct assay_model_request *request, struct assay_model_result **out, struct assay_error *err)
{
    size_t                     n = request->plan->n_cases;
    json_t                    *probe = NULL;
    struct assay_model_result *r = calloc(n + 1, sizeof *r);
    memset(err, 0, sizeof *err);
    if (!r)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the results of %zu cases", n);
    if (!assay_job_probe(request->backend, request->timeout_ns ? request->timeout_ns : UINT64_C(60000000000), &probe, err))
        json_decref(probe);
    for (size_t i = 0; i < n && !err->code; i++) {
        if (request->progress)
            request->progress(request->self, i, n, request->plan->cases[i].name);
        (void)run_case(request, &request->plan->cases[i], &r[i], err);
    }
    if (err->code) {
        assay_model_free(r, n);
        return err->code;
    }
    *out = r;
    return ASSAY_OK;
}

void assay_model_free(struct assay_model_result *results, size_t n)
{
    for (size_t i = 0; results && i < n; i++)
        json_decref(results[i].found);
    free(results);
}
