#include "suites/blocks/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites/blocks/blocks.h"

#include "assay/banned.h"

#define NAME ASSAY_BLOCK_NAME_BYTES

int32_t assay_ranks_op(struct assay_graph *g, const struct assay_mesh_place *at, unsigned axes, const char *op, const char *prefix,
                       const char *name, int32_t x, const struct assay_attr *more)
{
    struct assay_attr attrs[4] = {{.name = "ranks", .type = ASSAY_ATTR_I64S}};
    size_t            n = 1;
    char              full[NAME];
    attrs[0].n = assay_mesh_group(at, axes, attrs[0].list);
    if (attrs[0].n == 1)
        return x;
    for (; more && more->name && n < 3; more++)
        attrs[n++] = *more;
    attrs[n] = ASSAY_ATTR_END;
    assay_block_name(full, prefix, name);
    return assay_graph_op(g, op, full, &x, 1, attrs);
}

int32_t assay_ranks_enter(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t x)
{
    return assay_ranks_op(g, at, ASSAY_MESH_TP, at->mesh.sp ? "assay.AllGather" : "assay.Replicate", prefix, name, x, NULL);
}

int32_t assay_ranks_leave(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t x)
{
    return assay_ranks_op(g, at, ASSAY_MESH_TP, at->mesh.sp ? "assay.ReduceScatter" : "assay.AllReduce", prefix, name, x, NULL);
}

int32_t assay_ranks_own_rows(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t x)
{
    int64_t n = assay_block_length(g, x, 0) / at->mesh.tp;
    return at->mesh.sp ? assay_block_slice(g, prefix, name, x, 0, at->tp * n, (at->tp + 1) * n) : x;
}

/* ---- parts ----------------------------------------------------------------------------------------------------- */

/* This rank's place along `axes`, of how many. */
static int64_t place_along(const struct assay_mesh_place *at, unsigned axes, int64_t *of)
{
    int64_t group[ASSAY_RANKS], place = 0;
    *of = (int64_t)assay_mesh_group(at, axes, group);
    while (group[place] != at->rank)
        place++;
    return place;
}

static bool is_one(const struct assay_mesh_place *at)
{
    return at->mesh.dp * at->mesh.tp * at->mesh.cp * at->mesh.pp * at->mesh.ep == 1;
}

struct cut {
    int32_t  axis;
    unsigned split;
};

static void declare(struct assay_graph *g, const struct assay_mesh_place *at, int32_t value, const struct cut *cuts, size_t n, unsigned shared)
{
    const struct assay_value *v = assay_graph_value(g, value);
    struct assay_part         part = {.n_holders = 0};
    unsigned                  held = 0;
    if (!v || is_one(at))
        return;
    (void)snprintf(part.name, sizeof part.name, "%s", v->name);
    memcpy(part.whole, v->dims, sizeof part.whole);
    for (size_t i = 0; i < n; i++) {
        int64_t of, place = place_along(at, cuts[i].split, &of);
        part.whole[cuts[i].axis] = v->dims[cuts[i].axis] * of;
        part.first[cuts[i].axis] = v->dims[cuts[i].axis] * place;
        held |= cuts[i].split;
    }
    part.n_holders = assay_mesh_group(at, held, part.holders);
    part.n_sharers = assay_mesh_group(at, shared, part.sharers);
    assay_graph_part(g, value, &part);
}

static int32_t find(const struct assay_graph *g, const char *prefix, const char *name)
{
    char full[NAME];
    assay_block_name(full, prefix, name);
    return assay_graph_find(g, full);
}

void assay_ranks_declare(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t axis,
                         unsigned split, unsigned shared)
{
    declare(g, at, find(g, prefix, name), &(struct cut){axis, split}, split ? 1 : 0, shared);
}

void assay_ranks_declare_experts(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t tp_axis)
{
    const struct cut cuts[] = {{0, ASSAY_MESH_EP}, {tp_axis, ASSAY_MESH_TP}};
    declare(g, at, find(g, prefix, name), cuts, 2, ASSAY_MESH_DP | ASSAY_MESH_CP);
}

