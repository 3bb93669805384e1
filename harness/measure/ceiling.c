#include "harness/measure/ceiling.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/measure/ceiling_kernels.h"
#include "harness/measure/core_clock.h"
#include "harness/measure/topology.h"
#include "assay/banned.h"

#define DEFAULT_BURST_NS 4000000u
#define TRIAL_BURST_NS 1000000u
#define TRIALS 4 /* the best of them: a neighbour that takes the core for one must not choose for us */
#define WARM_NS 200000u /* untimed, until clocks and wide units are up */
#define MIN_ARRAY_BYTES ((uint64_t)64 << 20)
#define CHUNK_ROUNDS 2048       /* multiply-add rounds between two looks at the clock: some 10 us */
#define CHUNK_ELEMENTS 8192u    /* elements of one pass over memory: 3 x 64 KiB */
#define CHUNK_BYTES (1u << 20)  /* small working sets are passed over until this much has been moved */
#define SKEW_BYTES 1088u        /* keeps a load from looking like the store just before it (4 KiB aliasing) */
#define LEVELS 4                /* level 1 to 3, memory */
#define LEVEL_BURSTS 5
#define MAX_THREADS 4096u

enum job { JOB_TOUCH = 1, JOB_MULTIPLY_ADD, JOB_TRIAD, JOB_LEVEL_TRIAD, JOB_LEVEL_READ, JOB_QUIT };

struct order {
    enum job                            job;
    uint64_t                            budget_ns;
    const struct assay_ceiling_kernels *kernels;
    size_t                              elements; /* of each array and thread: the working set of a level */
};

struct worker {
    alignas(128) pthread_t thread;
    struct assay_ceiling *ceiling;
    unsigned cpu;
    void    *block;
    size_t   block_bytes;
    double  *a, *b, *c;
    size_t   elements; /* of each array */
    size_t   cursor;   /* where the next triad burst goes on, so that it never finds its own data in a cache */
    double   work, sink;
    uint64_t begin_ns, end_ns;
};

struct assay_ceiling {
    struct assay_ceiling_keeper keeper; /* ask NULL: all that follows is here */
    uint64_t        lent_ns;
    unsigned        n, started;
    struct worker  *worker;
    pthread_mutex_t lock;
    pthread_cond_t  go, done;
    uint64_t        generation; /* under the lock, with `order` and `busy` */
    struct order    order;
    unsigned        busy;
    atomic_uint     arrived;
    uint64_t        cache_bytes[3], last_shared;
    double          level_rate[LEVELS];
    const struct assay_ceiling_kernels *kernels; /* whose multiply-add is fastest here */
};

/* ---- a worker ---- */

ASSAY_CEILING_UNCHECKED static void touch(struct worker *w)
{
    for (size_t i = 0; i < w->elements; i++) {
        w->a[i] = 0;
        w->b[i] = 1.0 + (double)(i & 7);
        w->c[i] = 0.5;
    }
}

/* One piece of an order; what was done, in operations or bytes. */
static double piece(struct worker *w, const struct order *o)
{
    size_t moved = 0;
    switch (o->job) {
    case JOB_MULTIPLY_ADD:
        return o->kernels->multiply_add(CHUNK_ROUNDS);
    case JOB_TRIAD:
        if (w->cursor + CHUNK_ELEMENTS > w->elements)
            w->cursor = 0;
        o->kernels->triad(w->a + w->cursor, w->b + w->cursor, w->c + w->cursor, CHUNK_ELEMENTS);
        w->cursor += CHUNK_ELEMENTS;
        return CHUNK_ELEMENTS * 3.0 * sizeof(double);
    case JOB_LEVEL_TRIAD:
        for (; moved < CHUNK_BYTES; moved += 3 * o->elements * sizeof(double))
            o->kernels->triad(w->a, w->b, w->c, o->elements);
        return (double)moved;
    case JOB_LEVEL_READ:
        for (; moved < CHUNK_BYTES; moved += 2 * o->elements * sizeof(double))
            w->sink += o->kernels->read(w->b, o->elements) + o->kernels->read(w->c, o->elements);
        return (double)moved;
    case JOB_TOUCH:
    case JOB_QUIT:
        break;
    }
    return 0;
}

