#include "harness/model/cluster/modelled_system.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assay/banned.h"

enum assay_code assay_modelled_system_open(const char *name, const char *spec, const char *device_spec, int64_t devices, struct assay_modelled_system *s,
                                         struct assay_error *err)
{
    static const char prefix[] = "cluster:";
    if (!strncmp(name, prefix, sizeof prefix - 1))
        name += sizeof prefix - 1;
    if (assay_system_find(name, &s->system, err) || (*spec && assay_system_overlay(s->system, spec, err)) ||
        (devices && assay_system_resize(s->system, devices, err)) || assay_described_find(s->system->device, &s->device, err) ||
        (*device_spec && assay_described_overlay(s->device, device_spec, err)) || assay_fitted_read(NULL, &s->fitted, err))
        return err->code;
    s->k = assay_fitted_for(&s->fitted, s->device->vendor);
    return assay_fabric_of(s->system, s->device, &s->k, 0, &s->fabric, err);
}

void assay_modelled_system_release(struct assay_modelled_system *s)
{
    assay_system_free(s->system);
    assay_described_free(s->device);
}

bool assay_system_tiers_have_values(const struct assay_system *s, char *why, size_t bytes)
{
    for (size_t i = 0; i < s->n_tiers; i++)
        for (int f = 0; f < ASSAY_TIER_FIELDS; f++) {
            const struct assay_quantity *q = &s->tiers[i].fields[f];
            if (q->state != ASSAY_KNOWN || !isnan(q->value))
                continue;
            (void)snprintf(why, bytes, "%s of tier %s of %s has no value", assay_tier_fields[f].key, s->tiers[i].name, s->name);
            return false;
        }
    return true;
}
