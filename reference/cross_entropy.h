/* What the loss of a classifier and its gradient share: rows of scores, one for each label. */
#ifndef ASSAY_REFERENCE_CROSS_ENTROPY_H
#define ASSAY_REFERENCE_CROSS_ENTROPY_H

#include "reference/softmax_row.h"

enum assay_ref_loss { ASSAY_REF_LOSS_NONE, ASSAY_REF_LOSS_SUM, ASSAY_REF_LOSS_MEAN };

struct assay_ref_cross_entropy {
    const struct assay_ref_call *call;
    const struct assay_ref_tensor *scores, *labels, *weights;
    struct assay_ref_axis axis; /* of the classes */
    enum assay_ref_loss reduction;
    bool ignores;
    int64_t ignored;
};
/* `first` is the input that holds the scores. */
struct assay_ref_cross_entropy assay_ref_cross_entropy_of(const struct assay_ref_call *call, uint32_t first);

/* Label of row r. -1: ignored; -2: no class has that number, and nothing can be said. */
int64_t assay_ref_label(const struct assay_ref_cross_entropy *x, int64_t row);
/* The label's weight; 1 where there are none. */
struct assay_bounded assay_ref_label_weight(const struct assay_ref_cross_entropy *x, int64_t label);
/* Scores of row r side by side: C values, then C errors. */
struct assay_ref_vector assay_ref_scores(const struct assay_ref_cross_entropy *x, int64_t row, double *to);
/* What a mean is divided by: the sum of the weights of the labels that are not ignored. */
struct assay_bounded assay_ref_total_weight(const struct assay_ref_cross_entropy *x);

#endif
