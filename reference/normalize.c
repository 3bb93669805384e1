#include "reference/normalize.h"

#include "assay/banned.h"

struct assay_ref_rows assay_ref_rows_of(const struct assay_ref_call *call, const int64_t *index, double *value,
                                        double *bound)
{
    const struct assay_ref_tensor *x = &call->in[0], *scale = assay_ref_input(call, 1),
                                  *bias = assay_ref_input(call, 2);
    struct assay_ref_rows r = {.call = call, .rows = 1, .length = 1, .index = index, .value = value, .bound = bound};
    int64_t axis = assay_node_i64(call->node, "axis", -1);
    axis += axis < 0 ? x->rank : 0;
    for (int32_t d = 0; d < x->rank; d++)
        *(d < axis ? &r.rows : &r.length) *= x->dims[d];
    r.epsilon = (float)assay_node_f64(call->node, "epsilon", 1e-5); /* an attribute is a float */
    if (scale)
        assay_ref_broadcast(x, scale, r.scale_strides);
    if (bias)
        assay_ref_broadcast(x, bias, r.bias_strides);
    return r;
}

static size_t row_of_element(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct assay_ref_rows *)self)->length);
}

static size_t row_itself(const void *self, int64_t index)
{
    (void)self;
    return (size_t)index;
}

enum assay_code assay_ref_rows_each(const struct assay_ref_rows *rows, bool per_row, size_t n,
                                    void (*each)(const void *self, size_t row, size_t count, const size_t *places,
                                                 double *scratch),
                                    struct assay_error *err)
{
    struct assay_ref_groups groups = {.n_groups = (size_t)rows->rows,
                                      .scratch = 2 * (size_t)rows->length,
                                      .group_of = per_row ? row_itself : row_of_element,
                                      .each = each,
                                      .self = rows};
    return assay_ref_by_group(&groups, n, rows->index, err);
}

static double inverse_root(double x)
{
    return 1 / sqrt(x);
}

struct assay_bounded assay_ref_inverse_deviation(const struct assay_arithmetic *a, struct assay_bounded variance,
                                                 double epsilon)
{
    struct assay_bounded under = bounded_add(a, variance, bounded(epsilon, 0));
    double ulps = fmax(assay_reference_ulps.reciprocal_sqrt, assay_reference_ulps.sqrt + assay_reference_ulps.divide);
    return assay_bounded_monotone(a, inverse_root, under, ulps);
}

struct assay_bounded assay_ref_inverse_root(const struct assay_ref_rows *rows, struct assay_bounded sum_of_squares)
{
    const struct assay_arithmetic *a = &rows->call->arithmetic;
    struct assay_bounded mean = assay_bounded_divide(a, sum_of_squares, bounded((double)rows->length, 0));
    return assay_ref_inverse_deviation(a, mean, rows->epsilon);
}

/* What a device may store on the way, or not: where storing overflows, nothing can be said. */
static struct assay_bounded perhaps_stored(const struct assay_arithmetic *a, enum assay_dtype dtype, struct assay_bounded x)
{
    struct assay_bounded stored = assay_bounded_store(a, dtype, x);
    return isfinite(x.value) && !isfinite(stored.value) ? bounded(x.value, INFINITY) : stored;
}

void assay_ref_affine(const struct assay_ref_rows *rows, size_t place, int64_t index, struct assay_bounded x)
{
    const struct assay_ref_call *call = rows->call;
    const struct assay_arithmetic *a = &call->arithmetic;
    const struct assay_ref_tensor *scale = assay_ref_input(call, 1), *bias = assay_ref_input(call, 2);
    enum assay_dtype dtype = call->out[call->output].dtype;
    if (scale) {
        x = perhaps_stored(a, dtype, x);
        x = bounded_multiply(a, x,
                             bounded_of(scale, (size_t)assay_ref_offset(&call->in[0], rows->scale_strides, index)));
    }
    if (bias) {
        x = perhaps_stored(a, dtype, x);
        x = bounded_add(a, x, bounded_of(bias, (size_t)assay_ref_offset(&call->in[0], rows->bias_strides, index)));
    }
    assay_ref_put(call, place, x, rows->value, rows->bound);
}
