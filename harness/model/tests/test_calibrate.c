#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/model/calibrate.h"
#include "harness/model/tests/described.h"

TestSuite(calibrate, .init = find_source, .timeout = 60);

/* Products on two chips as the model itself prices them with other coefficients than those a fit begins with. */
static void made_up(struct assay_measurements *s, const struct assay_coefficients *truth)
{
    static const char  names[2][16] = {"a100-sxm-80gb", "h100-sxm"};
    struct assay_error err = {0};
    s->chips = calloc(2, sizeof *s->chips);
    s->at = calloc(400, sizeof *s->at);
    for (size_t chip = 0; chip < 2; chip++) {
        struct assay_described *d = NULL;
        cr_assert_eq(assay_described_find(names[chip], &d, &err), ASSAY_OK, "%s", err.message);
        (void)snprintf(s->chips[chip].name, sizeof s->chips[chip].name, "%s", names[chip]);
        (void)snprintf(s->chips[chip].vendor, sizeof s->chips[chip].vendor, "%s", d->vendor);
        s->chips[chip].chip = assay_chip_middle(d);
        assay_described_free(d);
        for (double m = 1; m < 20000; m *= 2)
            for (double n = 1024; n < 20000; n *= 2) {
                struct assay_price        p;
                struct assay_measurement *at = &s->at[s->n++];
                at->chip = chip;
                at->kernel.class = ASSAY_KERNEL_GEMM;
                at->kernel.gemm = (struct assay_gemm_shape){
                    .batch = 1, .m = m, .n = n, .k = 4096, .compute = ASSAY_BF16, .a_bytes = 2, .b_bytes = 2, .c_bytes = 2};
                cr_assert_eq(assay_kernel_price(&s->chips[chip].chip, truth, &at->kernel, &p, &err), ASSAY_OK, "%s", err.message);
                at->measured_ns = p.ns;
            }
    }
    s->n_chips = 2;
}

Test(calibrate, finds_the_coefficients_that_measurements_were_made_with)
{
    struct assay_measurements s = {0};
    struct assay_coefficients truth = assay_coefficients_begin(), k = truth;
    struct assay_error        err = {0};
    truth.value[ASSAY_K_TENSOR_HBM] = 0.7;
    truth.value[ASSAY_K_GEMM_MEMORY_HBM] = 0.7;
    truth.value[ASSAY_K_GEMM_FLOOR] = 9000;
    made_up(&s, &truth);
    const struct assay_fit_choice all = {.class = ASSAY_KERNEL_GEMM, .left_out = s.n_chips};
    cr_assert_eq(assay_fit(&s, &all, 10, &k, &err), ASSAY_OK);
    cr_expect_float_eq(k.value[ASSAY_K_TENSOR_HBM], 0.7, 0.02, "%g", k.value[ASSAY_K_TENSOR_HBM]);
    cr_expect_float_eq(k.value[ASSAY_K_GEMM_MEMORY_HBM], 0.7, 0.02, "%g", k.value[ASSAY_K_GEMM_MEMORY_HBM]);
    cr_expect_float_eq(k.value[ASSAY_K_GEMM_FLOOR], 9000, 500, "%g", k.value[ASSAY_K_GEMM_FLOOR]);
    assay_measurements_release(&s);
}

Test(calibrate, does_not_look_at_a_chip_that_is_left_out)
{
    struct assay_measurements s = {0};
    struct assay_coefficients truth = assay_coefficients_begin(), a = truth, b = truth;
    struct assay_error        err = {0};
    made_up(&s, &truth);
    const struct assay_fit_choice without = {.class = ASSAY_KERNEL_GEMM, .left_out = 1};
    cr_assert_eq(assay_fit(&s, &without, 1, &a, &err), ASSAY_OK);
    for (size_t i = 0; i < s.n; i++)
        if (s.at[i].chip == 1)
            s.at[i].measured_ns *= 7;
    cr_assert_eq(assay_fit(&s, &without, 1, &b, &err), ASSAY_OK);
    cr_expect_eq(memcmp(&a, &b, sizeof a), 0);
    const struct assay_fit_choice all = {.class = ASSAY_KERNEL_GEMM, .left_out = 2};
    cr_assert_eq(assay_fit(&s, &all, 1, &b, &err), ASSAY_OK);
    cr_expect_neq(memcmp(&a, &b, sizeof a), 0);
    assay_measurements_release(&s);
}

Test(calibrate, shrugs_off_a_few_rows_that_are_wrong)
{
    struct assay_measurements s = {0};
    struct assay_coefficients truth = assay_coefficients_begin(), k = truth;
    struct assay_error        err = {0};
    truth.value[ASSAY_K_TENSOR_HBM] = 0.7;
    made_up(&s, &truth);
    for (size_t i = 0; i < s.n; i += 15)
        s.at[i].measured_ns *= 5;
    const struct assay_fit_choice all = {.class = ASSAY_KERNEL_GEMM, .left_out = s.n_chips};
    cr_assert_eq(assay_fit(&s, &all, 10, &k, &err), ASSAY_OK);
    cr_expect_float_eq(k.value[ASSAY_K_TENSOR_HBM], 0.7, 0.05, "%g", k.value[ASSAY_K_TENSOR_HBM]);
    assay_measurements_release(&s);
}

Test(calibrate, names_the_row_whose_device_nobody_described)
{
    char                      path[64];
    struct assay_measurements s = {0};
    struct assay_error        err = {0};
    write_temporary(path, "device,m,n,k,dtype,latency_us\nh100-sxm,1,1,1,fp16,5\nno-such,1,1,1,fp16,5\n");
    cr_expect_eq(assay_measurements_read(&s, path, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.frame[0], "row 2");
    assay_measurements_release(&s);
    (void)unlink(path);
}
