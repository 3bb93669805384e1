/* How long a pipeline of stages takes for its micro-batches, by the exact recursion over its events: an operation starts when its
 * stage is free and what it needs has come. No operation is left out, none is averaged. */
#ifndef ASSAY_MODEL_PIPELINE_H
#define ASSAY_MODEL_PIPELINE_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

enum assay_pipeline_schedule {
    ASSAY_PIPELINE_1F1B = 1,   /* one forward, one backward; with chunks > 1 interleaved (arXiv 2104.04473) */
    ASSAY_PIPELINE_ZERO_BUBBLE, /* ZB-H1: gradients of weights fill the bubble, with 1F1B's memory (arXiv 2401.10241) */
};
extern const char *const assay_pipeline_schedule_names[]; /* ends with NULL */

/* A stage holds `chunks` pieces of the model; piece v of stage s is the (v * stages + s)-th of all, and times are by that index. */
struct assay_pipeline {
    enum assay_pipeline_schedule schedule;
    int64_t             stages, chunks, micro_batches;
    const double       *forward_ns, *backward_ns, *weight_ns; /* [stages * chunks]; backward without the gradients of weights */
    double              transfer_ns;                          /* from one stage to the next, beside the work of both */
};
struct assay_pipeline_result {
    double  makespan_ns, busiest_ns; /* busiest: the stage with the most work, its work only */
    double  bubble;                  /* share of all stages' time in which they do nothing */
    int64_t most_in_flight;          /* micro-batches times chunks of which the first stage keeps activations */
    int64_t operations;
};
/* ASSAY_CONFIG: interleaving whose micro-batches do not divide by the stages; ASSAY_MEMORY. */
enum assay_code assay_pipeline_run(const struct assay_pipeline *p, struct assay_pipeline_result *out, struct assay_error *err);

/* One operation as it ran, in the order of starts on its stage. */
enum assay_pipeline_op { ASSAY_PIPELINE_FORWARD, ASSAY_PIPELINE_BACKWARD, ASSAY_PIPELINE_WEIGHT };
struct assay_pipeline_event {
    int64_t                stage, chunk, micro_batch;
    enum assay_pipeline_op op;
    double                 begin_ns, end_ns;
};
/* The same, and tells each operation, stage by stage. */
enum assay_code assay_pipeline_trace(const struct assay_pipeline *p, void (*each)(void *self, const struct assay_pipeline_event *event),
                                     void *self, struct assay_pipeline_result *out, struct assay_error *err);

/* Closed forms, exact for equal stages and transfers that take no time: (m + (p - 1) / v) (f + b + w); ZB-H1 m (f + b + w) +
 * (p - 1) (f + b - w) where f = b = w. f, b, w: of all chunks of a stage. */
double assay_pipeline_closed_form(enum assay_pipeline_schedule schedule, double stages, double chunks, double micro_batches, double forward_ns,
                                  double backward_ns, double weight_ns);

#endif
