/* The links that a published run goes over, of which a table says no more than the device's name. */
#ifndef ASSAY_MODEL_TRAIN_FABRIC_H
#define ASSAY_MODEL_TRAIN_FABRIC_H

#include "harness/model/cluster/tiers.h"

/* Where the links of so many devices are from. */
struct assay_train_links {
    struct assay_system *system; /* of that size; owned; NULL: the chip's own links, and assumed ones beyond them */
    int64_t              devices;
    bool                 grows;  /* the system is one domain, beyond which links are assumed */
    char                 how[120]; /* which, as a part of a sentence */
};
/* The described system of that device; else of a sister of it (same vendor, domain and about the same peak), whose first tier then has the
 * device's own links; else none. */
enum assay_code assay_train_links_find(const struct assay_described *device, int64_t devices, struct assay_train_links *out, struct assay_error *err);
void            assay_train_links_release(struct assay_train_links *l);
/* With this chip. ASSAY_UNSUPPORTED: not even its own link is known. */
enum assay_code assay_train_fabric_on(const struct assay_train_links *l, const struct assay_chip *chip, const struct assay_coefficients *k,
                                      struct assay_fabric *out, struct assay_error *err);
/* Devices within the device's scale-up domain; what it does not say is 8. */
double assay_train_domain(const struct assay_chip *chip);

#endif
