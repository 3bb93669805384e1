/* Any bytes as the plan that a run folder holds. */
#include "harness/base/json.h"
#include "harness/base/tests/fuzz.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_plan  plan;
    json_t            *json = NULL, *suite;
    if (assay_json_parse((const char *)data, bytes, "a plan", &json, &err))
        return 0;
    suite = json_object_get(json, "suite"); /* as plan.json has it; or by itself */
    if (!assay_plan_from_json(suite ? suite : json, &plan, &err)) {
        json_t *again = assay_plan_to_json(&plan);
        FUZZ_HOLDS(again && json_array_size(json_object_get(again, "cases")) == plan.n_cases);
        json_decref(again);
        assay_plan_release(&plan);
    } else {
        FUZZ_HOLDS(err.code && *err.message);
    }
    json_decref(json);
    return 0;
}
