/* Fits the published measurements again, when they are here, and holds the fit to what it reached before on chips left out.
 *   long_left_out [FOLDER]     the folder with gemm.csv …; without one, ../shared/data is looked at */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/model/left_out.h"

static const char *const tables[] = {"gemm", "attn_prefill", "attn_decode", "moe_ffn", "collective"};
static const char *const folders[] = {"../shared/data"};

/* The median error of a chip of the vendor with the most may not be larger: between a tenth and a half above what was reached. */
static const struct bound {
    enum assay_kernel_class class;
    const char *chip;
    double      median;
} bounds[] = {
    {ASSAY_KERNEL_GEMM, "a100-sxm-80gb", 0.08},
    {ASSAY_KERNEL_GEMM, "h100-sxm", 0.09},
    {ASSAY_KERNEL_GEMM, "l40s", 0.16},
    {ASSAY_KERNEL_PREFILL, "a100-sxm-80gb", 0.15},
    {ASSAY_KERNEL_PREFILL, "h100-sxm", 0.30},
    {ASSAY_KERNEL_PREFILL, "l40s", 0.20},
    {ASSAY_KERNEL_DECODE, "a100-sxm-80gb", 0.11},
    {ASSAY_KERNEL_DECODE, "h100-sxm", 0.16},
    {ASSAY_KERNEL_DECODE, "l40s", 0.13},
    {ASSAY_KERNEL_MOE, "a100-sxm-80gb", 0.20},
    {ASSAY_KERNEL_MOE, "h100-sxm", 0.24},
    {ASSAY_KERNEL_MOE, "l40s", 0.14},
    {ASSAY_KERNEL_COLLECTIVE, "a100-sxm-80gb", 0.16},
    {ASSAY_KERNEL_COLLECTIVE, "h100-sxm", 0.19},
    {ASSAY_KERNEL_COLLECTIVE, "l40s", 0.16},
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median_of(const struct assay_measurements *m, const struct assay_left_out *rows, const struct bound *b,
                        double *room)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (m->at[i].kernel.class == b->class && !strcmp(m->chips[m->at[i].chip].name, b->chip))
            room[n++] = fabs(rows[i].ns / m->at[i].measured_ns - 1);
    qsort(room, n, sizeof *room, by_size);
    return n ? room[n / 2] : NAN;
}

static int judge(const struct assay_measurements *m, const struct assay_left_out *rows, const struct assay_fitted *fitted)
{
    struct assay_fitted shipped;
    struct assay_error  err = {.code = ASSAY_OK};
    double             *room = calloc(m->n + 1, sizeof *room);
    int                 failed = 0;
    if (!room || assay_fitted_read(NULL, &shipped, &err)) {
        fprintf(stderr, "long_left_out: %s\n", room ? err.message : "no memory");
        free(room);
        return 1;
    }
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        double median = median_of(m, rows, &bounds[i], room);
        printf("%-10s %-14s left out: %.1f %% (at most %.0f)\n", assay_kernel_class_names[bounds[i].class], bounds[i].chip,
               100 * median, 100 * bounds[i].median);
        failed |= !(median <= bounds[i].median);
    }
    if (strcmp(shipped.fingerprint, fitted->fingerprint) != 0) {
        fprintf(stderr, "long_left_out: the shipped coefficients were not fitted on these measurements; make model-table does\n");
        failed = 1;
    }
    free(room);
    return failed;
}

int main(int argc, char **argv)
{
    struct assay_measurements m = {.n = 0};
    struct assay_fitted       fitted;
    struct assay_error        err = {.code = ASSAY_OK};
    const char               *folder = argc > 1 ? argv[1] : NULL;
    char                      path[512];
    for (size_t i = 0; !folder && i < sizeof folders / sizeof *folders; i++)
        if (assay_file_exists(folders[i]))
            folder = folders[i];
    if (!folder) {
        printf("long_left_out: skipped, the measurements are not here (harness/model/README.md)\n");
        return 0;
    }
    for (size_t i = 0; !err.code && i < sizeof tables / sizeof *tables; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.csv", folder, tables[i]);
        (void)assay_measurements_read(&m, path, &err);
    }
    struct assay_left_out *rows = calloc(m.n + 1, sizeof *rows);
    int                    failed = !rows || err.code || assay_calibrate(&m, &fitted, rows, &err);
    if (failed)
        fprintf(stderr, "long_left_out: %s\n", rows ? err.message : "no memory");
    else
        failed = judge(&m, rows, &fitted);
    free(rows);
    assay_measurements_release(&m);
    return failed;
}
