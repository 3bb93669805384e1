#include <criterion/criterion.h>
#include <sys/resource.h>

#include "simulate.h"

/* Deep random nets, and a device in float that may be wrong in one place. A layer is a product with its bias, a relu or a
 * residual around it, or a norm. */
enum { TOKENS = 20, WIDTH = 24, MOST_LAYERS = 60, ALL = TOKENS * WIDTH };
enum kind { PRODUCT, RESIDUAL, NORM };

struct net {
    struct assay_graph *graph;
    int                 layers;
    enum kind           kind[MOST_LAYERS];
    int32_t             in, out, w[MOST_LAYERS], b[MOST_LAYERS];
    float               x[ALL], weight[MOST_LAYERS][WIDTH * WIDTH], bias[MOST_LAYERS][WIDTH];
    const void         *bound[8 * MOST_LAYERS];
};

static int32_t add_layer(struct net *t, int l, int32_t x)
{
    struct assay_graph *g = t->graph;
    char                w[24], b[24], name[3][40];
    (void)snprintf(w, sizeof w, "w%d", l);
    (void)snprintf(b, sizeof b, "b%d", l);
    for (int i = 0; i < 3; i++)
        (void)snprintf(name[i], sizeof name[i], "v%d.%d", l, i);
    if (t->kind[l] == NORM) {
        t->w[l] = assay_graph_param(g, w, ASSAY_F32, 1, (int64_t[]){WIDTH}, ASSAY_FILL_POSITIVE);
        t->b[l] = assay_graph_param(g, b, ASSAY_F32, 1, (int64_t[]){WIDTH}, ASSAY_FILL_SIGNED);
        return assay_graph_op(g, "LayerNormalization", name[0], (int32_t[]){x, t->w[l], t->b[l]}, 3, NULL);
    }
    t->w[l] = assay_graph_param(g, w, ASSAY_F32, 2, (int64_t[]){WIDTH, WIDTH}, ASSAY_FILL_SIGNED);
    t->b[l] = assay_graph_param(g, b, ASSAY_F32, 1, (int64_t[]){WIDTH}, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "MatMul", name[0], (int32_t[]){x, t->w[l]}, 2, NULL);
    y = assay_graph_op(g, "Add", name[1], (int32_t[]){y, t->b[l]}, 2, NULL);
    if (t->kind[l] == PRODUCT)
        return assay_graph_op(g, "Relu", name[2], &y, 1, NULL);
    return assay_graph_op(g, "Add", name[2], (int32_t[]){x, y}, 2, NULL);
}

static struct net *net_new(uint64_t seed)
{
    struct assay_error  err = {0};
    struct assay_random random;
    struct net         *t = calloc(1, sizeof *t);
    assay_random_init(&random, seed);
    t->layers = 20 + (int)assay_random_below(&random, MOST_LAYERS - 20 + 1);
    t->graph = assay_graph_new("net");
    t->in = assay_graph_input(t->graph, "x", ASSAY_F32, 2, (int64_t[]){TOKENS, WIDTH}, ASSAY_FILL_SIGNED);
    assay_random_uniform_f32(seed << 8, 0, ALL, -1, 1, t->x);
    int32_t x = t->in;
    for (int l = 0; l < t->layers; l++) {
        float spread = 1.8f / sqrtf(WIDTH);
        t->kind[l] = l % 4 == 3 ? NORM : assay_random_below(&random, 2) ? RESIDUAL : PRODUCT;
        assay_random_uniform_f32((seed << 8) + 2 * (uint64_t)l + 1, 0, WIDTH * WIDTH, -spread, spread, t->weight[l]);
        assay_random_uniform_f32((seed << 8) + 2 * (uint64_t)l + 2, 0, WIDTH, -0.5f, 0.5f, t->bias[l]);
        for (int i = 0; t->kind[l] == NORM && i < WIDTH; i++)
            t->weight[l][i] += 1;
        x = add_layer(t, l, x);
    }
    t->out = x;
    assay_graph_output(t->graph, x);
    cr_assert_eq(assay_graph_finish(t->graph, &err), ASSAY_OK, "%s", err.message);
    t->bound[t->in] = t->x;
    for (int l = 0; l < t->layers; l++) {
        t->bound[t->w[l]] = t->weight[l];
        t->bound[t->b[l]] = t->bias[l];
    }
    return t;
}

