/* A verdict for every record: from its witness, and from what the record says of itself. A function of the run folder
 * alone, wherever it is judged. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/judge/parting.h"
#include "harness/judge/programs.h"
#include "harness/judge/verdict.h"
#include "harness/measure/statistics.h"
#include "harness/plan/plan.h"
#include "harness/verify/expected.h"
#include "harness/verify/learned.h"
#include "suites/weights/value_source.h"

#include "assay/banned.h"

/* Double operations that judging all launches of one case on all back ends may cost: a second or two on two cores. What a
 * case must cost that is judged at all, one input set of a whole model, may cost more: up to an hour. From a few seconds on it is
 * said beforehand. */
#define BUDGET_OPS 1e9
#define CEILING_OPS 4e13
#define ANNOUNCED_S 5.0
#define DRIFT_LEAST 0.10 /* of the median; less is not worth a word however sure it is */
#define TREND_LEAST 0.70 /* a neighbour that begins to work half-way makes a step: 0.5 */
#define GROWTH_LEAST_BYTES 512.0
#define GROWTH_LEAST_ALL_BYTES 1048576.0
#define ABOVE_CEILING 1.6 /* the best burst is itself noisy; a copy that bypasses caches reaches 4/3 of a triad that does not */
#define LEAST_BURSTS 5 /* of the triad, which has no cross-check as the peak has: fewer may all have met a neighbour */
#define MARGINS "margins" /* of a server's step: best logit over the second (suites/blocks/decoder.h) */
#define BEYOND_CACHES_BYTES ((uint64_t)1 << 30) /* working sets that no host's caches hold */

struct validation {
    struct assay_run_folder   *folder;
    const struct assay_record *records;
    struct assay_verdict      *verdicts;
    size_t                     n, done;
    uint64_t                   seed;
    struct assay_file_set      weights, inputs;
    struct assay_value_source *source; /* of the case that is judged; NULL: the generator */
    void (*progress)(void *self, size_t done, size_t all, const char *line);
    void *self;
    assay_validate_outputs_fn *see; /* may be NULL */
};
/* The record whose outputs are told. */
struct telling {
    const struct validation   *v;
    const struct assay_record *record;
    bool                       is_largest; /* of its programs */
    double                     margin_bound; /* the largest of output MARGINS; NaN: none was compared */
};

ASSAY_PRINTF(3, 4)
static void say(struct assay_check *check, enum assay_outcome outcome, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(check->why, sizeof check->why, fmt, args);
    va_end(args);
    check->outcome = outcome;
}

/* ---- what a record says of itself ---------------------------------------------------------------------------- */

/* Slower and slower is the device's doing; one step is a neighbour's, and faster is warming up: both are in the spread. */
static void judge_drift(const struct validation *v, const struct assay_record *r, struct assay_check *check)
{
    struct assay_launch_summary s;
    struct assay_error          ignored = {.code = ASSAY_OK}; /* without samples there is nothing to drift */
    uint64_t                   *samples = NULL, *sorted = NULL;
    size_t                      n = 0;
    if (!*r->samples_file || assay_samples_read(assay_run_folder_path(v->folder), r, &samples, &n, &ignored))
        return;
    if (n > 0 && (sorted = malloc(n * sizeof *sorted))) {
        assay_launch_summarize(samples, n, sorted, &s);
        if (s.drift > DRIFT_LEAST && s.drift > s.drift_noise && s.trend > TREND_LEAST)
            say(check, ASSAY_UNTRUSTED, "latency drifts: %+.0f %% from the first to the last quarter of the run; noise explains %.0f %%",
                100 * s.drift, 100 * s.drift_noise);
    }
    free(samples);
    free(sorted);
}

static void judge_growth(const struct assay_record *r, struct assay_check *check)
{
    const struct assay_metric_value *m = &r->metric[ASSAY_METRIC_memory_growth_bytes];
    double                           all = m->value * (double)m->n;
    if (m->has_value && m->value >= GROWTH_LEAST_BYTES && all >= GROWTH_LEAST_ALL_BYTES)
        say(check, ASSAY_UNTRUSTED, "memory grows by %.0f bytes per execution, %.1f MiB in %" PRIu64 " of them", m->value,
            all / 1048576, m->n);
}

