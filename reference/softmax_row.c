#include "reference/softmax_row.h"

#include "assay/banned.h"

#define BLOCK 16 /* elements that a running softmax takes at a time, at least */

struct peak {
    double value, error; /* the maximum, and how far a device's may be from it */
    size_t records;      /* how often the maximum may grow on the way */
};

static struct peak peak_of(size_t n, const double *x, const double *e)
{
    struct peak p = {-(double)INFINITY, 0, 0};
    double high = -(double)INFINITY, low = -(double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        p.records += x[i] + e[i] > low;
        if (isnan(x[i]) || x[i] > p.value)
            p.value = x[i];
        high = fmax(high, x[i] + e[i]);
        low = fmax(low, x[i] - e[i]);
    }
    p.error = isfinite(p.value) ? fmax(high - p.value, p.value - low) : 0;
    return p;
}

/* Bound on the exponent of the factor by which a device's weight may be off. */
static double slack_of(const struct assay_arithmetic *a, double distance, double error, const struct peak *p,
                       double of_rescalings)
{
    double u = a->accumulate + ASSAY_REF_OWN;
    double exponent = error + u * (5 * (distance + error + p->error) + 2 * (fabs(p->value) + p->error));
    return exponent * (1 + 8 * u) + of_rescalings;
}

/* The share of the slack that all elements have. */
static double slack_of_rescalings(const struct assay_arithmetic *a, double rescalings)
{
    double u = a->accumulate + ASSAY_REF_OWN, relative_exp = 2 * assay_reference_ulps.exp * u + 4 * ASSAY_REF_OWN;
    return -(1 + rescalings) * log1p(-relative_exp) - rescalings * log1p(-u);
}

struct assay_ref_softmax assay_ref_softmax_row(const struct assay_arithmetic *a, size_t n, double *x, double *e)
{
    struct assay_ref_softmax s = {.sum = {0, 0}};
    struct peak p = peak_of(n, x, e);
    size_t blocks = (n + BLOCK - 1) / BLOCK;
    double rescalings = fmax((double)blocks, (double)p.records);
    double of_rescalings = slack_of_rescalings(a, rescalings);
    struct assay_ref_sum total = {0};
    bool unknown = false;
    s.all_masked = p.value == -(double)INFINITY;
    for (size_t i = 0; i < n; i++) {
        double distance = p.value - x[i], weight = exp(-distance), error = 0;
        if (weight > 0 || isfinite(x[i])) {
            double slack = slack_of(a, distance, e[i], &p, of_rescalings);
            error = slack < 1 ? weight * expm1(slack) : exp(slack - distance);
            error += weight > 0 ? bounded_flush(weight, error, a->tiny) : a->tiny; /* it underflowed */
        }
        unknown |= isinf(e[i]);
        error = isinf(e[i]) ? INFINITY : error; /* whatever exp made of it */
        x[i] = weight;
        e[i] = error;
        total.value += weight;
        total.magnitude += weight;
        total.error += error;
    }
    total.own = assay_ref_gamma((double)n + 8, ASSAY_REF_OWN) * total.magnitude;
    s.sum = assay_ref_sum_close(a, &total, (double)n, (double)n - 1);
    s.sum.error = unknown ? (double)INFINITY : s.sum.error;
    return s;
}

double assay_ref_softmax_values(size_t n, double *x)
{
    double most = -(double)INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || x[i] > most)
            most = x[i];
    }
    for (size_t i = 0; i < n; i++)
        sum += x[i] = exp(-(most - x[i]));
    return sum;
}

struct assay_bounded assay_ref_softmax_divide(const struct assay_arithmetic *a, struct assay_bounded numerator,
                                              struct assay_bounded sum)
{
    double value = numerator.value / sum.value, room = sum.value - sum.error, error = INFINITY;
    if (isnan(value))
        return bounded(value, isinf(numerator.error) || isinf(sum.error) ? INFINITY : 0);
    if (room > 0)
        error = (numerator.error + fabs(value) * sum.error) / room;
    double relative = (2 * assay_reference_ulps.divide + 1) * a->accumulate;
    return bounded_step(a, value, error, relative * (1 + relative), 2);
}

struct assay_ref_log_sum assay_ref_log_sum(const struct assay_arithmetic *a, size_t n, double *x, double *e)
{
    struct assay_ref_log_sum s = {.greatest = peak_of(n, x, e).value};
    s.softmax = assay_ref_softmax_row(a, n, x, e);
    double sum = s.softmax.sum.value, error = s.softmax.sum.error;
    double moved = error < sum ? -log1p(-error / sum) : (double)INFINITY; /* downwards it moves further */
    s.log = bounded_function(a, log(sum), moved, assay_reference_ulps.log);
    return s;
}

struct assay_bounded assay_ref_log_weight(const struct assay_arithmetic *a, struct assay_bounded x,
                                          const struct assay_ref_log_sum *s)
{
    double value = x.value - s->greatest - s->log.value, error = x.error + s->log.error;
    if (!isfinite(s->greatest))
        return bounded((double)NAN, INFINITY);
    double apart = fabs(x.value - s->greatest) + x.error, together = fabs(s->greatest) + fabs(s->log.value) + s->log.error;
    return bounded_round(a, value, error + (a->accumulate + 2 * ASSAY_REF_OWN) * fmax(apart, together));
}
