/* MatMul and Gemm against plain sums in double. */
#include "backends/cpu/products/sgemm.h"
#include "backends/cpu/tests/device.h"
#include "backends/cpu/vector/isa.h"

#include "assay/banned.h"

struct shape {
    int64_t m, n, k;
};

/* 1, tails of every vector width, primes, empty, blocks beyond the caches' cut, and tall and wide for the pool. */
static const struct shape shapes[] = {{1, 1, 1},     {1, 7, 5},      {7, 1, 5},     {2, 2, 0},     {0, 3, 4},    {3, 0, 4},
                                      {5, 7, 11},    {8, 48, 16},    {9, 49, 17},   {17, 31, 193}, {64, 64, 64}, {97, 101, 103},
                                      {1, 2053, 67}, {2053, 1, 67},  {1, 3, 4099},  {3, 1, 4099},  {1, 1, 5000}, {200, 1000, 7},
                                      {130, 3, 500}, {1, 64, 70000}, {64, 1, 70000}, {192, 1100, 200}};

static double dot(const float *a, size_t a_step, const float *b, size_t b_step, int64_t k, double *magnitude)
{
    double sum = 0;
    *magnitude = 0;
    for (int64_t i = 0; i < k; i++) {
        double product = (double)a[(size_t)i * a_step] * (double)b[(size_t)i * b_step];
        sum += product;
        *magnitude += fabs(product);
    }
    return sum;
}

static void check_matmul(struct device *d, const struct shape *s, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, 2, (int64_t[]){s->m, s->k}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_param(g, "b", ASSAY_F32, 2, (int64_t[]){s->k, s->n}, ASSAY_FILL_SIGNED);
    int32_t c = assay_graph_op(g, "MatMul", "c", (int32_t[]){a, b}, 2, NULL);
    struct data data;
    size_t      wrong = 0;
    assay_graph_output(g, c);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    device_run(d, g, &data, s->m % 2, what);
    for (int64_t i = 0; i < s->m; i++)
        for (int64_t j = 0; j < s->n; j++) {
            double magnitude, want = dot(floats(&data, a) + i * s->k, 1, floats(&data, b) + j, (size_t)s->n, s->k, &magnitude);
            wrong += !close_to(floats(&data, c)[i * s->n + j], want, magnitude, (double)s->k);
        }
    cr_expect_eq(wrong, 0, "%s: %lldx%lldx%lld: %zu elements wrong", what, (long long)s->m, (long long)s->n,
                 (long long)s->k, wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(products, matmul_agrees_with_plain_sums_on_every_device, .timeout = 120)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
            check_matmul(&d, &shapes[j], every_device[i]);
        device_close(&d);
    }
}

struct batch {
    int32_t a_rank, b_rank;
    int64_t a[4], b[4];
};
static const struct batch batches[] = {
    {4, 4, {2, 3, 5, 7}, {2, 3, 7, 9}}, {4, 4, {2, 1, 5, 7}, {1, 3, 7, 9}}, {3, 2, {4, 5, 7}, {7, 9}},
    {2, 3, {5, 7}, {4, 7, 9}},          {1, 2, {7}, {7, 9}},                {2, 1, {5, 7}, {7}},
    {1, 1, {7}, {7}},                   {1, 3, {7}, {3, 7, 9}},             {4, 1, {2, 3, 5, 7}, {7}},
    {3, 3, {0, 5, 7}, {1, 7, 9}},       {4, 3, {6, 2, 1, 7}, {2, 7, 9}},
};

/* Index of an operand's matrix for batch number i of the result, by numpy's rule. */
static size_t matrix_index(const int64_t *dims, int32_t rank, const int64_t *out, int32_t out_batch, size_t i)
{
    size_t index = 0, stride = 1;
    for (int32_t d = out_batch - 1, own = rank - 3; d >= 0; d--, own--) {
        size_t at = i % (size_t)out[d];
        i /= (size_t)out[d];
        if (own < 0)
            continue;
        index += dims[own] == 1 ? 0 : at * stride;
        stride *= (size_t)dims[own];
    }
    return index;
}

static void check_batch(struct device *d, const struct batch *s, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, s->a_rank, s->a, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "b", ASSAY_F32, s->b_rank, s->b, ASSAY_FILL_SIGNED);
    int32_t c = assay_graph_op(g, "MatMul", "c", (int32_t[]){a, b}, 2, NULL);
    int64_t m = s->a_rank > 1 ? s->a[s->a_rank - 2] : 1, k = s->a[s->a_rank - 1], n = s->b_rank > 1 ? s->b[s->b_rank - 1] : 1;
    struct data data;
    size_t      wrong = 0;
    assay_graph_output(g, c);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    const struct assay_value *out = assay_graph_value(g, c);
    int32_t out_batch = out->rank - (s->a_rank > 1) - (s->b_rank > 1);
    data_new(g, &data);
    device_run(d, g, &data, false, what);
    for (size_t e = 0; e < out->elements; e++) {
        size_t batch = e / (size_t)(m * n), i = e / (size_t)n % (size_t)m, j = e % (size_t)n;
        const float *x = floats(&data, a) + matrix_index(s->a, s->a_rank, out->dims, out_batch, batch) * (size_t)(m * k);
        const float *w = floats(&data, b) + matrix_index(s->b, s->b_rank, out->dims, out_batch, batch) * (size_t)(k * n);
        double       magnitude, want = dot(x + i * (size_t)k, 1, w + j, (size_t)n, k, &magnitude);
        wrong += !close_to(floats(&data, c)[e], want, magnitude, (double)k);
    }
    cr_expect_eq(wrong, 0, "%s: batch %td: %zu elements wrong", what, s - batches, wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(products, matmul_broadcasts_batches_and_vectors_as_numpy_does, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof batches / sizeof *batches; j++)
            check_batch(&d, &batches[j], every_device[i]);
        device_close(&d);
    }
}

