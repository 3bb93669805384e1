/* The interface's consumers that compute: each plug-in of rehearsal/, compiled as C and as C++, driven as the harness
 * drives a device. What matters to each consumer is asserted here; test_rehearsal_modelled.c has the other two. */
#include "harness/run/tests/rehearsal/drive.h"

#include "assay/banned.h"

static const char *const flavours[] = {"", "-cxx"};
enum { N_FLAVOURS = 2, N = 64 };

static void open_flavour(struct drive *d, const char *name, int flavour, const void *options)
{
    char plugin[64];
    (void)snprintf(plugin, sizeof plugin, "%s%s", name, flavours[flavour]);
    drive_open(d, plugin, options);
}

static void fill(float *x, size_t n, float first)
{
    for (size_t i = 0; i < n; i++)
        x[i] = first + (float)i / 16;
}

/* ---- synchronous CPU ------------------------------------------------------------------------------------ */

/* Eight launches over rotating buffers before the first poll; a parameter is fixed at compile. */
static void sync_cpu(int flavour)
{
    struct drive d;
    struct bound bound = {.n = 0};
    struct assay_graph g = {.n_values = 0};
    float w[N], x[N], y[N];
    struct assay_buffer *in[8], *out[8], *param;
    struct assay_event *events[8];
    struct assay_span span;
    uint64_t last_end = 0;
    int32_t a = add_value(&g, "x", ASSAY_F32, ASSAY_ROLE_INPUT, 1, (int64_t[]){N});
    int32_t b = add_value(&g, "w", ASSAY_F32, ASSAY_ROLE_PARAM, 1, (int64_t[]){N});
    int32_t c = add_value(&g, "y", ASSAY_F32, ASSAY_ROLE_OUTPUT, 1, (int64_t[]){N});
    struct assay_program *p;
    add_node(&g, "", "Add", N, a, b, ASSAY_NO_VALUE, c, ASSAY_NO_VALUE);
    open_flavour(&d, "sync", flavour, NULL);
    fill(w, N, 100);
    param = drive_buffer(&d, sizeof w, w);
    (void)bind_buffer(&bound, b, param);
    p = drive_compile(&d, &g, bound.at, 1);
    for (int i = 0; i < 8; i++) {
        fill(x, N, (float)i);
        in[i] = drive_buffer(&d, sizeof x, x);
        out[i] = drive_buffer(&d, sizeof y + 64, NULL);
        bound.n = 0;
        (void)bind_buffer(&bound, a, in[i]);
        bind_buffer(&bound, c, out[i])->offset = 64;
        events[i] = drive_launch(&d, p, &bound, 0, 0, 0);
    }
    for (size_t left = 8; left; left--) {
        size_t done = drive_poll(&d, events, left, &span);
        cr_expect_geq(span.end_ns, last_end, "of several that are done, the one that ended first is told");
        last_end = span.end_ns;
        d.b->forget(d.s, events[done]);
        memmove(events + done, events + done + 1, (left - done - 1) * sizeof *events);
    }
    for (int i = 0; i < 8; i++) {
        DRIVE_OK(&d, d.b->download(d.s, out[i], 64, y, sizeof y, &d.err));
        for (int k = 0; k < N; k++)
            cr_expect_eq(y[k], ((float)i + (float)k / 16) + (100 + (float)k / 16));
        d.b->release(d.s, in[i]);
        d.b->release(d.s, out[i]);
    }
    d.b->discard(d.s, p);
    d.b->release(d.s, param);
    drive_close(&d);
}

Test(rehearsal, a_synchronous_cpu_fits, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++)
        sync_cpu(flavour);
}

/* ---- asynchronous device with two queues ---------------------------------------------------------------- */

struct async {
    struct drive d;
    struct assay_graph g;
    struct assay_program *p;
    int32_t x, y;
    struct assay_buffer *in, *out[4];
    float content[N];
};

