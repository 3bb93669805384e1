/* Numbers with bounds: what the ops of the reference are written in. README.md derives every formula here.
 *
 * u = unit roundoff of the accumulator. Own roundings of the reference (double) are counted in every step. */
#ifndef ASSAY_REFERENCE_ARITHMETIC_H
#define ASSAY_REFERENCE_ARITHMETIC_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reference/reference.h"

#define ASSAY_REF_OWN 0x1p-53 /* unit roundoff of the reference itself */
#define ASSAY_REF_LEAST 0x1p-1074 /* the least number it knows: what is below became 0 */

/* |value - what a device holds| <= error. Error INFINITY: nothing can be said. A value that is not finite must be
 * met exactly (error 0), unless its error is infinite. */
struct assay_bounded {
    double value, error;
};

static inline struct assay_bounded bounded(double value, double error)
{
    return (struct assay_bounded){value, error};
}

/* Element i of an operand. */
static inline struct assay_bounded bounded_of(const struct assay_ref_tensor *t, size_t i)
{
    return (struct assay_bounded){t->value[i], t->error ? t->error[i] : 0.0};
}

/* Makes the error of a finished step well defined: NaN in an error is not knowing, unless the value itself is
 * not finite and so leaves no room. */
static inline struct assay_bounded bounded_settle(double value, double error)
{
    if (!isfinite(value))
        return bounded(value, error > 0 && isinf(error) ? INFINITY : 0.0);
    return bounded(value, isnan(error) ? INFINITY : error);
}

/* What flushing adds when a result in [|v| - e, |v| + e] may be below the smallest normal number. */
static inline double bounded_flush(double value, double error, double tiny)
{
    double low = fabs(value) - error, high = fabs(value) + error;
    return low < tiny ? (high < tiny ? high : tiny) : 0.0;
}

/* A result that a device rounded with relative error at most `relative`, and the reference with `own` roundings. */
static inline struct assay_bounded bounded_step(const struct assay_arithmetic *a, double value, double error,
                                                double relative, double own)
{
    double high = fabs(value) + error;
    if (!isfinite(value))
        return bounded_settle(value, error);
    return bounded_settle(value,
                          error + (relative + own * ASSAY_REF_OWN) * high + bounded_flush(value, error, a->tiny));
}

/* The result of an op that ends with this step of x and y: with exact operands an overflow of the step is what the op gives. */
static inline struct assay_bounded bounded_last(struct assay_bounded x, struct assay_bounded y, struct assay_bounded result)
{
    return isinf(result.value) && x.error == 0 && y.error == 0 ? bounded(result.value, 0) : result;
}

/* A sum, difference or product in f32 of exact numbers that is a number of f32: it is just that, however it is rounded. Only for ops
 * that consist of it; where it is a step, a device may compute something else in its place. */
static inline struct assay_bounded bounded_single(const struct assay_arithmetic *a, struct assay_bounded x,
                                                  struct assay_bounded y, struct assay_bounded result)
{
    double v = result.value;
    bool held = a->accumulate == 0x1p-24 && (double)(float)v == v && (fabs(v) >= a->tiny || v == 0);
    return held && x.error == 0 && y.error == 0 ? bounded(v, 0) : bounded_last(x, y, result);
}

/* One correctly rounded operation of the accumulator. */
static inline struct assay_bounded bounded_round(const struct assay_arithmetic *a, double value, double error)
{
    return bounded_step(a, value, error, a->accumulate, 1.0);
}

/* A function accurate to `ulps` units in the last place; one such unit is at most 2 u relatively. */
static inline struct assay_bounded bounded_function(const struct assay_arithmetic *a, double value, double error,
                                                    double ulps)
{
    return bounded_step(a, value, error, 2.0 * ulps * a->accumulate, 4.0);
}

/* A double that overflowed: operands that are numbers, and a result that is none. What a device holds there depends on the way it
 * goes, so nothing can be said; nor of what is made of such a number. `value` is the double, `error` that of a result in range. */
static inline struct assay_bounded bounded_beyond(double value, double error, struct assay_bounded x, struct assay_bounded y)
{
    bool overflow = isfinite(x.value) && isfinite(y.value), known_nan = (isnan(x.value) && !isinf(x.error)) || (isnan(y.value) && !isinf(y.error));
    return overflow || (!known_nan && (isinf(x.error) || isinf(y.error))) ? bounded(value, INFINITY) : bounded_settle(value, error);
}

static inline struct assay_bounded bounded_add(const struct assay_arithmetic *a, struct assay_bounded x,
                                               struct assay_bounded y)
{
    double value = x.value + y.value, error = x.error + y.error;
    return isfinite(value) ? bounded_round(a, value, error) : bounded_beyond(value, error, x, y);
}

static inline struct assay_bounded bounded_subtract(const struct assay_arithmetic *a, struct assay_bounded x,
                                                    struct assay_bounded y)
{
    double value = x.value - y.value, error = x.error + y.error;
    return isfinite(value) ? bounded_round(a, value, error) : bounded_beyond(value, error, x, y);
}

