/* A decoder as plain numbers, and how its training is spread over ranks. */
#ifndef ASSAY_MODEL_PLAN_H
#define ASSAY_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/error.h"
#include "harness/model/cluster/pipeline.h"

struct assay_decoder_numbers {
    double layers, hidden, ffn, heads, kv_heads, head_dim, vocab, positions; /* positions: learned ones, 0 = rotary */
    bool   gated, tied, biased;
    bool   dropout;                                      /* of residuals and attention weights, as GPT-3 was trained */
    double q_rank, kv_rank, nope_dim, rope_dim, v_dim;   /* latent attention; kv_rank 0: none */
    double experts, top_k, shared, expert_ffn, first_moe; /* experts 0: dense */
};

enum assay_recompute { ASSAY_RECOMPUTE_NONE = 1, ASSAY_RECOMPUTE_SELECTIVE, ASSAY_RECOMPUTE_FULL };
enum assay_attention_kind { ASSAY_ATTENTION_FUSED = 1, ASSAY_ATTENTION_STORED }; /* stored: the weights of every pair go through memory */
enum assay_moments { ASSAY_MOMENTS_F32 = 1, ASSAY_MOMENTS_BF16, ASSAY_MOMENTS_8BIT };
extern const char *const assay_recompute_names[], *const assay_attention_names[], *const assay_moments_names[]; /* end with NULL */

/* What a software stack makes of the kernels' prices: host gaps, passes that no form names, layouts of operands that suit the forward
 * better. Factors on time, fitted on published training runs of that stack (README: tests/long_train.c). */
struct assay_framework {
    const char *name, *about;
    double      forward, backward, attention; /* of the forward's and backward's work; of attention, where it is fused */
};
extern const struct assay_framework assay_frameworks[]; /* the first is the usual one; ends with a NULL name */
/* ASSAY_CONFIG: none such; the hint has the nearest. */
enum assay_code assay_framework_find(const char *name, const struct assay_framework **out, struct assay_error *err);

/* Ranks are numbered tp first, then cp, dp, pp. Experts: groups of ep neighbours among tp * cp * dp. */
struct assay_train_plan {
    int64_t                   tp, cp, dp, pp, ep, chunks, micro_batch, micro_batches; /* micro_batches: of one dp rank in a step */
    double                    seq;
    int                       zero; /* 0 to 3: moments, gradients, weights split over dp */
    bool                      sequence_parallel;
    bool                      overlap; /* data-parallel traffic runs beside the last backward and the next forward */
    bool                      offload; /* master weights and moments live in host memory */
    enum assay_schedule       schedule;
    enum assay_recompute      recompute;
    enum assay_attention_kind attention;
    enum assay_moments        moments;
    enum assay_dtype          compute;        /* of matrix work; weights and activations in 16 bits */
    double                    gradient_bytes; /* of one element: 4, as Megatron, or 2 */
    const struct assay_framework *framework;  /* NULL: kernels' prices as they are; outlives the plan */
    double                    imbalance;      /* tokens of the busiest rank's experts over the mean; 0 or 1 = even */
};

/* ASSAY_CONFIG: it does not multiply to the devices, or a split does not divide what it splits. */
enum assay_code assay_train_plan_check(const struct assay_train_plan *p, const struct assay_decoder_numbers *d, int64_t devices,
                                       struct assay_error *err);

/* Parameters of one layer, of all; of the experts of one layer that are routed to. */
double assay_decoder_layer_parameters(const struct assay_decoder_numbers *d, bool moe);
double assay_decoder_expert_parameters(const struct assay_decoder_numbers *d);
double assay_decoder_embedding_parameters(const struct assay_decoder_numbers *d);
double assay_decoder_parameters(const struct assay_decoder_numbers *d);
double assay_decoder_active_parameters(const struct assay_decoder_numbers *d);
/* FLOP of a step's forward and backward for one token, recomputation not counted (Narayanan and others, arXiv 2104.04473). */
double assay_decoder_token_flops(const struct assay_decoder_numbers *d, double seq);

#endif