struct gemm {
    int64_t m, n, k, ta, tb;
    double  alpha, beta;
    int32_t c_rank; /* -1: no C */
    int64_t c[2];
};
static const struct gemm gemms[] = {
    {5, 7, 11, 0, 0, 1, 1, -1, {0}},         {5, 7, 11, 1, 0, 0.5, 1, 2, {5, 7}},   {5, 7, 11, 0, 1, -2, 0.25, 1, {7}},
    {33, 65, 129, 1, 1, 1, 2, 2, {33, 1}},   {1, 65, 129, 0, 0, 0.5, 3, 1, {1}},    {1, 65, 129, 0, 1, 1, 1, 2, {1, 65}},
    {65, 1, 129, 0, 0, 2, 1, 2, {65, 1}},    {65, 1, 129, 1, 1, 1, 1, 0, {0}},      {1, 64, 9001, 1, 1, 3, 0.5, 1, {64}},
    {4, 6, 0, 0, 0, 1, 2, 2, {1, 6}},        {120, 200, 90, 1, 0, 1, 0, 2, {1, 1}}, {65, 1, 129, 1, 0, 1, 1, -1, {0}},
};

static double c_element(const struct gemm *s, const float *c, int64_t i, int64_t j)
{
    if (s->c_rank == 0)
        return (double)*c;
    if (s->c_rank == 1)
        return (double)c[s->c[0] == 1 ? 0 : j];
    return (double)c[(s->c[0] == 1 ? 0 : i) * s->c[1] + (s->c[1] == 1 ? 0 : j)];
}

static void check_gemm(struct device *d, const struct gemm *s, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, 2, s->ta ? (int64_t[]){s->k, s->m} : (int64_t[]){s->m, s->k}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "b", ASSAY_F32, 2, s->tb ? (int64_t[]){s->n, s->k} : (int64_t[]){s->k, s->n}, ASSAY_FILL_SIGNED);
    int32_t c = s->c_rank < 0 ? ASSAY_NO_VALUE : assay_graph_input(g, "c", ASSAY_F32, s->c_rank, s->c, ASSAY_FILL_SIGNED);
    struct assay_attr attrs[] = {ASSAY_ATTR_FLOAT("alpha", s->alpha), ASSAY_ATTR_FLOAT("beta", s->beta),
                                 ASSAY_ATTR_INT("transA", s->ta), ASSAY_ATTR_INT("transB", s->tb), ASSAY_ATTR_END};
    int32_t     y = assay_graph_op(g, "Gemm", "y", (int32_t[]){a, b, c}, s->c_rank < 0 ? 2 : 3, attrs);
    struct data data;
    size_t      wrong = 0;
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    device_run(d, g, &data, false, what);
    for (int64_t i = 0; i < s->m; i++)
        for (int64_t j = 0; j < s->n; j++) {
            const float *x = floats(&data, a) + (s->ta ? i : i * s->k), *w = floats(&data, b) + (s->tb ? j * s->k : j);
            double magnitude, want = s->alpha * dot(x, s->ta ? (size_t)s->m : 1, w, s->tb ? 1 : (size_t)s->n, s->k, &magnitude);
            double added = s->c_rank < 0 ? 0 : s->beta * c_element(s, floats(&data, c), i, j);
            magnitude = magnitude * fabs(s->alpha) + fabs(added);
            wrong += !close_to(floats(&data, y)[i * s->n + j], want + added, magnitude, (double)s->k);
        }
    cr_expect_eq(wrong, 0, "%s: gemm %td: %zu elements wrong", what, s - gemms, wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(products, gemm_transposes_scales_and_adds_a_stretched_c, .timeout = 60)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof gemms / sizeof *gemms; j++)
            check_gemm(&d, &gemms[j], every_device[i]);
        device_close(&d);
    }
}

/* A release of OpenBLAS does not know the processors that come after it, and took them for one of 2004. */
Test(products, openblas_uses_the_vectors_that_the_processor_has)
{
    const struct cpu_openblas *blas;
    struct assay_error         err = {0};
    struct device              d;
    if (!cpu_isa_runs(CPU_ISA_V3) || !device_open(&d, "threads=1,blas=openblas"))
        cr_skip_test("no AVX2, or no OpenBLAS");
    cr_assert_eq(cpu_openblas_load(&blas, &err), ASSAY_OK, "%s", err.message);
    cr_expect_null(strstr(cpu_openblas_config(blas), "Prescott"), "%s", cpu_openblas_config(blas));
    device_close(&d);
}
