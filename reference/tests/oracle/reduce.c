/* Ops that fold axes: every element of the input that belongs to a place of the output, in one loop over all of them. */
#include "oracle.h"

/* Which axes of input 0 are folded: those that input 1 lists, or all where it lists none. */
static void folded_by_input(const struct oracle *o, bool folds[ASSAY_MAX_RANK])
{
    const struct oracle_tensor *axes = &o->in[1];
    int32_t rank = o->in[0].rank;
    bool    listed = is_there(axes) && axes->n > 0, none = !listed && attr_i(o, "noop_with_empty_axes");
    for (int32_t d = 0; d < rank; d++)
        folds[d] = !listed && !none;
    for (int64_t i = 0; listed && i < axes->n; i++)
        folds[(whole_at(axes, i) + rank) % rank] = true;
}

/* Does x's place fold into `at` of the result? */
static bool belongs(const struct oracle *o, int32_t rank, const bool folds[], const int64_t x_at[], const int64_t at[])
{
    bool keep = attr_i(o, "keepdims") != 0;
    for (int32_t d = 0, to = 0; d < rank; d++) {
        if (!folds[d] && x_at[d] != at[to])
            return false;
        to += keep || !folds[d];
    }
    return true;
}

/* Folds `step` over what belongs to `at`, from the number `so_far` (NULL: from the first). Counts it. */
static number fold(const struct oracle *o, const int64_t at[], number so_far, number (*step)(number, number), int64_t *n)
{
    const struct oracle_tensor *x = &o->in[0];
    bool folds[ASSAY_MAX_RANK] = {false};
    folded_by_input(o, folds);
    *n = 0;
    for (int64_t i = 0; i < x->n; i++) {
        int64_t x_at[ASSAY_MAX_RANK];
        place_of(x, i, x_at);
        if (!belongs(o, x->rank, folds, x_at, at))
            continue;
        so_far = so_far ? step(so_far, x->x[i]) : x->x[i];
        ++*n;
    }
    return so_far;
}

static number plus_square(number sum, number x)
{
    return plus(sum, squared(x));
}

static number greater(number a, number b)
{
    return is_nan(a) || is_above(a, b) ? a : b;
}

static number lesser(number a, number b)
{
    return is_nan(a) || is_above(b, a) ? a : b;
}

static number mean_of(number sum, int64_t n)
{
    return over(sum, whole((long)n));
}

#define FOLD(name, from, step, result)                                                    \
    static number name##_at(const struct oracle *o, uint32_t out, const int64_t at[])     \
    {                                                                                     \
        int64_t n;                                                                        \
        number  sum = fold(o, at, from, step, &n);                                        \
        (void)out;                                                                        \
        return (result);                                                                  \
    }                                                                                     \
    ORACLE(name) = {.element = name##_at};
FOLD(ReduceSum, num(0), plus, sum)
FOLD(ReduceMean, num(0), plus, mean_of(sum, n))
FOLD(ReduceSumSquare, num(0), plus_square, sum)
FOLD(ReduceL2, num(0), plus_square, root(sum))
FOLD(ReduceMax, NULL, greater, sum)
FOLD(ReduceMin, NULL, lesser, sum)

/* dY of the place that X's element folds into, shared by those that equal the extreme. Operands: dY, X. */
static number extreme_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *x = &o->in[1];
    const struct assay_attr    *axes = assay_node_attr(o->node, "axes");
    bool    folds[ASSAY_MAX_RANK] = {false}, extreme = true, largest = attr_i(o, "largest") != 0;
    int64_t y_at[ASSAY_MAX_RANK] = {0}, equals = 0, to = 0;
    number  mine = element_at(x, at);
    (void)out;
    for (size_t i = 0; i < axes->n; i++)
        folds[axes->list[i]] = true;
    for (int32_t d = 0; d < x->rank; d++)
        if (!folds[d] || attr_i(o, "keepdims"))
            y_at[to++] = folds[d] ? 0 : at[d];
    for (int64_t i = 0; i < x->n; i++) {
        int64_t x_at[ASSAY_MAX_RANK];
        place_of(x, i, x_at);
        if (!belongs(o, x->rank, folds, x_at, y_at))
            continue;
        extreme = extreme && !is_nan(x->x[i]) && !(largest ? is_above(x->x[i], mine) : is_above(mine, x->x[i]));
        equals += is_equal(x->x[i], mine);
    }
    return extreme ? over(element_at(dy, y_at), whole((long)equals)) : num(0);
}
ORACLE(ReduceExtremeGrad) = {.element = extreme_grad};
