/* Products of 8-bit integers: every bit, on every device, and the kernels that this machine's choice leaves aside. */
#include "backends/cpu/products/igemm.h"
#include "backends/cpu/session.h"
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

static const char *const devices[] = {
    "threads=1",
    "threads=2,integer=onednn",
    "threads=2,integer=own,conv=own,vectors=128",
    "threads=4,integer=own,conv=own,vectors=256",
    "threads=3,integer=own,conv=own,vectors=512",
};
#define N_OF_DEVICES (sizeof devices / sizeof *devices)

struct side {
    enum assay_dtype dtype;
    int32_t          rank;
    int64_t          dims[4];
    int32_t          zero_rank; /* -1: none */
    int64_t          zero_dims[4];
};

struct product {
    struct side a, b;
};

#define U8 ASSAY_U8
#define I8 ASSAY_I8
static const struct product products[] = {
    {{U8, 2, {1, 1}, -1, {0}}, {I8, 2, {1, 1}, -1, {0}}},
    {{U8, 2, {5, 7}, -1, {0}}, {I8, 2, {7, 11}, -1, {0}}},
    {{I8, 2, {9, 64}, -1, {0}}, {I8, 2, {64, 49}, -1, {0}}},
    {{U8, 2, {17, 31}, 0, {0}}, {U8, 2, {31, 97}, 0, {0}}},
    {{I8, 2, {33, 66}, 1, {33}}, {U8, 2, {66, 50}, 1, {50}}},
    {{U8, 2, {130, 257}, 2, {130, 1}}, {I8, 2, {257, 201}, 2, {1, 201}}},
    {{U8, 2, {3, 0}, 0, {0}}, {I8, 2, {0, 4}, 0, {0}}},
    {{U8, 2, {0, 3}, -1, {0}}, {I8, 2, {3, 4}, -1, {0}}},
    {{U8, 1, {67}, 0, {0}}, {I8, 2, {67, 35}, 1, {35}}},
    {{I8, 2, {35, 67}, 1, {35}}, {I8, 1, {67}, 0, {0}}},
    {{U8, 1, {67}, 1, {1}}, {U8, 1, {67}, -1, {0}}},
    {{I8, 3, {4, 5, 13}, 3, {4, 5, 1}}, {I8, 2, {13, 6}, 1, {6}}},
    {{U8, 3, {4, 5, 13}, 3, {4, 5, 1}}, {U8, 3, {4, 13, 6}, 3, {4, 1, 6}}},
    {{I8, 4, {2, 1, 5, 13}, 4, {2, 1, 5, 1}}, {U8, 3, {3, 13, 6}, 0, {0}}},
    {{U8, 2, {5, 13}, -1, {0}}, {I8, 3, {3, 13, 6}, 3, {3, 1, 6}}},
    {{U8, 2, {2, 40000}, -1, {0}}, {U8, 2, {40000, 3}, -1, {0}}}, /* with all at 255 sums leave 32 bits */
};

static int64_t number(const void *at, enum assay_dtype dtype, size_t i)
{
    return dtype == ASSAY_I8 ? ((const int8_t *)at)[i] : ((const uint8_t *)at)[i];
}

/* Which matrix of an operand number `i` of the batch is, by numpy's rule. */
static size_t matrix_of(const struct side *s, const struct assay_value *out, int32_t out_batch, size_t i)
{
    size_t index = 0, stride = 1;
    for (int32_t d = out_batch - 1, own = s->rank - 3; d >= 0; d--, own--) {
        size_t at = i % (size_t)out->dims[d];
        i /= (size_t)out->dims[d];
        if (own < 0)
            continue;
        index += s->dims[own] == 1 ? 0 : at * stride;
        stride *= (size_t)s->dims[own];
    }
    return index;
}

struct operands {
    const struct product *p;
    const void           *a, *b, *a_zero, *b_zero;
    size_t                m, n, k;
};

static int64_t zero_of(const struct side *s, const void *zero, size_t line)
{
    int64_t n = 1;
    for (int32_t d = 0; d < s->zero_rank; d++)
        n *= s->zero_dims[d];
    return zero ? number(zero, s->dtype, n == 1 ? 0 : line) : 0;
}

