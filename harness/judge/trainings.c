#include "harness/judge/trainings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/training.h"
#include "harness/run/job.h"
#include "harness/run/launcher.h"

#include "assay/banned.h"

#define SUITE "equivalence"
#define PROBE_TIMEOUT_NS 60000000000u
#define PROTOCOL_BYTES (1u << 20)

struct trainings {
    const struct assay_trainings_request *with;
    struct assay_trainings               *out;
    struct assay_plan                     plan; /* one case; its seed changes */
    char                                  line[700];
    size_t                                done, all;
};

/* ---- before -------------------------------------------------------------------------------------------------- */

static enum assay_code canonical(const char *backend, char out[640], struct assay_error *err)
{
    json_t *probe = NULL;
    if (assay_job_probe(backend, PROBE_TIMEOUT_NS, &probe, err))
        return err->code;
    const char *name = json_string_value(json_object_get(probe, "backend"));
    (void)assay_string_copy(out, 640, name ? name : backend);
    json_decref(probe);
    return ASSAY_OK;
}

static enum assay_code make_plan(struct trainings *t, struct assay_error *err)
{
    const struct assay_trainings_request *w = t->with;
    if (w->case_name ? assay_plan_add(&t->plan, w->case_name, err) : assay_plan_read(SUITE, &t->plan, err))
        return err->code;
    if (t->plan.n_cases != 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "suite '%s' has %zu cases; one training is compared", SUITE, t->plan.n_cases);
    struct assay_case *what = &t->plan.cases[0];
    what->repeat.launches = 1;
    if (w->timeout_ns)
        what->repeat.timeout_ns = w->timeout_ns;
    (void)assay_string_copy(t->out->case_name, sizeof t->out->case_name, what->name);
    return assay_training_case(what, &t->out->floor, err);
}

static uint64_t seed_of(const struct trainings *t, bool b, size_t pair)
{
    return t->with->first_seed + pair + (b && t->out->same ? t->with->pairs : 0);
}

/* ---- the protocol -------------------------------------------------------------------------------------------- */

static json_t *protocol(const struct trainings *t)
{
    const struct assay_trainings_request *w = t->with;
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:f, s:o, s:s, s:s, s:s}", "format", "assay-protocol/1", "case",
                     assay_json_string(t->out->case_name), "a", assay_json_string(t->out->a), "b", assay_json_string(t->out->b), "pairs",
                     (json_int_t)w->pairs, "first_seed_a", assay_json_u64(seed_of(t, false, 0)), "first_seed_b",
                     assay_json_u64(seed_of(t, true, 0)), "margin_share", assay_json_number(w->margin), "level", ASSAY_EQUIVALENCE_LEVEL,
                     "margin", assay_json_number(w->margin * t->out->floor), "statistic",
                     "D = quality of B - quality of A: loss on unseen data of the net behind the last step, evaluated by the reference",
                     "diverged", "the loss became no finite number, or the net's quality is worse than the case's target",
                     "rule",
                     "two one-sided t tests of the mean of D, each at 1 - level; a pair in which B alone diverged is a failure; pairs "
                     "without both qualities are no part of the mean; fewer than 3 complete pairs, or a training that is missing, is "
                     "undecided");
}

static enum assay_code keep_protocol(const struct trainings *t, struct assay_error *err)
{
    char   path[4096], *there = NULL;
    size_t length = 0;
    if (assay_folder_make(t->with->folder, err) || assay_path_join(path, sizeof path, t->with->folder, "protocol.json", err))
        return err->code;
    json_t *json = protocol(t);
    char   *text = json ? assay_json_pretty(json) : NULL;
    json_decref(json);
    if (!text)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a protocol");
    if (!assay_file_exists(path)) {
        (void)assay_file_replace(path, text, strlen(text), err);
    } else if (!assay_file_read(path, PROTOCOL_BYTES, &there, &length, err) && strcmp(text, there) != 0) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.200s' was begun with another protocol: neither margin, pairs, case nor back ends may follow the data",
                         t->with->folder);
        (void)assay_error_hint(err, "protocol.json in it says which; another folder takes another one: -o DIR");
    }
    free(there);
    free(text);
    return err->code;
}

