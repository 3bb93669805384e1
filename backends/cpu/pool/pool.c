#include "backends/cpu/pool/pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backends/cpu/pool/topology.h"

#include "assay/banned.h"

/* A sleeping thread takes 5 to 50 us to come back, so this much spinning costs little more than it saves. */
#define SPIN_NS 30000

/* The gate is one word: jobs opened so far (upper half), open bit, workers inside (low 31 bits). A worker enters by
 * adding itself while the gate is open, so closing it and waiting for "nobody inside" ends a job without waiting for
 * workers that never came. */
#define GATE_INSIDE 0x7fffffffull
#define GATE_OPEN 0x80000000ull
#define GATE_JOB 0x100000000ull

/* One thread's share of the chunks: next and end, apart from others by a cache line and its neighbour. */
struct share {
    _Alignas(128) atomic_size_t next;
    size_t end;
};

struct worker {
    struct cpu_pool *pool;
    pthread_t        thread;
    unsigned         index;
    int              place;
};

struct cpu_pool {
    _Alignas(128) atomic_ullong gate;
    _Alignas(128) atomic_uint epoch; /* jobs opened; what sleeping workers wait on */
    atomic_uint sleepers;
    _Alignas(128) atomic_uint finished; /* counts up when the last worker leaves a closed gate; the caller sleeps on it */
    atomic_bool caller_sleeps;
    atomic_bool quit;
    cpu_pool_work *work;
    void          *self;
    unsigned       threads, started;
    struct share  *share;
    struct worker *worker;
    struct cpu_topology topology;
};

