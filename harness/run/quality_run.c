#include "harness/run/quality_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/ir/ops.h"
#include "harness/ir/transform/copy.h"
#include "harness/load/once.h"
#include "harness/run/layers_run.h"
#include "harness/verify/check.h"
#include "harness/verify/choices.h"
#include "harness/verify/layers.h"
#include "reference/reference.h"

#include "assay/banned.h"

#define BATCHES 4u /* of unseen data, at most */

/* Scores by which items are chosen, and, where there is one, the mean loss that is made of them. */
struct judged {
    const struct assay_opened *opened;
    const struct assay_case   *c;
    uint64_t                   seed;
    struct assay_graph        *g;      /* the evaluation, with its scores as an output */
    int32_t                    scores, loss; /* loss ASSAY_NO_VALUE: the quality is the share of wrong choices */
    void                     **given;
    struct assay_once         *once;
    float                     *got;
    int64_t                   *labels;
    double                    *value, *bound;
    struct assay_choices       choices;
    double                     scores_ratio; /* the worst |device - reference| / bound of a score; NaN: nothing can be said */
    double                     loss_device, loss_reference, loss_bound, loss_ratio; /* means over batches; the worst */
    uint32_t                   batches;
};

static enum assay_code no_memory(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge a net");
}

/* A loss is made of scores by a cross entropy: its first operand. */
static enum assay_code find_scores(struct judged *j, const struct assay_graph *evaluation, struct assay_error *err)
{
    bool *shown = calloc((size_t)evaluation->n_values + 1, sizeof *shown);
    if (!shown)
        return no_memory(err);
    (void)assay_graph_outputs(evaluation, &j->scores, 1);
    j->loss = ASSAY_NO_VALUE;
    if (j->c->workload->lesson->quality == ASSAY_QUALITY_LOSS) {
        j->loss = j->scores;
        for (uint32_t i = 0; i < evaluation->n_nodes; i++)
            if (!strcmp(evaluation->nodes[i].op->name, "SoftmaxCrossEntropyLoss"))
                j->scores = evaluation->nodes[i].inputs[0];
        shown[j->scores] = true;
    }
    const struct assay_value *v = &evaluation->values[j->scores];
    if (v->rank != 2 || v->dtype != ASSAY_F32 || j->scores == j->loss)
        (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the evaluation of '%.80s' has no scores f32[items,classes]", j->c->name);
    else
        (void)assay_graph_reveal(evaluation, shown, &j->g, err);
    free(shown);
    return err->code;
}

static enum assay_code give_batch(struct judged *j, uint64_t batch, struct assay_error *err)
{
    const struct assay_lesson *lesson = j->c->workload->lesson;
    for (uint32_t v = 0; v < j->g->n_values; v++) {
        const struct assay_value *x = &j->g->values[v];
        if (x->role != ASSAY_ROLE_INPUT)
            continue;
        if (!lesson->data(j->c->params, j->seed, true, batch, x->name, j->given[v]))
            return ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no data for '%.60s'", x->name);
        if (j->once && assay_once_give(j->once, (int32_t)v, j->given[v], err))
            return err->code;
    }
    if (!lesson->data(j->c->params, j->seed, true, batch, "labels", j->labels))
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no labels");
    return ASSAY_OK;
}

static enum assay_code reference_scores(struct judged *j, double *loss, double *loss_bound, struct assay_error *err)
{
    struct assay_reference *r = NULL;
    size_t                  n = (size_t)j->g->values[j->scores].elements;
    int64_t                *index = malloc((n + 1) * sizeof *index), zero = 0;
    if (!index)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    enum assay_code code = assay_reference_new(j->g, (const void *const *)j->given, &r, err);
    if (!code)
        code = assay_reference_at(r, j->scores, n, index, j->value, j->bound, err);
    if (!code && j->loss != ASSAY_NO_VALUE)
        code = assay_reference_at(r, j->loss, 1, &zero, loss, loss_bound, err);
    assay_reference_free(r);
    free(index);
    return code;
}

/* The larger of two ratios, of which either may say nothing. */
static double worse(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

static enum assay_code judge_batch(struct judged *j, uint64_t batch, struct assay_error *err)
{
    const int64_t *dims = j->g->values[j->scores].dims;
    double         loss = NAN, bound = NAN;
    float          got = NAN;
    if (give_batch(j, batch, err) || assay_once_run(j->once, err) || assay_once_get(j->once, j->scores, j->got, err) ||
        (j->loss != ASSAY_NO_VALUE && assay_once_get(j->once, j->loss, &got, err)) || reference_scores(j, &loss, &bound, err))
        return assay_error_in(err, "evaluating unseen batch %llu", (unsigned long long)batch);
    for (int64_t i = 0; i < dims[0]; i++) {
        size_t at = (size_t)(i * dims[1]);
        assay_choices_add(&j->choices, j->value + at, j->bound + at, (size_t)dims[1], assay_choice_f32(j->got + at, (size_t)dims[1]),
                          j->labels[i]);
    }
    for (int64_t i = 0; i < dims[0] * dims[1]; i++)
        j->scores_ratio = worse(j->scores_ratio, assay_layer_ratio((double)j->got[i], j->value[i], j->bound[i]));
    if (j->loss == ASSAY_NO_VALUE)
        return ASSAY_OK;
    j->loss_device += (double)got / j->batches;
    j->loss_reference += loss / j->batches;
    j->loss_bound = fmax(j->loss_bound, bound);
    j->loss_ratio = worse(j->loss_ratio, assay_layer_ratio((double)got, loss, bound));
    return ASSAY_OK;
}

static enum assay_outcome say_choices(const struct assay_choices *c, struct assay_text *why)
{
    if (c->wrong) {
        assay_text_add(why, "%llu of %llu choices are certainly not the best; the first, number %llu, is %lld where %lld is %.3g ahead, and the "
                       "bounds of both together are %.2g", (unsigned long long)c->wrong, (unsigned long long)c->items,
                       (unsigned long long)c->first_wrong, (long long)c->wrong_choice, (long long)c->wrong_reference, c->wrong_margin,
                       c->wrong_bounds);
        return ASSAY_FAIL;
    }
    assay_text_add(why, "%llu of %llu choices are the reference's", (unsigned long long)c->equal, (unsigned long long)c->items);
    if (c->open)
        assay_text_add(why, ", %llu others within the bounds of its best", (unsigned long long)c->open);
    if (2 * c->close <= c->items)
        return ASSAY_PASS;
    assay_text_add(why, "; of %llu the bounds decide nothing", (unsigned long long)c->close);
    return ASSAY_UNTRUSTED;
}

static json_t *choices_json(const struct assay_choices *c)
{
    json_t *out = json_pack("{s:I, s:I, s:I, s:I, s:I}", "items", (json_int_t)c->items, "equal", (json_int_t)c->equal, "within_bounds",
                            (json_int_t)c->open, "wrong", (json_int_t)c->wrong, "undecided", (json_int_t)c->close);
    if (c->close)
        (void)json_object_set_new(out, "first_undecided", json_pack("{s:I, s:o, s:o}", "item", (json_int_t)c->first_close, "margin",
                                                                    assay_json_number(c->close_margin), "bounds",
                                                                    assay_json_number(c->close_bounds)));
    if (c->wrong)
        (void)json_object_set_new(out, "first_wrong", json_pack("{s:I, s:I, s:I, s:o, s:o}", "item", (json_int_t)c->first_wrong, "choice",
                                                                (json_int_t)c->wrong_choice, "reference", (json_int_t)c->wrong_reference,
                                                                "margin", assay_json_number(c->wrong_margin), "bounds",
                                                                assay_json_number(c->wrong_bounds)));
    return out;
}

static json_t *quality_json(const struct judged *j, const struct assay_net *net)
{
    char               said[500] = "";
    struct assay_text  why = ASSAY_TEXT(said);
    enum assay_outcome outcome = say_choices(&j->choices, &why);
    assay_text_add(&why, "; right are %llu on the device, %llu by the reference", (unsigned long long)j->choices.right,
                   (unsigned long long)j->choices.reference_right);
    if (j->scores_ratio > 1) {
        outcome = ASSAY_FAIL;
        assay_text_add(&why, "; a score is %.3g times its bound", j->scores_ratio);
    }
    if (j->loss_ratio > 1) {
        outcome = ASSAY_FAIL;
        assay_text_add(&why, "; a mean loss is %.3g times its bound", j->loss_ratio);
    }
    json_t *out = choices_json(&j->choices);
    json_t *trained = json_pack("{s:o, s:I, s:o, s:o, s:b}", "by", assay_json_string(net->trainer), "steps", (json_int_t)net->steps, "quality",
                                assay_json_number(net->quality), "target", assay_json_number(net->target), "reached", net->reached);
    (void)json_object_update_new(out, json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "outcome", assay_outcome_name(outcome), "why", said,
                                                "right", (json_int_t)j->choices.right, "reference_right",
                                                (json_int_t)j->choices.reference_right, "scores_ratio", assay_json_number(j->scores_ratio),
                                                "trained", trained));
    if (j->loss != ASSAY_NO_VALUE)
        (void)json_object_set_new(out, "loss", json_pack("{s:o, s:o, s:o, s:o}", "device", assay_json_number(j->loss_device), "reference",
                                                         assay_json_number(j->loss_reference), "bound", assay_json_number(j->loss_bound),
                                                         "ratio", assay_json_number(j->loss_ratio)));
    return out;
}

static enum assay_code prepare(struct judged *j, const struct assay_net *net, struct assay_error *err)
{
    struct assay_lesson_terms terms;
    if (find_scores(j, net->evaluation, err) || assay_given_new(j->g, net, j->seed, &j->given, err))
        return err->code;
    size_t n = (size_t)j->g->values[j->scores].elements;
    j->c->workload->lesson->terms(j->c->params, &terms);
    j->batches = terms.evaluation_batches < BATCHES ? (uint32_t)terms.evaluation_batches : BATCHES;
    j->got = malloc((n + 1) * sizeof *j->got);
    j->labels = calloc(n + 1, sizeof *j->labels);
    j->value = malloc((n + 1) * sizeof *j->value);
    j->bound = malloc((n + 1) * sizeof *j->bound);
    return j->got && j->labels && j->value && j->bound ? ASSAY_OK : no_memory(err);
}

static void release(struct judged *j)
{
    assay_once_free(j->once);
    if (j->given)
        assay_given_free(j->g, j->given);
    assay_graph_free(j->g);
    free(j->got);
    free(j->labels);
    free(j->value);
    free(j->bound);
}

enum assay_code assay_quality_run(const struct assay_opened *opened, const struct assay_case *c, const struct assay_net *net,
                                  uint64_t seed, json_t **out, struct assay_error *err)
{
    struct judged     j = {.opened = opened, .c = c, .seed = seed, .scores_ratio = NAN, .loss_ratio = NAN};
    char              said[256] = "";
    struct assay_text why = ASSAY_TEXT(said);
    if (!prepare(&j, net, err)) {
        if (!assay_run_accepts(opened, j.g, &why))
            *out = assay_not_checked_json(said);
        else if (!give_batch(&j, 0, err) &&
                 !assay_once_new(opened->backend, opened->session, j.g, (const void *const *)j.given, &j.once, err)) {
            for (uint32_t b = 0; b < j.batches && !err->code; b++)
                (void)judge_batch(&j, b, err);
            if (!err->code)
                *out = quality_json(&j, net);
        }
    }
    release(&j);
    return err->code;
}

/* ---- greedy tokens ------------------------------------------------------------------------------------------------- */

struct tokens {
    const struct assay_opened *opened;
    struct assay_graph        *decode, *score;
    void                     **given, **given_score;
    struct assay_once         *once;
    int32_t                    ids, past, logits;     /* of decode */
    int32_t                    text, scores;          /* of score: i64[batch, length], f32[batch * length, vocab] */
    int64_t                    batch, length, vocab, prompt;
    int64_t                   *token, *chosen; /* [batch, length]: what is read at each place; what is best behind it */
    float                     *got;
    struct assay_choices       choices;
};

bool assay_tokens_apply(const struct assay_case *c)
{
    bool decodes = false, scores = false;
    for (const char *const *p = c->workload->phases; p && *p; p++) {
        decodes = decodes || !strcmp(*p, "decode");
        scores = scores || !strcmp(*p, "score");
    }
    return decodes && scores;
}

/* The output that takes over nothing. */
static int32_t own_output(const struct assay_graph *g)
{
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].role == ASSAY_ROLE_OUTPUT && g->values[v].alias_of == ASSAY_NO_VALUE)
            return (int32_t)v;
    return ASSAY_NO_VALUE;
}

