/* The witness of a case: what of the outputs of timed iterations is kept to be judged by, at most 1 MiB, whatever the
 * outputs' size. Recorded between batches, outside the timed region; judged later from the file alone (check.h).
 *
 * Every observed iteration's output bytes are hashed. k iterations are kept: each draws a ticket from numbers of the
 * operating system after it has run, and the k lowest stay, so that a device cannot know which. Of every different
 * content (input set, hash) of the kept ones the file holds counts (not finite, zero, poison left), a sample of the
 * elements and random-sign sums; of one kept iteration of each set, its exemplar, a larger sample (set 0: all elements
 * up to 64 Ki) and more sums. README.md has the layout and what can be concluded from it. */
#ifndef ASSAY_VERIFY_WITNESS_H
#define ASSAY_VERIFY_WITNESS_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/hash.h"
#include "harness/ir/graph.h"

#define ASSAY_WITNESS_MAX_BYTES (1u << 20)
#define ASSAY_WITNESS_DEFAULT_CHOSEN 59 /* (1 - 0.05)^59 < 0.05: a device that cheats in 5 % of iterations is found with 95 % */

struct assay_witness;

/* How many iterations may be kept: ASSAY_WITNESS_DEFAULT_CHOSEN, or fewer where a graph has so many outputs that a witness
 * would grow too large. */
uint32_t assay_witness_chosen_of(const struct assay_graph *g, uint32_t sets);

struct assay_witness_setup {
    const char               *path;    /* file to make */
    const char               *case_id; /* 16 hex digits */
    const struct assay_graph *graph;
    uint64_t                  seed;    /* which elements and signs are kept: the suite's */
    uint64_t                  entropy; /* which iterations are kept: assay_random_entropy() */
    uint32_t                  sets;    /* input sets, at least 1 */
    uint32_t                  chosen;  /* k */
};

/* Makes, sizes and touches the file, and all memory it will need. */
enum assay_code assay_witness_new(const struct assay_witness_setup *setup, struct assay_witness **out,
                                  struct assay_error *err);
/* One finished timed iteration: bytes of the graph's outputs, in the order of assay_graph_outputs. */
struct assay_seen {
    uint64_t           iteration;  /* counted from 0 over the whole timed phase */
    uint32_t           set;        /* which inputs it had */
    uint64_t           poison_key; /* output v was filled with assay_poison_fill of key poison_key + (v << 8) before */
    const void *const *outputs;
    const void *const *before;     /* of each output that takes over a state: what that held before; NULL: there is none */
};
void assay_witness_see(struct assay_witness *w, const struct assay_seen *seen);
/* End of a batch: its joined hash goes into the file. */
void assay_witness_batch_end(struct assay_witness *w);
/* How many were seen, kept, and bitwise equal to a kept one of the same input set. */
struct assay_witness_counts {
    uint64_t seen, kept, equal;
};
struct assay_witness_counts assay_witness_counts(const struct assay_witness *w);
/* Completes the file (header last, so that a torn one is known), unmaps, frees. */
enum assay_code assay_witness_close(struct assay_witness *w, struct assay_error *err);

#endif
