/* A param's bytes, made of one tensor, or of one tensor an expert, stacked and transposed. */
#ifndef ASSAY_WEIGHTS_TENSOR_PARTS_H
#define ASSAY_WEIGHTS_TENSOR_PARTS_H

#include <stdbool.h>

#include "harness/ir/graph.h"
#include "suites/weights/tensor_folder.h"

struct assay_tensor_parts {
    const struct assay_folder_tensor **part;
    size_t                             n;
    bool                               stacked; /* param [n, in, out] of n tensors [out, in] */
};

/* Can a tensor of this type fill a param of that? Floats become f32, f64, bf16 and f16, with `quantizes` int8 too; else only
 * the same will do. */
bool assay_tensor_converts(enum assay_dtype from, enum assay_dtype to, bool quantizes);
/* Does that round? */
bool assay_tensor_rounds(enum assay_dtype from, enum assay_dtype to);

/* All bytes of param `v`. */
void assay_tensor_parts_fill(const struct assay_tensor_parts *p, const struct assay_value *v, void *to);
/* int8 with a scale a row, that is for each index of the first axis: scale = largest magnitude / 127, number = round(x / scale).
 * Either of `to` (i8) and `scales` (f32) may be NULL. */
void assay_tensor_parts_quantize(const struct assay_tensor_parts *p, const struct assay_value *v, signed char *to, float *scales);

/* Flat index of the first number of `t` that is NaN or infinite, or that `to` cannot hold; -1: none. *found is that number. */
int64_t assay_tensor_first_bad(const struct assay_tensor *t, enum assay_dtype to, double *found);

#endif
