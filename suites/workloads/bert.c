/* BERT: Devlin and others, arXiv 1810.04805. Phase infer: the encoder and its pooler. Phase train: masked words are predicted
 * (the head of the paper's appendix A.2: dense, gelu, norm, the word embeddings again, a bias), 15 % of the tokens as given
 * positions. Without dropout and next-sentence task: stated here, since it is no training recipe but a step to be timed.
 * Names of the weights are those of the public checkpoints. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suites/blocks/blocks.h"
#include "suites/blocks/training.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define EPSILON 1e-12

struct bert {
    int64_t                     size, batch, tokens, layers;
    struct assay_block_training training;
};

static const char *const sizes[] = {"base", "large", "tiny", NULL};
struct shape {
    int64_t layers, hidden, heads, vocabulary, positions;
};
static const struct shape shapes[] = {{12, 768, 12, 30522, 512}, {24, 1024, 16, 30522, 512}, {2, 32, 4, 61, 24}};

static const char *const phases[] = {"infer", "train", "gradients", NULL};

static const struct assay_option params[] = {
    {.name = "size", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct bert, size), .dflt = "base", .choices = sizes,
     .help = "12 layers of 768 (base), 24 of 1024 (large); tiny is for tests"},
    ASSAY_PARAM_SIZE(struct bert, batch, "batch", "1", "sequences"),
    {.name = "tokens", .type = ASSAY_OPT_I64, .offset = offsetof(struct bert, tokens), .dflt = "128", .min = 1, .max = 512,
     .help = "length of a sequence"},
    {.name = "layers", .type = ASSAY_OPT_I64, .offset = offsetof(struct bert, layers), .dflt = "0", .min = 0, .max = 24,
     .help = "layers, 0 = all of the size's"},
    ASSAY_PARAM_OPTIMIZER(struct bert, training, "adamw"),
    ASSAY_PARAM_RECOMPUTE(struct bert, training),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct bert *)given)->batch;
}

struct encoder {
    struct assay_graph *g;
    int64_t             batch, tokens, hidden, heads, layers, vocabulary, positions;
};

static int32_t linear(const struct encoder *e, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, double gain)
{
    char                      full[ASSAY_BLOCK_NAME_BYTES];
    struct assay_block_linear how = {.in = in, .out = out, .bias = true, .gain = gain};
    assay_block_name(full, prefix, name);
    return assay_block_linear(e->g, full, x, &how);
}

static int32_t norm(const struct encoder *e, const char *prefix, const char *name, int32_t x)
{
    char full[ASSAY_BLOCK_NAME_BYTES];
    assay_block_name(full, prefix, name);
    return assay_block_layer_norm(e->g, full, x, e->hidden, EPSILON);
}

/* x[rows, hidden] as [batch, tokens, hidden]: what Attention takes. */
static int32_t sequences(const struct encoder *e, const char *prefix, const char *name, int32_t x)
{
    return assay_block_reshape(e->g, prefix, name, x, 3, (int64_t[]){e->batch, e->tokens, e->hidden});
}

static int32_t layer(const struct encoder *e, const char *prefix, int32_t x)
{
    int64_t           h = e->hidden;
    struct assay_attr heads[] = {ASSAY_ATTR_INT("q_num_heads", e->heads), ASSAY_ATTR_INT("kv_num_heads", e->heads), ASSAY_ATTR_END};
    char              attention[ASSAY_BLOCK_NAME_BYTES];
    int32_t           q = sequences(e, prefix, "q", linear(e, prefix, "attention.self.query", x, h, h, 1));
    int32_t           k = sequences(e, prefix, "k", linear(e, prefix, "attention.self.key", x, h, h, 1));
    int32_t           v = sequences(e, prefix, "v", linear(e, prefix, "attention.self.value", x, h, h, 1));
    assay_block_name(attention, prefix, "attention.self");
    int32_t a = assay_graph_op(e->g, "Attention", attention, (int32_t[]){q, k, v}, 3, heads);
    a = assay_block_reshape(e->g, prefix, "rows", a, 2, (int64_t[]){e->batch * e->tokens, h});
    a = linear(e, prefix, "attention.output.dense", a, h, h, 1);
    x = norm(e, prefix, "attention.output.LayerNorm", assay_block_binary(e->g, "Add", prefix, "sum1", a, x));
    int32_t f = assay_block_unary(e->g, "Gelu", prefix, "gelu", linear(e, prefix, "intermediate.dense", x, h, 4 * h, 1));
    f = linear(e, prefix, "output.dense", f, 4 * h, h, 1.4142135623730951);
    x = norm(e, prefix, "output.LayerNorm", assay_block_binary(e->g, "Add", prefix, "sum2", f, x));
    assay_graph_checkpoint(e->g, x);
    return x;
}