static void net_free(struct net *t)
{
    assay_graph_free(t->graph);
    free(t);
}

/* What is wrong with the device; layer -1: nothing. */
struct fault {
    int    layer;
    bool   no_bias, half; /* half: sums are kept in f16 from this layer on */
    double weight;        /* relative change of one weight */
};

static float product_of(const struct net *t, int l, int order, const struct fault *f, const double *x, int column)
{
    double w[WIDTH];
    float  sum = 0;
    for (int k = 0; k < WIDTH; k++)
        w[k] = t->weight[l][k * WIDTH + column];
    if (f->layer == l && f->weight != 0 && column == 3)
        w[5] = (float)(w[5] * (1 + f->weight));
    if (!f->half || f->layer < 0 || l < f->layer)
        return dot_f32(order, WIDTH, x, 1, w, 1);
    for (int k = 0; k < WIDTH; k++)
        sum = (float)assay_round_to(ASSAY_F16, (double)(sum + (float)x[k] * (float)w[k]));
    return sum;
}

static void norm_row(const struct net *t, int l, int order, const double *x, float *y)
{
    double ones[WIDTH], centred[WIDTH];
    for (int i = 0; i < WIDTH; i++)
        ones[i] = 1;
    float mean = dot_f32(order, WIDTH, x, 1, ones, 1) / WIDTH;
    for (int i = 0; i < WIDTH; i++)
        centred[i] = (float)x[i] - mean;
    float inverse = 1 / sqrtf(dot_f32(order, WIDTH, centred, 1, centred, 1) / WIDTH + 1e-5f);
    for (int i = 0; i < WIDTH; i++)
        y[i] = (float)centred[i] * inverse * t->weight[l][i] + t->bias[l][i];
}

static void run_device(const struct net *t, int order, const struct fault *f, float *y)
{
    memcpy(y, t->x, sizeof t->x);
    for (int row = 0; row < TOKENS; row++) {
        float *at = y + row * WIDTH;
        for (int l = 0; l < t->layers; l++) {
            double x[WIDTH];
            for (int i = 0; i < WIDTH; i++)
                x[i] = at[i];
            if (t->kind[l] == NORM) {
                norm_row(t, l, order, x, at);
                continue;
            }
            for (int i = 0; i < WIDTH; i++) {
                float sum = product_of(t, l, order, f, x, i);
                if (!f->no_bias || f->layer != l)
                    sum = sum + t->bias[l][i];
                at[i] = t->kind[l] == PRODUCT ? fmaxf(sum, 0) : (float)x[i] + sum;
            }
        }
    }
}

struct judged {
    double value[ALL], bound[ALL];
};

