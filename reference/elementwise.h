/* Ops that treat every element by itself, and the functions that several of them share. */
#ifndef ASSAY_REFERENCE_ELEMENTWISE_H
#define ASSAY_REFERENCE_ELEMENTWISE_H

#include "reference/arithmetic.h"

/* out[i] = f(in[0][i]). Exact: nothing is rounded on the way to the output, which has the input's format. */
enum assay_ref_rounding { ASSAY_REF_EXACT, ASSAY_REF_STORED };
enum assay_code assay_ref_unary(const struct assay_ref_call *call, enum assay_ref_rounding rounding,
                                struct assay_bounded (*f)(const struct assay_ref_call *call, struct assay_bounded x),
                                size_t n, const int64_t *index, double *value, double *bound);
/* out[i] = f(in[0], in[1]), broadcast as numpy does. */
enum assay_code assay_ref_binary(const struct assay_ref_call *call, enum assay_ref_rounding rounding,
                                 struct assay_bounded (*f)(const struct assay_ref_call *call, struct assay_bounded x,
                                                           struct assay_bounded y),
                                 size_t n, const int64_t *index, double *value, double *bound);
/* out[i] = in[0][i]: the op only names or moves. */
enum assay_code assay_ref_same(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                               double *bound, struct assay_error *err);

/* Integers of the output's type wrap around, as every device's do. op: '+' '-' '*' '/'; a quotient is cut towards
 * zero and undefined (bound INFINITY) for a divisor of 0. */
struct assay_bounded assay_bounded_whole(enum assay_dtype dtype, char op, double x, double y);
/* max for sign +1, min for sign -1; NaN wins. */
struct assay_bounded assay_bounded_extreme(struct assay_bounded x, struct assay_bounded y, double sign);
/* 1 / (1 + e^-x) by that formula or by e^x / (1 + e^x). */
struct assay_bounded assay_bounded_sigmoid(const struct assay_arithmetic *a, struct assay_bounded x);
/* erf, tanh: where they are 1 to within u they are taken as saturated to one unit in the last place. */
struct assay_bounded assay_bounded_saturating(const struct assay_arithmetic *a, double (*f)(double),
                                              struct assay_bounded x, double ulps);
/* A constant that a device holds rounded. */
struct assay_bounded assay_bounded_constant(const struct assay_arithmetic *a, double x);

#endif
