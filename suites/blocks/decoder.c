#include "suites/blocks/decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/steps.h"
#include "suites/blocks/blocks.h"
#include "suites/blocks/context.h"
#include "suites/blocks/decoder_layer.h"
#include "suites/blocks/ranks.h"
#include "suites/blocks/stage_order.h"

#include "assay/banned.h"

/* cos and sin of position * theta^(-2 i / width), in f32, as the tables of the public implementations are. */
static void rotary_tables(struct decoder *d)
{
    int64_t width = d->shape->mla.kv_rank ? d->shape->mla.rope_dim : d->shape->head_dim, half = width / 2, n = d->room;
    float  *table = malloc(2 * (size_t)(n * half) * sizeof *table);
    if (!table) {
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for rotary tables of %lld positions", (long long)n);
        return;
    }
    for (int64_t p = 0; p < n; p++)
        for (int64_t i = 0; i < half; i++) {
            double angle = (double)p * pow(d->shape->rope_theta, -2.0 * (double)i / (double)width);
            table[p * half + i] = (float)cos(angle);
            table[n * half + p * half + i] = (float)sin(angle);
        }
    d->cosines = assay_graph_const(d->g, "rotary.cos", ASSAY_F32, 2, (int64_t[]){n, half}, table);
    d->sines = assay_graph_const(d->g, "rotary.sin", ASSAY_F32, 2, (int64_t[]){n, half}, table + n * half);
    free(table);
}

/* i64[batch, length]: where a token stands in its sequence, from 0, or where the past ends; of packed tokens, given. */
static int32_t positions(const struct decoder *d)
{
    int64_t dims[2] = {d->batch, d->length};
    if (d->how->phase == ASSAY_DECODER_SERVE) {
        bool    learned = d->shape->positions == ASSAY_POSITIONS_LEARNED;
        int64_t most = learned && d->shape->context < d->how->context ? d->shape->context : d->how->context;
        int32_t ids = assay_graph_control(d->g, "position_ids", ASSAY_I64, 1, &dims[1], (struct assay_fill){ASSAY_FILL_INTEGERS, 0, (double)(most - 1)});
        return assay_block_reshape(d->g, "", "position_ids:sequence", ids, 2, dims);
    }
    if (d->past != ASSAY_NO_VALUE)
        return assay_block_reshape(d->g, "", "position_ids", d->past, 2, dims);
    /* Written out where that is no more than some megabytes: a system's whole batch has gigabytes of them. */
    bool     many = dims[0] > 1 && dims[1] > (1 << 20) / dims[0];
    int64_t  rows = many ? 1 : dims[0];
    int64_t *list = malloc((size_t)(rows * dims[1]) * sizeof *list);
    if (!list) {
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for %lld x %lld positions", (long long)rows, (long long)dims[1]);
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < rows * dims[1]; i++)
        list[i] = assay_context_position(d, i % dims[1]);
    int32_t v = assay_graph_const(d->g, many ? "position_ids.one" : "position_ids", ASSAY_I64, 2, (int64_t[]){rows, dims[1]}, list);
    free(list);
    return many ? assay_block_binary(d->g, "Expand", "", "position_ids", v, assay_graph_i64s(d->g, "position_ids:shape", 2, dims)) : v;
}

/* Of the sequences of a rank: one where there are no stages that would wait for each other, else the most that divide them and are no
 * more than four a stage, with which stages stand still for less than a fifth of the time. Interleaved, by the stages (divides() sees to
 * it that these divide the sequences). */
static int64_t micro_batches(const struct assay_mesh *m, int64_t sequences)
{
    int64_t most = m->pp == 1 ? 1 : sequences < 4 * m->pp ? sequences : 4 * m->pp;
    for (int64_t n = most; n > 1; n--)
        if (sequences % n == 0 && (m->chunks <= 1 || n % m->pp == 0))
            return n;
    return 1;
}

static void enter_piece(struct decoder *d, int64_t piece)
{
    d->piece = piece;
    d->first_layer = piece * d->layers;
}

