/* The interface's consumers in virtual time: a model of one device, and a cluster of rank classes. */
#include "harness/run/tests/rehearsal/drive.h"

#include "assay/banned.h"

static const char *const flavours[] = {"", "-cxx"};
enum { N_FLAVOURS = 2, BATCH = 4 };

static void open_flavour(struct drive *d, const char *name, int flavour)
{
    char plugin[64];
    (void)snprintf(plugin, sizeof plugin, "%s%s", name, flavours[flavour]);
    drive_open(d, plugin, NULL);
}

/* ---- a model of one device ------------------------------------------------------------------------------ */

struct model {
    struct drive d;
    struct assay_graph g;
    struct assay_program *p;
    int32_t x, lengths, y;
    struct assay_buffer *in, *out;
};

static void model_open(struct model *m, int flavour)
{
    memset(m, 0, sizeof *m);
    m->x = add_value(&m->g, "x", ASSAY_F16, ASSAY_ROLE_INPUT, 2, (int64_t[]){BATCH, 4096});
    m->lengths = add_value(&m->g, "lengths", ASSAY_I32, ASSAY_ROLE_CONTROL, 1, (int64_t[]){BATCH});
    int32_t h = add_value(&m->g, "h", ASSAY_F16, ASSAY_ROLE_TEMP, 2, (int64_t[]){BATCH, 4096});
    m->y = add_value(&m->g, "y", ASSAY_F16, ASSAY_ROLE_OUTPUT, 2, (int64_t[]){BATCH, 4096});
    add_node(&m->g, "assay", "PagedAttention", 0, m->x, m->lengths, ASSAY_NO_VALUE, h, ASSAY_NO_VALUE);
    add_node(&m->g, "", "Relu", 0, h, ASSAY_NO_VALUE, m->y, ASSAY_NO_VALUE);
    open_flavour(&m->d, "model", flavour);
    m->in = drive_buffer(&m->d, m->g.value[m->x].bytes, NULL);
    m->out = drive_buffer(&m->d, m->g.value[m->y].bytes, NULL);
    m->p = drive_compile(&m->d, &m->g, NULL, 0);
}

static void model_close(struct model *m)
{
    m->d.b->discard(m->d.s, m->p);
    m->d.b->release(m->d.s, m->in);
    m->d.b->release(m->d.s, m->out);
    drive_close(&m->d);
}

/* A step in which `rows` sequences of the batch have the lengths given. */
static struct assay_event *model_launch(struct model *m, const int32_t *lengths, uint64_t rows, uint32_t queue,
                                        uint64_t earliest_ns, uint32_t flags)
{
    struct bound bound = {.n = 0};
    int32_t copy[BATCH];
    memcpy(copy, lengths, sizeof copy);
    (void)bind_buffer(&bound, m->x, m->in);
    (void)bind_buffer(&bound, m->y, m->out);
    bind_host(&bound, m->lengths, copy)->valid_rows = rows;
    struct assay_event *e = drive_launch(&m->d, m->p, &bound, queue, earliest_ns, flags);
    memset(copy, 0x7F, sizeof copy);
    return e;
}

static struct assay_span model_run(struct model *m, const int32_t *lengths, uint64_t rows, uint64_t earliest_ns)
{
    struct assay_event *e = model_launch(m, lengths, rows, 0, earliest_ns, 0);
    struct assay_span span;
    (void)drive_poll(&m->d, &e, 1, &span);
    m->d.b->forget(m->d.s, e);
    return span;
}

static const int32_t full[BATCH] = {10, 20, 30, 40};

Test(rehearsal_modelled, a_model_is_priced_by_its_control_inputs_on_its_own_clock, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++) {
        struct model m;
        struct assay_span span;
        model_open(&m, flavour);
        cr_expect_eq(m.d.device.traits, 0, "neither values nor memory");
        cr_expect_eq(m.d.b->upload(m.d.s, m.in, 0, full, sizeof full, &m.d.err), ASSAY_UNSUPPORTED);
        span = model_run(&m, full, ASSAY_ALL_ROWS, 5000);
        cr_expect_eq(span.begin_ns, 5000, "not before the earliest");
        cr_expect_eq(span.end_ns - span.begin_ns, 2000 + 100 * 100);
        span = model_run(&m, full, 2, 0);
        cr_expect_eq(span.begin_ns, 17000, "a queue that is busy delays");
        cr_expect_eq(span.end_ns - span.begin_ns, 2000 + 30 * 100, "only the rows that count");
        uint64_t begin = now_ns();
        for (uint64_t step = 1; step <= 10000; step++)
            span = model_run(&m, full, ASSAY_ALL_ROWS, step * 1000000000);
        cr_expect_eq(span.begin_ns, 10000ull * 1000000000);
        cr_expect_lt(now_ns() - begin, 10000ull * 1000000000, "hours of virtual time take no hours");
        model_close(&m);
    }
}

