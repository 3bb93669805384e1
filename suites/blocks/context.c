#include "suites/blocks/context.h"

#include <stdio.h>
#include <stdlib.h>

#include "suites/blocks/blocks.h"
#include "suites/blocks/ranks.h"

#include "assay/banned.h"

#define NAME ASSAY_BLOCK_NAME_BYTES

enum { LOW, HIGH, CHUNKS_EACH };
static const char *const chunk_name[CHUNKS_EACH] = {"low", "high"};

/* Of one chunk: its number in the sequence, its tokens. */
static int64_t chunk_of(const struct assay_mesh *m, int64_t rank, int64_t which)
{
    return which == LOW ? rank : CHUNKS_EACH * m->cp - 1 - rank;
}

static int64_t chunk_tokens(const struct decoder *d)
{
    return d->length / CHUNKS_EACH;
}

int64_t assay_context_position(const struct decoder *d, int64_t i)
{
    int64_t n = chunk_tokens(d);
    return d->at.mesh.cp == 1 ? i : chunk_of(&d->at.mesh, d->at.cp, i / n) * n + i % n;
}

/* Where each token of a sequence lies among what the ranks brought, one behind the other. */
static int32_t order_of_tokens(struct decoder *d)
{
    const struct assay_mesh *m = &d->at.mesh;
    int64_t                  n = chunk_tokens(d), all = d->length * m->cp, *list = malloc((size_t)(all + 1) * sizeof *list);
    if (!list) {
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for the order of %lld tokens", (long long)all);
        return ASSAY_NO_VALUE;
    }
    for (int64_t rank = 0; rank < m->cp; rank++)
        for (int64_t i = 0; i < d->length; i++)
            list[chunk_of(m, rank, i / n) * n + i % n] = rank * d->length + i;
    int32_t order = assay_graph_const(d->g, "context.order", ASSAY_I64, 1, &all, list);
    free(list);
    return order;
}

/* bool[queries of the chunk, keys up to its end]; of the first chunk of all none, where is_causal says the same. Attention's own
 * is_causal begins with the first key, and what lets it begin later has no gradient. */
static int32_t mask_of(struct decoder *d, int64_t which)
{
    int64_t n = chunk_tokens(d), first = chunk_of(&d->at.mesh, d->at.cp, which) * n, dims[2] = {n, first + n};
    char    name[NAME];
    if (first == 0)
        return ASSAY_NO_VALUE;
    unsigned char *keeps = malloc((size_t)(dims[0] * dims[1]));
    if (!keeps) {
        assay_graph_refuse(d->g, ASSAY_MEMORY, "no memory for a mask of %lld x %lld", (long long)dims[0], (long long)dims[1]);
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < dims[0] * dims[1]; i++)
        keeps[i] = i % dims[1] <= first + i / dims[1];
    (void)snprintf(name, sizeof name, "context.mask.%s", chunk_name[which]);
    int32_t mask = assay_graph_const(d->g, name, ASSAY_BOOL, 2, dims, keeps);
    free(keeps);
    return mask;
}

void assay_context_begin(struct decoder *d)
{
    if (d->at.mesh.cp == 1)
        return;
    d->order = order_of_tokens(d);
    for (int64_t which = LOW; which < CHUNKS_EACH; which++)
        d->masks[which] = mask_of(d, which);
}

int32_t assay_context_input(const struct decoder *d, const char *name, int32_t axes)
{
    const struct assay_fill fill = {ASSAY_FILL_INTEGERS, 0, (double)(d->shape->vocab - 1)};
    struct assay_ranks_rows rows = {.micro = d->micro, .micros = d->micros};
    int64_t                 all = d->batch * d->length, dims[2] = {d->batch, d->length};
    int32_t                 chunk[CHUNKS_EACH];
    char                    label[NAME];
    if (d->at.mesh.cp == 1) {
        int32_t x = assay_graph_input(d->g, name, ASSAY_I64, axes, axes == 1 ? &all : dims, fill);
        assay_ranks_declare_rows(d->g, &d->at, name, x, &rows);
        return x;
    }
    rows.chunks = CHUNKS_EACH * d->at.mesh.cp;
    dims[1] = chunk_tokens(d);
    for (int64_t which = LOW; which < CHUNKS_EACH; which++) {
        rows.chunk = chunk_of(&d->at.mesh, d->at.cp, which);
        assay_block_name(label, name, chunk_name[which]);
        chunk[which] = assay_graph_input(d->g, label, ASSAY_I64, 2, dims, fill);
        assay_ranks_declare_rows(d->g, &d->at, name, chunk[which], &rows);
    }
    int32_t x = assay_block_concat(d->g, name, "own", chunk, CHUNKS_EACH, 1);
    return axes == 1 ? assay_block_reshape(d->g, name, "own_rows", x, 1, &all) : x;
}

/* x[batch, length, width] of every rank, in the order of the sequence. */
static int32_t gathered(const struct decoder *d, const char *prefix, const char *name, int32_t x)
{
    struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", 1), ASSAY_ATTR_END};
    char              label[NAME];
    (void)snprintf(label, sizeof label, "%.32s_came", name);
    x = assay_ranks_op(d->g, &d->at, ASSAY_MESH_CP, "assay.AllGather", prefix, label, x, axis);
    (void)snprintf(label, sizeof label, "%.100s.%.16s_sequences", prefix, name);
    return assay_graph_op(d->g, "Gather", label, (int32_t[]){x, d->order}, 2, axis);
}

int32_t assay_context_attend(const struct decoder *d, const char *prefix, int32_t q, int32_t k, int32_t v, int64_t heads, int64_t kv_heads,
                             double scale)
{
    int32_t keys = gathered(d, prefix, "k", k), values = gathered(d, prefix, "v", v), y[CHUNKS_EACH];
    int64_t n = chunk_tokens(d);
    for (int64_t which = LOW; which < CHUNKS_EACH; which++) {
        int64_t           end = (chunk_of(&d->at.mesh, d->at.cp, which) + 1) * n;
        bool              first = d->masks[which] == ASSAY_NO_VALUE;
        char              part[NAME], name[NAME];
        struct assay_attr attrs[] = {ASSAY_ATTR_INT("q_num_heads", heads), ASSAY_ATTR_INT("kv_num_heads", kv_heads),
                                     ASSAY_ATTR_INT("is_causal", first), ASSAY_ATTR_FLOAT("scale", scale), ASSAY_ATTR_END};
        assay_block_name(part, prefix, chunk_name[which]);
        assay_block_name(name, part, "attention");
        int32_t in[4] = {assay_block_slice(d->g, part, "q", q, 1, which * n, (which + 1) * n), assay_block_slice(d->g, part, "k", keys, 1, 0, end),
                         assay_block_slice(d->g, part, "v", values, 1, 0, end), d->masks[which]};
        y[which] = assay_graph_op(d->g, "Attention", name, in, first ? 3 : 4, attrs);
    }
    return assay_block_concat(d->g, prefix, "attention", y, CHUNKS_EACH, 1);
}
