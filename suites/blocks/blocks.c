#include "suites/blocks/blocks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assay/banned.h"

#define NAME ASSAY_BLOCK_NAME_BYTES

void assay_block_name(char out[NAME], const char *prefix, const char *name)
{
    struct assay_text text = assay_text_over(out, NAME);
    assay_text_add(&text, "%s%s%s", prefix, *prefix && *name ? "." : "", name);
}

/* ---- shorthands ---------------------------------------------------------------------------------------------- */

static int32_t node(struct assay_graph *g, const char *op, const char *prefix, const char *name, const int32_t *in, size_t n,
                    const struct assay_attr *attrs)
{
    char full[NAME];
    assay_block_name(full, prefix, name);
    return assay_graph_op(g, op, full, in, n, attrs);
}

/* A const list beside a node: "<node>:<what>". */
static int32_t numbers(struct assay_graph *g, const char *prefix, const char *name, const char *what, size_t n, const int64_t *list)
{
    char              full[NAME], label[NAME];
    struct assay_text text = ASSAY_TEXT(label);
    assay_block_name(full, prefix, name);
    assay_text_add(&text, "%s:%s", full, what);
    return assay_graph_i64s(g, label, n, list);
}

int32_t assay_block_unary(struct assay_graph *g, const char *op, const char *prefix, const char *name, int32_t x)
{
    return node(g, op, prefix, name, &x, 1, NULL);
}

int32_t assay_block_binary(struct assay_graph *g, const char *op, const char *prefix, const char *name, int32_t a, int32_t b)
{
    return node(g, op, prefix, name, (int32_t[]){a, b}, 2, NULL);
}

int32_t assay_block_reshape(struct assay_graph *g, const char *prefix, const char *name, int32_t x, int32_t rank,
                            const int64_t *dims)
{
    int32_t shape = numbers(g, prefix, name, "shape", (size_t)rank, dims);
    return assay_block_binary(g, "Reshape", prefix, name, x, shape);
}

int32_t assay_block_transpose(struct assay_graph *g, const char *prefix, const char *name, int32_t x, int32_t rank,
                              const int64_t *perm)
{
    struct assay_attr attrs[2] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .n = (size_t)rank}, ASSAY_ATTR_END};
    memcpy(attrs[0].list, perm, (size_t)rank * sizeof *perm);
    return node(g, "Transpose", prefix, name, &x, 1, attrs);
}

int32_t assay_block_slice(struct assay_graph *g, const char *prefix, const char *name, int32_t x, int64_t axis, int64_t begin,
                          int64_t end)
{
    int32_t in[4] = {x, numbers(g, prefix, name, "begin", 1, &begin), numbers(g, prefix, name, "end", 1, &end),
                     numbers(g, prefix, name, "axis", 1, &axis)};
    return node(g, "Slice", prefix, name, in, 4, NULL);
}

int32_t assay_block_concat(struct assay_graph *g, const char *prefix, const char *name, const int32_t *x, size_t n, int64_t axis)
{
    return node(g, "Concat", prefix, name, x, n, (struct assay_attr[]){ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END});
}

int64_t assay_block_length(const struct assay_graph *g, int32_t x, int32_t axis)
{
    const struct assay_value *v = assay_graph_value(g, x);
    return v && axis < v->rank ? v->dims[axis] : 0;
}

/* ---- weights ------------------------------------------------------------------------------------------------- */

static int32_t param(struct assay_graph *g, const char *prefix, const char *name, enum assay_dtype dtype, int32_t rank,
                     const int64_t *dims, struct assay_fill fill)
{
    char full[NAME];
    assay_block_name(full, prefix, name);
    return assay_graph_param(g, full, dtype, rank, dims, fill);
}

/* int8 weights: whole numbers in [-127, 127] and a scale a row that gives them the wanted deviation; that of the whole
 * numbers is 127 / sqrt(3). */
