/* What the optimizers share: operands by element, and Adam's two moments. */
#ifndef ASSAY_REFERENCE_UPDATE_H
#define ASSAY_REFERENCE_UPDATE_H

#include "reference/elementwise.h"

/* The only element of an operand; `absent` where it is not there. */
struct assay_bounded assay_ref_scalar(const struct assay_ref_call *call, uint32_t i, double absent);

/* Constants of a step, formed in double and rounded to the accumulator once: 1 - 0.999 and 1 - 0.999^T would otherwise be
 * off by 2^-24 / 0.001 of themselves, which is no accuracy to allow. */
struct assay_ref_adam {
    struct assay_bounded beta1, rest1, beta2, rest2, correct1, correct2, epsilon, decay, scale;
    bool decays, scaled, open; /* open: T is no number of a step */
};
/* `step` is the input that holds T; `scale` that of scale. */
struct assay_ref_adam assay_ref_adam_of(const struct assay_ref_call *call, uint32_t step, uint32_t scale);

/* U, M' and V' of element i; P, G, M, V stand from input `param` on. */
struct assay_bounded assay_ref_adam_direction(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param, size_t i);
struct assay_bounded assay_ref_adam_first(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param, size_t i);
struct assay_bounded assay_ref_adam_second(const struct assay_ref_call *call, const struct assay_ref_adam *adam, uint32_t param, size_t i);

#endif
