#include "harness/base/parallel.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum { MOST = 5000 };
struct seen {
    size_t n, grain;
    atomic_uint times[MOST]; /* how often each index was done */
    atomic_uint calls, ragged, elsewhere;
    pthread_t caller;
};

static void note(void *self, size_t begin, size_t end)
{
    struct seen *seen = self;
    size_t grain = seen->grain ? seen->grain : 1;
    atomic_fetch_add(&seen->calls, 1);
    if (begin >= end || end > seen->n || begin % grain || (end % grain && end != seen->n))
        atomic_fetch_add(&seen->ragged, 1);
    if (!pthread_equal(pthread_self(), seen->caller))
        atomic_fetch_add(&seen->elsewhere, 1);
    for (size_t i = begin; i < end && i < MOST; i++)
        atomic_fetch_add(&seen->times[i], 1);
}

static void run(struct seen *seen, size_t n, size_t grain)
{
    memset(seen, 0, sizeof *seen);
    seen->n = n;
    seen->grain = grain;
    seen->caller = pthread_self();
    assay_parallel_for(n, grain, note, seen);
}

static struct seen seen;

Test(parallel, covers_every_index_once_in_whole_grains, .timeout = 60)
{
    static const size_t ns[] = {0, 1, 2, 7, 63, 64, 65, 1000, 4999, 5000};
    static const size_t grains[] = {0, 1, 3, 64, 1000, 5000, SIZE_MAX};
    static char *const threads[] = {"1", "2", "3", "16"};
    for (size_t t = 0; t < 4; t++) {
        setenv("ASSAY_THREADS", threads[t], 1);
        for (size_t a = 0; a < sizeof ns / sizeof ns[0]; a++)
            for (size_t g = 0; g < sizeof grains / sizeof grains[0]; g++) {
                size_t wrong = 0;
                run(&seen, ns[a], grains[g]);
                for (size_t i = 0; i < MOST; i++)
                    wrong += seen.times[i] != (i < ns[a]);
                cr_expect(wrong == 0 && seen.ragged == 0, "n %zu, grain %zu, %s threads: %zu wrong, %u ragged", ns[a],
                          grains[g], threads[t], wrong, seen.ragged);
            }
    }
}

Test(parallel, starts_no_thread_for_small_work, .timeout = 20)
{
    setenv("ASSAY_THREADS", "8", 1);
    run(&seen, 64, 64);
    cr_expect(seen.calls == 1 && seen.elsewhere == 0);
    setenv("ASSAY_THREADS", "1", 1);
    run(&seen, 5000, 1);
    cr_expect(seen.calls == 1 && seen.elsewhere == 0);
}

static atomic_uint met, signals_open;
static void meet(void *self, size_t begin, size_t end)
{
    sigset_t blocked;
    (void)begin;
    (void)end;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!pthread_equal(pthread_self(), *(pthread_t *)self) && !sigismember(&blocked, SIGTERM))
        atomic_fetch_add(&signals_open, 1);
    atomic_fetch_add(&met, 1);
    while (atomic_load(&met) < 3)
        sched_yield();
}

Test(parallel, really_runs_at_once_and_keeps_signals_off_the_helpers, .timeout = 20)
{
    pthread_t self = pthread_self();
    setenv("ASSAY_THREADS", "3", 1);
    assay_parallel_for(3, 1, meet, &self); /* each waits for the other two: one thread alone would never end */
    cr_expect_eq(met, 3);
    cr_expect_eq(signals_open, 0);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    cr_expect_not(sigismember(&blocked, SIGTERM), "the caller's mask is as before");
}

static atomic_uint inner_elsewhere, inner_done;
static void inner(void *self, size_t begin, size_t end)
{
    usleep(100); /* long enough for a helper to come and take a piece, were there one */
    if (!pthread_equal(pthread_self(), *(pthread_t *)self))
        atomic_fetch_add(&inner_elsewhere, 1);
    atomic_fetch_add(&inner_done, (unsigned)(end - begin));
}
static void outer(void *self, size_t begin, size_t end)
{
    pthread_t here = pthread_self();
    (void)self;
    for (size_t i = begin; i < end; i++)
        assay_parallel_for(100, 1, inner, &here);
}

Test(parallel, does_nested_work_in_place, .timeout = 20)
{
    setenv("ASSAY_THREADS", "4", 1);
    assay_parallel_for(8, 1, outer, NULL);
    cr_expect_eq(inner_elsewhere, 0);
    cr_expect_eq(inner_done, 800);
    run(&seen, 5000, 1);
    cr_expect_gt(seen.calls, 1, "and afterwards work is cut again");
}

#if !SANITIZED /* a sanitizer needs the address space that this test takes away */
/* A process in which no thread can be started, for its stack has no room: the caller does it all. (A limit on the
 * number of threads would not bind root.) */
Test(parallel, finishes_when_no_thread_can_be_started, .timeout = 20)
{
    struct rlimit none = {1 << 20, 1 << 20};
    size_t wrong = 0;
    setenv("ASSAY_THREADS", "8", 1);
    setrlimit(RLIMIT_AS, &none);
    run(&seen, 5000, 10);
    for (size_t i = 0; i < MOST; i++)
        wrong += seen.times[i] != 1;
    cr_expect(wrong == 0 && seen.elsewhere == 0, "%zu wrong, %u on helpers", wrong, seen.elsewhere);
}
#endif

Test(parallel, counts_the_cores_that_are_allowed)
{
    cpu_set_t before, one;
    unsigned all;
    unsetenv("ASSAY_THREADS");
    cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
    all = (unsigned)CPU_COUNT(&before);
    cr_expect_eq(assay_parallel_threads(), all < 256 ? all : 256);
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_expect_eq(assay_parallel_threads(), 1);
    setenv("ASSAY_THREADS", "5", 1);
    cr_expect_eq(assay_parallel_threads(), 5, "the environment decides");
    static char *const nonsense[] = {"", "0", "-3", " 4", "4x", "x", "1e3", "0x10", "+2"};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        setenv("ASSAY_THREADS", nonsense[i], 1);
        cr_expect_eq(assay_parallel_threads(), 1, "'%s' is not a number of threads", nonsense[i]);
    }
    setenv("ASSAY_THREADS", "99999999999999999999999999", 1);
    cr_expect_eq(assay_parallel_threads(), 256);
}
