#include <math.h>

#include "harness/model/cluster/serving_estimate.h"
#include "harness/model/cluster/tests/serving.h"

TestSuite(serving_estimate, .init = find_source);

static struct assay_error err;

static struct assay_serving_ask ask_of(const char *model, const char *server)
{
    struct assay_serving_ask a = {.plan = plan_of(8, 1, 8), .prompt_tokens = 1024, .output_tokens = 256, .in_flight = 16};
    cr_assert(!assay_decoder_numbers_find(model, &a.decoder, &err), "%s", err.message);
    (void)snprintf(a.model, sizeof a.model, "%s", model);
    (void)snprintf(a.server, sizeof a.server, "%s", server);
    return a;
}

static struct assay_serving_estimate estimate(const char *device, const char *spec, const struct assay_serving_ask *a)
{
    static struct assay_fitted         kernels;
    static struct assay_serving_fitted serving;
    struct assay_described            *d = NULL;
    struct assay_serving_estimator    *e = NULL;
    struct assay_serving_estimate      out = {.grade = 0};
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_fitted_read(NULL, &kernels, &err) && !assay_serving_fitted_read(NULL, &serving, &err));
    cr_assert(!assay_described_find(device, &d, &err) && (!spec || !assay_described_overlay(d, spec, &err)), "%s", err.message);
    cr_assert(!assay_serving_estimator_new(d, &kernels, &serving, &e, &err));
    (void)assay_serving_estimate(e, a, &out, &err);
    assay_serving_estimator_free(e);
    assay_described_free(d);
    return out;
}

Test(serving_estimate, of_the_chip_that_was_fitted_on_has_grade_A_and_its_points_in_its_bands)
{
    struct assay_serving_ask      a = ask_of("Qwen/Qwen3-32B", "vllm");
    struct assay_serving_estimate e = estimate("h100", NULL, &a);
    cr_expect_eq(e.grade, 'A');
    for (int f = 0; f < ASSAY_SERVING_FIGURES; f++)
        cr_expect(e.p10_ns[f] > 0 && e.p10_ns[f] < e.ns[f] && e.ns[f] < e.p90_ns[f]);
}

Test(serving_estimate, is_surer_of_what_was_seen_than_of_other_models_servers_and_chips)
{
    struct assay_serving_ask      seen = ask_of("Qwen/Qwen3-32B", "vllm"), model = ask_of("llama-2-70b", "vllm"), server = ask_of("Qwen/Qwen3-32B", "own");
    struct assay_serving_estimate known = estimate("h100", NULL, &seen), others[] = {estimate("h100", NULL, &model), estimate("h100", NULL, &server),
                                                                                  estimate("h200", NULL, &seen)};
    for (size_t i = 0; i < 3; i++)
        cr_expect_gt(others[i].p90_ns[1] / others[i].p10_ns[1], known.p90_ns[1] / known.p10_ns[1], "%zu", i);
    cr_expect(strstr(others[0].why, "no run of this model"), "%s", others[0].why);
    cr_expect(strstr(others[1].why, "server was not measured"), "%s", others[1].why);
    cr_expect_neq(others[2].grade, 'A');
}

/* M100 and M300 have a band and no point, in any figure. */
Test(serving_estimate, of_devices_of_which_numbers_are_only_known_as_ranges_has_no_point)
{
    static const char *const devices[] = {"m100", "m300"};
    struct assay_serving_ask a = ask_of("Qwen/Qwen3-32B", "vllm");
    for (size_t i = 0; i < 2; i++) {
        struct assay_serving_estimate e = estimate(devices[i], NULL, &a);
        cr_expect_eq(e.grade, 'D');
        for (int f = 0; f < ASSAY_SERVING_FIGURES; f++)
            cr_expect(isnan(e.ns[f]) && e.p90_ns[f] > 1.5 * e.p10_ns[f] && isfinite(e.p90_ns[f]), "%s", devices[i]);
        cr_expect(strstr(e.why, "no point"), "%s", e.why);
    }
}

Test(serving_estimate, of_one_token_has_no_time_of_further_ones)
{
    struct assay_serving_ask a = ask_of("Qwen/Qwen3-32B", "vllm");
    a.output_tokens = 1;
    struct assay_serving_estimate e = estimate("h100", NULL, &a);
    cr_expect(!err.code && isnan(e.ns[ASSAY_SERVING_TPOT]) && e.ns[ASSAY_SERVING_TTFT] > 0);
}

Test(serving_estimate, names_what_a_device_lacks)
{
    struct assay_serving_ask a = ask_of("Qwen/Qwen3-32B", "vllm");
    (void)estimate("avx2-host", NULL, &a);
    cr_expect_eq(err.code, ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "known") || strstr(err.message, "no bf16"), "%s", err.message);
}
