/* One property at a time, by sums that come out differently. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/verify/numerics_parts.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define LOW (-12) /* exponent of a small term: what is above and below it is within every format's range */

void numerics_say(struct assay_numerics *out, const char *field, const char *value, const char *how, ...)
{
    if (out->n_rows == ASSAY_NUMERICS_ROWS)
        return;
    struct assay_numerics_row *r = &out->row[out->n_rows++];
    va_list                    args;
    va_start(args, how);
    (void)snprintf(r->field, sizeof r->field, "%s", field);
    (void)snprintf(r->value, sizeof r->value, "%s", value);
    (void)vsnprintf(r->how, sizeof r->how, how, args);
    va_end(args);
}

/* ---- operands: how many bits, which range ----------------------------------------------------------------------- */

struct one_product {
    const double *x;
    bool          is_b;
};

static void fill_one(const void *self, size_t i, double *a, double *b)
{
    const struct one_product *p = self;
    a[0] = p->is_b ? 1 : p->x[i];
    b[0] = p->is_b ? p->x[i] : 1;
}

#define RANGES 14 /* powers of two, those that the type itself holds */
static const int range_exponent[RANGES] = {0, 1, 2, 3, 5, 7, 10, 15, 20, -3, -7, -10, -14, -30};

static const struct assay_unit_format *format_seen(enum assay_dtype dtype, int bits, const double *x, const double *seen)
{
    for (int own = 1; own >= 0; own--) /* the type's own format first */
        for (size_t f = 0; f < assay_unit_n_formats; f++) {
            const struct assay_unit_format *format = &assay_unit_formats[f];
            const struct assay_unit_put     put = {.format = format, .rounding = ASSAY_UNIT_NEAREST_EVEN};
            bool same = format->is_float && format->precision == bits && (format == assay_unit_format_of(dtype)) == (own == 1);
            for (size_t i = 0; same && i < RANGES; i++)
                same = assay_unit_round(&put, x[i]) == seen[i] || (fabs(x[i]) < ldexp(1, format->min_exponent) && seen[i] == 0);
            if (same)
                return format;
        }
    return NULL;
}

static enum assay_code operand(const struct assay_numerics_device *device, bool is_b, const struct assay_unit_format **format,
                               struct assay_numerics *out, struct assay_error *err)
{
    double                    x[24 + RANGES], seen[24 + RANGES];
    int                       own = assay_format_of(device->dtype)->precision, bits = 1;
    const struct one_product  p = {x, is_b};
    struct numerics_questions q = {.n = 24 + RANGES, .terms = NUMERICS_TERMS, .fill = fill_one, .self = &p};
    for (int j = 0; j < 24; j++)
        x[j] = j < own ? 1 + ldexp(1, -j) : 0;
    for (int i = 0; i < RANGES; i++)
        x[24 + i] = assay_round_to(device->dtype, ldexp(1, range_exponent[i])) == ldexp(1, range_exponent[i]) ? ldexp(1, range_exponent[i]) : 1;
    if (numerics_ask(device, &q, seen, err))
        return err->code;
    while (bits < own && seen[bits] == x[bits])
        bits++;
    *format = format_seen(device->dtype, bits, x + 24, seen + 24);
    if (bits == 1)
        numerics_say(out, is_b ? "operand b" : "operand a", "unknown", "2 times 1 is %g, 1.5 times 1 is %g", seen[0], seen[1]);
    else
        numerics_say(out, is_b ? "operand b" : "operand a", *format ? (*format)->name : "unknown",
                 "1 + 2^-%d comes through%s; and powers of two", bits - 1, bits < own ? ", 1 bit more does not" : "");
    return ASSAY_OK;
}

/* ---- sums: how many bits ------------------------------------------------------------------------------------------ */

/* Large, small, minus large at three places: in one chain, in neighbours, far apart. */
static const size_t places[][3] = {{0, 1, 2}, {0, 1, 63}, {0, 2, 63}, {0, 4, 8}, {0, 8, 63}, {0, 16, 63}, {0, 32, 48}, {0, 32, 63}};
#define PLACES (sizeof places / sizeof *places)

struct loss {
    int low, most; /* exponents of the small term, of the largest large one over it */
};

static void fill_loss(const void *self, size_t i, double *a, double *b)
{
    const struct loss *l = self;
    const size_t      *at = places[i % PLACES];
    int                j = (int)(i / PLACES) + 1;
    numerics_power(a, b, at[0], l->low + j, 1);
    numerics_power(a, b, at[1], l->low, 1);
    numerics_power(a, b, at[2], l->low + j, -1);
}

