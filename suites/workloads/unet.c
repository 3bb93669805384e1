/* The denoising net of Stable Diffusion XL: Podell and others, arXiv 2307.01952, table 1, and the configuration of the
 * published checkpoint: three levels of 320, 640 and 1280 channels with 0, 2 and 10 transformer blocks, text context of 2048.
 * One execution is one step of one picture (or `batch` of them). Names of the weights are the checkpoint's. */
#include <math.h>
#include <stdio.h>

#include "suites/blocks/blocks.h"
#include "suites/workloads/workloads.h"

#include "assay/banned.h"

#define LEVELS 3
#define TIME 1280
#define CONTEXT 2048
#define HEAD 64
#define GROUPS 32
#define MOST_SKIPS 12

struct unet {
    int64_t batch, latent, words;
};

static const struct assay_option params[] = {
    ASSAY_PARAM_SIZE(struct unet, batch, "batch", "1", "pictures"),
    ASSAY_PARAM_SIZE(struct unet, latent, "latent", "128", "height and width of the latent, an eighth of the picture's"),
    ASSAY_PARAM_SIZE(struct unet, words, "words", "77", "tokens of the text"),
    {0},
};

static uint64_t items(const void *given, const char *phase)
{
    (void)phase;
    return (uint64_t)((const struct unet *)given)->batch;
}

static const int64_t width[LEVELS] = {320, 640, 1280}, depth[LEVELS] = {0, 2, 10};

struct net {
    struct assay_graph *g;
    const struct unet  *p;
    int32_t             time, text; /* [batch, 1280]; [batch * words, 2048] */
    int32_t             skip[MOST_SKIPS];
    int                 n_skips;
};

static int32_t linear(const struct net *n, const char *prefix, const char *name, int32_t x, int64_t out, bool bias, double gain)
{
    char                      full[ASSAY_BLOCK_NAME_BYTES];
    struct assay_block_linear how = {.in = assay_block_length(n->g, x, 1), .out = out, .bias = bias, .gain = gain};
    assay_block_name(full, prefix, name);
    return assay_block_linear(n->g, full, x, &how);
}

static int32_t conv(const struct net *n, const char *prefix, const char *name, int32_t x, int64_t filters, int64_t kernel, int64_t stride,
                    double gain)
{
    char                    full[ASSAY_BLOCK_NAME_BYTES];
    struct assay_block_conv how = {.filters = filters, .kernel = kernel, .stride = stride, .pad = kernel / 2, .bias = true, .gain = gain};
    assay_block_name(full, prefix, name);
    return assay_block_conv(n->g, full, x, &how);
}

static int32_t group_norm(const struct net *n, const char *prefix, const char *name, int32_t x, double epsilon)
{
    char    full[ASSAY_BLOCK_NAME_BYTES];
    int64_t channels = assay_block_length(n->g, x, 1);
    assay_block_name(full, prefix, name);
    int32_t w = assay_block_scale(n->g, full, "weight", channels), b = assay_block_bias(n->g, full, "bias", channels);
    return assay_graph_op(n->g, "GroupNormalization", full, (int32_t[]){x, w, b}, 3,
                          (struct assay_attr[]){ASSAY_ATTR_INT("num_groups", GROUPS), ASSAY_ATTR_FLOAT("epsilon", epsilon), ASSAY_ATTR_END});
}

static int32_t layer_norm(const struct net *n, const char *prefix, const char *name, int32_t x)
{
    char full[ASSAY_BLOCK_NAME_BYTES];
    assay_block_name(full, prefix, name);
    return assay_block_layer_norm(n->g, full, x, assay_block_length(n->g, x, 1), 1e-5);
}

static int32_t swish(const struct net *n, const char *prefix, const char *name, int32_t x)
{
    return assay_block_unary(n->g, "Swish", prefix, name, x);
}

/* Two convolutions with the time added between them, and the input around them. */
static int32_t residual(const struct net *n, const char *prefix, int32_t x, int64_t out)
{
    int32_t y = swish(n, prefix, "swish1", group_norm(n, prefix, "norm1", x, 1e-5));
    y = conv(n, prefix, "conv1", y, out, 3, 1, 1);
    int32_t t = linear(n, prefix, "time_emb_proj", n->time, out, true, 1);
    t = assay_block_reshape(n->g, prefix, "time", t, 4, (int64_t[]){n->p->batch, out, 1, 1});
    y = assay_block_binary(n->g, "Add", prefix, "timed", y, t);
    y = swish(n, prefix, "swish2", group_norm(n, prefix, "norm2", y, 1e-5));
    y = conv(n, prefix, "conv2", y, out, 3, 1, 0.7);
    if (assay_block_length(n->g, x, 1) != out)
        x = conv(n, prefix, "conv_shortcut", x, out, 1, 1, 1);
    return assay_block_binary(n->g, "Add", prefix, "sum", x, y);
}