static void judge(const struct net *t, enum assay_bounds bounds, struct judged *j)
{
    struct assay_reference *r;
    struct assay_error      err = {0};
    int64_t                 index[ALL];
    for (int i = 0; i < ALL; i++)
        index[i] = i;
    cr_assert_eq(assay_reference_new_with(t->graph, t->bound, bounds, &r, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_at(r, t->out, ALL, index, j->value, j->bound, &err), ASSAY_OK, "%s", err.message);
    assay_reference_free(r);
}

static double worst_of(const struct net *t, const struct judged *j, int order, const struct fault *f)
{
    float  y[ALL];
    double worst = 0;
    run_device(t, order, f, y);
    for (int i = 0; i < ALL; i++)
        worst = fmax(worst, fabs(y[i] - j->value[i]) / j->bound[i]);
    return worst;
}

static const struct fault none = {.layer = -1};

/* A weight behind a relu that lets nothing through takes part in nothing. */
static bool has_effect(const struct net *t, const struct fault *f)
{
    float right[ALL], wrong[ALL];
    run_device(t, FORWARD, &none, right);
    run_device(t, FORWARD, f, wrong);
    return memcmp(right, wrong, sizeof right) != 0;
}

static struct seen        seen;

Test(statistical, float_devices_of_deep_nets_stay_within_the_bound_in_every_order_and_it_is_not_idle, .timeout = 120)
{
    memset(&seen, 0, sizeof seen);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct net    *t = net_new(seed);
        struct judged *j = malloc(sizeof *j), *worst_case = malloc(sizeof *j);
        cr_expect_eq(assay_bounds_of(t->graph), ASSAY_BOUNDS_STATISTICAL);
        judge(t, ASSAY_BOUNDS_AUTO, j);
        judge(t, ASSAY_BOUNDS_WORST_CASE, worst_case);
        for (int order = 0; order < N_ORDERS; order++) {
            float y[ALL];
            run_device(t, order, &none, y);
            for (int i = 0; i < ALL; i++)
                see(&seen, y[i], j->value[i], j->bound[i]);
        }
        cr_expect(worst_case->bound[0] > 100 * j->bound[0], "worst case %g, statistical %g", worst_case->bound[0], j->bound[0]);
        free(worst_case);
        free(j);
        net_free(t);
    }
    cr_expect_eq(seen.above, 0, "%zu of %zu above, worst %g", seen.above, seen.n, seen.worst);
    double middle = median(&seen);
    cr_expect_geq(middle, 0.01, "median %g", middle);
}

/* Found by their size alone: the ratio of each fault, in every net. */
Test(statistical, a_missing_bias_and_sums_in_half_precision_are_found_and_a_wrong_weight_down_to_a_stated_size, .timeout = 120)
{
    int    found_weight = 0, nets = 0;
    double least[20];
    for (uint64_t seed = 101; seed <= 120; seed++) {
        struct net    *t = net_new(seed);
        struct judged *j = malloc(sizeof *j);
        int            layer = 10;
        judge(t, ASSAY_BOUNDS_AUTO, j);
        while (t->kind[layer] == NORM)
            layer++;
        const struct fault bias = {.layer = layer, .no_bias = true}, half = {.layer = 5, .half = true},
                           sign = {.layer = layer, .weight = -2};
        cr_expect_gt(worst_of(t, j, FORWARD, &bias), 1, "net %d: a missing bias", (int)seed);
        cr_expect_gt(worst_of(t, j, FORWARD, &half), 1, "net %d: sums in f16", (int)seed);
        if (!has_effect(t, &sign)) {
            free(j);
            net_free(t);
            continue;
        }
        found_weight += worst_of(t, j, FORWARD, &sign) > 1;
        double size = 1;
        for (; size > 1e-9; size /= 2) {
            const struct fault f = {.layer = layer, .weight = size};
            if (worst_of(t, j, FORWARD, &f) <= 1)
                break;
        }
        least[nets++] = size;
        free(j);
        net_free(t);
    }
    qsort(least, (size_t)nets, sizeof *least, by_size);
    cr_expect_geq(nets, 10);
    cr_expect_eq(found_weight, nets, "a weight of the wrong sign was found in %d of %d nets", found_weight, nets);
    cr_expect_lt(least[nets / 2], 1e-3, "half of the nets show one weight wrong by %g", least[nets / 2]);
}

Test(statistical, is_a_function_of_the_case_for_any_number_of_threads)
{
    struct net    *t = net_new(7);
    struct judged *one = malloc(sizeof *one), *many = malloc(sizeof *many);
    setenv("ASSAY_THREADS", "1", 1);
    judge(t, ASSAY_BOUNDS_STATISTICAL, one);
    setenv("ASSAY_THREADS", "5", 1);
    judge(t, ASSAY_BOUNDS_STATISTICAL, many);
    unsetenv("ASSAY_THREADS");
    cr_expect_arr_eq(one, many, sizeof *one);
    free(many);
    free(one);
    net_free(t);
}