/* Who owns which rows and blocks. Generated ones are such as a server has: sequences of uneven lengths and blocks all over the caches. */
static void paging(struct decoder *d)
{
    const struct assay_decoder *how = d->how;
    int64_t sequences = how->batch, ends = sequences + 1, table[2] = {sequences, (how->context + how->block - 1) / how->block};
    int64_t most = how->context > how->tokens ? how->context - how->tokens : 0, least = most / 2;
    d->table = assay_graph_control(d->g, "block_table", ASSAY_I32, 2, table, (struct assay_fill){ASSAY_FILL_DISTINCT, 0, (double)(how->blocks - 1)});
    d->starts = assay_graph_control(d->g, "starts", ASSAY_I32, 1, &ends, (struct assay_fill){ASSAY_FILL_RAGGED, 0, (double)how->tokens});
    d->past = assay_graph_control(d->g, "past", ASSAY_I32, 1, &sequences, (struct assay_fill){ASSAY_FILL_INTEGERS, (double)least, (double)most});
}

static void begin(struct decoder *d)
{
    const struct assay_decoder *how = d->how;
    bool                        decode = how->phase == ASSAY_DECODER_DECODE, serve = how->phase == ASSAY_DECODER_SERVE;
    d->at = assay_mesh_place(&how->mesh, how->rank);
    d->micros = micro_batches(&d->at.mesh, how->batch / (d->at.mesh.dp * d->at.mesh.ep));
    d->batch = serve ? 1 : how->batch / (d->at.mesh.dp * d->at.mesh.ep) / d->micros;
    d->pieces = d->at.mesh.pp * d->at.mesh.chunks;
    d->layers = how->layers / d->pieces;
    enter_piece(d, d->at.pp);
    d->heads = d->shape->heads / d->at.mesh.tp;
    d->kv_heads = d->shape->kv_heads / d->at.mesh.tp;
    d->split_vocabulary = d->at.mesh.tp > 1 && d->shape->vocab % d->at.mesh.tp == 0;
    d->length = decode ? 1 : how->tokens / d->at.mesh.cp;
    d->room = serve ? how->context : how->tokens + (decode ? ASSAY_DECODER_ROOM : 0);
    d->past = d->filled = d->cosines = d->sines = d->table = d->starts = ASSAY_NO_VALUE;
    if (serve)
        paging(d);
    d->out_gain = 1 / sqrt(2.0 * (double)how->layers);
    if (decode) {
        int64_t one = 1;
        d->past = assay_graph_control(d->g, "past", ASSAY_I64, 1, &how->batch,
                                      (struct assay_fill){ASSAY_FILL_INTEGERS, (double)how->tokens, (double)(d->room - 1)});
        d->filled = assay_block_binary(d->g, "Add", "", "filled", d->past, assay_graph_i64s(d->g, "filled:one", 1, &one));
    }
    d->positions = positions(d);
    assay_context_begin(d);
    if (d->shape->positions == ASSAY_POSITIONS_ROPE)
        rotary_tables(d);
}

/* Tables have no scales: where matrices are whole numbers they are bf16. */
static enum assay_dtype table_format(const struct decoder *d)
{
    return d->how->store == ASSAY_I8 ? ASSAY_BF16 : d->how->store;
}

/* The rows of the tokens, of which each rank of tp has a part of the vocabulary if that divides: [batch * length, hidden]. */
static int32_t look_up(const struct decoder *d, int32_t ids, int32_t *table)
{
    const struct assay_model_shape *s = d->shape;
    int64_t                         n = s->vocab / d->at.mesh.tp, dims[2] = {n, s->hidden};
    if (!d->split_vocabulary) {
        int32_t x = assay_block_embedding(d->g, "model.embed_tokens", ids, s->vocab, s->hidden, table_format(d), table);
        assay_ranks_declare(d->g, &d->at, "model.embed_tokens", "weight", 0, 0, assay_decoder_row_sharers(d));
        return x;
    }
    *table = assay_graph_param(d->g, "model.embed_tokens.weight", ASSAY_F32, 2, dims, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 0.02});
    assay_ranks_declare(d->g, &d->at, "model.embed_tokens", "weight", 0, ASSAY_MESH_TP, ASSAY_MESH_COPIES);
    return assay_ranks_lookup(d->g, "model.embed_tokens", *table, ids, d->at.tp * n, n);
}

