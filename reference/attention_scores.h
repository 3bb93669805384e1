/* What Attention, its gradient and PagedAttention share: heads in either layout, the cache in front of the keys, and the scores of
 * one query with their bounds. */
#ifndef ASSAY_REFERENCE_ATTENTION_SCORES_H
#define ASSAY_REFERENCE_ATTENTION_SCORES_H

#include "reference/arithmetic.h"

/* One of Q, K, V or the cache: [batch, head, position, element], whatever its order in memory. */
struct assay_ref_heads {
    const struct assay_ref_tensor *t;
    int64_t batch, head, position; /* strides */
};

struct assay_ref_attention {
    const struct assay_ref_call *call;
    struct assay_ref_heads q, k, v, past_k, past_v;
    const struct assay_ref_tensor *mask, *lengths; /* lengths: nonpad_kv_seqlen */
    int64_t batches, q_heads, kv_heads, queries, keys, past, width, v_width;
    int64_t mask_strides[4], mask_length;
    double scale, softcap;
    struct assay_arithmetic soft; /* the softmax's, which softmax_precision may lower */
    bool causal, flat;            /* 3-D: heads side by side */
    const int64_t *index;
    double *value, *bound;
    double *turned;       /* V as [batch, head, element, key], values, then errors; NULL: it is not */
    const double *folded; /* V folded over its width: [batch, head, key], value, magnitude, error */
    double weights;
};

/* `first` is the input that holds Q; K, V, mask, past and nonpad_kv_seqlen follow it. */
void assay_ref_attention_setup(const struct assay_ref_call *call, uint32_t first, struct assay_ref_attention *a);
/* The scores of one query up to `mode` of qk_matmul_output_mode, 3 being what the softmax takes in. */
void assay_ref_attention_scores(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t query, int64_t mode,
                                double *x, double *e);

/* scale q k over `width` elements. Six roundings beside the sum: the scale, or its square root on either side, held rounded and
 * multiplied. */
struct assay_bounded assay_ref_scaled_product(const struct assay_arithmetic *ar, double scale, size_t width, struct assay_ref_vector q,
                                              struct assay_ref_vector k);
/* Weights w with errors e as they meet the values: perhaps rounded to their format, in which they may be over `sum` (at most 1) or
 * not. */
void assay_ref_round_weights(const struct assay_arithmetic *ar, enum assay_dtype format, size_t n, double sum, const double *w, double *e);

/* Score s behind the mask: -inf where the query does not see the key. */
struct assay_bounded assay_ref_attention_masked(const struct assay_ref_attention *a, int64_t batch, int64_t head, int64_t query,
                                                int64_t key, struct assay_bounded s);

static inline struct assay_ref_vector assay_ref_head_row(const struct assay_ref_heads *x, int64_t batch, int64_t head,
                                                         int64_t position)
{
    struct assay_ref_vector v = {x->t->value, NULL, x->t->error};
    return assay_ref_vector_at(v, batch * x->batch + head * x->head + position * x->position);
}

/* Key or value number j, the cache first. */
static inline struct assay_ref_vector assay_ref_cached_row(const struct assay_ref_attention *a,
                                                           const struct assay_ref_heads *past,
                                                           const struct assay_ref_heads *now, int64_t batch, int64_t head,
                                                           int64_t j)
{
    return j < a->past ? assay_ref_head_row(past, batch, head, j) : assay_ref_head_row(now, batch, head, j - a->past);
}
/* An operand whose heads lie side by side in its last axis (rank 3) or one after another (rank 4). */
struct assay_ref_heads assay_ref_heads_of(const struct assay_ref_tensor *t, int64_t heads);

#endif