/* How far x y may be off. An operand of which nothing is known leaves nothing known. */
static inline double bounded_product_error(struct assay_bounded x, struct assay_bounded y)
{
    if (isinf(x.error) || isinf(y.error))
        return INFINITY;
    return x.error > 0 || y.error > 0 ? fabs(x.value) * y.error + x.error * (fabs(y.value) + y.error) : 0;
}

static inline struct assay_bounded bounded_multiply(const struct assay_arithmetic *a, struct assay_bounded x,
                                                    struct assay_bounded y)
{
    double value = x.value * y.value, error = bounded_product_error(x, y);
    if (!isfinite(value))
        return bounded_beyond(value, error, x, y);
    if (value == 0 && x.value != 0 && y.value != 0)
        error += ASSAY_REF_LEAST; /* it underflowed */
    return bounded_round(a, value, error);
}

/* |x/y - x'/y'| <= (ex + |x/y| ey) / (|y| - ey); a divisor that may be zero says nothing. */
struct assay_bounded assay_bounded_divide(const struct assay_arithmetic *a, struct assay_bounded x,
                                          struct assay_bounded y);
/* f at x for an f that is monotone: the ends of the interval say how far f can move. */
struct assay_bounded assay_bounded_monotone(const struct assay_arithmetic *a, double (*f)(double),
                                            struct assay_bounded x, double ulps);
/* e^x; the error of the exponent enters as |e^x| (e^ex - 1). */
struct assay_bounded assay_bounded_exp(const struct assay_arithmetic *a, struct assay_bounded x);

/* Stores into `format`: rounds if that is coarser than the accumulator, flushes below its normal numbers, overflows
 * above its largest. */
struct assay_bounded assay_bounded_store(const struct assay_arithmetic *a, enum assay_dtype format,
                                         struct assay_bounded x);
/* The finished element i of the output asked for. */
static inline void assay_ref_put(const struct assay_ref_call *call, size_t i, struct assay_bounded x, double *value,
                                 double *bound)
{
    if (call->values_only && fabs(x.value) < 0x1p15) { /* what every format that overflows to infinity holds: as it is */
        value[i] = x.value;
        return;
    }
    x = assay_bounded_store(&call->arithmetic, call->out[call->output].dtype, x);
    value[i] = x.value;
    bound[i] = x.error;
}

/* ---- sums ---------------------------------------------------------------------------------------------------- */

/* gamma_n = n u / (1 - n u), Higham section 3.1, made safe against the roundings of computing with it; INFINITY from n
 * u = 1. */
double assay_ref_gamma(double n, double u);
/* The least c with P(e > c) <= chance that E exp(t e) <= sqrt(t / sin t), t < pi, allows: e is normal with the variance of the integral
 * of a squared Brownian bridge, as roundings of the partial sums of numbers without a common sign are. */
double assay_ref_bridge_factor(double chance);

/* Operands side by side along a summed axis. magnitude NULL: |value|. error NULL: exact. A magnitude differs from
 * |value| where the value is itself a sum that a device makes in another order (see fold). */
struct assay_ref_vector {
    const double *value, *magnitude, *error;
};
static inline struct assay_ref_vector assay_ref_vector_at(struct assay_ref_vector v, int64_t offset)
{
    return (struct assay_ref_vector){v.value + offset, v.magnitude ? v.magnitude + offset : NULL,
                                     v.error ? v.error + offset : NULL};
}

/* A sum under way: its value, the sum of the magnitudes of its terms, the sum of the errors of its terms. */
struct assay_ref_sum {
    double value, magnitude, error;
    double own; /* bound on the reference's own error in value */
};
/* Takes in a term. A sum of numbers that leaves the range of double is not known. */
static inline void assay_ref_sum_take(struct assay_ref_sum *s, struct assay_bounded x)
{
    double next = s->value + x.value;
    bool   left = !isfinite(next) && isfinite(s->value) && isfinite(x.value);
    s->value = next;
    s->magnitude += fabs(x.value);
    s->error += left ? INFINITY : x.error;
}
/* Takes in x y, unrounded. */
static inline void assay_ref_sum_take_product(struct assay_ref_sum *s, struct assay_bounded x, struct assay_bounded y)
{
    double value = x.value * y.value;
    bool   left = !isfinite(value) && isfinite(x.value) && isfinite(y.value);
    assay_ref_sum_take(s, bounded(value, left ? INFINITY : bounded_product_error(x, y)));
}
/* sum over k < n of a[k] * b[k]. Compensated when the accumulator is double. */
struct assay_ref_sum assay_ref_dot(const struct assay_arithmetic *a, size_t n, struct assay_ref_vector x,
                                   struct assay_ref_vector y);
/* The largest power of two that all of x are multiples of; 0 if it is below 2^-24 of the largest of them, so that no sum in f32
 * could be exact because of it (the common case, found after a few elements), or if one is not finite. */
