/* A small decoder that learns text whose entropy is known (suites/data/markov.h): what it can reach is a number and no opinion.
 * Only symbols are scored behind which the whole of what decides them stands: those from place 32 on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/ir/transform/optimizer.h"
#include "suites/blocks/blocks.h"
#include "suites/blocks/decoder.h"
#include "suites/blocks/training.h"
#include "suites/data/markov.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define SCORED_FROM ASSAY_MARKOV_DISTANCE
#define UNSEEN ((uint64_t)1 << 40) /* indices of sequences from here on are evaluation's */

struct text {
    int64_t batch, tokens, layers, hidden, ffn, heads, head_dim;
    bool    attention;
    double  learning_rate, within;
    int64_t max_steps, evaluate_every, evaluation_batches;
};

static const char *const phases[] = {"train", "learn", "gradients", "score", "decode", NULL};

#define COUNT(field, dflt_text, help_text) ASSAY_PARAM_SIZE(struct text, field, #field, dflt_text, help_text)
static const struct assay_option params[] = {
    COUNT(batch, "16", "sequences of a step"),
    {.name = "tokens", .type = ASSAY_OPT_I64, .offset = offsetof(struct text, tokens), .dflt = "96", .min = SCORED_FROM + 1,
     .max = 4096, .help = "length of a sequence; those from the 33rd on are scored"},
    COUNT(layers, "2", "layers of the decoder"),
    COUNT(hidden, "64", "length of a token's vector"),
    COUNT(ffn, "128", "length inside the feed-forward"),
    COUNT(heads, "4", "heads of attention"),
    COUNT(head_dim, "32", "length of a head's vector"),
    {.name = "attention", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct text, attention), .dflt = "true",
     .help = "false: a net without, which cannot see what was before"},
    {.name = "learning_rate", .type = ASSAY_OPT_F64, .offset = offsetof(struct text, learning_rate), .dflt = "0.004", .min = 1e-9,
     .max = 10, .help = "after the warm-up; it falls to a twentieth by half a cosine"},
    {.name = "within", .type = ASSAY_OPT_F64, .offset = offsetof(struct text, within), .dflt = "0.02", .max = 10,
     .help = "the target: loss at most this share above the entropy of the text"},
    COUNT(max_steps, "2000", "of training"),
    COUNT(evaluate_every, "100", "steps of training between evaluations"),
    COUNT(evaluation_batches, "32", "batches of unseen text that an evaluation reads"),
    {0},
};
#undef COUNT

static uint64_t items(const void *given, const char *phase)
{
    const struct text *p = given;
    return (uint64_t)p->batch * (strcmp(phase, "decode") ? (uint64_t)p->tokens : 1);
}

static int32_t logits_of(const struct text *p, enum assay_decoder_phase phase, struct assay_graph *g)
{
    struct assay_model_shape shape = {
        .layers = p->layers, .hidden = p->hidden, .ffn = p->ffn, .heads = p->heads, .kv_heads = p->heads, .head_dim = p->head_dim,
        .vocab = ASSAY_MARKOV_SYMBOLS, .context = p->tokens, .norm_epsilon = 1e-5, .rope_theta = 1000, .attention_bias = true,
    };
    struct assay_decoder how = {.shape = &shape, .phase = phase, .batch = p->batch, .tokens = p->tokens,
                                .layers = p->layers, .store = ASSAY_F32, .attention = p->attention};
    return assay_decoder_build(g, &how);
}

