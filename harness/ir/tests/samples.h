/* The small samples of every op, for tests that walk all of them. */
#ifndef ASSAY_IR_TESTS_SAMPLES_H
#define ASSAY_IR_TESTS_SAMPLES_H

#include "harness/ir/samples.h"

/* The row, in its own fill. */
static inline struct assay_graph *sample_graph(const struct assay_sample *s, enum assay_dtype dtype, int32_t *in, size_t *n_in,
                                               int32_t *out)
{
    return assay_sample_graph(s, dtype, assay_sample_fill_of(s), in, n_in, out);
}

#endif
