/* PagedAttention: what the control inputs say is checked and laid out as work, new rows go into the caches, and blocks of queries
 * meet the pages of their sequence. */
#include <math.h>
#include <stdlib.h>

#include "backends/cpu/attention/attention.h"
#include "backends/cpu/converting/converting.h"
#include "backends/cpu/cpu.h"
#include "backends/cpu/moving/scatter.h"

#include "assay/banned.h"

enum { Q, K, V, KEYS, VALUES, TABLE, STARTS, PAST };
enum { Y, KEYS_AFTER, VALUES_AFTER };

/* Up to this many queries of one key head a vector along the width does more than vectors across queries. */
#define FEW 8

struct sequence {
    size_t begin, n, past; /* rows, and tokens before them */
};

/* Of a sequence, the queries [first, first + n) that meet one key head: `group` a row. */
struct piece {
    size_t sequence, first, n;
};

struct paged {
    size_t           tokens, q_heads, kv_heads, group, width, v_width;
    bool             values;                        /* false: they are what stands in front in the keys */
    size_t           sequences, row, blocks, block; /* row: entries of a sequence in the table */
    bool             wide;                          /* i64 */
    enum assay_dtype cache;
    float            scale;
    /* Of the execution that runs. */
    struct sequence *sequence;
    struct piece    *piece;
    uint32_t        *table;
    float           *scratch;
    size_t           scratch_floats; /* of one thread */
};

struct running {
    const struct paged      *s;
    const struct cpu_engine *engine;
    const float             *q, *k, *v;
    char                    *keys, *values;
    float                   *y;
};

static size_t cache_bytes(const struct paged *s, size_t numbers)
{
    return (size_t)assay_dtype_bytes(s->cache, numbers);
}

/* ---- what the control inputs say ---------------------------------------------------------------------------------- */

static enum assay_code read_blocks(const struct paged *s, const void *table, size_t i, struct assay_error *err)
{
    size_t needed = (s->sequence[i].past + s->sequence[i].n + s->block - 1) / s->block;
    for (size_t b = 0; b < needed; b++) {
        int64_t block = cpu_index_at(table, s->wide, i * s->row + b);
        if (block < 0 || (uint64_t)block >= s->blocks)
            return ASSAY_FAIL(err, ASSAY_DATA, "block_table[%zu,%zu] is %lld; the cache has %zu blocks", i, b, (long long)block, s->blocks);
        s->table[i * s->row + b] = (uint32_t)block;
    }
    return ASSAY_OK;
}

static enum assay_code read_sequence(const struct paged *s, const struct cpu_call *call, size_t i, struct assay_error *err)
{
    int64_t begin = cpu_index_at(call->in[STARTS], s->wide, i), end = cpu_index_at(call->in[STARTS], s->wide, i + 1);
    int64_t past = cpu_index_at(call->in[PAST], s->wide, i), room = (int64_t)(s->row * s->block);
    if (begin < 0 || end < begin || (uint64_t)end > s->tokens || (i == 0 && begin != 0))
        return ASSAY_FAIL(err, ASSAY_DATA, "sequence %zu owns rows %lld to %lld of %zu", i, (long long)begin, (long long)end, s->tokens);
    s->sequence[i] = (struct sequence){(size_t)begin, (size_t)(end - begin), 0};
    if (begin == end)
        return ASSAY_OK;
    if (past < 0 || past > room || end - begin > room - past)
        return ASSAY_FAIL(err, ASSAY_DATA, "sequence %zu has %lld tokens behind %lld; its row of block_table has room for %lld", i,
                          (long long)(end - begin), (long long)past, (long long)room);
    s->sequence[i].past = (size_t)past;
    return read_blocks(s, call->in[TABLE], i, err);
}

/* Pieces of all sequences; their number. */
static size_t cut_into_pieces(const struct paged *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->sequences; i++)
        for (size_t first = 0, all = s->sequence[i].n * s->group; first < all; first += CPU_ATTENTION_QUERIES)
            s->piece[n++] = (struct piece){i, first, all - first < CPU_ATTENTION_QUERIES ? all - first : CPU_ATTENTION_QUERIES};
    return n;
}

/* ---- the caches --------------------------------------------------------------------------------------------------- */

