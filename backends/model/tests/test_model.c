#include <math.h>

#include "harness/model/interval.h"
#include "harness/run/tests/device.h"
#include "harness/base/tests/source.h"

#include "assay/banned.h"

TestSuite(model, .init = find_source, .timeout = 60);

enum { M = 256, N = 512, K = 1024 };

static struct assay_graph *product(int32_t in[2], int32_t *out, enum assay_dtype dtype)
{
    struct assay_graph *g = assay_graph_new("product");
    in[0] = assay_graph_input(g, "a", dtype, 2, (int64_t[]){M, K}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "b", dtype, 2, (int64_t[]){K, N}, ASSAY_FILL_SIGNED);
    *out = assay_graph_op(g, "MatMul", "y", in, 2, NULL);
    assay_graph_output(g, *out);
    return g;
}

/* Opens a device and compiles a product of bf16. */
static void open_product(struct device *d, const char *rest)
{
    int32_t             in[2], out;
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_graph *g = product(in, &out, ASSAY_BF16);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    device_open(d, "model", rest);
    d->g = g;
    DEVICE_OK(d, device_compile(d, &d->p));
}

static void close_product(struct device *d)
{
    d->opened.backend->discard(d->opened.session, d->p);
    assay_graph_free(d->g);
    assay_backend_close(&d->opened);
}

static struct assay_span launch(struct device *d, uint64_t earliest_ns)
{
    const struct assay_backend *b = d->opened.backend;
    struct assay_launch         l = {.size = sizeof l, .program = d->p, .earliest_ns = earliest_ns, .binding_stride = sizeof(struct assay_binding)};
    struct assay_event         *e = NULL;
    struct assay_span           span = {.size = sizeof span};
    size_t                      done = 1;
    DEVICE_OK(d, b->execute(d->opened.session, &l, &e, &d->err));
    DEVICE_OK(d, b->poll(d->opened.session, &e, 1, 0, &done, &span, &d->err));
    b->forget(d->opened.session, e);
    return span;
}

Test(model, time_is_virtual_respects_the_earliest_and_one_launch_follows_the_other)
{
    struct device d;
    open_product(&d, ":h100-sxm");
    cr_expect_eq(d.opened.device.origin, ASSAY_ORIGIN_MODELLED);
    struct assay_span a = launch(&d, 0), b = launch(&d, 0), c = launch(&d, 1000000000);
    cr_expect(a.clock == ASSAY_CLOCK_MODEL && a.begin_ns == 0 && a.end_ns > 0 && *a.why_no_device_ns);
    cr_expect_eq(b.begin_ns, a.end_ns);
    cr_expect_eq(c.begin_ns, 1000000000u);
    cr_expect_eq(c.end_ns - c.begin_ns, a.end_ns - a.begin_ns, "the same price each time");
    close_product(&d);
}

Test(model, a_draw_is_another_device_that_repeats_and_nought_is_the_middle_again)
{
    struct device d;
    open_product(&d, ":m100");
    uint64_t ns[4];
    for (int i = 0; i < 4; i++) {
        DEVICE_OK(&d, d.opened.backend->draw(d.opened.session, (uint64_t[]){0, 7, 7, 0}[i], &d.err));
        struct assay_span s = launch(&d, 0);
        ns[i] = s.end_ns - s.begin_ns;
    }
    cr_expect(ns[0] == ns[3] && ns[1] == ns[2] && ns[0] != ns[1]);
    close_product(&d);
}

Test(model, a_device_of_ranges_has_no_point_and_tells_neither_times_nor_energy_nor_a_trace)
{
    struct device          d;
    struct assay_certainty certain = {.size = sizeof certain};
    struct assay_counter_row rows[32];
    struct assay_trace_row trace[4];
    size_t                 n = 0, with = 0;
    open_product(&d, ":m100");
    const struct assay_backend *b = d.opened.backend;
    (void)launch(&d, 0);
    b->certainty(d.opened.session, d.p, &certain);
    cr_expect(!certain.has_point && !strcmp(certain.grade, "D") && strstr(certain.why_no_point, "m100"), "%s", certain.why_no_point);
    DEVICE_OK(&d, b->counters(d.opened.session, rows, sizeof *rows, 32, &n, &d.err));
    for (size_t i = 0; i < n; i++)
        with += !*rows[i].why && (!strcmp(rows[i].unit, "ns") || !strcmp(rows[i].unit, "joules"));
    cr_expect(n > 5 && with == 0, "%zu of %zu", with, n);
    struct assay_launch l = {.size = sizeof l, .program = d.p, .flags = ASSAY_LAUNCH_TRACE, .binding_stride = sizeof(struct assay_binding)};
    struct assay_event *e = NULL;
    DEVICE_OK(&d, b->execute(d.opened.session, &l, &e, &d.err));
    cr_expect_eq(b->trace(d.opened.session, e, trace, sizeof *trace, 4, &n, &d.err), ASSAY_UNAVAILABLE);
    b->forget(d.opened.session, e);
    close_product(&d);
}

