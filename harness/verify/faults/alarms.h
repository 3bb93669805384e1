/* False alarms: outcomes in which nothing is wrong, and what the judge says of them. */
#ifndef ASSAY_FAULTS_ALARMS_H
#define ASSAY_FAULTS_ALARMS_H

#include "harness/verify/faults/subjects.h"

struct assay_fault_alarms {
    uint64_t draws, judged, alarms; /* draws of operands; outcomes of them; those of which the judge said anything but pass or marginal */
    char     first[400];            /* what it said of the first alarm */
};

/* Adds `draws` draws of a subject's operands by seeds from `seed` on. Each is computed by fused multiply-adds one after another and, of
 * a subject with sums every eighth, in four orders more that are as right: chains, trees, blocks, sections. */
enum assay_code assay_fault_alarms_add(const struct assay_fault_subject *subject, size_t draws, uint64_t seed,
                                       struct assay_fault_alarms *a, struct assay_error *err);

#endif
