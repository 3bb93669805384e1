/* Published runs of serving by fits that saw nothing of their model: TPOT and TTFT within what is promised at the median, coverage of the
 * bands that are shipped, and that what is shipped was fitted on these very runs.   long_serving [TABLE] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/model/cluster/serving_fit.h"
#include "suites/blocks/decoder_numbers.h"

#include "assay/banned.h"

static const char *const tables[] = {"../shared/data/serving.csv", "../../shared/data/serving.csv", "measurements/serving.csv"};
static const double      medians[ASSAY_SERVING_FIGURES] = {[ASSAY_SERVING_TTFT] = 0.30, [ASSAY_SERVING_TPOT] = 0.17};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int judge(const struct assay_serving_runs *r, const struct assay_serving_fitted *f, int figure, double *off)
{
    size_t n = 0, inside = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct assay_serving_run *run = &r->at[i];
        if (!(run->measured_ns[figure] > 0))
            continue;
        double ln = log(run->left_out_ns[figure] / run->measured_ns[figure]);
        inside += fabs(ln) <= f->half[figure][run->ask.decoder.experts > 0][1];
        off[n++] = fabs(expm1(ln));
    }
    if (!n)
        return 1;
    qsort(off, n, sizeof *off, by_size);
    double coverage = (double)inside / (double)n;
    printf("%s, models left out: %.1f %% at the median (at most %.0f), %.1f %% at the 90th percentile, %.0f %% within the band (72 to 92)\n",
           assay_serving_figure_names[figure], 100 * off[n / 2], 100 * medians[figure], 100 * off[n - 1 - n / 10], 100 * coverage);
    return off[n / 2] > medians[figure] || coverage < 0.72 || coverage > 0.92;
}

static int judge_all(struct assay_serving_runs *r)
{
    struct assay_serving_fitted f, shipped;
    struct assay_error          err = {.code = ASSAY_OK};
    double                     *off = calloc(r->n + 1, sizeof *off);
    int                         failed = 0;
    if (!off || assay_serving_calibrate(r, &f, &err) || assay_serving_fitted_read(NULL, &shipped, &err)) {
        fprintf(stderr, "long_serving: %s\n", off ? err.message : "no memory");
        free(off);
        return 1;
    }
    for (int figure = 0; figure < ASSAY_SERVING_FIGURES; figure++)
        failed |= judge(r, &f, figure, off);
    if (strcmp(shipped.fingerprint, f.fingerprint) != 0 || strcmp(shipped.kernels, f.kernels) != 0) {
        fprintf(stderr, "long_serving: the shipped stacks were not fitted on these runs; make model-table does\n");
        failed = 1;
    }
    free(off);
    return failed;
}

int main(int argc, char **argv)
{
    static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};
    struct assay_fitted                      kernels;
    struct assay_serving_runs                runs = {.n = 0};
    struct assay_error                       err = {.code = ASSAY_OK};
    const char                              *table = argc > 1 ? argv[1] : NULL;
    for (size_t i = 0; !table && i < sizeof tables / sizeof *tables; i++)
        if (assay_file_exists(tables[i]))
            table = tables[i];
    if (!table) {
        printf("long_serving: skipped, the measurements are not here (harness/model/README.md)\n");
        return 0;
    }
    int failed = assay_fitted_read(NULL, &kernels, &err) || assay_serving_runs_read(&runs, table, &kernels, &shapes, &err);
    if (failed)
        fprintf(stderr, "long_serving: %s\n", err.message);
    else
        failed = judge_all(&runs);
    assay_serving_runs_release(&runs);
    return failed;
}
