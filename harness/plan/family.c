/* Cases that are points of one curve. */
#include <string.h>

#include "harness/base/strings.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

bool assay_case_family(const char *name, char out[ASSAY_CASE_NAME_BYTES], double *load)
{
    struct assay_case c = {.workload = NULL};
    struct assay_error ignored = {.code = ASSAY_OK};
    const char *at = strrchr(name, '@');
    struct assay_text text = assay_text_over(out, ASSAY_CASE_NAME_BYTES);
    if (!at || assay_case_parse(name, &c, &ignored))
        return false;
    struct assay_scenario s = c.scenario;
    bool served = assay_case_is_served(&c);
    at = strrchr(c.name, '@');
    *load = s.type == ASSAY_CONCURRENCY ? (double)s.in_flight : s.qps;
    s.qps = 1;
    s.in_flight = 1;
    s.min_queries = 1;
    s.min_duration_ns = s.max_duration_ns = 0;
    assay_text_add(&text, "%.*s@", (int)(at - c.name), c.name);
    assay_scenario_write(&s, &text);
    if (served)
        assay_serving_write(&c.serving, &text);
    assay_case_release(&c);
    return (s.type == ASSAY_CONCURRENCY || s.type == ASSAY_SERVER || s.type == ASSAY_INTERACTIVE) && *load > 0 &&
           !text.cut;
}
