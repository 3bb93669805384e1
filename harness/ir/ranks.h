/* What the ops between ranks share. Attribute `ranks` of such a node lists the group that it stands on, by their global numbers, in
 * the group's order; the same node, with the same list, stands in the graph of every one of them. A group of one moves nothing.
 *
 * Gradients. Every rank's graph has the one loss that all ranks agree on, and a gradient is that of this loss, not of a sum of as
 * many losses as there are ranks. On its group a value is
 *   alike     the same on every rank, and so is its gradient, which is whole on each
 *   split     a part on each; the gradient of a part is on the rank that has it
 *   partial   the ranks' values are to be added up; every rank has the whole gradient of the sum
 *   copied    the same on every rank, where each goes on with work of its own; each has a share of the gradient, to be added up
 * and the ops are maps between them, each one's gradient the map back:
 *   AllReduce      partial -> alike    Identity        Megatron-LM's g (Shoeybi and others, arXiv 1909.08053, section 3)
 *   Replicate      alike -> copied     AllReduce       its f
 *   AllGather      split -> copied     ReduceScatter   its sequence-parallel g (Korthikanti and others, arXiv 2205.05198, 4.2.2)
 *   ReduceScatter  partial -> split    AllGather       and that one's conjugate
 *   AllToAll       split -> split      AllToAll, with the axes exchanged
 *   Send           a value to another rank              Receive
 *   Receive        a value from another rank            Send */
#ifndef ASSAY_IR_RANKS_H
#define ASSAY_IR_RANKS_H

#include <stddef.h>
#include <stdint.h>

#include "harness/ir/infer.h"

/* Their row for the list, first in each op's table. */
#define ASSAY_ATTR_RANKS {.name = "ranks", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED}

/* The list: from `least` to `most` ranks (a list holds ASSAY_ATTR_MAX_LENGTH), none negative, none twice; how many in *n. */
enum assay_code assay_infer_ranks(const struct assay_infer *in, size_t least, size_t most, int64_t *n, struct assay_error *err);
/* Of a node that was built. NULL and 0: it is no op between ranks. */
const int64_t *assay_node_ranks(const struct assay_node *node, size_t *n);
/* Counts the message as nccl-tests does: what one rank gives or gets, whichever is more; nothing in a group of one. */
void assay_cost_payload(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost);

struct assay_gradient;
/* A node of the gradient on the same group: `op` of x with the node's `ranks`, and axis attributes (NULL: none) behind them. */
int32_t assay_gradient_on_ranks(const struct assay_gradient *q, const char *op, int32_t x, const struct assay_attr *more);

#endif
