/* Scales and zero points: one for all, one for each place along `axis`, or one for each block of block_size along it. */
#include "oracle.h"

#include "reference/formats/formats.h"

static int64_t scale_of(const struct oracle *o, const int64_t at[])
{
    const struct oracle_tensor *scale = &o->in[1];
    int64_t axis = attr_i(o, "axis"), block = attr_i(o, "block_size"), there[ASSAY_MAX_RANK];
    if (scale->n == 1 && !block)
        return 0;
    if (!block)
        return at[axis];
    for (int32_t d = 0; d < scale->rank; d++)
        there[d] = d == axis ? at[d] / block : at[d];
    return flat_of(scale, there);
}

static number zero_of(const struct oracle *o, const int64_t at[])
{
    return is_there(&o->in[2]) ? o->in[2].x[scale_of(o, at)] : num(0);
}

/* To an integer rounded and cut at its ends; to a float the number itself, which is rounded when it is compared. */
static number quantize(const struct oracle *o, uint32_t out, const int64_t at[])
{
    enum assay_dtype to = o->out[out].dtype;
    number           x = over(element_at(&o->in[0], at), o->in[1].x[scale_of(o, at)]);
    if (assay_dtype_is_float(to))
        return plus(x, zero_of(o, at));
    bool   is_unsigned = to == ASSAY_U8 || to == ASSAY_U4;
    number span = to_the(num(2), whole((long)assay_dtype_bits(to)));
    number low = is_unsigned ? num(0) : over(span, num(-2)), high = minus(plus(low, span), num(1));
    x = plus(nearest_even(x), zero_of(o, at));
    return is_above(low, x) ? low : is_above(x, high) ? high : x;
}
ORACLE(QuantizeLinear) = {.element = quantize};

static number dequantize(const struct oracle *o, uint32_t out, const int64_t at[])
{
    (void)out;
    return times(minus(element_at(&o->in[0], at), zero_of(o, at)), o->in[1].x[scale_of(o, at)]);
}
ORACLE(DequantizeLinear) = {.element = dequantize};
