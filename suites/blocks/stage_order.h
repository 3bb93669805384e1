/* In which order a stage of a pipeline goes through its work, as entries that transform/schedule.h puts a graph's nodes by. The order is
 * that of harness/model/cluster/pipeline.h, by which systems are priced. */
#ifndef ASSAY_BLOCKS_STAGE_ORDER_H
#define ASSAY_BLOCKS_STAGE_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/ir/transform/schedule.h"

struct assay_stage_order {
    int64_t stages, chunks, micro_batches; /* chunks > 1: micro-batches divide by the stages */
    int64_t stage;                         /* whose order it is */
};

/* The step of micro-batch `micro` of piece `piece` of the model, forward: piece v * stages + s is the v-th of stage s. */
uint32_t assay_stage_step(const struct assay_stage_order *how, int64_t piece, int64_t micro);
/* One forward, one backward, with chunks interleaved. Before what needs a message stand the Receives of all that the same sender sent
 * this stage before: with two stages forwards and backwards come from the same one. The caller frees *entries. ASSAY_CONFIG: what the
 * model of pipelines refuses; ASSAY_MEMORY. */
enum assay_code assay_stage_order(const struct assay_stage_order *how, struct assay_schedule_entry **entries, size_t *n, struct assay_error *err);

#endif
