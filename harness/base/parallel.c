#include "harness/base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "assay/banned.h"

#define MAX_THREADS 256u

struct job {
    size_t n, grain, piece;
    void (*work)(void *self, size_t begin, size_t end);
    void         *self;
    atomic_size_t next;
};

static void *worker(void *arg)
{
    struct job *job = arg;
    for (;;) {
        size_t begin = atomic_fetch_add_explicit(&job->next, job->piece, memory_order_relaxed);
        if (begin >= job->n)
            return NULL;
        job->work(job->self, begin, job->n - begin < job->piece ? job->n : begin + job->piece);
    }
}

unsigned assay_parallel_threads(void)
{
    const char *given = getenv("ASSAY_THREADS");
    if (given && *given) {
        char         *end;
        unsigned long n = strtoul(given, &end, 10);
        if (!*end && n >= 1)
            return n < MAX_THREADS ? (unsigned)n : MAX_THREADS;
    }
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed))
        return 1;
    unsigned n = (unsigned)CPU_COUNT(&allowed);
    return n < 1 ? 1 : n < MAX_THREADS ? n : MAX_THREADS;
}

void assay_parallel_for(size_t n, size_t grain, void (*work)(void *self, size_t begin, size_t end), void *self)
{
    if (n == 0)
        return;
    if (grain == 0)
        grain = 1;
    size_t   grains = (n - 1) / grain + 1;
    unsigned threads = grains > 1 ? assay_parallel_threads() : 1;
    if (threads > grains)
        threads = (unsigned)grains;
    if (threads == 1) {
        work(self, 0, n);
        return;
    }
    /* About four pieces a thread: uneven work evens out, and pieces stay large. */
    size_t     pieces = (size_t)threads * 4 < grains ? (size_t)threads * 4 : grains;
    struct job job = {.n = n, .grain = grain, .piece = (grains + pieces - 1) / pieces * grain, .work = work, .self = self};
    pthread_t  helper[MAX_THREADS];
    unsigned   started = 0;
    atomic_init(&job.next, 0);
    while (started + 1 < threads && !pthread_create(&helper[started], NULL, worker, &job))
        started++;
    (void)worker(&job); /* without helpers this thread does it all */
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(helper[i], NULL);
}
