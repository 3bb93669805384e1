/* A cluster put together of its files: description, its devices', what was fitted. */
#ifndef ASSAY_MODEL_MODELLED_SYSTEM_H
#define ASSAY_MODEL_MODELLED_SYSTEM_H

#include "harness/model/cluster/tiers.h"
#include "harness/model/interval.h"

struct assay_modelled_system {
    struct assay_system      *system;
    struct assay_described   *device;
    struct assay_fitted       fitted;
    struct assay_coefficients k;
    struct assay_fabric       fabric; /* the middle of what is known */
};
/* `spec`, `device_spec`: buyers' files, "" = none; `devices`: another number of them, 0 = all. On failure what was opened is still released
 * by the caller. */
enum assay_code assay_modelled_system_open(const char *name, const char *spec, const char *device_spec, int64_t devices, struct assay_modelled_system *s,
                                         struct assay_error *err);
void            assay_modelled_system_release(struct assay_modelled_system *s);
/* Does every number of the system's tiers have a value? Else which one has none. The chip's own are for certainty.h. */
bool            assay_system_tiers_have_values(const struct assay_system *s, char *why, size_t bytes);

#endif