void assay_ranks_declare_rows(struct assay_graph *g, const struct assay_mesh_place *at, const char *name, int32_t value,
                              const struct assay_ranks_rows *rows)
{
    const struct assay_value *v = assay_graph_value(g, value);
    struct assay_part         part = {.n_holders = 0};
    int64_t                   of, place = place_along(at, ASSAY_MESH_DP | ASSAY_MESH_EP, &of);
    if (!v || is_one(at))
        return;
    (void)snprintf(part.name, sizeof part.name, "%s", name);
    memcpy(part.whole, v->dims, sizeof part.whole);
    part.whole[0] *= of * rows->micros;
    part.first[0] = (place * rows->micros + rows->micro) * v->dims[0];
    if (rows->chunks) {
        part.whole[1] *= rows->chunks;
        part.first[1] = rows->chunk * v->dims[1];
    }
    assay_graph_part(g, value, &part);
}

/* ---- experts on other ranks ------------------------------------------------------------------------------------ */

static int32_t count(struct assay_graph *g, const char *prefix, const char *name, int64_t x)
{
    int32_t number = (int32_t)x;
    char    full[NAME];
    assay_block_name(full, prefix, name);
    return assay_graph_const(g, full, ASSAY_I32, 0, NULL, &number);
}

static int32_t numbered(struct assay_graph *g, const char *prefix, const char *name, int64_t n)
{
    int32_t *list = malloc((size_t)(n + 1) * sizeof *list), v;
    char     full[NAME];
    if (!list) {
        assay_graph_refuse(g, ASSAY_MEMORY, "no memory for %lld numbers", (long long)n);
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < n; i++)
        list[i] = (int32_t)i;
    assay_block_name(full, prefix, name);
    v = assay_graph_const(g, full, ASSAY_I32, 1, &n, list);
    free(list);
    return v;
}

/* From how many rows each rank gets, where its rows begin. */
static int32_t begins(struct assay_graph *g, const char *prefix, int32_t counts, int64_t n)
{
    int32_t begin[ASSAY_RANKS];
    int64_t one = 1;
    char    name[NAME];
    assay_block_name(name, prefix, "dispatch.first");
    begin[0] = assay_graph_const(g, name, ASSAY_I32, 1, &one, (int32_t[]){0});
    for (int64_t i = 1; i < n; i++) {
        (void)snprintf(name, sizeof name, "dispatch.count%d", (int)i - 1);
        int32_t before = assay_block_slice(g, prefix, name, counts, 0, i - 1, i);
        (void)snprintf(name, sizeof name, "dispatch.begin%d", (int)i);
        begin[i] = assay_block_binary(g, "Add", prefix, name, begin[i - 1], before);
    }
    return assay_block_concat(g, prefix, "dispatch.begins", begin, (size_t)n, 0);
}

static void permute(struct assay_graph *g, const char *prefix, const char *name, int32_t x, int32_t experts, int64_t n, int32_t out[3])
{
    static const char *const what[] = {"rows", "counts", "source"};
    char                     text[3][NAME];
    for (int i = 0; i < 3; i++) {
        (void)snprintf(text[i], NAME, "%.80s.%.20s.%s", prefix, name, what[i]);
    }
    assay_graph_op_outputs(g, "assay.MoePermute", (const char *const[]){text[0], text[1], text[2]}, 3, (int32_t[]){x, experts}, 2,
                           (struct assay_attr[]){ASSAY_ATTR_INT("num_experts", n), ASSAY_ATTR_END}, out);
}

