/* One step of a serving engine over a decoder that is split over ranks: what its kernels and links take, by parts. Pure: the same numbers
 * give the same price. What a serving stack makes of these parts: serving_stack.h; what of many steps: serving_loop.h. Forms: README.md. */
#ifndef ASSAY_MODEL_SERVING_STEP_H
#define ASSAY_MODEL_SERVING_STEP_H

#include "harness/model/cluster/collective_tiers.h"
#include "harness/model/cluster/decoder.h"

/* How weights of a kind are stored and multiplied. */
struct assay_serving_format {
    enum assay_dtype   compute;
    double             bytes; /* of an element, with its share of scales */
    enum assay_scaling scaling;
};

/* Attention and dense layers: tp ranks, of which dp groups have sequences of their own; experts: moe_tp x moe_ep over all tp x dp ranks of
 * a stage; pp stages. */
struct assay_serving_plan {
    double                      tp, dp, pp, moe_tp, moe_ep;
    struct assay_serving_format products, experts;
    double                      cache_bytes; /* of an element of keys and values */
    double                      routing;     /* exponent of the experts' popularity: assay_routing_of; 0 = even */
};
/* ASSAY_CONFIG: a split does not divide what it splits, or the experts' ranks are not those of a stage. */
enum assay_code assay_serving_plan_check(const struct assay_serving_plan *p, const struct assay_decoder_numbers *d, struct assay_error *err);
/* Ranks of one replica. */
double          assay_serving_plan_ranks(const struct assay_serving_plan *p);

/* What is in the step of one dp group. */
struct assay_serving_work {
    double sequences, cached_tokens;             /* that take one token each; in all their caches together */
    double prompts, prompt_tokens, prompt_past;  /* pieces of prompts, their tokens together; tokens before each */
};

enum assay_serving_part { ASSAY_SERVING_PRODUCTS, ASSAY_SERVING_ATTENTION, ASSAY_SERVING_EXPERTS, ASSAY_SERVING_PASSES, ASSAY_SERVING_LINKS, ASSAY_SERVING_PARTS };
extern const char *const assay_serving_part_names[ASSAY_SERVING_PARTS];
/* A part's time above its kernels' least times, and these. */
struct assay_serving_price {
    double                work_ns[ASSAY_SERVING_PARTS], floor_ns[ASSAY_SERVING_PARTS];
    struct assay_link_use link[ASSAY_SYSTEM_TIERS];
};

/* A decoder, a cluster and a plan, with the prices made already. What it is made of must outlive it. */
struct assay_serving_model;
enum assay_code assay_serving_model_new(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                        const struct assay_serving_plan *p, struct assay_serving_model **out, struct assay_error *err);
void            assay_serving_model_free(struct assay_serving_model *m);
/* ASSAY_UNSUPPORTED: the chip lacks a format or a number; the message names it. */
enum assay_code assay_price_serving_step(struct assay_serving_model *m, const struct assay_serving_work *w, struct assay_serving_price *out,
                                         struct assay_error *err);

/* Of one rank: weights; keys and values of one token of a sequence. Of the rank of the first stage, which has the embedding. */
double assay_serving_weight_bytes(const struct assay_decoder_numbers *d, const struct assay_serving_plan *p);
double assay_serving_token_bytes(const struct assay_decoder_numbers *d, const struct assay_serving_plan *p);

#endif