/* x + 1 + 1 …, `adds` nodes that round with as many that do not between them. */
static struct assay_graph *chain_of(int adds, int32_t *out, int32_t *inner)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("chain");
    int32_t             x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){6, 5}, ASSAY_FILL_SIGNED);
    int32_t             y = assay_graph_input(g, "y", ASSAY_F32, 2, (int64_t[]){6, 5}, ASSAY_FILL_SIGNED);
    for (int i = 0; i < adds; i++) {
        char name[2][24];
        (void)snprintf(name[0], sizeof name[0], "a%d", i);
        (void)snprintf(name[1], sizeof name[1], "n%d", i);
        x = assay_graph_op(g, i % 3 ? "Add" : "Div", name[0], (int32_t[]){x, y}, 2, NULL);
        x = assay_graph_op(g, "Neg", name[1], &x, 1, NULL);
        if (i == 2)
            *inner = x;
    }
    assay_graph_output(g, x);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    *out = x;
    return g;
}

Test(statistical, begins_with_the_ninth_node_that_rounds_on_a_path)
{
    int32_t out, inner;
    for (int adds = 7; adds < 11; adds++) {
        struct assay_graph *g = chain_of(adds, &out, &inner);
        cr_expect_eq(assay_bounds_of(g), adds > 8 ? ASSAY_BOUNDS_STATISTICAL : ASSAY_BOUNDS_WORST_CASE, "%d", adds);
        assay_graph_free(g);
    }
}

static struct assay_reference *reference_of(const struct assay_graph *g, const float *x, const float *y,
                                            enum assay_bounds bounds)
{
    static const void      *bound[64];
    struct assay_reference *r;
    struct assay_error      err = {0};
    bound[assay_graph_find(g, "x")] = x;
    bound[assay_graph_find(g, "y")] = y;
    cr_assert_eq(assay_reference_new_with(g, bound, bounds, &r, &err), ASSAY_OK, "%s", err.message);
    return r;
}

Test(statistical, fewer_comparisons_make_narrower_bounds_about_the_same_values)
{
    struct net         *t = net_new(5);
    struct assay_error  err = {0};
    int64_t             index[ALL];
    double              value[2][ALL], bound[2][ALL];
    for (int64_t i = 0; i < ALL; i++)
        index[i] = i;
    for (int said = 0; said < 2; said++) {
        struct assay_reference *r;
        cr_assert_eq(assay_reference_new(t->graph, t->bound, &r, &err), ASSAY_OK, "%s", err.message);
        if (said)
            assay_reference_will_compare(r, 20);
        cr_assert_eq(assay_reference_at(r, t->out, ALL, index, value[said], bound[said], &err), ASSAY_OK, "%s", err.message);
        assay_reference_free(r);
    }
    cr_expect_arr_eq(value[0], value[1], sizeof value[0]);
    for (int i = 0; i < ALL; i++)
        cr_expect(bound[1][i] > 0.4 * bound[0][i] && bound[1][i] < 0.95 * bound[0][i], "%d: %g, %g", i, bound[0][i], bound[1][i]);
    net_free(t);
}

