#include "reference/arithmetic.h"

#include <float.h>
#include <limits.h>
#include <string.h>

#include "reference/formats/formats.h"

#include "assay/banned.h"

/* OpenCL 3.0 C specification, section 7.4, full profile, single precision; reciprocal_sqrt is rsqrt. */
const struct assay_ref_ulps assay_reference_ulps = {
    .exp = 3, .log = 3, .tanh = 5, .erf = 16, .sqrt = 3, .divide = 2.5, .reciprocal_sqrt = 2, .sin = 4, .cos = 4,
    .pow = 16};

struct assay_arithmetic assay_arithmetic_required(const struct assay_graph *g, const struct assay_node *node)
{
    struct assay_arithmetic a = {0};
    const struct assay_number_format *wide = assay_format_of(ASSAY_F64), *narrow = assay_format_of(ASSAY_F32), *store = NULL;
    bool any_float = false, any_double = false;
    for (uint32_t i = 0; i < node->n_inputs + node->n_outputs; i++) {
        int32_t v = i < node->n_outputs ? node->outputs[i] : node->inputs[i - node->n_outputs];
        if (v == ASSAY_NO_VALUE)
            continue;
        enum assay_dtype dtype = g->values[v].dtype;
        any_float |= assay_dtype_is_float(dtype);
        any_double |= dtype == ASSAY_F64;
        if (!store && i < node->n_outputs)
            store = assay_format_of(dtype);
    }
    if (any_float) {
        a.accumulate = any_double ? wide->unit_roundoff : narrow->unit_roundoff;
        a.tiny = any_double ? wide->smallest_normal : narrow->smallest_normal;
        a.compensated = any_double;
    }
    if (store) {
        a.store = store->unit_roundoff;
        a.store_tiny = store->smallest_normal;
    }
    return a;
}

/* ---- single numbers ------------------------------------------------------------------------------------------ */

struct assay_bounded assay_bounded_divide(const struct assay_arithmetic *a, struct assay_bounded x,
                                          struct assay_bounded y)
{
    double value = x.value / y.value, room = fabs(y.value) - y.error, error = 0;
    if (!isfinite(value) && (y.value != 0 || isnan(x.value)))
        return bounded_beyond(value, 0, x, y);
    if (value == 0 && x.value != 0 && isfinite(y.value))
        error = ASSAY_REF_LEAST;
    if (x.error > 0 || y.error > 0)
        error = room > 0 ? error + (x.error + fabs(value) * y.error) / room : INFINITY;
    return bounded_function(a, value, error, assay_reference_ulps.divide);
}

struct assay_bounded assay_bounded_monotone(const struct assay_arithmetic *a, double (*f)(double),
                                            struct assay_bounded x, double ulps)
{
    double value = f(x.value), error = 0;
    if (isnan(x.value))
        return bounded(value, isinf(x.error) ? INFINITY : 0);
    if (x.error > 0) {
        double below = fabs(value - f(x.value - x.error)), above = fabs(f(x.value + x.error) - value);
        error = isnan(below) || isnan(above) ? INFINITY : fmax(below, above) + 8 * ASSAY_REF_OWN * fabs(value);
    }
    if (error > 0 && isinf(error))
        return bounded(value, INFINITY);
    return bounded_function(a, value, error, ulps);
}

struct assay_bounded assay_bounded_exp(const struct assay_arithmetic *a, struct assay_bounded x)
{
    double value = exp(x.value);
    if (!isfinite(value))
        return bounded_beyond(value, 0, x, x);
    return bounded_function(a, value, x.error > 0 ? value * expm1(x.error) : 0, assay_reference_ulps.exp);
}

struct assay_bounded assay_bounded_store(const struct assay_arithmetic *a, enum assay_dtype format,
                                         struct assay_bounded x)
{
    const struct assay_number_format *f = assay_format_of(format);
    x = bounded_settle(x.value, x.error);
    if (!f || !isfinite(x.value) || !isfinite(x.error))
        return x;
    double u = f->unit_roundoff, low = fabs(x.value) - x.error, high = fabs(x.value) + x.error, rounding = 0;
    /* Halfway between the largest number and the next that the exponent would give: there rounding goes to infinity. */
    double overflow = f->largest * (1 + u / (2 - 2 * u));
    if (low >= overflow &&
        (format == ASSAY_F32 || format == ASSAY_F16 || format == ASSAY_BF16 || format == ASSAY_F8E5M2))
        return bounded(copysign(INFINITY, x.value), 0);
    if (high >= overflow)
        return bounded(x.value, INFINITY);
    if (u > a->accumulate && !(x.error == 0 && assay_round_to(format, x.value) == x.value))
        rounding = fmin(high, u * fmax(high, f->smallest_normal));
    return bounded(x.value, x.error + fmax(rounding, bounded_flush(x.value, x.error, f->smallest_normal)));
}

