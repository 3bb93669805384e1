/* The gradient ops of moving, choosing and mixtures of experts against the same functions made of core ops: two references
 * that share no formula must agree within the sum of their bounds. Used by nobody else: a device runs the ops. */
#include <criterion/criterion.h>
#include <math.h>

#include "harness/ir/infer.h"
#include "harness/ir/tests/samples.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

/* ---- building ------------------------------------------------------------------------------------------------- */

static const char *fresh(void)
{
    static char name[16];
    static int  count;
    (void)snprintf(name, sizeof name, "d%d", count++);
    return name;
}

#define OP(g, op, attrs, ...) \
    assay_graph_op(g, op, fresh(), (int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t), attrs)
#define ATTRS(...) ((struct assay_attr[]){__VA_ARGS__, ASSAY_ATTR_END})
#define LIST(g, ...) list_of(g, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})
#define SHAPE(g, x, ...) OP(g, "Reshape", ATTRS(ASSAY_ATTR_INT("allowzero", 1)), x, LIST(g, __VA_ARGS__))

static int32_t list_of(struct assay_graph *g, size_t n, const int64_t *numbers)
{
    return assay_graph_i64s(g, fresh(), n, numbers);
}

static struct assay_value at(const struct assay_graph *g, int32_t v)
{
    return *assay_graph_value(g, v);
}

static int32_t number(struct assay_graph *g, enum assay_dtype dtype, double x)
{
    unsigned char bytes[8];
    assay_from_double(dtype, &x, 1, bytes);
    return assay_graph_const(g, fresh(), dtype, 0, NULL, bytes);
}

static int32_t cast(struct assay_graph *g, int32_t x, enum assay_dtype dtype)
{
    return OP(g, "Cast", ATTRS(ASSAY_ATTR_INT("to", assay_onnx_number(dtype))), x);
}

static int32_t sum(struct assay_graph *g, int32_t x, int64_t axis, bool keep)
{
    return OP(g, "ReduceSum", ATTRS(ASSAY_ATTR_INT("keepdims", keep)), x, LIST(g, axis));
}

static int32_t iota(struct assay_graph *g, int64_t n)
{
    int64_t list[64];
    cr_assert(n <= 64);
    for (int64_t i = 0; i < n; i++)
        list[i] = i;
    return list_of(g, (size_t)n, list);
}

static int32_t turn(struct assay_graph *g, int32_t x, size_t n, const int64_t *perm)
{
    struct assay_attr attrs[2] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .n = n}, ASSAY_ATTR_END};
    memcpy(attrs[0].list, perm, n * sizeof *perm);
    return OP(g, "Transpose", attrs, x);
}

/* [.., n] of indices (any sign) to [.., n, length] of zeros and ones of a type. */
static int32_t one_hot(struct assay_graph *g, int32_t indices, int64_t length, enum assay_dtype dtype)
{
    int32_t wide = cast(g, indices, ASSAY_I64);
    int32_t moved = OP(g, "Add", NULL, wide, number(g, ASSAY_I64, (double)length));
    int32_t index = OP(g, "Where", NULL, OP(g, "Less", NULL, wide, number(g, ASSAY_I64, 0)), moved, wide);
    int32_t last = OP(g, "Unsqueeze", NULL, index, LIST(g, -1));
    return cast(g, OP(g, "Equal", NULL, last, iota(g, length)), dtype);
}

/* ---- the functions -------------------------------------------------------------------------------------------- */

/* One axis at a time: a matrix of zeros and ones times dY. */
static void slice_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    const int64_t *shape = assay_node_attr(n, "input_shape")->list, *start = assay_node_attr(n, "starts")->list,
                  *step = assay_node_attr(n, "steps")->list;
    int32_t        x = in[0], rank = at(g, x).rank;
    for (int32_t d = 0; d < rank; d++) {
        int64_t count = at(g, x).dims[d], places[64], outer = 1, inner = 1;
        for (int32_t i = 0; i < rank; i++)
            *(i < d ? &outer : &inner) *= i == d ? 1 : at(g, x).dims[i];
        for (int64_t i = 0; i < count; i++)
            places[i] = start[d] + i * step[d];
        int32_t select = turn(g, one_hot(g, list_of(g, (size_t)count, places), shape[d], at(g, x).dtype), 2, (int64_t[]){1, 0});
        int64_t dims[ASSAY_MAX_RANK];
        memcpy(dims, at(g, x).dims, sizeof dims);
        dims[d] = shape[d];
        int32_t y = OP(g, "MatMul", NULL, select, SHAPE(g, x, outer, count, inner));
        x = OP(g, "Reshape", NULL, y, list_of(g, (size_t)rank, dims));
    }
    out[0] = x;
}

