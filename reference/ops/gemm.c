/* Gemm: alpha A' B' + beta C, with A' = A or its transpose, C broadcast.
 * bound: gamma_{K+4}(u) (|alpha| sum |A||B| + |beta C|) + propagated + store; the four are the scalings by alpha and
 * beta, the addition of C, and alpha given to one operand instead. */
#include <stdlib.h>

#include "reference/arithmetic.h"

#include "assay/banned.h"

struct gemm {
    struct assay_ref_product p;
    const struct assay_ref_tensor *c;
    double alpha, beta;
    int64_t c_strides[ASSAY_MAX_RANK];
    const double *weight; /* of a fold, or NULL */
    bool columns;         /* the fold's axis */
    double *turned;       /* A transposed: values, then errors */
};

static void add_c(const struct gemm *g, int64_t element, double weight, struct assay_ref_sum *s)
{
    struct assay_bounded c = bounded_of(g->c, (size_t)assay_ref_offset(&g->p.call->out[0], g->c_strides, element));
    double scale = g->beta * weight;
    assay_ref_sum_take_product(s, bounded(scale, 0), c);
}

static void after(const void *self, int64_t index, struct assay_ref_sum *s)
{
    const struct gemm *g = self;
    int64_t n = g->p.call->out[0].dims[1], length = g->columns ? n : g->p.call->out[0].dims[0];
    s->value *= g->alpha;
    s->magnitude *= fabs(g->alpha);
    s->error *= fabs(g->alpha);
    s->own *= fabs(g->alpha);
    if (g->c && g->beta != 0 && !g->weight)
        add_c(g, index, 1, s);
    for (int64_t j = 0; g->c && g->beta != 0 && g->weight && j < length; j++)
        add_c(g, g->columns ? index * n + j : j * n + index, g->weight[j], s);
    s->own += 4 * ASSAY_REF_OWN * fabs(s->value);
    if (g->weight)
        s->own += assay_ref_gamma((double)length, ASSAY_REF_OWN) * s->magnitude;
}

static enum assay_code turn(struct gemm *g, const struct assay_ref_tensor *a, struct assay_error *err)
{
    int64_t m = a->dims[1], k = a->dims[0];
    g->turned = malloc(((size_t)(m * k) * 2 + 1) * sizeof *g->turned);
    if (!g->turned)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to transpose %lld by %lld", (long long)k, (long long)m);
    for (int64_t i0 = 0; i0 < m; i0 += 8) { /* eight rows of the result at a time share the lines that are read */
        for (int64_t t = 0; t < k; t++) {
            for (int64_t i = i0; i < m && i < i0 + 8; i++) {
                g->turned[i * k + t] = a->value[t * m + i];
                if (a->error)
                    g->turned[m * k + i * k + t] = a->error[t * m + i];
            }
        }
    }
    g->p.x.value = g->turned;
    g->p.x.error = a->error ? g->turned + m * k : NULL;
    return ASSAY_OK;
}

static enum assay_code setup(const struct assay_ref_call *call, struct gemm *g, struct assay_error *err)
{
    static const int64_t zero = 0;
    const struct assay_ref_tensor *a = &call->in[0], *b = &call->in[1];
    bool turn_a = assay_node_i64(call->node, "transA", 0) != 0, turn_b = assay_node_i64(call->node, "transB", 0) != 0;
    *g = (struct gemm){.c = assay_ref_input(call, 2),
                       .alpha = assay_node_f64(call->node, "alpha", 1.0),
                       .beta = assay_node_f64(call->node, "beta", 1.0)};
    g->p = (struct assay_ref_product){.call = call,
                                      .rows = a->dims[turn_a],
                                      .terms = a->dims[!turn_a],
                                      .columns = b->dims[!turn_b],
                                      .batches = 1,
                                      .x = {a->value, NULL, a->error},
                                      .y = {b->value, NULL, b->error},
                                      .x_offset = &zero,
                                      .y_offset = &zero,
                                      .after = after,
                                      .self = g,
                                      .extra_roundings = 4};
    g->p.x_row = g->p.terms;
    g->p.y_term = turn_b ? 1 : g->p.columns;
    g->p.y_column = turn_b ? g->p.terms : 1;
    if (!g->c && g->alpha == 1.0)
        g->p.extra_roundings = 0;
    if (g->c)
        assay_ref_broadcast(&call->out[0], g->c, g->c_strides);
    return turn_a ? turn(g, a, err) : ASSAY_OK;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct gemm g;
    enum assay_code code = setup(call, &g, err);
    g.p.index = index;
    g.p.value = value;
    g.p.bound = bound;
    if (!code)
        code = assay_ref_product_at(&g.p, n, err);
    free(g.turned);
    return code;
}

static enum assay_code fold(const struct assay_ref_call *call, int32_t axis, const double *weight, size_t n,
                            const int64_t *index, double *value, double *bound, struct assay_error *err)
{
    struct gemm g;
    enum assay_code code = setup(call, &g, err);
    g.p.index = index;
    g.p.value = value;
    g.p.bound = bound;
    g.weight = weight;
    g.columns = axis == 1;
    if (!code)
        code = assay_ref_product_fold(&g.p, g.columns, weight, n, err);
    free(g.turned);
    return code;
}

/* Scaled sums are not followed up. */
static double quantum(const struct assay_ref_call *call)
{
    bool plain = assay_node_f64(call->node, "alpha", 1.0) == 1.0 && assay_node_f64(call->node, "beta", 1.0) == 1.0;
    return plain ? assay_ref_quantum_of_products(call) : 0;
}

ASSAY_OP_REFERENCE(Gemm) = {.at = at, .fold = fold, .quantum = quantum};