/* The large term is a product of two powers of two. */
static int most_bits(const struct numerics_facts *f)
{
    double largest = f->a->largest < f->b->largest ? f->a->largest : f->b->largest;
    int    most = 2 * assay_unit_exponent(largest) - LOW;
    return most < NUMERICS_MOST_BITS - 1 ? most : NUMERICS_MOST_BITS - 1;
}

static enum assay_code sum_bits(const struct assay_numerics_device *device, struct numerics_facts *f, struct assay_numerics *out,
                                struct assay_error *err)
{
    static double             seen[NUMERICS_MOST_BITS * PLACES];
    struct loss               l = {LOW, most_bits(f)};
    struct numerics_questions q = {.n = (size_t)l.most * PLACES, .terms = NUMERICS_TERMS, .fill = fill_loss, .self = &l};
    char                      value[32] = "as many as could be asked for";
    if (numerics_ask(device, &q, seen, err))
        return err->code;
    f->sum_bits = f->near_bits = NUMERICS_MOST_BITS;
    for (size_t i = q.n; i-- > 0;) {
        if (seen[i] == ldexp(1, LOW))
            continue;
        f->sum_bits = (int)(i / PLACES) + 1;
        memcpy(f->at, places[i % PLACES], sizeof f->at);
        if (i % PLACES == 0)
            f->near_bits = f->sum_bits;
    }
    if (f->sum_bits < NUMERICS_MOST_BITS)
        (void)snprintf(value, sizeof value, "%d bits", f->sum_bits);
    numerics_say(out, "sums", value, f->sum_bits < NUMERICS_MOST_BITS ? "2^j + 1 - 2^j loses 1 from j = %d on, terms %zu, %zu, %zu"
                                                                  : "2^j + 1 - 2^j is 1 for every j below %d", 
                 f->sum_bits < NUMERICS_MOST_BITS ? f->sum_bits : l.most + 1, f->at[0], f->at[1], f->at[2]);
    return ASSAY_OK;
}

/* ---- sums: rounding ------------------------------------------------------------------------------------------------- */

/* X + 1.5 - X and its negative where units in the last place of X are 2; then the range of sums. */
static void fill_rounding(const void *self, size_t i, double *a, double *b)
{
    const struct numerics_facts *f = self;
    double                       sign = i == 1 ? -1 : 1;
    if (i == 2) { /* beyond f16: there it is not 0 */
        numerics_power(a, b, f->at[0], 16, 1);
        numerics_power(a, b, f->at[2], 16, -1);
        return;
    }
    numerics_power(a, b, f->at[0], LOW + f->sum_bits, sign);
    numerics_power(a, b, f->at[1], LOW, sign * 1.5);
    numerics_power(a, b, f->at[2], LOW + f->sum_bits, -sign);
}

static enum assay_code rounding(const struct assay_numerics_device *device, struct numerics_facts *f, struct assay_numerics *out,
                                struct assay_error *err)
{
    static const char *const  names[] = {"to nearest", "toward zero", "down"};
    double                    seen[3], unit = ldexp(1, LOW);
    struct numerics_questions q = {.n = 3, .terms = NUMERICS_TERMS, .fill = fill_rounding, .self = f};
    if (numerics_ask(device, &q, seen, err))
        return err->code;
    f->wide_range = seen[2] == 0;
    if (seen[0] == 2 * unit && seen[1] == -2 * unit)
        f->rounding = ASSAY_UNIT_NEAREST_EVEN;
    else if (seen[0] == 0 && seen[1] == 0)
        f->rounding = ASSAY_UNIT_TOWARD_ZERO;
    else if (seen[0] == 0 && seen[1] == -2 * unit)
        f->rounding = ASSAY_UNIT_DOWN;
    else
        f->rounds_otherwise = true;
    numerics_say(out, "sums round", f->rounds_otherwise ? "in some other way" : names[f->rounding],
                 "X + 1.5 - X is %g and -X - 1.5 + X is %g where the last place of X is 2", seen[0] / unit, seen[1] / unit);
    return ASSAY_OK;
}

/* ---- subnormal numbers ------------------------------------------------------------------------------------------------ */

