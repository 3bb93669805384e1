/* The plug-in line: devices, refusals, bindings, aliases, values between nodes, events, traces. */
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

static struct assay_device_info found[4];
static size_t                   n_found;

static void add_device(struct assay_device_list *list, const struct assay_device_info *info)
{
    (void)list;
    if (n_found < 4)
        found[n_found++] = *info;
}

Test(plugin, finds_one_device_that_is_this_machine)
{
    struct device      d;
    struct assay_error err = {0};
    cr_assert(device_open(&d, "threads=1"));
    d.host.device_add = add_device;
    n_found = 0;
    cr_assert_eq(d.backend->probe(NULL, NULL, &err), ASSAY_OK);
    cr_assert_eq(n_found, 1);
    cr_expect_str_eq(found[0].name, "host");
    cr_expect_eq(found[0].traits, ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY | ASSAY_TRAIT_IS_HOST);
    cr_expect(found[0].clock == ASSAY_CLOCK_HOST && found[0].origin == ASSAY_ORIGIN_REAL && found[0].queues == 1);
    cr_expect(found[0].memory_bytes > 1u << 20 && *found[0].how_known);
    device_close(&d);
}

Test(plugin, other_devices_and_absent_vectors_are_refused_by_name)
{
    struct device       d;
    struct assay_error  err = {0};
    char                parsed[256] = {0};
    struct assay_session *s;
    cr_assert(device_open(&d, "threads=1"));
    cr_assert_eq(assay_options_parse(d.backend->options, parsed, "", "cpu", &err), ASSAY_OK);
    struct assay_open how = {.size = sizeof how, .device = "gpu0", .options = parsed};
    cr_expect_eq(d.backend->open(&how, &s, &err), ASSAY_UNAVAILABLE);
    cr_expect_str_eq(err.message, "no device 'gpu0'; there is 'host'");
    cr_expect_eq(assay_options_parse(d.backend->options, parsed, "threads=-1", "cpu", &err), ASSAY_CONFIG);
    device_close(&d);
}

/* x -> Relu -> Neg -> Reshape -> Exp, y = x + x: temps that live on and die, and one that only renames. */
static struct assay_graph *chain(int32_t *x, int32_t *y, int32_t *z)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("chain");
    *x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){30, 41}, ASSAY_FILL_SIGNED);
    int32_t relu = assay_graph_op(g, "Relu", "relu", x, 1, NULL);
    int32_t neg = assay_graph_op(g, "Neg", "neg", &relu, 1, NULL);
    int32_t shape = assay_graph_i64s(g, "shape", 1, (int64_t[]){-1});
    int32_t flat = assay_graph_op(g, "Reshape", "flat", (int32_t[]){neg, shape}, 2, NULL);
    int32_t more = assay_graph_op(g, "Abs", "more", &flat, 1, NULL);
    int32_t both = assay_graph_op(g, "Mul", "both", (int32_t[]){flat, more}, 2, NULL);
    *y = assay_graph_op(g, "Sub", "y", (int32_t[]){flat, both}, 2, NULL);
    *z = assay_graph_op(g, "Add", "z", (int32_t[]){relu, neg}, 2, NULL);
    assay_graph_output(g, *y);
    assay_graph_output(g, *z);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

Test(plugin, values_between_nodes_keep_what_later_nodes_read, .timeout = 20)
{
    int32_t x, y, z;
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct assay_graph *g = chain(&x, &y, &z);
        struct device       d;
        struct data         data;
        if (!device_open(&d, every_device[i])) {
            assay_graph_free(g);
            continue;
        }
        data_new(g, &data);
        device_run(&d, g, &data, false, every_device[i]);
        for (size_t k = 0; k < 30 * 41; k++) {
            float r = fmaxf(floats(&data, x)[k], 0);
            cr_assert_eq(floats(&data, y)[k], -r - -r * r);
            cr_assert_eq(floats(&data, z)[k], 0);
        }
        data_free(&data);
        device_close(&d);
        assay_graph_free(g);
    }
}