/* All new rows of one head of one cache, in order: of two that fall on one slot the later stays. */
static void write_head(void *self, size_t chunk, unsigned thread)
{
    const struct running *r = self;
    const struct paged   *s = r->s;
    size_t                caches = s->values ? 2 : 1, head = chunk / caches;
    bool                  value = chunk % caches;
    size_t                width = value ? s->v_width : s->width, all = s->kv_heads * width;
    const float          *from = (value ? r->v : r->k) + head * width;
    char                 *to = (value ? r->values : r->keys) + cache_bytes(s, head * width);
    (void)thread;
    for (size_t i = 0; i < s->sequences; i++)
        for (size_t t = 0; t < s->sequence[i].n; t++) {
            size_t token = s->sequence[i].past + t, slot = s->table[i * s->row + token / s->block] * s->block + token % s->block;
            r->engine->kernels->converting->store_float[s->cache](width, from + (s->sequence[i].begin + t) * all,
                                                                  to + cache_bytes(s, slot * all), false);
        }
}

/* ---- attention ---------------------------------------------------------------------------------------------------- */

static void run_piece(void *self, size_t chunk, unsigned thread)
{
    const struct running   *r = self;
    const struct paged     *s = r->s;
    const struct piece     *piece = &s->piece[chunk / s->kv_heads];
    const struct sequence  *sequence = &s->sequence[piece->sequence];
    size_t                  head = chunk % s->kv_heads, kernel_floats = cpu_attention_scratch(s->width, s->v_width);
    float                  *scratch = s->scratch + thread * s->scratch_floats;
    struct cpu_attention_pages pages = {
        .k = r->keys + cache_bytes(s, head * s->width),
        .v = s->values ? r->values + cache_bytes(s, head * s->v_width) : r->keys + cache_bytes(s, head * s->width),
        .k_token = s->kv_heads * s->width,
        .v_token = s->kv_heads * (s->values ? s->v_width : s->width),
        .block = s->block,
        .blocks = s->table + piece->sequence * s->row,
        .halves = s->cache == ASSAY_BF16,
        .stage = scratch + (kernel_floats + 15) / 16 * 16,
    };
    struct cpu_attention_block b = {
        .tile = r->engine->kernels->tile,
        .gemv = r->engine->kernels->gemv,
        .width = s->width,
        .v_width = s->v_width,
        .queries = piece->n,
        .scale = s->scale,
        .pages = &pages,
        .end = sequence->past + (piece->first + piece->n - 1) / s->group + 1,
        .scratch = scratch,
    };
    for (size_t i = 0; i < b.queries; i++) {
        size_t own = (piece->first + i) / s->group, place = head * s->group + (piece->first + i) % s->group;
        place += (sequence->begin + own) * s->q_heads;
        b.query[i] = (struct cpu_attention_query){.q = r->q + place * s->width, .y = r->y + place * s->v_width,
                                                  .sees = sequence->past + own + 1};
    }
    if (r->engine->batch_invariant || b.queries <= FEW)
        r->engine->kernels->attention->few(&b);
    else
        r->engine->kernels->attention->many(&b);
}

static void take_over(const void *before, void *after, size_t bytes)
{
    if (before != after)
        memcpy(after, before, bytes);
}

static enum assay_code run(const void *state, const struct cpu_call *call, struct assay_error *err)
{
    const struct paged *s = state;
    struct running      r = {.s = s, .engine = call->engine, .q = call->in[Q], .k = call->in[K], .keys = call->out[KEYS_AFTER], .y = call->out[Y]};
    size_t slots = s->blocks * s->block, y_row = s->q_heads * s->v_width;
    for (size_t i = 0; i < s->sequences; i++)
        if (read_sequence(s, call, i, err))
            return err->code;
    size_t owned = s->sequences ? s->sequence[s->sequences - 1].begin + s->sequence[s->sequences - 1].n : 0;
    take_over(call->in[KEYS], r.keys, cache_bytes(s, slots * s->kv_heads * s->width));
    if (s->values) {
        r.v = call->in[V];
        r.values = call->out[VALUES_AFTER];
        take_over(call->in[VALUES], r.values, cache_bytes(s, slots * s->kv_heads * s->v_width));
    }
    cpu_pool_run(call->engine->pool, (s->values ? 2 : 1) * s->kv_heads, write_head, &r);
    cpu_pool_run(call->engine->pool, cut_into_pieces(s) * s->kv_heads, run_piece, &r);
    if (owned < s->tokens)
        memset(r.y + owned * y_row, 0, (s->tokens - owned) * y_row * sizeof *r.y);
    return ASSAY_OK;
}

