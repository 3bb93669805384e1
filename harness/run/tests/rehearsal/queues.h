/* Two launch queues, each a thread that works off its launches in order and stamps them itself. */
#ifndef REHEARSAL_QUEUES_H
#define REHEARSAL_QUEUES_H

#include <pthread.h>

#include "plugin.h"

enum { N_QUEUES = 2, MAX_BOUND = 16 };

struct assay_event {
    struct assay_event *next; /* in its queue */
    struct assay_program *program;
    void *bound[MAX_BOUND]; /* per value of the graph */
    bool done;
    uint64_t begin_ns, end_ns;
};

struct queues;
struct queue {
    struct queues *all;
    pthread_t thread;
    struct assay_event *first, **last;
    uint64_t completed;
};

struct queues {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct queue queue[N_QUEUES];
    int64_t hold; /* queue 0 starts nothing before queue 1 has completed this many */
    bool closing;
    void (*work)(const struct assay_event *e);
};

static inline bool queue_may_start(const struct queue *q)
{
    const struct queues *all = q->all;
    return q->first && (q != &all->queue[0] || all->closing || all->queue[1].completed >= (uint64_t)all->hold);
}

static inline void *queue_run(void *self)
{
    struct queue *q = (struct queue *)self;
    struct queues *all = q->all;
    (void)pthread_mutex_lock(&all->lock);
    while (q->first || !all->closing) {
        struct assay_event *e = q->first;
        if (!queue_may_start(q)) {
            (void)pthread_cond_wait(&all->changed, &all->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&all->lock);
        e->begin_ns = host->now_ns();
        all->work(e);
        e->end_ns = host->now_ns();
        (void)pthread_mutex_lock(&all->lock);
        q->first = e->next;
        if (!q->first)
            q->last = &q->first;
        q->completed++;
        e->done = true;
        (void)pthread_cond_broadcast(&all->changed);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return NULL;
}

static inline enum assay_code queues_open(struct queues *all, int64_t hold, void (*work)(const struct assay_event *e),
                                          struct assay_error *err)
{
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&all->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    all->hold = hold;
    all->work = work;
    for (int i = 0; i < N_QUEUES; i++) {
        all->queue[i].all = all;
        all->queue[i].last = &all->queue[i].first;
        if (pthread_create(&all->queue[i].thread, NULL, queue_run, &all->queue[i]))
            return ASSAY_FAIL(err, ASSAY_DEVICE, "no thread for queue %d", i);
    }
    return ASSAY_OK;
}

static inline void queues_close(struct queues *all)
{
    (void)pthread_mutex_lock(&all->lock);
    all->closing = true;
    (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
    for (int i = 0; i < N_QUEUES; i++)
        (void)pthread_join(all->queue[i].thread, NULL);
    (void)pthread_cond_destroy(&all->changed);
    (void)pthread_mutex_destroy(&all->lock);
}

/* What is needed of a launch is copied: its bindings end with the call. */
static inline enum assay_code queues_launch(struct queues *all, const struct assay_launch *launch,
                                            struct assay_event **out, struct assay_error *err)
{
    struct assay_event *e;
    if (launch->queue >= N_QUEUES)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "there is no queue %u", launch->queue);
    e = (struct assay_event *)calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    e->program = launch->program;
    for (size_t i = 0; i < launch->n_bindings; i++) {
        const struct assay_binding *b =
            (const struct assay_binding *)stride_at(launch->bindings, launch->binding_stride, i);
        e->bound[b->value] = bound_bytes(b);
    }
    (void)pthread_mutex_lock(&all->lock);
    *all->queue[launch->queue].last = e;
    all->queue[launch->queue].last = &e->next;
    (void)pthread_cond_broadcast(&all->changed);
    (void)pthread_mutex_unlock(&all->lock);
    *out = e;
    return ASSAY_OK;
}

/* Of the events that are done the one that ended first, or n. */
static inline size_t queues_first_done(struct assay_event *const *events, size_t n)
{
    size_t first = n;
    for (size_t i = 0; i < n; i++)
        if (events[i]->done && (first == n || events[i]->end_ns < events[first]->end_ns))
            first = i;
    return first;
}

static inline enum assay_code queues_poll(struct queues *all, struct assay_event *const *events, size_t n,
                                          uint64_t timeout_ns, size_t *done, struct assay_span *span,
                                          struct assay_error *err)
{
    uint64_t now = host->now_ns(), until = timeout_ns > UINT64_MAX / 2 ? UINT64_MAX / 2 : now + timeout_ns;
    struct timespec deadline;
    size_t first;
    int waited = 0;
    deadline.tv_sec = (time_t)(until / 1000000000u);
    deadline.tv_nsec = (long)(until % 1000000000u);
    (void)pthread_mutex_lock(&all->lock);
    while ((first = queues_first_done(events, n)) == n && !waited)
        waited = pthread_cond_timedwait(&all->changed, &all->lock, &deadline);
    (void)pthread_mutex_unlock(&all->lock);
    if (first == n)
        return ASSAY_FAIL(err, ASSAY_TIMEOUT, "none of %zu events was done", n);
    span->clock = ASSAY_CLOCK_DEVICE;
    span->begin_ns = events[first]->begin_ns;
    span->end_ns = events[first]->end_ns;
    span->device_ns = events[first]->end_ns - events[first]->begin_ns;
    span->why_no_device_ns[0] = 0;
    *done = first;
    return ASSAY_OK;
}

static inline void queues_forget(struct queues *all, struct assay_event *e)
{
    (void)pthread_mutex_lock(&all->lock);
    while (!e->done)
        (void)pthread_cond_wait(&all->changed, &all->lock);
    (void)pthread_mutex_unlock(&all->lock);
    free(e);
}

#endif
