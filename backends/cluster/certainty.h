/* How sure a time on a described system is: which of its numbers move it, whether there may be a point, and the grade. */
#ifndef CLUSTER_CERTAINTY_H
#define CLUSTER_CERTAINTY_H

#include "assay/backend.h"
#include "harness/model/cluster/modelled_system.h"

#define CLUSTER_NORMAL_P90 1.2815515655446004 /* the standard normal's 90th percentile: a band's half is so many deviations */

struct cluster_certainty {
    char                   grade, why_no_point[96]; /* why_no_point "": there is one */
    struct assay_influence inputs[ASSAY_INFLUENCES]; /* the largest share first; the rest are zero */
    size_t                 n_inputs;
};

/* The time on a cluster; NaN: there is none. */
typedef double cluster_time_of(void *self, const struct assay_fabric *f);
/* `half`: of the band of the kernels' forms in logarithms, told as input `form`. */
void certainty_find(const struct assay_modelled_system *on, double half, const char *form, cluster_time_of *time_of, void *self,
                    struct cluster_certainty *out);

#endif