static int32_t embed(const struct decoder *d, int32_t *table)
{
    const struct assay_model_shape *s = d->shape;
    bool                            packed = d->how->phase == ASSAY_DECODER_SERVE;
    int32_t                         ids = assay_context_input(d, "input_ids", packed ? 1 : 2);
    int32_t                         x = look_up(d, ids, table), p = ASSAY_NO_VALUE, other;
    if (s->positions == ASSAY_POSITIONS_LEARNED) {
        p = assay_block_embedding(d->g, "model.embed_positions", d->positions, s->context, s->hidden, ASSAY_F32, &other);
        assay_ranks_declare(d->g, &d->at, "model.embed_positions", "weight", 0, 0, assay_decoder_row_sharers(d));
    }
    if (d->split_vocabulary) {
        x = assay_ranks_leave(d->g, &d->at, "model", "summed", assay_decoder_rows(d, "model", "rows", x, s->hidden));
        if (p == ASSAY_NO_VALUE)
            return x;
        p = assay_ranks_own_rows(d->g, &d->at, "model", "own_positions", assay_decoder_rows(d, "model", "position_rows", p, s->hidden));
        return assay_block_binary(d->g, "Add", "model", "embedded", x, p);
    }
    if (p != ASSAY_NO_VALUE)
        x = assay_block_binary(d->g, "Add", "model", "embedded", x, p);
    return assay_ranks_own_rows(d->g, &d->at, "model", "own_rows", assay_decoder_rows(d, "model", "rows", x, s->hidden));
}

/* The last token of each sequence: [batch, hidden]. */
static int32_t last(const struct decoder *d, int32_t x)
{
    int64_t at = d->length - 1, dims[2] = {d->how->batch, d->shape->hidden};
    x = assay_decoder_sequences(d, "model", "sequences", x, d->shape->hidden);
    x = assay_graph_op(d->g, "Gather", "model.last", (int32_t[]){x, assay_graph_i64s(d->g, "model.last:index", 1, &at)}, 2,
                       (struct assay_attr[]){ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END});
    return assay_block_reshape(d->g, "model", "last_rows", x, 2, dims);
}

/* The last token of each packed sequence: [batch, hidden]. Of one without tokens, some other's. */
static int32_t last_packed(const struct decoder *d, int32_t x)
{
    int64_t begin = 1, end = d->how->batch + 1, axis = 0;
    int32_t one = 1, ends[4] = {d->starts, assay_graph_i64s(d->g, "ends:begin", 1, &begin), assay_graph_i64s(d->g, "ends:end", 1, &end),
                                assay_graph_i64s(d->g, "ends:axis", 1, &axis)};
    int32_t behind = assay_graph_op(d->g, "Slice", "ends", ends, 4, NULL);
    int32_t at = assay_block_binary(d->g, "Sub", "", "last_tokens", behind, assay_graph_const(d->g, "last_tokens:one", ASSAY_I32, 0, NULL, &one));
    return assay_graph_op(d->g, "Gather", "model.last", (int32_t[]){x, at}, 2, NULL);
}

/* Tokens that a rank's layers have at a time. */
static int64_t step_rows(const struct assay_decoder *how)
{
    int64_t sequences = how->batch / (how->mesh.dp * how->mesh.ep);
    return sequences / micro_batches(&how->mesh, sequences) * (how->tokens / how->mesh.cp);
}

/* Does the model divide by its mesh? false, with the reason in the graph: it does not. */
static bool divides(struct assay_graph *g, const struct assay_decoder *how)
{
    const struct assay_model_shape *s = how->shape;
    const struct assay_mesh        *m = &how->mesh;
    struct assay_error              err = {.code = ASSAY_OK};
    const struct {
        const char *what, *axis;
        int64_t     length, by;
        bool        counts;
    } rows[] = {
        {"heads", "tp", s->heads, m->tp, how->attention}, {"kv_heads", "tp", s->kv_heads, m->tp, how->attention}, {"ffn", "tp", s->ffn, m->tp, true},
        {"expert_ffn", "tp", s->moe.expert_ffn, m->tp, s->moe.experts > 0}, {"shared_ffn", "tp", s->moe.shared_ffn, m->tp, s->moe.shared > 0},
        {"layers", m->chunks > 1 ? "pp x chunks" : "pp", how->layers, m->pp * m->chunks, true}, {"experts", "ep", s->moe.experts, m->ep, true},
        {"batch", "dp x ep", how->batch, m->dp * m->ep, true},
        {"batch of a stage", "pp", how->batch / (m->dp * m->ep), m->pp, m->chunks > 1},
        {"tokens", "2 x cp", how->tokens, 2 * m->cp, m->cp > 1},
        {"batch x tokens of a step", "tp", step_rows(how), m->tp, m->sp},
    };
    int64_t n;
    if (assay_mesh_ranks(m, &n, &err))
        assay_graph_refuse(g, err.code, "%s", err.message);
    else if (n > 1 && how->phase != ASSAY_DECODER_TRAIN)
        assay_graph_refuse(g, ASSAY_UNSUPPORTED, "a mesh of %lld ranks in a phase other than train, gradients and score", (long long)n);
    else if (m->tp > 1 && s->mla.kv_rank)
        assay_graph_refuse(g, ASSAY_UNSUPPORTED, "tp %lld with latent attention, which is not split", (long long)m->tp);
    else if (m->pp > 1 && s->tied)
        assay_graph_refuse(g, ASSAY_UNSUPPORTED, "pp %lld with tied embeddings, which two stages would share", (long long)m->pp);
    else if (m->ep > 1 && !s->moe.experts)
        assay_graph_refuse(g, ASSAY_CONFIG, "ep %lld; model '%s' has no experts", (long long)m->ep, s->name);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !g->first_error.code; i++)
        if (rows[i].counts && rows[i].length % rows[i].by)
            assay_graph_refuse(g, ASSAY_CONFIG, "%s %lld of '%s' does not divide by %s %lld", rows[i].what, (long long)rows[i].length, s->name,
                               rows[i].axis, (long long)rows[i].by);
    return !g->first_error.code;
}