Test(plugin, an_unbound_value_and_a_buffer_too_small_are_named, .timeout = 20)
{
    int32_t               x, y, z;
    struct assay_graph   *g = chain(&x, &y, &z);
    struct device         d;
    struct data           data;
    struct assay_error    err = {0};
    struct assay_buffer  *small;
    struct assay_event   *event;
    struct assay_alloc    how = {.size = sizeof how, .place = ASSAY_PLACE_DEVICE, .bytes = 4 * 30 * 41 + 60, .alignment = 64};
    cr_assert(device_open(&d, "threads=2"));
    data_new(g, &data);
    struct assay_program *p = device_compile(&d, g, &data, false, &err);
    cr_assert_not_null(p, "%s", err.message);
    struct assay_binding b[] = {{.value = (uint32_t)x, .host = data.at[x]}, {.value = (uint32_t)y, .host = data.at[y]}};
    struct assay_launch  launch = {.size = sizeof launch, .program = p, .bindings = b, .n_bindings = 2, .binding_stride = sizeof *b};
    cr_expect_eq(d.backend->execute(d.session, &launch, &event, &err), ASSAY_PROTOCOL);
    cr_expect(strstr(err.message, "('z') is not bound"), "%s", err.message);
    cr_assert_eq(d.backend->alloc(d.session, &how, &small, &err), ASSAY_OK);
    b[0] = (struct assay_binding){.value = (uint32_t)x, .buffer = small, .offset = 64};
    cr_expect_eq(d.backend->execute(d.session, &launch, &event, &err), ASSAY_PROTOCOL);
    cr_expect(strstr(err.message, "needs 4920 bytes at 64 of a buffer of 4980"), "%s", err.message);
    b[0].value = 99;
    cr_expect_eq(d.backend->execute(d.session, &launch, &event, &err), ASSAY_PROTOCOL);
    cr_expect_eq(d.backend->upload(d.session, small, 4970, data.at[x], 11, &err), ASSAY_PROTOCOL);
    cr_expect_eq(d.backend->download(d.session, small, UINT64_MAX, data.at[x], 2, &err), ASSAY_PROTOCOL);
    d.backend->release(d.session, small);
    d.backend->discard(d.session, p);
    data_free(&data);
    device_close(&d);
    assay_graph_free(g);
}

Test(plugin, runs_on_buffers_at_an_offset_and_writes_a_state_in_place, .timeout = 20)
{
    struct assay_error  err = {0};
    struct device       d;
    struct assay_graph *g = assay_graph_new("step");
    enum { N = 1000 };
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 1, (int64_t[]){N}, ASSAY_FILL_SIGNED);
    int32_t state = assay_graph_state(g, "state", ASSAY_F32, 1, (int64_t[]){N}, ASSAY_FILL_SIGNED);
    int32_t next = assay_graph_op(g, "Add", "next", (int32_t[]){state, x}, 2, NULL);
    assay_graph_alias(g, next, state);
    assay_graph_output(g, next);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=3"));
    static float          data[2 * N + 16], got[2 * N + 16];
    struct assay_buffer  *buffer;
    struct assay_alloc    how = {.size = sizeof how, .place = ASSAY_PLACE_DEVICE, .bytes = sizeof data, .alignment = 64};
    struct data           none = {{0}, {0}};
    struct assay_program *p = device_compile(&d, g, &none, false, &err);
    struct assay_event   *event;
    cr_assert_not_null(p, "%s", err.message);
    for (int i = 0; i < 2 * N + 16; i++)
        data[i] = (float)i;
    cr_assert_eq(d.backend->alloc(d.session, &how, &buffer, &err), ASSAY_OK);
    cr_assert_eq(d.backend->upload(d.session, buffer, 0, data, sizeof data, &err), ASSAY_OK);
    struct assay_binding b[] = {{.value = (uint32_t)x, .buffer = buffer, .offset = 0},
                                {.value = (uint32_t)state, .buffer = buffer, .offset = 4 * (N + 8)}};
    struct assay_launch  launch = {.size = sizeof launch, .program = p, .bindings = b, .n_bindings = 2, .binding_stride = sizeof *b};
    for (int step = 0; step < 3; step++) {
        cr_assert_eq(d.backend->execute(d.session, &launch, &event, &err), ASSAY_OK, "%s", err.message);
        d.backend->forget(d.session, event);
    }
    cr_assert_eq(d.backend->download(d.session, buffer, 0, got, sizeof got, &err), ASSAY_OK);
    for (int i = 0; i < 2 * N + 16; i++)
        cr_assert_eq(got[i], i >= N + 8 && i < 2 * N + 8 ? data[i] + 3 * data[i - N - 8] : data[i], "element %d", i);
    d.backend->release(d.session, buffer);
    d.backend->discard(d.session, p);
    device_close(&d);
    assay_graph_free(g);
}

