#include "harness/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "assay/banned.h"

#define ALIGNMENT 64
#define BLOCK_BYTES ((size_t)64 << 10)

struct assay_arena_block {
    struct assay_arena_block *next;
    unsigned char *at; /* next free byte, aligned */
    size_t room;       /* bytes left at `at` */
};

static bool round_up(size_t bytes, size_t *out)
{
    if (bytes > SIZE_MAX - ALIGNMENT)
        return false;
    *out = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return true;
}

/* calloc hands out zeroed pages without touching them, so a large block costs nothing until it is used. */
static struct assay_arena_block *block_new(size_t room)
{
    const size_t head = sizeof(struct assay_arena_block) + ALIGNMENT;
    struct assay_arena_block *block;
    uintptr_t after;
    if (room > SIZE_MAX - head)
        return NULL;
    block = calloc(1, head + room);
    if (!block)
        return NULL;
    after = (uintptr_t)(block + 1);
    block->at = (unsigned char *)(block + 1) + (ALIGNMENT - after % ALIGNMENT) % ALIGNMENT;
    block->room = room;
    return block;
}

/* A block with `bytes` free. A request that would waste much of a common block gets one of its own, put behind
 * the first, so that the room left in the first stays usable. */
static struct assay_arena_block *block_for(struct assay_arena *arena, size_t bytes)
{
    struct assay_arena_block *first = arena->first;
    bool own = bytes > BLOCK_BYTES / 4;
    struct assay_arena_block *block;
    if (first && first->room >= bytes)
        return first;
    block = block_new(own ? bytes : BLOCK_BYTES);
    if (!block)
        return NULL;
    if (own && first) {
        block->next = first->next;
        first->next = block;
    } else {
        block->next = first;
        arena->first = block;
    }
    return block;
}

void *assay_arena_take(struct assay_arena *arena, size_t n, size_t size)
{
    struct assay_arena_block *block;
    size_t bytes;
    void *taken;
    if (!assay_size_multiply(n, size, &bytes) || !round_up(bytes ? bytes : 1, &bytes))
        return NULL;
    block = block_for(arena, bytes);
    if (!block)
        return NULL;
    taken = block->at;
    block->at += bytes;
    block->room -= bytes;
    arena->used_bytes += bytes;
    return taken;
}

char *assay_arena_text(struct assay_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = assay_arena_take(arena, bytes, 1);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

void assay_arena_clear(struct assay_arena *arena)
{
    struct assay_arena_block *block = arena->first;
    while (block) {
        struct assay_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->first = NULL;
    arena->used_bytes = 0;
}
