/* The graphs of all ranks of a case as one graph, which is what they compute together: where they meet stand sums in the order of the
 * ranks, joints and cuts in place of collectives. For judging ranks by what one machine computes (values, bounds, all that there is
 * for a graph), and for knowing beforehand that they do meet. */
#ifndef ASSAY_IR_TRANSFORM_JOIN_H
#define ASSAY_IR_TRANSFORM_JOIN_H

#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/graph.h"

/* ranks[r] is the finished graph of rank r, r < n <= ASSAY_RANKS. Value "x" of rank r is called "x@r", is filled as it is there, and
 * is number there[r][its number] of the new graph, which is finished; the caller frees it. there[r] has room for the values of rank r.
 * Nodes are taken in turns, each rank as far as it gets: one that meets others waits until all of its group stand at the same op with
 * the same attributes, shapes and type, a Receive until something was sent; a Send does not wait. Refused, with who waits where: ranks
 * of which nobody can go on; and what was sent but nobody takes, or takes as something else. */
enum assay_code assay_graph_join(const struct assay_graph *const *ranks, uint32_t n, int32_t *const *there, struct assay_graph **out,
                                 struct assay_error *err);

#endif