static enum assay_code build(const struct assay_case *c, const char *phase, struct assay_graph **out, struct assay_error *err)
{
    struct assay_graph *g = assay_graph_new(phase);
    if (!g)
        return no_memory(err);
    if (!c->workload->build(c->params, phase, g, err)) {
        *out = g;
        return ASSAY_OK;
    }
    assay_graph_free(g);
    return assay_error_in(err, "building phase %s of '%.80s'", phase, c->name);
}

static enum assay_code make(struct tokens *t, const struct assay_case *c, const struct assay_net *net, uint64_t seed, struct assay_error *err)
{
    if (build(c, "decode", &t->decode, err) || build(c, "score", &t->score, err) || assay_given_new(t->decode, net, seed, &t->given, err) ||
        assay_given_new(t->score, net, seed, &t->given_score, err))
        return err->code;
    t->ids = assay_graph_find(t->decode, "input_ids");
    t->past = assay_graph_find(t->decode, "past");
    t->logits = own_output(t->decode);
    t->text = assay_graph_find(t->score, "input_ids");
    t->scores = own_output(t->score);
    const struct assay_value *text = assay_graph_value(t->score, t->text), *logits = assay_graph_value(t->decode, t->logits);
    if (!text || !logits || t->ids == ASSAY_NO_VALUE || t->past == ASSAY_NO_VALUE || text->rank != 2 || text->dims[1] < 2 ||
        logits->rank != 2 || logits->dtype != ASSAY_F32 || logits->dims[0] != text->dims[0])
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "phases decode and score of '%.80s' do not read and write the same tokens", c->name);
    t->batch = text->dims[0];
    t->length = text->dims[1];
    t->vocab = logits->dims[1];
    t->prompt = t->length - t->length / 2;
    t->token = t->given_score[t->text];
    t->chosen = calloc((size_t)(t->batch * t->length) + 1, sizeof *t->chosen);
    t->got = malloc((size_t)logits->bytes + 1);
    if (net && !c->workload->lesson->data(c->params, seed, true, 0, "input_ids", t->token))
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "the lesson has no texts");
    return t->chosen && t->got ? ASSAY_OK : no_memory(err);
}

