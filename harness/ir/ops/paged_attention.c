/* assay.PagedAttention: causal attention of the packed tokens of several sequences over a cache that lies in blocks.
 *   q [T, Hq D]   k [T, Hkv D]   v [T, Hkv E]   y [T, Hq E]          heads side by side; Hkv divides Hq, as in Attention
 *   key_cache [N, B, Hkv D]   value_cache [N, B, Hkv E]              N blocks of B tokens, in a format of their own
 *   block_table [S, M]   starts [S + 1]   past [S]                   i32 or i64, one type for the three
 * v and value_cache may both be absent: then values are the first E = v_head_size numbers of each head's key, as in latent attention,
 * whose one cache is keys and values in one (DeepSeek-V2, arXiv 2405.04434), and there is no value_cache_after.
 * Sequence s owns rows starts[s] .. starts[s + 1] - 1 of the T (perhaps none), which are its tokens past[s], past[s] + 1, …; its token
 * p lies in slot p % B of block block_table[s, p / B]. First every row of k and v is written to its slot, rounded to the cache's format;
 * of rows that fall on one slot the last one stays. Then row i of a sequence sees its tokens 0 .. past + i, all of them as the
 * cache has them: y = softmax(scale q K^T) V for each head. Rows behind starts[S] belong to nobody: their y is 0 and nothing of
 * them is written. Two sequences may share blocks, as those with a common beginning do.
 * Refused, not read: starts that do not begin at 0, fall, or end behind T; a negative past; a needed entry of the table that is
 * no block, or that the table has no room for. Entries that are not needed may hold anything.
 * Outputs key_cache_after and value_cache_after are the caches with what was written; they usually take over the caches' memory.
 * Cost: of the pairs (query, key) that are seen, 2 D + 2 E + 1 flops, softmax three a pair less one a row, an exponential a pair, a
 * division a row, as in attention.c. How many that is stands in starts and past: counted exactly where they are consts, else by
 * the middle of what their fill rules give, T / S tokens behind `past`; without rules, as if all tables were full. Of a cache
 * the tokens that are seen are read, once a sequence, values that are a part of keys with them; a cache that is taken over is written
 * where tokens are new. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

enum { Q, K, V, KEYS, VALUES, TABLE, STARTS, PAST };
enum { Y, KEYS_AFTER, VALUES_AFTER };

static const struct assay_attr_row attrs[] = {
    {.name = "kv_num_heads", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "q_num_heads", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "scale", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "v_head_size", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = NULL},
};

static bool is_optional(int i)
{
    return i == V || i == VALUES;
}

static enum assay_code check_types(const struct assay_infer *in, struct assay_error *err)
{
    static const int32_t ranks[] = {[Q] = 2, [K] = 2, [V] = 2, [KEYS] = 3, [VALUES] = 3, [TABLE] = 2, [STARTS] = 1, [PAST] = 1};
    enum assay_code      code = ASSAY_OK;
    for (int i = Q; !code && i <= PAST; i++) {
        if (!in->in[i] && !is_optional(i))
            code = ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "input %d is absent", i);
        else if (!(code = assay_infer_type(in, i, i < TABLE ? ASSAY_TYPES_FLOAT : ASSAY_TYPES_INDEX, err)))
            code = assay_infer_rank(in, i, ranks[i], ranks[i], err);
    }
    for (int i = K; !code && i <= PAST; i++)
        if (i != KEYS && i != TABLE)
            code = assay_infer_same_type(in, i <= V ? Q : i == VALUES ? KEYS : TABLE, i, err);
    return code;
}

/* Values of their own, with a cache of their own, or a part of the keys, whose width is said. */
static enum assay_code check_values(const struct assay_infer *in, int64_t kv_heads, struct assay_error *err)
{
    if (!in->in[V] != !in->in[VALUES])
        return ASSAY_INFER_REFUSE(in, err, in->in[V] ? V : VALUES, ASSAY_INFER_NONE, "v and value_cache come together or not at all");
    if (in->in[V])
        return assay_node_attr(in->node, "v_head_size")
                   ? ASSAY_INFER_REFUSE(in, err, V, ASSAY_INFER_NONE, "v_head_size is of values that are a part of the keys")
                   : ASSAY_OK;
    if (!assay_node_attr(in->node, "v_head_size"))
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "without v, v_head_size must say how much of a key is its value");
    if (in->node->n_outputs > VALUES_AFTER)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "without value_cache there is no value_cache_after");
    return assay_infer_range(in, "v_head_size", 1, in->in[K]->dims[1] / kv_heads, err);
}

