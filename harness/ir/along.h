/* Ops along one axis or from one on: what softmaxes and the gradients of norms share. */
#ifndef ASSAY_IR_ALONG_H
#define ASSAY_IR_ALONG_H

#include "harness/ir/infer.h"

/* Softmax, LogSoftmax; their gradients, from dY and Y: attribute `axis`. */
extern const struct assay_attr_row assay_softmax_attrs[];
enum assay_code assay_infer_softmax(const struct assay_infer *in, struct assay_error *err);
enum assay_code assay_infer_softmax_gradient(const struct assay_infer *in, struct assay_error *err);

/* The gradients of LayerNormalization and RMSNormalization, from dY, X and Scale: dX, and the others of Scale's shape. dY has
 * Scale's type; X may have another. */
enum { ASSAY_NORM_GRADIENT_DY, ASSAY_NORM_GRADIENT_X, ASSAY_NORM_GRADIENT_SCALE };
extern const struct assay_attr_row assay_norm_gradient_attrs[];
enum assay_code assay_infer_norm_gradient(const struct assay_infer *in, struct assay_error *err);

#endif
