/* Rows of published training runs (table "train"): what each asks, and what the models say of it on a device. */
#ifndef ASSAY_MODEL_TRAIN_ROWS_H
#define ASSAY_MODEL_TRAIN_ROWS_H

#include "harness/model/cluster/step.h"
#include "harness/model/cluster/train_published.h"
#include "harness/model/table.h"

enum assay_train_metric {
    ASSAY_TRAIN_STEP_TIME,    /* iteration_time, step_time: of one step, in seconds or ms */
    ASSAY_TRAIN_TOKEN_RATE,   /* tokens_per_s_per_gpu, tokens_per_s: of one device, of all */
    ASSAY_TRAIN_FLOP_RATE,    /* model_tflops_per_gpu, …_per_chip: of forward and backward, recomputation not counted */
    ASSAY_TRAIN_UTILISATION,  /* MFU: the same over the device's peak of 16 bits, a fraction or in per cent */
    ASSAY_TRAIN_DEVICE_HOURS, /* gpu_hours: of the whole training */
    ASSAY_TRAIN_METRICS
};

/* What a row leaves open and the models therefore chose. */
enum assay_train_chosen {
    ASSAY_TRAIN_CHOSE_SEQ = 1 << 0, ASSAY_TRAIN_CHOSE_BATCH = 1 << 1, ASSAY_TRAIN_CHOSE_PLAN = 1 << 2, ASSAY_TRAIN_CHOSE_RECOMPUTE = 1 << 3,
    ASSAY_TRAIN_CHOSE_TOKENS = 1 << 4, ASSAY_TRAIN_CHOSE_DEVICES = 1 << 5, ASSAY_TRAIN_BY_SIZE = 1 << 6, ASSAY_TRAIN_ADAPTERS = 1 << 7,
    ASSAY_TRAIN_DOES_NOT_FIT = 1 << 8, ASSAY_TRAIN_NO_FORMAT = 1 << 9
};

struct assay_train_ask {
    char                            model[ASSAY_TRAIN_NAME];
    const struct assay_train_stack *stack;
    struct assay_decoder_numbers    decoder;
    struct assay_train_plan         plan;    /* of one group of devices that share weights; what is 0 in it is chosen on the device */
    int64_t                         devices; /* 0: as many as the training needs */
    double                          global_batch, tokens; /* sequences of a step; tokens of the whole training: 0 = not said */
    double                          slice;   /* devices of one such group, 0 = all, or a domain of the links */
    double                          batch_tokens; /* of a step, by the publication; 0: not said */
    bool                            narrow;   /* products in 8 bits, of whichever format the device has */
    bool                            judges;   /* nothing is fitted on it (train_published.h) */
    bool                            adapters; /* weights are frozen: no gradients of them (LoRA) */
    unsigned                        chosen;  /* enum assay_train_chosen so far */
    enum assay_train_metric         metric;
    double                          of_unit; /* one unit of the row's figure: seconds, tokens a second, FLOP/s, fraction, hours */
    bool                            whole;   /* of all devices, not of one */
};
/* `device`: the row's, for what its publication says beside the table. ASSAY_DATA: a cell is no number or no known name; ASSAY_CONFIG: a model
 * without shape or size; ASSAY_UNSUPPORTED: a metric that is none of these. */
enum assay_code assay_train_ask_read(const struct assay_cases_row *row, const char *device, const struct assay_decoder_finder *shapes,
                                     struct assay_train_ask *out, struct assay_error *err);

/* Prices on one device, kept from row to row. */
struct assay_train_desk;
enum assay_code assay_train_desk_new(const struct assay_described *device, const struct assay_chip *chip, const struct assay_coefficients *k,
                                     struct assay_train_desk **out, struct assay_error *err);
/* For another chip that the same description allows: links that `like` has found are not looked for again. `like` must outlive it. */
enum assay_code assay_train_desk_like(const struct assay_train_desk *like, const struct assay_chip *chip, struct assay_train_desk **out,
                                      struct assay_error *err);
void            assay_train_desk_free(struct assay_train_desk *d);

/* A step by what a stack's numbers multiply (train_fit.h), in nanoseconds. */
enum assay_train_part { ASSAY_TRAIN_PRODUCTS, ASSAY_TRAIN_ATTENTION, ASSAY_TRAIN_EXCHANGES, ASSAY_TRAIN_DATA, ASSAY_TRAIN_UPDATE, ASSAY_TRAIN_HIDDEN,
                        ASSAY_TRAIN_PARTS };
struct assay_train_answer {
    double                  ns[ASSAY_TRAIN_PARTS];  /* of the busiest stage; exchanges: within the pipeline, data: of gradients at its end, hidden: of both, beside work */
    double                  bubble;                 /* share that the pipeline's waiting adds to what is within it */
    double                  layers;                 /* how often a layer is gone through forward and back */
    double                  doublings;              /* of groups that share weights: log2 of how many there are */
    bool                    narrow, mixed;          /* products in 8 bits or fewer; experts */
    double                  tokens, flops, devices; /* of a step */
    double                  whole_tokens;           /* of the training */
    double                  peak;                   /* FLOP/s of one device in 16 bits */
    unsigned                chosen;
    const char             *fabric;                 /* where its links are from; lives with the desk */
    struct assay_train_plan plan;
};
/* ASSAY_UNSUPPORTED: the chip lacks a number that a form needs; the message names it. ASSAY_CONFIG: the plan cannot be. */
enum assay_code assay_train_answer_of(struct assay_train_desk *desk, const struct assay_train_ask *ask, struct assay_train_answer *out,
                                      struct assay_error *err);
/* The row's figure, in its unit, if a step takes that long. */
double assay_train_figure(const struct assay_train_ask *ask, const struct assay_train_answer *a, double step_ns);
/* The step that the figure tells of. */
double assay_train_step_ns(const struct assay_train_ask *ask, const struct assay_train_answer *a, double figure);

#endif
