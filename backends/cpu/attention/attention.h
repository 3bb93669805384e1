/* Attention of a block of queries over a range of keys, one pass with a running maximum and sum:
 * Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al., "FlashAttention", 2022. */
#ifndef CPU_ATTENTION_ATTENTION_H
#define CPU_ATTENTION_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/cpu/products/gemv.h"
#include "backends/cpu/products/tile.h"

#define CPU_ATTENTION_QUERIES 48 /* at most, in a block */
#define CPU_ATTENTION_KEYS 64    /* handled at a time */

/* Keys and values that follow one another at a fixed distance: the cache, or the new ones behind it. */
struct cpu_attention_keys {
    size_t       n;
    const float *k, *v;
    size_t       k_row, v_row; /* floats from one to the next */
};

/* Keys and values of one head in the blocks of a cache. Those that do not follow one another are brought together, 64 at a time. */
struct cpu_attention_pages {
    const void     *k, *v;             /* of slot 0 */
    size_t          k_token, v_token;  /* numbers from one slot to the next */
    size_t          block;             /* slots of a block */
    const uint32_t *blocks;            /* of the sequence */
    bool            halves;            /* bf16, not f32 */
    float          *stage;             /* CPU_ATTENTION_KEYS * (width + v_width) floats */
};

struct cpu_attention_query {
    const float   *q;
    float         *y;       /* result; of a part, its unnormalized sum */
    size_t         sees;    /* keys [0, sees) */
    const float   *added;   /* to the score of each key, or NULL */
    const uint8_t *allowed; /* zero: that key is masked; or NULL */
};

struct cpu_attention_block {
    const struct cpu_tile_kernels *tile;
    const struct cpu_gemv_kernels *gemv;
    size_t                         width, v_width, queries;
    float                          scale, softcap; /* softcap 0: none */
    struct cpu_attention_keys      keys[2];
    const struct cpu_attention_pages *pages; /* in place of `keys`, or NULL */
    size_t                         begin, end; /* of all keys; numbers count through both runs */
    struct cpu_attention_query     query[CPU_ATTENTION_QUERIES];
    /* The largest score and the sum of exp(score - largest) of each query; wanted of parts, else NULL: y is divided. */
    float *largest, *sum;
    float *scratch; /* cpu_attention_scratch floats, aligned to a cache line */
};

static inline size_t cpu_attention_scratch(size_t width, size_t v_width)
{
    return (size_t)CPU_ATTENTION_QUERIES * (width + v_width + CPU_ATTENTION_KEYS + 4) + v_width + 64;
}

struct cpu_attention_kernels {
    void (*many)(const struct cpu_attention_block *block); /* queries side by side in vectors */
    void (*few)(const struct cpu_attention_block *block);  /* one query at a time, vectors along its width */
};

#endif