/* ---- sums ---------------------------------------------------------------------------------------------------- */

double assay_ref_gamma(double n, double u)
{
    double nu = n * u;
    return nu < 1 ? nu / (1 - nu) * (1 + (n + 8) * 0x1p-51) : (double)INFINITY;
}

/* Two doubles at a time, four of those: eight partial sums, always the same ones, so that the result does not
 * depend on the machine. */
typedef double pair __attribute__((vector_size(16)));
typedef double loose_pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef long long pair_bits __attribute__((vector_size(16)));
#define LANES 4
#define LOAD(pointer) ((pair) * (const loose_pair *)(pointer))
#define ABS(x) ((pair)((pair_bits)(x) & (pair_bits){INT64_MAX, INT64_MAX}))

static void dot_pairs(size_t n, const double *x, const double *y, double *value, double *magnitude)
{
    pair v[LANES] = {{0}}, m[LANES] = {{0}};
    size_t k = 0;
    for (; k + 2 * LANES <= n; k += 2 * LANES) {
        for (int l = 0; l < LANES; l++) {
            pair product = LOAD(x + k + 2 * l) * LOAD(y + k + 2 * l);
            v[l] += product;
            m[l] += ABS(product);
        }
    }
    pair v_all = (v[0] + v[1]) + (v[2] + v[3]), m_all = (m[0] + m[1]) + (m[2] + m[3]);
    double v_rest = 0, m_rest = 0;
    for (; k < n; k++) {
        v_rest += x[k] * y[k];
        m_rest += fabs(x[k] * y[k]);
    }
    *value = v_all[0] + v_all[1] + v_rest;
    *magnitude = m_all[0] + m_all[1] + m_rest;
}

#ifdef __x86_64__
/* The same eight partial sums in one register. */
__attribute__((target("avx512f"))) static void dot_eights(size_t n, const double *x, const double *y, double *value, double *magnitude)
{
    typedef double    eight __attribute__((vector_size(64)));
    typedef double    loose_eight __attribute__((vector_size(64), aligned(8), may_alias));
    typedef long long eight_bits __attribute__((vector_size(64)));
    eight  v = {0}, m = {0};
    size_t k = 0;
    for (; k + 8 <= n; k += 8) {
        eight product = *(const loose_eight *)(x + k) * *(const loose_eight *)(y + k);
        v += product;
        m += (eight)((eight_bits)product & INT64_MAX);
    }
    double v_rest = 0, m_rest = 0;
    for (; k < n; k++) {
        v_rest += x[k] * y[k];
        m_rest += fabs(x[k] * y[k]);
    }
    *value = ((v[0] + v[2]) + (v[4] + v[6])) + ((v[1] + v[3]) + (v[5] + v[7])) + v_rest;
    *magnitude = ((m[0] + m[2]) + (m[4] + m[6])) + ((m[1] + m[3]) + (m[5] + m[7])) + m_rest;
}
#endif

static void dot_plain(size_t n, const double *x, const double *y, double *value, double *magnitude)
{
#ifdef __x86_64__
    if (n >= 16 && __builtin_cpu_supports("avx512f")) {
        dot_eights(n, x, y, value, magnitude);
        return;
    }
#endif
    dot_pairs(n, x, y, value, magnitude);
}

/* Knuth: a + b = sum + low exactly. */
#define TWO_SUM(type, a, b, sum, low)                                                                                  \
    do {                                                                                                               \
        type s_ = (a) + (b), t_ = s_ - (a);                                                                            \
        (low) = ((a) - (s_ - t_)) + ((b)-t_);                                                                          \
        (sum) = s_;                                                                                                    \
    } while (0)

/* Dot2 of Ogita, Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005): |error| <=
 * u |value| + gamma_n^2 |x|.|y|. Products are split by Veltkamp and Dekker, so that no FMA is needed. */
static double dot_compensated(size_t n, const double *x, const double *y)
{
    const pair split = {0x1.0000002p27, 0x1.0000002p27};
    pair sum = {0, 0}, low = {0, 0};
    double padded_x[2] = {0, 0}, padded_y[2] = {0, 0};
    for (size_t k = 0; k < n; k += 2) {
        const double *from_x = x + k, *from_y = y + k;
        if (k + 1 == n) {
            padded_x[0] = *from_x;
            padded_y[0] = *from_y;
            from_x = padded_x;
            from_y = padded_y;
        }
        pair a = LOAD(from_x), b = LOAD(from_y), product = a * b, part, lost;
        pair a_high = split * a - (split * a - a), a_low = a - a_high;
        pair b_high = split * b - (split * b - b), b_low = b - b_high;
        part = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
        TWO_SUM(pair, sum, product, sum, lost);
        low += part + lost;
    }
    double all, lost;
    TWO_SUM(double, sum[0], sum[1], all, lost);
    return all + (low[0] + low[1] + lost);
}

