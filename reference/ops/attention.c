/* Attention: softmax(softcap(scale Q K^T) + mask) V, with grouped heads, causal masking and a cache in front of K and
 * V. As in ONNX since opset 23 (with the order that its erratum fixed): softcap before the mask, and causal means that
 * query i sees the keys up to i + past. Outputs: Y; the present keys and values; and the scores, by
 * qk_matmul_output_mode 0 raw, 1 after softcap, 2 after the mask, 3 after the softmax.
 *
 * The error of Q K^T enters the exponent (see softmax_row.h). Scores stay in the accumulator's format; weights may be
 * rounded to the format of V before they meet it. Rows with every key masked are 0/0: nothing is asked of them. */
#include <stdatomic.h>
#include <stdlib.h>

#include "harness/base/parallel.h"
#include "reference/dense.h"

#include "reference/elementwise.h"
#include "reference/formats/formats.h"
#include "reference/softmax_row.h"

#include "assay/banned.h"

/* One of Q, K, V or the cache: [batch, head, position, element], whatever its order in memory. */
struct tensor4 {
    const struct assay_ref_tensor *t;
    int64_t batch, head, position; /* strides */
};

struct attention {
    const struct assay_ref_call *call;
    struct tensor4 q, k, v, past_k, past_v;
    const struct assay_ref_tensor *mask;
    int64_t batches, q_heads, kv_heads, queries, keys, past, width, v_width;
    int64_t mask_strides[4], mask_length;
    double scale, softcap;
    struct assay_arithmetic soft; /* the softmax's, which softmax_precision may lower */
    bool causal, flat;            /* 3-D: heads side by side */
    const int64_t *index;
    double *value, *bound;
    const double *folded; /* V folded over its width: [batch, head, key], value, magnitude, error */
    double *turned;       /* V as [batch, head, element, key], values, then errors; NULL: it is not */
    double weights;
};

static struct tensor4 view(const struct assay_ref_tensor *t, int64_t heads)
{
    int64_t width;
    if (t->rank == 4)
        return (struct tensor4){t, t->dims[1] * t->dims[2] * t->dims[3], t->dims[2] * t->dims[3], t->dims[3]};
    width = t->dims[2] / heads;
    return (struct tensor4){t, t->dims[1] * t->dims[2], width, t->dims[2]};
}

static struct assay_ref_vector row_of(const struct tensor4 *x, int64_t batch, int64_t head, int64_t position)
{
    struct assay_ref_vector v = {x->t->value, NULL, x->t->error};
    return assay_ref_vector_at(v, batch * x->batch + head * x->head + position * x->position);
}

/* Key or value number j, the cache first. */
static struct assay_ref_vector cached_row(const struct attention *a, const struct tensor4 *past,
                                          const struct tensor4 *now, int64_t batch, int64_t head, int64_t j)
{
    return j < a->past ? row_of(past, batch, head, j) : row_of(now, batch, head, j - a->past);
}

static void setup_mask(struct attention *a)
{
    int64_t stride = 1;
    if (!a->mask)
        return;
    for (int32_t d = a->mask->rank - 1, at = 3; d >= 0 && at >= 0; d--, at--) {
        a->mask_strides[at] = a->mask->dims[d] == 1 && at < 3 ? 0 : stride;
        stride *= a->mask->dims[d];
    }
    a->mask_length = a->mask->dims[a->mask->rank - 1];
    if (a->mask_length == 1 && a->keys > 1) { /* broadcast */
        a->mask_strides[3] = 0;
        a->mask_length = a->keys;
    }
}

