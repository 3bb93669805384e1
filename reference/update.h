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

/* Elements that lie side by side (update_run.c): the same numbers, bit for bit, as vectors. */
enum assay_ref_adam_part { ASSAY_REF_ADAM_DIRECTION, ASSAY_REF_ADAM_FIRST, ASSAY_REF_ADAM_SECOND, ASSAY_REF_ADAM_STEP };
struct assay_ref_adam_run {
    const struct assay_ref_call *call;
    struct assay_ref_adam adam;
    enum assay_ref_adam_part part;
    uint32_t param;            /* P, G, M, V stand from this input on */
    struct assay_bounded rate; /* of STEP: P - rate U, as AdamW makes it */
    /* One element: its place k in index[], value[] and bound[]; it ends with assay_ref_put. */
    void (*each)(const struct assay_ref_adam_run *run, size_t k);
    const int64_t *index;
    double *value, *bound;
};
/* All n elements, on several threads: those that lie side by side as vectors, the others by each(). */
void assay_ref_adam_do(const struct assay_ref_adam_run *run, size_t n);

#endif
