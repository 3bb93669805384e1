/* The seeds of the three random streams of a schedule: by the name of a set that a benchmark's rules fix, or of one's own. */
#ifndef ASSAY_PLAN_SEED_SET_H
#define ASSAY_PLAN_SEED_SET_H

#include <stdint.h>

#include "assay/error.h"

struct assay_seeds {
    uint64_t qsl, sample, schedule; /* which samples are loaded; which are asked for; when */
};
/* "loadgen-v5.1", "loadgen-v6.0", "loadgen-v6.1": what MLPerf inference fixed for that round; ASSAY_CONFIG with the nearest otherwise. */
enum assay_code assay_seeds_find(const char *name, struct assay_seeds *out, struct assay_error *err);
/* Three seeds from one, for the set "case": another `seed`, other streams. */
void assay_seeds_from(uint64_t seed, struct assay_seeds *out);
/* What a scenario's "seeds" says: a named set, or for "case" streams of the run's seed and the launch. */
enum assay_code assay_seeds_of(const char *name, uint64_t run_seed, uint32_t launch, struct assay_seeds *out, struct assay_error *err);

#endif