static int32_t embeddings(const struct encoder *e, int32_t *words)
{
    struct assay_graph *g = e->g;
    int32_t             table;
    int64_t             both[2] = {e->batch, e->tokens}, positions[512];
    for (int64_t i = 0; i < e->tokens; i++)
        positions[i] = i;
    int32_t ids = assay_graph_input(g, "input_ids", ASSAY_I64, 2, both, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(e->vocabulary - 1)});
    int32_t types = assay_graph_input(g, "token_type_ids", ASSAY_I64, 2, both, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 1});
    int32_t where = assay_graph_i64s(g, "position_ids", (size_t)e->tokens, positions);
    int32_t x = assay_block_embedding(g, "embeddings.word_embeddings", ids, e->vocabulary, e->hidden, ASSAY_F32, words);
    int32_t t = assay_block_embedding(g, "embeddings.token_type_embeddings", types, 2, e->hidden, ASSAY_F32, &table);
    int32_t p = assay_block_embedding(g, "embeddings.position_embeddings", where, e->positions, e->hidden, ASSAY_F32, &table);
    x = assay_block_binary(g, "Add", "embeddings", "sum1", x, t);
    x = assay_block_binary(g, "Add", "embeddings", "sum2", x, p);
    x = assay_block_reshape(g, "embeddings", "rows", x, 2, (int64_t[]){e->batch * e->tokens, e->hidden});
    return norm(e, "embeddings", "LayerNorm", x);
}

/* The first token of each sequence: dense and tanh. */
static int32_t pooler(const struct encoder *e, int32_t x)
{
    int64_t first[1] = {0};
    int32_t s = sequences(e, "pooler", "sequences", x);
    int32_t zero = assay_graph_i64s(e->g, "pooler.first:index", 1, first);
    s = assay_graph_op(e->g, "Gather", "pooler.first", (int32_t[]){s, zero}, 2,
                       (struct assay_attr[]){ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END});
    s = assay_block_reshape(e->g, "pooler", "rows", s, 2, (int64_t[]){e->batch, e->hidden});
    return assay_block_unary(e->g, "Tanh", "pooler", "tanh", linear(e, "pooler", "dense", s, e->hidden, e->hidden, 1));
}

static int32_t masked_words(const struct encoder *e, int32_t x, int32_t words)
{
    struct assay_graph *g = e->g;
    int64_t             masked = e->batch * (int64_t)ceil(0.15 * (double)e->tokens), n = e->vocabulary;
    double              last = (double)(e->batch * e->tokens - 1);
    int32_t             at = assay_graph_input(g, "masked_positions", ASSAY_I64, 1, &masked, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, last});
    int32_t             labels = assay_graph_input(g, "labels", ASSAY_I64, 1, &masked, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(e->vocabulary - 1)});
    x = assay_graph_op(g, "Gather", "masked", (int32_t[]){x, at}, 2, NULL);
    x = assay_block_unary(g, "Gelu", "predictions", "gelu", linear(e, "predictions.transform", "dense", x, e->hidden, e->hidden, 1));
    x = norm(e, "predictions.transform", "LayerNorm", x);
    int32_t bias = assay_block_bias(g, "predictions", "bias", n);
    int32_t logits = assay_graph_op(g, "Gemm", "predictions.decoder", (int32_t[]){x, words, bias}, 3,
                                    (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
    return assay_block_cross_entropy(g, logits, labels);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct bert *p = given;
    const struct shape *s = &shapes[p->size];
    struct encoder     e = {g, p->batch, p->tokens, s->hidden, s->heads, p->layers ? p->layers : s->layers, s->vocabulary, s->positions};
    int32_t            words, x;
    if (p->tokens > s->positions)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "tokens %lld; this size has %lld positions", (long long)p->tokens, (long long)s->positions);
    x = embeddings(&e, &words);
    for (int64_t i = 0; i < e.layers; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "encoder.layer.%d", (int)i);
        x = layer(&e, name, x);
    }
    if (strcmp(phase, "infer") != 0) {
        struct assay_block_training step = p->training;
        step.gradients = !strcmp(phase, "gradients");
        assay_block_train(g, masked_words(&e, x, words), &step);
    } else {
        assay_graph_output(g, x);
        assay_graph_output(g, pooler(&e, x));
    }
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_bert = {
    .name = "bert",
    .summary = "BERT encoder, base or large: answers, one step of training on masked words, or that with its gradients",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct bert),
    .headline = "items_per_s",
    .items = items,
    .item = "sequence",
    .batch = "batch",
    .build = build,
};
