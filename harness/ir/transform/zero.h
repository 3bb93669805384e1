/* ZeRO 3 (Rajbhandari and others, arXiv 1910.02054, section 5.3): ranks that share a param hold a shard of it each and gather the whole
 * where it is first read. Its gradient is then AllGather's, ReduceScatter, and its optimizer steps the shard; with recomputation it is
 * gathered again for the backward half. Stages 1 and 2, which leave params whole, are the training step's own (optimizer.h). */
#ifndef ASSAY_IR_TRANSFORM_ZERO_H
#define ASSAY_IR_TRANSFORM_ZERO_H

#include <stdint.h>

#include "harness/ir/graph.h"

/* Copies the forward half `from` of rank `rank`, under construction, into the empty `to`, where each param that has sharers
 * (assay_graph_part) and an axis that divides by them is the rank's shard, under its name, along the first such axis. Returns what
 * `value` of `from` is in `to`. A mistake in `from` becomes one of `to`. */
int32_t assay_graph_shard_params(const struct assay_graph *from, int64_t rank, int32_t value, struct assay_graph *to);

#endif