/* One step: reads the tokens at place `at`, says what comes behind them. */
static enum assay_code step(struct tokens *t, int64_t at, struct assay_error *err)
{
    int64_t *ids = t->given[t->ids], *past = t->given[t->past];
    for (int64_t b = 0; b < t->batch; b++) {
        ids[b] = t->token[b * t->length + at];
        past[b] = at;
    }
    if (assay_once_give(t->once, t->ids, ids, err) || assay_once_give(t->once, t->past, past, err) || assay_once_run(t->once, err) ||
        assay_once_get(t->once, t->logits, t->got, err))
        return assay_error_in(err, "decoding token %lld", (long long)at);
    for (int64_t b = 0; b < t->batch; b++) {
        int64_t best = assay_choice_f32(t->got + b * t->vocab, (size_t)t->vocab);
        t->chosen[b * t->length + at] = best;
        if (at + 1 >= t->prompt && at + 1 < t->length)
            t->token[b * t->length + at + 1] = best;
    }
    return ASSAY_OK;
}

/* In the order of steps, so that the first item is of the first step. */
static enum assay_code judge_tokens(struct tokens *t, struct assay_error *err)
{
    struct assay_reference *r = NULL;
    size_t                  row = (size_t)t->vocab;
    int64_t                *index = malloc((row + 1) * sizeof *index);
    double                 *value = malloc((2 * row + 1) * sizeof *value);
    enum assay_code         code = index && value ? assay_reference_new(t->score, (const void *const *)t->given_score, &r, err) : no_memory(err);
    for (int64_t at = t->prompt - 1; at < t->length && !code; at++)
        for (int64_t b = 0; b < t->batch && !code; b++) {
            for (size_t k = 0; k < row; k++)
                index[k] = (b * t->length + at) * t->vocab + (int64_t)k;
            code = assay_reference_at(r, t->scores, row, index, value, value + row, err);
            if (!code)
                assay_choices_add(&t->choices, value, value + row, row, t->chosen[b * t->length + at], -1);
        }
    assay_reference_free(r);
    free(index);
    free(value);
    return code;
}

