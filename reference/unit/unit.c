#include "reference/unit/unit.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

#define MOST_LEVELS 64 /* of a tree */

static const struct assay_unit_format *const f32 = &assay_unit_formats[0];

double assay_unit_operand(const struct assay_matrix_unit *unit, const struct assay_unit_format *format, double x)
{
    const struct assay_unit_put put = {format, ASSAY_UNIT_NEAREST_EVEN, ASSAY_UNIT_SATURATE, unit->flush_inputs};
    return assay_unit_round(&put, x);
}

bool assay_unit_takes(const struct assay_matrix_unit *unit, enum assay_dtype dtype)
{
    return dtype != ASSAY_F64 && dtype != ASSAY_I64 && dtype != ASSAY_BOOL && assay_dtype_is_float(dtype) == unit->a->is_float;
}

bool assay_unit_holds(const struct assay_unit_format *format, enum assay_dtype dtype)
{
    const struct assay_unit_format *all = assay_unit_format_of(dtype);
    return all && !all->is_float && !format->is_float && format->least <= all->least && format->largest >= all->largest;
}

static bool put_equal(const struct assay_unit_put *x, const struct assay_unit_put *y)
{
    return x->format == y->format && x->rounding == y->rounding && x->overflow == y->overflow && x->flush == y->flush;
}

bool assay_unit_equal(const struct assay_matrix_unit *x, const struct assay_matrix_unit *y)
{
    return x->a == y->a && x->b == y->b && x->flush_inputs == y->flush_inputs && x->product == y->product &&
           x->block.length == y->block.length && x->block.sum == y->block.sum &&
           x->block.fraction_bits == y->block.fraction_bits && x->block.order == y->block.order &&
           put_equal(&x->block.put, &y->block.put) && put_equal(&x->accumulator.put, &y->accumulator.put) &&
           x->accumulator.order == y->accumulator.order && x->accumulator.chains == y->accumulator.chains &&
           x->accumulator.join == y->accumulator.join && x->promotion == y->promotion && put_equal(&x->output, &y->output);
}

/* ---- trees ----------------------------------------------------------------------------------------------------- */

/* Sums of 2^level neighbours that wait for their right-hand side, as the bits of a counter. */
struct tree {
    const struct assay_unit_put *put;
    uint64_t                     n;
    double                       sum[MOST_LEVELS];
};

static void tree_add(struct tree *t, double x)
{
    unsigned level = 0;
    for (; t->n >> level & 1; level++)
        x = assay_unit_add(t->put, t->sum[level], x);
    t->sum[level] = x;
    t->n++;
}

static double tree_end(const struct tree *t)
{
    bool   any = false;
    double x = 0;
    for (unsigned level = 0; level < MOST_LEVELS; level++) {
        if (!(t->n >> level & 1))
            continue;
        x = any ? assay_unit_add(t->put, t->sum[level], x) : t->sum[level];
        any = true;
    }
    return x;
}

/* ---- blocks ---------------------------------------------------------------------------------------------------- */

/* The operands of one block. */
struct operands {
    size_t        n;
    const double *a, *b;
    size_t        sa, sb;
};

static double product_of(const struct assay_matrix_unit *u, double a, double b)
{
    const struct assay_unit_put put = {.format = u->product, .rounding = ASSAY_UNIT_NEAREST_EVEN};
    return u->product ? assay_unit_round(&put, a * b) : a * b; /* exact in double: 24 bits times 24 */
}

static int exponent_in(const struct assay_unit_format *format, double x)
{
    int exponent = assay_unit_exponent(x);
    return exponent > format->min_exponent ? exponent : format->min_exponent;
}

static void products_of(const struct assay_matrix_unit *u, const struct operands *o, double *product, int *exponent, int *largest)
{
    for (size_t i = 0; i < o->n; i++) {
        double a = assay_unit_operand(u, u->a, o->a[i * o->sa]), b = assay_unit_operand(u, u->b, o->b[i * o->sb]);
        product[i] = product_of(u, a, b);
        if (!exponent || product[i] == 0 || !isfinite(product[i]))
            continue;
        exponent[i] = exponent_in(u->a, a) + exponent_in(u->b, b);
        *largest = exponent[i] > *largest ? exponent[i] : *largest;
    }
}

static double rounded_block(const struct assay_matrix_unit *u, const struct operands *o)
{
    double      product[ASSAY_UNIT_MAX_BLOCK], sum = 0;
    struct tree tree = {.put = &u->block.put};
    products_of(u, o, product, NULL, NULL);
    if (u->block.length == 1)
        return product[0];
    for (size_t i = 0; i < o->n; i++) {
        if (u->block.order == ASSAY_UNIT_TREE)
            tree_add(&tree, assay_unit_round(&u->block.put, product[i]));
        else
            sum = assay_unit_add(&u->block.put, sum, product[i]);
    }
    return u->block.order == ASSAY_UNIT_TREE ? tree_end(&tree) : sum;
}

