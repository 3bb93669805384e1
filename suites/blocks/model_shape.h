/* Shapes of decoders as published: suites/models/<name>.json, format "assay-model/1", one file a model with its source.
 *
 * A layer is: norm, attention, residual, norm, feed-forward, residual. Attention is grouped (gqa: heads = kv_heads is
 * multi-head) or latent (mla); the feed-forward is dense, or a mixture of experts from `moe.first_layer` on. */
#ifndef ASSAY_BLOCKS_MODEL_SHAPE_H
#define ASSAY_BLOCKS_MODEL_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"

enum assay_model_norm { ASSAY_NORM_RMS = 0, ASSAY_NORM_LAYER = 1 };
enum assay_model_activation { ASSAY_FFN_SWIGLU = 0, ASSAY_FFN_GELU = 1 };
enum assay_model_positions { ASSAY_POSITIONS_ROPE = 0, ASSAY_POSITIONS_LEARNED = 1 };

struct assay_model_mla {
    int64_t q_rank, kv_rank, nope_dim, rope_dim, v_dim; /* kv_rank 0: no latent attention */
};
struct assay_model_moe {
    int64_t experts, top_k, shared, expert_ffn, first_layer; /* experts 0: dense */
    int64_t shared_ffn;                                      /* length of the shared expert's vector: shared * expert_ffn */
    bool    sigmoid, normalize, bias; /* scoring by sigmoid instead of softmax; weights divided by their sum; a selection bias */
    double  scale;                    /* of the weights */
};

struct assay_model_shape {
    char    name[64], about[200], source[400];
    bool    inferred; /* the vendor did not publish this shape: `source` holds the derivation */
    int64_t layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
    double  norm_epsilon, rope_theta;
    bool    tied, attention_bias, ffn_bias;
    bool    rope_interleaved; /* pairs are neighbours; else element i goes with i + half */
    enum assay_model_norm       norm;
    enum assay_model_activation activation;
    enum assay_model_positions  positions;
    struct assay_model_mla      mla;
    struct assay_model_moe      moe;
};

/* `name` is a file of suites/models without ".json", or a path (with '/' or ending in ".json"). Refuses unknown and
 * repeated keys, heads that do not divide, and whatever else cannot be built, naming file, line and key. */
enum assay_code assay_model_shape_read(const char *name, struct assay_model_shape *out, struct assay_error *err);
/* All names in suites/models, sorted. */
enum assay_code assay_model_shapes_list(void (*each)(void *self, const struct assay_model_shape *shape), void *self,
                                        struct assay_error *err);

#endif
