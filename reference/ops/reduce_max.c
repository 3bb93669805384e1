/* ReduceMax: the largest, NaN if any is; exact. */
#include "reference/reduce.h"

#include "assay/banned.h"

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    return assay_ref_reduce(call, ASSAY_REF_MAX, n, index, value, bound, err);
}

ASSAY_OP_REFERENCE(ReduceMax) = {.at = at, .exact = true};
