/* Chains that become one step: right within the reference's bound on odd shapes, on every device; what others read too, what
 * is an output and what shares memory is not taken in. */
#include "backends/cpu/tests/device.h"
#include "harness/ir/graph.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

/* What the chain behind a Conv or a Gemm has. */
enum { NORM = 1, SUM = 2, ACT = 4, BIAS = 8, RENAME = 16, ALSO_READ = 32, ALSO_OUTPUT = 64, SUM_FIRST = 128 };

static const struct conv_case {
    int64_t n, c, h, w, filters, kernel, stride, pad, groups;
    int     with;
} convs[] = {
    {1, 3, 9, 11, 5, 3, 1, 1, 1, NORM | SUM | ACT},
    {2, 8, 7, 7, 16, 3, 2, 1, 1, NORM | ACT},
    {2, 16, 7, 7, 33, 1, 1, 0, 1, NORM | SUM | ACT | BIAS},
    {1, 16, 7, 5, 32, 1, 2, 0, 1, NORM},
    {3, 6, 13, 4, 6, 3, 1, 1, 3, NORM | SUM | BIAS},
    {1, 32, 14, 14, 32, 3, 1, 1, 1, SUM | ACT},
    {1, 17, 5, 5, 19, 5, 1, 2, 1, ACT | BIAS},
    {1, 64, 7, 7, 48, 3, 1, 1, 1, NORM | SUM | ACT},
    {1, 4, 6, 6, 4, 3, 1, 1, 1, NORM | SUM | ACT | SUM_FIRST},
    {1, 4, 6, 6, 4, 3, 1, 1, 1, NORM | SUM | ACT | ALSO_READ},
    {1, 4, 6, 6, 4, 3, 1, 1, 1, NORM | SUM | ACT | ALSO_OUTPUT},
};

static int32_t vector(struct assay_graph *g, const char *name, int64_t n, struct assay_fill fill)
{
    return assay_graph_param(g, name, ASSAY_F32, 1, &n, fill);
}

static int32_t op(struct assay_graph *g, const char *what, const char *name, int32_t a, int32_t b)
{
    return assay_graph_op(g, what, name, (int32_t[]){a, b}, b == ASSAY_NO_VALUE ? 1 : 2, NULL);
}

/* An Add of an input shaped as x, before or behind it, and an activation; what else reads x on the way. */
static void finish_chain(struct assay_graph *g, int32_t x, const char *activation, int with)
{
    const struct assay_value *v = assay_graph_value(g, x);
    if (with & ALSO_OUTPUT)
        assay_graph_output(g, x);
    if (with & ALSO_READ)
        assay_graph_output(g, op(g, "Neg", "also", x, ASSAY_NO_VALUE));
    if (with & RENAME) {
        int64_t dims[3] = {1, v->dims[0], v->dims[1]}, n = 3;
        x = op(g, "Reshape", "renamed", x, assay_graph_const(g, "dims", ASSAY_I64, 1, &n, dims));
        v = assay_graph_value(g, x);
    }
    if (with & SUM) {
        int32_t other = assay_graph_input(g, "other", ASSAY_F32, v->rank, v->dims, ASSAY_FILL_SIGNED);
        x = with & SUM_FIRST ? op(g, "Add", "sum", other, x) : op(g, "Add", "sum", x, other);
    }
    if (with & ACT)
        x = op(g, activation, "act", x, ASSAY_NO_VALUE);
    assay_graph_output(g, x);
}

static struct assay_graph *conv_graph(const struct conv_case *c)
{
    struct assay_graph *g = assay_graph_new("chain");
    int32_t in[3] = {assay_graph_input(g, "x", ASSAY_F32, 4, (int64_t[]){c->n, c->c, c->h, c->w}, ASSAY_FILL_SIGNED),
                     assay_graph_param(g, "w", ASSAY_F32, 4,
                                       (int64_t[]){c->filters, c->c / c->groups, c->kernel, c->kernel}, ASSAY_FILL_SIGNED)};
    if (c->with & BIAS)
        in[2] = vector(g, "b", c->filters, ASSAY_FILL_SIGNED);
    struct assay_attr attrs[] = {{.name = "strides", .type = ASSAY_ATTR_I64S, .list = {c->stride, c->stride}, .n = 2},
                                 {.name = "pads", .type = ASSAY_ATTR_I64S, .list = {c->pad, c->pad, c->pad, c->pad}, .n = 4},
                                 ASSAY_ATTR_INT("group", c->groups),
                                 ASSAY_ATTR_END};
    int32_t x = assay_graph_op(g, "Conv", "conv", in, c->with & BIAS ? 3 : 2, attrs);
    if (c->with & NORM) {
        int32_t scale = vector(g, "scale", c->filters, ASSAY_FILL_SIGNED), shift = vector(g, "shift", c->filters, ASSAY_FILL_SIGNED);
        int32_t mean = vector(g, "mean", c->filters, ASSAY_FILL_SIGNED);
        int32_t variance = vector(g, "variance", c->filters, ASSAY_FILL_POSITIVE);
        x = assay_graph_op(g, "BatchNormalization", "bn", (int32_t[]){x, scale, shift, mean, variance}, 5, NULL);
    }
    finish_chain(g, x, "Relu", c->with);
    return g;
}

