#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/measure/counters.h"

#define PAGES 4096u

static const struct assay_counter *find(struct assay_counters *c, const char *name)
{
    size_t                      n;
    const struct assay_counter *all = assay_counters_read(c, &n);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(all[i].name, name))
            return &all[i];
    cr_assert_fail("no counter '%s'", name);
    return NULL;
}

static struct assay_counters *opened(void)
{
    struct assay_error     err;
    struct assay_counters *c = NULL;
    cr_assert_eq(assay_counters_open(&c, &err), ASSAY_OK, "%s", err.message);
    return c;
}

/* Touches fresh small pages: one fault each. */
static void fault(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char  *at = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return;
    (void)madvise(at, PAGES * page, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < PAGES; i++)
        at[i * page] = 1;
    (void)munmap(at, PAGES * page);
}

static double thread_cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void spin(double cpu_ns)
{
    for (double begin = thread_cpu_ns(); thread_cpu_ns() - begin < cpu_ns;)
        ;
}

Test(counters, every_counter_is_there_with_a_value_or_a_reason)
{
    static const char *const names[] = {"cycles", "instructions", "branch_misses", "l1d_misses", "llc_references",
                                        "llc_misses", "flops_f32", "flops", "task_clock", "page_faults",
                                        "context_switches", "cpu_migrations", "peak_rss"};
    struct assay_counters *c = opened();
    assay_counters_resume(c);
    spin(2e7);
    fault();
    assay_counters_pause(c);
    size_t                      n;
    const struct assay_counter *all = assay_counters_read(c, &n);
    cr_expect_eq(n, sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct assay_counter *x = find(c, names[i]);
        if (x->status == ASSAY_COUNTER_UNAVAILABLE)
            cr_expect(*x->why && x->value == 0, "%s says why", x->name);
        else
            cr_expect(*x->provider && *x->unit && x->running_ns > 0, "%s", x->name);
        if (x->status == ASSAY_COUNTER_OK)
            cr_expect(!*x->why, "%s: %s", x->name, x->why);
        if (x->status != ASSAY_COUNTER_UNAVAILABLE && i < 2)
            cr_expect_gt(x->value, 1e5, "20 ms of work are many %s", x->name);
    }
    cr_expect_neq(find(c, "task_clock")->status, ASSAY_COUNTER_UNAVAILABLE);
    cr_expect_neq(find(c, "page_faults")->status, ASSAY_COUNTER_UNAVAILABLE);
    cr_expect_neq(find(c, "context_switches")->status, ASSAY_COUNTER_UNAVAILABLE);
    const struct assay_counter *peak = find(c, "peak_rss");
    cr_expect(peak->status == ASSAY_COUNTER_OK && peak->value > PAGES * 4096.0 && peak->value < 1e12, "%g", peak->value);
    cr_expect_eq(all, assay_counters_read(c, &n), "the array belongs to the set");
    assay_counters_close(c);
    assay_counters_close(NULL);
}

static atomic_int stage;

static void wait_for(int wanted)
{
    while (atomic_load(&stage) < wanted) {
        struct timespec t = {.tv_nsec = 200000};
        (void)nanosleep(&t, NULL);
    }
}

/* Lives when the set is opened; while it counts, works and makes a thread that works too. */
static void *child(void *unused)
{
    fault();
    spin(3e7);
    return unused;
}

static void *elder(void *unused)
{
    pthread_t t;
    atomic_store(&stage, 1);
    wait_for(2);
    fault();
    spin(3e7);
    if (pthread_create(&t, NULL, child, NULL) == 0)
        (void)pthread_join(t, NULL);
    atomic_store(&stage, 3);
    wait_for(4);
    fault();
    fault();
    return unused;
}

Test(counters, threads_of_before_and_of_later_are_counted_and_pauses_are_not, .timeout = 60)
{
    pthread_t t;
    cr_assert_eq(pthread_create(&t, NULL, elder, NULL), 0);
    wait_for(1);
    struct assay_counters *c = opened();
    fault(); /* before: not counted */
    assay_counters_resume(c);
    atomic_store(&stage, 2);
    wait_for(3);
    assay_counters_pause(c);
    atomic_store(&stage, 4);
    (void)pthread_join(t, NULL);
    fault();
    double between = find(c, "page_faults")->value, clock = find(c, "task_clock")->value;
    cr_expect(between >= 2 * PAGES && between < 2.5 * PAGES, "%g faults of two threads", between);
    cr_expect(clock > 5e7, "%g ns of two threads", clock);
    assay_counters_resume(c);
    fault();
    assay_counters_pause(c);
    double after = find(c, "page_faults")->value;
    cr_expect(after >= between + PAGES && after < between + 1.5 * PAGES, "counts add up: %g after %g", after, between);
    assay_counters_close(c);
}

Test(counters, switches_are_counted_and_nothing_is_allocated, .timeout = 20)
{
    struct assay_counters   *c = opened();
    struct assay_allocations before = assay_allocations_so_far();
    for (int i = 0; i < 30; i++) {
        struct timespec t = {.tv_nsec = 100000};
        assay_counters_resume(c);
        (void)nanosleep(&t, NULL);
        assay_counters_pause(c);
    }
    struct assay_allocations after = assay_allocations_so_far();
    cr_expect_eq(before.by_harness, after.by_harness);
    cr_expect(find(c, "context_switches")->value >= 30, "%g", find(c, "context_switches")->value);
    cr_expect_lt(find(c, "page_faults")->value, 100);
    assay_counters_close(c);
}

Test(counters, no_descriptor_is_left_behind)
{
    int before = dup(0);
    (void)close(before);
    for (int i = 0; i < 20; i++)
        assay_counters_close(opened());
    int after = dup(0);
    (void)close(after);
    cr_expect_eq(before, after);
}

Test(counters, a_status_has_a_name)
{
    cr_expect_str_eq(assay_counter_status_name(ASSAY_COUNTER_OK), "ok");
    cr_expect_str_eq(assay_counter_status_name(ASSAY_COUNTER_MULTIPLEXED), "multiplexed");
    cr_expect_str_eq(assay_counter_status_name(ASSAY_COUNTER_UNAVAILABLE), "unavailable");
    cr_expect_str_eq(assay_counter_status_name((enum assay_counter_status)99), "unknown");
}

#if defined(ASSAY_WITH_PFM) && ASSAY_WITH_PFM
/* libpfm4 is told what core this is, so that every name of our sums is looked up whatever core it really is. */
static void expect_known(const char *core, const char *counter)
{
    (void)setenv("LIBPFM_FORCE_PMU", core, 1);
    struct assay_counters      *c = opened();
    const struct assay_counter *x = find(c, counter);
    cr_expect_null(strstr(x->why, "libpfm4"), "%s on %s: %s", counter, core, x->why);
    assay_counters_close(c);
}

Test(counters, names_of_native_events_are_known_on_a_core_with_512_bit_vectors)
{
    expect_known("skx", "flops_f32");
    expect_known("skx", "flops");
}

Test(counters, names_of_native_events_are_known_on_a_core_without)
{
    expect_known("bdw", "flops_f32");
}

Test(counters, names_of_native_events_are_known_on_another_makers_core)
{
    expect_known("amd64_fam19h_zen4", "flops");
}
#endif
