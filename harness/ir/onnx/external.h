/* A tensor's content in a file beside the model, which names it. The model is not trusted: the file lies in the model's folder or
 * below it, no link leads to it, the bytes are there, and no two tensors share any. */
#ifndef ASSAY_IR_ONNX_EXTERNAL_H
#define ASSAY_IR_ONNX_EXTERNAL_H

#include "harness/ir/onnx/tensor.h"

#define ASSAY_ONNX_EXTERNAL_MOST 16384 /* tensors of a model with content in other files */

/* What was read for a model so far; begins as all zeros and lives in the arena. */
struct assay_onnx_external {
    struct assay_onnx_range *range; /* sorted */
    size_t                   n;
};

/* ASSAY_DATA: a path that leaves `folder`, bytes that are not there or that another tensor has; ASSAY_IO: what the system says. */
enum assay_code assay_onnx_external_array(struct assay_onnx_external *seen, const struct assay_onnx_tensor *t, const char *folder,
                                          const char *what, struct assay_arena *arena, struct assay_onnx_array *out,
                                          struct assay_error *err);

#endif
