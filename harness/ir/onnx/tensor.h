/* A tensor's content as assay keeps it: little-endian, row-major, packed. */
#ifndef ASSAY_IR_ONNX_TENSOR_H
#define ASSAY_IR_ONNX_TENSOR_H

#include "assay/dtype.h"
#include "assay/graph.h"
#include "harness/ir/onnx/model.h"

struct assay_onnx_array {
    enum assay_dtype dtype;
    int32_t          rank;
    int64_t          dims[ASSAY_MAX_RANK];
    uint64_t         elements, bytes;
    const void      *data; /* in the file or the arena, of any alignment */
};

/* Type, shape and size; `data` is not there. */
enum assay_code assay_onnx_tensor_measure(const struct assay_onnx_tensor *t, const char *what, struct assay_onnx_array *out,
                                          struct assay_error *err);
/* ASSAY_UNSUPPORTED: a type that assay lacks (16-bit and unsigned wide integers, strings, complex numbers), or content in
 * another file; ASSAY_DATA: content that is not that of its shape. */
enum assay_code assay_onnx_tensor_array(const struct assay_onnx_tensor *t, const char *what, struct assay_arena *arena,
                                        struct assay_onnx_array *out, struct assay_error *err);

#endif