/* Two engines: the host takes the one that ends first, launches there again, and so on. */
Test(rehearsal_modelled, two_queues_in_virtual_time_are_a_heap_by_next_time, .timeout = 60)
{
    static const int32_t light[BATCH] = {1, 1, 1, 1}, heavy[BATCH] = {100, 100, 100, 100};
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++) {
        struct model m;
        struct assay_span span;
        struct assay_event *events[2];
        uint64_t last_ns = 0;
        int served[2] = {0, 0};
        model_open(&m, flavour);
        events[0] = model_launch(&m, heavy, ASSAY_ALL_ROWS, 0, 0, 0);
        events[1] = model_launch(&m, light, ASSAY_ALL_ROWS, 1, 0, 0);
        for (int i = 0; i < 20; i++) {
            size_t done = drive_poll(&m.d, events, 2, &span);
            cr_expect_geq(span.end_ns, last_ns, "virtual time does not go back");
            last_ns = span.end_ns;
            served[done]++;
            m.d.b->forget(m.d.s, events[done]);
            events[done] = model_launch(&m, done ? light : heavy, ASSAY_ALL_ROWS, (uint32_t)done, span.end_ns, 0);
        }
        cr_expect_eq(served[0], 1, "42 us a step");
        cr_expect_eq(served[1], 19, "2.4 us a step");
        m.d.b->forget(m.d.s, events[0]);
        m.d.b->forget(m.d.s, events[1]);
        model_close(&m);
    }
}

Test(rehearsal_modelled, a_model_answers_trace_counters_telemetry_and_draws, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++) {
        struct model m;
        struct { /* rows of a later host are larger */
            struct assay_trace_row row;
            uint64_t later;
        } rows[4];
        struct assay_counter_row before[3], after[3];
        struct assay_telemetry_row sample;
        struct assay_span span;
        size_t n = 0;
        model_open(&m, flavour);
        const struct assay_backend *b = m.d.b;
        cr_assert(ASSAY_HAS(b, trace) && ASSAY_HAS(b, counters) && ASSAY_HAS(b, telemetry) && ASSAY_HAS(b, draw));
        cr_expect_not(ASSAY_HAS(b, library));
        DRIVE_OK(&m.d, b->counters(m.d.s, before, sizeof before[0], 3, &n, &m.d.err));
        struct assay_event *e = model_launch(&m, full, ASSAY_ALL_ROWS, 0, 7, ASSAY_LAUNCH_TRACE);
        (void)drive_poll(&m.d, &e, 1, &span);
        memset(rows, 0xEE, sizeof rows);
        DRIVE_OK(&m.d, b->trace(m.d.s, e, &rows[0].row, sizeof rows[0], 1, &n, &m.d.err));
        cr_expect_eq(n, 2, "how many there are, however many fit");
        cr_expect_eq(rows[1].later, 0xEEEEEEEEEEEEEEEE, "no more is written than fits");
        DRIVE_OK(&m.d, b->trace(m.d.s, e, &rows[0].row, sizeof rows[0], 4, &n, &m.d.err));
        cr_expect_eq(rows[0].row.begin_ns, 0);
        cr_expect_eq(rows[1].row.begin_ns, rows[0].row.end_ns);
        cr_expect_eq(rows[1].row.end_ns, span.end_ns - span.begin_ns, "nodes add up to the launch");
        cr_expect_eq(rows[0].later, 0xEEEEEEEEEEEEEEEE);
        b->forget(m.d.s, e);
        DRIVE_OK(&m.d, b->counters(m.d.s, after, sizeof after[0], 3, &n, &m.d.err));
        cr_expect_eq(n, 3);
        cr_expect_str_eq(after[1].name, "tokens");
        cr_expect_eq(after[1].value - before[1].value, 100);
        cr_expect(after[2].why[0], "a counter that is not there has a reason");
        DRIVE_OK(&m.d, b->telemetry(m.d.s, 0, &sample, sizeof sample, 1, &n, &m.d.err));
        cr_expect_eq(n, 1);
        cr_expect_eq(sample.at_ns, span.end_ns, "on the model's clock");
        uint64_t middle = span.end_ns - span.begin_ns;
        DRIVE_OK(&m.d, b->draw(m.d.s, 50, &m.d.err));
        span = model_run(&m, full, ASSAY_ALL_ROWS, 0);
        cr_expect_eq(span.end_ns - span.begin_ns, middle * 150 / 100, "the 50th sample of its uncertainty");
        DRIVE_OK(&m.d, b->draw(m.d.s, 0, &m.d.err));
        span = model_run(&m, full, ASSAY_ALL_ROWS, 0);
        cr_expect_eq(span.end_ns - span.begin_ns, middle, "the middle again");
        model_close(&m);
    }
}

/* ---- rank classes --------------------------------------------------------------------------------------- */

/* 16 ranks: 2 stages x 4 data-parallel x 2 tensor-parallel. Stage 1 has two classes, as its experts are not equally
 * loaded: 6 ranks get few tokens, 2 get many. */
struct cluster {
    struct drive d;
    struct assay_graph g[3];
    int32_t tokens[3];
    struct { /* of a later host */
        struct assay_rank_class c;
        uint64_t later[3];
    } classes[3];
    struct {
        struct assay_mesh_axis a;
        uint64_t later;
    } axes[3];
    struct assay_compile how;
};

