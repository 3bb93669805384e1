/* Where the values of a program live: bound by the host, content of the graph, or a place in one block that values with
 * disjoint lives share. */
#ifndef CPU_PLACEMENT_H
#define CPU_PLACEMENT_H

#include "backends/cpu/cpu.h"
#include "backends/cpu/fusion/fusion.h"

struct cpu_placed {
    uint64_t bytes;
    uint64_t offset;     /* of temps, into the block */
    uint32_t born, dies; /* of temps: first and last step that touch it */
    int32_t  same_as;    /* shares memory with that value (a renaming Reshape, an alias), or ASSAY_NO_VALUE */
    bool     temp, bound; /* bound: each launch must say where it is */
};

/* Values that no step stores have no place. Fills placed[n_values] and the block's size. Nodes in `renames` (one flag a node) only rename their input. */
enum assay_code cpu_placement_plan(const struct assay_host *host, const struct assay_graph *g, const struct cpu_fusion *fusion,
                                   struct cpu_placed *placed, bool *renames, uint64_t *block_bytes, struct assay_error *err);

#endif
