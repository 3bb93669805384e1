/* Where the opening of a run ends: what is cold, and the burst that finds an empty queue. Nothing is thrown away for being slow: the
 * rule (README.md) looks at means in time order, and what it marks stays in the raw series. */
#ifndef ASSAY_LOAD_STEADY_H
#define ASSAY_LOAD_STEADY_H

#include <stddef.h>
#include <stdint.h>

struct assay_steady {
    size_t first;    /* the steady part begins here; 0: there is no opening, or it is not excluded */
    char   why[160]; /* one sentence */
};
/* latencies in the order of scheduled time. */
void assay_steady_find(const uint64_t *latencies_ns, size_t n, struct assay_steady *out);

#endif