/* ---- preparing ---------------------------------------------------------------------------------------------------- */

static bool takes_over(const struct cpu_node *node, uint32_t out, int32_t in, struct assay_text *why_not)
{
    if (cpu_has_out(node, out) && (node->out[out].alias_of == ASSAY_NO_VALUE || (in >= 0 && node->out[out].alias_of == node->in_id[in])))
        return true;
    assay_text_add(why_not, cpu_has_out(node, out) ? "PagedAttention whose output %u takes over the memory of another value than its cache"
                                                   : "PagedAttention without its output %u", out);
    return false;
}

static bool accepts(const struct cpu_node *node, struct assay_text *why_not)
{
    bool ok = cpu_out_is(node, Y, CPU_TYPE(F32), why_not);
    for (uint32_t i = Q; ok && i <= PAST; i++)
        ok = cpu_in_is(node, i, i <= V ? CPU_TYPE(F32) : i <= VALUES ? CPU_TYPE(F32) | CPU_TYPE(BF16) : CPU_TYPES_INDEX, why_not);
    if (ok && node->in[KEYS].dims[0] > UINT32_MAX) {
        assay_text_add(why_not, "PagedAttention over %lld blocks", (long long)node->in[KEYS].dims[0]);
        return false;
    }
    return ok && takes_over(node, Y, -1, why_not) && takes_over(node, KEYS_AFTER, KEYS, why_not) &&
           (!cpu_has_in(node, VALUES) || takes_over(node, VALUES_AFTER, VALUES, why_not));
}

static void release(void *state)
{
    struct paged *s = state;
    free(s->sequence);
    free(s->piece);
    free(s->table);
    free(s->scratch);
    free(s);
}

static enum assay_code reserve(struct paged *s, size_t threads, struct assay_error *err)
{
    size_t pieces = s->tokens * s->group / CPU_ATTENTION_QUERIES + s->sequences + 1, stage = CPU_ATTENTION_KEYS * (s->width + s->v_width);
    s->scratch_floats = ((cpu_attention_scratch(s->width, s->v_width) + 15) / 16 * 16 + stage + 15) / 16 * 16;
    s->scratch = cpu_block_new(threads * s->scratch_floats * sizeof *s->scratch);
    s->sequence = cpu_block_new((s->sequences + 1) * sizeof *s->sequence);
    s->piece = cpu_block_new(pieces * sizeof *s->piece);
    s->table = cpu_block_new((s->sequences * s->row + 1) * sizeof *s->table);
    return s->scratch && s->sequence && s->piece && s->table ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for attention's scratch");
}

static enum assay_code prepare(const struct cpu_engine *engine, const struct cpu_node *node, struct cpu_step *step, struct assay_error *err)
{
    const struct assay_value_view *q = &node->in[Q], *keys = &node->in[KEYS], *table = &node->in[TABLE];
    struct paged                  *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a step");
    step->state = s;
    step->release = release;
    step->run = run;
    s->tokens = (size_t)q->dims[0];
    s->q_heads = (size_t)cpu_attr_i64(node, "q_num_heads", 1);
    s->kv_heads = (size_t)cpu_attr_i64(node, "kv_num_heads", 1);
    s->group = s->q_heads / s->kv_heads;
    s->width = (size_t)q->dims[1] / s->q_heads;
    s->values = cpu_has_in(node, V);
    s->v_width = (size_t)node->out[Y].dims[1] / s->q_heads;
    s->sequences = (size_t)table->dims[0];
    s->row = (size_t)table->dims[1];
    s->blocks = (size_t)keys->dims[0];
    s->block = (size_t)keys->dims[1];
    s->wide = table->dtype == ASSAY_I64;
    s->cache = keys->dtype;
    s->scale = (float)cpu_attr_f64(node, "scale", 1.0 / sqrt((double)(s->width ? s->width : 1)));
    (void)snprintf(step->kernel, sizeof step->kernel, "%s over pages of ours, %zu blocks of %zu in %s",
                   engine->batch_invariant ? "dot products" : "online softmax", s->blocks, s->block, assay_dtype_name(s->cache));
    return reserve(s, cpu_pool_threads(engine->pool), err);
}

const struct cpu_op cpu_op_paged_attention = {
    .name = "PagedAttention", .domain = "assay", .in_place = true, .any_type = true, .accepts = accepts, .prepare = prepare};
