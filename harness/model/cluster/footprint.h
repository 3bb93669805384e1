/* The memory that one rank of a training needs, group by group; whether it fits, by how much it does not, and what would make it fit. */
#ifndef ASSAY_MODEL_FOOTPRINT_H
#define ASSAY_MODEL_FOOTPRINT_H

#include "assay/text.h"
#include "harness/model/cluster/plan.h"

enum assay_footprint_group {
    ASSAY_FOOTPRINT_WEIGHTS, ASSAY_FOOTPRINT_GRADIENTS, ASSAY_FOOTPRINT_MASTER, ASSAY_FOOTPRINT_MOMENTS, ASSAY_FOOTPRINT_ACTIVATIONS,
    ASSAY_FOOTPRINT_WORKING, ASSAY_FOOTPRINT_LOGITS, ASSAY_FOOTPRINT_GATHERED, ASSAY_FOOTPRINT_LIBRARIES, ASSAY_FOOTPRINT_GROUPS
};
extern const char *const assay_footprint_names[ASSAY_FOOTPRINT_GROUPS];

struct assay_footprint {
    double bytes[ASSAY_FOOTPRINT_GROUPS], total_bytes;
    double host_bytes; /* in host memory, with offloading */
};
/* Of a rank of stage 0 … pp - 1; its largest among the stages is the first's or the last's. */
void assay_footprint_of(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, int64_t stage, struct assay_footprint *out);
void assay_footprint_largest(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, struct assay_footprint *out);

/* Parameters that a rank of the stage has of what ZeRO splits from stage `from_zero` on: 1 moments, 2 gradients, 3 weights; 4: nothing
 * is split. `experts`: those of them that are routed to. */
double assay_rank_parameters(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, int64_t stage, int from_zero, double *experts);
/* Bytes that one layer keeps for one micro-batch until its backward (Korthikanti and others, arXiv 2205.05198, table 2). */
double assay_layer_activation_bytes(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, bool moe);
/* The KV cache of one sequence of so many tokens on one rank of tp, all layers. */
double assay_kv_cache_bytes(const struct assay_decoder_numbers *d, double tokens, double tp, double element_bytes);

/* "needs 96.1 GB of 80.0 GB, 16.1 too many: moments 30.1, activations 28.0, …; would fit with full recomputation" */
void assay_footprint_explain(const struct assay_decoder_numbers *d, const struct assay_train_plan *p, double memory_bytes, struct assay_text *out);

#endif
