/* What is recorded of a worker that died, whatever its probe said before. The source is included: it is static there. */
#include "harness/run/launcher.c"

#include <criterion/criterion.h>

Test(launcher, a_failure_can_be_recorded_whatever_the_probe_told_of_the_device)
{
    static struct assay_record     rec;
    static const json_int_t        told[] = {1, 0, -1, 77, INT64_MAX};
    static const struct assay_workload gemm = {.name = "gemm"};
    struct assay_case              c = {.workload = &gemm, .name = "gemm/k=1", .id = "0123456789abcdef"};
    struct assay_plan              plan = {.seed = 1};
    const char *const              backends[] = {"odd"};
    const struct assay_run_request request = {.plan = &plan, .backends = backends, .n_backends = 1};
    struct assay_job_result        result = {.end = ASSAY_JOB_DIED};
    struct assay_error             err = {.code = ASSAY_OK};
    cr_assert_eq(assay_options_defaults(assay_repeat_options, &c.repeat, &err), ASSAY_OK);
    (void)ASSAY_FAIL(&result.error, ASSAY_DEVICE, "worker killed by SIGSEGV");
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        json_t *probe = json_pack("{s:{s:s, s:I, s:I, s:I}}", "device", "name", "x\xc3\xa9", "clock", told[i], "origin", told[i],
                                  "traits", told[i]);
        struct launcher l = {.with = &request, .probe = &probe};
        l.step = (struct assay_run_step){.what = &c, .backend = "odd"};
        record_of_failure(&l, &l.step, 0, &result, &rec);
        json_t *json = assay_record_to_json(&rec);
        cr_expect_not_null(json, "a clock or origin of %lld cannot be written", (long long)told[i]);
        cr_expect_eq(rec.status, ASSAY_STATUS_CRASHED);
        cr_expect_eq(rec.device.clock, told[i] == 1 ? ASSAY_CLOCK_HOST : (enum assay_clock)0);
        json_decref(json);
        json_decref(probe);
    }
}
