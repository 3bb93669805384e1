/* What BatchNormalization, GroupNormalization and their gradients share: statistics over sets of elements that stand in
 * runs. The bound is that of two passes, as LayerNormalization's (README.md). */
#ifndef ASSAY_REFERENCE_CHANNELS_H
#define ASSAY_REFERENCE_CHANNELS_H

#include "reference/arithmetic.h"

/* Elements first + r * stride + i, r < runs, i < length: a channel of all images, a group of channels of one. */
struct assay_ref_runs {
    int64_t first, runs, length, stride;
};
static inline size_t assay_ref_runs_count(const struct assay_ref_runs *r)
{
    return (size_t)(r->runs * r->length);
}

/* X [n, c, d1, ..]; a vector is n values of one channel. */
struct assay_ref_channels {
    int64_t images, channels, each; /* each: elements of a channel of one image */
};
struct assay_ref_channels assay_ref_channels_of(const struct assay_ref_tensor *x);
struct assay_ref_runs     assay_ref_channel(const struct assay_ref_channels *s, int64_t channel);

struct assay_ref_moments {
    struct assay_bounded mean, variance, inverse; /* inverse: 1 / sqrt(variance + epsilon) */
};

/* The set's elements side by side: values, then (at n) errors, zero where the tensor is exact. */
struct assay_ref_vector assay_ref_runs_copy(const struct assay_ref_tensor *x, const struct assay_ref_runs *r, double *to);
/* Mean and variance of the n elements of `x`, which are then replaced by their differences to the mean. `x` is what
 * assay_ref_runs_copy made. */
struct assay_ref_moments assay_ref_centre(const struct assay_arithmetic *a, size_t n, double epsilon, double *x);

/* (x - mean) * factor + shift. A device may fold the mean into the shift, x * factor + (shift - mean * factor), as an
 * inference does that folds the statistics into two numbers a channel: u (3 |x factor| + 3 |mean factor| + 2 |shift|). */
struct assay_bounded assay_ref_shifted(const struct assay_arithmetic *a, struct assay_bounded x, struct assay_bounded mean,
                                       struct assay_bounded factor, struct assay_bounded shift);
/* factor * (dy - m1 - x * m2), associated in any way. */
struct assay_bounded assay_ref_projected(const struct assay_arithmetic *a, struct assay_bounded factor,
                                         struct assay_bounded dy, struct assay_bounded m1, struct assay_bounded x,
                                         struct assay_bounded m2);
/* Adds the parts of one sum that were made apart. */
void assay_ref_sum_add(struct assay_ref_sum *s, const struct assay_ref_sum *part);

#endif
