#include "harness/base/parallel.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "assay/banned.h"

#define MOST_THREADS 256
#define MOST_CPUS (1 << 20)
#define PIECES_PER_THREAD 4 /* so that a core that is taken away holds up a quarter of a share, not all of it */

struct shared {
    atomic_size_t next; /* piece to be done next */
    size_t n, piece;    /* indices in all, indices in a piece */
    size_t pieces;
    void (*work)(void *self, size_t begin, size_t end);
    void *self;
};

/* Work that itself asks for parallel work gets it in place: its siblings already use the cores. */
static _Thread_local bool inside;

static unsigned cores_allowed(void)
{
    for (int cpus = 1024; cpus <= MOST_CPUS; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        size_t bytes = CPU_ALLOC_SIZE((size_t)cpus);
        int count = 0, failure = 0;
        if (!set)
            return 1;
        if (sched_getaffinity(0, bytes, set) == 0)
            count = CPU_COUNT_S(bytes, set);
        else
            failure = errno;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
        if (failure != EINVAL) /* which says that the machine has more processors than the set */
            return 1;
    }
    return 1;
}

unsigned assay_parallel_threads(void)
{
    const char *text = getenv("ASSAY_THREADS");
    unsigned threads = 0;
    if (text && *text >= '0' && *text <= '9') {
        char *end;
        unsigned long wanted = strtoul(text, &end, 10);
        if (*end == 0)
            threads = wanted < MOST_THREADS ? (unsigned)wanted : MOST_THREADS;
    }
    if (threads == 0)
        threads = cores_allowed();
    return threads < MOST_THREADS ? threads : MOST_THREADS;
}

static void do_pieces(struct shared *shared)
{
    bool was_inside = inside;
    size_t piece;
    inside = true;
    while ((piece = atomic_fetch_add_explicit(&shared->next, 1, memory_order_relaxed)) < shared->pieces) {
        size_t begin = piece * shared->piece;
        size_t end = shared->n - begin < shared->piece ? shared->n : begin + shared->piece;
        shared->work(shared->self, begin, end);
    }
    inside = was_inside;
}

static void *helper(void *shared)
{
    do_pieces(shared);
    return NULL;
}

/* Signals stay with the threads that were there before; a handler must not find itself on a helper. */
static unsigned start_helpers(pthread_t *threads, unsigned wanted, struct shared *shared)
{
    unsigned started = 0;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < wanted && pthread_create(&threads[started], NULL, helper, shared) == 0)
        started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void assay_parallel_for(size_t n, size_t grain, void (*work)(void *self, size_t begin, size_t end), void *self)
{
    struct shared shared = {.n = n, .work = work, .self = self};
    pthread_t threads[MOST_THREADS];
    size_t grains, share;
    unsigned count, started;
    if (n == 0)
        return;
    if (grain == 0)
        grain = 1;
    grains = n / grain + (n % grain != 0);
    count = grains < 2 || inside ? 1 : assay_parallel_threads();
    if (count == 1) {
        work(self, 0, n);
        return;
    }
    share = grains / (count * PIECES_PER_THREAD);
    share = share ? share : 1;
    shared.piece = share * grain;
    shared.pieces = grains / share + (grains % share != 0);
    if (count > shared.pieces)
        count = (unsigned)shared.pieces;
    started = start_helpers(threads, count - 1, &shared);
    do_pieces(&shared); /* all of them, should no helper have started */
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}