/* A bucket with what was left open filled in; false, with the reason in the graph: there is none like it. */
static bool complete(struct assay_graph *g, const struct assay_decoder *how, struct assay_decoder *out)
{
    const struct assay_model_shape *s = how->shape;
    bool                            serve = how->phase == ASSAY_DECODER_SERVE;
    *out = *how;
    if (!serve && s->positions == ASSAY_POSITIONS_LEARNED && how->tokens > s->context)
        assay_graph_refuse(g, ASSAY_CONFIG, "tokens %lld; the model has %lld positions", (long long)how->tokens, (long long)s->context);
    else if (serve && (how->block < 1 || how->context < 1 || how->batch > how->tokens))
        assay_graph_refuse(g, ASSAY_CONFIG, "phase serve with %lld tokens of %lld sequences of at most %lld, in blocks of %lld",
                           (long long)how->tokens, (long long)how->batch, (long long)how->context, (long long)how->block);
    out->mesh = how->mesh.dp ? how->mesh : ASSAY_MESH_ONE;
    out->mesh.chunks = how->mesh.chunks ? how->mesh.chunks : 1;
    if (g->first_error.code || !divides(g, out))
        return false;
    out->cache = how->cache == ASSAY_DTYPE_NONE ? ASSAY_F32 : how->cache;
    if (serve && !how->blocks)
        out->blocks = how->batch * ((how->context + how->block - 1) / how->block);
    return true;
}

void assay_decoder_choose(struct assay_graph *g, int32_t logits)
{
    int64_t           two = 2, rows = assay_block_length(g, logits, 0);
    int32_t           best[2];
    const char *const names[] = {"best.logits", "best.tokens"};
    assay_graph_op_outputs(g, "TopK", names, 2, (int32_t[]){logits, assay_graph_i64s(g, "best:k", 1, &two)}, 2, NULL, best);
    int32_t first = assay_block_slice(g, "best", "first", best[0], 1, 0, 1), second = assay_block_slice(g, "best", "second", best[0], 1, 1, 2);
    int32_t margin = assay_block_binary(g, "Sub", "best", "apart", first, second);
    assay_graph_output(g, assay_block_reshape(g, "", "next_tokens", assay_block_slice(g, "best", "token", best[1], 1, 0, 1), 1, &rows));
    assay_graph_output(g, assay_block_reshape(g, "", "margins", margin, 1, &rows));
}

