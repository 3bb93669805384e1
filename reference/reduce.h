/* Reductions over some axes of one input: ONNX's ReduceX, whose second input names the axes. */
#ifndef ASSAY_REFERENCE_REDUCE_H
#define ASSAY_REFERENCE_REDUCE_H

#include "reference/arithmetic.h"

/* Chosen elements of the reduction. Sums: gamma_{n-1}(u) sum |x|, in any order; extremes: exact. */
enum assay_ref_reduction {
    ASSAY_REF_SUM,
    ASSAY_REF_MEAN,
    ASSAY_REF_MAX,
    ASSAY_REF_MIN,
    ASSAY_REF_SUM_SQUARE,
    ASSAY_REF_L2
};
enum assay_code assay_ref_reduce(const struct assay_ref_call *call, enum assay_ref_reduction kind, size_t n,
                                 const int64_t *index, double *value, double *bound, struct assay_error *err);

#endif