static void async_open(struct async *a, int flavour, int64_t hold)
{
    static const float one = 1.0f;
    memset(a, 0, sizeof *a);
    a->x = add_value(&a->g, "x", ASSAY_F32, ASSAY_ROLE_INPUT, 1, (int64_t[]){N});
    int32_t c = add_value(&a->g, "one", ASSAY_F32, ASSAY_ROLE_CONST, 0, NULL);
    a->y = add_value(&a->g, "y", ASSAY_F32, ASSAY_ROLE_OUTPUT, 1, (int64_t[]){N});
    a->g.value[c].data = &one;
    add_node(&a->g, "", "Add", N, a->x, c, ASSAY_NO_VALUE, a->y, ASSAY_NO_VALUE);
    open_flavour(&a->d, "async", flavour, &hold);
    fill(a->content, N, 5);
    a->in = drive_buffer(&a->d, sizeof a->content, a->content);
    for (int i = 0; i < 4; i++)
        a->out[i] = drive_buffer(&a->d, sizeof a->content, NULL);
    a->p = drive_compile(&a->d, &a->g, NULL, 0);
}

static struct assay_event *async_launch(struct async *a, int out, uint32_t queue)
{
    struct bound bound = {.n = 0};
    (void)bind_buffer(&bound, a->x, a->in);
    (void)bind_buffer(&bound, a->y, a->out[out]);
    return drive_launch(&a->d, a->p, &bound, queue, 0, 0);
}

static void async_check(struct async *a, int out)
{
    float y[N] = {0};
    DRIVE_OK(&a->d, a->d.b->download(a->d.s, a->out[out], 0, y, sizeof y, &a->d.err));
    for (int i = 0; i < N; i++)
        cr_expect_eq(y[i], a->content[i] + 1);
}

static void async_close(struct async *a)
{
    a->d.b->discard(a->d.s, a->p);
    a->d.b->release(a->d.s, a->in);
    for (int i = 0; i < 4; i++)
        a->d.b->release(a->d.s, a->out[i]);
    drive_close(&a->d);
}

/* Queue 0 is held until queue 1 has completed two, so the order of completion is known: 1, 2, 0. */
static void async_order(int flavour)
{
    struct async a;
    struct assay_event *events[3];
    struct assay_span span[3] = {{0}};
    size_t done = 9;
    async_open(&a, flavour, 2);
    cr_expect_eq(a.d.device.queues, 2);
    events[0] = async_launch(&a, 0, 0);
    span[0].size = sizeof span[0];
    cr_expect_eq(a.d.b->poll(a.d.s, events, 1, 1000000, &done, &span[0], &a.d.err), ASSAY_TIMEOUT);
    cr_expect_eq(done, 9, "outputs are written only on success");
    events[1] = async_launch(&a, 1, 1);
    events[2] = async_launch(&a, 2, 1);
    (void)drive_poll(&a.d, events, 1, &span[0]);
    uint64_t looked_ns = now_ns();
    cr_expect_eq(drive_poll(&a.d, events, 3, &span[1]), 1, "of several, the one that ended first");
    cr_expect_eq(drive_poll(&a.d, (struct assay_event *[]){events[0], events[2]}, 2, &span[2]), 1);
    cr_expect_leq(span[1].end_ns, span[2].begin_ns, "one queue is in order");
    cr_expect_leq(span[2].end_ns, span[0].begin_ns, "the queues are out of the order of launching");
    cr_expect_leq(span[0].end_ns, looked_ns, "completion is stamped when it happens, not when the host looks");
    for (int i = 0; i < 3; i++) {
        async_check(&a, i);
        a.d.b->forget(a.d.s, events[i]);
    }
    async_close(&a);
}

Test(rehearsal, an_asynchronous_device_with_two_queues_fits, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++)
        async_order(flavour);
}

Test(rehearsal, forgetting_an_event_that_is_not_done_waits_for_it, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++) {
        struct async a;
        async_open(&a, flavour, 0);
        for (int i = 0; i < 4; i++)
            a.d.b->forget(a.d.s, async_launch(&a, i, (uint32_t)i % 2));
        for (int i = 0; i < 4; i++)
            async_check(&a, i);
        async_close(&a);
    }
}

/* ---- paged serving -------------------------------------------------------------------------------------- */

enum { WIDTH = 4, PAGES = 8, PAGE_SIZE = 2, SEQUENCES = 3, PAGES_EACH = 4 };

struct bucket {
    struct assay_graph g;
    struct assay_program *p;
    int32_t x, starts, lengths, table, cache, y, cache_after, rows;
    struct assay_buffer *in, *out;
};

