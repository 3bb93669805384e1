#include <math.h>
#include <time.h>

#include "harness/model/cluster/tests/train.h"
#include "harness/model/cluster/train_estimate.h"

TestSuite(train_estimate, .init = find_source, .timeout = 60);

static struct assay_error err;

static struct assay_train_estimator *estimator_of(const char *device, struct assay_described **d)
{
    static struct assay_fitted       kernels;
    static struct assay_train_fitted training;
    struct assay_train_estimator    *e = NULL;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_fitted_read(NULL, &kernels, &err) && !assay_train_fitted_read(NULL, &training, &err), "%s", err.message);
    cr_assert(!assay_described_find(device, d, &err), "%s", err.message);
    cr_assert(!assay_train_estimator_new(*d, &kernels, &training, &e, &err));
    return e;
}

static struct assay_train_estimate estimate(const char *device, const char *row)
{
    struct assay_described       *d = NULL;
    struct assay_train_estimator *e = estimator_of(device, &d);
    struct assay_train_ask        q = train_asked(row);
    struct assay_train_estimate   out = {.grade = 0};
    (void)assay_train_estimate(e, &q, &out, &err);
    assay_train_estimator_free(e);
    assay_described_free(d);
    return out;
}

Test(train_estimate, of_the_chip_that_was_fitted_on_has_grade_A_and_its_point_in_its_band)
{
    struct assay_train_estimate e = estimate("h100", "x,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,FP8,,tokens_per_s_per_gpu,,");
    cr_expect_eq(e.grade, 'A');
    cr_expect(e.p10 > 0 && e.p10 < e.figure && e.figure < e.p90);
    cr_expect(strstr(e.why, "tp 4 cp 1 pp 8 dp 2") && strstr(e.why, "dgx-h100"), "%s", e.why);
}

Test(train_estimate, of_devices_of_which_numbers_are_only_known_as_ranges_has_no_point)
{
    static const char *const devices[] = {"m100", "m300"};
    for (size_t i = 0; i < 2; i++) {
        struct assay_train_estimate e = estimate(devices[i], "x,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,bf16,,tokens_per_s_per_gpu,,");
        cr_expect_eq(e.grade, 'D');
        cr_expect(isnan(e.figure) && e.p90 > 1.5 * e.p10 && isfinite(e.p90), "%s", devices[i]);
        cr_expect(strstr(e.why, "no point"), "%s", e.why);
    }
}

Test(train_estimate, is_less_sure_of_what_nobody_saw)
{
    struct assay_train_estimate known = estimate("h100", "x,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,bf16,,tokens_per_s_per_gpu,,"),
                                size = estimate("h100", "x,64,Nobody-70B,8192,256,1,4,8,1,5,,,0,bf16,,tokens_per_s_per_gpu,,"),
                                stack = estimate("h100", "x,64,gpt3-175B full,2048,256,1,8,8,1,3,,,0,bf16,full,tokens_per_s_per_gpu,,");
    cr_expect_gt(size.p90 / size.p10, 1.1 * known.p90 / known.p10);
    cr_expect_gt(stack.p90 / stack.p10, 1.05 * known.p90 / known.p10);
    cr_expect(strstr(size.why, "no shape is published") && strstr(stack.why, "no run was fitted"), "%s; %s", size.why, stack.why);
}

Test(train_estimate, names_what_a_device_lacks)
{
    (void)estimate("p800", "x,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,FP8,,tokens_per_s_per_gpu,,");
    cr_expect_eq(err.code, ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "f8e4m3"), "%s", err.message);
}

/* What was asked before is remembered: a hundred thousand rows take about as long as their reading; other asks are other answers. */
Test(train_estimate, remembers_what_was_asked)
{
    struct assay_described       *d = NULL;
    struct assay_train_estimator *e = estimator_of("b200", &d);
    struct assay_train_ask        q = train_asked("x,64,LLAMA3_70B,8192,256,1,4,8,1,5,,,0,bf16,,tokens_per_s_per_gpu,,"), other = q;
    struct assay_train_estimate   first, again, differs;
    cr_assert(!assay_train_estimate(e, &q, &first, &err), "%s", err.message);
    clock_t begin = clock();
    for (int i = 0; i < 10000; i++)
        cr_assert(!assay_train_estimate(e, &q, &again, &err));
    cr_expect_lt((double)(clock() - begin) / CLOCKS_PER_SEC, 2, "10,000 that were asked before, in processor time");
    cr_expect(again.figure == first.figure && !strcmp(again.why, first.why));
    other.global_batch = 64;
    cr_assert(!assay_train_estimate(e, &other, &differs, &err));
    cr_expect_neq(differs.figure, first.figure);
    assay_train_estimator_free(e);
    assay_described_free(d);
}
