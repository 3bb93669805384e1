/* The blocks of a paged cache: who holds which, and which of the free ones still hold a prompt that may come again. */
#ifndef ASSAY_LOAD_SERVING_BLOCKS_H
#define ASSAY_LOAD_SERVING_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/hash.h"

#define ASSAY_NO_BLOCK (-1)

struct assay_blocks;
enum assay_code assay_blocks_new(uint32_t n, struct assay_blocks **out, struct assay_error *err);
void            assay_blocks_free(struct assay_blocks *b);

/* How many could be taken now: held by nobody, with content to be found again or without. */
uint32_t assay_blocks_available(const struct assay_blocks *b);
/* The block free for longest, one without content first; what it held cannot be found again. ASSAY_NO_BLOCK: none. */
int32_t  assay_blocks_take(struct assay_blocks *b);
/* One holder less. The last one frees it; content that was published stays to be found until the block is taken. */
void     assay_blocks_release(struct assay_blocks *b, int32_t block);

/* What a prompt begins with: the hash of all its tokens up to the block's end. */
void     assay_blocks_publish(struct assay_blocks *b, int32_t block, struct assay_hash128 content); /* of two with the same, the first stays */
int32_t  assay_blocks_find(const struct assay_blocks *b, struct assay_hash128 content);            /* ASSAY_NO_BLOCK: none; nobody holds it for that */
bool     assay_blocks_held(const struct assay_blocks *b, int32_t block);
void     assay_blocks_hold(struct assay_blocks *b, int32_t block); /* one holder more of what was found */

#endif
