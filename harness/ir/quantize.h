/* What QuantizeLinear and DequantizeLinear share: how scales lie over a tensor (ONNX 23: one for all, one a slice along
 * `axis`, or one a block of block_size along it). */
#ifndef ASSAY_IR_QUANTIZE_H
#define ASSAY_IR_QUANTIZE_H

#include "harness/ir/infer.h"

#define ASSAY_TYPES_QUANTIZED                                                                                                 \
    (ASSAY_TYPE(ASSAY_I8) | ASSAY_TYPE(ASSAY_U8) | ASSAY_TYPE(ASSAY_I4) | ASSAY_TYPE(ASSAY_U4) | ASSAY_TYPE(ASSAY_F8E4M3) | \
     ASSAY_TYPE(ASSAY_F8E5M2) | ASSAY_TYPE(ASSAY_F4E2M1))

/* Checks scale (input 1) and zero point (input 2) against input 0 and resolves axis and block_size: 0 is one scale for all
 * or, with the scale of rank 1, one a slice. */
enum assay_code assay_infer_scales(const struct assay_infer *in, struct assay_error *err);

#endif
