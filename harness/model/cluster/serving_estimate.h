/* How sure a prediction of a serving run is: bands from models left out and from chips left out of the kernels' fit, what a description leaves
 * open, and a grade for what it rests on. */
#ifndef ASSAY_MODEL_SERVING_ESTIMATE_H
#define ASSAY_MODEL_SERVING_ESTIMATE_H

#include "harness/model/cluster/serving_rows.h"
#include "harness/model/interval.h"

/* Half of the 80 % band, in logarithms, for what another chip does to a server: its host's share of a step, another year's software. Stacks
 * were measured on one chip, so this is judgement: a standard deviation of 0.18. */
#define ASSAY_SERVING_OTHER_CHIP 0.23

/* What is the same for all runs on a device; what it is made of must outlive it. */
struct assay_serving_estimator;
enum assay_code assay_serving_estimator_new(const struct assay_described *device, const struct assay_fitted *kernels,
                                            const struct assay_serving_fitted *serving, struct assay_serving_estimator **out, struct assay_error *err);
void            assay_serving_estimator_free(struct assay_serving_estimator *e);

struct assay_serving_estimate {
    double ns[ASSAY_SERVING_FIGURES]; /* NaN where what it rests on is only known as a range: there is no point */
    double p10_ns[ASSAY_SERVING_FIGURES], p90_ns[ASSAY_SERVING_FIGURES];
    char   grade; /* A fitted on this chip, B complete datasheet, C reported, inferred or derived numbers, D a number is assumed */
    char   why[400];
};
/* ASSAY_UNSUPPORTED: the device lacks what a form needs; the message names it. */
enum assay_code assay_serving_estimate(struct assay_serving_estimator *e, const struct assay_serving_ask *ask, struct assay_serving_estimate *out,
                                       struct assay_error *err);

#endif
