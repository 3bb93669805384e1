/* On 10^4 seeded random pairs of an op and a device: more bandwidth, peak or cache is never slower, and a sub-range never enlarges
 * the hull. */
#include "harness/model/device.h"
#include "harness/model/tests/pairs.h"

#include "assay/banned.h"

#define PAIRS 10000

static struct assay_described *devices[64];
static size_t                  n_devices;

static void keep(void *self, const char *name, const struct assay_described *d, const struct assay_error *why_not)
{
    (void)self;
    (void)why_not;
    struct assay_error err = {.code = ASSAY_OK};
    if (d && n_devices < 64 && !assay_described_find(name, &devices[n_devices], &err))
        n_devices++;
}

int main(void)
{
    struct assay_random r;
    struct assay_error  err = {.code = ASSAY_OK};
    size_t              slower = 0, larger = 0, made = 0;
    if (assay_described_list(keep, NULL, &err)) {
        printf("long_pairs: %s\n", err.message);
        return 1;
    }
    assay_random_init(&r, 4);
    for (int i = 0; i < PAIRS; i++) {
        struct pair p;
        if (!pair_make(&p, &r, devices, n_devices))
            continue;
        enum assay_device_field f = pair_slower(&p, &r);
        bool                    hull = pair_hull_holds(&p, &r);
        made++;
        slower += f < ASSAY_DEVICE_FIELDS;
        larger += !hull;
        if (f < ASSAY_DEVICE_FIELDS && slower < 10)
            printf("long_pairs: %s: more %s is slower\n", p.op, assay_device_fields[f].key);
        if (!hull && larger < 10)
            printf("long_pairs: %s: a sub-range enlarges the hull\n", p.op);
        pair_free(&p);
    }
    for (size_t i = 0; i < n_devices; i++)
        assay_described_free(devices[i]);
    printf("long_pairs: %zu of %d pairs, %zu with a field of which more is slower, %zu with a hull that a sub-range enlarges\n", made, PAIRS,
           slower, larger);
    return made < PAIRS || slower || larger;
}
