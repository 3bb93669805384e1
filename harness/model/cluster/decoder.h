/* A decoder as plain numbers. */
#ifndef ASSAY_MODEL_DECODER_H
#define ASSAY_MODEL_DECODER_H

#include <stdbool.h>

struct assay_decoder_numbers {
    double layers, hidden, ffn, heads, kv_heads, head_dim, vocab, positions; /* positions: learned ones, 0 = rotary */
    bool   gated, tied, biased;
    bool   dropout;                                      /* of residuals and attention weights, as GPT-3 was trained */
    double q_rank, kv_rank, nope_dim, rope_dim, v_dim;   /* latent attention; kv_rank 0: none */
    double experts, top_k, shared, expert_ffn, first_moe; /* experts 0: dense */
};

/* Parameters of one layer, of all; of the experts of one layer that are routed to. */
double assay_decoder_layer_parameters(const struct assay_decoder_numbers *d, bool moe);
double assay_decoder_expert_parameters(const struct assay_decoder_numbers *d);
double assay_decoder_embedding_parameters(const struct assay_decoder_numbers *d);
double assay_decoder_parameters(const struct assay_decoder_numbers *d);
double assay_decoder_active_parameters(const struct assay_decoder_numbers *d);
/* FLOP of a step's forward and backward for one token, recomputation not counted (Narayanan and others, arXiv 2104.04473). */
double assay_decoder_token_flops(const struct assay_decoder_numbers *d, double seq);

#endif
