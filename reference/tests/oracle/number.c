#include "number.h"

#include <math.h>
#include <stdlib.h>

#include "reference/formats/formats.h"

/* Blocks that never move; their numbers are made once and used again. */
enum { BLOCK = 4096, MAX_BLOCKS = 4096 };
static struct {
    __mpfr_struct *block[MAX_BLOCKS];
    size_t         blocks, used;
} pool;

static mpfr_ptr next(void)
{
    size_t b = pool.used / BLOCK;
    if (b == pool.blocks) {
        if (b == MAX_BLOCKS || !(pool.block[b] = malloc(BLOCK * sizeof *pool.block[b])))
            abort(); /* a test that cannot go on */
        for (size_t i = 0; i < BLOCK; i++)
            mpfr_init2(&pool.block[b][i], NUMBER_BITS);
        pool.blocks++;
    }
    return &pool.block[b][pool.used++ % BLOCK];
}

size_t numbers_mark(void)
{
    return pool.used;
}

void numbers_release(size_t mark)
{
    pool.used = mark;
}

void numbers_free(void)
{
    for (size_t b = 0; b < pool.blocks; b++) {
        for (size_t i = 0; i < BLOCK; i++)
            mpfr_clear(&pool.block[b][i]);
        free(pool.block[b]);
    }
    pool.blocks = pool.used = 0;
    mpfr_free_cache();
}

number num(double x)
{
    mpfr_ptr r = next();
    mpfr_set_d(r, x, MPFR_RNDN);
    return r;
}

number whole(long x)
{
    mpfr_ptr r = next();
    mpfr_set_si(r, x, MPFR_RNDN);
    return r;
}

number decimal(const char *digits)
{
    mpfr_ptr r = next();
    mpfr_set_str(r, digits, 10, MPFR_RNDN);
    return r;
}

number copied(number x)
{
    mpfr_ptr r = next();
    mpfr_set(r, x, MPFR_RNDN);
    return r;
}

#define BINARY(name, function)       \
    number name(number a, number b)  \
    {                                \
        mpfr_ptr r = next();         \
        function(r, a, b, MPFR_RNDN); \
        return r;                    \
    }
BINARY(plus, mpfr_add)
BINARY(minus, mpfr_sub)
BINARY(times, mpfr_mul)
BINARY(over, mpfr_div)
BINARY(to_the, mpfr_pow)

#define UNARY(name, function)     \
    number name(number a)         \
    {                             \
        mpfr_ptr r = next();      \
        function(r, a, MPFR_RNDN); \
        return r;                 \
    }
UNARY(negated, mpfr_neg)
UNARY(magnitude, mpfr_abs)
UNARY(root, mpfr_sqrt)
UNARY(exp_of, mpfr_exp)
UNARY(log_of, mpfr_log)
UNARY(log1p_of, mpfr_log1p)
UNARY(erf_of, mpfr_erf)
UNARY(erfc_of, mpfr_erfc)
UNARY(tanh_of, mpfr_tanh)
UNARY(sin_of, mpfr_sin)
UNARY(cos_of, mpfr_cos)

number pi_itself(void)
{
    mpfr_ptr r = next();
    mpfr_const_pi(r, MPFR_RNDN);
    return r;
}

number truncated(number a)
{
    mpfr_ptr r = next();
    mpfr_trunc(r, a);
    return r;
}

number floored(number a)
{
    mpfr_ptr r = next();
    mpfr_floor(r, a);
    return r;
}

number nearest_even(number a)
{
    mpfr_ptr r = next();
    mpfr_roundeven(r, a);
    return r;
}

bool is_above(number a, number b)
{
    return mpfr_greater_p(a, b) != 0;
}

bool is_equal(number a, number b)
{
    return mpfr_equal_p(a, b) != 0;
}

bool is_nan(number a)
{
    return mpfr_nan_p(a) != 0;
}

long as_long(number a)
{
    return mpfr_get_si(a, MPFR_RNDN);
}

static double beyond(const struct assay_number_format *f, double sign, bool saturate)
{
    if (f->has_infinity && !saturate)
        return sign * (double)INFINITY;
    return saturate || f->nan == ASSAY_NAN_NONE ? sign * f->largest : (double)NAN;
}

/* The numbers of a format near x are the multiples of 2^step, step the exponent of the last bit there is room for. */
double rounded_to(enum assay_dtype dtype, number x, bool saturate)
{
    const struct assay_number_format *f = assay_format_of(dtype);
    if (!f || mpfr_nan_p(x) || mpfr_zero_p(x))
        return mpfr_get_d(x, MPFR_RNDN);
    double sign = mpfr_signbit(x) ? -1 : 1;
    if (mpfr_inf_p(x))
        return beyond(f, sign, saturate);
    int least;
    (void)frexp(f->smallest, &least);
    long step = mpfr_get_exp(x) - f->precision;
    step = step > least - 1 ? step : least - 1;
    mpfr_t multiple;
    mpfr_init2(multiple, NUMBER_BITS);
    mpfr_mul_2si(multiple, x, -step, MPFR_RNDN);
    mpfr_roundeven(multiple, multiple);
    mpfr_mul_2si(multiple, multiple, step, MPFR_RNDN);
    bool   fits = mpfr_cmpabs(multiple, num(f->largest)) <= 0;
    double result = mpfr_get_d(multiple, MPFR_RNDN);
    mpfr_clear(multiple);
    return fits ? result : beyond(f, sign, saturate);
}
