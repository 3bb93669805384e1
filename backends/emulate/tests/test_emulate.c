#include "harness/run/tests/device.h"
#include "reference/formats/formats.h"
#include "reference/unit/tests/units.h"

#include "assay/banned.h"

TestSuite(emulate, .init = find_source, .timeout = 60);

/* Runs a graph with one output on a unit; values of f32 in and out. */
static void run_on(const char *unit, struct assay_graph *g, size_t n_in, const int32_t *in, const float *const *values, int32_t out,
                   float *result)
{
    struct device d;
    char rest[64];
    (void)snprintf(rest, sizeof rest, ",unit=%s", unit);
    assay_graph_output(g, out);
    device_open(&d, "emulate", rest);
    cr_expect_eq(d.opened.device.origin, ASSAY_ORIGIN_SIMULATED, "its times never count");
    device_load(&d, g);
    for (size_t i = 0; i < n_in; i++)
        device_give(&d, in[i], values[i]);
    (void)device_run(&d);
    device_take(&d, out, result);
    device_close(&d);
}

/* Numbers of which sums in f16 or truncated sums differ from those in f32. */
static void fill(size_t n, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)assay_round_to(ASSAY_F16, (double)((i * 7919 + 13) % 1009) / 500.0 - 1);
}

static float sum_of(const struct assay_matrix_unit *u, size_t k, const float *a, size_t sa, const float *b, size_t sb)
{
    double x[256], y[256];
    for (size_t i = 0; i < k; i++) {
        x[i] = (double)a[i * sa];
        y[i] = (double)b[i * sb];
    }
    return (float)assay_unit_dot(u, k, x, 1, y, 1, 0);
}

static const char *const units[] = {"fp32-fma", "fp16-fp16", "truncating", "tensorcore-aligned"};
#define EACH_UNIT(u) for (size_t at_ = 0; at_ < sizeof units / sizeof *units; at_++)                       \
    for (struct assay_matrix_unit u = unit_named(units[at_]), *once_ = &u; once_; once_ = NULL)

Test(emulate, multiplies_batches_of_matrices_by_the_unit)
{
    enum { BATCH = 2, M = 3, K = 100, N = 5 };
    float a[BATCH * M * K], b[BATCH * K * N], y[BATCH * M * N];
    fill(BATCH * M * K, a);
    fill(BATCH * K * N, b);
    EACH_UNIT(u) {
        struct assay_graph *g = assay_graph_new("batch");
        int32_t in[2] = {assay_graph_input(g, "a", ASSAY_F32, 3, (int64_t[]){BATCH, M, K}, ASSAY_FILL_SIGNED),
                         assay_graph_input(g, "b", ASSAY_F32, 3, (int64_t[]){BATCH, K, N}, ASSAY_FILL_SIGNED)};
        run_on(u.name, g, 2, in, (const float *const[]){a, b}, assay_graph_op(g, "MatMul", "y", in, 2, NULL), y);
        for (int i = 0; i < BATCH * M * N; i++)
            cr_expect_eq(y[i], sum_of(&u, K, a + i / N * K, 1, b + i / (M * N) * K * N + i % N, N), "%s, element %d", u.name, i);
    }
}

Test(emulate, multiplies_transposed_matrices_by_the_unit_and_adds_what_gemm_adds)
{
    enum { M = 4, K = 90, N = 3 };
    const struct assay_attr attrs[] = {ASSAY_ATTR_INT("transA", 1), ASSAY_ATTR_INT("transB", 1),
                                       {.name = "alpha", .type = ASSAY_ATTR_F64, .f = 0.5}, ASSAY_ATTR_END};
    float a[K * M], b[N * K], c[N] = {1, 2, 3}, y[M * N];
    fill(K * M, a);
    fill(N * K, b);
    EACH_UNIT(u) {
        struct assay_graph *g = assay_graph_new("gemm");
        int32_t in[3] = {assay_graph_input(g, "a", ASSAY_F32, 2, (int64_t[]){K, M}, ASSAY_FILL_SIGNED),
                         assay_graph_input(g, "b", ASSAY_F32, 2, (int64_t[]){N, K}, ASSAY_FILL_SIGNED),
                         assay_graph_input(g, "c", ASSAY_F32, 1, (int64_t[]){N}, ASSAY_FILL_SIGNED)};
        run_on(u.name, g, 3, in, (const float *const[]){a, b, c}, assay_graph_op(g, "Gemm", "y", in, 3, attrs), y);
        for (int i = 0; i < M * N; i++) {
            double sum = (double)sum_of(&u, K, a + i / N, M, b + i % N * K, 1);
            cr_expect_eq(y[i], (float)(0.5 * sum + (double)c[i % N]), "%s, element %d", u.name, i);
        }
    }
}