static int32_t wanted(const struct operands *o, size_t a_matrix, size_t b_matrix, size_t row, size_t column)
{
    int64_t sum = 0, za = zero_of(&o->p->a, o->a_zero, a_matrix * o->m + row), zb = zero_of(&o->p->b, o->b_zero, b_matrix * o->n + column);
    for (size_t k = 0; k < o->k; k++)
        sum += (number(o->a, o->p->a.dtype, (a_matrix * o->m + row) * o->k + k) - za) *
               (number(o->b, o->p->b.dtype, (b_matrix * o->k + k) * o->n + column) - zb);
    return (int32_t)(uint32_t)sum;
}

/* Bytes at random, or the one that is greatest for its type, or least. */
static void fill(struct data *data, int32_t value, enum assay_dtype dtype, int how)
{
    uint8_t *bytes = data->at[value];
    for (size_t i = 0; i < data->bytes[value]; i++)
        bytes[i] = how == 0 ? (uint8_t)(int)(128 + 128 * random_float()) : dtype == ASSAY_U8 ? 255 : how == 1 ? 127 : 128;
}

static struct assay_graph *graph_of(const struct product *p, int32_t in[4], int32_t *out)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("integers");
    in[0] = assay_graph_input(g, "a", p->a.dtype, p->a.rank, p->a.dims, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_param(g, "b", p->b.dtype, p->b.rank, p->b.dims, ASSAY_FILL_SIGNED);
    in[2] = p->a.zero_rank < 0 ? ASSAY_NO_VALUE : assay_graph_input(g, "za", p->a.dtype, p->a.zero_rank, p->a.zero_dims, ASSAY_FILL_SIGNED);
    in[3] = p->b.zero_rank < 0 ? ASSAY_NO_VALUE : assay_graph_input(g, "zb", p->b.dtype, p->b.zero_rank, p->b.zero_dims, ASSAY_FILL_SIGNED);
    *out = assay_graph_op(g, "MatMulInteger", "y", in, 4, NULL);
    assay_graph_output(g, *out);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

static void check(struct device *d, size_t which, int how, const char *what)
{
    const struct product *p = &products[which];
    int32_t               in[4], out;
    struct assay_graph   *g = graph_of(p, in, &out);
    struct data           data;
    size_t                wrong = 0;
    data_new(g, &data);
    for (int i = 0; i < 4; i++)
        if (in[i] != ASSAY_NO_VALUE)
            fill(&data, in[i], i % 2 ? p->b.dtype : p->a.dtype, i < 2 ? how : 0);
    device_run(d, g, &data, which % 2, what);
    const struct assay_value *y = assay_graph_value(g, out);
    struct operands o = {p, data.at[in[0]], data.at[in[1]], in[2] < 0 ? NULL : data.at[in[2]], in[3] < 0 ? NULL : data.at[in[3]], 1, 1,
                         (size_t)p->a.dims[p->a.rank - 1]};
    o.m = p->a.rank > 1 ? (size_t)p->a.dims[p->a.rank - 2] : 1;
    o.n = p->b.rank > 1 ? (size_t)p->b.dims[p->b.rank - 1] : 1;
    int32_t batch_rank = y->rank - (p->a.rank > 1) - (p->b.rank > 1);
    for (size_t e = 0; e < y->elements; e++) {
        size_t batch = e / (o.m * o.n);
        int32_t got = ((const int32_t *)data.at[out])[e];
        wrong += got != wanted(&o, matrix_of(&p->a, y, batch_rank, batch), matrix_of(&p->b, y, batch_rank, batch), e / o.n % o.m, e % o.n);
    }
    cr_expect_eq(wrong, 0, "%s: product %zu, filled %d: %zu elements wrong", what, which, how, wrong);
    data_free(&data);
    assay_graph_free(g);
}

/* Where oneDNN saturates it is not ours to be right. */
static bool is_exact(const struct device *d)
{
    char              reason[200] = "";
    struct assay_text why = ASSAY_TEXT(reason);
    struct assay_session *s = d->session;
    cpu_session_settle_integers(s);
    return !s->engine.integer_products || cpu_igemm_onednn_is_exact(s->engine.integer_products, &why);
}

static void check_all(int from, int to)
{
    for (size_t i = 0; i < N_OF_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, devices[i]))
            continue;
        for (size_t j = 0; is_exact(&d) && j < sizeof products / sizeof *products; j++)
            for (int how = from; how < to; how++)
                check(&d, j, how, devices[i]);
        device_close(&d);
    }
}

