/* Contradictions in a description: what cannot be, or is what sheets print in place of what was asked. */
#ifndef ASSAY_MODEL_SPEC_CHECK_H
#define ASSAY_MODEL_SPEC_CHECK_H

#include <stddef.h>

#include "harness/model/device.h"

#define ASSAY_MOST_CONTRADICTIONS 128

struct assay_contradiction {
    const char             *rule; /* its name: a row of the table in backends/devices/README.md */
    enum assay_device_field field;
    char                    text[320];
};

/* `known`: the description that comes with the program, where d is a buyer's; NULL: there is none. Returns how many were found,
 * the first ASSAY_MOST_CONTRADICTIONS of them in out. */
size_t assay_spec_check(const struct assay_described *d, const struct assay_described *known,
                        struct assay_contradiction out[ASSAY_MOST_CONTRADICTIONS]);

#endif