/* A rate against the best burst that was run beside it: 0 when one of them is missing. The best, because a neighbour can make a
 * burst slower but not faster. */
static double above(const struct assay_record *r, enum assay_metric rate, enum assay_metric ceiling)
{
    const struct assay_metric_value *x = &r->metric[rate], *y = &r->metric[ceiling];
    return x->has_value && y->has_value && y->value > 0 ? x->value / y->value : 0;
}

static void judge_ceilings(const struct assay_record *r, struct assay_check *check)
{
    double peak = above(r, ASSAY_METRIC_flops_per_s, ASSAY_METRIC_ceiling_best_flops_per_s);
    double triad = above(r, ASSAY_METRIC_bytes_per_s, ASSAY_METRIC_ceiling_best_bytes_per_s);
    if (peak > ABOVE_CEILING)
        say(check, ASSAY_UNTRUSTED, "%.2f times the multiply-add peak that was measured beside it: the work cannot all have been done",
            peak);
    else if (triad > ABOVE_CEILING && r->working_set_bytes >= BEYOND_CACHES_BYTES &&
             r->metric[ASSAY_METRIC_ceiling_best_bytes_per_s].n >= LEAST_BURSTS)
        say(check, ASSAY_UNTRUSTED, "%.2f times the bandwidth that was measured beside it, with a working set of %.0f MiB that no cache holds",
            triad, (double)r->working_set_bytes / 1048576);
}

/* Right outputs whose figure cannot be believed. The last complaint stands; all of them are grave. */
static void judge_figures(const struct validation *v, const struct assay_record *r, struct assay_check *check)
{
    if (check->outcome != ASSAY_PASS && check->outcome != ASSAY_MARGINAL)
        return;
    judge_ceilings(r, check);
    judge_growth(r, check);
    if (!r->load.issued) /* latencies of a queue rise and fall with what arrives; `settled` looks at them */
        judge_drift(v, r, check);
}

/* ---- one record ---------------------------------------------------------------------------------------------- */

/* Why a record cannot be judged by outputs; false when it can. */
static bool nothing_to_judge(const struct assay_record *r, struct assay_check *check)
{
    *check = (struct assay_check){.worst_ratio = NAN, .median_ratio = NAN, .worst_index = -1, .worst_observed = NAN,
                                  .worst_expected = NAN, .worst_bound = NAN, .smallest_fault = INFINITY,
                                  .cheat_share_found = 1, .iterations = r->proof.iterations};
    if (r->status != ASSAY_STATUS_OK)
        say(check, ASSAY_NOT_CHECKED, "%s: %s", assay_status_name(r->status), *r->reason ? r->reason : "no reason was given");
    else if (!(r->device.traits & ASSAY_TRAIT_VALUES))
        say(check, ASSAY_NOT_CHECKED, "computes no values");
    else if (!*r->witness_file)
        say(check, ASSAY_NOT_CHECKED, "no witness was recorded");
    else
        return false;
    return true;
}

/* Where a witness is that a record names, when it is the one that was written. */
static enum assay_code find_witness(const struct assay_run_folder *folder, const char *name, const char *expected, char path[4096],
                                    struct assay_error *err)
{
    static const char prefix[] = "witness/";
    char              sha256[65];
    if (strncmp(name, prefix, sizeof prefix - 1) != 0 || strchr(name + sizeof prefix - 1, '/') || strstr(name, ".."))
        return ASSAY_FAIL(err, ASSAY_DATA, "a witness must be a file in 'witness/', not '%.150s'", name);
    if (assay_path_join(path, 4096, assay_run_folder_path(folder), name, err) || assay_sha256_file(path, sha256, err))
        return err->code;
    if (strcmp(sha256, expected) != 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%s: not the witness that was written: the record has another SHA-256", path);
    return ASSAY_OK;
}

enum assay_code assay_validate_witness(const struct assay_run_folder *folder, const struct assay_record *r, char path[4096],
                                       struct assay_error *err)
{
    return find_witness(folder, r->witness_file, r->witness_sha256, path, err);
}

static void on_outputs(void *self, const struct assay_check_output *rows, size_t n)
{
    struct telling *t = self;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i].name, MARGINS) && rows[i].compared)
            t->margin_bound = rows[i].largest_bound;
    if (t->v->see && t->is_largest)
        t->v->see(t->v->self, t->record, rows, n);
}

