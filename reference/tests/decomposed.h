/* Gradient ops against the same function made of core ops: two references that share nothing but those ops' own. For tests
 * that hold a table of such functions. */
#ifndef ASSAY_REFERENCE_TESTS_DECOMPOSED_H
#define ASSAY_REFERENCE_TESTS_DECOMPOSED_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/tests/samples.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

/* Builds what node q->node computes into out[o] for its outputs, with the helpers of gradient.h. */
struct decomposition {
    const char *op;
    void (*build)(const struct assay_gradient *q, int32_t *out);
};

struct compared {
    size_t elements, finite; /* finite: both bounds are */
    double worst;            /* |difference| / sum of both bounds */
};

static inline void compare_values(struct assay_reference *r, int32_t value, int32_t other, const char *what, struct compared *c)
{
    struct assay_error        err = {0};
    double                    a[512], b[512], bound_a[512], bound_b[512];
    int64_t                   index[512];
    size_t n = c->elements;
    cr_assert_leq(n, 512, "%s", what);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(assay_reference_at(r, value, n, index, a, bound_a, &err), ASSAY_OK, "%s: %s", what, err.message);
    cr_assert_eq(assay_reference_at(r, other, n, index, b, bound_b, &err), ASSAY_OK, "%s: %s", what, err.message);
    for (size_t i = 0; i < n; i++) {
        double room = bound_a[i] + bound_b[i], off = fabs(a[i] - b[i]);
        if (!isfinite(room))
            continue;
        c->finite++;
        cr_expect(off <= room, "%s [%zu]: %.9g, by core ops %.9g; the bounds are %.3g and %.3g", what, i, a[i], b[i], bound_a[i],
                  bound_b[i]);
        c->worst = room > 0 ? fmax(c->worst, off / room) : c->worst;
    }
}

/* The sample in `dtype`, its outputs and their decompositions. */
static inline void check_decomposition(const struct assay_sample *s, const struct decomposition *d, enum assay_dtype dtype)
{
    int32_t in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS], by[ASSAY_OP_MAX_OPERANDS];
    size_t n_in;
    struct assay_error err = {0};
    struct assay_graph *g = sample_graph(s, dtype, in, &n_in, out);
    char what[500];
    (void)snprintf(what, sizeof what, "%s(%s; %s) in %s", s->op, s->inputs, s->attrs, assay_dtype_name(dtype));
    cr_assert_eq(g->first_error.code, ASSAY_OK, "%s: %s", what, g->first_error.message);
    const struct assay_node node = g->nodes[g->n_nodes - 1];
    struct assay_gradient q = {.graph = g, .node = &node};
    for (int o = 0; o < ASSAY_OP_MAX_OPERANDS; o++)
        by[o] = ASSAY_NO_VALUE;
    d->build(&q, by);
    for (int o = 0; o < s->n_outputs && !g->first_error.code; o++) {
        assay_graph_output(g, out[o]);
        if (assay_graph_value(g, by[o]) && assay_graph_value(g, by[o])->role == ASSAY_ROLE_TEMP)
            assay_graph_output(g, by[o]);
    }
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", what, err.message);
    const void **bound = calloc(g->n_values + 1, sizeof *bound);
    void **data = calloc(g->n_values + 1, sizeof *data);
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].role != ASSAY_ROLE_INPUT)
            continue;
        bound[v] = data[v] = calloc(g->values[v].bytes + 8, 1);
        cr_assert_eq(assay_fill_value(g, (int32_t)v, 5, 0, data[v], &err), ASSAY_OK, "%s", err.message);
    }
    struct assay_reference *r;
    cr_assert_eq(assay_reference_new(g, bound, &r, &err), ASSAY_OK, "%s", err.message);
    for (int o = 0; o < s->n_outputs; o++) {
        struct compared c = {.elements = g->values[out[o]].elements};
        cr_assert(by[o] != ASSAY_NO_VALUE, "%s: output %d has no decomposition", what, o);
        cr_expect(assay_value_same_shape(&g->values[out[o]], &g->values[by[o]]), "%s: output %d", what, o);
        compare_values(r, out[o], by[o], what, &c);
        cr_expect_geq(c.finite, (c.elements + 1) / 2, "%s: output %d: %zu of %zu elements have a bound", what, o, c.finite,
                      c.elements);
    }
    assay_reference_free(r);
    for (uint32_t v = 0; v < g->n_values; v++)
        free(data[v]);
    free(data);
    free(bound);
    assay_graph_free(g);
}

/* Every row of the table on every sample of its op; a row without a sample fails. */
static inline void check_decompositions(const struct decomposition *table, size_t n)
{
    for (size_t d = 0; d < n; d++) {
        size_t found = 0;
        for (size_t i = 0; i < assay_samples_n; i++) {
            if (assay_samples[i].size != ASSAY_SAMPLE_SMALL || strcmp(assay_samples[i].op, table[d].op) != 0)
                continue;
            found++;
            check_decomposition(&assay_samples[i], &table[d], ASSAY_F64);
            check_decomposition(&assay_samples[i], &table[d], ASSAY_F32);
        }
        cr_expect(found, "%s has no sample", table[d].op);
    }
}

#endif