struct assay_ranks_dispatch assay_ranks_to_experts(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, int32_t x,
                                                   int32_t chosen, int64_t n_experts)
{
    int64_t ep = at->mesh.ep, each = n_experts / ep, width = assay_block_length(g, x, 1);
    int64_t room = assay_block_length(g, chosen, 0) * assay_block_length(g, chosen, 1), column[2] = {ep, 1};
    int32_t sent[3], moved[3];
    if (ep == 1) {
        permute(g, prefix, "experts", x, chosen, n_experts, moved);
        return (struct assay_ranks_dispatch){.rows = moved[0], .counts = moved[1], .source = moved[2], .placed = ASSAY_NO_VALUE,
                                             .there = ASSAY_NO_VALUE, .room = room, .width = width};
    }
    int32_t per = count(g, prefix, "dispatch.experts_each", each);
    int32_t rank = assay_block_binary(g, "Div", prefix, "dispatch.rank", chosen, per);
    int32_t own = assay_block_binary(g, "Sub", prefix, "dispatch.own", chosen, assay_block_binary(g, "Mul", prefix, "dispatch.others", rank, per));
    permute(g, prefix, "dispatch", x, rank, ep, sent);
    int32_t begin = begins(g, prefix, sent[1], ep), number = numbered(g, prefix, "dispatch.numbers", room);
    int32_t index = assay_block_binary(g, "Add", prefix, "dispatch.index", assay_block_reshape(g, prefix, "dispatch.column", begin, 2, column), number);
    index = assay_block_binary(g, "Min", prefix, "dispatch.within", index, count(g, prefix, "dispatch.last", room - 1));
    int32_t sorted = assay_block_binary(g, "Gather", prefix, "dispatch.experts", assay_block_reshape(g, prefix, "dispatch.own_list", own, 1, &room), sent[2]);
    int32_t rows = assay_block_binary(g, "Gather", prefix, "dispatch.buffers", sent[0], index);
    int32_t ids = assay_block_binary(g, "Gather", prefix, "dispatch.buffer_experts", sorted, index);
    rows = assay_ranks_op(g, at, ASSAY_MESH_EP, "assay.AllToAll", prefix, "dispatch.came", rows, NULL);
    ids = assay_ranks_op(g, at, ASSAY_MESH_EP, "assay.AllToAll", prefix, "dispatch.came_experts", ids, NULL);
    rows = assay_block_reshape(g, prefix, "dispatch.came_rows", rows, 2, (int64_t[]){ep * room, width});
    permute(g, prefix, "experts", rows, assay_block_reshape(g, prefix, "dispatch.came_ids", ids, 2, (int64_t[]){ep * room, 1}), each, moved);
    /* where what comes back lies: in the buffer of its rank, as far behind that one's first as here */
    int32_t to = assay_block_binary(g, "Gather", prefix, "dispatch.ranks", assay_block_reshape(g, prefix, "dispatch.rank_list", rank, 1, &room), sent[2]);
    int32_t within = assay_block_binary(g, "Sub", prefix, "dispatch.behind", number, assay_block_binary(g, "Gather", prefix, "dispatch.begin_of", begin, to));
    int32_t buffer = assay_block_binary(g, "Mul", prefix, "dispatch.buffer", to, count(g, prefix, "dispatch.room", room));
    return (struct assay_ranks_dispatch){.rows = moved[0], .counts = moved[1], .placed = moved[2], .source = sent[2], .room = room, .width = width,
                                         .there = assay_block_binary(g, "Add", prefix, "dispatch.there", buffer, within)};
}

int32_t assay_ranks_from_experts(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix,
                                 const struct assay_ranks_dispatch *way, int32_t y, int32_t weights)
{
    const float one = 1;
    int64_t     ep = at->mesh.ep, slots[2] = {ep * way->room, 1};
    char        name[NAME];
    if (ep > 1) {
        assay_block_name(name, prefix, "combine.one");
        int32_t ones = assay_graph_const(g, name, ASSAY_F32, 0, NULL, &one);
        assay_block_name(name, prefix, "combine.slots");
        ones = assay_block_binary(g, "Expand", prefix, "combine.ones", ones, assay_graph_i64s(g, name, 2, slots));
        assay_block_name(name, prefix, "combine.as_came");
        y = assay_graph_op(g, "assay.MoeCombine", name, (int32_t[]){y, ones, way->placed}, 3, NULL);
        y = assay_block_reshape(g, prefix, "combine.buffers", y, 3, (int64_t[]){ep, way->room, way->width});
        y = assay_ranks_op(g, at, ASSAY_MESH_EP, "assay.AllToAll", prefix, "combine.back", y, NULL);
        y = assay_block_reshape(g, prefix, "combine.back_rows", y, 2, (int64_t[]){ep * way->room, way->width});
        y = assay_block_binary(g, "Gather", prefix, "combine.rows", y, way->there);
    }
    assay_block_name(name, prefix, "experts.combined");
    return assay_graph_op(g, "assay.MoeCombine", name, (int32_t[]){y, weights, way->source}, 3, NULL);
}

/* ---- a vocabulary in parts ------------------------------------------------------------------------------------- */

static int32_t whole_number(struct assay_graph *g, const char *prefix, const char *name, int64_t x)
{
    char full[NAME];
    assay_block_name(full, prefix, name);
    return assay_graph_const(g, full, ASSAY_I64, 0, NULL, &x);
}

static int32_t zero(struct assay_graph *g, const char *prefix, const char *name)
{
    const float none = 0;
    char        full[NAME];
    assay_block_name(full, prefix, name);
    return assay_graph_const(g, full, ASSAY_F32, 0, NULL, &none);
}

