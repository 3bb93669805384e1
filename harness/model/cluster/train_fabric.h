/* The links that a published run goes over, of which a table says no more than the device's name. */
#ifndef ASSAY_MODEL_TRAIN_FABRIC_H
#define ASSAY_MODEL_TRAIN_FABRIC_H

#include "harness/model/cluster/tiers.h"

/* So many devices as the described system of that device joins them; else of a sister of it (same vendor, domain and about the same
 * peak), with the device's own scale-up links; else the device's scale-up domain and beyond it links that are assumed. `chip`: who is in it. `how`: which, as a part of a
 * sentence, at least 120 bytes. ASSAY_UNSUPPORTED: not even the device's own link is known. */
enum assay_code assay_train_fabric_of(const struct assay_described *device, const struct assay_chip *chip, const struct assay_coefficients *k,
                                      int64_t devices, struct assay_fabric *out, char how[120], struct assay_error *err);
/* Devices within the device's scale-up domain; what it does not say is 8. */
double assay_train_domain(const struct assay_chip *chip);

#endif
