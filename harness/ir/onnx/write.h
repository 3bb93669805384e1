/* A graph as an ONNX file of opset 24; ops of our own are of domain "ai.assay". Reading it gives the same graph. */
#ifndef ASSAY_IR_ONNX_WRITE_H
#define ASSAY_IR_ONNX_WRITE_H

#include "harness/ir/graph.h"
#include "harness/ir/onnx/encode.h"

/* Consts of more bytes together stand in a file of their own: a message holds 2 GiB at most. */
#define ASSAY_ONNX_INSIDE_BYTES_MOST (UINT64_C(1) << 30)

/* The model, and what stands beside it: with `beside`, whose file is called `beside_name`, consts are in it, each at a multiple of
 * 4096; without (NULL) in the model. Both are the caller's to free, in any case. ASSAY_UNSUPPORTED: a type that ONNX lacks. */
enum assay_code assay_onnx_encode(const struct assay_graph *g, struct assay_encoder *model, struct assay_encoder *beside,
                                  const char *beside_name, struct assay_error *err);
/* Writes `path`, and "<path>.data" if `external` is asked for or needed. */
enum assay_code assay_onnx_write(const struct assay_graph *g, const char *path, bool external, struct assay_error *err);

#endif
