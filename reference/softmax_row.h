/* The weights of a softmax over one row, as a device may hold them on its way. Shared by Softmax and Attention. */
#ifndef ASSAY_REFERENCE_SOFTMAX_ROW_H
#define ASSAY_REFERENCE_SOFTMAX_ROW_H

#include "reference/arithmetic.h"

/* A row x[n] with errors e[n] becomes w[i] = exp(x[i] - max x) in place of x, and e[i] becomes the bound on what a
 * device holds in its place, up to a factor common to the row (the true maximum may differ, and cancels).
 *
 * Holds for the plain formulation and for the running one, which scales what it has whenever the maximum grows:
 * in exponents the shifts add up to x - max, and every rescaling costs one exp and one product. Counted are as many
 * rescalings as a pass over single elements makes on this row, or one every 16 elements, whichever is more.
 * Exponents may be taken to base 2 with factors that are rounded: 5 u |x - max| + 2 u |max|.
 * Errors are kept in the exponent: a weight is off by a factor of at most e^slack. */
struct assay_ref_softmax {
    struct assay_bounded sum; /* of the weights; value NaN when the row has no maximum to subtract */
    bool all_masked;          /* every element is -infinity: 0/0 in IEEE arithmetic */
};
struct assay_ref_softmax assay_ref_softmax_row(const struct assay_arithmetic *a, size_t n, double *x, double *e);
/* The same without bounds: returns the sum. */
double assay_ref_softmax_values(size_t n, double *x);
/* numerator / sum: one division, or a reciprocal and a product. */
struct assay_bounded assay_ref_softmax_divide(const struct assay_arithmetic *a, struct assay_bounded numerator,
                                              struct assay_bounded sum);


/* The logarithm of a row's sum of exponentials, for LogSoftmax and the loss on top of it. The row x[n] with errors e[n]
 * becomes its weights as above. */
struct assay_ref_log_sum {
    double greatest;          /* of the row; not finite: nothing can be said of it */
    struct assay_bounded log; /* of the sum of exp(x - greatest) */
    struct assay_ref_softmax softmax;
};
struct assay_ref_log_sum assay_ref_log_sum(const struct assay_arithmetic *a, size_t n, double *x, double *e);
/* x - greatest - log: subtracted one after the other, or their sum at once. */
struct assay_bounded assay_ref_log_weight(const struct assay_arithmetic *a, struct assay_bounded x,
                                          const struct assay_ref_log_sum *s);

#endif
