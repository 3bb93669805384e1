#include <math.h>

#include "harness/run/tests/device.h"

#include "assay/banned.h"

enum { LIMIT = 256 };

/* Numbers that sums and products of a few keep exact in f32. */
static void fill(float *x, size_t n, int seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(((int)i * 7 + seed * 13) % 31 - 15) / 8;
}

Test(template, multiplies_matrices, .timeout = 60)
{
    enum { M = 3, K = 5, N = 4 };
    struct device d;
    struct assay_graph *g = assay_graph_new("matmul");
    float a[M * K], b[K * N], c[M * N];
    int32_t in[] = {assay_graph_input(g, "a", ASSAY_F32, 2, (int64_t[]){M, K}, ASSAY_FILL_SIGNED),
                    assay_graph_input(g, "b", ASSAY_F32, 2, (int64_t[]){K, N}, ASSAY_FILL_SIGNED)};
    int32_t out = assay_graph_op(g, "MatMul", "c", in, 2, NULL);
    assay_graph_output(g, out);
    device_open(&d, "template", "");
    device_load(&d, g);
    fill(a, M * K, 1);
    fill(b, K * N, 2);
    device_give(&d, in[0], a);
    device_give(&d, in[1], b);
    (void)device_run(&d);
    device_take(&d, out, c);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int k = 0; k < K; k++)
                sum += a[i * K + k] * b[k * N + j];
            cr_expect_eq(c[i * N + j], sum);
        }
    cr_expect_eq(device_overrun(&d, out), 0);
    device_close(&d);
}

/* [2,3,4] with [3,1]: the second operand lacks an axis and has one of length 1. */
Test(template, adds_and_multiplies_with_broadcasting, .timeout = 60)
{
    for (int product = 0; product < 2; product++) {
        struct device d;
        struct assay_graph *g = assay_graph_new("broadcast");
        float a[24], b[3], y[24];
        int32_t in[] = {assay_graph_input(g, "a", ASSAY_F32, 3, (int64_t[]){2, 3, 4}, ASSAY_FILL_SIGNED),
                        assay_graph_input(g, "b", ASSAY_F32, 2, (int64_t[]){3, 1}, ASSAY_FILL_SIGNED)};
        int32_t out = assay_graph_op(g, product ? "Mul" : "Add", "y", in, 2, NULL);
        assay_graph_output(g, out);
        device_open(&d, "template", "");
        device_load(&d, g);
        fill(a, 24, 3);
        fill(b, 3, 4);
        device_give(&d, in[0], a);
        device_give(&d, in[1], b);
        (void)device_run(&d);
        device_take(&d, out, y);
        for (int i = 0; i < 24; i++) {
            float other = b[i / 4 % 3];
            cr_expect_eq(y[i], product ? a[i] * other : a[i] + other);
        }
        cr_expect_eq(device_overrun(&d, out), 0);
        device_close(&d);
    }
}

/* Relu, then softmax along the middle axis: a temporary lies between. */
Test(template, runs_one_node_after_the_other_along_any_axis, .timeout = 60)
{
    struct device d;
    struct assay_graph *g = assay_graph_new("chain");
    float x[24], y[24];
    const struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END};
    int32_t in = assay_graph_input(g, "x", ASSAY_F32, 3, (int64_t[]){2, 3, 4}, ASSAY_FILL_SIGNED);
    int32_t relu = assay_graph_op(g, "Relu", "relu", &in, 1, NULL);
    int32_t out = assay_graph_op(g, "Softmax", "y", &relu, 1, axis);
    assay_graph_output(g, out);
    device_open(&d, "template", "");
    device_load(&d, g);
    fill(x, 24, 5);
    device_give(&d, in, x);
    (void)device_run(&d);
    device_take(&d, out, y);
    for (int line = 0; line < 8; line++) {
        int at = line / 4 * 12 + line % 4;
        double sum = 0;
        for (int i = 0; i < 3; i++)
            sum += exp(fmax(x[at + 4 * i], 0));
        for (int i = 0; i < 3; i++)
            cr_expect_float_eq(y[at + 4 * i], exp(fmax(x[at + 4 * i], 0)) / sum, 1e-6);
    }
    cr_expect_eq(device_overrun(&d, out), 0);
    device_close(&d);
}

Test(template, updates_in_place_what_an_output_takes_over, .timeout = 60)
{
    struct device d;
    struct assay_graph *g = assay_graph_new("update");
    float w[LIMIT], step[LIMIT], got[LIMIT];
    int32_t in[] = {assay_graph_param(g, "w", ASSAY_F32, 1, (int64_t[]){LIMIT}, ASSAY_FILL_SIGNED),
                    assay_graph_input(g, "step", ASSAY_F32, 1, (int64_t[]){LIMIT}, ASSAY_FILL_SIGNED)};
    int32_t after = assay_graph_op(g, "Add", "after", in, 2, NULL);
    assay_graph_output(g, after);
    assay_graph_alias(g, after, in[0]);
    device_open(&d, "template", "");
    device_load(&d, g);
    fill(w, LIMIT, 6);
    fill(step, LIMIT, 7);
    device_give(&d, in[0], w);
    device_give(&d, in[1], step);
    for (int i = 0; i < 3; i++)
        (void)device_run(&d);
    device_take(&d, in[0], got);
    for (int i = 0; i < LIMIT; i++)
        cr_expect_eq(got[i], w[i] + 3 * step[i]);
    device_close(&d);
}

