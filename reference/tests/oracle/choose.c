/* Orders: of two elements the one with the greater number comes first, of equals the one with the lower index. An element's
 * rank is the count of those before it. */
#include "oracle.h"

static number on_line(const struct oracle_tensor *x, const int64_t at[], int64_t axis, int64_t k)
{
    int64_t there[ASSAY_MAX_RANK];
    for (int32_t d = 0; d < x->rank; d++)
        there[d] = d == axis ? k : at[d];
    return element_at(x, there);
}

/* NaN is greater than all. */
static bool comes_before(number a, int64_t i, number b, int64_t j, bool largest)
{
    bool above = largest ? is_above(a, b) || (is_nan(a) && !is_nan(b)) : is_above(b, a) || (is_nan(b) && !is_nan(a));
    bool equal = is_equal(a, b) || (is_nan(a) && is_nan(b));
    return above || (equal && i < j);
}

/* Which element of the line through `at` has a rank. */
static int64_t of_rank(const struct oracle_tensor *x, const int64_t at[], int64_t axis, int64_t rank, bool largest)
{
    for (int64_t k = 0; k < x->dims[axis]; k++) {
        int64_t before = 0;
        for (int64_t j = 0; j < x->dims[axis]; j++)
            before += j != k && comes_before(on_line(x, at, axis, j), j, on_line(x, at, axis, k), k, largest);
        if (before == rank)
            return k;
    }
    return -1;
}

static number top_k(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t axis = attr_i(o, "axis"), k = of_rank(&o->in[0], at, axis, at[axis], attr_i(o, "largest") != 0);
    return out ? whole((long)k) : on_line(&o->in[0], at, axis, k);
}
ORACLE(TopK) = {.element = top_k};

/* Operands dY, indices. */
static number top_k_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t axis = attr_i(o, "axis");
    number  sum = num(0);
    (void)out;
    for (int64_t k = 0; k < o->in[0].dims[axis]; k++)
        if (as_long(on_line(&o->in[1], at, axis, k)) == at[axis])
            sum = plus(sum, on_line(&o->in[0], at, axis, k));
    return sum;
}
ORACLE(TopKGrad) = {.element = top_k_grad};

static number arg_max(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *x = &o->in[0];
    int64_t axis = attr_i(o, "axis"), there[ASSAY_MAX_RANK] = {0};
    (void)out;
    for (int32_t d = 0; d < x->rank; d++)
        there[d] = attr_i(o, "keepdims") || d < axis ? at[d] : d > axis ? at[d - 1] : 0;
    int64_t first = of_rank(x, there, axis, 0, true), last = first;
    for (int64_t k = first; attr_i(o, "select_last_index") && k < x->dims[axis]; k++)
        last = is_equal(on_line(x, there, axis, k), on_line(x, there, axis, first)) ? k : last;
    return whole((long)last);
}
ORACLE(ArgMax) = {.element = arg_max};
