/* What builders add to a model so that several ranks compute it (harness/ir/ranks.h says what alike, split, partial and copied mean).
 * On a mesh of one rank every function below adds nothing and gives back what it was given, so a model is written once.
 *
 * A layer under tp is Megatron-LM's (Shoeybi and others, arXiv 1909.08053): its first matrices are split by columns, its last by rows;
 * the layer is entered by a copy on every rank and left by a sum. With sp (Korthikanti and others, arXiv 2205.05198) what lies between
 * layers is split by tokens: entered by AllGather, left by ReduceScatter. */
#ifndef ASSAY_BLOCKS_RANKS_H
#define ASSAY_BLOCKS_RANKS_H

#include <stdint.h>

#include "harness/ir/graph.h"
#include "suites/blocks/mesh.h"

/* One node between the ranks of `axes`, with `more` attributes (NULL: none); x itself where there is one rank. */
int32_t assay_ranks_op(struct assay_graph *g, const struct assay_mesh_place *at, unsigned axes, const char *op, const char *prefix,
                       const char *name, int32_t x, const struct assay_attr *more);

/* Rows between layers (alike; with sp split) as the matrices of a layer need them: copied. And what these give, partial, as it is
 * between layers. */
int32_t assay_ranks_enter(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t x);
int32_t assay_ranks_leave(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t x);
/* This rank's rows of what all ranks of tp have alike: with sp a slice, else x. */
int32_t assay_ranks_own_rows(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t x);

/* Says of param "<prefix>.<name>", which was made in this rank's size, what it is a part of: split along `axis` by the ranks of `split`
 * (0: whole), each of `shared` besides having a share of its gradient. */
void assay_ranks_declare(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t axis,
                         unsigned split, unsigned shared);
/* The same of all experts' matrices of one kind: split by ep along the first axis, by tp along another. */
void assay_ranks_declare_experts(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, const char *name, int32_t tp_axis);
/* Which rows of an input one value has: ranks of dp and ep split the first axis, micro-batches each one's part. */
struct assay_ranks_rows {
    int64_t micro, micros; /* micro-batch, of how many */
    int64_t chunk, chunks; /* of the second axis this chunk, of so many like it; 0: all */
};
/* The same of an input "<name>". */
void assay_ranks_declare_rows(struct assay_graph *g, const struct assay_mesh_place *at, const char *name, int32_t value,
                              const struct assay_ranks_rows *rows);

/* Rows on their way to the experts of other ranks of ep, and what is needed for the way back. */
struct assay_ranks_dispatch {
    int32_t rows, counts;  /* what this rank's experts are given, grouped by expert */
    int32_t placed;        /* where each of these rows came from; */
    int32_t source, there; /* which slot each row had that was sent, and where it is among what comes back */
    int64_t room, width;   /* rows that one rank sends another: as many as it has slots, so that none is dropped */
};

/* Sends a copy of each row of x[tokens, width] to each of its chosen experts[tokens, k], of `n_experts` in all: grouped by rank, in
 * buffers of fixed size (AllToAll), grouped by expert there. A buffer has room for the case that one rank has all experts that were
 * chosen: the price of a graph of static shapes that drops none is ep times the rows. What stands in it beyond is computed and comes
 * back to nobody. */
struct assay_ranks_dispatch assay_ranks_to_experts(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix, int32_t x,
                                                   int32_t chosen, int64_t n_experts);
/* What the experts made of the rows: back, and added up by token with the weights[tokens, k]. */
int32_t assay_ranks_from_experts(struct assay_graph *g, const struct assay_mesh_place *at, const char *prefix,
                                 const struct assay_ranks_dispatch *way, int32_t y, int32_t weights);

/* Rows of a table of which this rank has n, from number first on, for indices of any shape of two axes: partial, zeros for those that
 * others have. */
int32_t assay_ranks_lookup(struct assay_graph *g, const char *prefix, int32_t table, int32_t indices, int64_t first, int64_t n);
/* Mean over rows of -log softmax(logits)[label], of which this rank has the columns from number first on: partial, one number. The
 * logarithm of the whole sum is made of the ranks' own, gathered, each rank counting 1/tp of it. */
int32_t assay_ranks_cross_entropy(struct assay_graph *g, const struct assay_mesh_place *at, int32_t logits, int32_t labels, int64_t first);

#endif