Test(statistical, inner_values_and_inputs_can_be_asked_for_and_everything_can_be_stored)
{
    int32_t             out, inner;
    struct assay_graph *g = chain_of(12, &out, &inner);
    float               x[30], y[30], stored[2][30];
    double              v[4][30], e[4][30];
    int64_t             index[30];
    struct assay_error  err = {0};
    for (int i = 0; i < 30; i++) {
        x[i] = 1 + 0.01f * (float)i;
        y[i] = 2 - 0.03f * (float)i;
        index[i] = i;
    }
    struct assay_reference *r = reference_of(g, x, y, ASSAY_BOUNDS_AUTO), *wide = reference_of(g, x, y, ASSAY_BOUNDS_WORST_CASE),
                           *none_of = reference_of(g, x, y, ASSAY_BOUNDS_NONE);
    const int32_t           asked[4] = {out, inner, assay_graph_find(g, "x"), out};
    cr_expect_eq(assay_reference_bounds(r), ASSAY_BOUNDS_STATISTICAL);
    cr_expect_gt(assay_reference_preparing_cost(r), 12 * 30 * 5);
    for (int i = 0; i < 4; i++) {
        double value[30], bound[30];
        cr_assert_eq(assay_reference_at(r, asked[i], 30, index, v[i], e[i], &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_reference_at(wide, asked[i], 30, index, value, bound, &err), ASSAY_OK);
        cr_expect_arr_eq(v[i], value, sizeof value);
        for (int k = 0; k < 30; k++)
            cr_expect(i == 2 ? e[i][k] == 0 : e[i][k] > 0 && isfinite(e[i][k]));
    }
    cr_expect_arr_eq(e[0], e[3], sizeof e[0], "asked again after other values were");
    cr_expect_eq(assay_reference_preparing_cost(r) < assay_reference_preparing_cost(none_of) * 5, true);
    cr_assert_eq(assay_reference_store(r, out, stored[0], &err), ASSAY_OK);
    cr_assert_eq(assay_reference_store(none_of, out, stored[1], &err), ASSAY_OK);
    cr_expect_arr_eq(stored[0], stored[1], sizeof stored[0]);
    cr_assert_eq(assay_reference_at(none_of, out, 30, index, v[0], e[0], &err), ASSAY_OK);
    cr_expect(isinf(e[0][7]), "values alone come without bounds");
    assay_reference_free(none_of);
    assay_reference_free(wide);
    assay_reference_free(r);
    assay_graph_free(g);
}

/* Where nothing can be said of an element, nothing is said of what follows from it, and all of the others. */
Test(statistical, what_is_not_finite_and_what_may_be_anything_stays_with_its_elements)
{
    int32_t             out, inner;
    struct assay_graph *g = chain_of(12, &out, &inner);
    float               x[30], y[30];
    double              v[30], e[30];
    int64_t             index[30];
    struct assay_error  err = {0};
    for (int i = 0; i < 30; i++) {
        x[i] = 1.5f;
        y[i] = 0.75f;
        index[i] = i;
    }
    x[3] = NAN;
    x[4] = INFINITY;
    x[5] = 0;
    y[5] = 1e-39f; /* may be read as zero: the quotient may be NaN */
    struct assay_reference *r = reference_of(g, x, y, ASSAY_BOUNDS_STATISTICAL);
    cr_assert_eq(assay_reference_at(r, out, 30, index, v, e, &err), ASSAY_OK);
    cr_expect(isnan(v[3]) && e[3] == 0);
    cr_expect(isinf(v[4]) && e[4] == 0);
    cr_expect(isinf(e[5]), "%g of %g", e[5], v[5]);
    for (int i = 6; i < 30; i++)
        cr_expect(isfinite(v[i]) && e[i] > 0 && e[i] < 1e-4, "%g of %g", e[i], v[i]);
    assay_reference_free(r);
    assay_graph_free(g);
}

struct group_terms {
    const double *weight;
};
static void to_columns(void *self, uint64_t first, size_t n, size_t *sum, double *weight)
{
    const struct group_terms *t = self;
    for (size_t i = 0; i < n; i++) {
        sum[i] = (first + i) % WIDTH;
        weight[i] = t->weight[(first + i) / WIDTH];
    }
}

Test(statistical, sums_are_bounded_as_sums_and_not_by_the_sum_of_bounds)
{
    double observed_over_bound = 0, narrower = 0;
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct net             *t = net_new(seed);
        struct judged          *j = malloc(sizeof *j);
        struct assay_reference *r;
        struct assay_error      err = {0};
        double                  weight[TOKENS], sum[2][WIDTH], bound[2][WIDTH];
        float                   y[ALL];
        int64_t                 index[WIDTH];
        judge(t, ASSAY_BOUNDS_AUTO, j);
        run_device(t, PAIRWISE, &none, y);
        for (int i = 0; i < TOKENS; i++)
            weight[i] = (i * 7 + (int)seed) % 3 ? 1 : -1;
        for (int i = 0; i < WIDTH; i++)
            index[i] = i;
        cr_assert_eq(assay_reference_new(t->graph, t->bound, &r, &err), ASSAY_OK);
        cr_assert_eq(assay_reference_fold(r, t->out, 0, weight, WIDTH, index, sum[0], bound[0], &err), ASSAY_OK);
        struct group_terms g = {weight};
        cr_assert_eq(assay_reference_sums(r, t->out, WIDTH, to_columns, &g, sum[1], bound[1], &err), ASSAY_OK);
        cr_expect_arr_eq(sum[0], sum[1], sizeof sum[0]);
        cr_expect_arr_eq(bound[0], bound[1], sizeof bound[0]);
        for (int c = 0; c < WIDTH; c++) {
            double seen_sum = 0, value = 0, bounds = 0;
            for (int i = 0; i < TOKENS; i++) {
                seen_sum += weight[i] * (double)y[i * WIDTH + c];
                value += weight[i] * j->value[i * WIDTH + c];
                bounds += j->bound[i * WIDTH + c];
            }
            cr_expect_float_eq(sum[0][c], value, 1e-9);
            cr_expect_leq(fabs(seen_sum - value), bound[0][c]);
            observed_over_bound = fmax(observed_over_bound, fabs(seen_sum - value) / bound[0][c]);
            narrower += bounds / bound[0][c] / (19 * WIDTH);
        }
        assay_reference_free(r);
        free(j);
        net_free(t);
    }
    cr_expect_gt(observed_over_bound, 0.05, "%g", observed_over_bound);
    cr_expect_gt(narrower, 1.5, "sums of bounds are %g times as wide", narrower);
}

