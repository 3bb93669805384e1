/* Any bytes as a suite's file: refused with a reason, or a plan that comes back from its own JSON. */
#include "harness/base/json.h"
#include "harness/base/tests/fuzz.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

static void check_round_trip(const struct assay_plan *plan)
{
    struct assay_plan  again;
    struct assay_error err = {.code = ASSAY_OK};
    json_t            *json = assay_plan_to_json(plan), *twice;
    FUZZ_HOLDS(json && !assay_plan_from_json(json, &again, &err));
    twice = assay_plan_to_json(&again);
    FUZZ_HOLDS(twice && json_equal(json, twice));
    json_decref(twice);
    json_decref(json);
    assay_plan_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_plan  plan;
    if (!assay_plan_read(fuzz_file(0, data, bytes), &plan, &err)) {
        FUZZ_HOLDS(plan.n_cases > 0);
        check_round_trip(&plan);
        assay_plan_release(&plan);
    } else {
        FUZZ_HOLDS((err.code == ASSAY_DATA || err.code == ASSAY_CONFIG) && *err.message);
    }
    return 0;
}
