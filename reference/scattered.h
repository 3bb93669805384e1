/* Where TensorScatter writes: shared with its gradient. */
#ifndef ASSAY_REFERENCE_SCATTERED_H
#define ASSAY_REFERENCE_SCATTERED_H

#include <string.h>

#include "reference/arithmetic.h"

struct assay_ref_scattered {
    struct assay_ref_axis axis; /* of the cache */
    int64_t length, per_batch;  /* of the update; outer positions of one batch */
    const struct assay_ref_tensor *indices; /* or NULL */
    bool circular;
};

static inline struct assay_ref_scattered assay_ref_scattered_of(const struct assay_ref_call *call, uint32_t indices,
                                                                int64_t length)
{
    const struct assay_ref_tensor *cache = &call->in[0];
    struct assay_ref_scattered s = {.length = length, .indices = assay_ref_input(call, indices)};
    s.axis = assay_ref_axis_of(cache, (int32_t)assay_node_i64(call->node, "axis", -2));
    s.per_batch = cache->dims[0] ? s.axis.outer / cache->dims[0] : 1;
    s.circular = !strcmp(assay_node_text(call->node, "mode", "linear"), "circular");
    return s;
}

/* Where the update of an outer position begins. false: it has no room there, and nothing can be said. */
static inline bool assay_ref_scattered_begin(const struct assay_ref_scattered *s, int64_t outer, int64_t *begin)
{
    *begin = s->indices ? (int64_t)s->indices->value[outer / s->per_batch] : 0;
    if (s->circular) {
        *begin = s->axis.length ? (*begin % s->axis.length + s->axis.length) % s->axis.length : 0;
        return true;
    }
    return *begin >= 0 && *begin + s->length <= s->axis.length;
}

#endif
