#include "harness/verify/learned.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/load/lesson.h"
#include "harness/plan/plan.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define SEED 4u
#define ID "0123456789abcdef"

/* A net as it is before anything is learned, and what it is worth. */
struct scene {
    struct assay_case          what;
    struct assay_graph        *step, *evaluation;
    char                       path[64];
    void                      *param[64];
    size_t                     n;
    struct assay_lesson        lesson; /* the workload's, with terms of the test's */
    struct assay_learned_claim claim;
    struct assay_check         check;
    struct assay_error         err;
};
#define OK(call) cr_assert_eq((call), ASSAY_OK, "%s", s->err.message)

static struct assay_lesson_terms terms_now;
static void terms(const void *params, struct assay_lesson_terms *out)
{
    (void)params;
    *out = terms_now;
}

/* By the judge itself, in double: the loss of the first step, and the mean quality of the evaluation's batches. */
static double reference_of(struct scene *s, const struct assay_graph *g, bool evaluation, uint64_t n)
{
    struct assay_reference *r = NULL;
    void                  **bound = calloc(g->n_values, sizeof *bound);
    int32_t                 output = ASSAY_NO_VALUE;
    double                  value[64], error[64];
    int64_t                 index[64], labels[64];
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *x = &g->values[v];
        if (x->role == ASSAY_ROLE_OUTPUT && x->alias_of == ASSAY_NO_VALUE && output == ASSAY_NO_VALUE)
            output = (int32_t)v;
        if (x->producer >= 0 || x->role == ASSAY_ROLE_CONST)
            continue;
        bound[v] = calloc(1, (size_t)x->bytes);
        if (x->role != ASSAY_ROLE_INPUT || !s->lesson.data(s->what.params, SEED, evaluation, n, x->name, bound[v]))
            OK(assay_fill_value(g, (int32_t)v, SEED, 0, bound[v], &s->err));
    }
    const struct assay_value *x = &g->values[output];
    cr_assert_leq(x->elements, 64u);
    for (size_t i = 0; i < x->elements; i++)
        index[i] = (int64_t)i;
    OK(assay_reference_new(g, (const void *const *)bound, &r, &s->err));
    OK(assay_reference_at(r, output, (size_t)x->elements, index, value, error, &s->err));
    assay_reference_free(r);
    for (uint32_t v = 0; v < g->n_values; v++)
        free(bound[v]);
    free(bound);
    if (x->elements == 1)
        return value[0];
    float scores[64];
    for (size_t i = 0; i < x->elements; i++)
        scores[i] = (float)value[i];
    cr_assert(s->lesson.data(s->what.params, SEED, evaluation, n, "labels", labels));
    return assay_lesson_wrong(scores, labels, x->dims[0], x->dims[1]) / (double)x->dims[0];
}

static void set_up(struct scene *s, const char *name)
{
    int32_t param[64];
    memset(s, 0, sizeof *s);
    OK(assay_case_parse(name, &s->what, &s->err));
    OK(assay_case_graph(&s->what, &s->step, &s->err));
    s->lesson = *s->what.workload->lesson;
    s->lesson.terms(s->what.params, &terms_now);
    s->lesson.terms = terms;
    terms_now.target = 100;
    s->evaluation = assay_graph_new("evaluation");
    OK(s->lesson.build_evaluation(s->what.params, s->evaluation, &s->err));
    s->n = assay_lesson_params(s->evaluation, param, 64);
    cr_assert(s->n > 0 && s->n <= 64);
    for (size_t i = 0; i < s->n; i++) {
        s->param[i] = malloc((size_t)s->evaluation->values[param[i]].bytes);
        OK(assay_fill_value(s->evaluation, param[i], SEED, 0, s->param[i], &s->err));
    }
    (void)snprintf(s->path, sizeof s->path, "/tmp/assay-learned-XXXXXX");
    int fd = mkstemp(s->path);
    cr_assert(fd >= 0);
    (void)close(fd);
    OK(assay_learned_write(s->path, ID, SEED, 7, s->evaluation, (const void *const *)s->param, &s->err));
    s->claim = (struct assay_learned_claim){.path = s->path, .case_id = ID, .lesson = &s->lesson, .params = s->what.params, .step = s->step,
                                            .evaluation = s->evaluation, .seed = SEED, .steps = 7, .reached_step = 7};
    for (uint64_t b = 0; b < terms_now.evaluation_batches; b++)
        s->claim.quality += reference_of(s, s->evaluation, true, b) / (double)terms_now.evaluation_batches;
    s->claim.first_loss = reference_of(s, s->step, false, 1);
}

static void tear_down(struct scene *s)
{
    (void)unlink(s->path);
    for (size_t i = 0; i < s->n; i++)
        free(s->param[i]);
    assay_graph_free(s->step);
    assay_graph_free(s->evaluation);
    assay_case_release(&s->what);
}

static void expect(struct scene *s, enum assay_outcome outcome, const char *words)
{
    memset(&s->check, 0, sizeof s->check);
    OK(assay_learned_check(&s->claim, 1e12, &s->check, &s->err));
    cr_expect_eq(s->check.outcome, outcome, "%s: %s", words, s->check.why);
    cr_expect(strstr(s->check.why, words), "'%s' is not in: %s", words, s->check.why);
}

