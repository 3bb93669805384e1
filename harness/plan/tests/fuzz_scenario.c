/* Any text as a scenario: refused with a reason, or one that its canonical form reads back as. */
#include "harness/plan/scenario.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error    err = {.code = ASSAY_OK};
    struct assay_scenario first, again;
    char                  spelled[2000], twice[2000];
    struct assay_text     out = ASSAY_TEXT(spelled), more = ASSAY_TEXT(twice);
    char                 *text = fuzz_text(data, bytes);
    if (assay_scenario_parse(text, &first, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_CONFIG && *err.message);
        free(text);
        return 0;
    }
    assay_scenario_write(&first, &out);
    FUZZ_HOLDS(!out.cut && !assay_scenario_parse(spelled, &again, &err));
    assay_scenario_write(&again, &more);
    FUZZ_HOLDS(!strcmp(spelled, twice) && !memcmp(&first, &again, sizeof first));
    FUZZ_HOLDS(first.equal_issue || first.type == ASSAY_OFFLINE || assay_scenario_least(&first) == first.min_queries);
    free(text);
    return 0;
}