/* 2 channels of 4x4, filters of 3x3 with padding: the patch of an output is channel, row, column; zeros where it is outside. */
static void patch_of(const float *x, int position, float patch[18])
{
    for (int t = 0; t < 18; t++) {
        int row = position / 4 + t % 9 / 3 - 1, column = position % 4 + t % 3 - 1;
        bool inside = row >= 0 && row < 4 && column >= 0 && column < 4;
        patch[t] = inside ? x[t / 9 * 16 + row * 4 + column] : 0;
    }
}

static const struct assay_attr padded[] = {{.name = "pads", .type = ASSAY_ATTR_I64S, .list = {1, 1, 1, 1}, .n = 4}, {.name = NULL}};

Test(emulate, convolves_by_the_unit)
{
    float x[32], w[3 * 18], y[48], patch[18];
    fill(32, x);
    fill(3 * 18, w);
    EACH_UNIT(u) {
        struct assay_graph *g = assay_graph_new("conv");
        int32_t in[2] = {assay_graph_input(g, "x", ASSAY_F32, 4, (int64_t[]){1, 2, 4, 4}, ASSAY_FILL_SIGNED),
                         assay_graph_input(g, "w", ASSAY_F32, 4, (int64_t[]){3, 2, 3, 3}, ASSAY_FILL_SIGNED)};
        run_on(u.name, g, 2, in, (const float *const[]){x, w}, assay_graph_op(g, "Conv", "y", in, 2, padded), y);
        for (int i = 0; i < 48; i++) {
            patch_of(x, i % 16, patch);
            cr_expect_eq(y[i], sum_of(&u, 18, patch, 1, w + i / 16 * 18, 1), "%s, element %d", u.name, i);
        }
    }
}

/* Scores 2048 + 1 + 1 and 2048: equal where sums are in f16. With a scale of 1/2 the true ones are 1 apart. */
Test(emulate, scores_attention_by_the_unit)
{
    const struct assay_attr attrs[] = {{.name = "scale", .type = ASSAY_ATTR_F64, .f = 0.5}, ASSAY_ATTR_END};
    const float q[3] = {2048, 1, 1}, k[6] = {1, 1, 1, 1, 0, 0}, v[6] = {1, 1, 1, 0, 0, 0};
    static const char *const names[] = {"fp16-fp16", "fp16-fp32"};
    const double weight[] = {0.5, 0.7310585786};
    for (size_t i = 0; i < 2; i++) {
        float y[3];
        struct assay_graph *g = assay_graph_new("attention");
        int32_t in[3] = {assay_graph_input(g, "q", ASSAY_F32, 4, (int64_t[]){1, 1, 1, 3}, ASSAY_FILL_SIGNED),
                         assay_graph_input(g, "k", ASSAY_F32, 4, (int64_t[]){1, 1, 2, 3}, ASSAY_FILL_SIGNED),
                         assay_graph_input(g, "v", ASSAY_F32, 4, (int64_t[]){1, 1, 2, 3}, ASSAY_FILL_SIGNED)};
        run_on(names[i], g, 3, in, (const float *const[]){q, k, v}, assay_graph_op(g, "Attention", "y", in, 3, attrs), y);
        cr_expect_float_eq(y[0], weight[i], 1e-3, "%s: %g", names[i], (double)y[0]);
        cr_expect_eq(y[0], (float)assay_round_to(ASSAY_F16, (double)y[0]) , "the weights were operands of f16");
    }
}

Test(emulate, rounds_every_value_to_its_own_format)
{
    struct device d;
    struct assay_graph *g = assay_graph_new("rounded");
    uint16_t one = 0x3F80, small = 0x3B00, y; /* 1 and 2^-9 in bf16 */
    int32_t x = assay_graph_input(g, "x", ASSAY_BF16, 1, (int64_t[]){1}, ASSAY_FILL_SIGNED);
    int32_t z = assay_graph_input(g, "z", ASSAY_BF16, 1, (int64_t[]){1}, ASSAY_FILL_SIGNED);
    int32_t sum = assay_graph_op(g, "Add", "sum", (int32_t[]){x, z}, 2, NULL);
    int32_t back = assay_graph_op(g, "Sub", "back", (int32_t[]){sum, x}, 2, NULL);
    assay_graph_output(g, back);
    device_open(&d, "emulate", ",unit=bf16-fp32");
    device_load(&d, g);
    device_give(&d, x, &one);
    device_give(&d, z, &small);
    (void)device_run(&d);
    device_take(&d, back, &y);
    cr_expect_eq(y, 0, "1 + 2^-9 is 1 in bf16");
    device_close(&d);
}

