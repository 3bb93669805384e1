/* Replicas of a statistical bound (README.md): each element moved by its own rounding error, up or down as a counter says. */
#ifndef ASSAY_REFERENCE_REPLICAS_H
#define ASSAY_REFERENCE_REPLICAS_H

#include <stdint.h>

#define ASSAY_UNIFORM 0.57735026918962576 /* deviation of what is uniform in [-1, 1] */

/* Adds ASSAY_UNIFORM d or its negative to each of n elements; the sign is a function of value, element and replica (from 0). Where d is
 * not finite the element becomes NaN. */
void assay_replica_move(double *x, const double *d, uint64_t n, int32_t value, int replica);
/* Where a replica stands off the nominal run, x - nominal; not finite in the same way is not off, in another way infinite. off may be x. */
void assay_replica_stand_off(const double *x, const double *nominal, uint64_t n, double *off);

#endif
