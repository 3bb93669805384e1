/* A device for tests of the timed loop: adds two vectors in host memory, counts what it is asked, and misbehaves as told. */
#ifndef ASSAY_LOAD_TESTS_FAKE_H
#define ASSAY_LOAD_TESTS_FAKE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/load/graph_target.h"

#define FAKE_N 64 /* elements of each vector */
#define FAKE_EVENTS 32

enum fake_fault {
    FAKE_NONE, FAKE_WRITES_NOTHING, FAKE_WRITES_BEFORE, FAKE_WRITES_BEHIND, FAKE_ALLOCATES, FAKE_BEGINS_EARLY, FAKE_ENDS_LATE, FAKE_OVERLAPS,
    FAKE_ENDS_BEFORE_IT_BEGINS, FAKE_WRONG_CLOCK, FAKE_NO_EVENT, FAKE_OTHER_EVENT,
};

struct assay_buffer {
    unsigned char *at;
    uint64_t       bytes;
};
struct assay_event {
    bool     alive;
    uint64_t begin_ns, end_ns;
};
struct assay_program {
    const struct assay_graph *graph;
    const float              *fixed; /* the param, if there is one */
};

/* One process, one device. */
static struct {
    enum fake_fault      fault;
    uint64_t             busy_ns, first_busy_ns;     /* how long an execution takes; the very first */
    uint64_t             fail_call, fail_execute, fail_poll; /* the n-th (from 1) call of the control plane, …; 0 = never */
    uint64_t             calls, executes, polls, uploads;
    uint64_t             buffers, programs, events;  /* alive */
    uint64_t             model_ns, earliest_ns;
    const struct assay_buffer *a[FAKE_N * 4];        /* where operand A was in the first executions */
    size_t               n_bindings;
    struct assay_event   event[FAKE_EVENTS];
    struct assay_program program;
    struct assay_device_info device;
} fake;

static inline bool fake_fails(struct assay_error *err)
{
    if (++fake.calls != fake.fail_call)
        return false;
    (void)ASSAY_FAIL(err, ASSAY_DEVICE, "call %llu fails as told", (unsigned long long)fake.calls);
    return true;
}

static inline enum assay_code fake_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out, struct assay_error *err)
{
    (void)s;
    if (fake_fails(err))
        return err->code;
    *out = malloc(sizeof **out);
    **out = (struct assay_buffer){calloc(1, how->bytes + 1), how->bytes};
    fake.buffers++;
    return ASSAY_OK;
}

static inline void fake_release(struct assay_session *s, struct assay_buffer *b)
{
    (void)s;
    free(b->at);
    free(b);
    fake.buffers--;
}

static inline enum assay_code fake_upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes, struct assay_error *err)
{
    (void)s;
    cr_assert(offset + bytes <= b->bytes);
    if (fake_fails(err))
        return err->code;
    fake.uploads++;
    memcpy(b->at + offset, from, bytes);
    return ASSAY_OK;
}

static inline enum assay_code fake_download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes, struct assay_error *err)
{
    (void)s;
    cr_assert(offset + bytes <= b->bytes);
    if (fake_fails(err))
        return err->code;
    memcpy(to, b->at + offset, bytes);
    return ASSAY_OK;
}

static inline enum assay_code fake_compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out, struct assay_error *err)
{
    (void)s;
    if (fake_fails(err))
        return err->code;
    const struct assay_rank_class *one = how->classes;
    fake.program = (struct assay_program){.graph = one->graph, .fixed = how->n_fixed ? (const float *)(const void *)how->fixed->buffer->at : NULL};
    fake.programs++;
    *out = &fake.program;
    return ASSAY_OK;
}

static inline void fake_discard(struct assay_session *s, struct assay_program *p)
{
    (void)s, (void)p;
    fake.programs--;
}

/* Output = sum of all inputs (and of the param that stays). */
static inline void fake_add(const struct assay_launch *l)
{
    const struct assay_binding *b = l->bindings;
    float                       sum[FAKE_N] = {0};
    fake.n_bindings = l->n_bindings;
    for (size_t i = 0; i < l->n_bindings; i++) {
        const float *x = (const float *)(const void *)(b[i].host ? (unsigned char *)b[i].host : b[i].buffer->at + b[i].offset);
        if (fake.program.graph->values[b[i].value].role == ASSAY_ROLE_OUTPUT)
            continue;
        if (i == 0 && fake.executes <= FAKE_N * 4)
            fake.a[fake.executes - 1] = b[i].buffer;
        for (int k = 0; k < FAKE_N; k++)
            sum[k] += x[k];
    }
    for (int k = 0; fake.program.fixed && k < FAKE_N; k++)
        sum[k] += fake.program.fixed[k];
    for (size_t i = 0; i < l->n_bindings; i++) {
        if (fake.program.graph->values[b[i].value].role != ASSAY_ROLE_OUTPUT)
            continue;
        unsigned char *to = b[i].buffer->at + b[i].offset;
        if (fake.fault != FAKE_WRITES_NOTHING)
            memcpy(to, sum, sizeof sum);
        if (fake.fault == FAKE_WRITES_BEFORE)
            to[-1] ^= 0xFF;
        if (fake.fault == FAKE_WRITES_BEHIND)
            to[sizeof sum] ^= 0xFF;
    }
}

