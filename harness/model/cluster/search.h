/* Which way to spread a training over a cluster is fastest among those that fit into memory. */
#ifndef ASSAY_MODEL_SEARCH_H
#define ASSAY_MODEL_SEARCH_H

#include "harness/model/cluster/step.h"

struct assay_search_space {
    int64_t                       devices, batch; /* batch: sequences of a step, of all devices */
    double                        seq;
    enum assay_dtype              compute;
    enum assay_attention_kind     attention;
    enum assay_moments            moments;
    double                        gradient_bytes, imbalance;
    const struct assay_framework *framework;
    bool                          offload; /* may the optimizer's state live in host memory */
};

/* What is tried in every combination that multiplies to the devices and divides what it splits. */
enum assay_search_axis {
    ASSAY_AXIS_TP, ASSAY_AXIS_CP, ASSAY_AXIS_PP, ASSAY_AXIS_EP, ASSAY_AXIS_CHUNKS, ASSAY_AXIS_MICRO_BATCH, ASSAY_AXIS_ZERO,
    ASSAY_AXIS_RECOMPUTE, ASSAY_AXIS_SCHEDULE, ASSAY_AXIS_OFFLOAD, ASSAY_SEARCH_AXES
};
extern const char *const assay_search_axis_names[ASSAY_SEARCH_AXES];
int64_t assay_search_axis_value(const struct assay_train_plan *p, enum assay_search_axis axis);

struct assay_search_plan {
    struct assay_train_plan plan;
    struct assay_footprint  footprint;
    struct assay_step_price price;
    double                  kept_ns; /* the step over the share of time that failures leave: what plans are ordered by */
};
enum { ASSAY_SEARCH_BEST = 32, ASSAY_SEARCH_FRONTIER = 64, ASSAY_SEARCH_VALUES = 24 };

/* The best plan for each value of an axis; NaN: none that fits. */
struct assay_search_value {
    int64_t value;
    double  kept_ns;
};
struct assay_search {
    int64_t                   priced, short_of_memory, refused; /* refused: does not divide; not counted among plans */
    struct assay_search_plan  best[ASSAY_SEARCH_BEST];          /* fastest first, followed event by event */
    size_t                    n_best;
    struct assay_search_plan  frontier[ASSAY_SEARCH_FRONTIER];  /* none other is both faster and smaller; smallest first */
    size_t                    n_frontier;
    struct assay_search_plan  nearest; /* to fitting, where none fits */
    struct assay_search_value value[ASSAY_SEARCH_AXES][ASSAY_SEARCH_VALUES];
    size_t                    n_values[ASSAY_SEARCH_AXES];
};
/* ASSAY_CONFIG: no combination divides, with the reason of one. A search in which none fits is no failure: n_best is 0. */
enum assay_code assay_search_plans(const struct assay_decoder_numbers *d, const struct assay_fabric *f, const struct assay_coefficients *k,
                                   const struct assay_search_space *space, struct assay_search *out, struct assay_error *err);

/* "tp 8 cp 1 dp 2 pp 32 ep 16 chunks 1, 1 x 64 micro-batches, zero 1, recompute full, 1f1b" */
void assay_train_plan_tell(const struct assay_train_plan *p, struct assay_text *out);

#endif