/* The outputs of one of the record's programs. */
static enum assay_code judge_outputs(const struct validation *v, const struct assay_record *r, const struct assay_judged_program *p,
                                     const struct assay_graph *g, struct assay_expected *x, struct assay_check *check,
                                     struct assay_error *err)
{
    char           path[4096];
    struct telling telling = {v, r, p->witness_file == r->witness_file, NAN};
    if (find_witness(v->folder, p->witness_file, p->witness_sha256, path, err) ||
        assay_witness_check_outputs(path, r->id, g, x, on_outputs, &telling, check, err))
        return err->code;
    if (r->metric[ASSAY_METRIC_parting_margin].has_value)
        assay_judge_parting(r->metric[ASSAY_METRIC_parting_margin].value, telling.margin_bound, check);
    return ASSAY_OK;
}

/* What the record says beside its outputs. */
static void judge_rest(const struct validation *v, const struct assay_record *r, struct assay_check *check)
{
    if (r->proof.iterations > check->iterations)
        check->iterations = r->proof.iterations; /* timed; the witness knows of those that were observed */
    if (r->proof.guard_bytes_changed && check->outcome != ASSAY_FAIL)
        say(check, ASSAY_FAIL, "wrote outside of what it was given: %" PRIu64 " guard bytes beside its outputs changed",
            r->proof.guard_bytes_changed);
    judge_figures(v, r, check);
}

/* ---- one that was trained ------------------------------------------------------------------------------------ */

static bool is_lesson(const struct assay_case *c)
{
    return c->workload->lesson && !strcmp(c->workload->lesson->phase, c->phase);
}

static double value_of(const struct assay_record *r, enum assay_metric metric, double if_absent)
{
    return r->metric[metric].has_value ? r->metric[metric].value : if_absent;
}

/* The curve must tell what the record tells: its first step's loss is judged, its last evaluation is the quality. */
static enum assay_code read_claim(const struct validation *v, const struct assay_record *r, struct assay_learned_claim *claim,
                                  struct assay_error *err)
{
    struct assay_lesson_row *rows = NULL;
    size_t                   n = 0;
    double                   last = NAN;
    if (assay_curve_read(assay_run_folder_path(v->folder), r, &rows, &n, err))
        return err->code;
    claim->first_loss = n && rows[0].kind == ASSAY_LESSON_STEP ? rows[0].value : NAN;
    for (size_t i = 0; i < n; i++) {
        claim->steps += rows[i].kind == ASSAY_LESSON_STEP;
        last = rows[i].kind == ASSAY_LESSON_EVALUATION ? rows[i].value : last;
    }
    free(rows);
    claim->quality = value_of(r, ASSAY_METRIC_quality, NAN);
    claim->reached_step = (uint64_t)value_of(r, ASSAY_METRIC_steps_to_quality, 0);
    if (isfinite(claim->quality) && claim->quality != last)
        return ASSAY_FAIL(err, ASSAY_DATA, "the record has a quality of %.9g and its curve ends at %.9g", claim->quality, last);
    return ASSAY_OK;
}

static enum assay_code judge_lesson(const struct validation *v, const struct assay_record *r, const struct assay_case *what,
                                    const struct assay_graph *step, struct assay_check *check, struct assay_error *err)
{
    char                       path[4096];
    struct assay_learned_claim claim = {.path = path, .case_id = r->id, .lesson = what->workload->lesson, .params = what->params,
                                        .step = step, .seed = v->seed};
    if (assay_validate_witness(v->folder, r, path, err) || read_claim(v, r, &claim, err))
        return err->code;
    struct assay_graph *evaluation = assay_graph_new("evaluation");
    if (!evaluation)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
    claim.evaluation = evaluation;
    enum assay_code code = what->workload->lesson->build_evaluation(what->params, evaluation, err);
    if (!code)
        code = assay_learned_check(&claim, CEILING_OPS, check, err);
    assay_graph_free(evaluation);
    if (!code)
        judge_figures(v, r, check);
    return code;
}