static json_t *tokens_json(const struct tokens *t, bool trained)
{
    char                        said[500] = "";
    struct assay_text           why = ASSAY_TEXT(said);
    const struct assay_choices *c = &t->choices;
    enum assay_outcome          outcome = say_choices(c, &why);
    int64_t                     steps = t->length - t->prompt + 1;
    if (c->close)
        assay_text_add(&why, "; the first that is undecided is step %llu, %.2g apart where the bounds are %.2g",
                       (unsigned long long)(c->first_close / (uint64_t)t->batch), c->close_margin, c->close_bounds);
    json_t *out = choices_json(c);
    (void)json_object_update_new(out, json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "outcome", assay_outcome_name(outcome), "why", said, "steps",
                                                (json_int_t)steps, "sequences", (json_int_t)t->batch, "prompt", (json_int_t)t->prompt,
                                                "weights", trained ? "trained" : "random"));
    return out;
}

enum assay_code assay_tokens_run(const struct assay_opened *opened, const struct assay_case *c, const struct assay_net *net,
                                 uint64_t seed, json_t **out, struct assay_error *err)
{
    struct tokens     t = {.opened = opened};
    char              said[256] = "";
    struct assay_text why = ASSAY_TEXT(said);
    if (!make(&t, c, net, seed, err)) {
        if (!assay_run_accepts(opened, t.decode, &why))
            *out = assay_not_checked_json(said);
        else if (!assay_once_new(opened->backend, opened->session, t.decode, (const void *const *)t.given, &t.once, err)) {
            for (int64_t at = 0; at < t.length && !err->code; at++)
                (void)step(&t, at, err);
            if (!err->code && !judge_tokens(&t, err))
                *out = tokens_json(&t, net != NULL);
        }
    }
    assay_once_free(t.once);
    if (t.given)
        assay_given_free(t.decode, t.given);
    if (t.given_score)
        assay_given_free(t.score, t.given_score);
    assay_graph_free(t.decode);
    assay_graph_free(t.score);
    free(t.chosen);
    free(t.got);
    return err->code;
}
