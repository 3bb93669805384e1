/* Does the result of an item depend on what stands beside it, where it stands, how many there are? */
#ifndef ASSAY_RUN_ITEM_ARRANGEMENTS_H
#define ASSAY_RUN_ITEM_ARRANGEMENTS_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"
#include "harness/verify/agreement.h"

enum assay_item_property {
    ASSAY_ITEM_NEIGHBOURS, /* items that stay in their places while about half of the others are exchanged */
    ASSAY_ITEM_PLACE,      /* the same items, each moved on by the same number of places */
    ASSAY_ITEM_SIZE,       /* the first items of batches of 1, 2, half, and one more */
    ASSAY_ITEM_PROPERTIES
};
const char *assay_item_property_name(enum assay_item_property property);

struct assay_item_probe {
    const struct assay_case *what;
    const char              *backend;
    uint64_t                 seed, timeout_ns, limit_bytes; /* of one execution; of a rig, host and device each */
    uint32_t                 arrangements;                  /* of each property, at most; fewer where memory is short */
};
/* A run is one arrangement: it differs if any item of it does. `element` of the first difference counts in the output as it was
 * expected. */
struct assay_item_findings {
    struct assay_agreement agreement[ASSAY_ITEM_PROPERTIES];
    char                   why[ASSAY_ITEM_PROPERTIES][160]; /* why there is nothing to compare; else empty */
};
enum assay_code assay_item_arrangements_try(const struct assay_item_probe *probe, struct assay_item_findings *out, struct assay_error *err);

#endif
