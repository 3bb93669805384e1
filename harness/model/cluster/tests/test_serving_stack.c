#include <math.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/model/cluster/tests/serving.h"

TestSuite(serving_stack, .init = find_source);

static struct assay_error err;

static struct assay_serving_fitted shipped(void)
{
    struct assay_serving_fitted f;
    cr_assert(!assay_serving_fitted_read(NULL, &f, &err), "%s", err.message);
    return f;
}

Test(serving_stack, that_is_shipped_lies_where_a_fit_may_look)
{
    struct assay_serving_fitted f = shipped();
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++)
        cr_expect(f.base.value[i] >= assay_serving_numbers[i].low * 0.999 && f.base.value[i] <= assay_serving_numbers[i].high * 1.001, "%s is %g",
                  assay_serving_numbers[i].key, f.base.value[i]);
    for (int figure = 0; figure < ASSAY_SERVING_FIGURES; figure++)
        for (int kind = 0; kind < 2; kind++)
            cr_expect(f.half[figure][kind][0] > 0 && f.half[figure][kind][0] <= f.half[figure][kind][1], "a model left out is not better known");
}

/* Kept for judging the models: a fit that saw one of them says nothing of new chips. */
static const char *const kept_back[] = {"h200-sxm",     "b200-sxm", "gb200-nvl72", "b300-sxm", "gb300-nvl72",
                                        "rtx-pro-6000", "mi300x",   "mi325x",      "mi355x",   "tpu-v5e",
                                        "tpu-v5p",      "tpu-v6e",  "ironwood"};

Test(serving_stack, was_not_fitted_on_a_device_that_is_kept_back_nor_over_other_kernels)
{
    struct assay_serving_fitted f = shipped();
    struct assay_fitted         kernels;
    cr_expect_eq(strlen(f.fingerprint), 64);
    cr_expect_gt(f.n_devices, 0);
    for (size_t i = 0; i < sizeof kept_back / sizeof *kept_back; i++)
        cr_expect(!assay_serving_fitted_on(&f, kept_back[i]), "%s", kept_back[i]);
    cr_assert(!assay_fitted_read(NULL, &kernels, &err));
    cr_expect_str_eq(f.kernels, kernels.fingerprint, "the kernels were fitted again: make model-table");
}

Test(serving_stack, comes_back_from_its_file_as_it_was)
{
    char                        path[] = "/tmp/assay-serving-XXXXXX";
    struct assay_serving_fitted f = shipped(), g;
    cr_assert(close(mkstemp(path)) == 0);
    json_t *json = assay_serving_fitted_to_json(&f);
    char   *text = assay_json_pretty(json);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK);
    cr_assert(!assay_serving_fitted_read(path, &g, &err), "%s", err.message);
    cr_expect_eq(g.n_stacks, f.n_stacks);
    cr_expect_eq(g.n_models, f.n_models);
    cr_expect_str_eq(g.models[0], f.models[0]);
    cr_expect_str_eq(g.devices[0], f.devices[0]);
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++) {
        cr_expect_float_eq(g.base.value[i] / f.base.value[i], 1, 1e-4);
        cr_expect_float_eq(g.stacks[0].factor[i] / f.stacks[0].factor[i], 1, 2e-3);
    }
    cr_expect_float_eq(g.half[1][1][1], f.half[1][1][1], 1e-6);
    json_decref(json);
    free(text);
    unlink(path);
}

Test(serving_stack, of_a_version_goes_before_its_server_and_that_before_the_base)
{
    struct assay_serving_fitted f = {.n_stacks = 2};
    const char                 *how;
    f.base = assay_serving_numbers_begin();
    f.stacks[0] = (struct assay_serving_stack){.name = "vllm", .version = ""};
    f.stacks[1] = (struct assay_serving_stack){.name = "vllm", .version = "2"};
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++) {
        f.stacks[0].factor[i] = 2;
        f.stacks[1].factor[i] = 3;
    }
    double base = f.base.value[ASSAY_SERVING_STEP];
    cr_expect_float_eq(assay_serving_numbers_of(&f, "vllm", "2", &how).value[ASSAY_SERVING_STEP], 3 * base, 1e-6);
    cr_expect_str_eq(how, "");
    cr_expect_float_eq(assay_serving_numbers_of(&f, "vllm", "9", &how).value[ASSAY_SERVING_STEP], 2 * base, 1e-6);
    cr_expect(strstr(how, "this version"));
    cr_expect_float_eq(assay_serving_numbers_of(&f, "other", "2", &how).value[ASSAY_SERVING_STEP], base, 1e-6);
    cr_expect(strstr(how, "was not measured"));
}

Test(serving_stack, weighs_what_prompts_add_by_a_factor_of_its_own)
{
    struct assay_serving_numbers n = assay_serving_numbers_begin();
    struct assay_serving_price   bare = {.work_ns = {10}}, whole = {.work_ns = {30}};
    struct assay_serving_work    w = {.sequences = 3, .prompts = 1};
    struct assay_serving_time    t = {{0}};
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++)
        n.value[i] = 1;
    n.value[ASSAY_SERVING_PROMPTS] = 2;
    n.value[ASSAY_SERVING_STEP] = 100;
    n.value[ASSAY_SERVING_SEQUENCE] = 5;
    assay_serving_components(&w, &bare, &whole, &t);
    cr_expect_float_eq(assay_serving_ns(&n, &t), 10 + 2 * 20 + 100 + 4 * 5, 1e-9);
}

Test(serving_stack, refuses_a_file_that_is_wrong_with_its_line)
{
    static const struct {
        const char *text, *says;
    } bad[] = {{"{\"format\": \"assay-serving-coefficients/1\"}", "fingerprint"},
               {"{\"format\": \"assay-coefficients/1\"}", "format"},
               {"{\"format\": \"assay-serving-coefficients/1\", \"fingerprint\": \"\", \"kernels\": \"\", \"values\": {\"step_ms\": 1}, \"stacks\": [], "
                "\"devices\": [], \"models\": [], \"bands\": {}}",
                "step_ms"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char                        path[] = "/tmp/assay-serving-XXXXXX";
        struct assay_serving_fitted f;
        err = (struct assay_error){.code = ASSAY_OK};
        cr_assert(close(mkstemp(path)) == 0);
        cr_assert_eq(assay_file_replace(path, bad[i].text, strlen(bad[i].text), &err), ASSAY_OK);
        cr_expect_eq(assay_serving_fitted_read(path, &f, &err), ASSAY_DATA, "%zu", i);
        cr_expect(strstr(err.message, bad[i].says), "%s", err.message);
        unlink(path);
    }
}
