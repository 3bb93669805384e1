/* One step of training a decoder under a plan on a cluster: its time by parts, energy, and what failures leave of it. Pure: the same
 * numbers give the same price. Forms and sources: README.md. */
#ifndef ASSAY_MODEL_STEP_H
#define ASSAY_MODEL_STEP_H

#include "harness/model/cluster/collective_tiers.h"
#include "harness/model/cluster/failures.h"
#include "harness/model/cluster/footprint.h"
#include "harness/model/cluster/plan.h"
#include "harness/model/cluster/tiers.h"

/* Where a step's time goes; the parts add up to the step. */
enum assay_step_part {
    ASSAY_STEP_COMPUTE, ASSAY_STEP_RECOMPUTE, ASSAY_STEP_TENSOR, ASSAY_STEP_EXPERT, ASSAY_STEP_CONTEXT, ASSAY_STEP_GATHER, ASSAY_STEP_BUBBLE,
    ASSAY_STEP_DATA, ASSAY_STEP_OPTIMIZER, ASSAY_STEP_STRAGGLERS, ASSAY_STEP_PARTS
};
extern const char *const assay_step_part_names[ASSAY_STEP_PARTS], *const assay_step_part_about[ASSAY_STEP_PARTS];

struct assay_step_price {
    double               ns, part_ns[ASSAY_STEP_PARTS];
    struct assay_link_use link[ASSAY_SYSTEM_TIERS]; /* of the busiest stage's devices */
    double               tokens, flops;     /* of all devices; recomputation not counted */
    double               utilisation;       /* flops over what the devices' peak would do */
    double               watts, joules;     /* of the whole; NaN: the devices' power is not known */
    struct assay_goodput goodput;           /* NaN: not known */
    double               checkpoint_bytes;  /* of one rank */
    double               micro_batch_ns;    /* of the busiest stage */
    double               hidden_ns;         /* of its exchanges, what runs beside work and is in no part */
    bool                 exact;             /* the pipeline was followed event by event */
};

/* The highest share of the peak of its format that a measured training reaches, of those that models are fitted on: 328 of 459 TFLOP/s, a
 * decoder of 32B in bf16 on 64 TPU v5p (AI-Hypercomputer/maxtext, src/maxtext/configs/tpu/v5p/README.md). */
#define ASSAY_STEP_MOST_UTILISATION (328.0 / 459.0)
/* What the step takes at least by that: a band of times is wide where little is known of a chip, and its end would have a chip do what none
 * has done. */
double assay_step_least_ns(const struct assay_step_price *price);

/* What prices are made with, and those of layers and collectives that were made already. Nothing is owned but the memory of prices. */
struct assay_step_model;
enum assay_code assay_step_model_new(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                     struct assay_step_model **out, struct assay_error *err);
void            assay_step_model_free(struct assay_step_model *m);

/* exact: the pipeline event by event; else by the closed form that the events give for equal stages. The plan must have been checked. */
enum assay_code assay_price_step(struct assay_step_model *m, const struct assay_train_plan *p, bool exact, struct assay_step_price *out,
                                 struct assay_error *err);
/* Tells every operation of the pipeline of one step, in nanoseconds from its begin. */
enum assay_code assay_step_trace(struct assay_step_model *m, const struct assay_train_plan *p,
                                 void (*each)(void *self, const struct assay_pipeline_event *event), void *self, struct assay_error *err);

#endif
