/* How sure a prediction of a training run is: bands from models and chips left out, what a description leaves open, and a grade for what it
 * rests on. */
#ifndef ASSAY_MODEL_TRAIN_ESTIMATE_H
#define ASSAY_MODEL_TRAIN_ESTIMATE_H

#include "harness/model/cluster/train_numbers.h"
#include "harness/model/interval.h"

/* What is the same for all runs on a device; what it is made of must outlive it. */
struct assay_train_estimator;
enum assay_code assay_train_estimator_new(const struct assay_described *device, const struct assay_fitted *kernels,
                                          const struct assay_train_fitted *training, struct assay_train_estimator **out, struct assay_error *err);
void            assay_train_estimator_free(struct assay_train_estimator *e);

struct assay_train_estimate {
    double figure; /* in the row's unit; NaN where what it rests on is only known as a range: there is no point */
    double p10, p90;
    char   grade; /* A fitted on this chip, B complete datasheet, C reported, inferred or derived numbers, D a number is assumed */
    char   why[600];
};
/* ASSAY_UNSUPPORTED: the device lacks what a form needs; the message names it. Runs that were asked before are not priced again. */
enum assay_code assay_train_estimate(struct assay_train_estimator *e, const struct assay_train_ask *ask, struct assay_train_estimate *out,
                                     struct assay_error *err);

#endif
