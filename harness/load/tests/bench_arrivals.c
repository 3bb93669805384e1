/* From the call to the first row, and the cost of a row after it; the median of some rounds. The official profile, so what LoadGen
 * prepares for.   bench_arrivals */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "harness/base/clock.h"
#include "harness/load/arrivals.h"

enum { ROUNDS = 9, ROWS = 2000000 };

static const struct {
    const char *name, *scenario, *goal;
} starts[] = {
    {"start_server_1024", "server/profile=loadgen,qps=100000,min_queries=270336", "< 5"},
    {"start_server_24576_equal", "server/profile=loadgen,qps=100000,performance_samples=24576,min_queries=270336,equal_issue=true", "< 5"},
    {"start_single_stream_24576", "single_stream/profile=loadgen,performance_samples=24576", "< 5"},
    {"start_offline_24576", "offline/profile=loadgen,qps=1000000,performance_samples=24576", "< 5"},
    {"start_server_1e9_queries", "server/qps=1000000,min_queries=1000000000", "< 5"},
    {"start_server_788379", "server/profile=loadgen,qps=1000,performance_samples=788379", "< 5"},
    {"start_server_788379_equal", "server/profile=loadgen,qps=1000,performance_samples=788379,equal_issue=true", "< 5"},
};
static const struct {
    const char *name, *scenario;
} rows[] = {
    {"row_server", "server/qps=100000"},
    {"row_server_equal", "server/qps=100000,equal_issue=true"},
    {"row_single_stream", "single_stream"},
    {"row_offline", "offline/qps=1000000,min_duration_s=600"},
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Milliseconds to the first row, nanoseconds for each further one of n; false if it cannot be had. */
static bool measure(const char *text, uint64_t n, double *start_ms, double *row_ns)
{
    struct assay_scenario  s;
    struct assay_seeds     seeds;
    struct assay_error     err = {0};
    struct assay_arrivals *a;
    struct assay_arrival   row;
    double                 first[ROUNDS], each[ROUNDS];
    if (assay_scenario_parse(text, &s, &err))
        return false;
    assay_seeds_from(1, &seeds);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t began = assay_clock_now_ns();
        if (assay_arrivals_new(&s, &seeds, &a, &err) || !assay_arrivals_next(a, &row))
            return false;
        uint64_t started = assay_clock_now_ns();
        for (uint64_t k = 0; k < n; k++)
            (void)assay_arrivals_next(a, &row);
        each[i] = (double)(assay_clock_now_ns() - started) / (double)(n ? n : 1);
        first[i] = (double)(started - began) / 1e6;
        assay_arrivals_free(a);
    }
    qsort(first, ROUNDS, sizeof *first, ascending);
    qsort(each, ROUNDS, sizeof *each, ascending);
    *start_ms = first[ROUNDS / 2];
    *row_ns = each[ROUNDS / 2];
    return true;
}

int main(void)
{
    double        start_ms, row_ns;
    struct rusage used;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!measure(rows[i].scenario, ROWS, &start_ms, &row_ns))
            return 1;
        printf("bench arrivals_%s %.1f ns (goal none)\n", rows[i].name, row_ns);
    }
    getrusage(RUSAGE_SELF, &used);
    printf("bench arrivals_memory_after_%d_rows %.1f MB (goal < 64)\n", ROUNDS * ROWS * 4, (double)used.ru_maxrss / 1024);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (!measure(starts[i].scenario, 0, &start_ms, &row_ns))
            return 1;
        printf("bench arrivals_%s %.2f ms (goal %s)\n", starts[i].name, start_ms, starts[i].goal);
    }
    getrusage(RUSAGE_SELF, &used);
    printf("bench arrivals_memory_788379 %.1f MB (goal < 64)\n", (double)used.ru_maxrss / 1024);
    return 0;
}
