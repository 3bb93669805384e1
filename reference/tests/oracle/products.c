/* Products of matrices: sums over the inner index, as they are defined. */
#include "oracle.h"

/* The place in a stack of matrices of (batch of the result, row, column). */
static number in_stack(const struct oracle_tensor *t, int32_t batch_rank, const int64_t batch[], int64_t row, int64_t column)
{
    int64_t at[ASSAY_MAX_RANK];
    int32_t own = t->rank - 2;
    for (int32_t d = 0; d < own; d++)
        at[d] = t->dims[d] == 1 ? 0 : batch[batch_rank - own + d];
    at[own] = row;
    at[own + 1] = column;
    return element_at(t, at);
}

/* As numpy's matmul: a vector is a row in front and a column behind, and leaves no axis. */
static number matmul(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *a = &o->in[0], *b = &o->in[1];
    int32_t rank = o->out[out].rank;
    int64_t column = b->rank > 1 ? at[--rank] : 0, row = a->rank > 1 ? at[--rank] : 0;
    number  sum = num(0);
    for (int64_t k = 0; k < a->dims[a->rank - 1]; k++)
        sum = plus(sum, times(a->rank > 1 ? in_stack(a, rank, at, row, k) : a->x[k],
                              b->rank > 1 ? in_stack(b, rank, at, k, column) : b->x[k]));
    return sum;
}
ORACLE(MatMul) = {.element = matmul};

/* Of one matrix for all, or one a line. */
static number zero_point(const struct oracle_tensor *zero, int64_t line)
{
    return !is_there(zero) ? num(0) : zero->n == 1 ? zero->x[0] : zero->x[line];
}

/* Of what both have more than their zero points; samples are too short to wrap. */
static number matmul_integer(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *a = &o->in[0], *b = &o->in[1];
    int32_t rank = o->out[out].rank;
    int64_t column = b->rank > 1 ? at[--rank] : 0, row = a->rank > 1 ? at[--rank] : 0;
    number  sum = num(0), za = zero_point(&o->in[2], row), zb = zero_point(&o->in[3], column);
    for (int64_t k = 0; k < a->dims[a->rank - 1]; k++)
        sum = plus(sum, times(minus(a->rank > 1 ? in_stack(a, rank, at, row, k) : a->x[k], za),
                              minus(b->rank > 1 ? in_stack(b, rank, at, k, column) : b->x[k], zb)));
    return sum;
}
ORACLE(MatMulInteger) = {.element = matmul_integer};

static number of_matrix(const struct oracle_tensor *t, bool transposed, int64_t row, int64_t column)
{
    return element_at(t, transposed ? (int64_t[]){column, row} : (int64_t[]){row, column});
}

static number gemm(const struct oracle *o, uint32_t out, const int64_t at[])
{
    bool    flip_a = attr_i(o, "transA") != 0, flip_b = attr_i(o, "transB") != 0;
    int64_t terms = o->in[0].dims[flip_a ? 0 : 1];
    number  sum = num(0);
    (void)out;
    for (int64_t k = 0; k < terms; k++)
        sum = plus(sum, times(of_matrix(&o->in[0], flip_a, at[0], k), of_matrix(&o->in[1], flip_b, k, at[1])));
    sum = times(attr_f(o, "alpha"), sum);
    return is_there(&o->in[2]) ? plus(sum, times(attr_f(o, "beta"), stretched_at(&o->in[2], 2, at))) : sum;
}
ORACLE(Gemm) = {.element = gemm};

/* ---- by groups of rows: operands rows, matrices, counts ------------------------------------------------------------- */

/* The group that a row is in. */
static int64_t group_of(const struct oracle_tensor *counts, int64_t row)
{
    int64_t e = 0;
    for (int64_t end = whole_at(counts, 0); row >= end; end += whole_at(counts, e))
        e++;
    return e;
}

static number grouped(const struct oracle *o, uint32_t out, const int64_t at[])
{
    int64_t e = group_of(&o->in[2], at[0]);
    bool    flip = attr_i(o, "transB") != 0;
    number  sum = num(0);
    (void)out;
    for (int64_t k = 0; k < o->in[0].dims[1]; k++)
        sum = plus(sum, times(element_at(&o->in[0], (int64_t[]){at[0], k}),
                              element_at(&o->in[1], flip ? (int64_t[]){e, at[1], k} : (int64_t[]){e, k, at[1]})));
    return sum;
}
ORACLE(GroupedMatMul) = {.element = grouped};

/* Operands A, B, counts: the sum over the rows of group at[0]. */
static number grouped_weight_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    number sum = num(0);
    (void)out;
    for (int64_t r = 0; r < o->in[0].dims[0]; r++)
        if (group_of(&o->in[2], r) == at[0])
            sum = plus(sum, times(element_at(&o->in[0], (int64_t[]){r, at[1]}), element_at(&o->in[1], (int64_t[]){r, at[2]})));
    return sum;
}
ORACLE(GroupedMatMulWeightGrad) = {.element = grouped_weight_grad};
