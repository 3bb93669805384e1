/* Reverse differentiation of a graph under construction: gradients are nodes like any others. */
#ifndef ASSAY_IR_TRANSFORM_GRADIENT_H
#define ASSAY_IR_TRANSFORM_GRADIENT_H

#include <stddef.h>
#include <stdint.h>

#include "harness/ir/graph.h"

/* What the backward half reads of the forward half's temps. */
enum assay_recompute {
    ASSAY_RECOMPUTE_NONE = 0,      /* all of them: they live until then */
    ASSAY_RECOMPUTE_SELECTIVE = 1, /* what is cheap to make again is made again: everything but products, convolutions
                                      and attention */
    ASSAY_RECOMPUTE_FULL = 2,      /* everything between checkpoints (assay_graph_checkpoint) is made again */
};

/* grads[i] = d(loss)/d(wrt[i]), of wrt[i]'s dtype and shape. `loss` is a float of one element. Refused: a value that the
 * loss does not hang on, and an op on the way that has no rule, both by name. Reverse accumulation in the order of the
 * nodes; several readers' shares are added in the order in which the walk meets them, so that the graph is a function of
 * its input. What comes of a node of a step (harness/ir/steps.h) is of that step's backward half. */
void assay_graph_gradient(struct assay_graph *g, int32_t loss, const int32_t *wrt, size_t n, enum assay_recompute recompute,
                          int32_t *grads);

#endif
