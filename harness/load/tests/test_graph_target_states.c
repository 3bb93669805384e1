#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/load/closed_loop.h"
#include "harness/load/graph_target.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

/* A device of one kind of work: next = p - g in the place of p, loss = g, as floats. It may do it wrongly. */
enum wrong { RIGHT, WRITES_NOTHING, SPILLS };
enum { N = 96, SEED = 5 };

struct assay_session {
    enum wrong                wrong;
    const struct assay_graph *graph;
    unsigned                  executions;
};
struct assay_buffer {
    unsigned char *at;
    uint64_t       bytes;
};
struct assay_program {
    int unused;
};
struct assay_event {
    struct assay_span span;
};

static enum assay_code alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                             struct assay_error *err)
{
    (void)s, (void)err;
    *out = malloc(sizeof **out);
    **out = (struct assay_buffer){calloc(1, (size_t)how->bytes), how->bytes};
    return ASSAY_OK;
}

static void release(struct assay_session *s, struct assay_buffer *b)
{
    (void)s;
    free(b->at);
    free(b);
}

static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from,
                              uint64_t bytes, struct assay_error *err)
{
    (void)s, (void)err;
    cr_assert_leq(offset + bytes, b->bytes);
    memcpy(b->at + offset, from, (size_t)bytes);
    return ASSAY_OK;
}

static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                struct assay_error *err)
{
    (void)s, (void)err;
    cr_assert_leq(offset + bytes, b->bytes);
    memcpy(to, b->at + offset, (size_t)bytes);
    return ASSAY_OK;
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    static struct assay_program program;
    (void)s, (void)how, (void)err;
    *out = &program;
    return ASSAY_OK;
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s, (void)p;
}

static float *bound_to(const struct assay_session *s, const struct assay_launch *launch, const char *name)
{
    for (size_t i = 0; i < launch->n_bindings; i++) {
        const struct assay_binding *b = &launch->bindings[i];
        if (b->value == (uint32_t)assay_graph_find(s->graph, name))
            return (float *)(void *)(b->buffer->at + b->offset);
    }
    return NULL;
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    float *p = bound_to(s, launch, "p"), *next = bound_to(s, launch, "next"), *loss = bound_to(s, launch, "loss");
    float *g = bound_to(s, launch, "g");
    (void)err;
    *out = calloc(1, sizeof **out);
    (*out)->span = (struct assay_span){.size = sizeof(struct assay_span), .clock = ASSAY_CLOCK_HOST, .begin_ns = assay_clock_now_ns()};
    s->executions++;
    for (int i = 0; i < N && s->wrong != WRITES_NOTHING; i++)
        next[i] = p[i] - g[i];
    if (s->wrong == SPILLS)
        p[N] = 1;
    for (int i = 0; loss && i < N; i++)
        loss[i] = -g[i];
    (*out)->span.end_ns = assay_clock_now_ns();
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err)
{
    (void)s, (void)n, (void)timeout_ns, (void)err;
    *done = 0;
    *span = events[0]->span;
    return ASSAY_OK;
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    free(e);
}

static const struct assay_backend backend = {
    .size = sizeof backend, .name = "paper", .alloc = alloc, .release = release, .upload = upload, .download = download,
    .compile = compile, .discard = discard, .execute = execute, .poll = poll, .forget = forget,
};
static const struct assay_device_info device = {.size = sizeof device, .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY,
                                                .clock = ASSAY_CLOCK_HOST, .queues = 1};