static int32_t loss(const struct text *p, struct assay_graph *g)
{
    int64_t n = p->batch * (p->tokens - SCORED_FROM);
    int32_t logits = logits_of(p, ASSAY_DECODER_TRAIN, g);
    logits = assay_block_reshape(g, "", "logits", logits, 3, (int64_t[]){p->batch, p->tokens, ASSAY_MARKOV_SYMBOLS});
    logits = assay_block_slice(g, "", "scored", logits, 1, SCORED_FROM, p->tokens);
    logits = assay_block_reshape(g, "", "scores", logits, 2, (int64_t[]){n, ASSAY_MARKOV_SYMBOLS});
    int32_t labels = assay_graph_input(g, "labels", ASSAY_I64, 1, &n,
                                       (struct assay_fill){ASSAY_FILL_INTEGERS, 0, ASSAY_MARKOV_SYMBOLS - 1});
    return assay_block_cross_entropy(g, logits, labels);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct text     *p = given;
    struct assay_optimizer how;
    bool                   decode = !strcmp(phase, "decode");
    if (p->head_dim % 2)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "head_dim %lld: rotary positions turn pairs", (long long)p->head_dim);
    if (decode || !strcmp(phase, "score")) {
        assay_graph_output(g, logits_of(p, decode ? ASSAY_DECODER_DECODE : ASSAY_DECODER_TRAIN, g));
        return assay_graph_finish(g, err);
    }
    /* train and learn are the same step; phase learn does it until it has learned */
    if (assay_options_defaults(assay_optimizer_options, &how, err))
        return err->code;
    how.gradients = !strcmp(phase, "gradients"); /* train and learn are the same step; learn does it until it has learned */
    how.beta2 = 0.99; /* short lessons: a mean over the last hundred steps */
    assay_graph_train(g, loss(p, g), &how, ASSAY_RECOMPUTE_NONE);
    return assay_graph_finish(g, err);
}

/* ---- the lesson ---------------------------------------------------------------------------------------------- */

static enum assay_code build_evaluation(const void *given, struct assay_graph *g, struct assay_error *err)
{
    assay_graph_output(g, loss(given, g));
    return assay_graph_finish(g, err);
}

static void terms(const void *given, struct assay_lesson_terms *out)
{
    const struct text *p = given;
    double             scored = (double)(p->batch * (p->tokens - SCORED_FROM) * p->evaluation_batches);
    *out = (struct assay_lesson_terms){
        .floor = assay_markov_entropy_rate(), .floor_deviation = assay_markov_loss_deviation() / sqrt(scored),
        .target = assay_markov_entropy_rate() * (1 + p->within), .max_steps = (uint64_t)p->max_steps,
        .evaluate_every = (uint64_t)p->evaluate_every, .evaluation_batches = (uint64_t)p->evaluation_batches,
    };
}

static double learning_rate(const void *given, uint64_t step)
{
    const struct text *p = given;
    return p->learning_rate * assay_schedule_cosine(step, (uint64_t)p->max_steps, 50, 0.05);
}

static bool data(const void *given, uint64_t seed, bool evaluation, uint64_t n, const char *name, void *to)
{
    const struct text  *p = given;
    struct assay_markov source;
    bool                labels = !strcmp(name, "labels");
    size_t              length = (size_t)p->tokens + 1;
    int64_t            *x = labels || !strcmp(name, "input_ids") ? malloc(length * sizeof *x) : NULL, *out = to;
    if (!x)
        return false;
    assay_markov_init(&source, seed);
    for (int64_t i = 0; i < p->batch; i++) {
        assay_markov_sequence(&source, (evaluation ? UNSEEN : 0) + n * (uint64_t)p->batch + (uint64_t)i, length, x);
        size_t first = labels ? 1 + SCORED_FROM : 0, end = labels ? length : length - 1;
        memcpy(out, x + first, (end - first) * sizeof *x);
        out += end - first;
    }
    free(x);
    return true;
}

static const struct assay_lesson lesson = {
    .phase = "learn",
    .quality = ASSAY_QUALITY_LOSS,
    .terms = terms,
    .learning_rate = learning_rate,
    .build_evaluation = build_evaluation,
    .data = data,
};

const struct assay_workload assay_workload_text = {
    .name = "text",
    .summary = "a small decoder that learns text of known entropy: one step, until it reads as well as can be, scoring, decoding",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct text),
    .headline = "items_per_s",
    .items = items,
    .item = "token",
    .build = build,
    .lesson = &lesson,
};