static void bucket_open(struct bucket *b, struct drive *d, int32_t rows)
{
    const int64_t cache[] = {PAGES, PAGE_SIZE, WIDTH};
    memset(b, 0, sizeof *b);
    b->rows = rows;
    b->x = add_value(&b->g, "x", ASSAY_F32, ASSAY_ROLE_INPUT, 2, (int64_t[]){rows, WIDTH});
    b->starts = add_value(&b->g, "starts", ASSAY_I32, ASSAY_ROLE_CONTROL, 1, (int64_t[]){SEQUENCES + 1});
    b->lengths = add_value(&b->g, "lengths", ASSAY_I32, ASSAY_ROLE_CONTROL, 1, (int64_t[]){SEQUENCES});
    b->table = add_value(&b->g, "table", ASSAY_I32, ASSAY_ROLE_CONTROL, 2, (int64_t[]){SEQUENCES, PAGES_EACH});
    b->cache = add_value(&b->g, "cache", ASSAY_F32, ASSAY_ROLE_STATE, 3, cache);
    b->y = add_value(&b->g, "y", ASSAY_F32, ASSAY_ROLE_OUTPUT, 2, (int64_t[]){rows, WIDTH});
    b->cache_after = add_value(&b->g, "cache_after", ASSAY_F32, ASSAY_ROLE_OUTPUT, 3, cache);
    b->g.value[b->cache_after].alias_of = b->cache;
    add_node(&b->g, "assay", "PagedAttention", 0, b->x, b->starts, b->lengths, b->table, b->cache, ASSAY_NO_VALUE, b->y,
             b->cache_after, ASSAY_NO_VALUE);
    b->p = drive_compile(d, &b->g, NULL, 0);
    b->in = drive_buffer(d, b->g.value[b->x].bytes, NULL);
    b->out = drive_buffer(d, b->g.value[b->y].bytes, NULL);
}

static void bucket_close(struct bucket *b, struct drive *d)
{
    d->b->discard(d->s, b->p);
    d->b->release(d->s, b->in);
    d->b->release(d->s, b->out);
}

/* What the serving side knows: the block table and how many tokens each sequence has. */
struct serving {
    struct drive d;
    struct assay_buffer *cache;
    int32_t table[SEQUENCES][PAGES_EACH], lengths[SEQUENCES];
};

/* The token at position p of sequence r; all sums of these are exact. */
static float token(int r, int p, int i)
{
    return (float)(r * 64 + p * 4 + i);
}

/* One step: new[r] tokens for each of the first n sequences, packed, in the bucket given. */
static void serve(struct serving *s, struct bucket *b, const int *new_tokens, int n)
{
    struct bound bound = {.n = 0};
    float x[8 * WIDTH], y[8 * WIDTH];
    int32_t starts[SEQUENCES + 1] = {0}, lengths[SEQUENCES], table[SEQUENCES][PAGES_EACH];
    int rows = 0;
    for (int r = 0; r < n; r++, starts[r] = rows)
        for (int t = 0; t < new_tokens[r]; t++, rows++)
            for (int i = 0; i < WIDTH; i++)
                x[rows * WIDTH + i] = token(r, s->lengths[r] + t, i);
    cr_assert_leq(rows, b->rows);
    memcpy(lengths, s->lengths, sizeof lengths);
    memcpy(table, s->table, sizeof table);
    DRIVE_OK(&s->d, s->d.b->upload(s->d.s, b->in, 0, x, (uint64_t)rows * WIDTH * sizeof *x, &s->d.err));
    bind_buffer(&bound, b->x, b->in)->valid_rows = (uint64_t)rows;
    bind_buffer(&bound, b->y, b->out)->valid_rows = (uint64_t)rows;
    (void)bind_buffer(&bound, b->cache, s->cache);
    (void)bind_buffer(&bound, b->cache_after, s->cache);
    (void)bind_host(&bound, b->starts, starts);
    bind_host(&bound, b->lengths, lengths)->valid_rows = (uint64_t)n;
    bind_host(&bound, b->table, table)->valid_rows = (uint64_t)n;
    struct assay_event *e = drive_launch(&s->d, b->p, &bound, 0, 0, 0);
    memset(starts, 0x7F, sizeof starts); /* control content need not outlive the call either */
    memset(lengths, 0x7F, sizeof lengths);
    memset(table, 0x7F, sizeof table);
    struct assay_span span;
    (void)drive_poll(&s->d, &e, 1, &span);
    s->d.b->forget(s->d.s, e);
    DRIVE_OK(&s->d, s->d.b->download(s->d.s, b->out, 0, y, (uint64_t)rows * WIDTH * sizeof *y, &s->d.err));
    rows = 0;
    for (int r = 0; r < n; r++)
        for (int t = 0; t < new_tokens[r]; t++, rows++, s->lengths[r]++)
            for (int i = 0; i < WIDTH; i++)
                cr_expect_eq(y[rows * WIDTH + i], (float)(r * 64 + i) + 2.0f * (float)s->lengths[r],
                             "mean of all tokens of sequence %d up to %d", r, (int)s->lengths[r]);
}

