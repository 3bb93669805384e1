#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/measure/noise.h"
#include "harness/measure/topology.h"

#define MAX_CORES 256

static const struct assay_noise quiet = {.steal_share = 0.001, .other_share = 0.01, .involuntary_switches = 10,
                                         .elapsed_ns = 1000000000, .clock_hz_begin = 3e9, .clock_hz_end = 3.01e9};

Test(noise, a_quiet_machine_gives_no_complaint)
{
    struct assay_noise n = quiet;
    cr_expect_null(assay_noise_complaint(&n));
    n.steal_share = n.other_share = NAN;
    cr_expect_null(assay_noise_complaint(&n), "what is not known is no complaint");
    n = (struct assay_noise){0};
    cr_expect_null(assay_noise_complaint(&n), "nor is nothing at all");
}

Test(noise, the_complaint_names_what_is_worst_and_by_how_much)
{
    struct assay_noise n = quiet;
    n.steal_share = 0.034;
    cr_expect_str_eq(assay_noise_complaint(&n), "the hypervisor gave 3.4 % of our cores' time to others");
    n.other_share = 0.5;
    cr_expect_str_eq(assay_noise_complaint(&n), "other processes had 50.0 % of our cores' time");
    n = quiet;
    n.clock_hz_end = 2.4e9;
    cr_expect_str_eq(assay_noise_complaint(&n), "the core's clock went from 3.00 to 2.40 GHz");
    n = quiet;
    n.involuntary_switches = 8000;
    n.elapsed_ns = 10 * (uint64_t)1000000000;
    cr_expect_str_eq(assay_noise_complaint(&n), "threads were taken off their core 800 times a second");
    n = quiet;
    n.major_faults = 3;
    cr_expect_str_eq(assay_noise_complaint(&n), "3 pages had to be read from disk");
}

static void work_for(uint64_t ns)
{
    for (uint64_t begin = assay_clock_now_ns(); assay_clock_now_ns() - begin < ns;)
        ;
}

static void *on_thread(void *unused)
{
    work_for(400000000);
    return unused;
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

Test(noise, the_work_of_others_is_seen_and_our_own_is_not, .timeout = 60)
{
    struct assay_noise_probe probe;
    struct assay_noise       alone, beside, lent;
    unsigned                 cpus[1], cores = assay_allowed_cpus(cpus, 1);
    pid_t                    child[MAX_CORES];
    pthread_t                thread[MAX_CORES];
    if (cores > MAX_CORES)
        cr_skip_test("too many cores to fill");

    assay_noise_begin(&probe);
    double used = cpu_seconds();
    for (unsigned i = 0; i < cores; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, on_thread, NULL), 0);
    for (unsigned i = 0; i < cores; i++)
        (void)pthread_join(thread[i], NULL);
    assay_noise_end(&probe, 0, &alone);
    used = (cpu_seconds() - used) / ((double)alone.elapsed_ns / 1e9 * cores);
    assay_noise_begin(&probe);
    for (unsigned i = 0; i < cores; i++) {
        child[i] = fork();
        if (!child[i]) {
            work_for(600000000);
            _exit(0);
        }
    }
    struct timespec wait = {.tv_nsec = 400000000};
    (void)nanosleep(&wait, NULL);
    assay_noise_end(&probe, 0, &beside);
    assay_noise_end(&probe, cores * (beside.elapsed_ns + 1000000000), &lent);
    for (unsigned i = 0; i < cores; i++)
        (void)waitpid(child[i], NULL, 0);
    cr_expect(alone.elapsed_ns >= 400000000 && beside.elapsed_ns >= 400000000);
    if (isnan(beside.other_share))
        cr_skip_test("/proc/stat is not readable or ticks too slowly here");
    /* All cores were taken by others (who may themselves have been waiting for a hypervisor). */
    cr_expect_gt(beside.other_share + beside.steal_share, 0.6);
    cr_expect_eq(lent.other_share, 0, "%g: what others did at our request is ours", lent.other_share);
    cr_expect_lt(alone.other_share + used, 1.15, "ours (%g) is not counted as that of others (%g)", used,
                 alone.other_share);
    cr_expect_not_null(assay_noise_complaint(&beside));
}

Test(noise, a_moment_is_too_short_for_shares_but_has_the_rest, .timeout = 20)
{
    struct assay_noise_probe probe;
    struct assay_noise       n;
    struct assay_allocations before = assay_allocations_so_far();
    assay_noise_begin(&probe);
    assay_noise_end(&probe, 0, &n);
    struct assay_allocations after = assay_allocations_so_far();
    cr_expect(n.elapsed_ns > 0 && n.elapsed_ns < (uint64_t)10e9);
    if (n.elapsed_ns < 50000000)
        cr_expect(isnan(n.steal_share) && isnan(n.other_share));
    cr_expect(n.clock_hz_begin > 5e7 && n.clock_hz_begin < 8e9 && n.clock_hz_end > 5e7 && n.clock_hz_end < 8e9);
    cr_expect_eq(before.by_harness, after.by_harness, "a probe allocates nothing");
}
