/* QuantizeLinear: x / scale rounded to nearest even, plus the zero point, cut at the ends. Where the quotient's error reaches
 * over a half, the bound is the step to the integers it reaches. */
#include "reference/convert.h"
#include "reference/quantize.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    const int64_t               *index;
    double                      *value, *bound;
};

static double quantized(enum assay_dtype dtype, double x, double zero)
{
    double low, high;
    assay_integer_range(dtype, &low, &high);
    return fmin(fmax(rint(x) + zero, low), high);
}

static void each(const void *self, size_t i)
{
    const struct job              *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *zero = assay_ref_input(j->call, 2);
    enum assay_dtype               dtype = j->call->out[0].dtype;
    size_t                         at = assay_ref_scale_of(j->call, j->index[i]);
    struct assay_bounded           x = bounded_of(&j->call->in[0], (size_t)j->index[i]);
    double                         offset = zero ? zero->value[at] : 0;
    x = assay_bounded_divide(a, x, bounded_of(&j->call->in[1], at));
    if (assay_dtype_is_float(dtype)) {
        if (offset != 0)
            x = bounded_add(a, x, bounded(offset, 0));
        assay_ref_put(j->call, i, assay_bounded_to_float(j->call, dtype, x, assay_node_i64(j->call->node, "saturate", 1) != 0),
                      j->value, j->bound);
        return;
    }
    double value = quantized(dtype, x.value, offset);
    double moved = fmax(fabs(quantized(dtype, x.value + x.error, offset) - value), fabs(quantized(dtype, x.value - x.error, offset) - value));
    j->value[i] = isnan(x.value) ? 0 : value;
    j->bound[i] = isnan(x.value) || isnan(moved) ? INFINITY : moved; /* NaN becomes what a device makes of it */
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {call, index, value, bound};
    (void)err;
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(QuantizeLinear) = {.at = at};
