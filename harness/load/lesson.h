/* A net is trained on a device until it is good enough: the timed phase of a case whose workload has a lesson
 * (assay/workload.h).
 *
 *     step │ step │ … │ evaluation on unseen data │ step │ … until the target is reached, max_steps are done, or the wall limit
 *
 * Two programs, the step and the evaluation, share the buffers of the params; nothing is restored, so that what the device
 * does to them is what it learns. Data are made on the host before a step's clock starts and never come again. A step's time
 * is its span as the back end stamped it; the lesson's time is the host's, from the first upload on: uploads, steps, what they
 * say, and evaluations, without the making of data. Every step and evaluation is stored in `rows` as it comes. */
#ifndef ASSAY_LOAD_LESSON_H
#define ASSAY_LOAD_LESSON_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/backend.h"
#include "assay/error.h"
#include "assay/workload.h"
#include "harness/ir/graph.h"
#include "harness/load/closed_loop.h"

/* A line of the curve, as it lies in the curve's file: little-endian, 64 bytes. What is absent is NaN. */
enum assay_lesson_row_kind { ASSAY_LESSON_STEP = 1, ASSAY_LESSON_EVALUATION = 2 };
struct assay_lesson_row {
    uint64_t kind, step;    /* of an evaluation: the step it came behind */
    double   value;         /* the step's loss; the evaluation's quality */
    double   gradient_norm; /* of all gradients together, before clipping; NaN where the step does not tell it */
    double   learning_rate;
    uint64_t span_ns;       /* of the step; of all executions of an evaluation */
    uint64_t elapsed_ns;    /* of the lesson's time, at its end */
    uint64_t unused;
};

struct assay_lesson_run {
    const struct assay_backend     *backend;
    struct assay_session           *session;
    const struct assay_device_info *device;
    const struct assay_lesson      *lesson;
    const void                     *params;            /* of the workload */
    const struct assay_graph       *step, *evaluation;
    uint64_t                        seed, timeout_ns, max_ns;
    struct assay_lesson_row        *rows; /* touched; room for assay_lesson_rows */
    uint64_t                       *samples; /* touched; room for max_steps of the terms, or as many as there are */
    uint64_t                        max_samples;
    struct assay_counters          *counters; /* run only while steps run; may be NULL */
    struct assay_meter             *meter;
    void (*phase)(void *self, enum assay_target_phase phase); /* may be NULL, as progress */
    void (*begun)(void *self); /* compiled: the first step comes */
    void (*progress)(void *self, double share_done, uint64_t median_ns);
    /* The net as it is at the end, in the order of the evaluation's params; valid during the call. May be NULL. */
    enum assay_code (*learned)(void *self, const void *const *params, size_t n, struct assay_error *err);
    /* Says what a back end compiled; may be NULL. */
    void (*compiled)(void *self, const struct assay_program *step);
    void *self;
};

struct assay_lesson_result {
    struct assay_lesson_terms terms;
    uint64_t n_rows, steps, evaluations;
    double   quality;     /* of the last evaluation; NaN: there was none, or it was not finite */
    bool     reached;     /* the target */
    uint64_t reached_step, reached_ns;
    bool     hit_wall_limit, not_finite; /* why it ended before; not_finite: the loss of step `steps` */
    struct assay_closed_loop_result loop; /* as of a case that is not trained: the steps are its executions */
};

/* Rows that a lesson of these terms can have. */
uint64_t assay_lesson_rows(const struct assay_lesson_terms *terms);
/* Errors are the back end's, or memory. A lesson that does not reach its target is none. */
enum assay_code assay_lesson_run(const struct assay_lesson_run *with, struct assay_lesson_result *out,
                                 struct assay_error *err);

/* What an evaluation's outputs say of one batch, as a sum over its items; `labels` for an error rate only. */
double assay_lesson_wrong(const float *scores, const int64_t *labels, int64_t items, int64_t classes);
/* All params of an evaluation, in their order; returns their number, fills at most capacity. */
size_t assay_lesson_params(const struct assay_graph *evaluation, int32_t *values, size_t capacity);

#endif