Test(model, counters_add_up_what_launches_took)
{
    struct device            d;
    struct assay_counter_row rows[32];
    size_t                   n = 0;
    double                   limited = 0, joules = 0, flops = 0;
    open_product(&d, ":h100-sxm");
    struct assay_span s = launch(&d, 0);
    DEVICE_OK(&d, d.opened.backend->counters(d.opened.session, rows, sizeof *rows, 32, &n, &d.err));
    for (size_t i = 0; i < n; i++) {
        cr_expect_str_eq(rows[i].why, "", "%s", rows[i].name);
        limited += !strncmp(rows[i].name, "limited_by", 10) ? rows[i].value : 0;
        joules += !strcmp(rows[i].unit, "joules") ? rows[i].value : 0;
        flops += !strcmp(rows[i].name, "flops") ? rows[i].value : 0;
    }
    double ns = (double)(s.end_ns - s.begin_ns);
    cr_expect(fabs(limited - ns) <= 1, "%g of %g ns", limited, ns);
    cr_expect(fabs(joules - 700 * ns * 1e-9) < 1e-9, "H100 is sold at 700 W");
    cr_expect_eq(flops, 2.0 * M * N * K);
    close_product(&d);
}

Test(model, a_node_that_needs_what_is_not_known_is_refused_with_the_fields_name)
{
    static const struct { char rest[24]; enum assay_dtype dtype; char says[64]; } cases[] = {
        {":m100", ASSAY_F64, "peak_f64_flops_per_s is not known"},
        {":gaudi3", ASSAY_F64, "peak_f64_flops_per_s: not supported"},
        {":avx2-host", ASSAY_BF16, "peak_bf16_flops_per_s: not supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct device       d;
        int32_t             in[2], out;
        struct assay_error  err = {.code = ASSAY_OK};
        char                text[200];
        struct assay_text   why = ASSAY_TEXT(text);
        struct assay_graph *g = product(in, &out, cases[i].dtype);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
        device_open(&d, "model", cases[i].rest);
        cr_expect(!d.opened.backend->accepts(d.opened.session, g, 0, &why) && strstr(text, cases[i].says), "%s: %s", cases[i].rest, text);
        assay_graph_free(g);
        assay_backend_close(&d.opened);
    }
}

Test(model, more_memory_than_the_device_has_is_not_given)
{
    struct device        d;
    struct assay_buffer *a = NULL, *b = NULL;
    struct assay_alloc   how = {.size = sizeof how, .place = ASSAY_PLACE_DEVICE, .bytes = UINT64_C(50000000000), .alignment = 64};
    device_open(&d, "model", ":h100-sxm");
    const struct assay_backend *be = d.opened.backend;
    DEVICE_OK(&d, be->alloc(d.opened.session, &how, &a, &d.err));
    cr_expect_eq(be->alloc(d.opened.session, &how, &b, &d.err), ASSAY_MEMORY);
    cr_expect(strstr(d.err.message, "100.0 GB are asked for; memory_bytes of h100-sxm is 80.0 GB"), "%s", d.err.message);
    be->release(d.opened.session, a);
    d.err = (struct assay_error){.code = ASSAY_OK};
    DEVICE_OK(&d, be->alloc(d.opened.session, &how, &b, &d.err));
    be->release(d.opened.session, b);
    assay_backend_close(&d.opened);
}

Test(model, values_are_those_of_the_unit_that_the_description_names)
{
    enum { SIDE = 8 };
    float               a[SIDE * SIDE], y[SIDE * SIDE];
    struct device       d;
    struct assay_graph *g = assay_graph_new("square");
    int32_t             x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){SIDE, SIDE}, ASSAY_FILL_SIGNED);
    int32_t             out = assay_graph_op(g, "MatMul", "y", (int32_t[]){x, x}, 2, NULL);
    for (int i = 0; i < SIDE * SIDE; i++)
        a[i] = (float)(i % 7 - 3);
    assay_graph_output(g, out);
    device_open(&d, "model", ":avx2-host,values=emulate");
    cr_expect(d.opened.device.traits & ASSAY_TRAIT_VALUES);
    device_load(&d, g);
    device_give(&d, x, a);
    (void)device_run(&d);
    device_take(&d, out, y);
    device_close(&d);
    for (int i = 0; i < SIDE * SIDE; i++) {
        float sum = 0;
        for (int k = 0; k < SIDE; k++)
            sum += a[i / SIDE * SIDE + k] * a[k * SIDE + i % SIDE];
        cr_expect_eq(y[i], sum, "element %d", i);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A product as a row of a table asks for it. */
static struct assay_estimate predicted(const char *name, const struct assay_fitted *fitted)
{
    struct assay_kernel kernel = {.class = ASSAY_KERNEL_GEMM, .format = ASSAY_FORMAT_WIDE,
                                  .gemm = {.batch = 1, .m = M, .n = N, .k = K, .compute = ASSAY_BF16, .a_bytes = 2, .b_bytes = 2,
                                           .c_bytes = 2}};
    struct assay_error      err = {.code = ASSAY_OK};
    struct assay_described *described = NULL;
    struct assay_estimate   out;
    struct assay_estimator *e = malloc(sizeof *e);
    cr_assert(e && !assay_described_find(name, &described, &err));
    assay_estimator_init(e, described, fitted);
    cr_assert_eq(assay_estimate(e, &kernel, &out, &err), ASSAY_OK, "%s", err.message);
    assay_described_free(described);
    free(e);
    return out;
}

Test(model, a_product_has_the_price_and_the_band_that_predict_gives_it)
{
    static const char  *const devices[] = {"h200-sxm", "h100-sxm", "p800", "mi300x", "m100"};
    struct assay_fitted fitted;
    struct assay_error  err = {.code = ASSAY_OK};
    cr_assert_eq(assay_fitted_read(NULL, &fitted, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        enum { DRAWS = 200 };
        struct device         d;
        char                  rest[32];
        double                ns[DRAWS];
        struct assay_estimate e = predicted(devices[i], &fitted);
        (void)snprintf(rest, sizeof rest, ":%s", devices[i]);
        open_product(&d, rest);
        struct assay_span s = launch(&d, 0);
        double            middle = (double)(s.end_ns - s.begin_ns);
        cr_expect(isnan(e.ns) || fabs(middle - e.ns) <= 1, "%s: %g ns, predict says %g", devices[i], middle, e.ns);
        for (int k = 0; k < DRAWS; k++) {
            DEVICE_OK(&d, d.opened.backend->draw(d.opened.session, (uint64_t)k + 1, &d.err));
            s = launch(&d, 0);
            ns[k] = (double)(s.end_ns - s.begin_ns);
        }
        qsort(ns, DRAWS, sizeof *ns, by_size);
        double width = log(e.p90_ns / e.p10_ns), slack = 0.15 * width; /* quantiles of 200 draws */
        cr_expect(fabs(log(ns[DRAWS / 10] / e.p10_ns)) < slack && fabs(log(ns[DRAWS - 1 - DRAWS / 10] / e.p90_ns)) < slack,
                  "%s: %g to %g, predict says %g to %g", devices[i], ns[DRAWS / 10], ns[DRAWS - 1 - DRAWS / 10], e.p10_ns, e.p90_ns);
        close_product(&d);
    }
}

Test(model, the_inputs_that_matter_most_are_told_with_their_shares)
{
    struct device          d;
    struct assay_certainty certain = {.size = sizeof certain};
    double                 sum = 0;
    open_product(&d, ":m100");
    d.opened.backend->certainty(d.opened.session, d.p, &certain);
    for (size_t i = 0; i < ASSAY_INFLUENCES; i++) {
        const struct assay_influence *x = &certain.influences[i];
        sum += x->share;
        cr_expect(!i || x->share <= certain.influences[i - 1].share);
        cr_expect(x->share == 0 || (*x->name && *x->from && x->low > 0 && x->high > 0 && x->low != x->high), "%s", x->name);
    }
    cr_expect(sum > 0.8 && sum <= 1 + 1e-9, "%g", sum);
    certain = (struct assay_certainty){.size = offsetof(struct assay_certainty, influences)};
    d.opened.backend->certainty(d.opened.session, d.p, &certain);
    cr_expect(certain.influences[0].share == 0, "a host that knows none is given none");
    close_product(&d);
}

Test(model, a_graph_that_does_not_fit_is_refused_with_what_it_needs_and_what_there_is)
{
    struct device       d;
    struct assay_error  err = {.code = ASSAY_OK};
    char                text[200];
    struct assay_text   why = ASSAY_TEXT(text);
    struct assay_graph *g = assay_graph_new("large");
    int32_t in[2] = {assay_graph_input(g, "a", ASSAY_BF16, 2, (int64_t[]){16, 250000}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "b", ASSAY_BF16, 2, (int64_t[]){250000, 300000}, ASSAY_FILL_SIGNED)};
    int32_t out = assay_graph_op(g, "MatMul", "y", in, 2, NULL);
    assay_graph_output(g, out);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    device_open(&d, "model", ":h200-sxm");
    cr_expect(!d.opened.backend->accepts(d.opened.session, g, 0, &why) && strstr(text, "150.0 GB") && strstr(text, "141.0 GB"), "%s", text);
    assay_backend_close(&d.opened);
    device_open(&d, "model", ":mi300x");
    cr_expect(d.opened.backend->accepts(d.opened.session, g, 0, &why), "192 GB are enough");
    assay_backend_close(&d.opened);
    assay_graph_free(g);
}
