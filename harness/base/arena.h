/* One arena per case: allocations that are all freed at once. One thread at a time. */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stddef.h>

#include "assay/error.h"

struct assay_arena {
    struct assay_arena_block *first; /* newest block first */
    size_t                    used_bytes; /* given out, each rounded up to 64 */
};

/* Zeroed memory for n * size bytes, aligned to 64. NULL when out of memory or the product overflows;
 * nothing taken before is harmed then. Zero bytes give a pointer of their own. An arena starts as all zeroes. */
void *assay_arena_take(struct assay_arena *arena, size_t n, size_t size);
/* A copy of text that lives as long as the arena; NULL when out of memory. */
char *assay_arena_text(struct assay_arena *arena, const char *text);
/* Frees everything; what was taken is gone, and the arena may be used again. */
void assay_arena_clear(struct assay_arena *arena);

#endif
