/* Sums over patches of images, for whole images at a time: what Conv and its gradients share. Tiles of patches are gathered
 * once and meet blocks of filters as rows of a dense product (dense.h); the bits are those of element by element. */
#ifndef ASSAY_REFERENCE_PATCHES_H
#define ASSAY_REFERENCE_PATCHES_H

#include "reference/arithmetic.h"

/* out[image, column, position] = sum over k < terms of patch[image, group of the column, position][k] y[column][k]. */
struct assay_ref_patches {
    const struct assay_ref_call *call;
    int64_t first, images;   /* images [first, first + images) are asked for; the element at place 0 is the first one's first */
    int64_t groups, columns; /* columns of all groups, as many to each */
    int64_t plane, terms;    /* positions of an image; terms of a sum */
    const double *y;         /* columns rows of terms */
    /* The patches of n positions from `position` on, a row each. met[] tells how many of their terms are no padding. */
    void (*gather)(const void *self, int64_t image, int64_t group, int64_t position, int64_t n, double *patch, int64_t *met);
    /* Puts the element at `place`. Where values alone are asked for, the sum is nothing but its value. */
    void (*finish)(const void *self, size_t place, int64_t column, struct assay_ref_sum sum, int64_t met);
    const void *self;
};
enum assay_code assay_ref_patches_at(const struct assay_ref_patches *p, struct assay_error *err);

/* A sum that is no number only because zeros of the padding, in patch[n], met what is none: a device may leave those products
 * out, so that nothing is known of it. */
void assay_ref_padding(struct assay_ref_sum *s, size_t n, const double *patch, const double *row);

/* Are the elements asked for consecutive, whole slices of so many elements, and sums of the kind that dense.h makes: of exact
 * operands that are numbers, not compensated? */
bool assay_ref_whole_slices(const struct assay_ref_call *call, size_t n, const int64_t *index, int64_t slice);

#endif