static const struct gemm_case {
    int64_t          m, n, k;
    enum assay_dtype store;
    const char      *activation;
    int              with;
} gemms[] = {
    {1, 37, 70, ASSAY_F32, "Gelu", BIAS | SUM | ACT},
    {5, 37, 70, ASSAY_F32, "Gelu", BIAS | SUM | ACT | RENAME},
    {64, 130, 33, ASSAY_F32, "Relu", SUM | ACT},
    {130, 96, 17, ASSAY_F32, "Swish", BIAS | ACT},
    {9, 1, 40, ASSAY_F32, "Tanh", BIAS | ACT},
    {7, 5, 40, ASSAY_F32, "Relu", BIAS | SUM | ACT | SUM_FIRST},
    {7, 5, 40, ASSAY_F32, "Relu", BIAS | SUM | ACT | ALSO_READ},
    {2, 33, 300, ASSAY_F32, "Relu", BIAS | SUM | ACT},
    {4, 130, 77, ASSAY_F32, "Relu", 0},
    {128, 300, 770, ASSAY_F32, "Gelu", BIAS | SUM | ACT},
    {47, 129, 1600, ASSAY_F32, "Relu", BIAS | ACT},
    {380, 131, 65, ASSAY_F32, "Relu", 0},
    {1, 300, 1031, ASSAY_BF16, "Gelu", 0},
    {1, 37, 70, ASSAY_F16, "Gelu", BIAS | SUM | ACT},
    {8, 129, 257, ASSAY_BF16, "Relu", BIAS | ACT},
    {3, 37, 1, ASSAY_BF16, "Relu", 0},
    {3, 301, 515, ASSAY_I8, "Swish", BIAS | SUM | ACT},
    {1, 64, 2048, ASSAY_I8, "Relu", 0},
    {9, 131, 1031, ASSAY_BF16, "Relu", BIAS | SUM | ACT},
    {33, 257, 900, ASSAY_I8, "Gelu", BIAS | ACT},
    {64, 130, 800, ASSAY_F16, "Relu", BIAS},
    {65, 37, 70, ASSAY_BF16, "Relu", BIAS | ACT},
};

static int32_t stored_matrix(struct assay_graph *g, const struct gemm_case *c)
{
    int64_t dims[2] = {c->n, c->k};
    if (c->store == ASSAY_F32)
        return assay_graph_param(g, "w", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "w", c->store, 2, dims, ASSAY_FILL_SIGNED);
    if (c->store == ASSAY_I8)
        return assay_graph_op(g, "DequantizeLinear", "wide", (int32_t[]){w, vector(g, "scale", c->n, ASSAY_FILL_POSITIVE)}, 2,
                              (struct assay_attr[]){ASSAY_ATTR_INT("axis", 0), ASSAY_ATTR_END});
    return assay_graph_op(g, "Cast", "wide", &w, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", 1), ASSAY_ATTR_END});
}

static struct assay_graph *gemm_graph(const struct gemm_case *c)
{
    struct assay_graph *g = assay_graph_new("chain");
    int32_t in[3] = {assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){c->m, c->k}, ASSAY_FILL_SIGNED), stored_matrix(g, c)};
    if (c->with & BIAS)
        in[2] = vector(g, "b", c->n, ASSAY_FILL_SIGNED);
    int32_t x = assay_graph_op(g, "Gemm", "gemm", in, c->with & BIAS ? 3 : 2,
                               (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
    finish_chain(g, x, c->activation, c->with);
    return g;
}

/* data_new knows floats; stored numbers and what must be positive are made here. */
static void fill(const struct assay_graph *g, struct data *data)
{
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        for (uint64_t i = 0; data->at[v] && value->role == ASSAY_ROLE_PARAM && i < value->elements; i++) {
            double x = (double)random_float();
            if (value->dtype == ASSAY_I8)
                ((int8_t *)data->at[v])[i] = (int8_t)(x * 127);
            else if (value->dtype != ASSAY_F32)
                assay_from_double(value->dtype, &x, 1, (uint16_t *)data->at[v] + i);
            else if (!strcmp(value->name, "variance") || !strcmp(value->name, "scale"))
                ((float *)data->at[v])[i] = 0.05f + fabsf(((float *)data->at[v])[i]);
        }
    }
}

