/* How the training of a decoder is spread over ranks. */
#ifndef ASSAY_MODEL_PLAN_H
#define ASSAY_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/error.h"
#include "harness/model/cluster/decoder.h"
#include "harness/model/cluster/pipeline.h"

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
    enum assay_pipeline_schedule       schedule;
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

#endif
