/* A device of floats in this file: each node rounded to f32 as it is done, or kept in double until it is shown. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/verify/layers.h"

enum { ROWS = 8, COLUMNS = 16, N = ROWS * COLUMNS, VALUES = 8 };

/* scaled = x * x2, sum = scaled + x, y = relu(sum) */
struct net {
    struct assay_graph       *g;
    int32_t                   x, x2, scaled, sum, y;
    float                     at[VALUES][N];
    const void               *given[VALUES], *device[VALUES];
    double                   *reference[VALUES], error[VALUES];
    struct assay_layer_values known;
};

static void net_new(struct net *t)
{
    struct assay_error err = {0};
    bool               wanted[VALUES] = {false};
    memset(t, 0, sizeof *t);
    t->g = assay_graph_new("net");
    t->x = assay_graph_input(t->g, "x", ASSAY_F32, 2, (int64_t[]){ROWS, COLUMNS}, ASSAY_FILL_SIGNED);
    t->x2 = assay_graph_input(t->g, "x2", ASSAY_F32, 2, (int64_t[]){ROWS, COLUMNS}, ASSAY_FILL_SIGNED);
    t->scaled = assay_graph_op(t->g, "Mul", "scaled", (int32_t[]){t->x, t->x2}, 2, NULL);
    t->sum = assay_graph_op(t->g, "Add", "sum", (int32_t[]){t->scaled, t->x}, 2, NULL);
    t->y = assay_graph_op(t->g, "Relu", "y", &t->sum, 1, NULL);
    assay_graph_output(t->g, t->scaled);
    assay_graph_output(t->g, t->sum);
    assay_graph_output(t->g, t->y);
    cr_assert_eq(assay_graph_finish(t->g, &err), ASSAY_OK, "%s", err.message);
    assay_random_uniform_f32(1, 0, N, -1, 1, t->at[t->x]);
    assay_random_uniform_f32(2, 0, N, -1, 1, t->at[t->x2]);
    for (int v = 0; v < VALUES; v++)
        t->given[v] = t->device[v] = t->at[v];
    wanted[t->scaled] = wanted[t->sum] = wanted[t->y] = true;
    cr_assert_eq(assay_layer_reference(t->g, t->given, wanted, UINT64_MAX, t->reference, &err), ASSAY_OK, "%s", err.message);
    t->known = (struct assay_layer_values){t->device, (const double *const *)t->reference, t->error};
}

static void net_free(struct net *t)
{
    for (int v = 0; v < VALUES; v++)
        free(t->reference[v]);
    assay_graph_free(t->g);
}

/* What the device makes of it. `wide`: the product stays in double on its way into the sum. spoilt: what is added to one element of
 * the sum. */
static void compute(struct net *t, bool wide, float spoilt)
{
    for (int i = 0; i < N; i++) {
        double product = (double)t->at[t->x][i] * (double)t->at[t->x2][i];
        t->at[t->scaled][i] = (float)product;
        t->at[t->sum][i] = (float)((wide ? product : (double)(float)product) + (double)t->at[t->x][i]);
    }
    t->at[t->sum][N / 2] += spoilt;
    for (int i = 0; i < N; i++)
        t->at[t->y][i] = t->at[t->sum][i] > 0 ? t->at[t->sum][i] : 0;
}

static struct assay_layer layer(struct net *t, uint32_t node)
{
    struct assay_layer l[2];
    struct assay_error err = {0};
    size_t             n = 0;
    cr_assert_eq(assay_layer_check(t->g, node, &t->known, UINT64_MAX, l, &n, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(n, 1);
    t->error[l[0].value] = l[0].out;
    return l[0];
}

Test(layers, nodes_of_a_device_of_floats_are_within_their_bounds_and_use_them)
{
    struct net t;
    net_new(&t);
    compute(&t, false, 0);
    for (uint32_t node = 0; node < 3; node++) {
        struct assay_layer l = layer(&t, node);
        cr_expect(!assay_layer_diverges(&l) && !l.wide && l.compared == N && l.unknown == 0, "node %u: %g", node, l.ratio);
        cr_expect(node == 2 || (l.ratio > 0.1 && l.added > 1e-9 && l.added < 1e-6), "node %u: %g %g", node, l.ratio, l.added);
    }
    net_free(&t);
}

Test(layers, the_node_that_is_wrong_diverges_and_not_the_one_that_reads_it)
{
    struct net t;
    net_new(&t);
    compute(&t, false, 1e-3f);
    struct assay_layer product = layer(&t, 0), sum = layer(&t, 1), relu = layer(&t, 2);
    cr_expect(!assay_layer_diverges(&product));
    cr_expect(assay_layer_diverges(&sum) && sum.worst_index == N / 2 && sum.ratio > 100, "%g at %lld", sum.ratio, (long long)sum.worst_index);
    cr_expect(fabs(sum.observed - sum.expected - 1e-3) < 1e-6, "%g %g", sum.observed, sum.expected);
    cr_expect(sum.added > 1e-5 && sum.carried < 1e-6 && sum.in < 1e-6, "%g %g", sum.added, sum.carried);
    cr_expect(!assay_layer_diverges(&relu) && relu.added == 0, "its error came with what it reads");
    cr_expect(relu.in == sum.out && relu.carried > 0 && fabs(relu.carried - relu.out) < 1e-12);
    net_free(&t);
}

Test(layers, a_device_that_keeps_more_than_it_shows_does_not_diverge_and_is_told)
{
    struct net t;
    net_new(&t);
    compute(&t, true, 0);
    struct assay_layer sum = layer(&t, 1);
    cr_expect(!assay_layer_diverges(&sum) && sum.wide, "%g", sum.ratio);
    compute(&t, true, 1e-5f);
    sum = layer(&t, 1);
    cr_expect(assay_layer_diverges(&sum), "room for a rounding is no room for more: %g", sum.ratio);
    net_free(&t);
}

Test(layers, what_is_not_finite_must_be_met_in_kind_and_without_a_bound_nothing_is_said)
{
    cr_expect_eq(assay_layer_ratio(3, 3, 0), 0);
    cr_expect_eq(assay_layer_ratio(3, 2, 4), 0.25);
    cr_expect(isinf(assay_layer_ratio(3, 2, 0)));
    cr_expect(isinf(assay_layer_ratio(NAN, 2, 1)));
    cr_expect_eq(assay_layer_ratio(NAN, NAN, 0), 0);
    cr_expect(isinf(assay_layer_ratio(1, NAN, 0)));
    cr_expect_eq(assay_layer_ratio(INFINITY, INFINITY, 0), 0);
    cr_expect(isinf(assay_layer_ratio(-INFINITY, INFINITY, 0)));
    cr_expect(isnan(assay_layer_ratio(5, 2, INFINITY)));
}

Test(layers, of_a_large_value_elements_are_looked_at_from_its_beginning_to_its_end)
{
    struct assay_value v = {.elements = 1000};
    int64_t            last = -1;
    cr_expect_eq(assay_layer_elements(&v, 64), 64);
    cr_expect_eq(assay_layer_elements(&v, 5000), 1000);
    for (uint64_t k = 0; k < 64; k++) {
        int64_t i = assay_layer_element(&v, 64, k);
        cr_expect(i > last && i < 1000);
        last = i;
    }
    cr_expect_geq(last, 1000 - 1000 / 64 - 1);
    cr_expect_eq(assay_layer_element(&v, 5000, 999), 999);
}