static double total_compensated(size_t n, const double *x)
{
    double sum = 0, low = 0, lost;
    for (size_t k = 0; k < n; k++) {
        TWO_SUM(double, sum, x[k], sum, lost);
        low += lost;
    }
    return sum + low;
}

/* Whole numbers below 2^53 are summed exactly. */
static double own_error(const struct assay_arithmetic *a, double terms, double value, double magnitude,
                        bool compensated)
{
    double gamma = assay_ref_gamma(terms + 8, ASSAY_REF_OWN);
    if (a->accumulate == 0 && magnitude < 0x1p53)
        return 0;
    return compensated ? 2 * ASSAY_REF_OWN * fabs(value) + 2 * gamma * gamma * magnitude : gamma * magnitude;
}

static double with_errors(size_t n, struct assay_ref_vector x, struct assay_ref_vector y)
{
    double error = 0;
    if (x.error && !y.error && !x.magnitude && !y.magnitude) { /* weights of an attention: the common case, fast */
        double signs_lost;
        dot_plain(n, x.error, y.value, &signs_lost, &error);
        if (isfinite(error))
            return error;
        error = 0;
    }
    for (size_t k = 0; k < n; k++) {
        double ex = x.error ? x.error[k] : 0, ey = y.error ? y.error[k] : 0;
        if (ex > 0 || ey > 0)
            error += bounded_product_error(bounded(x.magnitude ? x.magnitude[k] : x.value[k], ex),
                                           bounded(y.magnitude ? y.magnitude[k] : y.value[k], ey));
    }
    return error;
}

/* Of products of numbers: did one of them, or their sum, leave the range of double? Then its value says nothing. Did all
 * underflow? Then its magnitude is not zero. y NULL: ones. */
static void left_range(size_t n, const double *x, const double *y, struct assay_ref_sum *s)
{
    bool finite = true, zero = true;
    if (isfinite(s->value) && s->magnitude > 0)
        return;
    for (size_t k = 0; k < n; k++) {
        finite = finite && isfinite(x[k]) && (!y || isfinite(y[k]));
        zero = zero && (x[k] == 0 || (y && y[k] == 0));
    }
    if (finite && !isfinite(s->value))
        s->error = INFINITY;
    if (finite && !zero && s->magnitude == 0)
        s->magnitude = (double)n * ASSAY_REF_LEAST;
}

struct assay_ref_sum assay_ref_dot(const struct assay_arithmetic *a, size_t n, struct assay_ref_vector x,
                                   struct assay_ref_vector y)
{
    struct assay_ref_sum s = {0};
    bool compensated = false;
    dot_plain(n, x.value, y.value, &s.value, &s.magnitude);
    if (assay_ref_compensates(a) && isfinite(s.value)) {
        double better = dot_compensated(n, x.value, y.value);
        compensated = isfinite(better); /* splitting overflows beyond 2^996 */
        s.value = compensated ? better : s.value;
    }
    if (x.magnitude || y.magnitude) {
        double not_used;
        dot_plain(n, x.magnitude ? x.magnitude : x.value, y.magnitude ? y.magnitude : y.value, &not_used, &s.magnitude);
    }
    if (x.error || y.error)
        s.error = with_errors(n, x, y);
    left_range(n, x.value, y.value, &s);
    s.own = own_error(a, (double)n, s.value, s.magnitude, compensated);
    return s;
}

struct assay_ref_sum assay_ref_sum_made(const struct assay_arithmetic *a, size_t terms, double value, double magnitude)
{
    return (struct assay_ref_sum){value, magnitude, 0, own_error(a, (double)terms, value, magnitude, false)};
}

/* Exponents of a number's first and last bit. */
static void ends_of(double x, int *first, int *last)
{
    double fraction = frexp(x, first);
    *last = *first - 53 + __builtin_ctzll((unsigned long long)llrint(ldexp(fabs(fraction), 53)));
}

double assay_ref_quantum(size_t n, const double *x)
{
    int lowest = INT_MAX, highest = INT_MIN;
    for (size_t i = 0; i < n; i++) {
        int first, last;
        if (x[i] == 0)
            continue;
        if (!isfinite(x[i]))
            return 0;
        ends_of(x[i], &first, &last);
        lowest = last < lowest ? last : lowest;
        highest = first > highest ? first : highest;
        if (highest - lowest > 24)
            return 0;
    }
    return lowest == INT_MAX ? 1 : ldexp(1, lowest);
}

double assay_ref_quantum_of_products(const struct assay_ref_call *call)
{
    double products = call->in[0].quantum * call->in[1].quantum;
    const struct assay_ref_tensor *third = assay_ref_input(call, 2);
    return third ? fmin(products, third->quantum) : products;
}

