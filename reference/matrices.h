/* The operands of a numpy.matmul as batches of matrices: what MatMul and MatMulInteger share. */
#ifndef ASSAY_REFERENCE_MATRICES_H
#define ASSAY_REFERENCE_MATRICES_H

#include "reference/arithmetic.h"

/* A vector is a row on the left and a column on the right. */
struct assay_ref_matrices {
    int64_t m, k, n, batches;
    int32_t n_batch_dims; /* of the output */
    bool    has_row_axis, has_column_axis;
};
struct assay_ref_matrices assay_ref_matrices_of(const struct assay_ref_call *call);
/* One right operand for all batches: their rows become those of one tall matrix. */
void assay_ref_matrices_flatten(const struct assay_ref_call *call, struct assay_ref_matrices *s);
/* Fills what the product reads. *offsets, which it borrows, is freed by the caller: where every batch's matrix begins, of the left
 * operand and then of the right one. */
enum assay_code assay_ref_matrices_product(const struct assay_ref_call *call, const struct assay_ref_matrices *s,
                                           struct assay_ref_product *p, int64_t **offsets, struct assay_error *err);

#endif