static double resident_bytes(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return 1024.0 * (double)u.ru_maxrss;
}

/* A row of nodes: each but the last holds its operand and its own value for all four runs, and there are d and what a call works with:
 * 4 + 4 + 3 times the elements. (The last keeps its value and, in half the room, its bound and three deviations: 4 + 3 + 3.) */
Test(statistical, tells_the_memory_that_it_is_going_to_take)
{
    enum { NODES = 12, N = 1 << 20 };
    struct assay_error      err = {0};
    struct assay_reference *r;
    struct assay_graph     *g = assay_graph_new("row");
    int32_t                 x = assay_graph_input(g, "x", ASSAY_F32, 1, (int64_t[]){N}, ASSAY_FILL_SIGNED), y = x;
    float                  *given = malloc(N * sizeof *given);
    const void             *bound[NODES + 1] = {given};
    double                  value, room;
    for (int i = 0; i < NODES; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "y%d", i);
        y = assay_graph_op(g, "Tanh", name, &y, 1, NULL);
    }
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    assay_random_uniform_f32(1, 0, N, -1, 1, given);
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_bounds(r), ASSAY_BOUNDS_STATISTICAL);
    double told = assay_reference_preparing_bytes(r), before = resident_bytes();
    cr_expect_float_eq(told, 1.125 * 11 * 8.0 * N, 1);
    cr_assert_eq(assay_reference_at(r, y, 1, (int64_t[]){5}, &value, &room, &err), ASSAY_OK);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
    double took = resident_bytes() - before;
    cr_expect(took < 1.1 * told && took > 0.5 * told, "told %.0f, took %.0f", told, took);
#endif
    assay_reference_free(r);
    assay_graph_free(g);
    free(given);
}
