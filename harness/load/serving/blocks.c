#include "harness/load/serving/blocks.h"

#include <stdlib.h>

#include "assay/banned.h"

#define NONE ASSAY_NO_BLOCK

struct block {
    struct assay_hash128 content;
    uint32_t             holders;
    bool                 published;
    int32_t              sooner, later;  /* in the line of free blocks */
    int32_t              next_in_bucket; /* of published blocks */
};
struct assay_blocks {
    struct block *block;
    int32_t      *bucket;
    uint32_t      n, available, mask;
    int32_t       first, last; /* of the line: taken from the first on */
};

/* ---- the line of free blocks --------------------------------------------------------------------------------- */

static void line_remove(struct assay_blocks *b, int32_t i)
{
    struct block *x = &b->block[i];
    *(x->sooner == NONE ? &b->first : &b->block[x->sooner].later) = x->later;
    *(x->later == NONE ? &b->last : &b->block[x->later].sooner) = x->sooner;
    b->available--;
}

static void line_last(struct assay_blocks *b, int32_t i)
{
    b->block[i].sooner = b->last;
    b->block[i].later = NONE;
    *(b->last == NONE ? &b->first : &b->block[b->last].later) = i;
    b->last = i;
    b->available++;
}

static void line_first(struct assay_blocks *b, int32_t i)
{
    b->block[i].later = b->first;
    b->block[i].sooner = NONE;
    *(b->first == NONE ? &b->last : &b->block[b->first].sooner) = i;
    b->first = i;
    b->available++;
}

/* ---- contents ------------------------------------------------------------------------------------------------ */

static bool same(struct assay_hash128 a, struct assay_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

static int32_t *bucket_of(const struct assay_blocks *b, struct assay_hash128 content)
{
    return &b->bucket[content.low & b->mask];
}

static void unpublish(struct assay_blocks *b, int32_t i)
{
    int32_t *at = bucket_of(b, b->block[i].content);
    while (*at != i)
        at = &b->block[*at].next_in_bucket;
    *at = b->block[i].next_in_bucket;
    b->block[i].published = false;
}

int32_t assay_blocks_find(const struct assay_blocks *b, struct assay_hash128 content)
{
    int32_t i = *bucket_of(b, content);
    while (i != NONE && !same(b->block[i].content, content))
        i = b->block[i].next_in_bucket;
    return i;
}

void assay_blocks_publish(struct assay_blocks *b, int32_t block, struct assay_hash128 content)
{
    struct block *x = &b->block[block];
    if (x->published || assay_blocks_find(b, content) != NONE)
        return;
    int32_t *at = bucket_of(b, content);
    x->content = content;
    x->published = true;
    x->next_in_bucket = *at;
    *at = block;
}

/* ---- holders ------------------------------------------------------------------------------------------------- */

uint32_t assay_blocks_available(const struct assay_blocks *b)
{
    return b->available;
}

bool assay_blocks_held(const struct assay_blocks *b, int32_t block)
{
    return b->block[block].holders > 0;
}

int32_t assay_blocks_take(struct assay_blocks *b)
{
    int32_t i = b->first;
    if (i == NONE)
        return NONE;
    line_remove(b, i);
    if (b->block[i].published)
        unpublish(b, i);
    b->block[i].holders = 1;
    return i;
}

void assay_blocks_hold(struct assay_blocks *b, int32_t block)
{
    if (!b->block[block].holders++)
        line_remove(b, block);
}

void assay_blocks_release(struct assay_blocks *b, int32_t block)
{
    if (--b->block[block].holders)
        return;
    if (b->block[block].published)
        line_last(b, block);
    else
        line_first(b, block);
}

enum assay_code assay_blocks_new(uint32_t n, struct assay_blocks **out, struct assay_error *err)
{
    struct assay_blocks *b = calloc(1, sizeof *b);
    uint32_t             buckets = 1;
    while (buckets < n && buckets < 1u << 30)
        buckets *= 2;
    if (!b || !(b->block = calloc(n ? n : 1, sizeof *b->block)) || !(b->bucket = malloc(buckets * sizeof *b->bucket))) {
        assay_blocks_free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the list of %u cache blocks", n);
    }
    b->n = n;
    b->mask = buckets - 1;
    b->first = b->last = NONE;
    for (uint32_t i = 0; i < buckets; i++)
        b->bucket[i] = NONE;
    for (uint32_t i = 0; i < n; i++)
        line_last(b, (int32_t)i);
    *out = b;
    return ASSAY_OK;
}

void assay_blocks_free(struct assay_blocks *b)
{
    if (!b)
        return;
    free(b->bucket);
    free(b->block);
    free(b);
}
