/* What a submission says of the system and of how the weights were made. */
#ifndef ASSAY_MLPERF_SYSTEM_H
#define ASSAY_MLPERF_SYSTEM_H

#include <jansson.h>

#include "reports/mlperf/submission.h"

/* A key of a system's description; `may_be_empty`: the checker takes "" for it. */
struct assay_mlperf_system_key {
    const char *name;
    bool        may_be_empty;
};
/* All 35; ends with a row without a name. */
extern const struct assay_mlperf_system_key assay_mlperf_system_keys[];

/* SYSTEM.json from the manifest and the device. New reference; NULL: no memory. What is to be given is noted under the name of `file`. */
json_t *assay_mlperf_system(const struct assay_mlperf_how *how, const char *name, const json_t *manifest, const struct assay_record *record,
                            const char *file, struct assay_mlperf_notes *notes);
/* measurements.json, its five keys; `weights`: the plan's. */
json_t *assay_mlperf_measurements(const struct assay_record *record, const json_t *weights, uint64_t seed);

#endif
