/* Graphs of several ranks: what they compute together, that each gradient rule is the way back of its op (against differences, with the
 * ranks joined), and who cannot be joined. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "harness/ir/gradient.h"
#include "harness/ir/node_text.h"
#include "harness/ir/transform/gradient.h"
#include "harness/ir/transform/join.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

enum { RANKS = 3, MOST = 64 };

static struct assay_attr group_of(int64_t n)
{
    struct assay_attr ranks = {.name = "ranks", .type = ASSAY_ATTR_I64S, .n = (size_t)n};
    for (int64_t r = 0; r < n; r++)
        ranks.list[r] = r;
    return ranks;
}

static int32_t on_all(struct assay_graph *g, const char *op, const char *name, int32_t x, struct assay_attr a, struct assay_attr b)
{
    return assay_graph_op(g, op, name, &x, 1, (struct assay_attr[]){group_of(RANKS), a, b, ASSAY_ATTR_END});
}

static int32_t pair(struct assay_graph *g, const char *op, const char *name, int32_t a, int32_t b)
{
    return assay_graph_op(g, op, name, (int32_t[]){a, b}, 2, NULL);
}

static int32_t input(struct assay_graph *g, const char *name, int64_t rows, int64_t columns)
{
    return assay_graph_input(g, name, ASSAY_F64, 2, (int64_t[]){rows, columns}, ASSAY_FILL_SIGNED);
}

/* Weights that differ from rank to rank, so that no sum hides who gave what. */
static int32_t weigh(struct assay_graph *g, const char *name, int32_t x, uint32_t rank)
{
    char    label[64];
    double  w[36];
    int64_t dims[2] = {assay_graph_value(g, x)->dims[0], assay_graph_value(g, x)->dims[1]};
    for (int64_t i = 0; i < dims[0] * dims[1]; i++)
        w[i] = sin(1.0 + (double)i + 7.0 * rank);
    (void)snprintf(label, sizeof label, "%s:w", name);
    return pair(g, "Mul", name, x, assay_graph_const(g, label, ASSAY_F64, 2, dims, w));
}

