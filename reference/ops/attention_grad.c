/* assay.AttentionGrad: dQ, dK, dV from the weights P, which are made again, dP = dY V^T, D = sum of P dP and
 * dS = P (dP - D), through the softcap where there is one.
 *
 * A weight may come from the stored logarithm of its row's sum (fused kernels keep that): exp(score - log), which rounds
 * the logarithm and the difference. D may be the dot product of dY and Y instead, whose terms are as large as |dY| |V| |P|.
 * P and dS may be rounded to the operands' format before they meet them. A row whose keys are all masked is 0/0. */
#include "reference/attention_scores.h"
#include "reference/attention_values.h"
#include "reference/elementwise.h"
#include "reference/formats/formats.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

enum { DY, Q, K, V };

struct job {
    struct assay_ref_attention a;
    struct assay_ref_heads dy;
    int64_t group; /* query heads of one key head */
};

/* Of one query, by key: P and dS with their errors. */
struct pairs {
    double *p, *p_error, *s, *s_error;
};
#define SCRATCH_ROWS 7

static struct pairs pairs_in(const struct job *j, double *scratch)
{
    int64_t n = j->a.keys;
    return (struct pairs){scratch, scratch + n, scratch + 2 * n, scratch + 3 * n};
}

/* A weight of exactly 0 is that of a masked pair, which a device may leave out or multiply: of what is no number, then, nothing is
 * known. */
static bool is_left_out(struct assay_bounded weight, struct assay_bounded x)
{
    return weight.value == 0 && weight.error == 0 && !isfinite(x.value);
}

static void take_weighted(struct assay_ref_sum *s, struct assay_bounded weight, struct assay_bounded x)
{
    assay_ref_sum_take_product(s, weight, x);
    if (is_left_out(weight, x))
        s->error = INFINITY;
}

/* Weights become probabilities. */
static void divide_weights(const struct job *j, struct assay_ref_softmax sum, const struct pairs *w, const double *scores)
{
    const struct assay_arithmetic *a = &j->a.soft;
    double greatest = 0, u = a->accumulate;
    for (int64_t k = 0; k < j->a.keys; k++)
        greatest = isfinite(scores[k]) ? fmax(greatest, fabs(scores[k])) : greatest;
    double stored = u * (greatest + (2 + 2 * assay_reference_ulps.log) * fabs(log(sum.sum.value)));
    for (int64_t k = 0; k < j->a.keys; k++) {
        struct assay_bounded p = assay_ref_softmax_divide(a, bounded(w->p[k], w->p_error[k]), sum.sum);
        w->p[k] = p.value;
        if (isnan(p.value) && scores[k] == -(double)INFINITY)
            p.error = INFINITY; /* masked in a row that is no number: whoever leaves it out has 0 */
        w->p_error[k] = sum.all_masked || isinf(p.error) ? (double)INFINITY : p.error + stored * p.value;
    }
}

static void round_to_format(const struct job *j, double *value, double *error)
{
    const struct assay_number_format *f = assay_format_of(j->a.v.t->dtype);
    if (!f || f->unit_roundoff <= j->a.call->arithmetic.accumulate)
        return;
    for (int64_t k = 0; k < j->a.keys; k++) {
        double high = fabs(value[k]) + error[k];
        error[k] += fmin(high, f->unit_roundoff * fmax(high, f->smallest_normal));
    }
}

/* 1 - (capped / softcap)^2 of the pair; scores of mode 1. */
static struct assay_bounded slope_of(const struct job *j, struct assay_bounded capped)
{
    const struct assay_arithmetic *a = &j->a.call->arithmetic;
    struct assay_bounded t = assay_bounded_divide(a, capped, bounded(j->a.softcap, 0));
    return bounded_subtract(a, bounded(1, 0), bounded_multiply(a, t, t));
}

