/* Sums of slices that go where indices say: out[o, k, i] = sum over the terms t whose index is k of scale[t] *
 * from[o, slice of t, i]. The indices are sorted once; each sum is then as long as its own terms. */
#ifndef ASSAY_REFERENCE_SCATTER_H
#define ASSAY_REFERENCE_SCATTER_H

#include "reference/index.h"

struct assay_ref_scatter {
    const struct assay_ref_call   *call;
    const struct assay_ref_tensor *indices; /* of `terms` elements, in -length..length-1 */
    int64_t                        length, inner, terms;
    struct assay_ref_vector        from;
    int64_t                        slices; /* of `from` for one o; 0: one a term */
    const int64_t                 *slice;  /* by term, or NULL: its own number */
    const double                  *divisor; /* by term, or NULL: scale is 1 / divisor, rounded as a device does */
};
/* An index that is uncertain makes all that is asked for uncertain. */
enum assay_code assay_ref_scatter_at(const struct assay_ref_scatter *s, size_t n, const int64_t *index, double *value,
                                     double *bound, struct assay_error *err);

#endif
