/* MoeRouteGrad, as its definition says, step by step; sums in any order. That the sum over ds_j s_j of normalized weights is
 * zero is left to the arithmetic: a device may know it or compute it. */
#include <string.h>

#include <assert.h>

#include "reference/moe.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    int64_t                      experts, k;
    bool                         softmax, normalize;
    double                       scale;
    const int64_t               *index;
    double                      *value, *bound;
};

static size_t group_of(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct job *)self)->experts);
}

static struct assay_bounded dot(const struct assay_arithmetic *a, int64_t k, struct assay_ref_vector x, struct assay_ref_vector y)
{
    struct assay_ref_sum s = assay_ref_dot(a, (size_t)k, x, y);
    return assay_ref_sum_close(a, &s, (double)k, (double)k);
}

/* Chosen scores side by side, s and their errors; ds into d. */
static void slopes(const struct job *j, size_t token, const double *s, double *d)
{
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *dw = &j->call->in[0];
    size_t                         k = (size_t)j->k, first = token * k;
    struct assay_bounded           sum = {0, 0}, shared = {0, 0}, scale = {j->scale, j->scale == 1 ? 0 : a->accumulate * fabs(j->scale)};
    struct assay_ref_vector        scores = {s, NULL, s + k}, of_dw = {dw->value + first, NULL, dw->error ? dw->error + first : NULL};
    if (j->normalize) {
        struct assay_ref_sum total = assay_ref_total(a, k, scores);
        sum = assay_ref_sum_close(a, &total, (double)k, (double)k - 1);
        shared = assay_bounded_divide(a, dot(a, j->k, of_dw, scores), sum);
    }
    for (size_t i = 0; i < k; i++) {
        struct assay_bounded x = bounded_of(dw, first + i);
        if (j->normalize)
            x = assay_bounded_divide(a, bounded_subtract(a, x, shared), sum);
        x = bounded_multiply(a, x, scale);
        d[i] = x.value;
        d[k + i] = x.error;
    }
}

static bool is_chosen(const struct job *j, size_t token, size_t expert)
{
    bool chosen = false;
    for (size_t i = 0; i < (size_t)j->k; i++)
        chosen |= j->call->in[2].value[token * (size_t)j->k + i] == (double)expert;
    return chosen;
}

static void each(const void *self, size_t token, size_t count, const size_t *places, double *scratch)
{
    const struct job              *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    const struct assay_ref_tensor *experts = &j->call->in[2];
    size_t                         n = (size_t)j->experts, k = (size_t)j->k;
    double                        *x = scratch, *e = x + n, *apart = e + n, *of = apart + n, *of_error = of + n, *s = of_error + n, *d = s + 2 * k;
    bool                           certain = true;
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded v = bounded_of(&j->call->in[1], token * n + i);
        x[i] = v.value;
        e[i] = v.error;
        of[i] = of_error[i] = 0;
    }
    assay_ref_moe_scores(a, j->softmax, n, x, e, apart);
    if (j->normalize)
        e = apart; /* only quotients of scores occur */
    for (size_t i = 0; i < k; i++) {
        size_t expert = (size_t)experts->value[token * k + i];
        s[i] = x[expert];
        s[k + i] = e[expert];
        certain &= !assay_ref_uncertain(experts, token * k + i);
    }
    slopes(j, token, s, d);
    for (size_t i = 0; i < k; i++) {
        of[(size_t)experts->value[token * k + i]] += d[i];
        of_error[(size_t)experts->value[token * k + i]] += d[k + i];
    }
    struct assay_bounded through = dot(a, j->k, (struct assay_ref_vector){d, NULL, d + k}, (struct assay_ref_vector){s, NULL, s + k});
    for (size_t i = 0; i < count; i++) {
        assert(j->experts > 0); /* or no element would be asked for */
        size_t               expert = (size_t)(j->index[places[i]] % j->experts);
        struct assay_bounded p = bounded(x[expert], e[expert]), ds = bounded(of[expert], of_error[expert]), out;
        if (j->softmax)
            out = bounded_multiply(a, p, bounded_subtract(a, ds, through));
        else if (!is_chosen(j, token, expert))
            out = bounded(0, 0); /* whatever its logit is */
        else
            out = bounded_multiply(a, ds, bounded_multiply(a, p, bounded_subtract(a, bounded(1, 0), p)));
        assay_ref_put(j->call, places[i], out, j->value, j->bound);
        if (!certain)
            j->bound[places[i]] = INFINITY;
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .experts = call->in[1].dims[1], .k = call->in[0].dims[1],
                    .softmax = !strcmp(assay_node_text(call->node, "scoring", "softmax"), "softmax"),
                    .normalize = assay_node_i64(call->node, "normalize", 1) != 0, .scale = assay_node_f64(call->node, "scale", 1),
                    .index = index, .value = value, .bound = bound};
    struct assay_ref_groups groups = {.n_groups = (size_t)call->in[1].dims[0], .scratch = 5 * (size_t)j.experts + 4 * (size_t)j.k,
                                      .group_of = group_of, .each = each, .self = &j};
    enum assay_code         code = assay_ref_check_indices(call, 2, 0, j.experts, err);
    return code ? code : assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(MoeRouteGrad) = {.at = at};