/* The sum over all elements, squared: not linear, so that a gradient hangs on the values. */
static int32_t square(struct assay_graph *g, const char *name, int32_t x)
{
    return assay_graph_op(g, "ReduceSumSquare", name, &x, 1, (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
}

/* The one loss: the sum of the ranks' shares. */
static int32_t agree(struct assay_graph *g, int32_t share)
{
    return on_all(g, "assay.AllReduce", "loss", share, ASSAY_ATTR_END, ASSAY_ATTR_END);
}

/* ---- programs: each makes a rank's loss from its own x[2,3] ---------------------------------------------------------- */

static int32_t of_partial_sums(struct assay_graph *g, uint32_t rank, int32_t x)
{
    int32_t y = on_all(g, "assay.AllReduce", "y", weigh(g, "partial", x, rank), ASSAY_ATTR_END, ASSAY_ATTR_END);
    return square(g, "loss", y); /* alike on all */
}

static int32_t of_the_greatest(struct assay_graph *g, uint32_t rank, int32_t x)
{
    int32_t y = on_all(g, "assay.AllReduce", "y", weigh(g, "partial", x, rank), ASSAY_ATTR_STRING("reduce", "max"), ASSAY_ATTR_END);
    return square(g, "loss", y);
}

static int32_t of_gathered(struct assay_graph *g, uint32_t rank, int32_t x)
{
    int32_t y = on_all(g, "assay.AllGather", "y", x, ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END);
    return agree(g, square(g, "share", weigh(g, "weighed", y, rank)));
}

static int32_t of_scattered(struct assay_graph *g, uint32_t rank, int32_t x)
{
    int32_t y = on_all(g, "assay.ReduceScatter", "y", weigh(g, "partial", x, rank), ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END);
    return agree(g, square(g, "share", weigh(g, "weighed", y, rank + 5)));
}

static int32_t of_exchanged(struct assay_graph *g, uint32_t rank, int32_t x)
{
    int32_t y = on_all(g, "assay.AllToAll", "y", x, ASSAY_ATTR_INT("split_axis", 1), ASSAY_ATTR_INT("concat_axis", 0));
    return agree(g, square(g, "share", weigh(g, "weighed", y, rank)));
}

static int32_t of_copies(struct assay_graph *g, uint32_t rank, int32_t x)
{
    int32_t y = on_all(g, "assay.AllReduce", "y", weigh(g, "partial", x, rank), ASSAY_ATTR_END, ASSAY_ATTR_END);
    int32_t copy = on_all(g, "assay.Replicate", "copy", y, ASSAY_ATTR_END, ASSAY_ATTR_END);
    return agree(g, square(g, "share", weigh(g, "weighed", copy, rank + 3)));
}

/* A line: each adds its own to what came, hands it on; the last has the loss. */
static int32_t of_a_line(struct assay_graph *g, uint32_t rank, int32_t x)
{
    struct assay_attr from = {.name = "ranks", .type = ASSAY_ATTR_I64S, .list = {(int64_t)rank - 1, rank}, .n = 2};
    struct assay_attr to = {.name = "ranks", .type = ASSAY_ATTR_I64S, .list = {rank, (int64_t)rank + 1}, .n = 2};
    const int64_t     shape[2] = {2, 3};
    int32_t           sum = weigh(g, "own", x, rank);
    if (rank) {
        int32_t edge = assay_graph_input(g, "edge", ASSAY_F64, 0, NULL, ASSAY_FILL_SIGNED);
        int32_t came = assay_graph_op(g, "assay.Receive", "came", &edge, 1, (struct assay_attr[]){from, assay_gradient_list("shape", 2, shape), ASSAY_ATTR_END});
        sum = pair(g, "Mul", "product", pair(g, "Add", "sum", sum, came), came);
    }
    int32_t share = rank + 1 < RANKS ? assay_graph_op(g, "assay.Send", "sent", &sum, 1, (struct assay_attr[]){to, ASSAY_ATTR_END}) : square(g, "share", sum);
    return agree(g, share);
}

/* ---- joined ---------------------------------------------------------------------------------------------------------- */

struct ranks {
    struct assay_graph *g[RANKS], *joined;
    int32_t             room[RANKS][MOST], *there[RANKS], x[RANKS], grad[RANKS], loss[RANKS];
    double              data[RANKS][6], edge;
};

static void join(struct ranks *s, int32_t (*program)(struct assay_graph *g, uint32_t rank, int32_t x))
{
    struct assay_error err = {0};
    for (uint32_t r = 0; r < RANKS; r++) {
        struct assay_graph *g = s->g[r] = assay_graph_new("rank");
        int32_t             wrt[2], grads[2];
        s->there[r] = s->room[r];
        s->x[r] = wrt[0] = input(g, "x", 2, 3);
        s->loss[r] = program(g, r, s->x[r]);
        wrt[1] = assay_graph_find(g, "edge");
        assay_graph_gradient(g, s->loss[r], wrt, wrt[1] == ASSAY_NO_VALUE ? 1 : 2, ASSAY_RECOMPUTE_NONE, grads);
        s->grad[r] = assay_graph_op(g, "Identity", "dx", &grads[0], 1, NULL);
        assay_graph_output(g, s->grad[r]);
        if (wrt[1] != ASSAY_NO_VALUE)
            assay_graph_output(g, grads[1]);
        assay_graph_output(g, s->loss[r]);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        cr_assert(g->n_values <= MOST);
    }
    cr_assert_eq(assay_graph_join((const struct assay_graph *const *)s->g, RANKS, s->there, &s->joined, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t r = 0; r < RANKS; r++)
        for (int i = 0; i < 6; i++)
            s->data[r][i] = cos(3.0 * i + 11.0 * r);
}

static double at(struct ranks *s, int32_t value, int64_t index)
{
    const void             *bound[RANKS * MOST * 4] = {NULL};
    struct assay_reference *ref;
    struct assay_error      err = {0};
    double                  value_at, bound_at;
    for (uint32_t r = 0; r < RANKS; r++)
        bound[s->there[r][s->x[r]]] = s->data[r];
    for (uint32_t v = 0; v < s->joined->n_values; v++)
        if (s->joined->values[v].role == ASSAY_ROLE_INPUT && !bound[v])
            bound[v] = &s->edge;
    cr_assert_eq(assay_reference_new_with(s->joined, bound, ASSAY_BOUNDS_WORST_CASE, &ref, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_at(ref, value, 1, &index, &value_at, &bound_at, &err), ASSAY_OK, "%s", err.message);
    assay_reference_free(ref);
    return value_at;
}

static void release(struct ranks *s)
{
    for (uint32_t r = 0; r < RANKS; r++)
        assay_graph_free(s->g[r]);
    assay_graph_free(s->joined);
}

static void check_gradients(const char *what, int32_t (*program)(struct assay_graph *g, uint32_t rank, int32_t x))
{
    static struct ranks s;
    const double        h = 1e-5;
    s = (struct ranks){.edge = 0.5};
    join(&s, program);
    for (uint32_t r = 0; r < RANKS; r++) {
        cr_expect_eq(at(&s, s.there[r][s.loss[r]], 0), at(&s, s.there[0][s.loss[0]], 0), "%s: all have one loss", what);
        for (int i = 0; i < 6; i++) {
            double was = s.data[r][i], l[2];
            for (int k = 0; k < 2; k++) {
                s.data[r][i] = was + (k ? h : -h);
                l[k] = at(&s, s.there[RANKS - 1][s.loss[RANKS - 1]], 0);
            }
            s.data[r][i] = was;
            double want = (l[1] - l[0]) / (2 * h), got = at(&s, s.there[r][s.grad[r]], i);
            cr_expect(fabs(got - want) <= 1e-7 * (1 + fabs(want)), "%s: d loss / d x[%d] of rank %u is %.10g, differences give %.10g", what, i, r, got, want);
        }
    }
    release(&s);
}

Test(ranks, every_op_between_ranks_has_the_way_back_as_its_gradient)
{
    check_gradients("AllReduce", of_partial_sums);
    check_gradients("AllReduce max", of_the_greatest);
    check_gradients("AllGather", of_gathered);
    check_gradients("ReduceScatter", of_scattered);
    check_gradients("AllToAll", of_exchanged);
    check_gradients("Replicate", of_copies);
    check_gradients("Send, Receive", of_a_line);
}

/* ---- values by hand --------------------------------------------------------------------------------------------------- */

static void check_values(const char *op, const char *attrs, const double want[RANKS][12])
{
    struct assay_graph     *g[RANKS], *joined;
    struct assay_reference *ref;
    struct assay_error      err = {0};
    int32_t                 room[RANKS][8], *there[RANKS], y[RANKS];
    for (uint32_t r = 0; r < RANKS; r++) {
        double  x[6];
        int32_t in;
        char    text[96];
        for (int i = 0; i < 6; i++)
            x[i] = 10.0 * r + i;
        g[r] = assay_graph_new("rank");
        there[r] = room[r];
        in = assay_graph_const(g[r], "x", ASSAY_F64, 2, (int64_t[]){2, 3}, x);
        (void)snprintf(text, sizeof text, "ranks=[0,1,2]%s%s", *attrs ? " " : "", attrs);
        assay_node_add(g[r], op, &in, 1, text, 1, &y[r]);
        assay_graph_output(g[r], y[r]);
        cr_assert_eq(assay_graph_finish(g[r], &err), ASSAY_OK, "%s", err.message);
    }
    cr_assert_eq(assay_graph_join((const struct assay_graph *const *)g, RANKS, there, &joined, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_new(joined, NULL, &ref, &err), ASSAY_OK);
    for (uint32_t r = 0; r < RANKS; r++) {
        int64_t n = (int64_t)assay_graph_value(g[r], y[r])->elements;
        for (int64_t i = 0; i < n; i++) {
            double v, e;
            cr_assert_eq(assay_reference_at(ref, there[r][y[r]], 1, &i, &v, &e, &err), ASSAY_OK, "%s", err.message);
            cr_expect_eq(v, want[r][i], "%s %s: rank %u [%d] is %g, not %g", op, attrs, r, (int)i, v, want[r][i]);
        }
        assay_graph_free(g[r]);
    }
    assay_reference_free(ref);
    assay_graph_free(joined);
}

Test(ranks, values_go_where_the_definitions_say)
{
    check_values("assay.AllReduce", "", (const double[RANKS][12]){{30, 33, 36, 39, 42, 45}, {30, 33, 36, 39, 42, 45}, {30, 33, 36, 39, 42, 45}});
    check_values("assay.AllReduce", "reduce=max", (const double[RANKS][12]){{20, 21, 22, 23, 24, 25}, {20, 21, 22, 23, 24, 25}, {20, 21, 22, 23, 24, 25}});
    check_values("assay.ReduceScatter", "axis=1", (const double[RANKS][12]){{30, 39}, {33, 42}, {36, 45}});
    check_values("assay.AllToAll", "split_axis=1", (const double[RANKS][12]){{0, 3, 10, 13, 20, 23}, {1, 4, 11, 14, 21, 24}, {2, 5, 12, 15, 22, 25}});
    check_values("assay.AllToAll", "split_axis=1 concat_axis=1", (const double[RANKS][12]){{0, 10, 20, 3, 13, 23}, {1, 11, 21, 4, 14, 24}, {2, 12, 22, 5, 15, 25}});
    check_values("assay.Replicate", "", (const double[RANKS][12]){{0, 1, 2, 3, 4, 5}, {10, 11, 12, 13, 14, 15}, {20, 21, 22, 23, 24, 25}});
}

/* ---- who is refused ---------------------------------------------------------------------------------------------------- */

static void refuse(const char *const op[2], const char *const inputs[2], const char *const attrs[2], const char *want)
{
    struct assay_graph *g[2], *joined = NULL;
    struct assay_error  err = {0};
    int32_t             room[2][16], *there[2] = {room[0], room[1]};
    for (int r = 0; r < 2; r++) {
        int32_t in[ASSAY_OP_MAX_OPERANDS], y;
        g[r] = assay_graph_new("rank");
        size_t n = assay_node_inputs_read(g[r], ASSAY_F32, ASSAY_FILL_SIGNED, inputs[r], in);
        assay_node_add(g[r], op[r], in, n, attrs[r], 1, &y);
        assay_graph_output(g[r], y);
        cr_assert_eq(assay_graph_finish(g[r], &err), ASSAY_OK, "%s", err.message);
    }
    enum assay_code code = assay_graph_join((const struct assay_graph *const *)g, 2, there, &joined, &err);
    if (want) {
        cr_expect_eq(code, ASSAY_CONFIG, "%s", want);
        cr_expect(strstr(err.message, want), "'%s' in '%s'", want, err.message);
    } else {
        cr_expect_eq(code, ASSAY_OK, "%s", err.message);
        assay_graph_free(joined);
    }
    for (int r = 0; r < 2; r++)
        assay_graph_free(g[r]);
}
#define REFUSE(op0, in0, at0, op1, in1, at1, want) \
    refuse((const char *const[]){op0, op1}, (const char *const[]){in0, in1}, (const char *const[]){at0, at1}, want)

Test(ranks, that_do_not_meet_are_refused_with_who_waits_where)
{
    REFUSE("assay.AllReduce", "f[2]", "ranks=[0,1]", "assay.AllReduce", "f[2]", "ranks=[0,1]", NULL);
    REFUSE("assay.AllReduce", "f[2]", "ranks=[0,1]", "assay.AllReduce", "f[3]", "ranks=[0,1]",
           "ranks wait for each other: rank 0 at AllReduce 'y', rank 1 at AllReduce 'y'");
    REFUSE("assay.AllReduce", "f[2]", "ranks=[0,1]", "assay.AllReduce", "f[2]", "ranks=[0,1] reduce=max", "ranks wait for each other");
    REFUSE("assay.AllReduce", "f[2]", "ranks=[0,1]", "assay.AllReduce", "f[2]", "ranks=[1,0]", "ranks wait for each other");
    REFUSE("assay.AllReduce", "f[2]", "ranks=[0,1]", "Neg", "f[2]", "", "ranks wait for each other: rank 0 at AllReduce 'y'");
    REFUSE("assay.AllReduce", "f[2]", "ranks=[1,2]", "Neg", "f[2]", "", "rank 0 has AllReduce 'y' of a group in which it is not");
    REFUSE("assay.Send", "f[2]", "ranks=[0,1]", "assay.Receive", "f[]", "ranks=[0,1] shape=[2]", NULL);
    REFUSE("assay.Send", "f[2]", "ranks=[0,1]", "assay.Receive", "f[]", "ranks=[0,1] shape=[3]", "has another type or shape");
    REFUSE("assay.Send", "f[2]", "ranks=[0,1]", "Neg", "f[2]", "", "rank 0 sends 'y' to rank 1, which does not take it");
    REFUSE("Neg", "f[2]", "", "assay.Receive", "f[]", "ranks=[0,1] shape=[3]", "ranks wait for each other: rank 1 at Receive 'y'");
}

Test(ranks, one_rank_of_several_is_not_computed_alone)
{
    struct assay_graph     *g = assay_graph_new("rank");
    struct assay_reference *ref;
    struct assay_error      err = {0};
    float                   x[2] = {1, 2};
    double                  v, e;
    int64_t                 first = 0;
    int32_t                 in = assay_graph_const(g, "x", ASSAY_F32, 1, (int64_t[]){2}, x), y;
    assay_node_add(g, "assay.AllReduce", &in, 1, "ranks=[0,1]", 1, &y);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK);
    cr_assert_eq(assay_reference_new(g, NULL, &ref, &err), ASSAY_OK);
    cr_expect_eq(assay_reference_at(ref, y, 1, &first, &v, &e, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "AllReduce 'y' of 2 ranks: this graph is one rank's, the other operands are not here");
    assay_reference_free(ref);
    assay_graph_free(g);
}
