/* Any bytes as a system's file: refused with a reason, or a system that can be given numbers and other sizes. */
#include <math.h>

#include "harness/base/tests/fuzz.h"
#include "harness/model/cluster/tiers.h"

#include "assay/banned.h"

static void check_system(struct assay_system *s)
{
    struct assay_error err = {.code = ASSAY_OK};
    double             devices = 1;
    for (size_t i = 0; i < s->n_tiers; i++)
        devices *= (double)s->tiers[i].units;
    FUZZ_HOLDS(devices == (double)s->devices);
    for (size_t i = 0; i < s->n_tiers; i++)
        for (int f = 0; f < ASSAY_TIER_FIELDS; f++) {
            const struct assay_quantity *q = &s->tiers[i].fields[f];
            double                       middle = assay_quantity_middle(q);
            FUZZ_HOLDS(q->state != ASSAY_KNOWN || (middle >= q->low && middle <= q->high));
        }
    if (!assay_system_resize(s, 8, &err))
        FUZZ_HOLDS(s->devices == 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_system *s = NULL;
    if (!assay_system_read(fuzz_file(0, data, bytes), &s, &err)) {
        check_system(s);
        assay_system_free(s);
    } else {
        FUZZ_HOLDS((err.code == ASSAY_DATA || err.code == ASSAY_CONFIG) && *err.message);
    }
    return 0;
}
