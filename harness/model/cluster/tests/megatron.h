/* The four models and layouts of Korthikanti and others, "Reducing Activation Recomputation in Large Transformer Models",
 * arXiv 2205.05198, tables 3 and 5, on A100 80 GB. */
#ifndef MODEL_TESTS_MEGATRON_H
#define MODEL_TESTS_MEGATRON_H

#include "harness/model/cluster/plan.h"

static const struct megatron {
    char    name[16];
    double  layers, hidden, heads;
    int64_t pp, chunks, batch, micro_batch;
    double  full_s, selective_s; /* measured iteration times (table 5) */
    double  parameters_gib, none_gib, selective_gib; /* figure 1, as read by calculon-ai/calculon:calculon/llm/validation.py */
} megatron[] = {
    {"22B", 48, 6144, 64, 1, 1, 4, 4, 1.42, 1.10, 45.5625, 59.25, 9.5625},
    {"175B", 96, 12288, 96, 8, 3, 64, 1, 18.13, 13.75, 45.5625, 66.84375, 12.3515625},
    {"530B", 105, 20480, 128, 35, 3, 280, 1, 49.05, 37.83, 31.640625, 114.0234375, 23.076171875},
    {"1T", 128, 25600, 160, 64, 1, 512, 1, 94.42, 71.49, 32.958984375, 131.25, 26.5625},
};
enum { MEGATRON = sizeof megatron / sizeof *megatron };

static inline struct assay_decoder_numbers megatron_decoder(const struct megatron *m)
{
    return (struct assay_decoder_numbers){.layers = m->layers, .hidden = m->hidden, .ffn = 4 * m->hidden, .heads = m->heads,
                                          .kv_heads = m->heads, .head_dim = m->hidden / m->heads, .vocab = 51200, .positions = 2048,
                                          .tied = true, .biased = true, .dropout = true};
}

static inline struct assay_train_plan megatron_plan(const struct megatron *m, bool selective)
{
    /* backward's reductions run beside the gradients of weights, as Megatron-LM does it */
    return (struct assay_train_plan){.overlap = true, .tp = 8, .cp = 1, .dp = 1, .pp = m->pp, .ep = 1, .chunks = m->chunks, .micro_batch = m->micro_batch,
                                     .micro_batches = m->batch / m->micro_batch, .seq = 2048, .sequence_parallel = selective,
                                     .schedule = ASSAY_PIPELINE_1F1B, .recompute = selective ? ASSAY_RECOMPUTE_SELECTIVE : ASSAY_RECOMPUTE_FULL,
                                     .attention = ASSAY_ATTENTION_STORED, .moments = ASSAY_MOMENTS_F32, .compute = ASSAY_F16,
                                     .gradient_bytes = 4};
}

#endif
