#include "harness/judge/training.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/judge/verdict.h"
#include "harness/verify/learned.h"

#include "assay/banned.h"

#define BUDGET_OPS 4e11 /* double operations for one net: half a minute */

ASSAY_PRINTF(3, 4)
static void say(struct assay_training *t, enum assay_training_end end, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(t->why, sizeof t->why, fmt, args);
    va_end(args);
    t->end = end;
}

enum assay_code assay_training_case(const struct assay_case *what, double *floor, struct assay_error *err)
{
    const struct assay_lesson *lesson = what->workload->lesson;
    struct assay_lesson_terms  t;
    if (!lesson || strcmp(lesson->phase, what->phase) != 0)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.80s' is no training to a quality, as text.learn is", what->name);
    lesson->terms(what->params, &t);
    if (lesson->quality != ASSAY_QUALITY_LOSS || !(t.floor > 0))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the margin is a share of the entropy of what is learned; '%.60s' has none", what->name);
    if (t.evaluate_every < t.max_steps)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "evaluated every %" PRIu64 " of %" PRIu64 " steps, it may end early: evaluate_every must be max_steps",
                          t.evaluate_every, t.max_steps);
    *floor = t.floor;
    return ASSAY_OK;
}

/* What the record alone tells; false: the net is to be looked at. */
static bool told_by_record(const struct assay_record *r, const struct assay_lesson_terms *terms, struct assay_training *out)
{
    const struct assay_metric_value *quality = &r->metric[ASSAY_METRIC_quality];
    if (r->status != ASSAY_STATUS_OK) {
        say(out, ASSAY_TRAINING_MISSING, "%s: %s", assay_status_name(r->status), *r->reason ? r->reason : "no reason was given");
        return true;
    }
    out->claimed = quality->has_value ? quality->value : NAN;
    if (!quality->has_value) {
        say(out, ASSAY_TRAINING_DIVERGED, "%s", *quality->why ? quality->why : "it has no quality");
        return true;
    }
    if (r->proof.sets != terms->max_steps)
        say(out, ASSAY_TRAINING_MISSING, "ended after %" PRIu64 " of %" PRIu64 " steps", r->proof.sets, terms->max_steps);
    else if (!*r->witness_file)
        say(out, ASSAY_TRAINING_MISSING, "its net was not recorded");
    return out->end == ASSAY_TRAINING_MISSING;
}

static enum assay_code evaluate(const struct assay_run_folder *folder, const struct assay_record *r, const struct assay_case *what,
                                uint64_t seed, double *out, struct assay_error *err)
{
    char                       path[4096];
    struct assay_graph        *evaluation = assay_graph_new("evaluation");
    struct assay_learned_claim claim = {.path = path, .case_id = what->id, .lesson = what->workload->lesson, .params = what->params,
                                        .evaluation = evaluation, .seed = seed};
    if (!evaluation)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    enum assay_code code = claim.lesson->build_evaluation(what->params, evaluation, err);
    if (!code && !(code = assay_validate_witness(folder, r, path, err)))
        code = assay_learned_quality(&claim, BUDGET_OPS, out, err);
    assay_graph_free(evaluation);
    return code;
}

static enum assay_code read(const struct assay_run_folder *folder, const struct assay_case *what, struct assay_training *out,
                            struct assay_error *err)
{
    struct assay_lesson_terms  terms;
    size_t                     n;
    const struct assay_record *r = assay_run_folder_records(folder, &n);
    what->workload->lesson->terms(what->params, &terms);
    if (n != 1 || strcmp(r->id, what->id) != 0) {
        say(out, ASSAY_TRAINING_MISSING, "%s", n ? "the folder holds another run" : "nothing was recorded");
        return ASSAY_OK;
    }
    if (told_by_record(r, &terms, out))
        return ASSAY_OK;
    if (evaluate(folder, r, what, out->seed, &out->quality, err))
        return err->code;
    if (!(out->quality <= terms.target))
        say(out, ASSAY_TRAINING_DIVERGED, "its net has a loss of %.4g; guessing has %.4g", out->quality, terms.target);
    else
        out->end = ASSAY_TRAINING_ENDED;
    return ASSAY_OK;
}

enum assay_code assay_training_read(const char *path, const struct assay_case *what, uint64_t seed, struct assay_training *out,
                                    struct assay_error *err)
{
    struct assay_run_folder *folder = NULL;
    struct assay_training    found = {.seed = seed, .quality = NAN, .claimed = NAN};
    enum assay_code          code = assay_run_folder_read(path, &folder, err);
    if (!code)
        code = read(folder, what, &found, err);
    assay_run_folder_close(folder);
    if (code == ASSAY_DATA || code == ASSAY_UNSUPPORTED) { /* a net that is torn or too large costs its pair only */
        say(&found, ASSAY_TRAINING_MISSING, "%s", err->message);
        *err = (struct assay_error){.code = ASSAY_OK};
        code = ASSAY_OK;
    }
    if (!code)
        *out = found;
    return code;
}