Test(emulate, integers_of_8_bits_meet_in_the_unit_and_zero_points_beside_it)
{
    enum { M = 2, K = 64, N = 3 };
    unsigned char a[M * K];
    signed char   b[K * N], zero = -1;
    int32_t       y[M * N];
    memset(a, 255, sizeof a);
    memset(b, 127, sizeof b);
    struct device       d;
    struct assay_graph *g = assay_graph_new("integers");
    int32_t             in[4] = {assay_graph_input(g, "a", ASSAY_U8, 2, (int64_t[]){M, K}, ASSAY_FILL_SIGNED),
                                 assay_graph_input(g, "b", ASSAY_I8, 2, (int64_t[]){K, N}, ASSAY_FILL_SIGNED), ASSAY_NO_VALUE,
                                 assay_graph_input(g, "zero", ASSAY_I8, 0, NULL, ASSAY_FILL_SIGNED)};
    int32_t             out = assay_graph_op(g, "MatMulInteger", "y", in, 4, NULL);
    assay_graph_output(g, out);
    device_open(&d, "emulate", ",unit=int8-saturating16");
    device_load(&d, g);
    device_give(&d, in[0], a);
    device_give(&d, in[1], b);
    device_give(&d, in[3], &zero);
    (void)device_run(&d);
    device_take(&d, out, y);
    for (int e = 0; e < M * N; e++) /* 32 pairs at the end of 16 bits, and what a zero point of -1 takes away */
        cr_expect_eq(y[e], 32 * 32767 + 64 * 255, "%d", (int)y[e]);
    device_close(&d);
}

Test(emulate, refuses_integers_that_its_unit_does_not_hold)
{
    struct device       d;
    char                why[160] = "";
    struct assay_text   reason = ASSAY_TEXT(why);
    struct assay_graph *g = assay_graph_new("wide");
    int32_t             in[2] = {assay_graph_input(g, "a", ASSAY_U8, 2, (int64_t[]){2, 2}, ASSAY_FILL_SIGNED),
                                 assay_graph_input(g, "b", ASSAY_I8, 2, (int64_t[]){2, 2}, ASSAY_FILL_SIGNED)};
    assay_graph_output(g, assay_graph_op(g, "MatMulInteger", "y", in, 2, NULL));
    device_open(&d, "emulate", ",unit=int8-int32");
    cr_assert_eq(assay_graph_finish(g, &d.err), ASSAY_OK);
    cr_expect(!d.opened.backend->accepts(d.opened.session, g, 0, &reason));
    cr_expect_str_eq(why, "unit int8-int32 multiplies i8 by i8, which do not hold all u8 by i8");
    assay_graph_free(g);
    assay_backend_close(&d.opened);
}

Test(emulate, refuses_what_its_unit_does_not_multiply)
{
    struct device d;
    char why[160] = "";
    struct assay_text reason = ASSAY_TEXT(why);
    struct assay_graph *g = assay_graph_new("mixed");
    int32_t in[2] = {assay_graph_input(g, "a", ASSAY_F32, 2, (int64_t[]){2, 2}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "b", ASSAY_F32, 2, (int64_t[]){2, 2}, ASSAY_FILL_SIGNED)};
    int32_t sum = assay_graph_op(g, "Add", "sum", in, 2, NULL);
    assay_graph_output(g, assay_graph_op(g, "MatMul", "y", (int32_t[]){sum, in[1]}, 2, NULL));
    device_open(&d, "emulate", ",unit=int8-int32");
    cr_assert_eq(assay_graph_finish(g, &d.err), ASSAY_OK);
    cr_expect(d.opened.backend->accepts(d.opened.session, g, 0, &reason), "sums of values are no business of the unit");
    cr_expect(!d.opened.backend->accepts(d.opened.session, g, 1, &reason));
    cr_expect_str_eq(why, "unit int8-int32 multiplies i8 by i8, not f32");
    assay_graph_free(g);
    assay_backend_close(&d.opened);
}