double assay_ref_quantum(size_t n, const double *x);
/* What ops have for `quantum`: sums of products of inputs 0 and 1, or of input 0, and with an element of input 2, if it is there. */
double assay_ref_quantum_of_products(const struct assay_ref_call *call);
double assay_ref_quantum_of_first(const struct assay_ref_call *call);
/* sum over k < n of x[k]. */
struct assay_ref_sum assay_ref_total(const struct assay_arithmetic *a, size_t n, struct assay_ref_vector x);
/* The sum that somebody else added up in the order of assay_ref_dot, without errors of its operands. */
struct assay_ref_sum assay_ref_sum_made(const struct assay_arithmetic *a, size_t terms, double value, double magnitude);
/* Are sums compensated in this arithmetic? */
static inline bool assay_ref_compensates(const struct assay_arithmetic *a)
{
    return a->compensated;
}
/* What any order of `terms` terms with at most `roundings` roundings on the way of each one gives. */
struct assay_bounded assay_ref_sum_close(const struct assay_arithmetic *a, const struct assay_ref_sum *s, double terms,
                                         double roundings);

/* ---- shapes -------------------------------------------------------------------------------------------------- */

/* Counts of `axis` of a shape: outer * length * inner elements. */
struct assay_ref_axis {
    int64_t outer, length, inner;
};
struct assay_ref_axis assay_ref_axis_of(const struct assay_ref_tensor *t, int32_t axis);
/* Strides with which `operand` is read when `out` is walked: 0 along broadcast dimensions. */
void assay_ref_broadcast(const struct assay_ref_tensor *out, const struct assay_ref_tensor *operand,
                         int64_t strides[ASSAY_MAX_RANK]);
/* Offset into an operand of flat index `index` of a shape. */
static inline int64_t assay_ref_offset(const struct assay_ref_tensor *out, const int64_t strides[ASSAY_MAX_RANK],
                                       int64_t index)
{
    int64_t offset = 0;
    for (int32_t d = out->rank - 1; d >= 0; d--) {
        offset += index % out->dims[d] * strides[d];
        index /= out->dims[d];
    }
    return offset;
}
/* The i-th input, or NULL when it is absent. */
static inline const struct assay_ref_tensor *assay_ref_input(const struct assay_ref_call *call, uint32_t i)
{
    return i < call->node->n_inputs && call->in[i].value ? &call->in[i] : NULL;
}

/* ---- work by groups ------------------------------------------------------------------------------------------ */

/* Elements that share work (a row of a softmax, a column of a product) are done together: `each` is called once for
 * every group that has elements, with the places of its elements in index[] and `scratch` doubles of its own.
 * Groups run on several threads. */
struct assay_ref_groups {
    size_t n_groups, scratch;
    size_t (*group_of)(const void *self, int64_t index);
    void (*each)(const void *self, size_t group, size_t count, const size_t *places, double *scratch);
    const void *self;
};
enum assay_code assay_ref_by_group(const struct assay_ref_groups *groups, size_t n, const int64_t *index,
                                   struct assay_error *err);
/* Elements that share nothing: each(self, i) for i < n, on several threads. */
void assay_ref_each(size_t n, void (*each)(const void *self, size_t i), const void *self);

/* ---- matrix products ----------------------------------------------------------------------------------------- */

/* out[b, r, c] = after(sum over k < terms of x[b, r, k] * y[b, k, c]). The rows of x must be contiguous (stride 1
 * along k); y has strides. Element index = (b * rows + r) * columns + c. */
struct assay_ref_product {
    const struct assay_ref_call *call;
    int64_t rows, columns, terms, batches;
    struct assay_ref_vector x, y;
    const int64_t *x_offset, *y_offset; /* batches */
    int64_t x_row, y_term, y_column;
    double extra_roundings; /* of what `after` does */
    double weights;         /* 0: elements. Else sum of |weight| of a fold. */
    /* Scales the finished sum and adds what else the op adds; NULL: nothing. */
    void (*after)(const void *self, int64_t index, struct assay_ref_sum *sum);
    const void *self;
    double *value, *bound; /* n */
    const int64_t *index;
};
enum assay_code assay_ref_product_at(const struct assay_ref_product *p, size_t n, struct assay_error *err);
/* Folds the columns (true) or rows of the product with weight[]: n positions, `index` as the product without them.
 * Sums of bounds are formed as |x| (|y| |weight|), which is the sum of the elements' bounds with |value| <= sum |x||y|.
 */
enum assay_code assay_ref_product_fold(const struct assay_ref_product *p, bool columns, const double *weight, size_t n,
                                       struct assay_error *err);
/* Value and bound of a sum whose parts were folded with weights of total magnitude `weights`. */
struct assay_bounded assay_ref_fold_close(const struct assay_ref_call *call, const struct assay_ref_sum *s,
                                          double terms, double roundings, double weights);

#endif
