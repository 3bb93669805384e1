/* What the ops along an axis share: where the axis stands, how rows are cut for the pool, which scales are handled. */
#ifndef CPU_NORMALIZATION_ALONG_H
#define CPU_NORMALIZATION_ALONG_H

#include <stdlib.h>

#include "backends/cpu/cpu.h"

enum { CPU_ALONG_GRAIN = 4096, CPU_ALONG_COLUMNS = 256 };

struct cpu_along {
    size_t outer, n, inner; /* the tensor as outer x n x inner */
    float  epsilon;
    bool   mean;            /* subtract it: LayerNormalization */
    bool   log;             /* LogSoftmax */
};

/* Attribute axis, of input 0. */
static inline int32_t cpu_axis_of(const struct cpu_node *node)
{
    int64_t axis = cpu_attr_i64(node, "axis", -1);
    return (int32_t)(axis < 0 ? axis + node->in[0].rank : axis);
}

static inline size_t cpu_product(const struct assay_value_view *v, int32_t begin, int32_t end)
{
    size_t n = 1;
    for (int32_t i = begin; i < end; i++)
        n *= (size_t)v->dims[i];
    return n;
}

/* Pieces of the rows that the pool takes. */
static inline size_t cpu_row_pieces(const struct cpu_call *call, const struct cpu_along *s)
{
    size_t rows = s->n >= CPU_ALONG_GRAIN ? 1 : CPU_ALONG_GRAIN / (s->n ? s->n : 1);
    return cpu_pool_pieces(call->engine->pool, s->outer, rows, 4);
}

/* Scale and bias hold one number for each normalized element; what broadcasting allows beyond that is not done here. */
static inline bool cpu_fits_row(const struct assay_value_view *x, int32_t axis, const struct assay_value_view *scale)
{
    for (int32_t i = x->rank - 1, own = scale->rank - 1; i >= 0; i--, own--)
        if ((own >= 0 ? scale->dims[own] : 1) != (i >= axis ? x->dims[i] : 1))
            return false;
    return true;
}

#endif