static int32_t int8_weight(struct assay_graph *g, const char *prefix, const char *name, int32_t rank, const int64_t *dims,
                           double deviation)
{
    char   scale_name[NAME], f32_name[NAME];
    double middle = deviation * 1.7320508075688772 / 127;
    (void)snprintf(scale_name, sizeof scale_name, "%.40s_scale", name);
    (void)snprintf(f32_name, sizeof f32_name, "%.40s:f32", name);
    int32_t q = param(g, prefix, name, ASSAY_I8, rank, dims, (struct assay_fill){ASSAY_FILL_INTEGERS, -127, 127});
    int32_t scale = param(g, prefix, scale_name, ASSAY_F32, 1, dims, (struct assay_fill){ASSAY_FILL_UNIFORM, 0.8 * middle, 1.2 * middle});
    return node(g, "DequantizeLinear", prefix, f32_name, (int32_t[]){q, scale}, 2,
                (struct assay_attr[]){ASSAY_ATTR_INT("axis", 0), ASSAY_ATTR_END});
}

static int32_t to_f32(struct assay_graph *g, const char *prefix, const char *name, int32_t x)
{
    return node(g, "Cast", prefix, name, &x, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", 1), ASSAY_ATTR_END}); /* 1: ONNX's number of f32 */
}

int32_t assay_block_weight(struct assay_graph *g, const char *prefix, const char *name, enum assay_dtype store, int32_t rank,
                           const int64_t *dims, int64_t fan_in, double gain)
{
    double deviation = gain / sqrt(fan_in > 0 ? (double)fan_in : 1);
    if (store == ASSAY_I8)
        return int8_weight(g, prefix, name, rank, dims, deviation);
    enum assay_dtype dtype = store == ASSAY_DTYPE_NONE ? ASSAY_F32 : store;
    int32_t          w = param(g, prefix, name, dtype, rank, dims, (struct assay_fill){ASSAY_FILL_NORMAL, 0, deviation});
    if (dtype == ASSAY_F32)
        return w;
    char f32_name[NAME];
    (void)snprintf(f32_name, sizeof f32_name, "%.40s:f32", name);
    return to_f32(g, prefix, f32_name, w);
}

int32_t assay_block_scale(struct assay_graph *g, const char *prefix, const char *name, int64_t n)
{
    return param(g, prefix, name, ASSAY_F32, 1, &n, ASSAY_FILL_POSITIVE);
}

int32_t assay_block_bias(struct assay_graph *g, const char *prefix, const char *name, int64_t n)
{
    return param(g, prefix, name, ASSAY_F32, 1, &n, (struct assay_fill){ASSAY_FILL_UNIFORM, -0.1, 0.1});
}

/* ---- layers -------------------------------------------------------------------------------------------------- */

int32_t assay_block_linear(struct assay_graph *g, const char *prefix, int32_t x, const struct assay_block_linear *how)
{
    int32_t in[3] = {x};
    in[1] = assay_block_weight(g, prefix, "weight", how->store, 2, (int64_t[]){how->out, how->in},
                               how->fan_in ? how->fan_in : how->in, how->gain > 0 ? how->gain : 1);
    if (how->bias)
        in[2] = assay_block_bias(g, prefix, "bias", how->out);
    return node(g, "Gemm", prefix, "", in, how->bias ? 3 : 2,
                (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
}

int32_t assay_block_rms_norm(struct assay_graph *g, const char *prefix, int32_t x, int64_t n, double epsilon)
{
    int32_t w = assay_block_scale(g, prefix, "weight", n);
    return node(g, "RMSNormalization", prefix, "", (int32_t[]){x, w}, 2,
                (struct assay_attr[]){ASSAY_ATTR_FLOAT("epsilon", epsilon), ASSAY_ATTR_END});
}

int32_t assay_block_layer_norm(struct assay_graph *g, const char *prefix, int32_t x, int64_t n, double epsilon)
{
    int32_t w = assay_block_scale(g, prefix, "weight", n), b = assay_block_bias(g, prefix, "bias", n);
    return node(g, "LayerNormalization", prefix, "", (int32_t[]){x, w, b}, 3,
                (struct assay_attr[]){ASSAY_ATTR_FLOAT("epsilon", epsilon), ASSAY_ATTR_END});
}

int32_t assay_block_embedding(struct assay_graph *g, const char *prefix, int32_t indices, int64_t n, int64_t width, enum assay_dtype store,
                              int32_t *table)
{
    enum assay_dtype dtype = store == ASSAY_DTYPE_NONE ? ASSAY_F32 : store;
    *table = param(g, prefix, "weight", dtype, 2, (int64_t[]){n, width}, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 0.02});
    int32_t rows = node(g, "Gather", prefix, "", (int32_t[]){*table, indices}, 2, NULL);
    return dtype == ASSAY_F32 ? rows : to_f32(g, prefix, "f32", rows);
}

int32_t assay_block_table(struct assay_graph *g, const char *prefix, int32_t table)
{
    const struct assay_value *v = assay_graph_value(g, table);
    return v && v->dtype != ASSAY_F32 ? to_f32(g, prefix, "weight:f32", table) : table;
}

int32_t assay_block_cross_entropy(struct assay_graph *g, int32_t logits, int32_t labels)
{
    return assay_graph_op(g, "SoftmaxCrossEntropyLoss", "loss", (int32_t[]){logits, labels}, 2, NULL);
}

int32_t assay_block_conv(struct assay_graph *g, const char *prefix, int32_t x, const struct assay_block_conv *how)
{
    int64_t           channels = assay_block_length(g, x, 1), k = how->kernel;
    int32_t           in[3] = {x};
    struct assay_attr attrs[3] = {{.name = "strides", .type = ASSAY_ATTR_I64S, .list = {how->stride, how->stride}, .n = 2},
                                  {.name = "pads", .type = ASSAY_ATTR_I64S, .list = {how->pad, how->pad, how->pad, how->pad}, .n = 4},
                                  ASSAY_ATTR_END};
    in[1] = assay_block_weight(g, prefix, "weight", ASSAY_F32, 4, (int64_t[]){how->filters, channels, k, k}, channels * k * k,
                               how->gain > 0 ? how->gain : 1.4142135623730951);
    if (how->bias)
        in[2] = assay_block_bias(g, prefix, "bias", how->filters);
    return node(g, "Conv", prefix, "", in, how->bias ? 3 : 2, attrs);
}

/* The running statistics of a norm: fixed when the model answers, a state that the step moves on when it learns. */
static int32_t statistic(struct assay_graph *g, const char *prefix, const char *name, int64_t n, struct assay_fill fill, bool train)
{
    char full[NAME];
    assay_block_name(full, prefix, name);
    int32_t v = train ? assay_graph_state(g, full, ASSAY_F32, 1, &n, fill) : assay_graph_param(g, full, ASSAY_F32, 1, &n, fill);
    if (!train)
        assay_graph_freeze(g, v);
    return v;
}

int32_t assay_block_batch_norm(struct assay_graph *g, const char *prefix, int32_t x, bool train, double gain)
{
    int64_t n = assay_block_length(g, x, 1);
    int32_t in[5] = {x}, out[3];
    char    text[3][NAME];
    in[1] = param(g, prefix, "weight", ASSAY_F32, 1, &n, (struct assay_fill){ASSAY_FILL_UNIFORM, 0.7 * gain, 1.3 * gain});
    in[2] = assay_block_bias(g, prefix, "bias", n);
    in[3] = statistic(g, prefix, "running_mean", n, (struct assay_fill){ASSAY_FILL_UNIFORM, -0.1, 0.1}, train);
    in[4] = statistic(g, prefix, "running_var", n, ASSAY_FILL_POSITIVE, train);
    assay_block_name(text[0], prefix, "");
    if (!train)
        return assay_graph_op(g, "BatchNormalization", text[0], in, 5, NULL);
    assay_block_name(text[1], prefix, "running_mean:next");
    assay_block_name(text[2], prefix, "running_var:next");
    assay_graph_op_outputs(g, "BatchNormalization", (const char *const[]){text[0], text[1], text[2]}, 3, in, 5,
                           (struct assay_attr[]){ASSAY_ATTR_INT("training_mode", 1), ASSAY_ATTR_END}, out);
    for (int i = 1; i < 3; i++) {
        assay_graph_output(g, out[i]);
        assay_graph_alias(g, out[i], in[2 + i]);
    }
    return out[0];
}