static void tell(struct validation *v, const struct assay_verdict *verdict)
{
    char line[1664 + ASSAY_CASE_NAME_BYTES], name[ASSAY_CASE_NAME_BYTES];
    v->done++;
    if (!v->progress)
        return;
    assay_case_brief(verdict->case_name, name);
    (void)snprintf(line, sizeof line, "%s on %s: %s", name, verdict->backend,
                   assay_outcome_name(verdict->check.outcome));
    v->progress(v->self, v->done, v->n, line);
}

/* ---- one case: all its launches on all back ends --------------------------------------------------------------- */

static enum assay_code fill(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to,
                            struct assay_error *err)
{
    const struct validation *v = self;
    return assay_value_fill(v->source, g, value, v->seed, set, to, err);
}

static bool needs_reference(const struct validation *v, const char *id)
{
    struct assay_check ignored;
    for (size_t i = 0; i < v->n; i++) {
        if (!strcmp(v->records[i].id, id) && !nothing_to_judge(&v->records[i], &ignored))
            return true;
    }
    return false;
}

/* The judge's machine is too small for what it was asked. */
static enum assay_code excuse(const struct assay_record *r, enum assay_code code, struct assay_check *check, struct assay_error *err)
{
    if (code != ASSAY_MEMORY)
        return code;
    (void)nothing_to_judge(r, check); /* what was found so far is not said */
    say(check, ASSAY_NOT_CHECKED, "the judge's machine is too small: %s", err->message);
    *err = (struct assay_error){.code = ASSAY_OK};
    return ASSAY_OK;
}

static enum assay_code judge_program(const struct validation *v, const struct assay_record *r, const struct assay_judged_program *p,
                                     uint32_t programs, const struct assay_graph *g, struct assay_expected *x, struct assay_check *all,
                                     struct assay_error *err)
{
    struct assay_check one;
    char               why[sizeof one.why];
    (void)nothing_to_judge(r, &one); /* sets what a check has before anything is looked at */
    if (excuse(r, judge_outputs(v, r, p, g, x, &one, err), &one, err))
        return err->code;
    if (programs > 1) {
        memcpy(why, one.why, sizeof why);
        say(&one, one.outcome, "%u programs judged, batches of %u decide; %.300s", programs, p->samples, why);
    }
    assay_judged_join(all, &one);
    return ASSAY_OK;
}

/* The programs of one size in all launches on all back ends. */
static enum assay_code judge_size(struct validation *v, const struct assay_case *what, uint32_t samples, const struct assay_graph *g,
                                  struct assay_expected *x, struct assay_error *err)
{
    struct assay_judged_program program[ASSAY_RECORD_MAX_BUCKETS];
    struct assay_check          ignored;
    for (size_t i = 0; i < v->n; i++) {
        const struct assay_record *r = &v->records[i];
        if (strcmp(r->id, what->id) != 0 || nothing_to_judge(r, &ignored))
            continue;
        if (assay_judged_programs_check(r, what, err))
            return err->code;
        uint32_t n = assay_judged_programs(r, what, program);
        for (uint32_t k = 0; k < n; k++)
            if (program[k].samples == samples && judge_program(v, r, &program[k], n, g, x, &v->verdicts[i].check, err))
                return assay_error_in(err, "judging launch %u of '%.80s'", r->launch, r->case_name);
    }
    return ASSAY_OK;
}

