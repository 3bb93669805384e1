/* A node of an old opset as the same node of opset 24: one row an op and version. */
#ifndef ASSAY_IR_ONNX_UPGRADE_H
#define ASSAY_IR_ONNX_UPGRADE_H

#include "harness/ir/graph.h"
#include "harness/ir/ops.h"

/* A node on its way into a graph. Converters change it in place and may add consts. */
struct assay_onnx_call {
    struct assay_graph *graph;
    const char         *op, *name; /* name: of its first output, for the consts that are added */
    struct assay_attr   attrs[ASSAY_ATTR_MAX_LENGTH + 1]; /* ends in ASSAY_ATTR_END */
    int32_t             in[ASSAY_OP_MAX_OPERANDS];
    size_t              n_in, n_out;
};

/* Applies the converter of the op whose version is the model's opset, if there is one. ASSAY_UNSUPPORTED: an old form that is not
 * read; the message names op and opset. */
enum assay_code assay_onnx_upgrade(struct assay_onnx_call *call, int64_t opset, struct assay_error *err);
/* The oldest opset of which an op of ONNX's own domain is read; 0: the op is not here at all. */
int64_t assay_onnx_since(const char *op);

#endif
