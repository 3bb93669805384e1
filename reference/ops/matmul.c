/* MatMul: numpy.matmul. value = sum over k of A[.., m, k] B[.., k, n].
 * bound: gamma_K(u) sum |A||B| + sum (|A| eB + eA |B| + eA eB) + store; for any order and any use of FMA. */
#include <stdlib.h>

#include "reference/matrices.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_matrices s = assay_ref_matrices_of(call);
    struct assay_ref_product p;
    int64_t *offsets;
    enum assay_code code;
    assay_ref_matrices_flatten(call, &s);
    if ((code = assay_ref_matrices_product(call, &s, &p, &offsets, err)))
        return code;
    p.value = value;
    p.bound = bound;
    p.index = index;
    code = assay_ref_product_at(&p, n, err);
    free(offsets);
    return code;
}

static enum assay_code fold(const struct assay_ref_call *call, int32_t axis, const double *weight, size_t n,
                            const int64_t *index, double *value, double *bound, struct assay_error *err)
{
    struct assay_ref_matrices s = assay_ref_matrices_of(call);
    struct assay_ref_product p;
    int64_t *offsets;
    bool columns = s.has_column_axis && axis == call->out[0].rank - 1;
    enum assay_code code;
    if (axis < s.n_batch_dims)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "MatMul folds its last two axes, not axis %d", (int)axis);
    if ((code = assay_ref_matrices_product(call, &s, &p, &offsets, err)))
        return code;
    p.value = value;
    p.bound = bound;
    p.index = index;
    code = assay_ref_product_fold(&p, columns, weight, n, err);
    free(offsets);
    return code;
}

ASSAY_OP_REFERENCE(MatMul) = {.at = at, .fold = fold, .quantum = assay_ref_quantum_of_products};