static void setup(const struct assay_ref_call *call, struct attention *a)
{
    const struct assay_ref_tensor *q = &call->in[0], *k = &call->in[1], *v = &call->in[2];
    const struct assay_ref_tensor *past_k = assay_ref_input(call, 4), *past_v = assay_ref_input(call, 5);
    const struct assay_node *node = call->node;
    *a =
        (struct attention){.call = call, .mask = assay_ref_input(call, 3), .flat = q->rank == 3, .batches = q->dims[0]};
    a->q_heads = a->flat ? assay_node_i64(node, "q_num_heads", 1) : q->dims[1];
    a->kv_heads = a->flat ? assay_node_i64(node, "kv_num_heads", 1) : k->dims[1];
    a->queries = q->dims[a->flat ? 1 : 2];
    a->past = past_k && past_v ? past_k->dims[2] : 0;
    a->keys = k->dims[a->flat ? 1 : 2] + a->past;
    a->width = a->flat ? q->dims[2] / a->q_heads : q->dims[3];
    a->v_width = a->flat ? v->dims[2] / a->kv_heads : v->dims[3];
    a->q = view(q, a->q_heads);
    a->k = view(k, a->kv_heads);
    a->v = view(v, a->kv_heads);
    if (a->past > 0) {
        a->past_k = view(past_k, a->kv_heads);
        a->past_v = view(past_v, a->kv_heads);
    }
    a->scale = assay_node_f64(node, "scale", 0);
    if (a->scale == 0)
        a->scale = 1 / sqrt((double)a->width);
    a->softcap = assay_node_f64(node, "softcap", 0);
    a->causal = assay_node_i64(node, "is_causal", 0) != 0;
    a->soft = call->arithmetic;
    int64_t precision = assay_node_i64(node, "softmax_precision", 0); /* ONNX's numbers: 10 f16, 16 bf16 */
    if (precision == 10 || precision == 16) {
        const struct assay_format *f = assay_format_of(precision == 10 ? ASSAY_F16 : ASSAY_BF16);
        a->soft.accumulate = f->unit_roundoff;
        a->soft.tiny = f->smallest_normal;
    }
    setup_mask(a);
}

/* ---- scores -------------------------------------------------------------------------------------------------- */

/* Six roundings beside the sum: the scale, or its square root on either side, held rounded and multiplied. */
static struct assay_bounded scaled_product(const struct attention *a, struct assay_ref_vector q,
                                           struct assay_ref_vector k)
{
    struct assay_ref_sum s = assay_ref_dot(&a->call->arithmetic, (size_t)a->width, q, k);
    double factor = fabs(a->scale);
    s.value *= a->scale;
    s.magnitude *= factor;
    s.error *= factor;
    s.own = s.own * factor + 4 * ASSAY_REF_OWN * fabs(s.value);
    return assay_ref_sum_close(&a->call->arithmetic, &s, (double)a->width, (double)a->width + 6);
}

static struct assay_bounded capped(const struct attention *a, struct assay_bounded s)
{
    const struct assay_arithmetic *ar = &a->call->arithmetic;
    struct assay_bounded cap = bounded(a->softcap, 0);
    s = assay_bounded_divide(ar, s, cap);
    return bounded_multiply(ar, cap, assay_bounded_saturating(ar, tanh, s, assay_reference_ulps.tanh));
}

static struct assay_bounded masked(const struct attention *a, int64_t batch, int64_t head, int64_t query, int64_t key,
                                   struct assay_bounded s)
{
    const struct assay_bounded out = {-(double)INFINITY, 0};
    if (a->causal && key > query + a->past)
        return out;
    if (!a->mask)
        return s;
    if (key >= a->mask_length) /* a mask shorter than the keys hides the rest */
        return out;
    const int64_t *stride = a->mask_strides;
    struct assay_bounded m =
        bounded_of(a->mask, (size_t)(batch * stride[0] + head * stride[1] + query * stride[2] + key * stride[3]));
    if (a->mask->dtype == ASSAY_BOOL)
        return m.value != 0 ? s : out;
    return bounded_add(&a->call->arithmetic, s, m);
}

