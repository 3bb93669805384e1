/* Operands that are indices: where they point, and whether that is certain. */
#ifndef ASSAY_REFERENCE_INDEX_H
#define ASSAY_REFERENCE_INDEX_H

#include "reference/arithmetic.h"

/* Every index of the tensor lies in [low, high); else refused (ASSAY_DATA) with the first that does not. Indices whose
 * choice is uncertain count as they are. */
enum assay_code assay_ref_check_indices(const struct assay_ref_call *call, uint32_t input, int64_t low, int64_t high,
                                        struct assay_error *err);
/* Is any element of the tensor more than rounded: a choice that a device may have made otherwise? */
bool assay_ref_any_uncertain(const struct assay_ref_tensor *t);
static inline bool assay_ref_uncertain(const struct assay_ref_tensor *t, size_t i)
{
    return t->error && t->error[i] > 0;
}
/* Every element's bound is infinite: nothing can be said. Values stay. */
void assay_ref_forget(size_t n, double *bound);

#endif