static void gather_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    const struct assay_attr *shape = assay_node_attr(n, "input_shape");
    int64_t                  axis = assay_node_i64(n, "axis", 0), outer = 1, inner = 1, many = (int64_t)at(g, in[1]).elements;
    for (int64_t d = 0; d < (int64_t)shape->n; d++)
        *(d < axis ? &outer : &inner) *= d == axis ? 1 : shape->list[d];
    int32_t flat = SHAPE(g, in[1], many);
    int32_t select = turn(g, one_hot(g, flat, shape->list[axis], at(g, in[0]).dtype), 2, (int64_t[]){1, 0});
    int32_t y = OP(g, "MatMul", NULL, select, SHAPE(g, in[0], outer, many, inner));
    out[0] = OP(g, "Reshape", NULL, y, list_of(g, shape->n, shape->list));
}

static void top_k_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    struct assay_value dy = at(g, in[0]);
    int64_t            axis = assay_node_i64(n, "axis", 0), length = assay_node_i64(n, "length", 0), outer = 1, inner = 1, k = dy.dims[axis];
    for (int64_t d = 0; d < dy.rank; d++)
        *(d < axis ? &outer : &inner) *= d == axis ? 1 : dy.dims[d];
    int32_t ones = one_hot(g, SHAPE(g, in[1], outer, k, inner), length, dy.dtype); /* [outer, k, inner, length] */
    int32_t spread = OP(g, "Mul", NULL, ones, SHAPE(g, in[0], outer, k, inner, 1));
    int32_t y = turn(g, sum(g, spread, 1, false), 3, (int64_t[]){0, 2, 1});
    memcpy(dy.dims, at(g, in[0]).dims, sizeof dy.dims);
    dy.dims[axis] = length;
    out[0] = OP(g, "Reshape", NULL, y, list_of(g, (size_t)dy.rank, dy.dims));
}

static void reduce_extreme_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    const struct assay_attr *axes = assay_node_attr(n, "axes");
    int32_t                  list = list_of(g, axes->n, axes->list), x = in[1];
    int32_t y = OP(g, assay_node_i64(n, "largest", 1) ? "ReduceMax" : "ReduceMin", NULL, x, list);
    int32_t is = OP(g, "Equal", NULL, x, y);
    int32_t count = OP(g, "ReduceSum", NULL, cast(g, is, at(g, x).dtype), list);
    int32_t dy = OP(g, "Reshape", NULL, in[0], list_of(g, (size_t)at(g, y).rank, at(g, y).dims));
    out[0] = OP(g, "Where", NULL, is, OP(g, "Div", NULL, dy, count), number(g, at(g, x).dtype, 0));
}

static void embedding_bag_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    enum assay_dtype dtype = at(g, in[0]).dtype;
    int64_t          terms = (int64_t)at(g, in[1]).elements, bags = (int64_t)at(g, in[2]).elements;
    int32_t          begin = cast(g, in[2], ASSAY_I64), term = iota(g, terms);
    int32_t          rest = OP(g, "Slice", NULL, begin, LIST(g, 1), LIST(g, bags));
    int32_t          end = OP(g, "Concat", ATTRS(ASSAY_ATTR_INT("axis", 0)), rest, LIST(g, terms));
    int32_t          after = OP(g, "GreaterOrEqual", NULL, term, SHAPE(g, begin, bags, 1));
    int32_t          before = OP(g, "Less", NULL, term, SHAPE(g, end, bags, 1));
    int32_t          holds = cast(g, OP(g, "And", NULL, after, before), dtype), dy = in[0]; /* [bags, terms] */
    if (!strcmp(assay_node_text(n, "mode", "sum"), "mean"))
        dy = OP(g, "Div", NULL, dy, OP(g, "Max", NULL, sum(g, holds, 1, true), number(g, dtype, 1)));
    int32_t each = OP(g, "MatMul", NULL, turn(g, holds, 2, (int64_t[]){1, 0}), dy);
    int32_t select = one_hot(g, in[1], assay_node_i64(n, "rows", 0), dtype);
    out[0] = OP(g, "MatMul", NULL, turn(g, select, 2, (int64_t[]){1, 0}), each);
}