/* All begin together: a thread that ran before the others would have the memory, or the clock, to itself. */
static void meet(struct assay_ceiling *c)
{
    (void)atomic_fetch_add_explicit(&c->arrived, 1, memory_order_acq_rel);
    for (unsigned spins = 1; atomic_load_explicit(&c->arrived, memory_order_acquire) < c->n; spins++) {
        if (spins % 64 == 0)
            (void)sched_yield();
    }
}

static void burst(struct worker *w, const struct order *o)
{
    uint64_t now = assay_clock_now_ns(), until = now + WARM_NS;
    while (now < until) {
        (void)piece(w, o);
        now = assay_clock_now_ns();
    }
    meet(w->ceiling);
    w->work = 0;
    w->begin_ns = w->end_ns = assay_clock_now_ns();
    while (w->end_ns - w->begin_ns < o->budget_ns) {
        w->work += piece(w, o);
        w->end_ns = assay_clock_now_ns();
    }
}

static void bind_to(unsigned cpu)
{
    cpu_set_t *set = CPU_ALLOC(cpu + 1);
    if (!set)
        return;
    CPU_ZERO_S(CPU_ALLOC_SIZE(cpu + 1), set);
    CPU_SET_S(cpu, CPU_ALLOC_SIZE(cpu + 1), set);
    (void)sched_setaffinity(0, CPU_ALLOC_SIZE(cpu + 1), set);
    CPU_FREE(set);
}

static void *work(void *self)
{
    struct worker        *w = self;
    struct assay_ceiling *c = w->ceiling;
    uint64_t              seen = 0;
    bind_to(w->cpu);
    for (;;) {
        (void)pthread_mutex_lock(&c->lock);
        while (c->generation == seen)
            (void)pthread_cond_wait(&c->go, &c->lock);
        seen = c->generation;
        struct order order = c->order;
        (void)pthread_mutex_unlock(&c->lock);
        if (order.job == JOB_QUIT)
            return NULL;
        if (order.job == JOB_TOUCH)
            touch(w);
        else
            burst(w, &order);
        (void)pthread_mutex_lock(&c->lock);
        if (--c->busy == 0)
            (void)pthread_cond_signal(&c->done);
        (void)pthread_mutex_unlock(&c->lock);
    }
}

/* ---- the owner ---- */

/* CPU time of this process. */
static uint64_t own_ns(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * ASSAY_NS_PER_S + (uint64_t)t.tv_nsec;
}