/* Queries from x[batch * tokens, channels], keys and values from `from` (x itself, or the text). */
static int32_t attend(const struct net *n, const char *prefix, int32_t x, int32_t from, int64_t tokens, int64_t from_tokens)
{
    struct assay_graph *g = n->g;
    int64_t             c = assay_block_length(g, x, 1), b = n->p->batch;
    struct assay_attr   heads[] = {ASSAY_ATTR_INT("q_num_heads", c / HEAD), ASSAY_ATTR_INT("kv_num_heads", c / HEAD), ASSAY_ATTR_END};
    int32_t q = assay_block_reshape(g, prefix, "q", linear(n, prefix, "to_q", x, c, false, 1), 3, (int64_t[]){b, tokens, c});
    int32_t k = assay_block_reshape(g, prefix, "k", linear(n, prefix, "to_k", from, c, false, 1), 3, (int64_t[]){b, from_tokens, c});
    int32_t v = assay_block_reshape(g, prefix, "v", linear(n, prefix, "to_v", from, c, false, 1), 3, (int64_t[]){b, from_tokens, c});
    int32_t a = assay_graph_op(g, "Attention", prefix, (int32_t[]){q, k, v}, 3, heads);
    return linear(n, prefix, "to_out.0", assay_block_reshape(g, prefix, "rows", a, 2, (int64_t[]){b * tokens, c}), c, true, 0.3);
}

static int32_t transformer_block(const struct net *n, const char *prefix, int32_t x, int64_t tokens)
{
    struct assay_graph *g = n->g;
    char                name[ASSAY_BLOCK_NAME_BYTES];
    int64_t             c = assay_block_length(g, x, 1);
    int32_t             h = layer_norm(n, prefix, "norm1", x);
    assay_block_name(name, prefix, "attn1");
    x = assay_block_binary(g, "Add", prefix, "sum1", x, attend(n, name, h, h, tokens, tokens));
    h = layer_norm(n, prefix, "norm2", x);
    assay_block_name(name, prefix, "attn2");
    x = assay_block_binary(g, "Add", prefix, "sum2", x, attend(n, name, h, n->text, tokens, n->p->words));
    h = linear(n, prefix, "ff.net.0.proj", layer_norm(n, prefix, "norm3", x), 8 * c, true, 1);
    int32_t value = assay_block_slice(g, prefix, "ff.value", h, 1, 0, 4 * c);
    int32_t gate = assay_block_unary(g, "Gelu", prefix, "ff.gelu", assay_block_slice(g, prefix, "ff.gate", h, 1, 4 * c, 8 * c));
    h = assay_block_binary(g, "Mul", prefix, "ff.gated", value, gate);
    return assay_block_binary(g, "Add", prefix, "sum3", x, linear(n, prefix, "ff.net.2", h, c, true, 0.3));
}

/* Pixels as tokens: [batch, channels, side, side] to [batch * side^2, channels], blocks, and back. */
static int32_t transformer(const struct net *n, const char *prefix, int32_t x, int64_t blocks)
{
    struct assay_graph *g = n->g;
    int64_t             b = n->p->batch, c = assay_block_length(g, x, 1), side = assay_block_length(g, x, 2), tokens = side * side;
    int32_t             y = group_norm(n, prefix, "norm", x, 1e-6);
    y = assay_block_reshape(g, prefix, "flat", y, 3, (int64_t[]){b, c, tokens});
    y = assay_block_transpose(g, prefix, "tokens", y, 3, (int64_t[]){0, 2, 1});
    y = linear(n, prefix, "proj_in", assay_block_reshape(g, prefix, "rows", y, 2, (int64_t[]){b * tokens, c}), c, true, 1);
    for (int64_t i = 0; i < blocks; i++) {
        char name[ASSAY_BLOCK_NAME_BYTES];
        (void)snprintf(name, sizeof name, "%.96s.transformer_blocks.%d", prefix, (int)i);
        y = transformer_block(n, name, y, tokens);
    }
    y = assay_block_reshape(g, prefix, "out_tokens", linear(n, prefix, "proj_out", y, c, true, 0.3), 3, (int64_t[]){b, tokens, c});
    y = assay_block_transpose(g, prefix, "out_flat", y, 3, (int64_t[]){0, 2, 1});
    y = assay_block_reshape(g, prefix, "out", y, 4, (int64_t[]){b, c, side, side});
    return assay_block_binary(g, "Add", prefix, "around", x, y);
}

static void keep(struct net *n, int32_t x)
{
    n->skip[n->n_skips++] = x;
}

