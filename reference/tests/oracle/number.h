/* Real numbers of 200 bits, written as formulas: plus(times(a, b), c). Every function gives a new number out of a pool and
 * leaves its operands alone; numbers die when the pool is released to a mark that was taken before them. Exponents go to
 * 2^62, so that nothing overflows that a double can lead to, and nothing underflows; what has no value is NaN, and what has
 * no end infinity, as IEEE 754 has them. */
#ifndef ASSAY_ORACLE_NUMBER_H
#define ASSAY_ORACLE_NUMBER_H

#include <mpfr.h>
#include <stdbool.h>
#include <stddef.h>

#include "assay/dtype.h"

#define NUMBER_BITS 200

typedef mpfr_srcptr number;

size_t numbers_mark(void);
void   numbers_release(size_t mark); /* `mark` numbers stay */
void   numbers_free(void);           /* and the memory with them */

number num(double x); /* exact */
number whole(long x); /* exact */
number decimal(const char *digits);
number copied(number x); /* into the place that is next in the pool */

number plus(number a, number b);
number minus(number a, number b);
number times(number a, number b);
number over(number a, number b);
number to_the(number a, number b);
number negated(number a);
number magnitude(number a);
number root(number a);
number exp_of(number a);
number log_of(number a);
number log1p_of(number a);
number erf_of(number a);
number erfc_of(number a);
number tanh_of(number a);
number sin_of(number a);
number cos_of(number a);
number pi_itself(void);
number truncated(number a);
number floored(number a);
number nearest_even(number a); /* of integers, halves to even ones */

static inline number squared(number a)
{
    return times(a, a);
}
bool is_above(number a, number b); /* a > b; never of NaN */
bool is_equal(number a, number b);
bool is_nan(number a);
long as_long(number a); /* of a whole number that fits */

/* One rounding to a format, to nearest even, subnormals included. Beyond the largest: the largest if `saturate` or if the
 * format has nothing beyond, else infinity, or NaN where there is no infinity. Integers and bool: the number itself. */
double rounded_to(enum assay_dtype dtype, number x, bool saturate);

#endif