/* Logits of the rows in which the last layer left x: all columns, or with a split vocabulary this rank's of all rows. */
static int32_t head(const struct decoder *d, int32_t x, int32_t table)
{
    const struct assay_model_shape *s = d->shape;
    x = assay_decoder_norm(d, "model", "norm", x, s->hidden);
    if (d->split_vocabulary)
        x = assay_ranks_enter(d->g, &d->at, "lm_head", "entered", x);
    if (s->tied)
        return assay_graph_op(d->g, "Gemm", "lm_head", (int32_t[]){x, assay_block_table(d->g, "model.embed_tokens", table)}, 2,
                              (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
    return d->split_vocabulary ? assay_decoder_by_columns(d, "", "lm_head", x, s->hidden, s->vocab, false)
                               : assay_decoder_linear(d, "", "lm_head", x, s->hidden, s->vocab, false, 1);
}

static int32_t layers(const struct decoder *d, int32_t x)
{
    for (int64_t i = 0; i < d->layers; i++)
        x = assay_decoder_layer(d, d->first_layer + i, x);
    return x;
}

int32_t assay_decoder_build(struct assay_graph *g, const struct assay_decoder *given)
{
    struct assay_decoder bucket;
    struct decoder       d = {.g = g, .how = &bucket, .shape = given->shape};
    int32_t              table;
    if (!complete(g, given, &bucket))
        return ASSAY_NO_VALUE;
    begin(&d);
    int32_t x = layers(&d, embed(&d, &table));
    if (d.how->phase == ASSAY_DECODER_PREFILL)
        x = last(&d, x);
    else if (d.how->phase == ASSAY_DECODER_SERVE)
        x = last_packed(&d, x);
    return head(&d, x, table);
}

/* ---- the loss of ranks ----------------------------------------------------------------------------------------- */

/* Of the last stage: this rank's share of the loss, and the ranks whose shares add up to it. */
static int32_t own_loss(const struct decoder *d, int32_t x, int32_t table, unsigned *adds)
{
    const struct assay_mesh *m = &d->at.mesh;
    int64_t                  of = d->micros * m->dp * m->cp * m->ep * (m->sp && !d->split_vocabulary ? m->tp : 1);
    float   divisor = (float)of;
    bool    alone = m->dp * m->tp * m->cp * m->pp * m->ep == 1;
    int32_t logits = head(d, x, table);
    int32_t labels = assay_context_input(d, "labels", 1);
    *adds = assay_decoder_row_sharers(d) | (d->split_vocabulary ? ASSAY_MESH_TP : 0);
    int32_t loss = d->split_vocabulary
                       ? assay_ranks_cross_entropy(d->g, &d->at, logits, labels, d->at.tp * assay_block_length(d->g, logits, 1))
                       : assay_graph_op(d->g, "SoftmaxCrossEntropyLoss", alone ? "loss" : "loss.own",
                                        (int32_t[]){logits, assay_ranks_own_rows(d->g, &d->at, "loss", "own_labels", labels)}, 2, NULL);
    return of == 1 ? loss : assay_block_binary(d->g, "Div", "loss", "own_share", loss, assay_graph_const(d->g, "loss.of_ranks", ASSAY_F32, 0, NULL, &divisor));
}

/* The rank that stands as this one does on the stage of the piece before (-1) or behind (1); the last stage's pieces lie before the
 * first one's next. */
static int64_t neighbour(const struct decoder *d, int64_t step)
{
    const struct assay_mesh *m = &d->at.mesh;
    return d->at.rank + ((d->at.pp + step + m->pp) % m->pp - d->at.pp) * m->dp * m->ep * m->cp * m->tp;
}

/* What the piece before gives: rows as they are between layers. */
static int32_t from_before(const struct decoder *d)
{
    int64_t           n = d->batch * d->length / (d->at.mesh.sp ? d->at.mesh.tp : 1);
    struct assay_attr attrs[] = {{.name = "ranks", .type = ASSAY_ATTR_I64S, .list = {neighbour(d, -1), d->at.rank}, .n = 2},
                                 {.name = "shape", .type = ASSAY_ATTR_I64S, .list = {n, d->shape->hidden}, .n = 2}, ASSAY_ATTR_END};
    int32_t edge = assay_graph_input(d->g, "stage.edge", ASSAY_F32, 0, NULL, (struct assay_fill){ASSAY_FILL_CONSTANT, 0, 0});
    return assay_graph_op(d->g, "assay.Receive", "stage.rows", &edge, 1, attrs);
}

/* The share of one micro-batch on one piece: what goes to the next piece has none. */
static int32_t micro_loss(const struct decoder *d, unsigned *adds)
{
    int32_t table = ASSAY_NO_VALUE;
    int32_t x = layers(d, d->piece ? from_before(d) : embed(d, &table));
    if (d->piece + 1 == d->pieces)
        return own_loss(d, x, table, adds);
    struct assay_attr to = {.name = "ranks", .type = ASSAY_ATTR_I64S, .list = {d->at.rank, neighbour(d, 1)}, .n = 2};
    *adds = assay_decoder_row_sharers(d) | (d->split_vocabulary ? ASSAY_MESH_TP : 0);
    return assay_graph_op(d->g, "assay.Send", "stage.sent", &x, 1, (struct assay_attr[]){to, ASSAY_ATTR_END});
}

/* Piece and micro-batch number `k` of a rank's chunks x micro-batches; the nodes are a step of the schedule. */
static int32_t share(struct decoder *d, int64_t k, const struct assay_stage_order *order, unsigned *adds)
{
    d->micro = k % d->micros;
    enter_piece(d, k / d->micros * d->at.mesh.pp + d->at.pp);
    assay_graph_repeat(d->g, d->built++);
    assay_graph_step(d->g, assay_stage_step(order, d->piece, d->micro));
    int32_t own = micro_loss(d, adds);
    assay_graph_step(d->g, 0);
    return own;
}

static struct assay_stage_order order_of(const struct decoder *d)
{
    return (struct assay_stage_order){.stages = d->at.mesh.pp, .chunks = d->at.mesh.chunks, .micro_batches = d->micros, .stage = d->at.pp};
}

/* Shares by number, in *n of them. The walk back meets last first, and gradients of the micro-batches are added up as it meets them: so
 * what a schedule takes back first is built last. */
static int32_t *shares(struct decoder *d, size_t *n, unsigned *adds)
{
    const struct assay_stage_order order = order_of(d);
    struct assay_schedule_entry   *entries = NULL;
    struct assay_error             err = {.code = ASSAY_OK};
    size_t                         n_entries = 0;
    *n = (size_t)(d->at.mesh.chunks * d->micros);
    int32_t *own = calloc(*n + 1, sizeof *own);
    if (!own)
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for %zu micro-batches", *n);
    else if (d->at.mesh.schedule == ASSAY_MESH_GPIPE)
        for (size_t k = 0; k < *n; k++)
            own[k] = share(d, (int64_t)k, &order, adds);
    else if (assay_stage_order(&order, &entries, &n_entries, &err))
        assay_graph_refuse(d->g, err.code, "%s", err.message);
    for (size_t i = n_entries; i-- > 0;) {
        int64_t at = (int64_t)(entries[i].step & ~ASSAY_STEP_BACKWARD) - 1, k = at / d->micros / d->at.mesh.pp * d->micros + at % d->micros;
        if (entries[i].step & ASSAY_STEP_BACKWARD && !entries[i].only_receives)
            own[k] = share(d, k, &order, adds);
    }
    free(entries);
    return own;
}

int32_t assay_decoder_loss(struct assay_graph *g, const struct assay_decoder *given)
{
    struct assay_decoder bucket;
    struct decoder       d = {.g = g, .how = &bucket, .shape = given->shape};
    size_t               n;
    unsigned             adds = 0;
    if (!complete(g, given, &bucket))
        return ASSAY_NO_VALUE;
    begin(&d);
    int32_t *own = shares(&d, &n, &adds), sum = own ? own[0] : ASSAY_NO_VALUE;
    for (size_t k = 1; own && k < n; k++) {
        assay_graph_repeat(g, (uint32_t)k);
        sum = assay_block_binary(g, "Add", "loss", "shares", sum, own[k]);
    }
    free(own);
    assay_graph_repeat(g, 0);
    return assay_ranks_op(g, &d.at, adds | ASSAY_MESH_PP, "assay.AllReduce", "", "loss", sum, NULL);
}

void assay_decoder_schedule(const struct assay_graph *from, const struct assay_decoder *given, struct assay_graph *to)
{
    struct assay_decoder         bucket;
    struct decoder               d = {.g = to, .how = &bucket, .shape = given->shape};
    struct assay_schedule_entry *entries = NULL;
    struct assay_error           err = {.code = ASSAY_OK};
    size_t                       n = 0;
    if (!complete(to, given, &bucket))
        return;
    d.at = assay_mesh_place(&bucket.mesh, bucket.rank);
    d.micros = micro_batches(&bucket.mesh, bucket.batch / (bucket.mesh.dp * bucket.mesh.ep));
    const struct assay_stage_order order = order_of(&d);
    if (bucket.mesh.schedule == ASSAY_MESH_GPIPE)
        assay_graph_refuse(to, ASSAY_INTERNAL, "a graph is built in the order of GPipe");
    else if (assay_stage_order(&order, &entries, &n, &err))
        assay_graph_refuse(to, err.code, "%s", err.message);
    else
        assay_graph_schedule(from, entries, n, to);
    free(entries);
}
