/* Attention: softmax(softcap(scale Q K^T) + mask) V, with grouped heads, causal masking and a cache in front of K and
 * V. As in ONNX since opset 23 (with the order that its erratum fixed): softcap before the mask, and causal means that
 * query i sees the keys up to i + past, or with nonpad_kv_seqlen as many as let the last query see the last key.
 * Outputs: Y; the present keys and values; and the scores, by qk_matmul_output_mode 0 raw, 1 after softcap, 2 after the
 * mask, 3 after the softmax.
 *
 * The error of Q K^T enters the exponent (see softmax_row.h). Scores stay in the accumulator's format; weights may be
 * rounded to the format of V before they meet it. Rows with every key masked are 0/0: nothing is asked of them. */
#include <stdatomic.h>
#include <stdlib.h>

#include "harness/base/parallel.h"
#include "reference/attention_scores.h"
#include "reference/attention_values.h"
#include "reference/dense.h"
#include "reference/formats/formats.h"
#include "reference/patches.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

/* ---- Y ------------------------------------------------------------------------------------------------------- */

/* A group is one query: [batch, head, query]. */
static size_t query_of(const void *self, int64_t index)
{
    const struct assay_ref_attention *a = self;
    if (a->folded)
        return (size_t)index;
    if (!a->flat)
        return (size_t)(index / a->v_width);
    int64_t head = index / a->v_width % a->q_heads, query = index / (a->v_width * a->q_heads);
    return (size_t)((query / a->queries * a->q_heads + head) * a->queries + query % a->queries);
}

/* Column d of the values, copied side by side. */
static struct assay_ref_vector column_of(const struct assay_ref_attention *a, int64_t batch, int64_t kv, int64_t d, double *to)
{
    bool errors = a->v.t->error || (a->past > 0 && a->past_v.t->error);
    if (a->turned) {
        const double *at = a->turned + ((batch * a->kv_heads + kv) * a->v_width + d) * a->keys;
        int64_t all = a->batches * a->kv_heads * a->v_width * a->keys;
        return (struct assay_ref_vector){at, NULL, errors ? at + all : NULL};
    }
    for (int64_t j = 0; j < a->keys; j++) {
        struct assay_ref_vector row = assay_ref_cached_row(a, &a->past_v, &a->v, batch, kv, j);
        to[j] = row.value[d];
        to[a->keys + j] = row.error ? row.error[d] : 0;
    }
    return (struct assay_ref_vector){to, NULL, errors ? to + a->keys : NULL};
}

/* Head `number`, counted over the batches. */
static void turn_head(const struct assay_ref_attention *a, int64_t number)
{
    bool errors = a->v.t->error || (a->past > 0 && a->past_v.t->error);
    int64_t batch = number / a->kv_heads, kv = number % a->kv_heads;
    int64_t at = number * a->v_width * a->keys, all = a->batches * a->kv_heads * a->v_width * a->keys;
    for (int64_t j = 0; j < a->keys; j++) {
        struct assay_ref_vector row = assay_ref_cached_row(a, &a->past_v, &a->v, batch, kv, j);
        for (int64_t d = 0; d < a->v_width; d++)
            a->turned[at + d * a->keys + j] = row.value[d];
        for (int64_t d = 0; errors && d < a->v_width; d++)
            a->turned[all + at + d * a->keys + j] = row.error ? row.error[d] : 0;
    }
}

static void turn_heads(void *self, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        turn_head(self, (int64_t)i);
}

/* Worth it where most of the output is asked for; without memory it is only slower. */
static void turn_values(struct assay_ref_attention *a, size_t n)
{
    size_t size = (size_t)(a->batches * a->kv_heads * a->v_width * a->keys);
    if ((int64_t)n >= a->batches * a->q_heads * a->queries * a->v_width / 2 && (a->turned = malloc((2 * size + 1) * sizeof(double))))
        assay_parallel_for((size_t)(a->batches * a->kv_heads), 1, turn_heads, a);
}

static struct assay_bounded folded_output(const struct assay_ref_attention *a, struct assay_ref_vector w,
                                          struct assay_bounded sum, int64_t batch, int64_t kv)
{
    int64_t all = a->batches * a->kv_heads * a->keys, at = (batch * a->kv_heads + kv) * a->keys;
    struct assay_ref_vector v = {a->folded + at, a->folded + all + at, a->folded + 2 * all + at};
    struct assay_ref_sum s = assay_ref_dot(&a->call->arithmetic, (size_t)a->keys, w, v);
    s.own += assay_ref_gamma((double)a->v_width + 8, ASSAY_REF_OWN) * s.magnitude;
    struct assay_bounded top = assay_ref_sum_close(&a->call->arithmetic, &s, (double)a->keys, (double)a->keys);
    /* The division's error for all folded columns together: magnitudes in place of the values. */
    double room = sum.value - sum.error;
    double error = room > 0 ? (top.error + s.magnitude / sum.value * sum.error) / room : (double)INFINITY;
    struct assay_ref_sum quotient = {top.value / sum.value, s.magnitude / sum.value, error,
                                     4 * ASSAY_REF_OWN * fabs(top.value / sum.value)};
    return assay_ref_fold_close(
        a->call, &quotient, 1,
        (2 * assay_reference_ulps.divide + 1) * a->soft.accumulate / a->call->arithmetic.accumulate, a->weights);
}

