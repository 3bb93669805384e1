#include "reference/attention_scores.h"

#include "reference/elementwise.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

struct assay_ref_heads assay_ref_heads_of(const struct assay_ref_tensor *t, int64_t heads)
{
    int64_t width;
    if (t->rank == 4)
        return (struct assay_ref_heads){t, t->dims[1] * t->dims[2] * t->dims[3], t->dims[2] * t->dims[3], t->dims[3]};
    width = t->dims[2] / heads;
    return (struct assay_ref_heads){t, t->dims[1] * t->dims[2], width, t->dims[2]};
}

static void setup_mask(struct assay_ref_attention *a)
{
    int64_t stride = 1;
    if (!a->mask)
        return;
    for (int32_t d = a->mask->rank - 1, at = 3; d >= 0 && at >= 0; d--, at--) {
        a->mask_strides[at] = a->mask->dims[d] == 1 && at < 3 ? 0 : stride;
        stride *= a->mask->dims[d];
    }
    a->mask_length = a->mask->dims[a->mask->rank - 1]; /* 1, too, is not stretched: the keys behind are masked */
}

void assay_ref_attention_setup(const struct assay_ref_call *call, uint32_t first, struct assay_ref_attention *a)
{
    const struct assay_ref_tensor *q = &call->in[first], *k = &call->in[first + 1], *v = &call->in[first + 2];
    const struct assay_ref_tensor *past_k = assay_ref_input(call, first + 4),
                                  *past_v = assay_ref_input(call, first + 5);
    const struct assay_node *node = call->node;
    *a = (struct assay_ref_attention){.call = call, .flat = q->rank == 3, .batches = q->dims[0]};
    a->mask = assay_ref_input(call, first + 3);
    a->lengths = assay_ref_input(call, first + 6);
    a->q_heads = a->flat ? assay_node_i64(node, "q_num_heads", 1) : q->dims[1];
    a->kv_heads = a->flat ? assay_node_i64(node, "kv_num_heads", 1) : k->dims[1];
    a->queries = q->dims[a->flat ? 1 : 2];
    a->past = past_k && past_v ? past_k->dims[2] : 0;
    a->keys = k->dims[a->flat ? 1 : 2] + a->past;
    a->width = a->flat ? q->dims[2] / a->q_heads : q->dims[3];
    a->v_width = a->flat ? v->dims[2] / a->kv_heads : v->dims[3];
    a->q = assay_ref_heads_of(q, a->q_heads);
    a->k = assay_ref_heads_of(k, a->kv_heads);
    a->v = assay_ref_heads_of(v, a->kv_heads);
    if (a->past > 0) {
        a->past_k = assay_ref_heads_of(past_k, a->kv_heads);
        a->past_v = assay_ref_heads_of(past_v, a->kv_heads);
    }
    a->scale = assay_node_f64(node, "scale", 0);
    if (a->scale == 0)
        a->scale = 1 / sqrt((double)a->width);
    a->softcap = assay_node_f64(node, "softcap", 0);
    a->causal = assay_node_i64(node, "is_causal", 0) != 0;
    a->soft = call->arithmetic;
    int64_t precision = assay_node_i64(node, "softmax_precision", 0); /* ONNX's numbers: 10 f16, 16 bf16 */
    if (precision == 10 || precision == 16) {
        const struct assay_number_format *f = assay_format_of(precision == 10 ? ASSAY_F16 : ASSAY_BF16);
        a->soft.accumulate = f->unit_roundoff;
        a->soft.tiny = f->smallest_normal;
        a->soft.compensated = false;
    }
    setup_mask(a);
}

/* ---- scores -------------------------------------------------------------------------------------------------- */

struct assay_bounded assay_ref_scaled_product(const struct assay_arithmetic *ar, double scale, size_t width, struct assay_ref_vector q,
                                              struct assay_ref_vector k)
{
    struct assay_ref_sum s = assay_ref_dot(ar, width, q, k);
    double factor = fabs(scale), scaled = s.value * scale;
    bool left = isfinite(s.value) && !isfinite(scaled); /* the range of double */
    s.value = scaled;
    s.magnitude *= factor;
    s.error = left ? INFINITY : s.error * factor;
    s.own = s.own * factor + 4 * ASSAY_REF_OWN * fabs(s.value);
    return assay_ref_sum_close(ar, &s, (double)width, (double)width + 6);
}

void assay_ref_round_weights(const struct assay_arithmetic *ar, enum assay_dtype format, size_t n, double sum, const double *w, double *e)
{
    const struct assay_number_format *f = assay_format_of(format);
    if (!f || f->unit_roundoff <= ar->accumulate)
        return;
    for (size_t j = 0; j < n; j++) {
        double high = w[j] + e[j];
        e[j] += fmin(high, f->unit_roundoff * fmax(high, f->smallest_normal * fmax(1, sum)));
    }
}

static struct assay_bounded capped(const struct assay_ref_attention *a, struct assay_bounded s)
{
    const struct assay_arithmetic *ar = &a->call->arithmetic;
    struct assay_bounded cap = bounded(a->softcap, 0);
    s = assay_bounded_divide(ar, s, cap);
    return bounded_multiply(ar, cap, assay_bounded_saturating(ar, tanh, s, assay_reference_ulps.tanh));
}

struct assay_bounded assay_ref_attention_masked(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t query,
                                                int64_t key, struct assay_bounded s)
{
    const struct assay_bounded out = {-(double)INFINITY, 0};
    int64_t before = a->lengths ? (int64_t)a->lengths->value[batch] - a->queries : a->past;
    if (a->causal && key > query + before)
        return out;
    if (a->lengths && (double)key >= a->lengths->value[batch])
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

void assay_ref_attention_scores(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t query, int64_t mode,
                                double *x, double *e)
{
    int64_t kv = head / (a->q_heads / a->kv_heads);
    struct assay_ref_vector q = assay_ref_head_row(&a->q, batch, head, query);
    for (int64_t j = 0; j < a->keys; j++) {
        struct assay_bounded s = {0, 0};
        bool hidden = mode >= 2 && assay_ref_attention_masked(a, batch, head, query, j, s).value == -(double)INFINITY;
        if (hidden) {
            s = bounded(-(double)INFINITY, 0);
        } else {
            s = assay_ref_scaled_product(&a->call->arithmetic, a->scale, (size_t)a->width, q,
                                         assay_ref_cached_row(a, &a->past_k, &a->k, batch, kv, j));
            s = mode >= 1 && a->softcap != 0 ? capped(a, s) : s;
            s = mode >= 2 ? assay_ref_attention_masked(a, batch, head, query, j, s) : s;
        }
        x[j] = s.value;
        e[j] = s.error;
        if (mode == 3 && a->soft.accumulate > a->call->arithmetic.accumulate) /* rounded to the softmax's format */
            e[j] = bounded_round(&a->soft, s.value, s.error).error;
    }
}