/* The scores of one query up to `mode` of qk_matmul_output_mode, 3 being what the softmax takes in. */
static void scores_of(const struct attention *a, int64_t batch, int64_t head, int64_t query, int64_t mode, double *x,
                      double *e)
{
    int64_t kv = head / (a->q_heads / a->kv_heads);
    struct assay_ref_vector q = row_of(&a->q, batch, head, query);
    for (int64_t j = 0; j < a->keys; j++) {
        struct assay_bounded s = {0, 0};
        bool hidden = mode >= 2 && masked(a, batch, head, query, j, s).value == -(double)INFINITY;
        if (hidden) {
            s = bounded(-(double)INFINITY, 0);
        } else {
            s = scaled_product(a, q, cached_row(a, &a->past_k, &a->k, batch, kv, j));
            s = mode >= 1 && a->softcap != 0 ? capped(a, s) : s;
            s = mode >= 2 ? masked(a, batch, head, query, j, s) : s;
        }
        x[j] = s.value;
        e[j] = s.error;
        if (mode == 3 && a->soft.accumulate > a->call->arithmetic.accumulate) /* rounded to the softmax's format */
            e[j] = bounded_round(&a->soft, s.value, s.error).error;
    }
}

/* ---- Y ------------------------------------------------------------------------------------------------------- */

/* A group is one query: [batch, head, query]. */
static size_t query_of(const void *self, int64_t index)
{
    const struct attention *a = self;
    if (a->folded)
        return (size_t)index;
    if (!a->flat)
        return (size_t)(index / a->v_width);
    int64_t head = index / a->v_width % a->q_heads, query = index / (a->v_width * a->q_heads);
    return (size_t)((query / a->queries * a->q_heads + head) * a->queries + query % a->queries);
}

/* Weights as they meet V: perhaps rounded to its format, in which they may be normalized (at most 1) or not. */
static void round_weights(const struct attention *a, double sum, const double *w, double *e)
{
    const struct assay_format *f = assay_format_of(a->v.t->dtype);
    if (!f || f->unit_roundoff <= a->call->arithmetic.accumulate)
        return;
    for (int64_t j = 0; j < a->keys; j++) {
        double high = w[j] + e[j];
        e[j] += fmin(high, f->unit_roundoff * fmax(high, f->smallest_normal * fmax(1, sum)));
    }
}

/* Column d of the values, copied side by side. */
static struct assay_ref_vector column_of(const struct attention *a, int64_t batch, int64_t kv, int64_t d, double *to)
{
    bool errors = a->v.t->error || (a->past > 0 && a->past_v.t->error);
    if (a->turned) {
        const double *at = a->turned + ((batch * a->kv_heads + kv) * a->v_width + d) * a->keys;
        int64_t all = a->batches * a->kv_heads * a->v_width * a->keys;
        return (struct assay_ref_vector){at, NULL, errors ? at + all : NULL};
    }
    for (int64_t j = 0; j < a->keys; j++) {
        struct assay_ref_vector row = cached_row(a, &a->past_v, &a->v, batch, kv, j);
        to[j] = row.value[d];
        to[a->keys + j] = row.error ? row.error[d] : 0;
    }
    return (struct assay_ref_vector){to, NULL, errors ? to + a->keys : NULL};
}