Test(plugin, refuses_what_it_does_not_compute_with_the_reason, .timeout = 20)
{
    struct assay_error  err = {0};
    struct device       d;
    char                why[300];
    struct assay_text   why_not = ASSAY_TEXT(why);
    struct assay_graph *g = assay_graph_new("g");
    int32_t x = assay_graph_input(g, "x", ASSAY_BF16, 2, (int64_t[]){4, 4}, ASSAY_FILL_SIGNED);
    int32_t s = assay_graph_state(g, "s", ASSAY_F32, 2, (int64_t[]){4, 4}, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "MatMul", "y", (int32_t[]){x, x}, 2, NULL);
    int32_t t = assay_graph_op(g, "Transpose", "t", &s, 1, NULL);
    assay_graph_alias(g, t, s);
    assay_graph_output(g, y);
    assay_graph_output(g, t);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=1"));
    cr_expect(!d.backend->accepts(d.session, g, 0, &why_not));
    cr_expect_str_eq(why, "MatMul of bf16[4,4] ('x'): only f32 is computed here");
    why_not = ASSAY_TEXT(why);
    cr_expect(!d.backend->accepts(d.session, g, 1, &why_not));
    cr_expect_str_eq(why, "Transpose cannot write 't' over its own input 's'");
    struct data none = {{0}, {0}};
    cr_expect_null(device_compile(&d, g, &none, false, &err));
    cr_expect_eq(err.code, ASSAY_UNSUPPORTED);
    device_close(&d);
    assay_graph_free(g);
}

Test(plugin, keeps_many_events_outstanding_and_tells_the_earliest_first, .timeout = 20)
{
    int32_t               x, y, z;
    struct assay_graph   *g = chain(&x, &y, &z);
    struct device         d;
    struct data           data;
    struct assay_error    err = {0};
    struct assay_event   *event[300];
    size_t                n = 0, done;
    struct assay_span     span = {.size = sizeof span}, before = {.size = sizeof before};
    cr_assert(device_open(&d, "threads=1"));
    data_new(g, &data);
    struct assay_program *p = device_compile(&d, g, &data, false, &err);
    struct assay_binding  b[] = {{.value = (uint32_t)x, .host = data.at[x]}, {.value = (uint32_t)y, .host = data.at[y]},
                                 {.value = (uint32_t)z, .host = data.at[z]}};
    struct assay_launch   launch = {.size = sizeof launch, .program = p, .bindings = b, .n_bindings = 3, .binding_stride = sizeof *b};
    while (n < 300 && !d.backend->execute(d.session, &launch, &event[n], &err))
        n++;
    cr_assert_geq(n, 64);
    cr_expect_eq(err.code, ASSAY_PROTOCOL);
    for (; n; n--) {
        cr_assert_eq(d.backend->poll(d.session, event, n, 0, &done, &span, &err), ASSAY_OK);
        cr_expect(span.begin_ns >= before.end_ns && span.end_ns >= span.begin_ns);
        before = span;
        d.backend->forget(d.session, event[done]);
        memmove(&event[done], &event[done + 1], (n - done - 1) * sizeof(struct assay_event *));
    }
    cr_expect_eq(d.backend->execute(d.session, &launch, &event[0], &err), ASSAY_OK);
    d.backend->discard(d.session, p);
    data_free(&data);
    device_close(&d);
    assay_graph_free(g);
}

Test(plugin, traces_a_row_a_node_and_says_which_kernels_ran, .timeout = 20)
{
    int32_t                x, y, z;
    struct assay_graph    *g = chain(&x, &y, &z);
    struct device          d;
    struct data            data;
    struct assay_error     err = {0};
    struct assay_event    *event;
    struct assay_trace_row rows[8];
    size_t                 n = 0;
    char                   said[1000];
    struct assay_text      text = ASSAY_TEXT(said);
    cr_assert(device_open(&d, "threads=1"));
    data_new(g, &data);
    struct assay_program *p = device_compile(&d, g, &data, false, &err);
    struct assay_binding  b[] = {{.value = (uint32_t)x, .host = data.at[x]}, {.value = (uint32_t)y, .host = data.at[y]},
                                 {.value = (uint32_t)z, .host = data.at[z]}};
    struct assay_launch   launch = {.size = sizeof launch, .flags = ASSAY_LAUNCH_TRACE, .program = p, .bindings = b,
                                    .n_bindings = 3, .binding_stride = sizeof *b};
    cr_assert_eq(d.backend->execute(d.session, &launch, &event, &err), ASSAY_OK);
    cr_assert_eq(d.backend->trace(d.session, event, rows, sizeof *rows, 8, &n, &err), ASSAY_OK);
    cr_assert_eq(n, 6, "the Reshape between nodes only renames");
    for (size_t i = 1; i < n; i++)
        cr_expect(rows[i].node > rows[i - 1].node && rows[i].begin_ns == rows[i - 1].end_ns && *rows[i].note);
    d.backend->forget(d.session, event);
    launch.flags = 0;
    cr_assert_eq(d.backend->execute(d.session, &launch, &event, &err), ASSAY_OK);
    cr_expect_eq(d.backend->trace(d.session, event, rows, sizeof *rows, 8, &n, &err), ASSAY_UNAVAILABLE);
    d.backend->describe(d.session, p, &text);
    cr_expect(strstr(said, "Relu: vectors of ours, 1230 elements") && strstr(said, "1 threads"), "%s", said);
    d.backend->discard(d.session, p);
    data_free(&data);
    device_close(&d);
    assay_graph_free(g);
}
