/* DequantizeLinear: (x - zero point) scale. The difference of small integers is exact; then one product. */
#include "reference/quantize.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    const int64_t               *index;
    double                      *value, *bound;
};

static void each(const void *self, size_t i)
{
    const struct job              *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *zero = assay_ref_input(j->call, 2);
    size_t                         at = assay_ref_scale_of(j->call, j->index[i]);
    struct assay_bounded           x = bounded_of(&j->call->in[0], (size_t)j->index[i]);
    bool                           is_float = assay_dtype_is_float(j->call->in[0].dtype);
    if (zero && is_float)
        x = bounded_subtract(a, x, bounded_of(zero, at));
    else if (zero)
        x = bounded(x.value - zero->value[at], x.error + (zero->error ? zero->error[at] : 0));
    if (!is_float && fabs(x.value) > 1 / a->accumulate) /* more digits than the accumulator holds */
        x = bounded_round(a, x.value, x.error);
    assay_ref_put(j->call, i, bounded_multiply(a, x, bounded_of(&j->call->in[1], at)), j->value, j->bound);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {call, index, value, bound};
    (void)err;
    assay_ref_each(n, each, &j);
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(DequantizeLinear) = {.at = at};