/* What remains to be said of each record, and who it is of. `what` and `g` are there if it is a lesson that is to be judged. */
static enum assay_code finish_records(struct validation *v, const char *id, const struct assay_case *what, const struct assay_graph *g,
                                      struct assay_error *err)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct assay_record *r = &v->records[i];
        struct assay_verdict      *verdict = &v->verdicts[i];
        struct assay_check         none;
        if (strcmp(r->id, id) != 0)
            continue;
        (void)assay_string_copy(verdict->case_name, sizeof verdict->case_name, r->case_name);
        (void)assay_string_copy(verdict->id, sizeof verdict->id, r->id);
        (void)assay_string_copy(verdict->backend, sizeof verdict->backend, r->backend);
        verdict->launch = r->launch;
        if (nothing_to_judge(r, &none))
            verdict->check = none;
        else if (what && excuse(r, judge_lesson(v, r, what, g, &verdict->check, err), &verdict->check, err))
            return assay_error_in(err, "judging launch %u of '%.80s'", r->launch, r->case_name);
        else if (!what)
            judge_rest(v, r, &verdict->check);
        tell(v, verdict);
    }
    return ASSAY_OK;
}

/* How long the reference will take, where that is long. */
static void announce(struct validation *v, const struct assay_case *what, const struct assay_expected *x)
{
    char   line[1664], name[ASSAY_CASE_NAME_BYTES];
    double ops = assay_expected_preparing_ops(x), seconds = ops / ASSAY_EXPECTED_OPS_PER_S;
    if (!v->progress || seconds < ANNOUNCED_S || ops > CEILING_OPS)
        return;
    assay_case_brief(what->name, name);
    (void)snprintf(line, sizeof line, "about %.0f s for the reference of %s", seconds, name);
    v->progress(v->self, v->done, v->n, line);
}

static enum assay_code open_source(struct validation *v, const struct assay_graph *g, struct assay_error *err)
{
    return v->weights.n || v->inputs.n ? assay_value_source_open(g, v->weights.path, v->inputs.path, &v->source, err) : ASSAY_OK;
}

/* Sizes of batch that records of the case have programs of, from the largest on: what is equal in all is told of that one. */
static uint32_t list_sizes(const struct validation *v, const struct assay_case *what, uint32_t **out)
{
    struct assay_judged_program program[ASSAY_RECORD_MAX_BUCKETS];
    struct assay_check          ignored;
    uint32_t                   *size = calloc(v->n * ASSAY_RECORD_MAX_BUCKETS + 1, sizeof *size), n = 0;
    for (size_t i = 0; size && i < v->n; i++) {
        if (strcmp(v->records[i].id, what->id) != 0 || nothing_to_judge(&v->records[i], &ignored))
            continue;
        uint32_t programs = assay_judged_programs(&v->records[i], what, program);
        for (uint32_t k = 0; k < programs; k++) {
            uint32_t at = 0;
            while (at < n && size[at] > program[k].samples)
                at++;
            if (at < n && size[at] == program[k].samples)
                continue;
            memmove(&size[at + 1], &size[at], (n - at) * sizeof *size);
            size[at] = program[k].samples;
            n++;
        }
    }
    *out = size;
    return n;
}

static enum assay_code judge_size_anew(struct validation *v, const struct assay_case *what, uint32_t samples, struct assay_error *err)
{
    struct assay_graph    *g = NULL;
    struct assay_expected *x = NULL;
    enum assay_code        code = assay_judged_program_graph(what, samples, &g, err);
    if (!code && !(code = open_source(v, g, err)) && !(code = assay_expected_new(what->id, g, fill, v, BUDGET_OPS, CEILING_OPS, &x, err))) {
        announce(v, what, x);
        code = judge_size(v, what, samples, g, x, err);
    }
    assay_expected_free(x);
    assay_value_source_close(v->source);
    v->source = NULL;
    assay_graph_free(g);
    return code;
}

static enum assay_code judge_sizes(struct validation *v, const struct assay_case *what, struct assay_error *err)
{
    uint32_t *size, n = list_sizes(v, what, &size);
    if (!size)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for judging %zu records", v->n);
    for (uint32_t k = 0; k < n && !err->code; k++)
        (void)judge_size_anew(v, what, size[k], err);
    free(size);
    return err->code ? err->code : finish_records(v, what->id, NULL, NULL, err);
}

