/* Findings of levels as their documents have them: what diverges, with a number and without; what was not looked at; trainings that
 * ended, diverged and are missing. `text` is what names and reasons are made of. */
#ifndef ASSAY_JUDGE_TESTS_FINDINGS_SAMPLE_H
#define ASSAY_JUDGE_TESTS_FINDINGS_SAMPLE_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/findings.h"
#include "harness/judge/model.h"

/* ratio < 0: it diverges, and there is no number for it */
static inline json_t *sample_layer(const char *node, const char *op, double ratio)
{
    return json_pack("{s:o, s:o, s:s, s:[o], s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:b, s:b}", "node", assay_json_string(node), "op",
                     assay_json_string(op), "shape", "f32[4,64]", "inputs", assay_json_string(node), "ratio",
                     ratio < 0 ? json_null() : json_real(ratio), "strain", ratio < 0 ? json_null() : json_real(ratio / 2), "error_in", json_real(1.5e-7), "error_carried", json_real(2.5e-7),
                     "error_added", json_real(3.5e-7), "error_out", json_real(4.5e-7), "index", (json_int_t)77, "observed", json_real(1.25),
                     "expected", json_real(1.5), "bound", json_real(1e-6), "operands_kept_wider", 0, "diverges", ratio < 0 || ratio > 1);
}

static inline json_t *sample_choices(const char *outcome, const char *why)
{
    return json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:{s:i, s:f, s:f}}", "outcome", outcome, "why", assay_json_string(why), "items", 40, "equal",
                     36, "within_bounds", 3, "wrong", 1, "undecided", 4, "first_undecided", "item", 9, "margin", 0.0625, "bounds", 0.25);
}

static inline json_t *sample_quality(const char *text)
{
    json_t *all = sample_choices("fail", text);
    (void)json_object_update_new(all, json_pack("{s:i, s:i, s:f, s:{s:f, s:f, s:f, s:f}, s:{s:o, s:i}}", "right", 30, "reference_right", 31, "scores_ratio",
                                                2.5, "loss", "device", 1.375, "reference", 1.25, "bound", 0.5, "ratio", 0.25, "trained", "by",
                                                assay_json_string(text), "steps", 600));
    return all;
}

static inline json_t *sample_tokens(const char *text)
{
    json_t *all = sample_choices("pass", text);
    (void)json_object_update_new(all, json_pack("{s:i, s:i, s:s, s:{s:i, s:f, s:f}}", "steps", 20, "sequences", 2, "weights", "trained", "first_wrong",
                                                "item", 13, "margin", 0.75, "bounds", 0.125));
    return all;
}

/* Three cases: one whose second and third node diverge, one right, one that was not taken. */
static inline json_t *sample_model_document(const char *text)
{
    json_t *values = json_pack("[o, o, o, o]", sample_layer("embed", "Gather", 0), sample_layer(text, text, 7.5), sample_layer("b<node>", "MatMul", -1),
                               sample_layer("head", "MatMul", 0.6));
    json_t *wrong = json_pack("{s:s, s:o, s:i, s:i, s:i, s:{s:f}, s:o, s:o}", "outcome", "fail", "why", assay_json_string(text), "nodes", 4,
                              "diverging", 2, "values_left_out", 5, "outputs", "ratio", 3.25, "first", sample_layer(text, text, 7.5), "values", values);
    json_t *right = json_pack("{s:s, s:s, s:i, s:i, s:{s:n}, s:n, s:[o]}", "outcome", "pass", "why", "every node is within its own bound", "nodes", 1,
                              "diverging", 0, "outputs", "ratio", "first", "values",
                              sample_layer("only", "Relu", 0.25));
    json_t *cases = json_pack("[{s:o, s:s, s:o, s:o, s:o, s:o}, {s:s, s:s, s:s, s:o}, {s:s, s:s, s:o}]", "case", assay_json_string(text), "outcome", "fail",
                              "why", assay_json_string(text), "layers", wrong, "quality", sample_quality(text), "tokens", sample_tokens(text), "case",
                              "dlrm.infer", "outcome", "pass", "why", "layers: right", "layers", right, "case", "bert.infer", "outcome", "not_checked", "why",
                              assay_json_string(text));
    return json_pack("{s:s, s:{s:[{s:o, s:o}], s:s, s:i, s:s, s:{s:o}}, s:o}", "format", ASSAY_MODEL_FORMAT, "manifest", "backends", "backend",
                     assay_json_string(text), "given", assay_json_string(text), "created", "2024-05-06T07:08:09Z", "seed", 7, "assay", "0.1.0", "host",
                     "hostname", assay_json_string(text), "cases", cases);
}

static inline void sample_pair(struct assay_training *t, enum assay_training_end end, uint64_t seed, double quality, const char *why)
{
    *t = (struct assay_training){.end = end, .seed = seed, .quality = quality, .claimed = NAN};
    (void)assay_string_copy(t->why, sizeof t->why, why);
}

/* Two gradients of one case and an output, and five pairs of which the last two lack a training. Release it. */
static inline void sample_training_findings(const char *text, struct assay_training_findings *f)
{
    struct assay_gradients *g = &f->gradients;
    struct assay_trainings *t = &f->trainings;
    memset(f, 0, sizeof *f);
    (void)assay_string_copy(f->backend, sizeof f->backend, text);
    g->verdicts = calloc(1, sizeof *g->verdicts);
    g->rows = calloc(3, sizeof *g->rows);
    t->pair = calloc(5, sizeof *t->pair);
    cr_assert(g->verdicts && g->rows && t->pair);
    g->n_verdicts = 1;
    g->n_rows = 3;
    (void)assay_string_copy(g->verdicts[0].case_name, sizeof g->verdicts[0].case_name, text);
    (void)assay_string_copy(g->verdicts[0].check.why, sizeof g->verdicts[0].check.why, text);
    g->verdicts[0].check.outcome = ASSAY_FAIL;
    g->verdicts[0].check.worst_ratio = 31.5;
    for (size_t i = 0; i < 3; i++) {
        g->rows[i] = (struct assay_gradient_row){.is_gradient = i < 2};
        g->rows[i].found = (struct assay_check_output){.outcome = i == 1 ? ASSAY_FAIL : ASSAY_PASS, .elements = 64, .compared = 64, .error = 1e-6,
                                                       .cosine = 1, .worst_ratio = i == 1 ? 31.5 : 0.5, .worst_index = 3, .worst_bound = 1e-5,
                                                       .worst_observed = 0.5, .worst_expected = 0.25};
        (void)assay_string_copy(g->rows[i].param, sizeof g->rows[i].param, i == 1 ? text : "model.weight");
    }
    (void)assay_string_copy(t->case_name, sizeof t->case_name, "text.learn/batch=8,tokens=64");
    (void)assay_string_copy(t->a, sizeof t->a, "cpu:host");
    (void)assay_string_copy(t->b, sizeof t->b, text);
    t->floor = 1.25;
    f->margin_share = 0.02;
    f->compared = true;
    for (size_t i = 0; i < 5; i++) {
        sample_pair(&t->pair[i].a, ASSAY_TRAINING_ENDED, i + 1, 1.5 + 0.01 * (double)i, "");
        sample_pair(&t->pair[i].b, i == 3 ? ASSAY_TRAINING_DIVERGED : i == 4 ? ASSAY_TRAINING_MISSING : ASSAY_TRAINING_ENDED, i + 1,
                    i < 3 ? 1.5 + 0.011 * (double)i : NAN, i < 3 ? "" : text);
    }
    assay_equivalence_judge(t->pair, 5, 0.025, &t->result);
}

#endif