/* scratch: SCRATCH_ROWS rows of keys; the first four are the result. */
static struct pairs pairs_of(const struct job *j, int64_t batch, int64_t head, int64_t query, double *scratch)
{
    const struct assay_ref_attention *at = &j->a;
    const struct assay_arithmetic *a = &at->call->arithmetic;
    struct pairs w = pairs_in(j, scratch);
    double *magnitude = scratch + 4 * at->keys, *capped = scratch + 5 * at->keys, *capped_error = scratch + 6 * at->keys;
    struct assay_ref_vector dy = assay_ref_head_row(&j->dy, batch, head, query);
    struct assay_ref_sum all = {0};
    assay_ref_attention_scores(at, batch, head, query, 3, w.p, w.p_error);
    for (int64_t k = 0; k < at->keys; k++)
        magnitude[k] = w.p[k];
    struct assay_ref_softmax sum = assay_ref_softmax_row(&at->soft, (size_t)at->keys, w.p, w.p_error);
    divide_weights(j, sum, &w, magnitude);
    if (at->softcap != 0)
        assay_ref_attention_scores(at, batch, head, query, 1, capped, capped_error);
    for (int64_t k = 0; k < at->keys; k++) {
        struct assay_ref_vector v = assay_ref_head_row(&at->v, batch, head / j->group, k);
        struct assay_ref_sum dot = assay_ref_dot(a, (size_t)at->v_width, dy, v);
        struct assay_bounded dp = assay_ref_sum_close(a, &dot, (double)at->v_width, (double)at->v_width);
        w.s[k] = dp.value;
        w.s_error[k] = dp.error;
        double magnitude_so_far = all.magnitude;
        take_weighted(&all, bounded(w.p[k], w.p_error[k]), dp);
        all.magnitude = magnitude_so_far + w.p[k] * dot.magnitude;
    }
    all.own = assay_ref_gamma((double)at->keys + 8, ASSAY_REF_OWN) * all.magnitude;
    struct assay_bounded d = assay_ref_sum_close(a, &all, (double)at->keys, (double)(at->keys + at->v_width));
    for (int64_t k = 0; k < at->keys; k++) {
        struct assay_bounded off = bounded_subtract(a, bounded(w.s[k], w.s_error[k]), d);
        off = bounded_multiply(a, bounded(w.p[k], w.p_error[k]), off);
        if (is_left_out(bounded(w.p[k], w.p_error[k]), off))
            off.error = INFINITY;
        if (at->softcap != 0 && w.p[k] + w.p_error[k] > 0)
            off = bounded_multiply(a, off, slope_of(j, bounded(capped[k], capped_error[k])));
        w.s[k] = off.value;
        w.s_error[k] = off.error;
    }
    round_to_format(j, w.p, w.p_error);
    round_to_format(j, w.s, w.s_error);
    return w;
}

/* ---- sums ------------------------------------------------------------------------------------------------------ */

static struct assay_bounded of_row(struct assay_ref_vector v, int64_t i)
{
    return bounded(v.value[i], v.error ? v.error[i] : 0);
}

/* A finished sum, times the scale where there is one: on the sum, or on either factor, perhaps as two square roots. */
static void put_sum(const struct job *j, size_t place, struct assay_ref_sum s, double terms, double scale)
{
    double factor = fabs(scale);
    s.own = assay_ref_gamma(terms + 8, ASSAY_REF_OWN) * s.magnitude * factor;
    s.value *= scale;
    s.magnitude *= factor;
    s.error *= factor;
    struct assay_bounded x = assay_ref_sum_close(&j->a.call->arithmetic, &s, terms, terms + (scale != 1 ? 6 : 0));
    assay_ref_put(j->a.call, place, x, j->a.value, j->a.bound);
}

/* [batch, head, position, element] of an element of an output, whatever its order in memory. */
struct where {
    int64_t batch, head, position, element;
};

static struct where where_of(bool flat, int64_t heads, int64_t positions, int64_t width, int64_t index)
{
    struct where w = {.element = index % width};
    int64_t outer = index / width, inner = flat ? heads : positions;
    *(flat ? &w.head : &w.position) = outer % inner;
    outer /= inner;
    *(flat ? &w.position : &w.head) = outer % (flat ? positions : heads);
    w.batch = outer / (flat ? positions : heads);
    return w;
}

static struct where of_query(const struct job *j, int64_t index)
{
    return where_of(j->a.flat, j->a.q_heads, j->a.queries, j->a.width, index);
}

static struct where of_key(const struct job *j, int64_t index)
{
    return where_of(j->a.flat, j->a.kv_heads, j->a.keys, j->a.call->output == 1 ? j->a.width : j->a.v_width, index);
}

static size_t query_of(const void *self, int64_t index)
{
    const struct job *j = self;
    struct where w = of_query(j, index);
    return (size_t)((w.batch * j->a.q_heads + w.head) * j->a.queries + w.position);
}

static void each_query(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    int64_t query = (int64_t)group % j->a.queries, head = (int64_t)group / j->a.queries % j->a.q_heads;
    int64_t batch = (int64_t)group / j->a.queries / j->a.q_heads;
    struct pairs w = pairs_of(j, batch, head, query, scratch);
    for (size_t i = 0; i < count; i++) {
        int64_t d = of_query(j, j->a.index[places[i]]).element;
        struct assay_ref_sum s = {0};
        for (int64_t k = 0; k < j->a.keys; k++)
            take_weighted(&s, bounded(w.s[k], w.s_error[k]), of_row(assay_ref_head_row(&j->a.k, batch, head / j->group, k), d));
        put_sum(j, places[i], s, (double)j->a.keys, j->a.scale);
    }
}

