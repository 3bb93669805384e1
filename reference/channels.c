#include "reference/channels.h"

#include "reference/normalize.h"

#include "assay/banned.h"

struct assay_ref_channels assay_ref_channels_of(const struct assay_ref_tensor *x)
{
    struct assay_ref_channels s = {.images = x->dims[0], .channels = x->rank > 1 ? x->dims[1] : 1, .each = 1};
    for (int32_t d = 2; d < x->rank; d++)
        s.each *= x->dims[d];
    return s;
}

struct assay_ref_runs assay_ref_channel(const struct assay_ref_channels *s, int64_t channel)
{
    return (struct assay_ref_runs){channel * s->each, s->images, s->each, s->channels * s->each};
}

struct assay_ref_vector assay_ref_runs_copy(const struct assay_ref_tensor *x, const struct assay_ref_runs *r, double *to)
{
    size_t n = assay_ref_runs_count(r), i = 0;
    for (int64_t run = 0; run < r->runs; run++)
        for (int64_t k = 0; k < r->length; k++, i++) {
            int64_t at = r->first + run * r->stride + k;
            to[i] = x->value[at];
            to[n + i] = x->error ? x->error[at] : 0;
        }
    return (struct assay_ref_vector){to, NULL, x->error ? to + n : NULL};
}

struct assay_ref_moments assay_ref_centre(const struct assay_arithmetic *a, size_t n, double epsilon, double *x)
{
    struct assay_ref_vector v = {x, NULL, x + n};
    struct assay_ref_sum s = assay_ref_total(a, n, v);
    struct assay_bounded count = bounded((double)n, 0);
    struct assay_ref_moments m;
    m.mean = assay_bounded_divide(a, assay_ref_sum_close(a, &s, (double)n, (double)n - 1), count);
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded d = bounded_subtract(a, bounded(x[i], x[n + i]), m.mean);
        x[i] = d.value;
        x[n + i] = d.error;
    }
    s = assay_ref_dot(a, n, v, v);
    m.variance = assay_bounded_divide(a, assay_ref_sum_close(a, &s, (double)n, (double)n), count);
    m.inverse = assay_ref_inverse_deviation(a, m.variance, epsilon);
    return m;
}

struct assay_bounded assay_ref_shifted(const struct assay_arithmetic *a, struct assay_bounded x, struct assay_bounded mean,
                                       struct assay_bounded factor, struct assay_bounded shift)
{
    double centred = x.value - mean.value, f = fabs(factor.value) + factor.error, u = a->accumulate + 2 * ASSAY_REF_OWN;
    double value = centred * factor.value + shift.value;
    double spread = (fabs(x.value) + x.error + fabs(mean.value) + mean.error) * f;
    double error = fabs(centred) * factor.error + f * (x.error + mean.error) + shift.error +
                   assay_ref_gamma(3, u) * (spread + fabs(shift.value) + shift.error);
    bool left = !isfinite(value) && isfinite(x.value) && isfinite(mean.value) && isfinite(factor.value) && isfinite(shift.value);
    if (left || isinf(x.error) || isinf(mean.error) || isinf(factor.error) || isinf(shift.error))
        return bounded(value, INFINITY); /* it left the range of double, or came from what did */
    return bounded_settle(value, error + 4 * a->tiny * (1 + f));
}

struct assay_bounded assay_ref_projected(const struct assay_arithmetic *a, struct assay_bounded factor,
                                         struct assay_bounded dy, struct assay_bounded m1, struct assay_bounded x,
                                         struct assay_bounded m2)
{
    struct assay_bounded product = bounded_multiply(a, x, m2);
    double magnitude = fabs(dy.value) + dy.error + fabs(m1.value) + m1.error + fabs(product.value) + product.error;
    double error = dy.error + m1.error + product.error + assay_ref_gamma(3, a->accumulate + ASSAY_REF_OWN) * magnitude;
    double value = dy.value - m1.value - product.value;
    bool   left = !isfinite(value) && isfinite(dy.value) && isfinite(m1.value) && isfinite(product.value);
    if (left || isinf(dy.error) || isinf(m1.error) || isinf(product.error))
        return bounded(value, INFINITY); /* as in assay_ref_shifted */
    return bounded_multiply(a, factor, bounded_settle(value, error + 3 * a->tiny));
}

void assay_ref_sum_add(struct assay_ref_sum *s, const struct assay_ref_sum *part)
{
    double magnitude = s->magnitude + part->magnitude;
    assay_ref_sum_take(s, bounded(part->value, part->error));
    s->magnitude = magnitude;
    s->own += part->own + ASSAY_REF_OWN * fabs(s->value);
}