static void paged(int flavour)
{
    /* Pages are handed out in no order; the first sequence's are not adjacent. */
    struct serving s = {.table = {{5, 1, 6, -1}, {0, 4, -1, -1}, {7, -1, -1, -1}}};
    struct bucket large, small;
    float row[WIDTH];
    open_flavour(&s.d, "paged", flavour, NULL);
    bucket_open(&large, &s.d, 8);
    bucket_open(&small, &s.d, 4);
    s.cache = drive_buffer(&s.d, large.g.value[large.cache].bytes, NULL);
    serve(&s, &large, (int[]){3, 2}, 2);    /* two prompts of different length in one step */
    serve(&s, &small, (int[]){1, 1}, 2);    /* decode in the small bucket: the same cache */
    serve(&s, &large, (int[]){1, 0, 2}, 3); /* a third arrives while one goes on and one waits */
    serve(&s, &small, (int[]){1, 1, 0}, 3);
    for (int p = 0; p < s.lengths[0]; p++) {
        uint64_t slot = (uint64_t)s.table[0][p / PAGE_SIZE] * PAGE_SIZE + (uint64_t)p % PAGE_SIZE;
        DRIVE_OK(&s.d, s.d.b->download(s.d.s, s.cache, slot * sizeof row, row, sizeof row, &s.d.err));
        cr_expect_eq(row[1], token(0, p, 1), "position %d lies in the page of the table", p);
    }
    bucket_close(&large, &s.d);
    bucket_close(&small, &s.d);
    s.d.b->release(s.d.s, s.cache);
    drive_close(&s.d);
}

Test(rehearsal, paged_serving_with_control_inputs_fits, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++)
        paged(flavour);
}

/* ---- a training step that updates in place --------------------------------------------------------------- */

/* m' = 0.5 m + grad; w' = w - 0.25 m'. */
struct training {
    struct drive d;
    struct assay_graph g;
    struct assay_program *p;
    int32_t w, m, grad, w_after, m_after;
    struct assay_buffer *w_at, *m_at, *grad_at[8];
};

static void training_open(struct training *t, int flavour)
{
    static const float half = 0.5f, quarter = 0.25f;
    const int64_t n[] = {N};
    memset(t, 0, sizeof *t);
    t->w = add_value(&t->g, "w", ASSAY_F32, ASSAY_ROLE_PARAM, 1, n);
    t->m = add_value(&t->g, "m", ASSAY_F32, ASSAY_ROLE_STATE, 1, n);
    t->grad = add_value(&t->g, "grad", ASSAY_F32, ASSAY_ROLE_INPUT, 1, n);
    int32_t decay = add_value(&t->g, "decay", ASSAY_F32, ASSAY_ROLE_CONST, 0, NULL);
    int32_t rate = add_value(&t->g, "rate", ASSAY_F32, ASSAY_ROLE_CONST, 0, NULL);
    int32_t kept = add_value(&t->g, "kept", ASSAY_F32, ASSAY_ROLE_TEMP, 1, n);
    t->m_after = add_value(&t->g, "m_after", ASSAY_F32, ASSAY_ROLE_OUTPUT, 1, n);
    int32_t step = add_value(&t->g, "step", ASSAY_F32, ASSAY_ROLE_TEMP, 1, n);
    t->w_after = add_value(&t->g, "w_after", ASSAY_F32, ASSAY_ROLE_OUTPUT, 1, n);
    t->g.value[decay].data = &half;
    t->g.value[rate].data = &quarter;
    t->g.value[t->m_after].alias_of = t->m;
    t->g.value[t->w_after].alias_of = t->w;
    add_node(&t->g, "", "Mul", N, t->m, decay, ASSAY_NO_VALUE, kept, ASSAY_NO_VALUE);
    add_node(&t->g, "", "Add", N, kept, t->grad, ASSAY_NO_VALUE, t->m_after, ASSAY_NO_VALUE);
    add_node(&t->g, "", "Mul", N, t->m_after, rate, ASSAY_NO_VALUE, step, ASSAY_NO_VALUE);
    add_node(&t->g, "", "Sub", N, t->w, step, ASSAY_NO_VALUE, t->w_after, ASSAY_NO_VALUE);
    open_flavour(&t->d, "training", flavour, NULL);
}