static void fill_subnormal(const void *self, size_t i, double *a, double *b)
{
    const struct numerics_facts *f = self;
    int of_a = f->a->min_exponent - 1, of_b = f->b->min_exponent - 1;
    if (i == 2) {
        numerics_power(a, b, 0, (f->wide_range ? -126 : -14) - 1, 1);
        return;
    }
    a[0] = ldexp(1, i == 0 ? of_a : -of_b / 2);
    b[0] = ldexp(1, i == 0 ? -of_a / 2 : of_b);
}

static enum assay_code subnormals(const struct assay_numerics_device *device, struct numerics_facts *f, struct assay_numerics *out,
                                  struct assay_error *err)
{
    double                    seen[3];
    struct numerics_questions q = {.n = 2, .terms = NUMERICS_TERMS, .fill = fill_subnormal, .self = f};
    /* A sum below f32's numbers comes out where the type that is stored has its range, from operands that reach so low. */
    f->sums_reach_subnormals = f->wide_range ? f->a->min_exponent == -126 && device->dtype != ASSAY_F16 : f->a->min_exponent <= -14;
    q.n += f->sums_reach_subnormals;
    if (numerics_ask(device, &q, seen, err))
        return err->code;
    f->flush_inputs = seen[0] == 0 || seen[1] == 0;
    f->flush_sums = f->sums_reach_subnormals && seen[2] == 0;
    numerics_say(out, "subnormal operands", f->flush_inputs ? "read as zeros" : "kept", "2^%d times a power of two is %g",
                 f->a->min_exponent - 1, seen[f->flush_inputs && seen[0] != 0]);
    if (f->sums_reach_subnormals)
        numerics_say(out, "subnormal sums", f->flush_sums ? "become zeros" : "kept", "a product of 2^%d is %g",
                     (f->wide_range ? -126 : -14) - 1, seen[2]);
    else
        numerics_say(out, "subnormal sums", "not reached", "operands of %s times %s do not come that low in %s", f->a->name, f->b->name,
                     assay_dtype_name(device->dtype));
    return ASSAY_OK;
}

enum assay_code numerics_floats(const struct assay_numerics_device *device, struct numerics_facts *f, struct assay_numerics *out,
                                struct assay_error *err)
{
    if (operand(device, false, &f->a, out, err) || operand(device, true, &f->b, out, err) || !f->a || !f->b)
        return err->code;
    if (sum_bits(device, f, out, err) || f->sum_bits == NUMERICS_MOST_BITS || rounding(device, f, out, err))
        return err->code;
    return subnormals(device, f, out, err);
}

/* ---- integers ------------------------------------------------------------------------------------------------------ */

static const struct assay_unit_format *integer_seen(enum assay_dtype dtype, const double *x, const double *seen, size_t n)
{
    for (int own = 1; own >= 0; own--) /* the type's own format first */
        for (size_t f = 0; f < assay_unit_n_formats; f++) {
            const struct assay_unit_put put = {.format = &assay_unit_formats[f], .overflow = ASSAY_UNIT_SATURATE};
            bool                        same = !put.format->is_float && (put.format == assay_unit_format_of(dtype)) == (own == 1);
            for (size_t i = 0; same && i < n; i++)
                same = assay_unit_round(&put, x[i]) == seen[i];
            if (same)
                return put.format;
        }
    return NULL;
}

enum assay_code numerics_integers(const struct assay_numerics_device *device, struct numerics_facts *f, struct assay_numerics *out,
                                  struct assay_error *err)
{
    static const double all[] = {-40000, -129, -128, -9, -8, -1, 0, 1, 7, 8, 15, 16, 127, 128, 255, 256, 40000};
    enum { N = sizeof all / sizeof *all };
    double x[N], seen[N];
    for (int is_b = 0; is_b < 2; is_b++) {
        enum assay_dtype          dtype = is_b ? device->b : device->a;
        const struct one_product  p = {x, is_b == 1};
        struct numerics_questions q = {.terms = NUMERICS_TERMS, .fill = fill_one, .self = &p};
        for (size_t i = 0; i < N; i++)
            if (all[i] >= assay_unit_format_of(dtype)->least && all[i] <= assay_unit_format_of(dtype)->largest)
                x[q.n++] = all[i];
        if (numerics_ask(device, &q, seen, err))
            return err->code;
        const struct assay_unit_format *format = integer_seen(dtype, x, seen, q.n);
        *(is_b ? &f->b : &f->a) = format;
        numerics_say(out, is_b ? "operand b" : "operand a", format ? format->name : "unknown", "%g times 1 is %g, %g times 1 is %g", x[0],
                     seen[0], x[q.n - 1], seen[q.n - 1]);
    }
    return ASSAY_OK;
}