static enum assay_code check_heads(const struct assay_infer *in, int64_t heads, int64_t kv_heads, struct assay_error *err)
{
    const struct assay_value *q = in->in[Q], *k = in->in[K], *v = in->in[V];
    if (heads % kv_heads)
        return ASSAY_INFER_REFUSE(in, err, Q, K, "%" PRId64 " query heads do not share %" PRId64 " key heads evenly", heads, kv_heads);
    for (int i = Q; i <= V; i++)
        if ((i != V || v) && in->in[i]->dims[1] % (i == Q ? heads : kv_heads))
            return ASSAY_INFER_REFUSE(in, err, i, ASSAY_INFER_NONE, "its last axis does not divide into %" PRId64 " heads",
                                      i == Q ? heads : kv_heads);
    if (q->dims[1] / heads != k->dims[1] / kv_heads)
        return ASSAY_INFER_REFUSE(in, err, Q, K, "heads %" PRId64 " and %" PRId64 " wide have no product", q->dims[1] / heads,
                                  k->dims[1] / kv_heads);
    if (k->dims[0] != q->dims[0] || (v && v->dims[0] != q->dims[0]))
        return ASSAY_INFER_REFUSE(in, err, Q, k->dims[0] != q->dims[0] ? K : V, "the numbers of tokens differ");
    return ASSAY_OK;
}