static int32_t down(struct net *n, int32_t x)
{
    char name[ASSAY_BLOCK_NAME_BYTES];
    keep(n, x);
    for (int level = 0; level < LEVELS; level++) {
        for (int i = 0; i < 2; i++) {
            (void)snprintf(name, sizeof name, "down_blocks.%d.resnets.%d", level, i);
            x = residual(n, name, x, width[level]);
            (void)snprintf(name, sizeof name, "down_blocks.%d.attentions.%d", level, i);
            if (depth[level])
                x = transformer(n, name, x, depth[level]);
            keep(n, x);
        }
        (void)snprintf(name, sizeof name, "down_blocks.%d.downsamplers.0.conv", level);
        if (level + 1 < LEVELS)
            keep(n, x = conv(n, name, "", x, width[level], 3, 2, 1));
    }
    return x;
}

static int32_t up(struct net *n, int32_t x)
{
    char name[ASSAY_BLOCK_NAME_BYTES];
    for (int level = LEVELS - 1; level >= 0; level--) {
        int block = LEVELS - 1 - level;
        for (int i = 0; i < 3; i++) {
            (void)snprintf(name, sizeof name, "up_blocks.%d.resnets.%d", block, i);
            x = assay_block_concat(n->g, name, "joined", (int32_t[]){x, n->skip[--n->n_skips]}, 2, 1);
            x = residual(n, name, x, width[level]);
            (void)snprintf(name, sizeof name, "up_blocks.%d.attentions.%d", block, i);
            if (depth[level])
                x = transformer(n, name, x, depth[level]);
        }
        if (level == 0)
            break;
        (void)snprintf(name, sizeof name, "up_blocks.%d.upsamplers.0", block);
        char    resized[ASSAY_BLOCK_NAME_BYTES], scales[ASSAY_BLOCK_NAME_BYTES];
        int64_t four = 4;
        assay_block_name(resized, name, "resized");
        assay_block_name(scales, name, "scales");
        int32_t by = assay_graph_const(n->g, scales, ASSAY_F32, 1, &four, (float[]){1, 1, 2, 2});
        x = assay_graph_op(n->g, "Resize", resized, (int32_t[]){x, ASSAY_NO_VALUE, by}, 3,
                           (struct assay_attr[]){ASSAY_ATTR_STRING("mode", "nearest"), ASSAY_ATTR_STRING("nearest_mode", "floor"),
                                                 ASSAY_ATTR_STRING("coordinate_transformation_mode", "asymmetric"), ASSAY_ATTR_END});
        x = conv(n, name, "conv", x, width[level], 3, 1, 1);
    }
    return x;
}

static int32_t two_layers(const struct net *n, const char *prefix, int32_t x)
{
    x = swish(n, prefix, "swish", linear(n, prefix, "linear_1", x, TIME, true, 1));
    return linear(n, prefix, "linear_2", x, TIME, true, 1);
}

static enum assay_code build(const void *given, const char *phase, struct assay_graph *g, struct assay_error *err)
{
    const struct unet *p = given;
    struct net         n = {.g = g, .p = p};
    (void)phase;
    if (p->latent % 4)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "latent %lld: two halvings need a multiple of 4", (long long)p->latent);
    struct assay_fill normal = {ASSAY_FILL_NORMAL, 0, 1};
    int32_t x = assay_graph_input(g, "sample", ASSAY_F32, 4, (int64_t[]){p->batch, 4, p->latent, p->latent}, normal);
    int32_t waves = assay_graph_input(g, "time_waves", ASSAY_F32, 2, (int64_t[]){p->batch, 320}, (struct assay_fill){ASSAY_FILL_UNIFORM, -1, 1});
    int32_t added = assay_graph_input(g, "added", ASSAY_F32, 2, (int64_t[]){p->batch, 2816}, normal);
    n.text = assay_graph_input(g, "encoder_hidden_states", ASSAY_F32, 2, (int64_t[]){p->batch * p->words, CONTEXT}, normal);
    n.time = assay_block_binary(g, "Add", "", "emb", two_layers(&n, "time_embedding", waves), two_layers(&n, "add_embedding", added));
    n.time = swish(&n, "emb", "swish", n.time);
    x = down(&n, conv(&n, "conv_in", "", x, width[0], 3, 1, 1));
    x = residual(&n, "mid_block.resnets.0", x, width[2]);
    x = transformer(&n, "mid_block.attentions.0", x, depth[2]);
    x = residual(&n, "mid_block.resnets.1", x, width[2]);
    x = up(&n, x);
    x = swish(&n, "conv_norm_out", "swish", group_norm(&n, "conv_norm_out", "", x, 1e-5));
    assay_graph_output(g, conv(&n, "conv_out", "", x, 4, 3, 1, 1));
    return assay_graph_finish(g, err);
}

const struct assay_workload assay_workload_unet = {
    .name = "unet",
    .summary = "Stable Diffusion XL's denoising net, one step",
    .params = params,
    .params_bytes = sizeof(struct unet),
    .headline = "items_per_s",
    .items = items,
    .item = "step",
    .batch = "batch",
    .build = build,
};
