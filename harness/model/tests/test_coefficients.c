#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/model/coefficients.h"
#include "harness/model/tests/described.h"

TestSuite(coefficients, .init = find_source);

Test(coefficients, that_are_shipped_lie_where_a_fit_may_look)
{
    struct assay_fitted f;
    struct assay_error  err = {0};
    cr_assert_eq(assay_fitted_read(NULL, &f, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++) {
        const struct assay_coefficient_row *row = &assay_coefficient_rows[i];
        cr_expect(f.base.value[i] >= row->low * 0.999 && f.base.value[i] <= row->high * 1.001, "%s is %g", row->key,
                  f.base.value[i]);
    }
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        cr_expect(!f.spreads[c].chips || (f.spreads[c].scale > 0 && f.spreads[c].pooled > 0), "%s", assay_kernel_class_names[c]);
}

/* Kept for judging the models: a fit that saw one of them says nothing of new chips. */
static const char *const kept_back[] = {"h200-sxm",     "b200-sxm", "gb200-nvl72", "b300-sxm", "gb300-nvl72",
                                        "rtx-pro-6000", "mi300x",   "mi325x",      "mi355x",   "tpu-v5e",
                                        "tpu-v5p",      "tpu-v6e",  "ironwood"};

Test(coefficients, were_not_fitted_on_a_device_that_is_kept_back)
{
    struct assay_fitted f;
    struct assay_error  err = {0};
    cr_assert_eq(assay_fitted_read(NULL, &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(strlen(f.fingerprint), 64);
    for (size_t i = 0; i < sizeof kept_back / sizeof *kept_back; i++) {
        struct assay_described *d = NULL;
        for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
            for (size_t g = 0; g < ASSAY_FORMAT_CLASSES; g++)
                cr_expect(!assay_fitted_on(&f, kept_back[i], (enum assay_kernel_class)c, (enum assay_format_class)g), "%s", kept_back[i]);
        cr_assert_eq(assay_described_find(kept_back[i], &d, &err), ASSAY_OK, "%s", err.message);
        for (size_t j = 0; j < f.n_devices; j++)
            for (size_t a = 0; d->aliases[a]; a++)
                cr_expect_str_neq(f.devices[j].name, d->aliases[a]);
        assay_described_free(d);
    }
}

Test(coefficients, come_back_from_their_file_as_they_were)
{
    char                path[] = "/tmp/assay-coefficients-XXXXXX";
    struct assay_fitted f, g;
    struct assay_error  err = {0};
    cr_assert_eq(assay_fitted_read(NULL, &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert(close(mkstemp(path)) == 0);
    json_t *json = assay_fitted_to_json(&f);
    char   *text = assay_json_pretty(json);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK);
    cr_assert_eq(assay_fitted_read(path, &g, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(memcmp(&f.base, &g.base, sizeof f.base), 0);
    cr_expect_eq(memcmp(f.spreads, g.spreads, sizeof f.spreads), 0);
    cr_expect_eq(f.n_vendors, g.n_vendors);
    free(text);
    json_decref(json);
    (void)unlink(path);
}

Test(coefficients, of_another_vendor_differ_by_what_it_was_measured_at)
{
    struct assay_fitted f = {.n_vendors = 1, .vendors = {{.name = "Other"}}};
    f.base = assay_coefficients_begin();
    for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++)
        f.vendors[0].factor[i] = 1;
    f.vendors[0].factor[ASSAY_K_GEMM_FLOOR] = 3;
    cr_expect_float_eq(assay_fitted_for(&f, "Other").value[ASSAY_K_GEMM_FLOOR], 3 * f.base.value[ASSAY_K_GEMM_FLOOR], 1e-9);
    cr_expect_eq(assay_fitted_for(&f, "Unknown").value[ASSAY_K_GEMM_FLOOR], f.base.value[ASSAY_K_GEMM_FLOOR]);
}

Test(coefficients, follow_the_residuals_of_a_chip_that_is_like_it)
{
    struct assay_fitted f = {.n_devices = 1};
    struct assay_chip   chip = {.memory_class = ASSAY_MEMORY_HBM};
    chip.field[ASSAY_DEVICE_CORES] = 100;
    chip.field[ASSAY_DEVICE_CLOCK] = 1e9;
    chip.field[ASSAY_DEVICE_PEAK_BF16] = 4e14;
    f.devices[0] =
        (struct assay_fitted_device){.name = "sister", .vendor = "V", .core_flops_per_clock = 4000, .clock_hz = 1e9, .hbm = true};
    f.devices[0].classes[ASSAY_KERNEL_GEMM] = true;
    f.devices[0].effect[ASSAY_KERNEL_GEMM][ASSAY_FORMAT_WIDE] = 0.13; /* the fit is 13 % slow on the sister */
    cr_expect_float_eq(log(assay_fitted_likeness(&f, "V", &chip, ASSAY_KERNEL_GEMM, ASSAY_FORMAT_WIDE, NULL)), -0.1, 1e-9);
    cr_expect_eq(assay_fitted_likeness(&f, "W", &chip, ASSAY_KERNEL_GEMM, ASSAY_FORMAT_WIDE, NULL), 1,
                 "another vendor's says nothing");
    cr_expect_eq(assay_fitted_likeness(&f, "V", &chip, ASSAY_KERNEL_GEMM, ASSAY_FORMAT_WIDE, "sister"), 1);
    cr_expect_eq(assay_fitted_likeness(&f, "V", &chip, ASSAY_KERNEL_DECODE, ASSAY_FORMAT_WIDE, NULL), 1);
    chip.field[ASSAY_DEVICE_PEAK_BF16] *= 4;
    cr_expect_gt(assay_fitted_likeness(&f, "V", &chip, ASSAY_KERNEL_GEMM, ASSAY_FORMAT_WIDE, NULL), 0.99,
                 "another generation is hardly alike");
}

Test(coefficients, were_fitted_on_a_chip_in_the_formats_that_were_measured)
{
    static struct assay_fitted f;
    struct assay_error         err = {0};
    cr_assert_eq(assay_fitted_read(NULL, &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect(assay_fitted_on(&f, "h100-sxm", ASSAY_KERNEL_GEMM, ASSAY_FORMAT_WIDE));
    cr_expect(assay_fitted_on(&f, "h100-sxm", ASSAY_KERNEL_GEMM, ASSAY_FORMAT_F8));
    cr_expect_not(assay_fitted_on(&f, "h100-sxm", ASSAY_KERNEL_GEMM, ASSAY_FORMAT_F4));
    cr_expect_not(assay_fitted_on(&f, "a100-sxm-80gb", ASSAY_KERNEL_GEMM, ASSAY_FORMAT_F8), "it has none");
}