static enum assay_code check_cache(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *keys = in->in[KEYS], *values = in->in[VALUES];
    int64_t                   sequences = in->in[TABLE]->dims[0];
    if (values && (keys->dims[0] != values->dims[0] || keys->dims[1] != values->dims[1]))
        return ASSAY_INFER_REFUSE(in, err, KEYS, VALUES, "the caches differ in blocks or in tokens a block");
    for (int i = KEYS; i <= VALUES; i++)
        if (in->in[i] && (in->in[i]->dims[1] < 1 || in->in[i]->dims[2] != in->in[i - KEYS + K]->dims[1]))
            return ASSAY_INFER_REFUSE(in, err, i - KEYS + K, i, "the cache must be [blocks,tokens a block,%" PRId64 "]",
                                      in->in[i - KEYS + K]->dims[1]);
    if (in->in[STARTS]->dims[0] != sequences + 1)
        return ASSAY_INFER_REFUSE(in, err, TABLE, STARTS, "%" PRId64 " sequences have %" PRId64 " starts", sequences, sequences + 1);
    if (in->in[PAST]->dims[0] != sequences)
        return ASSAY_INFER_REFUSE(in, err, TABLE, PAST, "%" PRId64 " sequences have as many pasts", sequences);
    return ASSAY_OK;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    int64_t         heads = assay_node_i64(in->node, "q_num_heads", 0), kv_heads = assay_node_i64(in->node, "kv_num_heads", 0), width;
    enum assay_code code = check_types(in, err);
    if (!code)
        code = assay_infer_range(in, "q_num_heads", 1, INT32_MAX, err);
    if (!code)
        code = assay_infer_range(in, "kv_num_heads", 1, INT32_MAX, err);
    if (!code)
        code = check_heads(in, heads, kv_heads, err);
    if (!code)
        code = check_values(in, kv_heads, err);
    if (!code)
        code = check_cache(in, err);
    if (code)
        return code;
    if (assay_node_f64(in->node, "scale", 1.0) <= 0.0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "scale must be positive");
    if (__builtin_mul_overflow(heads, in->in[V] ? in->in[V]->dims[1] / kv_heads : assay_node_i64(in->node, "v_head_size", 1), &width))
        return ASSAY_INFER_REFUSE(in, err, Q, in->in[V] ? V : K, "the output is too wide");
    if (!assay_node_attr(in->node, "scale")) {
        int64_t each = in->in[Q]->dims[1] / heads;
        assay_infer_set_f64(in, "scale", each ? 1.0 / sqrt((double)each) : 1.0);
    }
    assay_infer_output(in, Y, in->in[Q]->dtype, 2, (int64_t[]){in->in[Q]->dims[0], width});
    assay_infer_output(in, KEYS_AFTER, in->in[KEYS]->dtype, 3, in->in[KEYS]->dims);
    if (in->in[VALUES])
        assay_infer_output(in, VALUES_AFTER, in->in[VALUES]->dtype, 3, in->in[VALUES]->dims);
    return ASSAY_OK;
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static const struct assay_value *operand(const struct assay_graph *g, const struct assay_node *node, int i)
{
    return assay_graph_value(g, node->inputs[i]);
}

/* Number i of a const of either type; in double, as differences of what a file says may leave 64 bits. */
static double number_of(const struct assay_value *v, uint64_t i)
{
    int32_t narrow;
    int64_t wide;
    if (v->dtype == ASSAY_I32) {
        memcpy(&narrow, (const char *)v->data + i * sizeof narrow, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, (const char *)v->data + i * sizeof wide, sizeof wide);
    return (double)wide;
}

/* What stands before each sequence, by the rule that fills it; nothing where that is below 0, which no execution takes. */
static double usual_past(const struct assay_value *past, double room, double tokens)
{
    double most = room > tokens ? room - tokens : 0;
    switch (past->fill.kind) {
    case ASSAY_FILL_UNIFORM:
    case ASSAY_FILL_INTEGERS: return fmin(fmax(past->fill.a / 2 + past->fill.b / 2, 0), most);
    case ASSAY_FILL_CONSTANT: return fmin(fmax(past->fill.a, 0), most);
    default: return most;
    }
}

/* Pairs (token, token it sees), and tokens that some token of their sequence sees, over all sequences. */
static void count_seen(const struct assay_graph *g, const struct assay_node *node, uint64_t *pairs, uint64_t *seen)
{
    const struct assay_value *starts = operand(g, node, STARTS), *past = operand(g, node, PAST), *table = operand(g, node, TABLE);
    double sequences = (double)past->elements, all_pairs = 0, all_seen = 0;
    double room = (double)table->dims[1] * (double)operand(g, node, KEYS)->dims[1];
    for (uint64_t s = 0; starts->data && past->data && s < past->elements; s++) {
        double n = number_of(starts, s + 1) - number_of(starts, s), before = fmax(number_of(past, s), 0);
        all_pairs += n > 0 ? n * before + n * (n + 1) / 2 : 0;
        all_seen += n > 0 ? n + before : 0;
    }
    if (!starts->data || !past->data) {
        double n = sequences > 0 ? (double)operand(g, node, Q)->dims[0] / sequences : 0, before = usual_past(past, room, n);
        all_pairs = sequences * (n * before + n * (n + 1) / 2);
        all_seen = n > 0 ? sequences * (n + before) : 0;
    }
    *pairs = all_pairs < 0x1p63 ? (uint64_t)all_pairs : UINT64_MAX;
    *seen = all_seen < 0x1p63 ? (uint64_t)all_seen : UINT64_MAX;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    uint64_t heads = (uint64_t)assay_node_i64(node, "q_num_heads", 1);
    uint64_t widths = ((uint64_t)operand(g, node, Q)->dims[1] + (uint64_t)assay_graph_value(g, node->outputs[Y])->dims[1]) / heads, pairs, seen;
    uint64_t rows = assay_count_multiply(heads, (uint64_t)operand(g, node, Q)->dims[0]);
    count_seen(g, node, &pairs, &seen);
    pairs = assay_count_multiply(heads, pairs);
    rows = rows < pairs ? rows : pairs;
    assay_cost_flops(cost, 2 * widths + 1, pairs);
    assay_cost_flops(cost, 1, assay_count_multiply(3, pairs) - rows);
    assay_cost_transcendentals(cost, 1, pairs);
    assay_cost_transcendentals(cost, 1, rows);
}

static uint64_t token_bytes(const struct assay_value *cache)
{
    return assay_dtype_bytes(cache->dtype, (uint64_t)cache->dims[2]);
}

/* New tokens are seen as they come: what is read of the cache is what stood there before. */
static uint64_t reads(const struct assay_graph *g, const struct assay_node *node, uint32_t i)
{
    const struct assay_value *v = operand(g, node, (int)i);
    uint64_t                  pairs, seen, fresh = (uint64_t)operand(g, node, Q)->dims[0];
    if (i != KEYS && i != VALUES)
        return v->bytes;
    count_seen(g, node, &pairs, &seen);
    return assay_count_multiply(seen > fresh ? seen - fresh : 0, token_bytes(v));
}

static uint64_t writes(const struct assay_graph *g, const struct assay_node *node, uint32_t o)
{
    const struct assay_value *v = assay_graph_value(g, node->outputs[o]);
    return o == 0 ? v->bytes : assay_count_multiply((uint64_t)operand(g, node, Q)->dims[0], token_bytes(v));
}

ASSAY_OP_IR(PagedAttention) = {.attrs = attrs, .infer = infer, .cost = cost, .reads = reads, .writes = writes};