static const char text[] = "text.learn/batch=2,tokens=37,layers=1,hidden=8,ffn=8,heads=1,head_dim=4,evaluation_batches=3";
static const char shapes[] = "shapes.learn/batch=4,filters=2,evaluation_batches=2";

TestSuite(learned, .timeout = 120);

Test(learned, a_net_that_is_as_good_as_claimed_passes)
{
    struct scene s;
    set_up(&s, text);
    expect(&s, ASSAY_PASS, "learned in 7 steps");
    cr_expect(s.check.worst_ratio < 1e-6 && s.check.elements == 4 && s.check.assurance == ASSAY_ASSURANCE_LEARNED);
    s.claim.quality += 0.5 * s.check.worst_bound; /* what roundings may do is no lie */
    expect(&s, ASSAY_PASS, "learned in 7 steps");
    tear_down(&s);
}

Test(learned, a_quality_that_the_net_does_not_have_is_a_lie)
{
    struct scene s;
    set_up(&s, text);
    s.claim.quality *= 0.999;
    expect(&s, ASSAY_FAIL, "claims a loss of");
    s.claim.quality /= 0.999 * 0.999;
    expect(&s, ASSAY_FAIL, "the net it left has");
    tear_down(&s);
}

Test(learned, a_net_with_one_other_number_is_another_net)
{
    struct scene s;
    set_up(&s, text);
    float *first = s.param[0];
    first[1] += 0.25f;
    struct scene *p = &s;
    cr_assert_eq(assay_learned_write(s.path, ID, SEED, 7, s.evaluation, (const void *const *)p->param, &s.err), ASSAY_OK);
    expect(&s, ASSAY_FAIL, "the net it left has");
    tear_down(&s);
}

Test(learned, shares_of_pictures_are_counted_and_lies_of_one_picture_found)
{
    struct scene s;
    set_up(&s, shapes);
    expect(&s, ASSAY_PASS, "share classed wrongly");
    cr_expect(s.check.elements == 2 * 4 * 8 + 1);
    s.claim.quality -= 1.0 / 8;
    expect(&s, ASSAY_FAIL, "claims a share classed wrongly");
    tear_down(&s);
}

Test(learned, no_net_is_better_than_can_be)
{
    struct scene s;
    set_up(&s, text);
    terms_now.floor = s.claim.quality + 0.1;
    terms_now.floor_deviation = 0.1 / 7; /* a seventh of the distance: more than chance does */
    expect(&s, ASSAY_FAIL, "is less than can be");
    terms_now.floor_deviation = 0.1 / 5;
    expect(&s, ASSAY_PASS, "learned");
    tear_down(&s);
}

Test(learned, what_did_not_reach_its_target_failed)
{
    struct scene s;
    set_up(&s, text);
    terms_now.target = s.claim.quality - 0.01;
    expect(&s, ASSAY_FAIL, "did not learn enough");
    s.claim.quality = NAN;
    expect(&s, ASSAY_FAIL, "is no finite number");
    tear_down(&s);
}

Test(learned, the_first_steps_loss_follows_from_the_seed)
{
    struct scene s;
    set_up(&s, text);
    s.claim.first_loss *= 1.001;
    expect(&s, ASSAY_FAIL, "in its first step");
    s.claim.first_loss = NAN;
    expect(&s, ASSAY_FAIL, "in its first step");
    tear_down(&s);
}

Test(learned, what_costs_too_much_is_not_checked_and_says_so)
{
    struct scene  scene, *s = &scene;
    set_up(s, text);
    OK(assay_learned_check(&s->claim, 1000, &s->check, &s->err));
    cr_expect(s->check.outcome == ASSAY_NOT_CHECKED && strstr(s->check.why, "would take more than"), "%s", s->check.why);
    tear_down(s);
}

Test(learned, a_witness_that_was_changed_or_is_of_another_case_is_no_witness)
{
    struct scene  scene, *s = &scene;
    char         *file;
    size_t        length;
    set_up(s, text);
    OK(assay_file_read(s->path, 1 << 20, &file, &length, &s->err));
    static const size_t places[] = {0, 9, 17, 40, 300}; /* magic, version, length, checksum or id, a param */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        file[places[i]] ^= 1;
        OK(assay_file_replace(s->path, file, length, &s->err));
        cr_expect_eq(assay_learned_check(&s->claim, 1e12, &s->check, &s->err), ASSAY_DATA, "byte %zu", places[i]);
        file[places[i]] ^= 1;
    }
    OK(assay_file_replace(s->path, file, length - 8, &s->err));
    cr_expect_eq(assay_learned_check(&s->claim, 1e12, &s->check, &s->err), ASSAY_DATA);
    OK(assay_file_replace(s->path, file, length, &s->err));
    s->claim.case_id = "fedcba9876543210";
    cr_expect_eq(assay_learned_check(&s->claim, 1e12, &s->check, &s->err), ASSAY_DATA);
    free(file);
    tear_down(s);
}

Test(learned, a_net_that_does_not_fit_is_refused_with_the_limit)
{
    struct assay_error  err = {0};
    size_t              bytes;
    int64_t             dims[2] = {1024, 256};
    struct assay_graph *g = assay_graph_new("large");
    int32_t             w = assay_graph_param(g, "w", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
    assay_graph_output(g, assay_graph_op(g, "Neg", "y", &w, 1, NULL));
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_learned_bytes(g, &bytes, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "1048576 bytes"), "%s", err.message);
    assay_graph_free(g);
}
