/* The special functions behind the intervals: incomplete beta, quantiles of Student's t and of the normal
 * distribution, and the bound of Clopper and Pearson. */
#include "harness/base/student.h"

#include <float.h>
#include <math.h>

#include "assay/banned.h"

#define HALF_LOG_TWO_PI 0.918938533204672741780329736406
#define SQRT_TWO_PI 2.50662827463100050241576528481

/* lgamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x >= 10: Stirling's series (Abramowitz and Stegun 6.1.41). */
static double stirling_rest(double x)
{
    double y = 1 / (x * x);
    return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * 691.0 / 360360))))) / x;
}

/* lgamma itself writes a global sign and is not for threads. */
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* log B(a, b), without the cancellation of three large log gammas. */
static double log_beta(double a, double b)
{
    double p = fmin(a, b), q = fmax(a, b), sum = p + q;
    if (q < 10)
        return log_gamma(p) + log_gamma(q) - log_gamma(sum);
    double rest = stirling_rest(q) - stirling_rest(sum);
    if (p < 10)
        return log_gamma(p) + rest + p - p * log(sum) + (q - 0.5) * log1p(-p / sum);
    return HALF_LOG_TWO_PI - 0.5 * log(q) + stirling_rest(p) + rest + (p - 0.5) * log(p / sum) + q * log1p(-p / sum);
}

/* A partial denominator must not vanish (Lentz). */
static double not_zero(double x)
{
    return fabs(x) < DBL_MIN ? DBL_MIN : x;
}

/* The continued fraction DLMF 8.17.22 by the method of Lentz as modified by Thompson and Barnett (1986); it converges
 * fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m < 100000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        h *= d * c;
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1) < DBL_EPSILON)
            break;
    }
    return h;
}

/* I_x(a, b) with x and y = 1 - x both given exactly: near 1 the difference would lose its digits. */
static double beta_share(double a, double b, double x, double y)
{
    if (x <= 0)
        return 0;
    if (y <= 0)
        return 1;
    double front = exp(a * log(x) + b * log(y) - log_beta(a, b));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, y) / b;
}

double assay_incomplete_beta(double a, double b, double x)
{
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1) || isinf(a) || isinf(b))
        return NAN;
    return beta_share(a, b, x, 1 - x);
}

/* Newton on the logarithm of the upper tail, which is nearly a parabola: from the usual start it takes a few steps. */
double assay_normal_quantile(double p)
{
    if (!(p > 0 && p < 1))
        return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    double tail = fmin(p, 1 - p), x = tail > 0.3 ? 0.0 : sqrt(-2 * log(tail)) - 0.5;
    for (int i = 0; i < 50; i++) {
        double above = 0.5 * erfc(x * M_SQRT1_2);
        double step = above / (exp(-x * x / 2) / SQRT_TWO_PI) * log(above / tail);
        x += step;
        if (fabs(step) <= 4 * DBL_EPSILON * fabs(x))
            break;
    }
    return p < 0.5 ? -x : x;
}

/* P(T > t) for t >= 0: half of I_x(v/2, 1/2) with x = v / (v + t^2) (DLMF 8.17, Abramowitz and Stegun 26.7.1). */
static double student_tail(double t, double v)
{
    double whole = v + t * t;
    return 0.5 * beta_share(v / 2, 0.5, v / whole, t * t / whole);
}

double assay_student_quantile(double p, double degrees_of_freedom)
{
    double v = degrees_of_freedom, tail = fmin(p, 1 - p);
    if (!(v > 0) || !(p > 0 && p < 1))
        return v > 0 && p == 0 ? -INFINITY : v > 0 && p == 1 ? INFINITY : NAN;
    if (isinf(v))
        return assay_normal_quantile(p);
    if (tail == 0.5)
        return 0;
    double low = 0, high = 1;
    while (student_tail(high, v) > tail && high < DBL_MAX / 4) {
        low = high;
        high *= 2;
    }
    /* Bisection to the last bit: it needs no derivative and cannot leave the bracket. */
    for (int i = 0; i < 200; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (student_tail(middle, v) > tail)
            low = middle;
        else
            high = middle;
    }
    return p < 0.5 ? -high : high;
}

double assay_upper_share(uint64_t k, uint64_t n, double confidence)
{
    if (k >= n || !(confidence > 0 && confidence < 1))
        return k >= n || confidence >= 1 ? 1 : NAN;
    double low = 0, high = 1;
    for (int i = 0; i < 200; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (assay_incomplete_beta((double)k + 1, (double)(n - k), middle) < confidence)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The series for P (DLMF 8.11.4) below a + 1, the continued fraction for Q (DLMF 8.9.2, by Lentz's method) above: each where it
 * converges fast. */
double assay_incomplete_gamma(double a, double x)
{
    int sign;
    if (!(a > 0) || !(x >= 0))
        return NAN;
    if (x == 0 || isinf(x))
        return x == 0 ? 1 : 0;
    double front = exp(a * log(x) - x - lgamma_r(a, &sign));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (double n = a + 1; term > sum * DBL_EPSILON; n++) {
            term *= x / n;
            sum += term;
        }
        return fmax(0, 1 - front * sum);
    }
    double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, fraction = d;
    for (int step = 1; step < 10000000; step++) {
        double i = step, numerator = -i * (i - a);
        b += 2;
        d = 1 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= d * c;
        if (fabs(d * c - 1) <= DBL_EPSILON)
            break;
    }
    return fmin(1, front * fraction);
}

double assay_upper_events(uint64_t k, double confidence)
{
    double left = 1 - confidence, low = 0, high = (double)k + 1;
    if (!(confidence > 0 && confidence < 1))
        return NAN;
    if (k == 0)
        return -log(left);
    while (assay_incomplete_gamma((double)k + 1, high) > left)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            break;
        if (assay_incomplete_gamma((double)k + 1, middle) > left)
            low = middle;
        else
            high = middle;
    }
    return high;
}
