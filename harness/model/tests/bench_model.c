/* What pricing 100,000 products takes on one core, from shape to time, with no interval. The floor beside it: the powers that a
 * row cannot do without (one for the clock, four for the norm of the best cut), taken in turn. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "harness/model/table.h"

enum { ROWS = 100000, ROUNDS = 5, POWERS = 5 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double price_all(const struct assay_chip *chip, const struct assay_coefficients *k, double *sum)
{
    double began = now_s();
    for (int i = 0; i < ROWS; i++) {
        struct assay_kernel kernel = {.class = ASSAY_KERNEL_GEMM, .loops_weights = true};
        struct assay_price  price;
        struct assay_error  err;
        kernel.gemm = (struct assay_gemm_shape){.batch = 1,
                                                .m = 1 + i % 16384,
                                                .n = 64 + 64.0 * (i % 1000),
                                                .k = 64 + 64.0 * (i % 250),
                                                .compute = ASSAY_BF16,
                                                .a_bytes = 2,
                                                .b_bytes = 2,
                                                .c_bytes = 2};
        if (!assay_kernel_price(chip, k, &kernel, &price, &err))
            *sum += price.ns;
    }
    return now_s() - began;
}

static double floor_all(double *sum)
{
    double began = now_s();
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < POWERS; j++)
            *sum += pow(1.0 + i, 1.0 / (1 + j));
    return now_s() - began;
}

int main(void)
{
    struct assay_described   *d = NULL;
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_coefficients k = assay_coefficients_begin();
    double                    best = INFINITY, least = INFINITY, sum = 0;
    if (assay_described_find("h100-sxm", &d, &err)) {
        fprintf(stderr, "bench_model: %s\n", err.message);
        return 1;
    }
    struct assay_chip chip = assay_chip_middle(d);
    for (int i = 0; i < ROUNDS; i++) {
        best = fmin(best, price_all(&chip, &k, &sum));
        least = fmin(least, floor_all(&sum));
    }
    assay_described_free(d);
    printf("bench model_gemm_100k_rows %.3f s (goal < 1)\n", best);
    printf("bench model_gemm_over_floor %.1f 1 (goal none: the floor is %d powers a row, %.4f s)\n", best / least, POWERS, least);
    return sum > 0 ? 0 : 1;
}
