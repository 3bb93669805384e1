/* Bytes of float that a conversion reads or writes a second, in turn with a copy of as many (which reads and writes
 * them): one line a conversion, `NAME GB/s PERCENT-OF-THE-COPY`. The median of the rounds; what is converted fits the
 * second-level cache.   bench_formats */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reference/formats/floats.h"

enum { N = 1 << 16, ROUNDS = 101, REPEATS = 8 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x)
{
    qsort(x, ROUNDS, sizeof *x, ascending);
    return x[ROUNDS / 2];
}

/* The compiler must believe that the bytes are read. */
static void keep(const void *bytes)
{
    __asm__ volatile("" : : "r"(bytes) : "memory");
}

int main(void)
{
    const enum assay_dtype kinds[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F8E4M3, ASSAY_F8E5M2, ASSAY_F4E2M1};
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    unsigned char *codes = malloc(N * sizeof(short));
    if (!x || !y || !codes)
        return 1;
    for (int i = 0; i < N; i++)
        x[i] = (float)(i % 4001 - 2000) * 0.01f;
    for (size_t t = 0; t < sizeof kinds / sizeof *kinds; t++) {
        double narrow[ROUNDS], widen[ROUNDS], copy[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            double at[4] = {now_s()};
            for (int i = 0; i < REPEATS; i++, keep(codes))
                assay_floats_narrow(kinds[t], x, N, codes);
            at[1] = now_s();
            for (int i = 0; i < REPEATS; i++, keep(y))
                assay_floats_widen(kinds[t], codes, N, y);
            at[2] = now_s();
            for (int i = 0; i < REPEATS; i++, keep(y))
                memcpy(y, x, N * sizeof *x);
            at[3] = now_s();
            narrow[round] = at[1] - at[0];
            widen[round] = at[2] - at[1];
            copy[round] = at[3] - at[2];
        }
        double bytes = (double)N * sizeof *x * REPEATS, copied = median(copy);
        printf("%s_narrow %.2f %.1f\n", assay_dtype_name(kinds[t]), bytes / median(narrow) / 1e9,
               100 * copied / median(narrow));
        printf("%s_widen %.2f %.1f\n", assay_dtype_name(kinds[t]), bytes / median(widen) / 1e9,
               100 * copied / median(widen));
    }
    free(x);
    free(y);
    free(codes);
    return 0;
}
