/* Numbers of which seven digits are enough, in half the room: floats times a unit, a power of two that the largest one gives, so that
 * what is 2^149 times smaller still is not zero. */
#ifndef ASSAY_REFERENCE_PACKED_H
#define ASSAY_REFERENCE_PACKED_H

#include <stdbool.h>
#include <stdint.h>

struct assay_packed {
    float *x; /* NULL: there are none */
    double unit;
};

/* Packs x[n]; each is rounded to nearest, or up. What is not finite stays what it is, and up keeps what is above zero there.
 * x NULL: zeros. false: no memory. */
bool assay_packed_make(const double *x, uint64_t n, bool up, struct assay_packed *out);
void assay_packed_release(struct assay_packed *p);

static inline double assay_packed_at(const struct assay_packed *p, uint64_t i)
{
    return p->unit * (double)p->x[i];
}

#endif