static void cluster_graph(struct cluster *c, int i, uint64_t flops)
{
    struct assay_graph *g = &c->g[i];
    int32_t x = add_value(g, "x", ASSAY_BF16, ASSAY_ROLE_INPUT, 1, (int64_t[]){64});
    c->tokens[i] = i ? add_value(g, "tokens", ASSAY_I32, ASSAY_ROLE_CONTROL, 1, (int64_t[]){1}) : ASSAY_NO_VALUE;
    int32_t y = add_value(g, "y", ASSAY_BF16, ASSAY_ROLE_OUTPUT, 1, (int64_t[]){64});
    add_node(g, "", "Relu", flops, x, ASSAY_NO_VALUE, y, ASSAY_NO_VALUE);
}

static void cluster_open(struct cluster *c, int flavour)
{
    static const uint64_t at[3][3] = {{0, 0, 0}, {1, 0, 0}, {1, 3, 0}};
    static const uint64_t ranks[3] = {8, 6, 2};
    static const char names[3][8] = {"pp", "dp", "tp"};
    static const uint64_t lengths[3] = {2, 4, 2};
    memset(c, 0, sizeof *c);
    open_flavour(&c->d, "classes", flavour);
    for (int i = 0; i < 3; i++) {
        cluster_graph(c, i, i ? 500 : 900);
        c->classes[i].c = (struct assay_rank_class){.size = sizeof c->classes[i],
                                                    .graph = &c->g[i],
                                                    .multiplicity = ranks[i],
                                                    .stage = i ? 1 : 0,
                                                    .first_coordinate = at[i]};
        memcpy(c->axes[i].a.name, names[i], sizeof names[i]);
        c->axes[i].a.length = lengths[i];
    }
    c->how = (struct assay_compile){.size = sizeof c->how,
                                    .classes = c->classes,
                                    .n_classes = 3,
                                    .class_stride = sizeof c->classes[0],
                                    .axes = &c->axes[0].a,
                                    .n_axes = 3,
                                    .axis_stride = sizeof c->axes[0],
                                    .schedule = ASSAY_SCHEDULE_1F1B,
                                    .micro_batches = 7};
}

/* few and many are the control inputs of the two classes of stage 1. */
static uint64_t cluster_step(struct cluster *c, struct assay_program *p, int32_t few, int32_t many)
{
    struct bound bound = {.n = 0};
    struct assay_trace_row rows[3];
    struct assay_span span;
    size_t n = 0;
    bind_host(&bound, c->tokens[1], &few)->rank_class = 1;
    bind_host(&bound, c->tokens[2], &many)->rank_class = 2;
    struct assay_event *e = drive_launch(&c->d, p, &bound, 0, 0, ASSAY_LAUNCH_TRACE);
    (void)drive_poll(&c->d, &e, 1, &span);
    DRIVE_OK(&c->d, c->d.b->trace(c->d.s, e, rows, sizeof rows[0], 3, &n, &c->d.err));
    cr_assert_eq(n, 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_expect_eq(rows[i].rank_class, i, "a row for every class");
    cr_expect_eq(rows[2].end_ns - rows[2].begin_ns, 500 + 10 * (uint64_t)many);
    c->d.b->forget(c->d.s, e);
    return span.end_ns - span.begin_ns;
}

Test(rehearsal_modelled, several_rank_classes_are_one_program, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++) {
        struct cluster c;
        struct assay_program *p = NULL;
        cluster_open(&c, flavour);
        DRIVE_OK(&c.d, c.d.b->compile(c.d.s, &c.how, &p, &c.d.err));
        cr_expect_eq(cluster_step(&c, p, 10, 20), (7 + 2 - 1) * 900, "stage 0 is the slowest");
        cr_expect_eq(cluster_step(&c, p, 10, 60), (7 + 2 - 1) * (500 + 600), "two busy ranks hold up sixteen");
        c.d.b->discard(c.d.s, p);
        drive_close(&c.d);
    }
}

Test(rehearsal_modelled, a_mesh_that_does_not_fit_its_classes_is_refused, .timeout = 60)
{
    for (int flavour = 0; flavour < N_FLAVOURS; flavour++) {
        struct cluster c;
        struct assay_program *p = NULL;
        cluster_open(&c, flavour);
        c.axes[1].a.length = 5;
        cr_expect_eq(c.d.b->compile(c.d.s, &c.how, &p, &c.d.err), ASSAY_CONFIG);
        cr_expect_str_eq(c.d.err.message, "the mesh has 20 places and 2 stages, the classes 16 and 2");
        c.axes[1].a.length = 4;
        c.how.schedule = ASSAY_SCHEDULE_ZERO_BUBBLE;
        cr_expect_eq(c.d.b->compile(c.d.s, &c.how, &p, &c.d.err), ASSAY_UNSUPPORTED);
        cr_expect_null(p);
        drive_close(&c.d);
    }
}