static void compare(const struct assay_graph *g, const struct data *data, const char *what)
{
    struct assay_error      err = {0};
    struct assay_reference *r;
    const void             *bound_at[MAX_VALUES] = {NULL};
    for (uint32_t v = 0; v < g->n_values; v++)
        bound_at[v] = data->at[v];
    cr_assert_eq(assay_reference_new(g, bound_at, &r, &err), ASSAY_OK, "%s: %s", what, err.message);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        size_t                    n = value->elements, wrong = 0;
        if (value->role != ASSAY_ROLE_OUTPUT)
            continue;
        int64_t *index = calloc(n + 1, sizeof *index);
        double  *want = calloc(n + 1, sizeof *want), *bound = calloc(n + 1, sizeof *bound);
        for (size_t i = 0; i < n; i++)
            index[i] = (int64_t)i;
        cr_assert_eq(assay_reference_at(r, (int32_t)v, n, index, want, bound, &err), ASSAY_OK, "%s: %s", what, err.message);
        for (size_t i = 0; i < n; i++)
            wrong += !(fabs((double)floats(data, (int32_t)v)[i] - want[i]) <= bound[i]) || isinf(bound[i]);
        cr_expect_eq(wrong, 0, "%s: %zu of %zu elements of '%s' wrong", what, wrong, n, value->name);
        free(index);
        free(want);
        free(bound);
    }
    assay_reference_free(r);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        n++;
    return n;
}

/* Steps that a graph becomes with its params fixed, and what is said of them. */
static size_t steps_of(struct device *d, const struct assay_graph *g, const struct data *data, char *text, size_t capacity)
{
    struct assay_error    err = {0};
    struct assay_text     said = assay_text_over(text, capacity);
    struct assay_program *program = device_compile(d, g, data, true, &err);
    cr_assert_not_null(program, "%s", err.message);
    d->backend->describe(d->session, program, &said);
    d->backend->discard(d->session, program);
    return count(text, "\n");
}

/* Also without fixed params, when nothing may be folded. */
static void judge(struct device *d, struct assay_graph *g, size_t steps, const char *what)
{
    struct assay_error err = {0};
    struct data        data;
    char               said[4000];
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", what, err.message);
    data_new(g, &data);
    fill(g, &data);
    for (int fixed = 0; fixed < 2; fixed++) {
        device_run(d, g, &data, fixed, what);
        compare(g, &data, what);
    }
    size_t got = steps_of(d, g, &data, said, sizeof said);
    cr_expect_eq(got, steps, "%s: %zu steps, not %zu: %s", what, got, steps, said);
    data_free(&data);
    assay_graph_free(g);
}

Test(fusion, chains_behind_a_convolution_stay_within_the_bound, .timeout = 120)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        char          what[160];
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof convs / sizeof *convs; j++) {
            size_t steps = convs[j].with & ALSO_READ ? 4 : convs[j].with & ALSO_OUTPUT ? 3 : 1;
            (void)snprintf(what, sizeof what, "%s: conv case %zu", every_device[i], j);
            judge(&d, conv_graph(&convs[j]), steps, what);
        }
        device_close(&d);
    }
}

Test(fusion, chains_around_a_product_stay_within_the_bound, .timeout = 120)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        char          what[160];
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof gemms / sizeof *gemms; j++) {
            size_t steps = gemms[j].with & ALSO_READ ? 4 : gemms[j].m > 64 && gemms[j].store != ASSAY_F32 ? 2 : 1;
            (void)snprintf(what, sizeof what, "%s: gemm case %zu", every_device[i], j);
            judge(&d, gemm_graph(&gemms[j]), steps, what);
        }
        device_close(&d);
    }
}

/* y = conv(x) + state; the state is overwritten before the sum could read it, were the Conv moved there. */
Test(fusion, what_is_overwritten_meanwhile_is_not_read_later)
{
    struct assay_error  err = {0};
    struct device       d;
    struct data         data;
    char                said[1000];
    int64_t             dims[4] = {1, 2, 4, 4};
    struct assay_graph *g = assay_graph_new("state");
    int32_t state = assay_graph_state(g, "state", ASSAY_F32, 4, dims, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "w", ASSAY_F32, 4, (int64_t[]){2, 2, 1, 1}, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "Conv", "conv", (int32_t[]){state, w}, 2, NULL);
    int32_t next = op(g, "Neg", "next", state, ASSAY_NO_VALUE);
    assay_graph_output(g, next);
    assay_graph_alias(g, next, state);
    assay_graph_output(g, op(g, "Relu", "act", y, ASSAY_NO_VALUE));
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=1"));
    data_new(g, &data);
    cr_expect_eq(steps_of(&d, g, &data, said, sizeof said), 3, "%s", said);
    data_free(&data);
    device_close(&d);
    assay_graph_free(g);
}

Test(fusion, says_what_went_where)
{
    struct device       d;
    struct assay_error  err = {0};
    struct data         data;
    char                said[1000];
    struct assay_graph *g = conv_graph(&convs[0]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(device_open(&d, "threads=1"));
    data_new(g, &data);
    fill(g, &data);
    (void)steps_of(&d, g, &data, said, sizeof said);
    cr_expect(strstr(said, "BatchNormalization folded in | Add | Relu"), "%s", said);
    data_free(&data);
    device_close(&d);
    assay_graph_free(g);
}
