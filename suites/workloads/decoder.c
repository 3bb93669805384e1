/* Language models of published shapes (suites/models): prefill of prompts, one step of decoding against caches, one step of a server
 * over packed tokens and caches in blocks, scoring of whole texts, one step of training on the next token, and that step with its
 * gradients to be seen. */
#include <string.h>

#include "harness/ir/transform/zero.h"
#include "suites/blocks/blocks.h"
#include "suites/blocks/decoder.h"
#include "suites/blocks/training.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define DEFAULT_BLOCK 16 /* as `block` below says */

struct decoder {
    char                        model[64];
    int64_t                     batch, tokens, layers, block, packed;
    enum assay_dtype            weights, cache;
    struct assay_block_training training;
    struct assay_mesh           mesh;
};

static const char *const phases[] = {"prefill", "decode", "serve", "score", "train", "gradients", NULL};
static const char *const stores[] = {"f32", "bf16", "f16", "i8", NULL};
static const char *const caches[] = {"f32", "bf16", NULL};

#define ROW_MESH(label, axis, text)                                                                                        \
    {                                                                                                                      \
        .name = label, .type = ASSAY_OPT_I64, .offset = offsetof(struct decoder, mesh.axis), .dflt = "1", .min = 1,         \
        .max = ASSAY_RANKS, .help = text                                                                                   \
    }

static const struct assay_option params[] = {
    {.name = "model", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct decoder, model), .bytes = sizeof(((struct decoder *)0)->model),
     .dflt = "ernie-4.5-0.3b", .help = "a file of suites/models, without its ending"},
    ASSAY_PARAM_SIZE(struct decoder, batch, "batch", "1", "sequences"),
    ASSAY_PARAM_SIZE(struct decoder, tokens, "tokens", "128", "length of a sequence (prefill, score, train), cached tokens (decode; serve: at most)"),
    {.name = "layers", .type = ASSAY_OPT_I64, .offset = offsetof(struct decoder, layers), .dflt = "0", .min = 0, .max = 1000,
     .help = "the first so many layers, 0 = all of the model's"},
    {.name = "weights", .type = ASSAY_OPT_DTYPE, .offset = offsetof(struct decoder, weights), .dflt = "f32", .choices = stores,
     .help = "format that the weight matrices are stored in; phase train has f32"},
    {.name = "packed", .type = ASSAY_OPT_I64, .offset = offsetof(struct decoder, packed), .dflt = "0", .min = 0, .max = 1e6,
     .help = "tokens of a step of phase serve, of all sequences together; 0 = one of each. Other phases refuse it"},
    {.name = "block", .type = ASSAY_OPT_I64, .offset = offsetof(struct decoder, block), .dflt = "16", .min = 1, .max = 65536,
     .help = "tokens of a block of phase serve's caches. Other phases refuse another"},
    {.name = "cache", .type = ASSAY_OPT_DTYPE, .offset = offsetof(struct decoder, cache), .dflt = "f32", .choices = caches,
     .help = "format of phase serve's caches; other phases have f32 and refuse another"},
    ASSAY_PARAM_OPTIMIZER(struct decoder, training, "adamw"),
    ASSAY_PARAM_RECOMPUTE(struct decoder, training),
    ROW_MESH("dp", dp, "ranks that have their own sequences (phases train and gradients, as all of the mesh)"),
    ROW_MESH("tp", tp, "ranks that split every matrix, its heads and the vocabulary"),
    ROW_MESH("cp", cp, "ranks that split the tokens of every sequence"),
    ROW_MESH("pp", pp, "stages of layers, each on its own ranks"),
    ROW_MESH("ep", ep, "ranks that split the experts and have their own sequences"),
    {.name = "schedule", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct decoder, mesh.schedule), .dflt = "gpipe", .choices = assay_mesh_schedules,
     .help = "the order in which stages go through their micro-batches"},
    {.name = "chunks", .type = ASSAY_OPT_I64, .offset = offsetof(struct decoder, mesh.chunks), .dflt = "1", .min = 1, .max = 1000,
     .help = "pieces of layers that each stage has; schedule 1f1b interleaves them"},
    {.name = "sp", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct decoder, mesh.sp), .dflt = "false",
     .help = "ranks of tp split the tokens between layers, too"},
    {.name = "zero", .type = ASSAY_OPT_I64, .offset = offsetof(struct decoder, mesh.zero), .dflt = "0", .min = 0, .max = 3,
     .help = "ranks with the same weights split the optimizer's moments (1), the gradients (2), the weights (3)"},
    {0},
};

static int64_t packed(const struct decoder *p)
{
    return p->packed ? p->packed : p->batch;
}

static uint64_t items(const void *given, const char *phase)
{
    const struct decoder *p = given;
    if (!strcmp(phase, "serve"))
        return (uint64_t)packed(p);
    return (uint64_t)p->batch * (strcmp(phase, "decode") ? (uint64_t)p->tokens : 1);
}

/* What only a step of a server has. Another phase would ignore it, and two cases with one graph would look like a comparison. */
static enum assay_code check_serving(const struct decoder *p, const char *phase, struct assay_error *err)
{
    if (!strcmp(phase, "serve"))
        return packed(p) >= p->batch ? ASSAY_OK
                                     : ASSAY_FAIL(err, ASSAY_CONFIG, "packed %lld; %lld sequences have a token each", (long long)packed(p),
                                                  (long long)p->batch);
    if (p->cache != ASSAY_F32)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "cache %s in phase %s; only phase serve has another than f32", assay_dtype_name(p->cache), phase);
    if (p->packed)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "packed %lld in phase %s; only phase serve packs tokens", (long long)p->packed, phase);
    if (p->block != DEFAULT_BLOCK)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "block %lld in phase %s; only phase serve has caches in blocks", (long long)p->block, phase);
    return ASSAY_OK;
}

