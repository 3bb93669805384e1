/* All dot products of the rows of one matrix with the rows of another, as fast as this machine's vectors go. */
#ifndef ASSAY_REFERENCE_DENSE_H
#define ASSAY_REFERENCE_DENSE_H

#include <stddef.h>
#include <stdint.h>

/* value[i * step + j] = sum over k < terms of x[i * x_row + k] * y[j * y_row + k], i < rows, j < columns, and the sum of
 * the magnitudes of the products likewise. Every sum is made in the order of assay_ref_dot, with no operation fused: the
 * bits are the same for any vectors and any cutting. */
struct assay_ref_dense {
    int64_t       rows, columns, terms;
    const double *x, *y;
    int64_t       x_row, y_row;
    int64_t       y_term; /* of a multiplier only, where its columns do not lie side by side: y[j * y_row + k * y_term]; 0 is 1 */
    double       *value, *magnitude; /* magnitude NULL: not asked for */
    int64_t       step;
};
/* Runs on the calling thread. The operands should fit into its second cache together. */
void assay_ref_dense(const struct assay_ref_dense *d);

/* Another way to make these sums, in place of double: that of an emulated matrix unit. It runs on the calling thread. */
struct assay_ref_multiplier {
    void (*multiply)(const void *self, const struct assay_ref_dense *d);
    const void *self;
};
/* By the multiplier, if there is one; no magnitudes then. */
void assay_ref_multiply(const struct assay_ref_multiplier *by, const struct assay_ref_dense *d);

/* How many rows of `terms` numbers are worth taking at a time: they stay in the second cache. */
int64_t assay_ref_dense_rows(int64_t terms);

#endif
