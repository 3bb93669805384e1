/* MoeRoute: scores, the k greatest, their weights. Two experts whose scores (with the bias) are closer than their bounds may
 * change places: then nothing is known of which they are. Without a bias the scores at each rank are still known, and so
 * are the weights; with one they are not, and nothing is known of the token. The error of a softmax's sum is shared by all its
 * scores: it moves none past another and cancels in normalized weights. */
#include <string.h>

#include "reference/choose.h"
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
    return (size_t)(index / ((const struct job *)self)->k);
}

/* x, e, apart: the scores by expert; list: by rank of score plus bias. */
static void rank(const struct job *j, const double *x, const double *e, const double *apart, struct assay_ref_ranked *list, double *index_error, double *work)
{
    const struct assay_ref_tensor *bias = assay_ref_input(j->call, 1);
    for (int64_t i = 0; i < j->experts; i++) {
        struct assay_bounded s = bounded(x[i], bias ? e[i] : apart[i]);
        if (bias)
            s = bounded_add(&j->call->arithmetic, s, bounded_of(bias, (size_t)i));
        list[i] = (struct assay_ref_ranked){s.value, s.error, (double)i};
    }
    assay_ref_rank((size_t)j->experts, list, index_error, work);
}

static void each(const void *self, size_t token, size_t count, const size_t *places, double *scratch)
{
    const struct job              *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    size_t                         n = (size_t)j->experts;
    double                        *x = scratch, *e = x + n, *apart = e + n, *index_error = apart + n, *work = index_error + n;
    struct assay_ref_ranked       *list = (struct assay_ref_ranked *)(work + 2 * n);
    struct assay_ref_sum           sum = {0};
    bool                           has_bias = assay_ref_input(j->call, 1) != NULL, certain = true;
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded v = bounded_of(&j->call->in[0], token * n + i);
        x[i] = v.value;
        e[i] = v.error;
    }
    assay_ref_moe_scores(a, j->softmax, n, x, e, apart);
    rank(j, x, e, apart, list, index_error, work);
    for (int64_t r = 0; r < j->k; r++) {
        size_t expert = (size_t)list[r].index;
        certain &= index_error[r] == 0;
        if (has_bias) { /* the weight is the score itself */
            list[r].value = x[expert];
            list[r].error = j->normalize ? apart[expert] : e[expert];
        } else if (!j->normalize) { /* what all scores share does not cancel */
            list[r].error += e[expert] - apart[expert];
        }
        sum.value += list[r].value;
        sum.magnitude += fabs(list[r].value);
        sum.error += list[r].error;
    }
    sum.own = assay_ref_gamma((double)j->k, ASSAY_REF_OWN) * sum.magnitude;
    struct assay_bounded whole = assay_ref_sum_close(a, &sum, (double)j->k, (double)j->k - 1);
    for (size_t i = 0; i < count; i++) {
        int64_t              r = j->index[places[i]] % j->k;
        struct assay_bounded w = bounded(list[r].value, list[r].error);
        if (j->call->output == 1) {
            j->value[places[i]] = list[r].index;
            j->bound[places[i]] = index_error[r];
            continue;
        }
        if (j->normalize)
            w = assay_bounded_divide(a, w, whole);
        if (j->scale != 1)
            w = bounded_multiply(a, w, bounded(j->scale, a->accumulate * fabs(j->scale)));
        assay_ref_put(j->call, places[i], w, j->value, j->bound);
        if (has_bias && !certain)
            j->bound[places[i]] = INFINITY;
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j = {.call = call, .experts = call->in[0].dims[1], .k = assay_node_i64(call->node, "k", 1),
                    .softmax = !strcmp(assay_node_text(call->node, "scoring", "softmax"), "softmax"),
                    .normalize = assay_node_i64(call->node, "normalize", 1) != 0, .scale = assay_node_f64(call->node, "scale", 1),
                    .index = index, .value = value, .bound = bound};
    struct assay_ref_groups groups = {.n_groups = (size_t)call->in[0].dims[0], .scratch = 9 * (size_t)j.experts,
                                      .group_of = group_of, .each = each, .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(MoeRoute) = {.at = at};