static inline enum assay_code fake_execute(struct assay_session *s, const struct assay_launch *l, struct assay_event **out, struct assay_error *err)
{
    (void)s;
    uint64_t begin = assay_clock_now_ns(), busy = ++fake.executes == 1 && fake.first_busy_ns ? fake.first_busy_ns : fake.busy_ns;
    if (fake.executes == fake.fail_execute)
        return ASSAY_FAIL(err, ASSAY_DEVICE, "execution %llu fails as told", (unsigned long long)fake.executes);
    fake_add(l);
    fake.earliest_ns = l->earliest_ns;
    while (assay_clock_now_ns() - begin < busy)
        ;
    if (fake.fault == FAKE_ALLOCATES)
        free(memset(malloc(100), 1, 100));
    for (size_t i = 0; i < FAKE_EVENTS && fake.fault != FAKE_NO_EVENT; i++) {
        if (fake.event[i].alive)
            continue;
        fake.event[i] = (struct assay_event){true, begin, assay_clock_now_ns()};
        if (fake.device.clock == ASSAY_CLOCK_MODEL)
            fake.event[i].begin_ns = l->earliest_ns, fake.event[i].end_ns = l->earliest_ns + fake.model_ns;
        fake.events++;
        *out = &fake.event[i];
        return ASSAY_OK;
    }
    return fake.fault == FAKE_NO_EVENT ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_DEVICE, "too many events are alive");
}

static inline enum assay_code fake_poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns, size_t *done, struct assay_span *span,
                                        struct assay_error *err)
{
    static uint64_t last_begin;
    (void)s, (void)timeout_ns;
    if (++fake.polls == fake.fail_poll)
        return ASSAY_FAIL(err, ASSAY_TIMEOUT, "poll %llu fails as told", (unsigned long long)fake.polls);
    *done = fake.fault == FAKE_OTHER_EVENT ? n : 0;
    span->clock = fake.fault == FAKE_WRONG_CLOCK ? ASSAY_CLOCK_DEVICE : fake.device.clock;
    span->begin_ns = events[0]->begin_ns - (fake.fault == FAKE_BEGINS_EARLY ? 1000000000 : 0);
    span->end_ns = events[0]->end_ns + (fake.fault == FAKE_ENDS_LATE ? 1000000000 : 0);
    if (fake.fault == FAKE_ENDS_BEFORE_IT_BEGINS)
        span->end_ns = span->begin_ns - 1;
    if (fake.fault == FAKE_OVERLAPS && fake.polls > 1)
        span->begin_ns = last_begin;
    last_begin = span->begin_ns;
    span->device_ns = 5;
    return ASSAY_OK;
}

static inline void fake_forget(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    cr_expect(e->alive, "an event is forgotten once");
    e->alive = false;
    fake.events--;
}

static const struct assay_backend fake_backend = {
    .size = sizeof fake_backend, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR, .name = "fake", .summary = "of a test", .version = "1",
    .alloc = fake_alloc, .release = fake_release, .upload = fake_upload, .download = fake_download, .compile = fake_compile, .discard = fake_discard,
    .execute = fake_execute, .poll = fake_poll, .forget = fake_forget,
};

/* C = A + W, A fresh in every execution, W a param that stays. */
static inline struct assay_graph *fake_graph(void)
{
    struct assay_graph *g = assay_graph_new("fake");
    struct assay_error  err = {0};
    int64_t             dims[] = {FAKE_N};
    int32_t             a = assay_graph_input(g, "A", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED), w = assay_graph_param(g, "W", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED);
    assay_graph_output(g, assay_graph_op(g, "Add", "C", (int32_t[]){a, w}, 2, NULL));
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

/* S' = S + A in the memory of S: what executions change. */
static inline struct assay_graph *fake_state_graph(void)
{
    struct assay_graph *g = assay_graph_new("fake");
    struct assay_error  err = {0};
    int64_t             dims[] = {FAKE_N};
    int32_t             a = assay_graph_input(g, "A", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED), s = assay_graph_state(g, "S", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED);
    int32_t             next = assay_graph_op(g, "Add", "S2", (int32_t[]){s, a}, 2, NULL);
    assay_graph_output(g, next);
    assay_graph_alias(g, next, s);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

/* A setup over the device as it is set; values, memory and the host's clock unless fake.device says otherwise. */
static inline struct assay_graph_target_setup fake_setup(const struct assay_graph *g)
{
    if (!fake.device.size)
        fake.device = (struct assay_device_info){.size = sizeof fake.device, .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY, .clock = ASSAY_CLOCK_HOST,
                                                 .origin = ASSAY_ORIGIN_REAL, .queues = 1};
    return (struct assay_graph_target_setup){.backend = &fake_backend, .device = &fake.device, .graph = g, .seed = 1, .slots = ASSAY_MIN_SETS, .limit_bytes = 1u << 30};
}

static inline struct assay_graph_target *fake_target(const struct assay_graph *g)
{
    struct assay_graph_target_setup setup = fake_setup(g);
    struct assay_graph_target      *t = NULL;
    struct assay_error              err = {0};
    cr_assert_eq(assay_graph_target_new(&setup, &t, &err), ASSAY_OK, "%s", err.message);
    return t;
}

static inline void fake_expect_nothing_left(void)
{
    cr_expect(fake.buffers == 0 && fake.programs == 0 && fake.events == 0, "%llu buffers, %llu programs, %llu events are left", (unsigned long long)fake.buffers,
              (unsigned long long)fake.programs, (unsigned long long)fake.events);
}

#endif