static void sleep_on(atomic_uint *word, unsigned seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void wake_all(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void take_from(struct cpu_pool *pool, struct share *share, unsigned thread)
{
    /* The plain look first: a drained share is read, not written, by everybody that passes. */
    while (atomic_load_explicit(&share->next, memory_order_relaxed) < share->end) {
        size_t chunk = atomic_fetch_add_explicit(&share->next, 1, memory_order_relaxed);
        if (chunk >= share->end)
            return;
        pool->work(pool->self, chunk, thread);
    }
}

static void take_part(struct cpu_pool *pool, unsigned thread)
{
    for (unsigned i = 0; i < pool->threads; i++)
        take_from(pool, &pool->share[(thread + i) % pool->threads], thread);
}

static void leave(struct cpu_pool *pool)
{
    uint64_t before = atomic_fetch_sub(&pool->gate, 1);
    if ((before & (GATE_OPEN | GATE_INSIDE)) != 1)
        return;
    atomic_fetch_add(&pool->finished, 1);
    if (atomic_load(&pool->caller_sleeps))
        wake_all(&pool->finished);
}

/* Joins the open job that is not `last`; false when there is none. */
static bool enter(struct cpu_pool *pool, uint64_t *last)
{
    unsigned long long gate = atomic_load(&pool->gate);
    while ((gate & GATE_OPEN) && gate / GATE_JOB != *last)
        if (atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1)) {
            *last = gate / GATE_JOB;
            return true;
        }
    return false;
}

static void bind_to(int place)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(place, &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* refused = not bound; the work is the same */
}

static void *worker_main(void *self)
{
    struct worker *w = self;
    struct cpu_pool *pool = w->pool;
    uint64_t last = 0, idle_since = 0;
    bind_to(w->place);
    for (unsigned turn = 1; !atomic_load(&pool->quit); turn++) {
        unsigned seen = atomic_load(&pool->epoch);
        if (enter(pool, &last)) {
            take_part(pool, w->index);
            leave(pool);
            idle_since = 0;
            continue;
        }
        if (!idle_since)
            idle_since = now_ns();
        relax();
        if (turn % 64 || now_ns() - idle_since < SPIN_NS)
            continue;
        atomic_fetch_add(&pool->sleepers, 1);
        if (!atomic_load(&pool->quit))
            sleep_on(&pool->epoch, seen);
        atomic_fetch_sub(&pool->sleepers, 1);
        idle_since = 0;
    }
    return NULL;
}

static void wait_until_empty(struct cpu_pool *pool)
{
    uint64_t since = 0;
    for (unsigned turn = 1;; turn++) {
        unsigned seen = atomic_load(&pool->finished);
        if (!(atomic_load(&pool->gate) & GATE_INSIDE))
            return;
        relax();
        if (turn % 64)
            continue;
        if (!since)
            since = now_ns();
        if (now_ns() - since < 4 * SPIN_NS)
            continue;
        atomic_store(&pool->caller_sleeps, true);
        if (atomic_load(&pool->gate) & GATE_INSIDE)
            sleep_on(&pool->finished, seen);
        atomic_store(&pool->caller_sleeps, false);
    }
}

void cpu_pool_run(struct cpu_pool *pool, size_t chunks, cpu_pool_work *work, void *self)
{
    if (pool->threads == 1 || chunks <= 1) {
        for (size_t i = 0; i < chunks; i++)
            work(self, i, 0);
        return;
    }
    pool->work = work;
    pool->self = self;
    for (unsigned i = 0; i < pool->threads; i++) {
        pool->share[i].end = chunks * (i + 1) / pool->threads;
        atomic_store_explicit(&pool->share[i].next, chunks * i / pool->threads, memory_order_relaxed);
    }
    /* Nobody is inside and the gate is closed: one addition opens the next job and publishes what was written. */
    atomic_fetch_add(&pool->gate, GATE_JOB + GATE_OPEN);
    atomic_fetch_add(&pool->epoch, 1);
    if (atomic_load(&pool->sleepers))
        wake_all(&pool->epoch);
    take_part(pool, 0);
    atomic_fetch_and(&pool->gate, ~GATE_OPEN);
    wait_until_empty(pool);
}

static enum assay_code start_workers(struct cpu_pool *pool, struct assay_error *err)
{
    for (unsigned i = 1; i < pool->threads; i++) {
        struct worker *w = &pool->worker[i];
        *w = (struct worker){.pool = pool, .index = i, .place = pool->topology.place[i % pool->topology.n]};
        int failed = pthread_create(&w->thread, NULL, worker_main, w);
        if (failed) {
            errno = failed;
            return ASSAY_FAIL_ERRNO(err, ASSAY_MEMORY, "cannot start thread %u of %u", i + 1, pool->threads);
        }
        pool->started = i;
    }
    return ASSAY_OK;
}

enum assay_code cpu_pool_new(unsigned threads, struct cpu_pool **out, struct assay_error *err)
{
    struct cpu_pool *pool = aligned_alloc(128, sizeof *pool);
    if (!pool)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the thread pool");
    memset(pool, 0, sizeof *pool);
    cpu_topology_read(&pool->topology);
    pool->threads = threads ? threads : pool->topology.n;
    pool->share = aligned_alloc(128, pool->threads * sizeof *pool->share);
    pool->worker = calloc(pool->threads, sizeof *pool->worker);
    if (!pool->share || !pool->worker) {
        ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a pool of %u threads", pool->threads);
        goto free_pool;
    }
    memset(pool->share, 0, pool->threads * sizeof *pool->share);
    if (start_workers(pool, err))
        goto free_pool;
    *out = pool;
    return ASSAY_OK;
free_pool:
    cpu_pool_free(pool);
    return err->code;
}

void cpu_pool_free(struct cpu_pool *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->quit, true);
    atomic_fetch_add(&pool->epoch, 1);
    wake_all(&pool->epoch);
    for (unsigned i = 1; i <= pool->started; i++)
        pthread_join(pool->worker[i].thread, NULL);
    free(pool->worker);
    free(pool->share);
    free(pool);
}

unsigned cpu_pool_threads(const struct cpu_pool *pool)
{
    return pool->threads;
}

void cpu_pool_describe(const struct cpu_pool *pool, struct assay_text *out)
{
    assay_text_add(out, "%u threads", pool->threads);
    if (pool->threads == 1)
        return;
    assay_text_add(out, ", workers bound (%s) to processors", pool->topology.found_by);
    for (unsigned i = 1; i < pool->threads; i++)
        assay_text_add(out, " %d", pool->topology.place[i % pool->topology.n]);
}

size_t cpu_pool_pieces(const struct cpu_pool *pool, size_t n, size_t grain, size_t per_thread)
{
    size_t most = pool->threads == 1 ? 1 : pool->threads * per_thread;
    size_t grains = (n + grain - 1) / grain;
    return grains < most ? grains : most;
}

void cpu_pool_piece(size_t n, size_t pieces, size_t grain, size_t i, size_t *begin, size_t *end)
{
    size_t grains = (n + grain - 1) / grain;
    *begin = grains * i / pieces * grain;
    *end = grains * (i + 1) / pieces * grain;
    if (*end > n)
        *end = n;
}