/* A number of units, cut to a whole one. */
static double cut(const struct assay_matrix_unit *u, double x)
{
    return u->block.put.rounding == ASSAY_UNIT_DOWN              ? floor(x)
           : u->block.put.rounding == ASSAY_UNIT_NEAREST_EVEN ? nearbyint(x)
                                                                 : trunc(x);
}

/* Whole numbers below 2^(fraction bits + 2), at most 65 of them: their sum is exact in double. */
static double aligned_block(const struct assay_matrix_unit *u, const struct operands *o, double acc)
{
    double product[ASSAY_UNIT_MAX_BLOCK], all = acc, sum;
    int    exponent[ASSAY_UNIT_MAX_BLOCK], largest = INT32_MIN / 2;
    products_of(u, o, product, exponent, &largest);
    for (size_t i = 0; i < o->n; i++)
        all += product[i];
    if (!isfinite(all))
        return all;
    if (acc != 0) {
        int of_acc = exponent_in(u->accumulator.put.format, acc);
        largest = of_acc > largest ? of_acc : largest;
    }
    if (largest == INT32_MIN / 2)
        return acc;
    int    last = largest - (int)u->block.fraction_bits; /* exponent of the unit: products reach from -340 to 256 */
    double scale = assay_unit_power(-last);
    sum = cut(u, acc * scale);
    for (size_t i = 0; i < o->n; i++)
        sum += cut(u, product[i] * scale);
    return assay_unit_round(&u->accumulator.put, sum * assay_unit_power(last) + 0.0);
}

static double accumulate(const struct assay_matrix_unit *u, double acc, const struct operands *o)
{
    if (u->block.sum == ASSAY_UNIT_ALIGNED)
        return aligned_block(u, o, acc);
    return assay_unit_add(&u->accumulator.put, acc, rounded_block(u, o));
}

/* ---- sections -------------------------------------------------------------------------------------------------- */

static double join(const struct assay_matrix_unit *u, double *chain)
{
    const struct assay_unit_put *put = &u->accumulator.put;
    struct tree                  tree = {.put = put};
    uint32_t                     n = u->accumulator.chains;
    if (u->accumulator.join == ASSAY_UNIT_JOIN_PAIRS) {
        for (uint32_t i = 0; i < n; i++)
            tree_add(&tree, chain[i]);
        return tree_end(&tree);
    }
    if (u->accumulator.join == ASSAY_UNIT_JOIN_HALVES) {
        for (n /= 2; n; n /= 2)
            for (uint32_t i = 0; i < n; i++)
                chain[i] = assay_unit_add(put, chain[i], chain[i + n]);
        return chain[0];
    }
    for (uint32_t i = 1; i < n; i++)
        chain[0] = assay_unit_add(put, chain[0], chain[i]);
    return chain[0];
}

static double section(const struct assay_matrix_unit *u, const struct operands *all, double init)
{
    double      chain[ASSAY_UNIT_MAX_CHAINS] = {init};
    struct tree tree = {.put = &u->accumulator.put};
    bool        as_tree = u->accumulator.order == ASSAY_UNIT_TREE;
    for (size_t at = 0, block = 0; at < all->n; at += u->block.length, block++) {
        size_t          left = all->n - at;
        struct operands o = {left < u->block.length ? left : u->block.length, all->a + at * all->sa, all->b + at * all->sb,
                             all->sa, all->sb};
        double         *to = &chain[block % u->accumulator.chains];
        if (as_tree)
            tree_add(&tree, assay_unit_round(&u->accumulator.put, rounded_block(u, &o)));
        else
            *to = accumulate(u, *to, &o);
    }
    if (as_tree)
        return all->n ? assay_unit_add(&u->accumulator.put, init, tree_end(&tree)) : init;
    return join(u, chain);
}

double assay_unit_dot(const struct assay_matrix_unit *u, size_t k, const double *a, size_t sa, const double *b, size_t sb,
                      double init)
{
    const struct assay_unit_put promoted = {.format = f32};
    size_t                      each = u->promotion ? u->promotion : k;
    double                      sum = init;
    for (size_t at = 0; at < k; at += each) {
        struct operands o = {k - at < each ? k - at : each, a + at * sa, b + at * sb, sa, sb};
        if (u->promotion)
            sum = assay_unit_add(&promoted, sum, section(u, &o, 0));
        else
            sum = section(u, &o, init);
    }
    return assay_unit_round(&u->output, sum);
}