static size_t key_head_of(const void *self, int64_t index)
{
    const struct job *j = self;
    struct where w = of_key(j, index);
    return (size_t)(w.batch * j->a.kv_heads + w.head);
}

/* What a query adds to element i: a weight, that of its key's position, times an element of the query's own row. */
struct share {
    int64_t position, element;
};

static void add_values(size_t count, const struct share *at, const double *weight, const double *with, double *sums)
{
    for (size_t i = 0; i < count; i++)
        sums[3 * i] += weight[at[i].position] * with[at[i].element];
}

static void add_bounded(size_t count, const struct share *at, const double *weight, const double *error,
                        struct assay_ref_vector with, double *sums)
{
    for (size_t i = 0; i < count; i++) {
        struct assay_ref_sum s = {sums[3 * i], sums[3 * i + 1], sums[3 * i + 2], 0};
        take_weighted(&s, bounded(weight[at[i].position], error[at[i].position]), of_row(with, at[i].element));
        sums[3 * i] = s.value;
        sums[3 * i + 1] = s.magnitude;
        sums[3 * i + 2] = s.error;
    }
}

/* dK or dV: each query of each head of the group adds its share to the elements that are asked for. */
static void add_up(const struct job *j, size_t group, size_t count, const size_t *places, double *scratch)
{
    bool keys = j->a.call->output == 1;
    int64_t kv = (int64_t)group % j->a.kv_heads, batch = (int64_t)group / j->a.kv_heads, rows = j->group * j->a.queries;
    double *sums = scratch + SCRATCH_ROWS * j->a.keys;
    struct share *at = (struct share *)(void *)(sums + 3 * count);
    for (size_t i = 0; i < count; i++) {
        struct where w = of_key(j, j->a.index[places[i]]);
        at[i] = (struct share){w.position, w.element};
        sums[3 * i] = sums[3 * i + 1] = sums[3 * i + 2] = 0;
    }
    for (int64_t r = 0; r < rows; r++) {
        int64_t head = kv * j->group + r / j->a.queries, query = r % j->a.queries;
        struct pairs w = pairs_of(j, batch, head, query, scratch);
        struct assay_ref_vector with = assay_ref_head_row(keys ? &j->a.q : &j->dy, batch, head, query);
        if (j->a.call->values_only)
            add_values(count, at, keys ? w.s : w.p, with.value, sums);
        else
            add_bounded(count, at, keys ? w.s : w.p, keys ? w.s_error : w.p_error, with, sums);
    }
    for (size_t i = 0; i < count; i++)
        put_sum(j, places[i], (struct assay_ref_sum){sums[3 * i], sums[3 * i + 1], sums[3 * i + 2], 0}, (double)rows,
                keys ? j->a.scale : 1);
}

/* Elements of a head that are asked for; the same one may be, more than once. */
static size_t room_of(const struct job *j)
{
    int64_t widest = j->a.width > j->a.v_width ? j->a.width : j->a.v_width;
    return (size_t)(j->a.keys * widest) + 1;
}

static void each_key_head(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    size_t room = room_of(self);
    for (size_t first = 0; first < count; first += room)
        add_up(self, group, count - first < room ? count - first : room, places + first, scratch);
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct job j;
    assay_ref_attention_setup(call, Q, &j.a);
    j.a.index = index;
    j.a.value = value;
    j.a.bound = bound;
    j.dy = assay_ref_heads_of(&call->in[DY], j.a.q_heads);
    j.group = j.a.q_heads / j.a.kv_heads;
    if (assay_ref_attention_gradient_values(&j.a, &j.dy, n))
        return ASSAY_OK;
    struct assay_ref_groups groups = {.n_groups = (size_t)(j.a.batches * j.a.kv_heads),
                                      .scratch = SCRATCH_ROWS * (size_t)j.a.keys + 5 * room_of(&j),
                                      .group_of = key_head_of,
                                      .each = each_key_head,
                                      .self = &j};
    if (call->output == 0) {
        groups.n_groups = (size_t)(j.a.batches * j.a.q_heads * j.a.queries);
        groups.scratch = SCRATCH_ROWS * (size_t)j.a.keys;
        groups.group_of = query_of;
        groups.each = each_query;
    }
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(AttentionGrad) = {.at = at};
