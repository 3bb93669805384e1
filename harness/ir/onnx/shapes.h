/* Arithmetic on shapes, which a file spells as nodes and which is known once its inputs have shapes: whole numbers in a row. */
#ifndef ASSAY_IR_ONNX_SHAPES_H
#define ASSAY_IR_ONNX_SHAPES_H

#include "harness/ir/onnx/upgrade.h"

#define ASSAY_ONNX_NUMBERS_MOST 64

struct assay_onnx_numbers {
    int32_t rank; /* 0: one number, 1: a row */
    size_t  n;
    int64_t at[ASSAY_ONNX_NUMBERS_MOST];
};

/* Is the node's result such numbers: that of Shape or Size, or of arithmetic on int64 consts of at most 64 numbers? */
bool assay_onnx_shapes(const struct assay_onnx_call *call, struct assay_onnx_numbers *out);
/* Is the op one that has no form but that? */
bool assay_onnx_is_of_shapes(const char *op);

#endif
