/* Bags of indices: EmbeddingBag and its gradient. */
#ifndef ASSAY_REFERENCE_BAGS_H
#define ASSAY_REFERENCE_BAGS_H

#include <string.h>

#include "reference/index.h"

/* Offsets (input 2) begin with 0, do not fall, and do not exceed the indices (input 1); else refused. */
static inline enum assay_code assay_ref_check_bags(const struct assay_ref_call *call, struct assay_error *err)
{
    const struct assay_ref_tensor *indices = &call->in[1], *offsets = &call->in[2];
    double                         before = 0;
    for (uint64_t i = 0; i < offsets->elements; i++) {
        if (!(offsets->value[i] >= before && offsets->value[i] <= (double)indices->elements) || (i == 0 && offsets->value[0] != 0))
            return ASSAY_FAIL(err, ASSAY_DATA, "offset %llu is %.0f", (unsigned long long)i, offsets->value[i]);
        before = offsets->value[i];
    }
    return ASSAY_OK;
}
static inline int64_t assay_ref_bag_end(const struct assay_ref_call *call, uint64_t bag)
{
    return (int64_t)(bag + 1 < call->in[2].elements ? call->in[2].value[bag + 1] : (double)call->in[1].elements);
}
static inline bool assay_ref_is_mean(const struct assay_ref_call *call)
{
    return !strcmp(assay_node_text(call->node, "mode", "sum"), "mean");
}

#endif
