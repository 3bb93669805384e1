/* Takes a block of the witness from one iteration's outputs. */
#ifndef ASSAY_VERIFY_CAPTURE_H
#define ASSAY_VERIFY_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "harness/ir/graph.h"
#include "harness/verify/witness_file.h"

/* Doubles of work space that captures of this layout need. */
size_t assay_capture_scratch(const struct assay_witness_layout *layout);

struct assay_capture {
    const struct assay_graph          *graph;
    const struct assay_witness_part   *part; /* those of the block */
    const uint64_t                    *keys; /* assay_witness_key of each output in this set */
    uint64_t                           poison_key;
    const void *const                 *outputs;
    const void *const                 *before; /* NULL, or of each output that takes over a state what that held */
    double                            *scratch;
};
/* Writes the block at `to`, which is aligned to 8. Allocates nothing. */
void assay_capture_block(const struct assay_capture *c, uint32_t parts, unsigned char *to);

#endif