int32_t assay_ranks_lookup(struct assay_graph *g, const char *prefix, int32_t table, int32_t indices, int64_t first, int64_t n)
{
    char    name[NAME];
    int64_t last_axis = 2;
    int32_t from = assay_block_binary(g, "Sub", prefix, "own_indices", indices, whole_number(g, prefix, "first", first));
    int32_t none = whole_number(g, prefix, "none", 0);
    int32_t not_before = assay_block_binary(g, "GreaterOrEqual", prefix, "not_before", from, none);
    int32_t before_end = assay_block_binary(g, "Less", prefix, "before_end", from, whole_number(g, prefix, "end", n));
    int32_t is_own = assay_block_binary(g, "And", prefix, "is_own", not_before, before_end);
    assay_block_name(name, prefix, "own_or_first");
    int32_t own = assay_graph_op(g, "Where", name, (int32_t[]){is_own, from, none}, 3, NULL);
    int32_t rows = assay_block_binary(g, "Gather", prefix, "own_rows", table, own);
    assay_block_name(name, prefix, "axis");
    int32_t mask = assay_block_binary(g, "Unsqueeze", prefix, "is_own_row", is_own, assay_graph_i64s(g, name, 1, &last_axis));
    assay_block_name(name, prefix, "");
    return assay_graph_op(g, "Where", name, (int32_t[]){mask, rows, zero(g, prefix, "no_row")}, 3, NULL);
}

/* The logarithm of the sum of exponentials along the last of two axes, as a column: x - log softmax(x), at the first place. */
static int32_t log_sum(struct assay_graph *g, const char *name, int32_t x)
{
    char    full[NAME];
    int32_t y = assay_block_unary(g, "LogSoftmax", "loss", name, x);
    assay_block_name(full, "loss", name);
    int32_t a = assay_block_slice(g, full, "of", x, 1, 0, 1), b = assay_block_slice(g, full, "less", y, 1, 0, 1);
    return assay_block_binary(g, "Sub", full, "sum", a, b);
}

/* The logit of each row's label, or zero where another rank has it, as a column. */
static int32_t chosen(struct assay_graph *g, int32_t logits, int32_t labels, int64_t first)
{
    int64_t  n = assay_block_length(g, logits, 1), one = 1;
    int64_t *column = malloc((size_t)(n + 1) * sizeof *column);
    if (!column) {
        assay_graph_refuse(g, ASSAY_MEMORY, "no memory for %lld columns", (long long)n);
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < n; i++)
        column[i] = first + i;
    int32_t numbers = assay_graph_const(g, "loss.columns", ASSAY_I64, 1, &n, column);
    free(column);
    int32_t axis = assay_graph_i64s(g, "loss.row_axis", 1, &one);
    int32_t row_labels = assay_block_binary(g, "Unsqueeze", "loss", "row_labels", labels, axis);
    int32_t is_it = assay_block_binary(g, "Equal", "loss", "is_label", row_labels, numbers);
    int32_t only = assay_graph_op(g, "Where", "loss.label_logits", (int32_t[]){is_it, logits, zero(g, "loss", "none")}, 3, NULL);
    return assay_block_binary(g, "ReduceSum", "loss", "label_logit", only, axis);
}

int32_t assay_ranks_cross_entropy(struct assay_graph *g, const struct assay_mesh_place *at, int32_t logits, int32_t labels, int64_t first)
{
    const float       tp = (float)at->mesh.tp, n = (float)assay_block_length(g, labels, 0); /* divisors: their reciprocals would be rounded */
    struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END};
    int32_t           own = log_sum(g, "own_columns", logits);
    int32_t           all = log_sum(g, "all_columns", assay_ranks_op(g, at, ASSAY_MESH_TP, "assay.AllGather", "loss", "sums", own, axis));
    int32_t           of_all = assay_block_binary(g, "Div", "loss", "share", all, assay_graph_const(g, "loss.tp", ASSAY_F32, 0, NULL, &tp));
    int32_t           rows = assay_block_binary(g, "Sub", "loss", "rows", of_all, chosen(g, logits, labels, first));
    int32_t sum = assay_graph_op(g, "ReduceSum", "loss.sum", &rows, 1, (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
    return assay_block_binary(g, "Div", "loss", "mean", sum, assay_graph_const(g, "loss.n_rows", ASSAY_F32, 0, NULL, &n));
}
