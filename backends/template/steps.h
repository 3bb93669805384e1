/* One node, ready to run: what compile makes of a graph so that execute has nothing left to decide. */
#ifndef TEMPLATE_STEPS_H
#define TEMPLATE_STEPS_H

#include "assay/backend.h"
#include "kernels.h"

/* Services of the host, from the entry. */
extern const struct assay_host *host;

struct step;
typedef void step_fn(const struct step *step, unsigned char *const *memory);

struct step {
    step_fn *run;
    int32_t a, b, out; /* values */
    int64_t m, k, n;   /* MatMul; for Softmax: outer, length, inner */
    size_t elements;
    struct kernel_walk walk;
};

struct assay_value_view step_value(const struct assay_graph *g, int32_t value);

/* Fills *step for a node, or returns false and says why this device does not run it. */
bool step_plan(const struct assay_graph *g, uint32_t node, struct step *step, struct assay_text *why_not);

#endif
