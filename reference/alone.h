/* The ops between ranks, where one graph stands alone: a group of one moves nothing. The graphs of a larger group are joined into one
 * (harness/ir/transform/ranks.h), in which sums, joints and cuts stand in their place. */
#ifndef ASSAY_REFERENCE_ALONE_H
#define ASSAY_REFERENCE_ALONE_H

#include "reference/elementwise.h"

/* Y = X for a group of one; zeros for a node that hears of nobody (Send, Receive). A larger group is refused: its other operands are
 * not here. */
enum assay_code assay_ref_alone(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value, double *bound,
                                struct assay_error *err);
enum assay_code assay_ref_alone_silent(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value, double *bound,
                                       struct assay_error *err);

#endif
