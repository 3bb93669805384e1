/* What the two normalizations share: rows, affine parameters, and 1 / sqrt(x). */
#ifndef ASSAY_REFERENCE_NORMALIZE_H
#define ASSAY_REFERENCE_NORMALIZE_H

#include "reference/arithmetic.h"

/* The last axes, from attribute `axis` on, are normalized together. */
struct assay_ref_rows {
    const struct assay_ref_call *call;
    int64_t rows, length;
    double epsilon;
    int64_t scale_strides[ASSAY_MAX_RANK], bias_strides[ASSAY_MAX_RANK];
    const int64_t *index;
    double *value, *bound;
};
struct assay_ref_rows assay_ref_rows_of(const struct assay_ref_call *call, const int64_t *index, double *value,
                                        double *bound);
/* Calls each(rows, row, count, places, scratch) with `scratch` doubles for every row that is asked for. `per_row`:
 * the output asked for has one element a row (a mean), not `length`. */
enum assay_code assay_ref_rows_each(const struct assay_ref_rows *rows, bool per_row, size_t n,
                                    void (*each)(const void *self, size_t row, size_t count, const size_t *places,
                                                 double *scratch),
                                    struct assay_error *err);
/* 1 / sqrt(variance + epsilon), by a reciprocal square root or by a square root and a division. */
struct assay_bounded assay_ref_inverse_deviation(const struct assay_arithmetic *a, struct assay_bounded variance,
                                                 double epsilon);
/* 1 / sqrt(sum_of_squares / n + epsilon), by a reciprocal square root or by a square root and a division. */
struct assay_bounded assay_ref_inverse_root(const struct assay_ref_rows *rows, struct assay_bounded sum_of_squares);
/* The normalized element x, scaled and shifted by what the parameters hold for element `index`, put at `place`.
 * ONNX casts to the output's type before the scale and again after it: a device may do either. */
void assay_ref_affine(const struct assay_ref_rows *rows, size_t place, int64_t index, struct assay_bounded x);

#endif
