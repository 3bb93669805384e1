#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/memory.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/ceiling_kernels.h"
#include "harness/measure/core_clock.h"
#include "harness/measure/topology.h"

#define ELEMENTS 4096

Test(ceiling, every_width_that_runs_here_computes_what_it_is_timed_for)
{
    double *a = aligned_alloc(64, 3 * ELEMENTS * sizeof *a), *b = a + ELEMENTS, *c = b + ELEMENTS;
    size_t  rows = 0;
    for (const struct assay_ceiling_kernels *k = assay_ceiling_kernels; k->name; k++) {
        if (!k->runs_here())
            continue;
        rows++;
        for (size_t n = 64; n <= ELEMENTS; n *= 4) {
            double sum = 0;
            for (size_t i = 0; i < ELEMENTS; i++) {
                a[i] = -7;
                b[i] = (double)i;
                c[i] = (double)(i % 13);
            }
            k->triad(a, b, c, n);
            for (size_t i = 0; i < ELEMENTS; i++)
                cr_assert_eq(a[i], i < n ? b[i] + 3 * c[i] : -7, "%s, element %zu of %zu", k->name, i, n);
            for (size_t i = 0; i < n; i++)
                b[i] = i % 5 ? 1 : 0;
            (void)k->read(b, n);
            for (size_t i = 0; i < n; i++)
                sum += b[i];
            cr_expect(sum > 0 && k->read(b, n) > 0);
        }
        double once = k->multiply_add(1), more = k->multiply_add(1000);
        cr_expect(once >= 2 * k->f32_lanes && more == 1000 * once, "%s", k->name);
    }
    cr_expect_geq(rows, 1);
    free(a);
}

static double cpu_seconds(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Threads of this process that are bound to exactly one core. */
static unsigned bound_threads(void)
{
    unsigned       count = 0;
    DIR           *d = opendir("/proc/self/task");
    struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        pid_t     tid = (pid_t)strtol(e->d_name, NULL, 10);
        cpu_set_t set;
        if (tid > 0 && tid != getpid() && sched_getaffinity(tid, sizeof set, &set) == 0)
            count += CPU_COUNT(&set) == 1;
    }
    if (d)
        (void)closedir(d);
    return count;
}

Test(ceiling, bursts_give_rates_that_the_hardware_can_reach_and_threads_sleep_between, .timeout = 60)
{
    struct assay_error    err;
    struct assay_ceiling *c;
    char                  how[128] = "";
    unsigned              cpus[1024], n = assay_allowed_cpus(cpus, 1024);
    cr_assert_eq(assay_ceiling_open(0, &c, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(bound_threads(), n, "one thread a core, each bound");

    double                   flops = 0;
    struct assay_allocations before = assay_allocations_so_far();
    for (int i = 0; i < 5; i++) {
        double peak = assay_ceiling_flops_per_s(c, 1000000), triad = assay_ceiling_bytes_per_s(c, 1000000);
        cr_expect(isfinite(peak) && peak > 0 && isfinite(triad) && triad > 0);
        flops = fmax(flops, peak);
    }
    struct assay_allocations after = assay_allocations_so_far();
    cr_expect_eq(after.by_harness, before.by_harness, "a burst allocates nothing");

    /* Not a speed: an operation counted twice would be above what lanes, units and clock allow. */
    double nominal = assay_ceiling_nominal_flops_per_s(c, how);
    cr_expect(isnan(nominal) || flops < 1.6 * nominal, "%g of %g (%s)", flops, nominal, how);
    cr_expect(*how);

    double          used = cpu_seconds();
    struct timespec wait = {.tv_nsec = 200000000};
    (void)nanosleep(&wait, NULL);
    cr_expect_lt(cpu_seconds() - used, 0.1, "threads that wait do not spin");
    assay_ceiling_close(c);
    cr_expect_eq(bound_threads(), 0, "closing ends the threads");
}

Test(ceiling, a_levels_bandwidth_is_measured_once_and_remembered, .timeout = 60)
{
    struct assay_error    err;
    struct assay_ceiling *c;
    uint64_t              level[3], last, huge = (uint64_t)1 << 50;
    cr_assert_eq(assay_ceiling_open(1, &c, &err), ASSAY_OK, "%s", err.message);
    assay_ceiling_cache_bytes(level, &last);
    double memory = assay_ceiling_level_bytes_per_s(c, huge), small = assay_ceiling_level_bytes_per_s(c, 1024);
    cr_expect(memory > 0 && isfinite(memory) && small > 0 && isfinite(small));
    cr_expect_eq(assay_ceiling_level_bytes_per_s(c, huge), memory);
    cr_expect_eq(assay_ceiling_level_bytes_per_s(c, last ? last + 1 : huge), memory, "beyond the last level is memory");
    if (level[0])
        cr_expect_eq(assay_ceiling_level_bytes_per_s(c, level[0]), small, "what fits level 1 is in level 1");
    assay_ceiling_close(c);
}

Test(ceiling, more_threads_than_cores_are_refused_and_null_is_closed)
{
    struct assay_error    err;
    struct assay_ceiling *c = NULL;
    cr_expect_eq(assay_ceiling_open(100000, &c, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "100000 threads"), "%s", err.message);
    cr_expect_null(c);
    assay_ceiling_close(NULL);
}

Test(ceiling, the_clock_of_a_core_is_that_of_one_addition_a_cycle)
{
    /* Any clock between a slow emulator and the fastest core sold: a factor, not a speed. A chain that the core folds,
     * or that counts its additions wrongly by ten, is outside. */
    double hz = assay_core_clock_hz(2000000);
    cr_expect(hz > 5e7 && hz < 8e9, "%g Hz", hz);
    cr_expect_gt(assay_core_clock_hz(0), 0);
}
