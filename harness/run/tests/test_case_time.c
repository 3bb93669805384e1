#include "harness/run/case_time.h"

#include <criterion/criterion.h>

/* A case on a device: what it says, or nothing where bursts are run. */
static const struct row {
    char             name[64], says[32];
    uint64_t         min_ns;
    uint32_t         traits;
    enum assay_clock clock;
} table[] = {
    {"gemm", "", 1000, ASSAY_TRAIT_IS_HOST, ASSAY_CLOCK_HOST},
    {"gemm", "min-s 0", 0, ASSAY_TRAIT_IS_HOST, ASSAY_CLOCK_HOST},
    {"gemm", "this host's cores", 1000, ASSAY_TRAIT_VALUES, ASSAY_CLOCK_HOST},
    {"gemm", "this host's cores", 1000, ASSAY_TRAIT_IS_HOST, ASSAY_CLOCK_MODEL},
    {"gemm@server/qps=5", "scenario", 1000, ASSAY_TRAIT_IS_HOST, ASSAY_CLOCK_HOST},
    {"text.learn", "training", 1000, ASSAY_TRAIT_IS_HOST, ASSAY_CLOCK_HOST},
    {"text.train", "", 1000, ASSAY_TRAIT_IS_HOST, ASSAY_CLOCK_HOST},
};

Test(case_time, bursts_are_run_beside_what_is_timed_over_and_over_on_this_host_alone)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct assay_case              c;
        struct assay_error             err = {.code = ASSAY_OK};
        const struct assay_device_info device = {.size = sizeof device, .traits = table[i].traits, .clock = table[i].clock};
        cr_assert(!assay_case_parse(table[i].name, &c, &err), "%s", err.message);
        c.repeat.min_ns = table[i].min_ns;
        const char *why = assay_case_without_bursts(&c, &device);
        cr_expect(*table[i].says ? why && strstr(why, table[i].says) : !why, "row %zu: %s", i, why ? why : "bursts");
        assay_case_release(&c);
    }
}
