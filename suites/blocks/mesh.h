/* How the ranks of a case are laid out: axes of a mesh, whose lengths multiply to the ranks. Ranks are numbered tp, cp, ep, dp, pp from
 * within, so that those that talk most are neighbours. */
#ifndef ASSAY_BLOCKS_MESH_H
#define ASSAY_BLOCKS_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"

enum assay_mesh_schedule {
    ASSAY_MESH_GPIPE, /* all forward, then all backward (Huang and others, arXiv 1811.06965) */
    ASSAY_MESH_1F1B,  /* one forward, one backward; with chunks interleaved (Narayanan and others, arXiv 2104.04473) */
};
extern const char *const assay_mesh_schedules[]; /* in that order; ends with NULL */

struct assay_mesh {
    int64_t dp;   /* copies of the model, each with its own sequences */
    int64_t tp;   /* ranks that split every matrix of a layer, its heads and the vocabulary */
    int64_t cp;   /* ranks that split the tokens of every sequence (blocks/context.h) */
    int64_t pp;   /* stages of layers, one behind the other */
    int64_t ep;   /* ranks that split the experts; each has its own sequences, as under dp */
    bool    sp;   /* ranks of tp split the tokens, too, where no matrix needs all of them */
    int64_t schedule; /* enum assay_mesh_schedule: in which order stages go through their micro-batches */
    int64_t chunks;   /* pieces of layers that each stage has; 0: as 1 */
    int64_t zero; /* 0..3: what the ranks with the same weights split (transform/optimizer.h) */
};
#define ASSAY_MESH_ONE ((struct assay_mesh){.dp = 1, .tp = 1, .cp = 1, .pp = 1, .ep = 1, .chunks = 1})

enum assay_mesh_axes {
    ASSAY_MESH_TP = 1u << 0, ASSAY_MESH_EP = 1u << 1, ASSAY_MESH_DP = 1u << 2, ASSAY_MESH_PP = 1u << 3, ASSAY_MESH_CP = 1u << 4,
    ASSAY_MESH_COPIES = ASSAY_MESH_DP | ASSAY_MESH_EP | ASSAY_MESH_CP /* ranks with the same matrices, but experts, and tokens of their own */
};

/* Where one rank stands. */
struct assay_mesh_place {
    struct assay_mesh mesh;
    int64_t           rank, tp, cp, ep, dp, pp; /* its number; its coordinates */
};

/* Their product. Refused: none of an axis, more than ASSAY_RANKS in all, sp without tp, a schedule without stages, chunks
 * without a schedule that interleaves them. */
enum assay_code assay_mesh_ranks(const struct assay_mesh *m, int64_t *n, struct assay_error *err);
struct assay_mesh_place assay_mesh_place(const struct assay_mesh *m, int64_t rank);
/* The ranks that stand as this one does but along `axes` (enum assay_mesh_axes), this one among them, in ascending order; returns how
 * many. */
size_t assay_mesh_group(const struct assay_mesh_place *at, unsigned axes, int64_t ranks[ASSAY_RANKS]);

#endif
