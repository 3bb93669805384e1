/* Products of groups of rows: GroupedMatMul and the gradient of its matrices. */
#ifndef ASSAY_REFERENCE_GROUPED_H
#define ASSAY_REFERENCE_GROUPED_H

#include "reference/moe.h"

/* Chosen elements by group, each group a product of its own: `describe` fills p (all but value, bound, index) for a group whose
 * rows are first[g] .. first[g + 1] - 1; `locate` says which group an element belongs to and its index in the product. */
struct assay_ref_grouped {
    const struct assay_ref_call *call;
    const int64_t *first;
    int64_t n_groups;
    int64_t (*locate)(const struct assay_ref_grouped *self, int64_t index, int64_t *inside);
    void (*describe)(const struct assay_ref_grouped *self, int64_t group, struct assay_ref_product *p);
    struct assay_ref_vector x, y;
    int64_t width; /* of what describe needs */
    bool turned;
};
enum assay_code assay_ref_grouped_at(const struct assay_ref_grouped *g, size_t n, const int64_t *index, double *value,
                                     double *bound, struct assay_error *err);

#endif
