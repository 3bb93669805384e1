#include <math.h>

#include "harness/model/interval.h"
#include "harness/model/tests/described.h"

static struct assay_fitted fitted;
static struct assay_error  err;

static void set_up(void)
{
    find_source();
    cr_assert_eq(assay_fitted_read(NULL, &fitted, &err), ASSAY_OK, "%s", err.message);
}
TestSuite(interval, .init = set_up, .timeout = 60);

static const struct assay_kernel product = {
    .class = ASSAY_KERNEL_GEMM,
    .gemm = {.batch = 1, .m = 4096, .n = 4096, .k = 4096, .compute = ASSAY_F16, .a_bytes = 2, .b_bytes = 2, .c_bytes = 2},
};

static struct assay_estimate estimate(const char *device)
{
    struct assay_described *d = NULL;
    struct assay_estimator  e;
    struct assay_estimate   out;
    cr_assert_eq(assay_described_find(device, &d, &err), ASSAY_OK, "%s", err.message);
    assay_estimator_init(&e, d, &fitted);
    cr_assert_eq(assay_estimate(&e, &product, &out, &err), ASSAY_OK, "%s", err.message);
    assay_described_free(d);
    return out;
}

Test(interval, has_no_point_where_only_ranges_are_known)
{
    struct assay_estimate m100 = estimate("m100");
    cr_expect(isnan(m100.ns));
    cr_expect_eq(m100.grade, 'D');
    cr_expect(m100.p10_ns > 0 && m100.p90_ns > 2 * m100.p10_ns);
    cr_expect(strstr(m100.why, "no point"), "%s", m100.why);
}

Test(interval, of_a_chip_that_was_measured_has_grade_a)
{
    cr_expect_eq(estimate("h100-sxm").grade, 'A');
    struct assay_estimate h200 = estimate("h200-sxm");
    cr_expect_neq(h200.grade, 'A');
    cr_expect(h200.p10_ns < h200.ns && h200.ns < h200.p90_ns);
}

Test(interval, is_wider_the_less_a_vendor_was_measured)
{
    struct assay_band several =
        assay_band_of(&fitted, "NVIDIA", ASSAY_KERNEL_GEMM, ASSAY_MEMORY_HBM, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE);
    struct assay_band one =
        assay_band_of(&fitted, "AMD", ASSAY_KERNEL_GEMM, ASSAY_MEMORY_HBM, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE);
    struct assay_band none =
        assay_band_of(&fitted, "Google", ASSAY_KERNEL_GEMM, ASSAY_MEMORY_HBM, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE);
    cr_expect(several.half < one.half && one.half < none.half, "%g %g %g", several.half, one.half, none.half);
    cr_expect_str_eq(several.mark, "");
    cr_expect(strstr(one.mark, "pooled"), "%s", one.mark);
    cr_expect(strstr(none.mark, "no coverage claim"), "%s", none.mark);
}

/* H200 is H100's sister, B200's cores multiply twice as much a clock: of its attention kernels less is known. */
Test(interval, of_attention_is_wider_the_less_a_chip_is_like_those_measured)
{
    struct assay_described *sister = NULL, *other = NULL;
    cr_assert_eq(assay_described_find("h200-sxm", &sister, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_described_find("b200-sxm", &other, &err), ASSAY_OK, "%s", err.message);
    struct assay_chip h200 = assay_chip_middle(sister), b200 = assay_chip_middle(other);
    cr_expect_gt(assay_fitted_familiarity(&fitted, "NVIDIA", &h200, ASSAY_KERNEL_PREFILL), 0.7);
    cr_expect_lt(assay_fitted_familiarity(&fitted, "NVIDIA", &b200, ASSAY_KERNEL_PREFILL), 0.3);
    cr_expect_eq(assay_fitted_familiarity(&fitted, "Google", &b200, ASSAY_KERNEL_PREFILL), 0, "of no chip of its vendor");
    double near = assay_band_half(&fitted, sister, &h200, ASSAY_KERNEL_PREFILL, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE);
    double far = assay_band_half(&fitted, other, &b200, ASSAY_KERNEL_PREFILL, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE);
    cr_expect(near > 0.1 && far > 1.2 * near, "%g %g", near, far);
    cr_expect_eq(assay_band_half(&fitted, other, &b200, ASSAY_KERNEL_GEMM, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE),
                 assay_band_half(&fitted, sister, &h200, ASSAY_KERNEL_GEMM, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE));
    assay_described_free(sister);
    assay_described_free(other);
}

Test(interval, of_a_class_that_nobody_measured_makes_no_claim)
{
    struct assay_band b =
        assay_band_of(&fitted, "NVIDIA", ASSAY_KERNEL_MEMORY, ASSAY_MEMORY_HBM, ASSAY_FORMAT_WIDE, ASSAY_REGIME_MEMORY);
    cr_expect(strstr(b.mark, "no coverage claim"), "%s", b.mark);
    cr_expect_gt(b.half, 0.3);
}

/* The spreads by hand: two chips whose medians are 0.1 apart, and errors of 0.2 about them. */
Test(interval, joins_chips_and_errors_as_its_formula_says)
{
    struct assay_fitted f = {.n_vendors = 1, .vendors = {{.name = "V", .chips = {3}}}};
    f.spreads[ASSAY_KERNEL_GEMM] = (struct assay_spread){.chips = 3, .chip_sd = 0.1, .scale = 1, .pooled = 0.2};
    f.spreads[ASSAY_KERNEL_GEMM].error[0][0][2] = 0.2;
    struct assay_band b = assay_band_of(&f, "V", ASSAY_KERNEL_GEMM, ASSAY_MEMORY_HBM, ASSAY_FORMAT_WIDE, ASSAY_REGIME_COMPUTE);
    double            t = 1.8856, z = 1.2816; /* Student, 2 degrees of freedom, and normal: 0.9 */
    cr_expect_float_eq(b.half, sqrt(t * t * 0.01 * (1 + 1.0 / 3) + 0.04 + z * z * 0.08 * 0.08), 1e-4, "%g", b.half);
}
