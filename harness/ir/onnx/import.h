/* A model as a graph of this program: ops of ONNX's own domain as they stand, checked by ir like any other graph. */
#ifndef ASSAY_IR_ONNX_IMPORT_H
#define ASSAY_IR_ONNX_IMPORT_H

#include "harness/ir/graph.h"
#include "harness/ir/onnx/tensor.h"

/* What is known of a graph's input before it runs. It fixes the input's type and shape; with `data` the input becomes a
 * const, as shapes and axes must be. */
struct assay_onnx_known {
    const char             *name;
    struct assay_onnx_array array; /* data NULL: type and shape only */
};

/* Initializers and Constant nodes become consts; symbolic lengths need an entry in `known`. Refuses with one line:
 * ASSAY_UNSUPPORTED for an op, version, attribute or type that is not read, ASSAY_DATA for a model that contradicts itself;
 * ir's own refusals keep their code. *out is finished; free it with assay_graph_free. */
enum assay_code assay_onnx_import(const struct assay_onnx_model *m, const char *what, const struct assay_onnx_known *known,
                                  size_t n_known, struct assay_graph **out, struct assay_error *err);
/* The same into an empty graph. `folder`: where tensors that say so have their data (external.h); NULL: those are refused. */
enum assay_code assay_onnx_import_into(const struct assay_onnx_model *m, const char *what, const char *folder,
                                       const struct assay_onnx_known *known, size_t n_known, struct assay_graph *g,
                                       struct assay_error *err);
#endif