double assay_ref_quantum_of_first(const struct assay_ref_call *call)
{
    return call->in[0].quantum;
}

struct assay_ref_sum assay_ref_total(const struct assay_arithmetic *a, size_t n, struct assay_ref_vector x)
{
    struct assay_ref_sum s = {0};
    for (size_t k = 0; k < n; k++) {
        s.value += x.value[k];
        s.magnitude += x.magnitude ? x.magnitude[k] : fabs(x.value[k]);
        s.error += x.error ? x.error[k] : 0;
    }
    if (isfinite(s.value))
        s.value = total_compensated(n, x.value);
    left_range(n, x.value, NULL, &s);
    s.own = own_error(a, (double)n, s.value, s.magnitude, true);
    return s;
}

/* Overflow on the way: no partial sum exceeds the sum of magnitudes. */
static double largest_of(const struct assay_arithmetic *a)
{
    return assay_ref_compensates(a) || a->accumulate == 0 ? DBL_MAX : (double)FLT_MAX;
}

/* The standard deviation of a sum's roundings, each uniform and of no other's doing, in an order that knows nothing of the
 * terms' signs: README.md, statistical bounds. sqrt(n) u / 3 of the magnitude when all have one sign, less when they cancel. */
static double probable_rounding(const struct assay_arithmetic *a, const struct assay_ref_sum *s, double n)
{
    double value = fabs(s->value) + s->error, magnitude = s->magnitude + s->error;
    return a->accumulate * sqrt((n + 1) / 9 * value * value + (n + 7) / (6 * n) * magnitude * magnitude);
}

double assay_ref_bridge_factor(double chance)
{
    double least = INFINITY;
    for (int step = 5; step < 314; step++) {
        double t = step / 100.0;
        least = fmin(least, (-log(chance) + log(t / sin(t)) / 2) / t);
    }
    return least;
}

/* Partial sums are a bridge from 0 to 0 and a straight line to the value. Roundings of the line, and of the products, are a fixed sum of
 * independent ones; those of the bridge are as large as the bridge happens to be: README.md, probable bounds. */
static double probable_limit(const struct assay_arithmetic *a, const struct assay_ref_sum *s, double n)
{
    double value = fabs(s->value) + s->error, magnitude = s->magnitude + s->error;
    return a->accumulate * (a->bridge * magnitude * sqrt((n + 1) / n) + a->deviations * (sqrt(n + 1) * value / 3 + magnitude / sqrt(n)));
}

static double rounding_of(const struct assay_arithmetic *a, const struct assay_ref_sum *s, double roundings)
{
    if (!(roundings > 0))
        return 0;
    if (a->bridge > 0)
        return probable_limit(a, s, roundings);
    return a->deviations > 0 ? a->deviations * probable_rounding(a, s, roundings)
                             : assay_ref_gamma(roundings, a->accumulate) * (s->magnitude + s->error);
}

/* All partial sums are multiples of the quantum with at most as many digits as the accumulator has. */
static bool is_exact(const struct assay_arithmetic *a, const struct assay_ref_sum *s)
{
    return a->quantum >= a->tiny && a->quantum > 0 && s->error == 0 && s->magnitude * a->accumulate <= a->quantum;
}

static double error_of_sum(const struct assay_arithmetic *a, const struct assay_ref_sum *s, double roundings)
{
    double high = s->magnitude + s->error;
    if (!isfinite(s->value))
        return s->error;
    if (!(high <= largest_of(a)))
        return INFINITY;
    return s->error + s->own + rounding_of(a, s, roundings);
}

struct assay_bounded assay_ref_sum_close(const struct assay_arithmetic *a, const struct assay_ref_sum *s, double terms,
                                         double roundings)
{
    if (is_exact(a, s))
        return bounded_settle(s->value, 0);
    double error = error_of_sum(a, s, roundings);
    if (roundings > 0 && s->magnitude + s->error > 0)
        error += 2 * terms * a->tiny;
    return bounded_settle(s->value, error);
}

struct assay_bounded assay_ref_fold_close(const struct assay_ref_call *call, const struct assay_ref_sum *s,
                                          double terms, double roundings, double weights)
{
    const struct assay_arithmetic *a = &call->arithmetic;
    const struct assay_number_format *f = assay_format_of(call->out[call->output].dtype);
    double error = error_of_sum(a, s, roundings);
    if (roundings > 0)
        error += 2 * terms * a->tiny * weights;
    if (f && f->unit_roundoff > a->accumulate)
        error += f->unit_roundoff * (s->magnitude + error);
    if (f)
        error += f->smallest_normal * weights;
    return bounded_settle(s->value, error);
}
