/* A communicator of threads of one process: ranks meet at a barrier and read each other's memory. */
#ifndef CPU_TESTS_THREADS_COMM_H
#define CPU_TESTS_THREADS_COMM_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "assay/comm.h"

enum { THREAD_RANKS = 16 };

/* What is on its way from one rank to another, oldest first. */
struct thread_message {
    struct thread_message *next;
    size_t                 bytes;
    unsigned char          data[];
};

struct thread_world {
    uint32_t               n;
    pthread_barrier_t      barrier;
    pthread_mutex_t        lock;
    pthread_cond_t         changed;
    const void            *shown[THREAD_RANKS];
    struct thread_message *sent[THREAD_RANKS][THREAD_RANKS];
    struct thread_group   *groups; /* of the whole world, kept until its end */
};

struct thread_group {
    struct thread_group *next;
    uint32_t             n, ranks[THREAD_RANKS];
    struct thread_world  world;
};

struct thread_rank {
    struct thread_world *world;
    uint32_t             rank;
};

static inline void thread_world_init(struct thread_world *w, uint32_t n)
{
    memset(w, 0, sizeof *w);
    w->n = n;
    pthread_barrier_init(&w->barrier, NULL, n);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
}

static inline void thread_world_release(struct thread_world *w)
{
    for (struct thread_group *g = w->groups, *next; g; g = next) {
        next = g->next;
        thread_world_release(&g->world);
        free(g);
    }
    pthread_barrier_destroy(&w->barrier);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
}

static inline enum assay_code thread_barrier(void *self, struct assay_error *err)
{
    const struct thread_rank *r = self;
    (void)err;
    (void)pthread_barrier_wait(&r->world->barrier);
    return ASSAY_OK;
}

/* Everybody's pointer is there for everybody until `hide`. */
static inline void thread_show(const struct thread_rank *r, const void *at)
{
    r->world->shown[r->rank] = at;
    (void)pthread_barrier_wait(&r->world->barrier);
}

static inline void thread_hide(const struct thread_rank *r)
{
    (void)pthread_barrier_wait(&r->world->barrier);
}

static inline enum assay_code thread_broadcast(void *self, uint32_t root, void *data, size_t bytes, struct assay_error *err)
{
    const struct thread_rank *r = self;
    (void)err;
    thread_show(r, data);
    if (r->rank != root)
        memcpy(data, r->world->shown[root], bytes);
    thread_hide(r);
    return ASSAY_OK;
}

static inline enum assay_code thread_all_gather(void *self, const void *in, size_t bytes, void *out, struct assay_error *err)
{
    const struct thread_rank *r = self;
    (void)err;
    thread_show(r, in);
    for (uint32_t i = 0; i < r->world->n && bytes; i++)
        memcpy((char *)out + i * bytes, r->world->shown[i], bytes);
    thread_hide(r);
    return ASSAY_OK;
}

static inline enum assay_code thread_all_to_all(void *self, const void *in, size_t bytes, void *out, struct assay_error *err)
{
    const struct thread_rank *r = self;
    (void)err;
    thread_show(r, in);
    for (uint32_t i = 0; i < r->world->n && bytes; i++)
        memcpy((char *)out + i * bytes, (const char *)r->world->shown[i] + r->rank * bytes, bytes);
    thread_hide(r);
    return ASSAY_OK;
}

/* Of f32, all that the tests reduce. */
static inline enum assay_code thread_all_reduce(void *self, enum assay_dtype dtype, enum assay_reduce how, void *data, size_t n,
                                                struct assay_error *err)
{
    const struct thread_rank *r = self;
    float                    *sum = malloc((n + 1) * sizeof *sum);
    if (dtype != ASSAY_F32 || !sum) {
        free(sum);
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "this communicator reduces f32 only");
    }
    thread_show(r, data);
    for (size_t i = 0; i < n; i++) {
        sum[i] = ((const float *)r->world->shown[0])[i];
        for (uint32_t k = 1; k < r->world->n; k++) {
            float x = ((const float *)r->world->shown[k])[i];
            sum[i] = how == ASSAY_REDUCE_SUM ? sum[i] + x : x > sum[i] ? x : sum[i];
        }
    }
    thread_hide(r);
    memcpy(data, sum, n * sizeof *sum);
    free(sum);
    return ASSAY_OK;
}

static inline enum assay_code thread_send(void *self, uint32_t to, const void *data, size_t bytes, struct assay_error *err)
{
    const struct thread_rank *r = self;
    struct thread_message    *m = malloc(sizeof *m + bytes), **end = &r->world->sent[r->rank][to];
    if (!m)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a message");
    m->next = NULL;
    m->bytes = bytes;
    memcpy(m->data, data, bytes);
    pthread_mutex_lock(&r->world->lock);
    while (*end)
        end = &(*end)->next;
    *end = m;
    pthread_cond_broadcast(&r->world->changed);
    pthread_mutex_unlock(&r->world->lock);
    return ASSAY_OK;
}

static inline enum assay_code thread_receive(void *self, uint32_t from, void *data, size_t bytes, struct assay_error *err)
{
    const struct thread_rank *r = self;
    struct thread_message   **first = &r->world->sent[from][r->rank], *m;
    pthread_mutex_lock(&r->world->lock);
    while (!*first)
        pthread_cond_wait(&r->world->changed, &r->world->lock);
    m = *first;
    *first = m->next;
    pthread_mutex_unlock(&r->world->lock);
    bool fits = m->bytes == bytes;
    if (fits)
        memcpy(data, m->data, bytes);
    free(m);
    return fits ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_PROTOCOL, "a message of another length");
}

static inline void thread_comm(struct thread_rank *r, struct assay_comm *out);

static inline void thread_group_release(void *self)
{
    free(self);
}

/* The first member that comes makes the group's world. */
static inline enum assay_code thread_group(void *self, const uint32_t *ranks, uint32_t n, struct assay_comm *out, struct assay_error *err)
{
    const struct thread_rank *r = self;
    struct thread_rank       *mine = calloc(1, sizeof *mine);
    struct thread_group      *g;
    if (!mine)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a group");
    pthread_mutex_lock(&r->world->lock);
    for (g = r->world->groups; g && (g->n != n || memcmp(g->ranks, ranks, n * sizeof *ranks) != 0); g = g->next)
        ;
    if (!g && (g = calloc(1, sizeof *g))) {
        g->n = n;
        memcpy(g->ranks, ranks, n * sizeof *ranks);
        thread_world_init(&g->world, n);
        g->next = r->world->groups;
        r->world->groups = g;
    }
    pthread_mutex_unlock(&r->world->lock);
    if (!g) {
        free(mine);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a group");
    }
    mine->world = &g->world;
    while (ranks[mine->rank] != r->rank)
        mine->rank++;
    thread_comm(mine, out);
    out->release = thread_group_release;
    return ASSAY_OK;
}

static inline void thread_comm(struct thread_rank *r, struct assay_comm *out)
{
    *out = (struct assay_comm){.size = sizeof *out, .rank = r->rank, .n_ranks = r->world->n, .self = r, .barrier = thread_barrier,
                               .broadcast = thread_broadcast, .all_gather = thread_all_gather, .all_reduce = thread_all_reduce,
                               .all_to_all = thread_all_to_all, .send = thread_send, .receive = thread_receive, .group = thread_group};
}

#endif
