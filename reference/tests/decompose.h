/* For tests of gradient ops: the same function built from core ops in the same graph, and the comparison of the two
 * references, which must agree within the sum of their bounds. */
#ifndef ASSAY_REFERENCE_TESTS_DECOMPOSE_H
#define ASSAY_REFERENCE_TESTS_DECOMPOSE_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "harness/ir/tests/sketch.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

#define LIST(...) (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

static inline const char *fresh(const struct assay_graph *g, char name[32])
{
    (void)snprintf(name, 32, "part%u", g->n_values);
    return name;
}

static inline int32_t core(struct assay_graph *g, const char *op, const int32_t *in, size_t n, const struct assay_attr *attrs)
{
    char name[32];
    return assay_graph_op(g, op, fresh(g, name), in, n, attrs);
}

static inline int32_t core1(struct assay_graph *g, const char *op, int32_t a)
{
    return core(g, op, &a, 1, NULL);
}

static inline int32_t core2(struct assay_graph *g, const char *op, int32_t a, int32_t b)
{
    return core(g, op, (int32_t[]){a, b}, 2, NULL);
}

/* An op whose second input is a list of numbers: Reshape, ReduceSum, ReduceMean. */
static inline int32_t core_list(struct assay_graph *g, const char *op, int32_t a, const int64_t *list, size_t n)
{
    char name[32];
    return core2(g, op, a, assay_graph_i64s(g, fresh(g, name), n, list));
}

/* A const of doubles in the type of `like`. */
static inline int32_t numbers(struct assay_graph *g, int32_t like, const double *x, int32_t rank, const int64_t *dims)
{
    char              name[32];
    uint64_t          n = 1;
    enum assay_dtype  dtype = assay_graph_value(g, like)->dtype;
    for (int32_t i = 0; i < rank; i++)
        n *= (uint64_t)dims[i];
    void *bytes = malloc(8 * n + 8);
    cr_assert_not_null(bytes);
    assay_from_double(dtype, x, n, bytes);
    int32_t v = assay_graph_const(g, fresh(g, name), dtype, rank, dims, bytes);
    free(bytes);
    return v;
}

static inline int32_t number(struct assay_graph *g, int32_t like, double x)
{
    return numbers(g, like, &x, 0, NULL);
}

struct decomposition {
    const char *op, *inputs, *attrs;
    size_t      n_outputs;
    /* Builds the function of node `node` anew: out[n_outputs]. */
    void (*build)(struct assay_graph *g, const struct assay_node *node, int32_t *out);
    bool exact; /* the core ops' values are exact where their bounds cannot know it: those are not given room */
};

static inline void expect_same(const struct decomposition *d, struct assay_reference *r, const struct assay_graph *g, int32_t a,
                               int32_t b, size_t output)
{
    const struct assay_value *v = assay_graph_value(g, a);
    cr_assert(assay_value_same_shape(v, assay_graph_value(g, b)), "%s(%s; %s): output %zu has another shape", d->op, d->inputs,
              d->attrs, output);
    for (int64_t i = 0; i < (int64_t)v->elements; i++) {
        struct assay_error err = {0};
        double x[2], bound[2];
        cr_assert_eq(assay_reference_at(r, a, 1, &i, &x[0], &bound[0], &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_reference_at(r, b, 1, &i, &x[1], &bound[1], &err), ASSAY_OK, "%s", err.message);
        cr_expect(isfinite(bound[1]) && bound[0] <= 1e-2 * (1 + fabs(x[0])), "%s(%s; %s): output %zu [%lld]: bounds %g and %g",
                  d->op, d->inputs, d->attrs, output, (long long)i, bound[0], bound[1]);
        cr_expect(fabs(x[0] - x[1]) <= bound[0] + (d->exact ? 0 : bound[1]),
                  "%s(%s; %s): output %zu [%lld] is %.9g +- %.2g, of core ops %.9g +- %.2g",
                  d->op, d->inputs, d->attrs, output, (long long)i, x[0], bound[0], x[1], bound[1]);
    }
}

static inline void check_decomposition(const struct decomposition *d, enum assay_dtype dtype)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("sample");
    struct assay_reference *r;
    int32_t in[ASSAY_OP_MAX_OPERANDS], out[4], made[4];
    size_t  n = assay_node_inputs_read(g, dtype, ASSAY_FILL_SIGNED, d->inputs, in);
    void   *data[ASSAY_OP_MAX_OPERANDS] = {NULL};
    const void *bound[256] = {NULL};
    assay_node_add(g, d->op, in, n, d->attrs, d->n_outputs, out);
    cr_assert_eq(g->first_error.code, ASSAY_OK, "%s(%s; %s): %s", d->op, d->inputs, d->attrs, g->first_error.message);
    struct assay_node node = g->nodes[g->n_nodes - 1];
    d->build(g, &node, made);
    for (size_t o = 0; o < d->n_outputs && !g->first_error.code; o++) {
        assay_graph_output(g, out[o]);
        assay_graph_output(g, made[o]);
    }
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s(%s; %s): %s", d->op, d->inputs, d->attrs, err.message);
    cr_assert(g->n_values < 256);
    for (size_t i = 0; i < n; i++) {
        data[i] = calloc(g->values[in[i]].elements + 1, 8);
        bound[in[i]] = data[i];
        cr_assert_eq(assay_fill_value(g, in[i], 5, 0, data[i], &err), ASSAY_OK, "%s", err.message);
    }
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK, "%s", err.message);
    for (size_t o = 0; o < d->n_outputs; o++)
        expect_same(d, r, g, out[o], made[o], o);
    assay_reference_free(r);
    for (size_t i = 0; i < n; i++)
        free(data[i]);
    assay_graph_free(g);
}

#endif