static void moe_route_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    struct assay_value logits = at(g, in[1]), dw_value = at(g, in[0]);
    bool    softmax = !strcmp(assay_node_text(n, "scoring", "softmax"), "softmax");
    int64_t t = logits.dims[0], e = logits.dims[1], k = dw_value.dims[1];
    int32_t dw = in[0], p = OP(g, softmax ? "Softmax" : "Sigmoid", NULL, in[1]), scale = number(g, logits.dtype, assay_node_f64(n, "scale", 1));
    int32_t ones = one_hot(g, in[2], e, logits.dtype); /* [t, k, e] */
    int32_t s = sum(g, OP(g, "Mul", NULL, ones, SHAPE(g, p, t, 1, e)), 2, false);
    int32_t ds = dw;
    if (assay_node_i64(n, "normalize", 1)) {
        int32_t all = sum(g, s, 1, true), shared = OP(g, "Div", NULL, sum(g, OP(g, "Mul", NULL, dw, s), 1, true), all);
        ds = OP(g, "Div", NULL, OP(g, "Sub", NULL, dw, shared), all);
    }
    ds = OP(g, "Mul", NULL, ds, scale);
    int32_t of = sum(g, OP(g, "Mul", NULL, ones, SHAPE(g, ds, t, k, 1)), 1, false);
    if (softmax)
        out[0] = OP(g, "Mul", NULL, p, OP(g, "Sub", NULL, of, sum(g, OP(g, "Mul", NULL, ds, s), 1, true)));
    else
        out[0] = OP(g, "Mul", NULL, of, OP(g, "Mul", NULL, p, OP(g, "Sub", NULL, number(g, logits.dtype, 1), p)));
}

static void moe_combine_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    struct assay_value weights = at(g, in[2]), rows = at(g, in[1]);
    int64_t            slots = rows.dims[0];
    int32_t            source = cast(g, in[3], ASSAY_I64);
    int32_t            token = OP(g, "Div", NULL, source, number(g, ASSAY_I64, (double)weights.dims[1]));
    int32_t            dy = OP(g, "Gather", NULL, in[0], token), w = OP(g, "Gather", NULL, SHAPE(g, in[2], slots), source);
    (void)n;
    out[0] = OP(g, "Mul", NULL, dy, SHAPE(g, w, slots, 1));
    int32_t dots = sum(g, OP(g, "Mul", NULL, dy, in[1]), 1, true);
    int32_t back = turn(g, one_hot(g, source, slots, rows.dtype), 2, (int64_t[]){1, 0});
    out[1] = SHAPE(g, OP(g, "MatMul", NULL, back, dots), weights.dims[0], weights.dims[1]);
}

/* Rows that are not of the group are zeros. */
static void grouped_mat_mul_weight_grad(struct assay_graph *g, const struct assay_node *n, const int32_t *in, int32_t *out)
{
    enum assay_dtype dtype = at(g, in[0]).dtype;
    int64_t          rows = at(g, in[0]).dims[0], groups = (int64_t)at(g, in[2]).elements;
    int32_t          number_of = iota(g, groups), counts = SHAPE(g, cast(g, in[2], ASSAY_I64), groups, 1);
    int32_t          earlier = cast(g, OP(g, "Less", NULL, number_of, SHAPE(g, number_of, groups, 1)), ASSAY_I64);
    int32_t          begin = OP(g, "MatMul", NULL, earlier, counts), end = OP(g, "Add", NULL, begin, counts);
    int32_t          row = iota(g, rows);
    int32_t          in_it = OP(g, "And", NULL, OP(g, "LessOrEqual", NULL, begin, row), OP(g, "Greater", NULL, end, row));
    int32_t          a = OP(g, "Mul", NULL, in[0], SHAPE(g, cast(g, in_it, dtype), groups, rows, 1));
    (void)n;
    out[0] = OP(g, "MatMul", NULL, turn(g, a, 3, (int64_t[]){0, 2, 1}), in[1]);
}

