/* What statistical bounds keep of values, for the files that make and use it: statistical.c, sweep.c, sums.c. Nobody else includes this. */
#ifndef ASSAY_REFERENCE_KEPT_H
#define ASSAY_REFERENCE_KEPT_H

#include "reference/held.h"
#include "reference/spread.h"

/* A value that is kept; it owns all three. */
struct assay_kept {
    bool                ready;
    double             *value;
    struct assay_packed local; /* its own op's worst-case bound; none: 0 */
    struct assay_spread spread;
};

struct assay_statistical {
    uint32_t           n_values;
    bool               replicas; /* false: values alone */
    struct assay_kept *kept;     /* one a value */
};

/* Empty, and not ready. */
void assay_kept_release(struct assay_kept *k);
/* Elements and sums that share the false alarm: those that were said, else the most that there can be. */
double assay_statistical_compared(const struct assay_reference *r);
/* Keeps the value; with an output all outputs. ASSAY_MEMORY, or what its op says. */
enum assay_code assay_statistical_ready(struct assay_reference *r, int32_t value, struct assay_error *err);
/* Makes and keeps the values of which target, one a value, is true. */
enum assay_code assay_statistical_sweep(struct assay_reference *r, const bool *target, struct assay_error *err);

#endif