Test(integers, products_of_bytes_are_exact_on_every_device, .timeout = 120)
{
    check_all(0, 1);
}

Test(integers, so_are_those_of_the_greatest_and_the_least, .timeout = 120)
{
    check_all(1, 3);
}

/* What a processor with VNNI never chooses: words of two numbers; and the other way round. */
Test(integers, both_kinds_of_words_give_the_same_sums, .timeout = 60)
{
    enum { M = 21, N = 150, K = 127 };
    static uint8_t a[M * K];
    static int8_t  b[K * N];
    static int32_t c[2][M * N];
    size_t         compared = 0;
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = (uint8_t)(i * 7919 % 257 % 256);
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (int8_t)((int)(i * 104729 % 256) - 128);
    for (int isa = 0; isa < CPU_ISAS; isa++) {
        struct assay_error err = {0};
        struct cpu_engine  engine = {.kernels = cpu_isa_runs((enum cpu_isa)isa) ? cpu_kernels_of((enum cpu_isa)isa) : NULL};
        if (!engine.kernels)
            continue;
        cr_assert_eq(cpu_pool_new(2, &engine.pool, &err), ASSAY_OK, "%s", err.message);
        for (int quads = 0; quads <= cpu_igemm_has_quads(engine.kernels); quads++) {
            struct cpu_igemm p = {.m = M, .n = N, .k = K, .quads = quads == 1};
            uint32_t        *pa = cpu_block_new(cpu_igemm_a_bytes(engine.kernels, &p)), *pb = cpu_block_new(cpu_igemm_b_bytes(engine.kernels, &p));
            int32_t          a_sum[M], b_sum[N];
            size_t           wrong = 0;
            cpu_igemm_pack_a(&engine, &p, a, pa, a_sum);
            cpu_igemm_pack_b(&engine, &p, (const uint8_t *)b, pb, b_sum);
            cpu_igemm_multiply(&engine, &p, pa, pb, c[quads]);
            for (int e = 0; e < M * N; e++) {
                int32_t sum = 0;
                for (int k = 0; k < K; k++)
                    sum += a[e / N * K + k] * b[k * N + e % N];
                wrong += sum != c[quads][e];
            }
            cr_expect_eq(wrong, 0, "%s, %s: %zu sums wrong", engine.kernels->name, quads ? "quads" : "pairs", wrong);
            compared++;
            free(pa);
            free(pb);
        }
        cpu_pool_free(engine.pool);
    }
    cr_expect_geq(compared, 1);
}

Test(integers, a_library_that_saturates_is_told_by_the_proof, .timeout = 60)
{
    struct device     d;
    char              reason[200] = "";
    struct assay_text why = ASSAY_TEXT(reason);
    (void)setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1); /* it reads this once, at its first product */
    if (!device_open(&d, "threads=1,integer=onednn"))
        cr_skip_test("oneDNN is not here");
    struct assay_session *s = d.session;
    cpu_session_settle_integers(s);
    if (cpu_igemm_onednn_is_exact(s->engine.integer_products, &why)) {
        device_close(&d);
        cr_skip_test("this oneDNN does not saturate with AVX2, or does not heed ONEDNN_MAX_CPU_ISA");
    }
    cr_expect_str_eq(reason, "oneDNN gives 1048544 for 64 products of 255 by 127, not 2072640: it saturates in 16 bits here");
    device_close(&d);
    cr_assert(device_open(&d, "threads=1"));
    s = d.session;
    cpu_session_settle_integers(s);
    cr_expect_null(s->engine.integer_products, "who did not ask for it does not get it");
    device_close(&d);
}
