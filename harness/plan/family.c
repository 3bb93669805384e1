/* Cases that are points of one curve, or arrangements of one training. */
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

static bool is_arrangement(const char *key, size_t length)
{
    static const char *const keys[] = {"chunks", "cp", "dp", "ep", "pp", "recompute", "schedule", "sp", "tp", "zero"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i]) == length && !strncmp(keys[i], key, length))
            return true;
    return false;
}

bool assay_case_training(const char *name, char out[ASSAY_CASE_NAME_BYTES])
{
    struct assay_case  c = {.workload = NULL};
    struct assay_error ignored = {.code = ASSAY_OK};
    struct assay_text  text = assay_text_over(out, ASSAY_CASE_NAME_BYTES);
    if (assay_case_parse(name, &c, &ignored))
        return false;
    bool        is = !strcmp(c.phase, "train") && !c.scenario.type;
    const char *at = c.name + strcspn(c.name, "/");
    assay_text_add(&text, "%.*s", (int)(at - c.name), c.name);
    for (char between = '/'; *at; between = ',') {
        size_t key = strcspn(++at, "="), length = strcspn(at, ",");
        if (!is_arrangement(at, key))
            assay_text_add(&text, "%c%.*s", between, (int)length, at);
        at += length;
    }
    assay_case_release(&c);
    return is && !text.cut;
}
