/* What an order of a device that cannot be bought yet should be conditional on. Of each rule about the time or the rate
 * of one execution: what is to be measured on delivery, guard band included, and which number of the device's
 * description would by itself be enough for it (harness/model/breakeven.h). Modelled throughout: it qualifies nobody.
 */
#ifndef ASSAY_JUDGE_GUARANTEE_H
#define ASSAY_JUDGE_GUARANTEE_H

#include <stddef.h>

#include "assay/error.h"
#include "harness/judge/qualify.h"
#include "harness/model/breakeven.h"

/* Why no number can be named. */
enum assay_guarantee_lack {
    ASSAY_GUARANTEE_KNOWN = 0,
    ASSAY_GUARANTEE_NO_TIME,    /* the rule is not about the time or the rate of one execution by itself */
    ASSAY_GUARANTEE_NO_DEVICE,  /* the device is not described, or the case was not run on it */
    ASSAY_GUARANTEE_NO_NUMBERS, /* the model lacks a number; detail */
};

struct assay_guarantee {
    const struct assay_candidate *candidate;
    const struct assay_rule *rule;
    double measured; /* at least or at most, in the rule's unit: T (1 + g) or T / (1 + g) */
    enum assay_guarantee_lack lack;
    char detail[200];
    double chance; /* that the device as described meets it, over what is not known of it */
    char grade;
    bool has_peak; /* a peak moves the time */
    struct assay_need bandwidth, peak;
};

struct assay_guarantees {
    struct assay_guarantee *rows; /* by candidate, then rule */
    size_t n;
};

/* Of all announced candidates and all rules about figures. The qualification must outlive the result. Free with
 * assay_guarantees_release, also after failure. */
enum assay_code assay_guarantees_find(const struct assay_qualification *q, struct assay_guarantees *out,
                                      struct assay_error *err);
void assay_guarantees_release(struct assay_guarantees *g);

#endif