static void train(int flavour)
{
    struct training t;
    struct bound bound = {.n = 0};
    float w[N], m[N] = {0}, grad[8][N], got[N];
    training_open(&t, flavour);
    fill(w, N, -2);
    t.w_at = drive_buffer(&t.d, sizeof w, w);
    t.m_at = drive_buffer(&t.d, sizeof m, m);
    for (int i = 0; i < 8; i++) {
        fill(grad[i], N, (float)i - 4);
        t.grad_at[i] = drive_buffer(&t.d, sizeof grad[i], grad[i]);
    }
    t.p = drive_compile(&t.d, &t.g, NULL, 0);
    for (uint32_t step = 0; step < 8; step++) { /* one step after another, on alternating queues */
        (void)bind_buffer(&bound, t.w, t.w_at);
        (void)bind_buffer(&bound, t.w_after, t.w_at);
        (void)bind_buffer(&bound, t.m, t.m_at);
        (void)bind_buffer(&bound, t.m_after, t.m_at);
        (void)bind_buffer(&bound, t.grad, t.grad_at[step]);
        (void)drive_run(&t.d, t.p, &bound, step % 2, 0);
        for (int i = 0; i < N; i++) {
            m[i] = m[i] * 0.5f + grad[step][i];
            w[i] = w[i] - m[i] * 0.25f;
        }
    }
    DRIVE_OK(&t.d, t.d.b->download(t.d.s, t.w_at, 0, got, sizeof got, &t.d.err));
    cr_expect_arr_eq(got, w, sizeof w);
    DRIVE_OK(&t.d, t.d.b->download(t.d.s, t.m_at, 0, got, sizeof got, &t.d.err));
    cr_expect_arr_eq(got, m, sizeof m);
    t.d.b->discard(t.d.s, t.p);
    t.d.b->release(t.d.s, t.w_at);
    t.d.b->release(t.d.s, t.m_at);
    for (int i = 0; i < 8; i++)
        t.d.b->release(t.d.s, t.grad_at[i]);
    drive_close(&t.d);
}

Test(rehearsal, a_training_step_that_updates_in_place_fits, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++)
        train(flavour);
}

/* A parameter may be packed at compile only if no output takes over its memory; who binds it wrong is told. */
Test(rehearsal, a_plug_in_can_refuse_wrong_bindings_of_what_is_updated, .timeout = 60)
{
    struct training t;
    struct bound bound = {.n = 0};
    struct assay_program *p = NULL;
    struct assay_event *e = NULL;
    struct assay_rank_class only = {.size = sizeof only, .graph = &t.g, .multiplicity = 1};
    struct assay_compile how = {.size = sizeof how,
                                .classes = &only,
                                .n_classes = 1,
                                .class_stride = sizeof only,
                                .fixed = bound.at,
                                .n_fixed = 1,
                                .binding_stride = sizeof bound.at[0]};
    training_open(&t, 0);
    t.w_at = drive_buffer(&t.d, N * sizeof(float), NULL);
    t.m_at = drive_buffer(&t.d, N * sizeof(float), NULL);
    (void)bind_buffer(&bound, t.w, t.w_at);
    cr_expect_eq(t.d.b->compile(t.d.s, &how, &p, &t.d.err), ASSAY_PROTOCOL);
    cr_expect_str_eq(t.d.err.message, "a fixed parameter is overwritten by 'w_after'");
    t.p = drive_compile(&t.d, &t.g, NULL, 0);
    (void)bind_buffer(&bound, t.w_after, t.m_at);
    struct assay_launch launch = {.size = sizeof launch,
                                  .program = t.p,
                                  .bindings = bound.at,
                                  .n_bindings = bound.n,
                                  .binding_stride = sizeof bound.at[0]};
    cr_expect_eq(t.d.b->execute(t.d.s, &launch, &e, &t.d.err), ASSAY_PROTOCOL);
    cr_expect_null(e);
    t.d.b->discard(t.d.s, t.p);
    t.d.b->release(t.d.s, t.w_at);
    t.d.b->release(t.d.s, t.m_at);
    drive_close(&t.d);
}
