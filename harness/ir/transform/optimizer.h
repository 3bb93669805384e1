/* A training step: the gradients of a graph's params, and an optimizer that takes them over the params in place. */
#ifndef ASSAY_IR_TRANSFORM_OPTIMIZER_H
#define ASSAY_IR_TRANSFORM_OPTIMIZER_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/option.h"
#include "harness/ir/graph.h"
#include "harness/ir/transform/gradient.h"

enum assay_optimizer_kind { ASSAY_OPTIMIZER_SGD, ASSAY_OPTIMIZER_ADAMW, ASSAY_OPTIMIZER_LAMB };

struct assay_optimizer {
    int64_t kind;                  /* enum assay_optimizer_kind, as an option fills it */
    double  momentum;              /* of sgd; 0 keeps none */
    double  beta1, beta2, epsilon; /* of adamw and lamb */
    double  weight_decay;          /* of params with two axes or more: not of scales and biases */
    double  clip_norm;             /* the norm of all gradients together is brought down to this; 0: is not looked at */
    int64_t zero;                  /* 0..3, see below */
    bool    gradients;             /* are outputs, to be looked at: another program than the one that keeps them to itself */
};
/* Where a step is a rank's, its graph says which params are parts and who shares them (assay_graph_part); that of a whole model says
 * nothing. */
struct assay_optimizer_ranks {
    int64_t rank;                /* whose graph it is */
    int64_t stages[ASSAY_RANKS]; /* those that have the other stages' params, this one among them */
    size_t  n_stages;            /* 0 or 1: it has all params */
};
/* Names, defaults and ranges; ends with a row whose name is NULL. */
extern const struct assay_option assay_optimizer_options[];

/* Makes a graph under construction one that trains. Differentiates `loss` by every param that is a float and gives each
 * param its optimizer's node. The graph gets
 *   inputs   "learning_rate" (f32[], filled with 1e-3) and, unless kind is sgd, "step" (i64[], filled with 1)
 *   states   "<param>.m", and of adamw and lamb "<param>.v", of the param's type, zeros at first
 *   outputs  the loss, "<param>.next", "<param>.m.next", "<param>.v.next", which take over the memory of param and states,
 *            and with clip_norm "gradient_norm"; with `gradients` "<param>.gradient" of each param, before clipping
 * Params of rank 0 and 1 (norm scales, biases) do not decay. Clipping multiplies every gradient by
 * min(1, clip_norm / (gradient_norm + 1e-6)), within the optimizer's node. Refused: a graph without float params, a param
 * that the loss does not hang on, clipping where gradients have several types, each by name.
 *
 * On ranks. The gradient of a param with sharers is the sum of theirs (AllReduce). "gradient_norm" is that of the whole model: squares
 * are added up over who holds the parts, and over the stages. ZeRO (Rajbhandari and others, arXiv 1910.02054) splits the work of a
 * param among its sharers, along its first axis that divides by them (a param that has none is each one's own work, as with zero 0):
 *   1  each steps its shard alone, with the moments of that shard, and AllGather makes the param whole again
 *   2  besides, gradients are not whole on any rank: ReduceScatter in place of AllReduce (as outputs they are gathered to be seen)
 *   3  params are shards already (zero.h); what is not divided there is as with 2
 * Inputs that a Receive waits on are differentiated too, so that what came is answered; the zeros that this gives are
 * added to what "gradient_norm" is the root of, or without clipping are outputs "<input>.gradient".
 * Lamb is refused where a param is not whole on one rank: its norms are of whole params. `ranks` NULL: there is one. */
void assay_graph_train(struct assay_graph *g, int32_t loss, const struct assay_optimizer *optimizer,
                       enum assay_recompute recompute);
void assay_graph_train_rank(struct assay_graph *g, int32_t loss, const struct assay_optimizer *optimizer, enum assay_recompute recompute,
                            const struct assay_optimizer_ranks *ranks);

#endif
