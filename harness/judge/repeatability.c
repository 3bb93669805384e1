#include "harness/judge/repeatability.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/run/job.h"

#include "assay/banned.h"

static const struct {
    const char *name, *about;
} rows[ASSAY_REPEATS_COUNT] = {
    [ASSAY_REPEATS_RUNS] = {"runs", "one execution after another in one process"},
    [ASSAY_REPEATS_PROCESSES] = {"processes", "first outputs of other processes"},
    [ASSAY_REPEATS_THREADS] = {"threads", "other numbers of threads"},
    [ASSAY_REPEATS_NEIGHBOURS] = {"neighbours", "the same items among others"},
    [ASSAY_REPEATS_PLACE] = {"place", "the same items at other places of the batch"},
    [ASSAY_REPEATS_SIZE] = {"size", "the same items in batches of other sizes"},
};

const char *assay_repeats_name(enum assay_repeats property)
{
    return rows[property].name;
}

const char *assay_repeats_about(enum assay_repeats property)
{
    return rows[property].about;
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

struct finding {
    const struct assay_repeatability_request *with;
    struct assay_repeatability               *out;
    char                                      folder[256], baseline[300];
};

static void absent(struct finding *f, enum assay_repeats property, const char *why)
{
    struct assay_repeats_property *p = &f->out->property[property];
    if (!p->has)
        (void)assay_string_copy(p->why, sizeof p->why, *why ? why : "no reason was given");
}

/* One worker. ASSAY_OK with *found NULL: it did not answer, and *err_of_worker says why. */
static enum assay_code ask(const struct finding *f, const char *part, bool writes, uint64_t runs, struct assay_job_result *result,
                           struct assay_error *err)
{
    const struct assay_repeatability_request *with = f->with;
    struct assay_job_watch                    watch = {.timeout_ns = with->timeout_ns, .stop = with->stop};
    for (unsigned attempt = 1;; attempt++) {
        json_t *job = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I}", "do", "repeatability", "backend", with->backend, "case",
                                with->what->name, "part", part, "baseline", f->baseline, "writes", writes, "runs", (json_int_t)runs, "seed",
                                (json_int_t)with->seed, "timeout_ns", (json_int_t)with->timeout_ns);
        if (assay_job_run(job, &watch, result, err))
            return err->code;
        if (!assay_job_was_killed(result) || attempt == ASSAY_JOB_MAX_ATTEMPTS)
            break;
        assay_job_release(result);
    }
    if (result->end == ASSAY_JOB_STOPPED) {
        *err = result->error;
        assay_job_release(result);
    }
    return err->code;
}

static void take(struct finding *f, enum assay_repeats property, const struct assay_job_result *result)
{
    struct assay_repeats_property *p = &f->out->property[property];
    struct assay_agreement         more;
    struct assay_error             broken = {.code = ASSAY_OK};
    const json_t *found = json_object_get(json_object_get(result->answer, "found"), rows[property].name);
    const char   *why = json_string_value(json_object_get(found, "why"));
    if (result->end != ASSAY_JOB_ANSWERED)
        absent(f, property, result->error.message);
    else if (why)
        absent(f, property, why);
    else if (assay_agreement_from_json(found, &more, &broken))
        absent(f, property, broken.message);
    else {
        assay_agreement_add(&p->agreement, &more);
        p->has = p->agreement.runs > 0;
        (void)assay_string_copy(p->why, sizeof p->why, p->has ? "" : "nothing could be compared");
    }
}

static void tell(const struct finding *f, enum assay_repeats property)
{
    if (f->with->progress)
        f->with->progress(f->with->self, rows[property].about);
}

/* One part that gives the properties first .. last. */
static enum assay_code part(struct finding *f, const char *name, uint64_t runs, enum assay_repeats first, enum assay_repeats last,
                            struct assay_error *err)
{
    struct assay_job_result result;
    tell(f, first);
    if (ask(f, name, false, runs, &result, err))
        return err->code;
    for (int i = (int)first; i <= (int)last; i++)
        take(f, (enum assay_repeats)i, &result);
    assay_job_release(&result);
    return ASSAY_OK;
}

static enum assay_code first_process(struct finding *f, struct assay_error *err)
{
    struct assay_job_result result;
    tell(f, ASSAY_REPEATS_RUNS);
    if (ask(f, "process", true, f->with->runs, &result, err))
        return err->code;
    if (result.end == ASSAY_JOB_ANSWERED)
        take(f, ASSAY_REPEATS_RUNS, &result);
    else
        *err = result.error;
    assay_job_release(&result);
    return err->code;
}

static enum assay_code find(struct finding *f, struct assay_error *err)
{
    if (first_process(f, err))
        return err->code;
    for (uint64_t i = 1; i < f->with->processes; i++)
        if (part(f, "process", 0, ASSAY_REPEATS_PROCESSES, ASSAY_REPEATS_PROCESSES, err))
            return err->code;
    return part(f, "threads", 1, ASSAY_REPEATS_THREADS, ASSAY_REPEATS_THREADS, err)
               ? err->code
               : part(f, "batch", f->with->arrangements, ASSAY_REPEATS_NEIGHBOURS, ASSAY_REPEATS_SIZE, err);
}

enum assay_code assay_repeatability_find(const struct assay_repeatability_request *request, struct assay_repeatability *out,
                                         struct assay_error *err)
{
    struct finding f = {.with = request, .out = out};
    const char    *temporary = getenv("TMPDIR");
    memset(out, 0, sizeof *out);
    if (assay_path_join(f.folder, sizeof f.folder, temporary && *temporary ? temporary : "/tmp", "assay-repeat-XXXXXX", err))
        return err->code;
    if (!mkdtemp(f.folder))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot make a temporary folder '%.120s'", f.folder);
    if (!assay_path_join(f.baseline, sizeof f.baseline, f.folder, "baseline", err))
        (void)find(&f, err);
    (void)unlink(f.baseline);
    (void)rmdir(f.folder);
    return err->code;
}

/* ---- saying ---------------------------------------------------------------------------------------------------- */

void assay_repeats_say(const struct assay_agreement *a, struct assay_text *out)
{
    struct assay_agreement_share share = assay_agreement_share_of(a);
    if (!a->differing)
        assay_text_add(out, "%llu repeats identical: at most %.2g %% differ", (unsigned long long)a->runs, 100 * share.high);
    else
        assay_text_add(out, "%llu of %llu differ: %.2g %% to %.3g %%", (unsigned long long)a->differing, (unsigned long long)a->runs,
                       100 * share.low, 100 * share.high);
}

void assay_repeats_say_first(const struct assay_agreement *a, struct assay_text *out)
{
    if (!a->differing)
        return;
    assay_text_add(out, "first '%s' element %lld, %s: %.9g for %.9g; ", a->output, (long long)a->element, a->run, a->observed, a->expected);
    if (isfinite(a->most_ulps))
        assay_text_add(out, "at most %.3g ulp, %.2g of the rms", a->most_ulps, a->most_relative);
    else
        assay_text_add(out, "a number on one side only");
}

json_t *assay_repeatability_to_json(const struct assay_repeatability *r)
{
    json_t *all = json_object();
    for (int i = 0; all && i < ASSAY_REPEATS_COUNT; i++) {
        const struct assay_repeats_property *p = &r->property[i];
        (void)json_object_set_new(all, rows[i].name, p->has ? assay_agreement_to_json(&p->agreement) : json_pack("{s:s}", "why", p->why));
    }
    return all;
}