static enum assay_code judge_lessons(struct validation *v, const struct assay_case *what, struct assay_error *err)
{
    struct assay_graph *g = NULL;
    enum assay_code     code = assay_case_graph(what, &g, err);
    if (!code && !(code = open_source(v, g, err)))
        code = finish_records(v, what->id, what, g, err);
    assay_value_source_close(v->source);
    v->source = NULL;
    assay_graph_free(g);
    return code;
}

static enum assay_code judge_case(struct validation *v, const struct assay_record *first, struct assay_error *err)
{
    struct assay_case what = {.params = NULL};
    if (!needs_reference(v, first->id))
        return finish_records(v, first->id, NULL, NULL, err);
    if (assay_case_parse(first->case_name, &what, err))
        return assay_error_in(err, "reading case '%.100s' of a record", first->case_name);
    if (strcmp(what.id, first->id) != 0)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "record of case '%.120s' has id %.16s; it should be %s", first->case_name, first->id, what.id);
    else
        (void)(is_lesson(&what) ? judge_lessons(v, &what, err) : judge_sizes(v, &what, err));
    assay_case_release(&what);
    return err->code;
}

static bool is_first_of_its_case(const struct validation *v, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (!strcmp(v->records[k].id, v->records[i].id))
            return false;
    }
    return true;
}

static enum assay_code read_seed(const struct assay_run_folder *folder, uint64_t *seed, struct assay_error *err)
{
    const json_t *value = json_object_get(json_object_get(assay_run_folder_plan(folder), "suite"), "seed");
    const char   *text = json_string_value(value);
    char         *end = NULL;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *seed = (uint64_t)json_integer_value(value);
        return ASSAY_OK;
    }
    errno = 0;
    if (text && *text >= '0' && *text <= '9') /* beyond int64, as assay_json_u64 writes it */
        *seed = strtoull(text, &end, 10);
    if (!end || *end || errno)
        return ASSAY_FAIL(err, ASSAY_DATA, "plan.json has no seed");
    return ASSAY_OK;
}

/* Values that came from files come from the same files again, or there is no verdict. */
static enum assay_code read_files(struct validation *v, struct assay_error *err)
{
    const json_t *suite = json_object_get(assay_run_folder_plan(v->folder), "suite");
    const json_t *weights = json_object_get(suite, "weights"), *inputs = json_object_get(suite, "inputs");
    if ((weights && assay_file_set_from_json(weights, &v->weights, err)) || (inputs && assay_file_set_from_json(inputs, &v->inputs, err)))
        return assay_error_in(err, "reading plan.json");
    return assay_file_set_check(&v->weights, err) ? err->code : assay_file_set_check(&v->inputs, err);
}

static enum assay_code judge_all(struct validation *v, struct assay_error *err)
{
    if (read_seed(v->folder, &v->seed, err) || read_files(v, err))
        return err->code;
    if (!(v->verdicts = calloc(v->n + 1, sizeof *v->verdicts)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu verdicts", v->n);
    for (size_t i = 0; i < v->n; i++)
        if (is_first_of_its_case(v, i) && judge_case(v, &v->records[i], err))
            return err->code;
    return ASSAY_OK;
}

enum assay_code assay_validate_run(struct assay_run_folder *folder,
                                   void (*progress)(void *self, size_t done, size_t all, const char *line), void *self,
                                   struct assay_verdict **out, size_t *n, struct assay_error *err)
{
    return assay_validate_run_outputs(folder, progress, NULL, self, out, n, err);
}

enum assay_code assay_validate_run_outputs(struct assay_run_folder *folder,
                                           void (*progress)(void *self, size_t done, size_t all, const char *line),
                                           assay_validate_outputs_fn *see, void *self, struct assay_verdict **out, size_t *n,
                                           struct assay_error *err)
{
    struct validation v = {.folder = folder, .progress = progress, .self = self, .see = see};
    v.records = assay_run_folder_records(folder, &v.n);
    enum assay_code code = judge_all(&v, err);
    assay_file_set_release(&v.weights);
    assay_file_set_release(&v.inputs);
    if (code) {
        free(v.verdicts);
        return assay_error_in(err, "validating '%.100s'", assay_run_folder_path(folder));
    }
    *out = v.verdicts;
    *n = v.n;
    return ASSAY_OK;
}
