/* The gradient of attention: one block of queries against all keys of their head. Scores and weights stand as
 * [key][query], so that everything about a query happens in its lane and every product is one of the tile kernel's. */
#ifndef CPU_ATTENTION_GRADIENT_H
#define CPU_ATTENTION_GRADIENT_H

#include <stddef.h>
#include <stdint.h>

#include "backends/cpu/products/tile.h"

#define CPU_ATTENTION_GRADIENT_QUERIES 48 /* at most, in a block */

struct cpu_attention_gradient_query {
    const float   *q, *dy;
    float         *dq;
    size_t         sees;    /* keys [0, sees) */
    const float   *added;   /* to the score of each key, or NULL */
    const uint8_t *allowed; /* zero: that key is masked; or NULL */
};

struct cpu_attention_gradient_block {
    const struct cpu_tile_kernels *tile;
    size_t                         width, v_width, queries;
    float                          scale, softcap; /* softcap 0: none */
    const float                   *k, *v;
    size_t                         k_row, v_row; /* floats from one key to the next */
    float                         *dk, *dv;      /* added to; NULL: not wanted */
    size_t                         dk_row, dv_row;
    struct cpu_attention_gradient_query query[CPU_ATTENTION_GRADIENT_QUERIES];
    float *scratch; /* cpu_attention_gradient_scratch floats, aligned to a cache line */
};

/* Queries and gradients across and along (rows padded to whole vectors), dQ across; two or three numbers a pair. */
static inline size_t cpu_attention_gradient_scratch(size_t width, size_t v_width, size_t keys, int capped)
{
    return (size_t)CPU_ATTENTION_GRADIENT_QUERIES * (3 * (width + 16) + 2 * (v_width + 16) + (capped ? 3 : 2) * keys) + 64;
}

struct cpu_attention_gradient_kernels {
    void (*block)(const struct cpu_attention_gradient_block *block);
};

#endif