static bool trains(const char *phase)
{
    return !strcmp(phase, "train") || !strcmp(phase, "gradients");
}

static enum assay_code describe(const struct decoder *p, const char *phase, struct assay_model_shape *shape, struct assay_decoder *how,
                                struct assay_error *err)
{
    bool whole = trains(phase) || !strcmp(phase, "score");
    if (check_serving(p, phase, err) || assay_model_shape_read(p->model, shape, err))
        return err->code;
    if (p->layers > shape->layers)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "layers %lld; model '%s' has %lld", (long long)p->layers, p->model, (long long)shape->layers);
    if (!strcmp(phase, "serve") && shape->positions == ASSAY_POSITIONS_LEARNED && p->tokens > shape->context)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "tokens %lld; the model has %lld positions", (long long)p->tokens, (long long)shape->context);
    if (trains(phase) && p->weights != ASSAY_F32)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "weights %s in phase %s; f32 is trained", assay_dtype_name(p->weights), phase);
    *how = (struct assay_decoder){.shape = shape, .batch = p->batch, .tokens = p->tokens, .layers = p->layers ? p->layers : shape->layers,
                                  .store = p->weights, .attention = true, .mesh = p->mesh,
                                  .phase = whole ? ASSAY_DECODER_TRAIN : !strcmp(phase, "decode") ? ASSAY_DECODER_DECODE : ASSAY_DECODER_PREFILL};
    if (!strcmp(phase, "serve")) {
        how->phase = ASSAY_DECODER_SERVE;
        how->tokens = packed(p);
        how->context = p->tokens + how->tokens;
        how->block = p->block;
        how->cache = p->cache;
    }
    return ASSAY_OK;
}

static enum assay_code ranks(const void *given, const char *phase, uint32_t *n, struct assay_error *err)
{
    const struct decoder *p = given;
    int64_t               product;
    if (assay_mesh_ranks(&p->mesh, &product, err))
        return err->code;
    if (product > 1 && !trains(phase))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a mesh of %lld ranks in phase %s, which is not split; phases train and gradients are", (long long)product,
                          phase);
    *n = (uint32_t)product;
    return ASSAY_OK;
}

/* The loss from params of which the rank has shards. */
static int32_t sharded_loss(struct assay_graph *g, const struct assay_decoder *how)
{
    struct assay_graph *whole = assay_graph_new("whole params");
    if (!whole) {
        assay_graph_refuse(g, ASSAY_MEMORY, "no memory for a graph");
        return ASSAY_NO_VALUE;
    }
    int32_t loss = assay_graph_shard_params(whole, how->rank, assay_decoder_loss(whole, how), g);
    assay_graph_free(whole);
    return loss;
}

static void train(const struct decoder *p, const char *phase, const struct assay_decoder *how, struct assay_graph *g)
{
    struct assay_block_training step = p->training;
    struct assay_mesh_place     at = assay_mesh_place(&p->mesh, how->rank);
    step.gradients = !strcmp(phase, "gradients");
    int32_t loss = p->mesh.zero < 3 ? assay_decoder_loss(g, how) : sharded_loss(g, how);
    assay_block_train_rank(g, loss, &step, &at);
}

static void train_scheduled(const struct decoder *p, const char *phase, const struct assay_decoder *how, struct assay_graph *g)
{
    struct assay_graph *built = assay_graph_new(g->name);
    if (!built) {
        assay_graph_refuse(g, ASSAY_MEMORY, "no memory for a graph");
        return;
    }
    train(p, phase, how, built);
    assay_decoder_schedule(built, how, g);
    assay_graph_free(built);
}

static enum assay_code build_rank(const void *given, const char *phase, uint32_t rank, struct assay_graph *g, struct assay_error *err)
{
    const struct decoder    *p = given;
    struct assay_model_shape shape;
    struct assay_decoder     how = {.rank = rank};
    uint32_t                 n = 1;
    if (ranks(given, phase, &n, err) || describe(p, phase, &shape, &how, err))
        return err->code;
    if (rank >= n)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "rank %u of a case of %u", rank, n);
    how.rank = rank;
    if (trains(phase)) {
        if (p->mesh.schedule == ASSAY_MESH_GPIPE)
            train(p, phase, &how, g);
        else
            train_scheduled(p, phase, &how, g);
        return assay_graph_finish(g, err);
    }
    int32_t logits = assay_decoder_build(g, &how);
    if (how.phase == ASSAY_DECODER_SERVE)
        assay_decoder_choose(g, logits);
    else
        assay_graph_output(g, logits);
    return assay_graph_finish(g, err);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    return build_rank(given, phase, 0, g, err);
}

const struct assay_workload assay_workload_decoder = {
    .name = "decoder",
    .summary = "language model of a published shape: prefill, decode, a step of a server, score, one step of training, or that with its gradients",
    .phases = phases,
    .params = params,
    .params_bytes = sizeof(struct decoder),
    .headline = "items_per_s",
    .items = items,
    .item = "token",
    .batch = "batch",
    .build = build,
    .ranks = ranks,
    .build_rank = build_rank,
};
