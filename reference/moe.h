/* What the ops of mixtures of experts share: which rows belong to which expert, which row a slot became. */
#ifndef ASSAY_REFERENCE_MOE_H
#define ASSAY_REFERENCE_MOE_H

#include "reference/index.h"

/* first[e] .. first[e + 1] - 1 are the rows of expert e. Counts that are negative or do not add up to `rows` are refused. */
enum assay_code assay_ref_groups_of(const struct assay_ref_call *call, uint32_t input, int64_t rows, int64_t *first,
                                    struct assay_error *err);
/* row[slot] for every slot of a permutation; one that is none is refused. To be freed. */
enum assay_code assay_ref_rows_of_slots(const struct assay_ref_call *call, uint32_t input, int64_t **row, struct assay_error *err);
/* Value and bound of a softmax (or sigmoid) of n logits that stand in x and their errors in e. `apart` gets bounds apart from
 * a factor that all scores of the row share, the error of a softmax's sum: it cancels where scores are divided by each other,
 * and moves none past another. */
void assay_ref_moe_scores(const struct assay_arithmetic *a, bool softmax, size_t n, double *x, double *e, double *apart);

#endif
