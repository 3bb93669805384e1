/* What a session knows of the other ranks of its case: the communicator that it was opened with, and the groups that its programs
 * asked for. */
#ifndef CPU_RANKS_H
#define CPU_RANKS_H

#include "backends/cpu/cpu.h"

/* Ranks of a group; attribute `ranks` lists no more. */
#define CPU_MOST_RANKS 32

struct cpu_ranks;

/* `comm` NULL: there are no others. It is copied; what it points to lives as long as the session. NULL: no memory. */
struct cpu_ranks *cpu_ranks_new(const struct assay_comm *comm);
void              cpu_ranks_free(struct cpu_ranks *ranks);
/* Can the node's group be had? True for nodes without one, and for groups of one. */
bool cpu_ranks_serve(const struct cpu_ranks *ranks, const struct cpu_node *node, struct assay_text *why_not);
/* The communicator of the node's group, made by all of its members at once when the first of their programs asks; *out is NULL for a
 * group of one. Lives as long as the session. */
enum assay_code cpu_ranks_group(struct cpu_ranks *ranks, const struct cpu_node *node, const struct assay_comm **out,
                                struct assay_error *err);
/* All ranks of the case; NULL: there are no others. */
const struct assay_comm *cpu_ranks_all(const struct cpu_ranks *ranks);

#endif
