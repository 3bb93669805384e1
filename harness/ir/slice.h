/* What Slice's starts, ends, axes and steps mean (ONNX Slice-13), for a shape that is known. */
#ifndef ASSAY_IR_SLICE_H
#define ASSAY_IR_SLICE_H

#include <stddef.h>
#include <stdint.h>

#include "assay/graph.h"

/* Element i of axis d of the slice is element start[d] + i step[d] of that axis, i < count[d]. */
struct assay_slice {
    int64_t start[ASSAY_MAX_RANK], step[ASSAY_MAX_RANK], count[ASSAY_MAX_RANK];
};

/* axes NULL: the first n; steps NULL: ones. Returns a sentence about what is wrong, or NULL. */
const char *assay_slice_resolve(int32_t rank, const int64_t *dims, size_t n, const int64_t *starts, const int64_t *ends,
                                const int64_t *axes, const int64_t *steps, struct assay_slice *out);

#endif
