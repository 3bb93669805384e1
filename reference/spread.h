/* How far the replicas of a statistical bound stand off the nominal run over one tensor, and what follows for its elements:
 * README.md, statistical bounds. */
#ifndef ASSAY_REFERENCE_SPREAD_H
#define ASSAY_REFERENCE_SPREAD_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"
#include "reference/packed.h"
#include "reference/reference.h"

/* How far the replicas are from the nominal run, over one tensor of `outer` * `length` * `inner` elements. */
struct assay_spread {
    uint64_t n;
    uint64_t length, inner;   /* of the channels' axis */
    struct assay_packed off[ASSAY_REPLICAS]; /* NaN or infinite: nothing can be said */
    double  *along, *across;  /* mean squares of each channel, and of each position in all channels; NULL: not told apart */
    double   mean, freedom;   /* mean square over all; degrees of freedom that it is worth beside an element's own three */
    double   factor;          /* times the deviation: the bound */
};

/* Its size and channels; off[] is the caller's to make, n each, and this object's to free. */
void assay_spread_shape(const struct assay_value *v, struct assay_spread *s);
/* From the deviations: scales, degrees of freedom, and the factor for `compared` elements and sums together. */
enum assay_code assay_spread_settle(struct assay_spread *s, double compared, struct assay_error *err);
/* The bound of element i with its nominal value and its own op's worst-case bound. */
double assay_spread_bound(const struct assay_spread *s, uint64_t i, double value, double local);
void   assay_spread_release(struct assay_spread *s);

#endif