static void command(struct assay_ceiling *c, const struct order *order)
{
    (void)pthread_mutex_lock(&c->lock);
    c->order = *order;
    c->busy = c->started;
    atomic_store_explicit(&c->arrived, 0, memory_order_relaxed);
    c->generation++;
    (void)pthread_cond_broadcast(&c->go);
    while (order->job != JOB_QUIT && c->busy)
        (void)pthread_cond_wait(&c->done, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
}

/* Runs here, and nothing before it in the table does so much better that it need not be tried: a row without fused
 * instructions behind one with them. */
static bool is_candidate(const struct assay_ceiling_kernels *kernels)
{
    bool fused = false;
    for (const struct assay_ceiling_kernels *k = assay_ceiling_kernels; k != kernels; k++)
        fused = fused || (k->fused && k->runs_here());
    return kernels->runs_here() && (kernels->fused || !fused);
}

/* What all threads did, over the time from the first beginning to the last end. */
static double rate(struct assay_ceiling *c, struct order order)
{
    double   sum = 0;
    uint64_t begin = UINT64_MAX, end = 0;
    order.budget_ns = order.budget_ns ? order.budget_ns : DEFAULT_BURST_NS;
    command(c, &order);
    for (unsigned i = 0; i < c->n; i++) {
        const struct worker *w = &c->worker[i];
        sum += w->work;
        begin = w->begin_ns < begin ? w->begin_ns : begin;
        end = w->end_ns > end ? w->end_ns : end;
    }
    return sum * 1e9 / (double)(end - begin);
}

/* NAN: the keeper, who had said that it may be asked, did not answer. */
static double ask(struct assay_ceiling *c, enum assay_ceiling_question what, uint64_t amount, char how[128])
{
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_ceiling_answer answer = {.rate = NAN};
    if (c->keeper.ask(c->keeper.self, what, amount, &answer, &err)) {
        (void)snprintf(how, 128, "%.127s", err.message);
        return NAN;
    }
    c->lent_ns += answer.used_ns;
    memcpy(how, answer.how, sizeof answer.how);
    return answer.rate;
}

uint64_t assay_ceiling_lent_ns(const struct assay_ceiling *c)
{
    return c ? c->lent_ns : 0;
}

double assay_ceiling_flops_per_s(struct assay_ceiling *c, uint64_t budget_ns)
{
    char how[128];
    if (c->keeper.ask)
        return ask(c, ASSAY_CEILING_PEAK, budget_ns, how);
    return rate(c, (struct order){.job = JOB_MULTIPLY_ADD, .budget_ns = budget_ns, .kernels = c->kernels});
}

double assay_ceiling_bytes_per_s(struct assay_ceiling *c, uint64_t budget_ns)
{
    char how[128];
    if (c->keeper.ask)
        return ask(c, ASSAY_CEILING_TRIAD, budget_ns, how);
    return rate(c, (struct order){.job = JOB_TRIAD, .budget_ns = budget_ns, .kernels = c->kernels});
}

double assay_ceiling_nominal_flops_per_s(struct assay_ceiling *c, char how[128])
{
    char core[64];
    if (c->keeper.ask)
        return ask(c, ASSAY_CEILING_NOMINAL, 0, how);
    double hz = assay_core_clock_hz(1000000), vectors = assay_vectors_per_cycle(c->kernels, core, sizeof core);
    if (vectors <= 0) {
        (void)snprintf(how, 128, "unknown: %s", core);
        return NAN;
    }
    (void)snprintf(how, 128, "%u lanes x 2 x %g a cycle x %.3f GHz x %u threads (%s, %s)", c->kernels->f32_lanes,
                   vectors, hz / 1e9, c->n, c->kernels->name, core);
    return c->kernels->f32_lanes * 2 * vectors * hz * c->n;
}

void assay_ceiling_cache_bytes(uint64_t level[3], uint64_t *last_shared)
{
    struct assay_topology t;
    assay_topology_read(&t);
    for (int i = 0; i < 3; i++)
        level[i] = t.cache_bytes[i];
    *last_shared = t.last_shared_bytes;
}

/* The level whose caches, of all threads together, hold the set; LEVELS - 1 is memory. */
static unsigned level_of(const struct assay_ceiling *c, uint64_t bytes)
{
    for (unsigned level = 0; level < 3; level++) {
        bool     last = level == 2 || !c->cache_bytes[level + 1];
        uint64_t room = last ? c->last_shared : c->cache_bytes[level] * c->n;
        if (c->cache_bytes[level] && bytes <= room)
            return level;
    }
    return LEVELS - 1;
}

/* Elements of each array so that a thread's share is half of the level; in memory the whole arrays. */
static size_t level_elements(const struct assay_ceiling *c, unsigned level)
{
    size_t whole = c->worker[0].elements;
    if (level == LEVELS - 1)
        return whole;
    bool     last = level == 2 || !c->cache_bytes[level + 1];
    uint64_t share = last ? c->last_shared / c->n : c->cache_bytes[level];
    uint64_t elements = share / 2 / (3 * sizeof(double)) / 64 * 64;
    return elements < 64 ? 64 : elements > whole ? whole : (size_t)elements;
}

double assay_ceiling_level_bytes_per_s(struct assay_ceiling *c, uint64_t bytes)
{
    char how[128];
    if (c->keeper.ask)
        return ask(c, ASSAY_CEILING_LEVEL, bytes, how);
    unsigned level = level_of(c, bytes);
    double   best = c->level_rate[level];
    if (best > 0)
        return best;
    struct order order = {.elements = level_elements(c, level)};
    for (order.kernels = assay_ceiling_kernels; order.kernels->name; order.kernels++) {
        for (int k = 0; k < 2 * LEVEL_BURSTS && is_candidate(order.kernels); k++) {
            order.job = k % 2 ? JOB_LEVEL_READ : JOB_LEVEL_TRIAD;
            best = fmax(best, rate(c, order));
        }
    }
    c->level_rate[level] = best;
    return best;
}

static double rate_of(struct assay_ceiling *c, enum assay_ceiling_question what, uint64_t amount, char how[128])
{
    switch (what) {
    case ASSAY_CEILING_PEAK: return assay_ceiling_flops_per_s(c, amount);
    case ASSAY_CEILING_TRIAD: return assay_ceiling_bytes_per_s(c, amount);
    case ASSAY_CEILING_LEVEL: return assay_ceiling_level_bytes_per_s(c, amount);
    case ASSAY_CEILING_NOMINAL: return assay_ceiling_nominal_flops_per_s(c, how);
    case ASSAY_CEILING_OPEN:
    case ASSAY_CEILING_QUESTIONS: break;
    }
    return 0;
}

void assay_ceiling_tell(struct assay_ceiling *c, enum assay_ceiling_question what, uint64_t amount, struct assay_ceiling_answer *out)
{
    uint64_t before_ns = own_ns();
    *out = (struct assay_ceiling_answer){.rate = 0};
    out->rate = rate_of(c, what, amount, out->how);
    out->used_ns = own_ns() - before_ns;
}

/* ---- opening and closing ---- */

enum assay_code assay_ceiling_open_kept(const struct assay_ceiling_keeper *keeper, struct assay_ceiling **out, struct assay_error *err)
{
    struct assay_ceiling_answer nothing;
    struct assay_ceiling       *c = calloc(1, sizeof *c);
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the ceilings");
    c->keeper = *keeper;
    if (keeper->ask(keeper->self, ASSAY_CEILING_OPEN, 0, &nothing, err)) {
        free(c);
        return err->code;
    }
    *out = c;
    return ASSAY_OK;
}

/* Kernels with wider vectors are not always faster: a core may have fewer units for them, or a lower clock. */
static void choose_kernels(struct assay_ceiling *c)
{
    double best = 0;
    for (const struct assay_ceiling_kernels *k = assay_ceiling_kernels; k->name; k++) {
        struct order order = {.job = JOB_MULTIPLY_ADD, .budget_ns = TRIAL_BURST_NS, .kernels = k};
        double       got = 0;
        for (int i = 0; is_candidate(k) && i < TRIALS; i++)
            got = fmax(got, rate(c, order));
        if (got > best * 1.02) {
            best = got;
            c->kernels = k;
        }
    }
}

static uint64_t bytes_of_an_array(const struct assay_topology *t)
{
    return t->last_shared_bytes * 4 / 3 > MIN_ARRAY_BYTES ? t->last_shared_bytes * 4 / 3 : MIN_ARRAY_BYTES;
}

uint64_t assay_ceiling_array_bytes(void)
{
    struct assay_topology t;
    assay_topology_read(&t);
    return 3 * bytes_of_an_array(&t);
}

static enum assay_code worker_arrays(struct worker *w, uint64_t array_bytes, struct assay_error *err)
{
    uint64_t chunk = CHUNK_ELEMENTS * sizeof(double), share = (array_bytes / w->ceiling->n + chunk - 1) / chunk * chunk;
    w->block_bytes = (size_t)(3 * share + 2 * SKEW_BYTES);
    w->block = mmap(NULL, w->block_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (w->block == MAP_FAILED) {
        w->block = NULL;
        return ASSAY_FAIL_ERRNO(err, ASSAY_MEMORY, "no %zu MiB for the arrays of the triad", w->block_bytes >> 20);
    }
    (void)madvise(w->block, w->block_bytes, MADV_HUGEPAGE);
    w->elements = (size_t)(share / sizeof(double));
    w->a = w->block;
    w->b = (double *)(void *)((char *)w->a + share + SKEW_BYTES);
    w->c = (double *)(void *)((char *)w->b + share + SKEW_BYTES);
    return ASSAY_OK;
}

/* Signals stay with the threads that were there before: whoever waits for an interrupt is not to wait on. */
static int start(struct worker *w)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, work, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static enum assay_code start_workers(struct assay_ceiling *c, const unsigned *cpus, struct assay_error *err)
{
    struct assay_topology t;
    assay_topology_read(&t);
    for (int i = 0; i < 3; i++)
        c->cache_bytes[i] = t.cache_bytes[i];
    c->last_shared = t.last_shared_bytes;
    uint64_t array_bytes = bytes_of_an_array(&t);
    for (unsigned i = 0; i < c->n; i++) {
        struct worker *w = &c->worker[i];
        w->ceiling = c;
        w->cpu = cpus[i];
        if (worker_arrays(w, array_bytes, err))
            return err->code;
        int failed = start(w);
        if (failed) {
            errno = failed;
            return ASSAY_FAIL_ERRNO(err, ASSAY_UNAVAILABLE, "cannot start thread %u of %u", i + 1, c->n);
        }
        c->started++;
    }
    return ASSAY_OK;
}

static enum assay_code open_on(unsigned threads, const unsigned *cpus, struct assay_ceiling **out,
                               struct assay_error *err)
{
    struct assay_ceiling *c = calloc(1, sizeof *c);
    if (!c)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the ceilings");
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->go, NULL);
    (void)pthread_cond_init(&c->done, NULL);
    c->n = threads;
    c->worker = aligned_alloc(alignof(struct worker), threads * sizeof *c->worker);
    if (!c->worker) {
        assay_ceiling_close(c);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u threads", threads);
    }
    for (unsigned i = 0; i < threads; i++)
        c->worker[i] = (struct worker){0};
    if (start_workers(c, cpus, err)) {
        assay_ceiling_close(c);
        return err->code;
    }
    command(c, &(struct order){.job = JOB_TOUCH});
    choose_kernels(c);
    *out = c;
    return ASSAY_OK;
}

enum assay_code assay_ceiling_open(unsigned threads, struct assay_ceiling **out, struct assay_error *err)
{
    unsigned *cpus = calloc(MAX_THREADS, sizeof *cpus);
    if (!cpus)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the list of cores");
    unsigned        n = assay_allowed_cpus(cpus, MAX_THREADS);
    enum assay_code code = ASSAY_OK;
    n = n < MAX_THREADS ? n : MAX_THREADS;
    if (threads > n)
        code = ASSAY_FAIL(err, ASSAY_CONFIG, "%u threads on %u cores that this process may use", threads, n);
    else
        code = open_on(threads ? threads : n, cpus, out, err);
    free(cpus);
    return code;
}

void assay_ceiling_close(struct assay_ceiling *c)
{
    if (!c || c->keeper.ask) {
        free(c);
        return;
    }
    command(c, &(struct order){.job = JOB_QUIT});
    for (unsigned i = 0; i < c->started; i++)
        (void)pthread_join(c->worker[i].thread, NULL);
    for (unsigned i = 0; c->worker && i < c->n; i++) {
        if (c->worker[i].block)
            (void)munmap(c->worker[i].block, c->worker[i].block_bytes);
    }
    free(c->worker);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->go);
    (void)pthread_cond_destroy(&c->done);
    free(c);
}