/* next = p - g, which takes over p or does not; loss = -g. */
static struct assay_graph *step_graph(bool takes_over)
{
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_graph *g = assay_graph_new("step");
    int32_t             p = assay_graph_param(g, "p", ASSAY_F32, 1, (int64_t[]){N}, ASSAY_FILL_SIGNED);
    int32_t             x = assay_graph_input(g, "g", ASSAY_F32, 1, (int64_t[]){N}, ASSAY_FILL_SIGNED);
    int32_t             loss = assay_graph_op(g, "Neg", "loss", &x, 1, NULL);
    int32_t             next = assay_graph_op(g, "Sub", "next", (int32_t[]){p, x}, 2, NULL);
    assay_graph_output(g, loss);
    assay_graph_output(g, next);
    if (takes_over)
        assay_graph_alias(g, next, p);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

struct bench {
    struct assay_graph        *graph;
    struct assay_session       session;
    struct assay_graph_target *target;
    float                      p[N], g[ASSAY_MIN_SETS][N];
    uint64_t                   of_set[ASSAY_MIN_SETS], collected, unchanged;
};

static void bench_open(struct bench *b, enum wrong wrong)
{
    struct assay_error err = {.code = ASSAY_OK};
    memset(b, 0, sizeof *b);
    b->graph = step_graph(true);
    b->session = (struct assay_session){.wrong = wrong, .graph = b->graph};
    struct assay_graph_target_setup setup = {.backend = &backend, .session = &b->session, .device = &device, .graph = b->graph,
                                             .seed = SEED, .slots = ASSAY_MIN_SETS, .limit_bytes = 1 << 30};
    cr_assert_eq(assay_graph_target_new(&setup, &b->target, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_fill_value(b->graph, assay_graph_find(b->graph, "p"), SEED, 0, b->p, &err), ASSAY_OK);
    for (uint32_t set = 0; set < ASSAY_MIN_SETS; set++)
        cr_assert_eq(assay_fill_value(b->graph, assay_graph_find(b->graph, "g"), SEED, set, b->g[set], &err), ASSAY_OK);
}

static void bench_close(struct bench *b)
{
    assay_graph_target_free(b->target);
    assay_graph_free(b->graph);
}

/* Every iteration is the same step from the same state. */
static void see(void *self, uint64_t iteration, const struct assay_collected *left)
{
    struct bench *b = self;
    const float  *loss = left->outputs[0], *next = left->outputs[1];
    cr_expect_eq(left->before[0], NULL);
    cr_assert(left->before[1]);
    cr_expect_arr_eq(left->before[1], b->p, sizeof b->p);
    cr_expect_eq(iteration, b->collected);
    b->collected++;
    b->of_set[left->set]++;
    b->unchanged += !memcmp(next, b->p, sizeof b->p);
    for (int i = 0; i < N && b->session.wrong != WRITES_NOTHING; i++)
        cr_expect(next[i] == b->p[i] - b->g[left->set][i] && loss[i] == -b->g[left->set][i], "iteration %d, set %u, element %d",
                  (int)iteration, left->set, i);
}

static void no_end(void *self)
{
    (void)self;
}

static void run_loop(struct bench *b, uint64_t runs, struct assay_closed_loop_result *out)
{
    static uint64_t          samples[1024];
    struct assay_error       err = {.code = ASSAY_OK};
    struct assay_closed_loop loop = {.target = b->target, .slots = ASSAY_MIN_SETS, .min_runs = runs, .max_ns = 5000000000ull,
                                     .samples = samples, .max_samples = 1024, .see = see, .batch_end = no_end, .self = b,
                                     .collects = true, .timeout_ns = 1000000000};
    cr_assert_eq(assay_closed_loop_run(&loop, out, &err), ASSAY_OK, "%s", err.message);
}

Test(graph_target, restores_what_an_output_takes_over_before_every_execution, .timeout = 30)
{
    struct bench                    b;
    struct assay_closed_loop_result result;
    bench_open(&b, RIGHT);
    cr_expect(assay_graph_target_restores(b.target));
    run_loop(&b, 40, &result);
    cr_expect_eq(result.n, 40);
    cr_expect_eq(result.batches, 40, "a batch is one execution");
    cr_expect_eq(result.collected, 40, "and every one is observed");
    cr_expect_eq(result.guard_changed, 0);
    cr_expect_eq(b.session.executions, 40 + result.warm_runs);
    for (uint32_t set = 0; set < ASSAY_MIN_SETS; set++) /* the warm-up may have had its turns in the first and the last round */
        cr_expect(b.of_set[set] >= 3 && b.of_set[set] <= 6, "set %u was seen %d times", set, (int)b.of_set[set]);
    cr_expect_eq(b.unchanged, 0);
    bench_close(&b);
}

Test(graph_target, a_state_that_was_not_written_is_known_by_what_it_was, .timeout = 30)
{
    struct bench                    b;
    struct assay_closed_loop_result result;
    bench_open(&b, WRITES_NOTHING);
    run_loop(&b, 10, &result);
    cr_expect_eq(b.unchanged, 10);
    bench_close(&b);
}

Test(graph_target, guards_a_state_as_it_does_other_outputs, .timeout = 30)
{
    struct bench                    b;
    struct assay_closed_loop_result result;
    bench_open(&b, SPILLS);
    run_loop(&b, 10, &result);
    cr_expect(result.guard_changed >= 30 && result.guard_changed <= 40, "%d bytes", (int)result.guard_changed);
    bench_close(&b);
}

Test(graph_target, needs_one_place_for_what_is_restored_and_says_what_it_takes)
{
    uint64_t            device_bytes[2], host_bytes[2];
    struct assay_graph *g = step_graph(true), *plain = step_graph(false);
    assay_graph_target_bytes(g, 8, &device_bytes[0], &host_bytes[0]);
    assay_graph_target_bytes(plain, 8, &device_bytes[1], &host_bytes[1]);
    const uint64_t content = N * sizeof(float), guards = 2 * ASSAY_GUARD_BYTES;
    cr_expect_eq(device_bytes[0], (content + guards) + content + (content + guards)); /* p, g, loss */
    cr_expect_eq(host_bytes[0], (content + guards) + 8 * content + 2 * (content + guards));
    cr_expect_eq(device_bytes[1], content + 8 * content + 16 * (content + guards));
    assay_graph_free(plain);
    assay_graph_free(g);
}
