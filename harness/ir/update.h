/* What the optimizers' inference shares. */
#ifndef ASSAY_IR_UPDATE_H
#define ASSAY_IR_UPDATE_H

#include "harness/ir/infer.h"

/* Input i, if it is there, is one number of one of the types. */
enum assay_code assay_infer_scalar(const struct assay_infer *in, int i, uint32_t types, struct assay_error *err);
/* Inputs first..last (those that are there) are floats of the shape of input `first`. */
enum assay_code assay_infer_alike(const struct assay_infer *in, int first, int last, struct assay_error *err);
/* Output o has type and shape of input i. */
void assay_infer_next(const struct assay_infer *in, int o, int i);

extern const struct assay_attr_row assay_adam_attrs[];
/* Adam's two moments: beta1 and beta2 in [0, 1), epsilon and weight_decay not negative. */
enum assay_code assay_infer_adam(const struct assay_infer *in, int step, int param, struct assay_error *err);
/* Flops an element up to the direction of the step: as adam_w.c has them. */
void assay_cost_adam(const struct assay_graph *g, const struct assay_node *node, int param, struct assay_cost *cost);

#endif
