/* Blocks that models are made of, as linear builder code: a mistake stays in the graph (harness/ir/graph.h). Weights are
 * params with the names and shapes of the public checkpoints, so that those can be read without a table of their own. */
#ifndef ASSAY_BLOCKS_BLOCKS_H
#define ASSAY_BLOCKS_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/ir/graph.h"

#define ASSAY_BLOCK_NAME_BYTES ASSAY_VALUE_NAME_BYTES

/* "layers.3.mlp" + "gate" -> "layers.3.mlp.gate"; a prefix of "" adds nothing. */
void assay_block_name(char out[ASSAY_BLOCK_NAME_BYTES], const char *prefix, const char *name);

/* ---- shorthands ---------------------------------------------------------------------------------------------- */

int32_t assay_block_unary(struct assay_graph *g, const char *op, const char *prefix, const char *name, int32_t x);
int32_t assay_block_binary(struct assay_graph *g, const char *op, const char *prefix, const char *name, int32_t a, int32_t b);
int32_t assay_block_reshape(struct assay_graph *g, const char *prefix, const char *name, int32_t x, int32_t rank,
                            const int64_t *dims);
int32_t assay_block_transpose(struct assay_graph *g, const char *prefix, const char *name, int32_t x, int32_t rank,
                              const int64_t *perm);
/* x[..., begin:end, ...] along `axis`. */
int32_t assay_block_slice(struct assay_graph *g, const char *prefix, const char *name, int32_t x, int64_t axis, int64_t begin,
                          int64_t end);
int32_t assay_block_concat(struct assay_graph *g, const char *prefix, const char *name, const int32_t *x, size_t n, int64_t axis);
/* Length of an axis; 0 for no value, so that builders go on after a mistake. */
int64_t assay_block_length(const struct assay_graph *g, int32_t x, int32_t axis);

/* ---- weights ------------------------------------------------------------------------------------------------- */

/* A weight matrix of normal numbers that keep a product's variance: deviation gain / sqrt(fan_in). `store` other than f32: the
 * param has that format and a Cast (bf16, f16) or DequantizeLinear (i8, one scale a row) makes it f32 again. */
int32_t assay_block_weight(struct assay_graph *g, const char *prefix, const char *name, enum assay_dtype store, int32_t rank,
                           const int64_t *dims, int64_t fan_in, double gain);
/* A vector of what scales: uniform in [0.5, 1.5); and of what is added: uniform in [-0.1, 0.1). */
int32_t assay_block_scale(struct assay_graph *g, const char *prefix, const char *name, int64_t n);
int32_t assay_block_bias(struct assay_graph *g, const char *prefix, const char *name, int64_t n);

/* ---- layers -------------------------------------------------------------------------------------------------- */

struct assay_block_linear {
    int64_t          in, out;
    bool             bias;
    double           gain; /* 0 = 1 */
    int64_t          fan_in; /* that the deviation follows; 0: `in` */
    enum assay_dtype store; /* NONE = f32 */
};
/* y[rows, out] = x[rows, in] weight[out, in]^T + bias: params "<prefix>.weight", "<prefix>.bias". */
int32_t assay_block_linear(struct assay_graph *g, const char *prefix, int32_t x, const struct assay_block_linear *how);
/* Over the last axis: params "<prefix>.weight" and, of a layer norm, "<prefix>.bias". */
int32_t assay_block_rms_norm(struct assay_graph *g, const char *prefix, int32_t x, int64_t n, double epsilon);
int32_t assay_block_layer_norm(struct assay_graph *g, const char *prefix, int32_t x, int64_t n, double epsilon);
/* Rows in f32 of the table "<prefix>.weight" [n, width], stored in f32, bf16 or f16 (NONE: f32), whose deviation is 0.02: what models start from, and what keeps the logits
 * of a model that multiplies with the same table near one. */
int32_t assay_block_embedding(struct assay_graph *g, const char *prefix, int32_t indices, int64_t n, int64_t width, enum assay_dtype store,
                              int32_t *table);
/* A table as the matrix of a product: in f32 where it is stored in another format. */
int32_t assay_block_table(struct assay_graph *g, const char *prefix, int32_t table);
/* Mean cross-entropy of logits[rows, classes] and labels[rows]. */
int32_t assay_block_cross_entropy(struct assay_graph *g, int32_t logits, int32_t labels);

struct assay_block_conv {
    int64_t filters, kernel, stride, pad;
    bool    bias;
    double  gain; /* 0 = sqrt 2, for what a relu follows */
};
/* Square kernel over NCHW: params "<prefix>.weight", "<prefix>.bias". */
int32_t assay_block_conv(struct assay_graph *g, const char *prefix, int32_t x, const struct assay_block_conv *how);
/* Params "<prefix>.weight", ".bias", ".running_mean", ".running_var" (frozen). `train`: statistics of the batch, and the
 * running ones are outputs that alias their states. `gain` is the middle of the scales. */
int32_t assay_block_batch_norm(struct assay_graph *g, const char *prefix, int32_t x, bool train, double gain);

#endif
