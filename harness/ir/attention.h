/* What Attention and its gradient share: operands in either layout, sizes, the pairs that causality keeps. */
#ifndef ASSAY_IR_ATTENTION_H
#define ASSAY_IR_ATTENTION_H

#include "harness/ir/infer.h"

struct assay_attention {
    int first;   /* input that holds Q; K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen follow it */
    bool packed; /* heads and their width in one axis */
    int64_t batch, q_heads, kv_heads, queries, keys, past, key_width, value_width;
};

/* Checks operands and attributes, fills sizes, and sets q_num_heads, kv_num_heads and scale. */
enum assay_code assay_infer_attention(const struct assay_infer *in, int first, struct assay_attention *s,
                                      struct assay_error *err);

/* Of a built node: pairs (query, key) that is_causal keeps and rows that keep any, over all batches and heads. */
struct assay_attention_count {
    uint64_t pairs, rows, key_width, value_width;
    bool capped, added; /* softcap; a mask that is not bool */
};
struct assay_attention_count assay_attention_count(const struct assay_graph *g, const struct assay_node *node, uint32_t first);

#endif
