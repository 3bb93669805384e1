#include "reference/index.h"

#include "assay/banned.h"

enum assay_code assay_ref_check_indices(const struct assay_ref_call *call, uint32_t input, int64_t low, int64_t high,
                                        struct assay_error *err)
{
    const struct assay_ref_tensor *t = &call->in[input];
    for (uint64_t i = 0; i < t->elements; i++)
        if (!(t->value[i] >= (double)low && t->value[i] < (double)high))
            return ASSAY_FAIL(err, ASSAY_DATA, "index %lld of input %u is %.0f, not in %lld..%lld", (long long)i, input,
                              t->value[i], (long long)low, (long long)high - 1);
    return ASSAY_OK;
}

bool assay_ref_any_uncertain(const struct assay_ref_tensor *t)
{
    for (uint64_t i = 0; t->error && i < t->elements; i++)
        if (t->error[i] > 0)
            return true;
    return false;
}

void assay_ref_forget(size_t n, double *bound)
{
    for (size_t i = 0; i < n; i++)
        bound[i] = INFINITY;
}