static void each_query(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_attention *a = self;
    const struct assay_arithmetic *ar = &a->call->arithmetic;
    int64_t query = (int64_t)group % a->queries, head = (int64_t)group / a->queries % a->q_heads;
    int64_t batch = (int64_t)group / a->queries / a->q_heads, kv = head / (a->q_heads / a->kv_heads);
    double *x = scratch, *e = scratch + a->keys, *column = scratch + 2 * a->keys;
    assay_ref_attention_scores(a, batch, head, query, 3, x, e);
    struct assay_ref_softmax s = assay_ref_softmax_row(&a->soft, (size_t)a->keys, x, e);
    assay_ref_round_weights(ar, a->v.t->dtype, (size_t)a->keys, s.sum.value, x, e);
    struct assay_ref_vector w = {x, NULL, e};
    int64_t last = -1;
    struct assay_bounded y = {0, 0};
    for (size_t i = 0; i < count; i++) {
        int64_t d = a->index[places[i]] % a->v_width;
        if (a->folded) {
            y = folded_output(a, w, s.sum, batch, kv);
        } else if (d != last) {
            struct assay_ref_vector values = column_of(a, batch, kv, d, column);
            struct assay_ref_sum top = assay_ref_dot(ar, (size_t)a->keys, w, values);
            assay_ref_padding(&top, (size_t)a->keys, x, values.value); /* of masked keys the weights are 0 */
            y = assay_ref_softmax_divide(&a->soft, assay_ref_sum_close(ar, &top, (double)a->keys, (double)a->keys),
                                         s.sum);
            last = d;
        }
        if (s.all_masked)
            y.error = INFINITY;
        if (a->folded) {
            a->value[places[i]] = y.value;
            a->bound[places[i]] = y.error;
        } else {
            assay_ref_put(a->call, places[i], y, a->value, a->bound);
        }
    }
}

/* ---- Y without bounds: all queries of a head at a time ------------------------------------------------------------ */

static int64_t place_of(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t query)
{
    return a->flat ? ((batch * a->queries + query) * a->q_heads + head) * a->v_width
                   : ((batch * a->q_heads + head) * a->queries + query) * a->v_width;
}

struct pieces {
    const struct assay_ref_attention *a;
    atomic_bool no_memory;
};

/* Numbers count (batch, head, piece of the queries). */
static void do_pieces(void *self, size_t begin, size_t end)
{
    struct pieces *job = self;
    const struct assay_ref_attention *a = job->a;
    int64_t pieces = (a->queries + ASSAY_REF_QUERIES - 1) / ASSAY_REF_QUERIES;
    double *x = malloc((size_t)(ASSAY_REF_QUERIES * a->keys + 1) * sizeof *x);
    if (!x) {
        atomic_store(&job->no_memory, true);
        return;
    }
    for (size_t i = begin; i < end; i++) {
        int64_t first = (int64_t)i % pieces * ASSAY_REF_QUERIES, head = (int64_t)i / pieces % a->q_heads;
        int64_t batch = (int64_t)i / pieces / a->q_heads, kv = head / (a->q_heads / a->kv_heads);
        int64_t n = a->queries - first < ASSAY_REF_QUERIES ? a->queries - first : ASSAY_REF_QUERIES;
        assay_ref_attention_weights(a, batch, head, first, n, x);
        struct assay_ref_dense y = {.rows = n, .columns = a->v_width, .terms = a->keys, .x = x, .x_row = a->keys,
                                    .y = a->turned + (batch * a->kv_heads + kv) * a->v_width * a->keys, .y_row = a->keys,
                                    .value = a->value + place_of(a, batch, head, first), .step = place_of(a, 0, 0, 1)};
        assay_ref_multiply(a->call->multiplier, &y);
    }
    free(x);
}

static enum assay_code do_whole(const struct assay_ref_attention *a, struct assay_error *err)
{
    struct pieces job = {.a = a};
    int64_t pieces = (a->queries + ASSAY_REF_QUERIES - 1) / ASSAY_REF_QUERIES;
    atomic_init(&job.no_memory, false);
    assay_parallel_for((size_t)(a->batches * a->q_heads * pieces), 1, do_pieces, &job);
    return atomic_load(&job.no_memory) ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the scores of %lld keys", (long long)a->keys)
                                       : ASSAY_OK;
}

/* ---- the other outputs --------------------------------------------------------------------------------------- */