/* ---- one training -------------------------------------------------------------------------------------------- */

static void on_begin(void *self, const struct assay_run_step *step)
{
    struct trainings *t = self;
    (void)snprintf(t->line, sizeof t->line, "%.400s", step->backend);
    if (t->with->progress)
        t->with->progress(t->with->self, t->done, t->all, t->line);
}

static enum assay_code train(struct trainings *t, bool b, size_t pair, struct assay_training *out, struct assay_error *err)
{
    const struct assay_trainings_request *w = t->with;
    const char             *backend = b ? w->backend : w->against;
    char                    name[32], folder[4096];
    struct assay_run_counts counts = {0};
    (void)snprintf(name, sizeof name, "%c-%02zu", b ? 'b' : 'a', pair + 1);
    if (assay_path_join(folder, sizeof folder, w->folder, name, err))
        return err->code;
    t->plan.seed = seed_of(t, b, pair);
    struct assay_run_request request = {.plan = &t->plan, .backends = &backend, .n_backends = 1, .folder = folder, .power = "",
                                        .resume = true, .arguments = w->arguments, .n_arguments = w->n_arguments, .stop = w->stop,
                                        .begin = on_begin, .self = t};
    if (assay_run(&request, &counts, err) || assay_training_read(folder, &t->plan.cases[0], t->plan.seed, out, err))
        return assay_error_in(err, "training in '%.100s'", folder);
    t->done++;
    return ASSAY_OK;
}

/* A and B in turn, so that what changes on the machine meets both. */
static enum assay_code train_all(struct trainings *t, struct assay_error *err)
{
    for (size_t i = 0; i < t->with->pairs; i++)
        if (train(t, false, i, &t->out->pair[i].a, err) || train(t, true, i, &t->out->pair[i].b, err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code keep_outcome(const struct trainings *t, struct assay_error *err)
{
    char    path[4096];
    json_t *json = assay_equivalence_to_json(&t->out->result, t->out->pair);
    char   *text = json ? assay_json_pretty(json) : NULL;
    json_decref(json);
    if (!text)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an outcome");
    if (!assay_path_join(path, sizeof path, t->with->folder, "equivalence.json", err))
        (void)assay_file_replace(path, text, strlen(text), err);
    free(text);
    return err->code;
}

static enum assay_code prepare(struct trainings *t, struct assay_error *err)
{
    struct assay_trainings *out = t->out;
    *out = (struct assay_trainings){.same = false};
    *err = (struct assay_error){.code = ASSAY_OK};
    assay_plan_init(&t->plan);
    if (canonical(t->with->against, out->a, err) || canonical(t->with->backend, out->b, err) || make_plan(t, err))
        return err->code;
    out->same = !strcmp(out->a, out->b);
    return keep_protocol(t, err);
}

enum assay_code assay_trainings_begin(const struct assay_trainings_request *request, struct assay_error *err)
{
    struct assay_trainings ignored;
    struct trainings       t = {.with = request, .out = &ignored};
    (void)prepare(&t, err);
    assay_plan_release(&t.plan);
    return err->code;
}

enum assay_code assay_trainings_run(const struct assay_trainings_request *request, struct assay_trainings *out, struct assay_error *err)
{
    struct trainings t = {.with = request, .out = out, .all = 2 * request->pairs};
    if (!prepare(&t, err)) {
        if (!(out->pair = calloc(request->pairs, sizeof *out->pair)))
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu pairs", request->pairs);
        else if (!train_all(&t, err)) {
            assay_equivalence_judge(out->pair, request->pairs, request->margin * out->floor, &out->result);
            (void)keep_outcome(&t, err);
        }
    }
    assay_plan_release(&t.plan);
    if (err->code)
        assay_trainings_release(out);
    return err->code;
}

void assay_trainings_release(struct assay_trainings *trainings)
{
    free(trainings->pair);
    trainings->pair = NULL;
}
