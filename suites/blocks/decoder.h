/* A decoder of a published shape: token ids in, logits out; with caches that a step writes in place. */
#ifndef ASSAY_BLOCKS_DECODER_H
#define ASSAY_BLOCKS_DECODER_H

#include <stdint.h>

#include "harness/ir/graph.h"
#include "suites/blocks/mesh.h"
#include "suites/blocks/model_shape.h"

enum assay_decoder_phase {
    ASSAY_DECODER_PREFILL = 0, /* all tokens of a prompt; keys and values go into the caches; logits of the last one */
    ASSAY_DECODER_DECODE = 1,  /* one new token a sequence, behind `past` cached ones */
    ASSAY_DECODER_TRAIN = 2,   /* all tokens, no caches; logits of all: for training, and for scoring a text */
    ASSAY_DECODER_SERVE = 3,   /* packed tokens of several sequences over caches in blocks; logits of each one's last token */
};

struct assay_decoder {
    const struct assay_model_shape *shape;
    enum assay_decoder_phase        phase;
    int64_t                         batch, tokens; /* tokens of the prompt, or cached ones (decode) */
    int64_t                         layers;        /* the first so many of the shape's */
    enum assay_dtype                store;         /* format of the weight matrices; f32 for training */
    bool                            attention;     /* false: without it, for telling what it is good for */
    struct assay_mesh               mesh;          /* all zero: one rank. `batch` and `layers` are those of all ranks together */
    int64_t                         rank;          /* whose graph it is */
    /* Phase serve: a bucket of `batch` sequences and `tokens` packed tokens. */
    int64_t                         context;       /* tokens that a sequence has room for; learned positions may end before */
    int64_t                         block, blocks; /* tokens of a block, blocks of the caches; blocks 0: as many as the sequences can need */
    enum assay_dtype                cache;         /* format of the caches; NONE = f32 */
};

/* Tokens that a cache has room for behind those of phase decode: each input set stands at another place. */
#define ASSAY_DECODER_ROOM 32

/* Of phase serve: input "input_ids" i64[tokens]; controls "position_ids" i64[tokens], "block_table" i32[batch, context / block rounded
 * up], "starts" i32[batch + 1], "past" i32[batch], as PagedAttention has them (harness/ir/ops/paged_attention.c); states
 * "<layer>.cache.keys" and ".cache.values" [blocks, block, width], which outputs of the graph take over; of latent attention
 * "<layer>.cache.latent" [blocks, block, kv_rank + rope_dim] alone, which prompts go through like all others, never unfolded.
 * Builds inputs "input_ids" i64[batch,tokens] (decode: [batch,1], and control "past" i64[batch]), params named as in the
 * public checkpoints, states "<layer>.cache.keys" and ".cache.values" (latent attention: ".cache.latent"). Logits:
 * [batch, vocab], or [batch * tokens, vocab] in phase train. They are not yet an output. */
int32_t assay_decoder_build(struct assay_graph *g, const struct assay_decoder *how);
/* Phase train on a mesh: the graph of one rank up to "loss", the mean over all rows of all ranks, which every rank has, from its part of
 * inputs "input_ids" (first stage) and "labels" i64[batch * tokens] (last stage) and of the params. Stages behind the first have an
 * input "stage.edge" that their gradient is to be asked of, too (ops/receive.c). On stages the sequences come in micro-batches; what is
 * built for the others, and for a stage's other chunks, is called "x#1", "x#2" … (assay_graph_repeat). The graph's order is that of
 * schedule gpipe: all forward, then all backward. Every param that several ranks share or hold is
 * declared a part (assay_graph_part), which is how training knows whose gradients to add up. Refused, naming the lengths: what does
 * not divide. */
int32_t assay_decoder_loss(struct assay_graph *g, const struct assay_decoder *how);
/* Of schedule 1f1b: copies `from`, which is that of assay_decoder_loss with its training step, into the empty `to` in the order of the
 * schedule. What is wrong with `from` becomes wrong with `to`. */
void assay_decoder_schedule(const struct assay_graph *from, const struct assay_decoder *how, struct assay_graph *to);
/* Greedy choice from logits[rows, vocab]: outputs "next_tokens" i64[rows], of equals the lower number, and "margins" f32[rows], the
 * logit of that token less the runner-up's. */
void assay_decoder_choose(struct assay_graph *g, int32_t logits);

#endif