/* Head `number`, counted over the batches. */
static void turn_head(const struct attention *a, int64_t number)
{
    bool errors = a->v.t->error || (a->past > 0 && a->past_v.t->error);
    int64_t batch = number / a->kv_heads, kv = number % a->kv_heads;
    int64_t at = number * a->v_width * a->keys, all = a->batches * a->kv_heads * a->v_width * a->keys;
    for (int64_t j = 0; j < a->keys; j++) {
        struct assay_ref_vector row = cached_row(a, &a->past_v, &a->v, batch, kv, j);
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
static void turn_values(struct attention *a, size_t n)
{
    size_t size = (size_t)(a->batches * a->kv_heads * a->v_width * a->keys);
    if ((int64_t)n >= a->batches * a->q_heads * a->queries * a->v_width / 2 && (a->turned = malloc((2 * size + 1) * sizeof(double))))
        assay_parallel_for((size_t)(a->batches * a->kv_heads), 1, turn_heads, a);
}

static struct assay_bounded folded_output(const struct attention *a, struct assay_ref_vector w,
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
    const struct attention *a = self;
    const struct assay_arithmetic *ar = &a->call->arithmetic;
    int64_t query = (int64_t)group % a->queries, head = (int64_t)group / a->queries % a->q_heads;
    int64_t batch = (int64_t)group / a->queries / a->q_heads, kv = head / (a->q_heads / a->kv_heads);
    double *x = scratch, *e = scratch + a->keys, *column = scratch + 2 * a->keys;
    scores_of(a, batch, head, query, 3, x, e);
    struct assay_ref_softmax s = assay_ref_softmax_row(&a->soft, (size_t)a->keys, x, e);
    round_weights(a, s.sum.value, x, e);
    struct assay_ref_vector w = {x, NULL, e};
    int64_t last = -1;
    struct assay_bounded y = {0, 0};
    for (size_t i = 0; i < count; i++) {
        int64_t d = a->index[places[i]] % a->v_width;
        if (a->folded) {
            y = folded_output(a, w, s.sum, batch, kv);
        } else if (d != last) {
            struct assay_ref_sum top = assay_ref_dot(ar, (size_t)a->keys, w, column_of(a, batch, kv, d, column));
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

#define QUERIES 32 /* to a piece of work */

/* Row i of `x` has the scores of query first + i; they become weights over their sum. */
static void weigh(const struct attention *a, int64_t batch, int64_t head, int64_t query, double *x)
{
    for (int64_t j = 0; j < a->keys; j++) {
        x[j] *= a->scale;
        if (a->softcap != 0)
            x[j] = a->softcap * tanh(x[j] / a->softcap);
        if (a->mask || a->causal)
            x[j] = masked(a, batch, head, query, j, bounded(x[j], 0)).value;
    }
    double sum = assay_ref_softmax_values((size_t)a->keys, x);
    for (int64_t j = 0; j < a->keys; j++)
        x[j] /= sum;
}

static int64_t place_of(const struct attention *a, int64_t batch, int64_t head, int64_t query)
{
    return a->flat ? ((batch * a->queries + query) * a->q_heads + head) * a->v_width
                   : ((batch * a->q_heads + head) * a->queries + query) * a->v_width;
}

/* The raw scores of n queries from `first` on, all keys side by side. */
static void scores_of_piece(const struct attention *a, int64_t batch, int64_t head, int64_t first, int64_t n, double *x)
{
    int64_t kv = head / (a->q_heads / a->kv_heads);
    struct assay_ref_dense d = {.rows = n, .terms = a->width, .x = row_of(&a->q, batch, head, first).value,
                                .x_row = a->q.position, .step = a->keys};
    if (a->past > 0) {
        d.y = row_of(&a->past_k, batch, kv, 0).value;
        d.y_row = a->past_k.position;
        d.columns = a->past;
        d.value = x;
        assay_ref_dense(&d);
    }
    d.y = row_of(&a->k, batch, kv, 0).value;
    d.y_row = a->k.position;
    d.columns = a->keys - a->past;
    d.value = x + a->past;
    assay_ref_dense(&d);
}

struct pieces {
    const struct attention *a;
    atomic_bool no_memory;
};

/* Numbers count (batch, head, piece of the queries). */
static void do_pieces(void *self, size_t begin, size_t end)
{
    struct pieces *job = self;
    const struct attention *a = job->a;
    int64_t pieces = (a->queries + QUERIES - 1) / QUERIES;
    double *x = malloc((size_t)(QUERIES * a->keys + 1) * sizeof *x);
    if (!x) {
        atomic_store(&job->no_memory, true);
        return;
    }
    for (size_t i = begin; i < end; i++) {
        int64_t first = (int64_t)i % pieces * QUERIES, head = (int64_t)i / pieces % a->q_heads;
        int64_t batch = (int64_t)i / pieces / a->q_heads, kv = head / (a->q_heads / a->kv_heads);
        int64_t n = a->queries - first < QUERIES ? a->queries - first : QUERIES;
        scores_of_piece(a, batch, head, first, n, x);
        for (int64_t q = 0; q < n; q++)
            weigh(a, batch, head, first + q, x + q * a->keys);
        struct assay_ref_dense y = {.rows = n, .columns = a->v_width, .terms = a->keys, .x = x, .x_row = a->keys,
                                    .y = a->turned + (batch * a->kv_heads + kv) * a->v_width * a->keys, .y_row = a->keys,
                                    .value = a->value + place_of(a, batch, head, first), .step = place_of(a, 0, 0, 1)};
        assay_ref_dense(&y);
    }
    free(x);
}

/* Is the whole of Y asked for, in order and without bounds? */
static bool whole_values(const struct attention *a, size_t n)
{
    if (!a->call->values_only || !a->turned || (uint64_t)n != a->call->out[0].elements)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (a->index[i] != (int64_t)i)
            return false;
    }
    return true;
}

static enum assay_code do_whole(const struct attention *a, struct assay_error *err)
{
    struct pieces job = {.a = a};
    int64_t pieces = (a->queries + QUERIES - 1) / QUERIES;
    atomic_init(&job.no_memory, false);
    assay_parallel_for((size_t)(a->batches * a->q_heads * pieces), 1, do_pieces, &job);
    return atomic_load(&job.no_memory) ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the scores of %lld keys", (long long)a->keys)
                                       : ASSAY_OK;
}

/* ---- the other outputs --------------------------------------------------------------------------------------- */

/* Present keys or values: [batch, head, key, element], copied. */
static void put_present(const struct attention *a, size_t n)
{
    bool keys = a->call->output == 1;
    int64_t width = keys ? a->width : a->v_width;
    for (size_t i = 0; i < n; i++) {
        int64_t d = a->index[i] % width, j = a->index[i] / width % a->keys,
                head = a->index[i] / width / a->keys % a->kv_heads;
        int64_t batch = a->index[i] / width / a->keys / a->kv_heads;
        struct assay_ref_vector row =
            cached_row(a, keys ? &a->past_k : &a->past_v, keys ? &a->k : &a->v, batch, head, j);
        a->value[i] = row.value[d];
        a->bound[i] = row.error ? row.error[d] : 0;
    }
}

static size_t score_query(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct attention *)self)->keys);
}

static void each_score(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct attention *a = self;
    int64_t mode = assay_node_i64(a->call->node, "qk_matmul_output_mode", 0), query = (int64_t)group % a->queries;
    int64_t head = (int64_t)group / a->queries % a->q_heads, batch = (int64_t)group / a->queries / a->q_heads;
    double *x = scratch, *e = scratch + a->keys;
    struct assay_ref_softmax s = {.all_masked = false};
    scores_of(a, batch, head, query, mode, x, e);
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
    struct attention a;
    setup(call, &a);
    a.index = index;
    a.value = value;
    a.bound = bound;
    if (call->output == 1 || call->output == 2) {
        put_present(&a, n);
        return ASSAY_OK;
    }
    if (call->output == 0)
        turn_values(&a, n);
    if (call->output == 0 && whole_values(&a, n)) {
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

static void fold_values(const struct attention *a, const double *weight, double *to)
{
    int64_t all = a->batches * a->kv_heads * a->keys;
    for (int64_t i = 0; i < all; i++) {
        int64_t j = i % a->keys, head = i / a->keys % a->kv_heads, batch = i / a->keys / a->kv_heads;
        struct assay_ref_vector row = cached_row(a, &a->past_v, &a->v, batch, head, j);
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
    struct attention a;
    if (call->output != 0 || call->out[0].rank != 4 || axis != 3)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "Attention folds the last axis of a Y with four axes only");
    setup(call, &a);
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