static const struct {
    const char *op;
    void (*build)(struct assay_graph *g, const struct assay_node *node, const int32_t *in, int32_t *out);
} decompositions[] = {
    {"assay.SliceGrad", slice_grad},
    {"assay.GatherGrad", gather_grad},
    {"assay.TopKGrad", top_k_grad},
    {"assay.ReduceExtremeGrad", reduce_extreme_grad},
    {"assay.EmbeddingBagGrad", embedding_bag_grad},
    {"assay.MoeRouteGrad", moe_route_grad},
    {"assay.MoeCombineGrad", moe_combine_grad},
    {"assay.GroupedMatMulWeightGrad", grouped_mat_mul_weight_grad},
};

/* ---- comparing ------------------------------------------------------------------------------------------------ */

static void compare(struct assay_reference *r, const struct assay_graph *g, int32_t a, int32_t b, const struct assay_sample *s)
{
    struct assay_error err = {0};
    size_t             n = assay_graph_value(g, a)->elements;
    cr_assert(assay_value_same_shape(assay_graph_value(g, a), assay_graph_value(g, b)), "%s: another shape", s->op);
    for (size_t i = 0; i < n; i++) {
        int64_t index = (int64_t)i;
        double  x, y, bound_x, bound_y;
        cr_assert_eq(assay_reference_at(r, a, 1, &index, &x, &bound_x, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_reference_at(r, b, 1, &index, &y, &bound_y, &err), ASSAY_OK, "%s", err.message);
        cr_expect(isfinite(bound_x + bound_y) && fabs(x - y) <= bound_x + bound_y,
                  "%s(%s; %s) [%zu]: %.12g +- %.3g, of core ops %.12g +- %.3g", s->op, s->inputs, s->attrs, i, x, bound_x, y, bound_y);
    }
}

static void check(const struct assay_sample *s, size_t which, enum assay_dtype dtype)
{
    int32_t             in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS], parts[2];
    size_t              n_in;
    struct assay_error  err = {0};
    struct assay_graph *g = sample_graph(s, dtype, in, &n_in, out);
    cr_assert_eq(g->first_error.code, ASSAY_OK, "%s: %s", s->op, g->first_error.message);
    const struct assay_node node = g->nodes[0];
    decompositions[which].build(g, &node, in, parts);
    for (int o = 0; o < s->n_outputs; o++) {
        assay_graph_output(g, out[o]);
        assay_graph_output(g, parts[o]);
    }
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", s->op, err.message);
    void *data[400] = {NULL};
    cr_assert(g->n_values <= 400);
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].role == ASSAY_ROLE_INPUT) {
            data[v] = calloc(g->values[v].elements + 1, sizeof(double));
            cr_assert_eq(assay_fill_value(g, (int32_t)v, 5, 0, data[v], &err), ASSAY_OK, "%s", err.message);
        }
    struct assay_reference *r;
    cr_assert_eq(assay_reference_new(g, (const void *const *)data, &r, &err), ASSAY_OK, "%s", err.message);
    for (int o = 0; o < s->n_outputs; o++)
        compare(r, g, out[o], parts[o], s);
    assay_reference_free(r);
    for (size_t v = 0; v < 400; v++)
        free(data[v]);
    assay_graph_free(g);
}

Test(decompositions_index, gradient_ops_are_what_core_ops_make_of_their_definitions, .timeout = 60)
{
    for (size_t k = 0; k < sizeof decompositions / sizeof *decompositions; k++) {
        size_t found = 0;
        for (size_t i = 0; i < assay_samples_n; i++)
            if (assay_samples[i].size == ASSAY_SAMPLE_SMALL && !strcmp(assay_samples[i].op, decompositions[k].op)) {
                check(&assay_samples[i], k, ASSAY_F64);
                check(&assay_samples[i], k, ASSAY_F32);
                found++;
            }
        cr_expect(found >= 1, "%s has no sample", decompositions[k].op);
    }
}