static void expect_refused(struct assay_graph *g, const char *why)
{
    struct device d;
    struct assay_program *p = NULL;
    char text[200];
    struct assay_text why_not = ASSAY_TEXT(text);
    device_open(&d, "template", "");
    d.g = g;
    DEVICE_OK(&d, assay_graph_finish(g, &d.err));
    cr_expect_not(d.opened.backend->accepts(d.opened.session, g, g->n_nodes - 1, &why_not));
    cr_expect_str_eq(text, why);
    cr_expect_eq(device_compile(&d, &p), ASSAY_UNSUPPORTED, "compile agrees with accepts");
    cr_expect(strstr(d.err.message, why), "%s", d.err.message);
    device_close(&d);
}

Test(template, says_no_with_a_reason, .timeout = 60)
{
    struct assay_graph *g = graph_binary("Sub", 2, 2);
    expect_refused(g, "op Sub is not among MatMul, Add, Mul, Relu, Softmax");
    g = assay_graph_new("half");
    int32_t x = assay_graph_input(g, "x", ASSAY_F16, 1, (int64_t[]){4}, ASSAY_FILL_SIGNED);
    assay_graph_output(g, assay_graph_op(g, "Relu", "y", &x, 1, NULL));
    expect_refused(g, "'x' is f16; this device computes in f32 only");
    g = assay_graph_new("batch");
    int32_t in[] = {assay_graph_input(g, "a", ASSAY_F32, 3, (int64_t[]){2, 2, 2}, ASSAY_FILL_SIGNED),
                    assay_graph_input(g, "b", ASSAY_F32, 2, (int64_t[]){2, 2}, ASSAY_FILL_SIGNED)};
    assay_graph_output(g, assay_graph_op(g, "MatMul", "c", in, 2, NULL));
    expect_refused(g, "MatMul is done for two matrices, not for ranks 3 and 2");
    g = assay_graph_new("square");
    int32_t w = assay_graph_param(g, "w", ASSAY_F32, 2, (int64_t[]){2, 2}, ASSAY_FILL_SIGNED);
    int32_t c = assay_graph_op(g, "MatMul", "c", (int32_t[]){w, w}, 2, NULL);
    assay_graph_output(g, c);
    assay_graph_alias(g, c, w);
    expect_refused(g, "MatMul cannot write over its own operand 'w'");
}

Test(template, refuses_what_is_not_in_its_memory, .timeout = 60)
{
    struct device d;
    struct assay_event *e = NULL;
    struct assay_buffer *more = NULL;
    struct assay_alloc how = {.size = sizeof how, .place = ASSAY_PLACE_DEVICE, .bytes = 1 << 20};
    char bytes[128];
    device_open(&d, "template", ",memory=1MiB");
    cr_expect_eq(d.opened.device.memory_bytes, 1 << 20);
    device_load(&d, graph_binary("Add", 4, 4));
    const struct assay_backend *b = d.opened.backend;
    cr_expect_eq(b->alloc(d.opened.session, &how, &more, &d.err), ASSAY_MEMORY);
    cr_expect_null(more);
    cr_expect_eq(b->upload(d.opened.session, d.buffer[0], 65, bytes, 64, &d.err), ASSAY_PROTOCOL);
    cr_expect_eq(b->download(d.opened.session, d.buffer[0], UINT64_MAX, bytes, 2, &d.err), ASSAY_PROTOCOL);
    (void)device_run(&d);
    cr_expect_eq(device_launch(&d, 1, &e), ASSAY_PROTOCOL, "bound before is not bound now");
    cr_expect_str_eq(d.err.message, "value 1 is not bound");
    cr_expect_null(e);
    for (int i = 0; i < 3; i++)
        b->release(d.opened.session, d.buffer[i]);
    memset(d.buffer, 0, sizeof d.buffer);
    DEVICE_OK(&d, b->alloc(d.opened.session, &how, &more, &d.err));
    b->release(d.opened.session, more);
    device_close(&d);
}

Test(template, describes_what_it_did, .timeout = 60)
{
    struct device d;
    char text[200];
    struct assay_text about = ASSAY_TEXT(text);
    device_open(&d, "template", "");
    device_load(&d, graph_binary("Mul", 4, 4));
    cr_assert(ASSAY_HAS(d.opened.backend, describe));
    d.opened.backend->describe(d.opened.session, d.p, &about);
    cr_expect_str_eq(text, "1 nodes one after the other, plain loops, one core");
    device_close(&d);
}
