/* ReduceSum: |error| <= gamma_{n-1}(u) sum |x| + sum e, for any order. */
#include "reference/reduce.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    return assay_ref_reduce(call, ASSAY_REF_SUM, n, index, value, bound, err);
}

ASSAY_OP_REFERENCE(ReduceSum) = {.at = at, .quantum = assay_ref_quantum_of_first};
