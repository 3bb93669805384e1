/* What a serving engine's host takes for its own work, which a model of a chip does not know: a JSON file of suites/engines,
 * every number with where it is from (schema: README.md). On a real clock nobody needs it. */
#ifndef ASSAY_LOAD_SERVING_ENGINE_DESCRIPTION_H
#define ASSAY_LOAD_SERVING_ENGINE_DESCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"

enum assay_engine_cost {
#define ASSAY_ENGINE_COST(id, key, about) ASSAY_ENGINE_##id,
#include "harness/load/serving/engine_costs.def"
#undef ASSAY_ENGINE_COST
    ASSAY_ENGINE_COSTS
};
struct assay_engine_cost_row {
    const char *key, *about;
};
extern const struct assay_engine_cost_row assay_engine_costs[ASSAY_ENGINE_COSTS];

struct assay_engine_number {
    double ns, low_ns, high_ns; /* low <= ns <= high */
    char   provenance[16], source[320];
};
struct assay_engine_description {
    char                       name[64], about[320];
    bool                       graphs; /* a step is launched as a whole: no host time for each layer */
    struct assay_engine_number cost[ASSAY_ENGINE_COSTS];
};

/* By name (of suites/engines, without its ending). ASSAY_CONFIG: none such, with the nearest. */
enum assay_code assay_engine_description_find(const char *name, struct assay_engine_description *out, struct assay_error *err);
/* ASSAY_DATA: line, key and what is wrong. */
enum assay_code assay_engine_description_read(const char *path, struct assay_engine_description *out, struct assay_error *err);
/* The middle value, rounded to whole nanoseconds. */
uint64_t        assay_engine_cost_ns(const struct assay_engine_description *d, enum assay_engine_cost cost);

#endif
