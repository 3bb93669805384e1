#include "reference/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/student.h"

#include "assay/banned.h"

#define REPLICAS ASSAY_REPLICAS
#define LEAST_LINE 16 /* elements of a row or column that tell its scale */
#define MOST_FREEDOM 1000.0

void assay_spread_release(struct assay_spread *s)
{
    for (int k = 0; k < REPLICAS; k++)
        assay_packed_release(&s->off[k]);
    free(s->along);
    free(s->across);
    memset(s, 0, sizeof *s);
}

/* Mean square of an element's deviations in the replicas. */
static double square_of(const struct assay_spread *s, uint64_t i)
{
    double sum = 0;
    for (int k = 0; k < REPLICAS; k++) {
        double off = assay_packed_at(&s->off[k], i);
        sum += off * off;
    }
    return sum / REPLICAS;
}

static uint64_t channel_of(const struct assay_spread *s, uint64_t i)
{
    return i / s->inner % s->length;
}

static uint64_t position_of(const struct assay_spread *s, uint64_t i)
{
    return i / s->inner / s->length * s->inner + i % s->inner;
}

/* What the mean square of element i would be if channels and positions acted on it independently of each other. */
static double scale_at(const struct assay_spread *s, uint64_t channel, uint64_t position)
{
    return s->along && s->mean > 0 ? s->along[channel] * s->across[position] / s->mean : s->mean;
}

static double scale_of(const struct assay_spread *s, uint64_t i)
{
    return scale_at(s, channel_of(s, i), position_of(s, i));
}

static double deviation_of(const struct assay_spread *s, uint64_t i)
{
    double own = square_of(s, i);
    if (!isfinite(own))
        return INFINITY;
    return sqrt((REPLICAS * own + s->freedom * scale_of(s, i)) / (REPLICAS + s->freedom));
}

/* Means over the elements that moved at all. A line where none did has the mean of all. */
static void divide_lines(double *line, const uint64_t *count, uint64_t n, double mean)
{
    for (uint64_t i = 0; i < n; i++)
        line[i] = count[i] ? line[i] / (double)count[i] : mean;
}

/* Element after element, with its channel and position: a step, not three divisions. */
struct place {
    uint64_t inner, channel, outer, position;
};

static inline void step_on(const struct assay_spread *s, struct place *p)
{
    p->position++;
    if (++p->inner < s->inner)
        return;
    p->inner = 0;
    if (++p->channel == s->length) {
        p->channel = 0;
        p->outer += s->inner;
    }
    p->position = p->outer;
}

static bool has_moved(double square)
{
    return square > 0 && isfinite(square);
}

/* The mean square of those that moved, and how many they are. */
static double mean_all(struct assay_spread *s)
{
    double n = 0, sum = 0;
    for (uint64_t i = 0; i < s->n; i++) {
        double square = square_of(s, i);
        sum += has_moved(square) ? square : 0;
        n += has_moved(square);
    }
    s->mean = n > 0 ? sum / n : 0;
    return n;
}

/* The same, and that of each channel and position. */
static enum assay_code mean_lines(struct assay_spread *s, double *n, struct assay_error *err)
{
    uint64_t     channels = s->length, positions = s->n / s->length, *count = calloc(channels + positions, sizeof *count);
    struct place at = {0};
    double       sum = 0;
    s->along = calloc(channels, sizeof *s->along);
    s->across = calloc(positions, sizeof *s->across);
    if (!count || !s->along || !s->across) {
        free(count);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the deviations of %llu elements", (unsigned long long)s->n);
    }
    for (uint64_t i = 0; i < s->n; i++, step_on(s, &at)) {
        double   square = square_of(s, i), moved = has_moved(square) ? square : 0;
        uint64_t one = has_moved(square);
        sum += moved;
        *n += (double)one;
        s->along[at.channel] += moved;
        s->across[at.position] += moved;
        count[at.channel] += one;
        count[channels + at.position] += one;
    }
    s->mean = *n > 0 ? sum / *n : 0;
    divide_lines(s->along, count, channels, s->mean);
    divide_lines(s->across, count + channels, positions, s->mean);
    free(count);
    return ASSAY_OK;
}

/* Squares of REPLICAS normal deviations over a scale that itself scatters like an inverse chi square of f degrees of freedom
 * have E[x^2] / E[x]^2 = (1 + 2 / REPLICAS) (f - 2) / (f - 4): f from the mean square of x, at least 4. */
static double freedom_of(double n, double first, double second)
{
    if (!(n > 1) || !(first > 0))
        return 4;
    double q = second * n / (first * first) / (1 + 2.0 / REPLICAS);
    return q > 1 ? fmin((4 * q - 2) / (q - 1), MOST_FREEDOM) : MOST_FREEDOM;
}

/* Sums of x and x^2, x a square over its scale. */
static void add_moments(const struct assay_spread *s, double *first, double *second)
{
    struct place at = {0};
    for (uint64_t i = 0; i < s->n; i++, step_on(s, &at)) {
        double x = square_of(s, i) / scale_at(s, at.channel, at.position);
        if (!has_moved(x))
            continue;
        *first += x;
        *second += x * x;
    }
}

/* From the deviations: scales, degrees of freedom, and the factor for `compared` elements and sums together. */
enum assay_code assay_spread_settle(struct assay_spread *s, double compared, struct assay_error *err)
{
    double n = 0, first = 0, second = 0;
    if (s->length >= LEAST_LINE && s->n / s->length >= LEAST_LINE) {
        if (mean_lines(s, &n, err))
            return err->code;
    } else {
        n = mean_all(s);
    }
    if (s->mean > 0)
        add_moments(s, &first, &second);
    s->freedom = freedom_of(n, first, second);
    s->factor = -assay_student_quantile(ASSAY_FALSE_ALARM / 2 / compared, REPLICAS + s->freedom);
    return ASSAY_OK;
}

/* Images have their channels on the second axis, all else on the last. */
void assay_spread_shape(const struct assay_value *v, struct assay_spread *s)
{
    int32_t axis = v->rank >= 4 ? 1 : v->rank - 1;
    s->n = v->elements;
    s->length = v->rank > 0 && v->dims[axis] > 0 ? (uint64_t)v->dims[axis] : 1;
    s->inner = 1;
    for (int32_t d = axis + 1; d > 0 && d < v->rank; d++)
        s->inner *= (uint64_t)v->dims[d];
}

double assay_spread_bound(const struct assay_spread *s, uint64_t i, double value, double local)
{
    double deviation = deviation_of(s, i);
    if (!isfinite(deviation) || (isinf(local) && local > 0))
        return INFINITY;
    return isfinite(value) ? s->factor * deviation + local : 0;
}
