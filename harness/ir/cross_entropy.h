/* What the loss of a classifier and its gradient share: scores, labels, class weights. */
#ifndef ASSAY_IR_CROSS_ENTROPY_H
#define ASSAY_IR_CROSS_ENTROPY_H

#include "harness/ir/infer.h"

extern const struct assay_attr_row assay_cross_entropy_attrs[];
/* Scores stand at input `first`, [N, C, ...]; labels behind them, i32 or i64 [N, ...]; then class weights [C], if any. */
enum assay_code assay_infer_cross_entropy(const struct assay_infer *in, int first, struct assay_error *err);
/* Shape of the loss: the labels', or none where it is reduced. */
int32_t assay_cross_entropy_shape(const struct assay_infer *in, int first, int64_t dims[ASSAY_MAX_RANK]);

#endif
