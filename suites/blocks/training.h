/* What models that can be trained share: parameter rows and the step itself. */
#ifndef ASSAY_BLOCKS_TRAINING_H
#define ASSAY_BLOCKS_TRAINING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/option.h"
#include "harness/ir/graph.h"

struct assay_block_training {
    int64_t optimizer; /* enum assay_optimizer_kind */
    int64_t recompute; /* enum assay_recompute */
    bool    gradients; /* are outputs: of phase gradients, no row fills it */
};

extern const char *const assay_block_optimizers[], *const assay_block_recomputes[];

/* Rows for a workload's table: how a training step goes. They count in phase train only. */
#define ASSAY_PARAM_OPTIMIZER(params, field, dflt_name)                                                              \
    {                                                                                                                \
        .name = "optimizer", .type = ASSAY_OPT_ENUM, .offset = offsetof(params, field.optimizer), .dflt = dflt_name, \
        .choices = assay_block_optimizers, .help = "how phase train moves the weights"                               \
    }
#define ASSAY_PARAM_RECOMPUTE(params, field)                                                                         \
    {                                                                                                                \
        .name = "recompute", .type = ASSAY_OPT_ENUM, .offset = offsetof(params, field.recompute), .dflt = "none",    \
        .choices = assay_block_recomputes, .help = "what phase train makes again instead of keeping"                 \
    }

struct assay_mesh_place;
/* Gradients of the scalar `loss`, the optimizer's step on every param, the loss as an output.
 *
 * A workload with a phase "gradients" builds in it the step of phase train with every param's gradient as an output
 * "<param>.gradient" besides (assay_graph_train): another program, whose timing stands for no training, made to be judged. */
void assay_block_train(struct assay_graph *g, int32_t loss, const struct assay_block_training *how);
/* The same of one rank; `at` NULL: there is one. */
void assay_block_train_rank(struct assay_graph *g, int32_t loss, const struct assay_block_training *how, const struct assay_mesh_place *at);

/* A schedule's factor in step 1, 2, ... of `last`: up in a straight line over `warm` steps, then down to `end` by half a
 * cosine. */
double assay_schedule_cosine(uint64_t step, uint64_t last, uint64_t warm, double end);

#endif
