#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/verify/numerics_parts.h"

#include "assay/banned.h"

enum { T = ASSAY_NUMERICS_TILE };

enum assay_code numerics_ask(const struct assay_numerics_device *device, const struct numerics_questions *q, double *answer,
                             struct assay_error *err)
{
    size_t  all = T * q->terms;
    double *a = calloc(2 * all + q->terms + T * T + 1, sizeof *a);
    if (!a)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for questions of %zu terms", q->terms);
    double *b = a + all, *column = b + all, *c = column + q->terms;
    for (size_t first = 0; !err->code && first < q->n; first += T) {
        size_t n = q->n - first < T ? q->n - first : T;
        memset(a, 0, 2 * all * sizeof *a);
        for (size_t i = 0; i < n; i++) {
            memset(column, 0, q->terms * sizeof *column);
            q->fill(q->self, first + i, a + i * q->terms, column);
            for (size_t k = 0; k < q->terms; k++)
                b[k * T + i] = column[k];
        }
        (void)device->multiply(device->self, q->terms, a, b, c, err);
        for (size_t i = 0; !err->code && i < n; i++)
            answer[first + i] = c[i * T + i];
    }
    free(a);
    return err->code;
}

void numerics_power(double *a, double *b, size_t at, int exponent, double sign)
{
    int half = exponent / 2;
    a[at] = ldexp(sign, half);
    b[at] = ldexp(1, exponent - half);
}

static double draw_one(const struct assay_matrix_unit *unit, const struct assay_unit_format *format, int scale, struct assay_random *r)
{
    if (!format->is_float) {
        uint64_t most = assay_random_u32(r) % 8 ? (uint64_t)(format->largest - format->least) + 1 : 1;
        return format->largest - (double)assay_random_below(r, most);
    }
    double x = (assay_random_unit(r) + 0.5) * (assay_random_u32(r) & 1 ? 1 : -1);
    return assay_unit_operand(unit, format, ldexp(x, (int)(assay_random_u32(r) % 5) - 3 + scale));
}

/* The roundings of sums of f32 are large enough then for f16 to hold them. */
static int scale_of(int sum_bits, bool cancels)
{
    return cancels && sum_bits > 20 ? 5 : 0;
}

int numerics_bits_of(const struct assay_matrix_unit *unit)
{
    return unit->accumulator.put.format->precision;
}

struct numerics_operands numerics_operands_of(const struct assay_numerics_device *device, const struct assay_matrix_unit *unit)
{
    bool small = !unit->a->is_float && device->a != device->dtype;
    return (struct numerics_operands){unit, small ? assay_unit_format_of(device->a) : unit->a,
                                      small ? assay_unit_format_of(device->b) : unit->b};
}

void numerics_draw(const struct numerics_operands *from, int sum_bits, uint64_t seed, size_t rows, size_t columns, size_t terms,
                   double *a, double *b)
{
    struct assay_random r;
    bool                cancels = from->a->is_float && seed % 2 == 1;
    size_t              half = terms / 2;
    int                 scale = scale_of(sum_bits, cancels);
    assay_random_init(&r, seed);
    for (size_t i = 0; i < rows * terms; i++)
        a[i] = draw_one(from->unit, from->a, scale, &r);
    for (size_t i = 0; i < columns * terms; i++)
        b[i] = draw_one(from->unit, from->b, scale, &r);
    for (size_t k = 0; cancels && k < half; k++) {
        for (size_t i = 0; i < rows; i++)
            a[i * terms + half + k] = -a[i * terms + k];
        for (size_t j = 0; j < columns; j++)
            b[(half + k) * columns + j] = b[k * columns + j];
    }
}