/* Present keys or values: [batch, head, key, element], copied. */
static void put_present(const struct assay_ref_attention *a, size_t n)
{
    bool keys = a->call->output == 1;
    int64_t width = keys ? a->width : a->v_width;
    for (size_t i = 0; i < n; i++) {
        int64_t d = a->index[i] % width, j = a->index[i] / width % a->keys,
                head = a->index[i] / width / a->keys % a->kv_heads;
        int64_t batch = a->index[i] / width / a->keys / a->kv_heads;
        struct assay_ref_vector row =
            assay_ref_cached_row(a, keys ? &a->past_k : &a->past_v, keys ? &a->k : &a->v, batch, head, j);
        a->value[i] = row.value[d];
        a->bound[i] = row.error ? row.error[d] : 0;
    }
}

static size_t score_query(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct assay_ref_attention *)self)->keys);
}

static void each_score(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_attention *a = self;
    int64_t mode = assay_node_i64(a->call->node, "qk_matmul_output_mode", 0), query = (int64_t)group % a->queries;
    int64_t head = (int64_t)group / a->queries % a->q_heads, batch = (int64_t)group / a->queries / a->q_heads;
    double *x = scratch, *e = scratch + a->keys;
    struct assay_ref_softmax s = {.all_masked = false};
    assay_ref_attention_scores(a, batch, head, query, mode, x, e);
    if (mode == 3)
        s = assay_ref_softmax_row(&a->soft, (size_t)a->keys, x, e);
    for (size_t i = 0; i < count; i++) {
        int64_t j = a->index[places[i]] % a->keys;
        struct assay_bounded y = bounded(x[j], e[j]);
        if (mode == 3)
            y = assay_ref_softmax_divide(&a->soft, y, s.sum);
        if (s.all_masked)
            y.error = INFINITY;
        assay_ref_put(a->call, places[i], y, a->value, a->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_attention a;
    assay_ref_attention_setup(call, 0, &a);
    a.index = index;
    a.value = value;
    a.bound = bound;
    if (call->output == 1 || call->output == 2) {
        put_present(&a, n);
        return ASSAY_OK;
    }
    if (call->output == 0)
        turn_values(&a, n);
    if (call->output == 0 && a.turned && assay_ref_attention_is_whole(&a, n)) {
        enum assay_code code = do_whole(&a, err);
        free(a.turned);
        return code;
    }
    struct assay_ref_groups groups = {.n_groups = (size_t)(a.batches * a.q_heads * a.queries),
                                      .scratch = 4 * (size_t)a.keys,
                                      .group_of = call->output == 0 ? query_of : score_query,
                                      .each = call->output == 0 ? each_query : each_score,
                                      .self = &a};
    enum assay_code code = assay_ref_by_group(&groups, n, index, err);
    free(a.turned);
    return code;
}

/* ---- fold over the width of the heads: fold V first ---------------------------------------------------------- */

static void fold_values(const struct assay_ref_attention *a, const double *weight, double *to)
{
    int64_t all = a->batches * a->kv_heads * a->keys;
    for (int64_t i = 0; i < all; i++) {
        int64_t j = i % a->keys, head = i / a->keys % a->kv_heads, batch = i / a->keys / a->kv_heads;
        struct assay_ref_vector row = assay_ref_cached_row(a, &a->past_v, &a->v, batch, head, j);
        for (int64_t d = 0; d < a->v_width; d++) {
            to[i] += weight[d] * row.value[d];
            to[all + i] += fabs(weight[d] * row.value[d]);
            to[2 * all + i] += row.error ? fabs(weight[d]) * row.error[d] : 0;
        }
    }
}

static enum assay_code fold(const struct assay_ref_call *call, int32_t axis, const double *weight, size_t n,
                            const int64_t *index, double *value, double *bound, struct assay_error *err)
{
    struct assay_ref_attention a;
    if (call->output != 0 || call->out[0].rank != 4 || axis != 3)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "Attention folds the last axis of a Y with four axes only");
    assay_ref_attention_setup(call, 0, &a);
    double *folded = calloc(3 * (size_t)(a.batches * a.kv_heads * a.keys) + 1, sizeof *folded);
    if (!folded)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to fold the values of %lld keys", (long long)a.keys);
    fold_values(&a, weight, folded);
    a.folded = folded;
    a.index = index;
    a.value = value;
    a.bound = bound;
    for (int64_t d = 0; d < a.v_width; d++)
        a.weights += fabs(weight[d]);
    struct assay_ref_groups groups = {.n_groups = (size_t)(a.batches * a.q_heads * a.queries),
                                      .scratch = 2 * (size_t)a.keys,
                                      .group_of = query_of,
                                      .each = each_query,
                                      .self = &a};
    enum assay_code code = assay_ref_by_group(&groups, n, index, err);
    free(folded);
    return code;
}

ASSAY_OP_REFERENCE(Attention) = {.at = at, .fold = fold};
