/* What a graph of this program says and an ONNX file has no place for: it stands in the file's metadata_props, under keys that
 * begin with "assay.". Whoever does not know them passes them over. */
#ifndef ASSAY_IR_ONNX_MARKS_H
#define ASSAY_IR_ONNX_MARKS_H

#include <stdbool.h>

#include "harness/ir/graph.h"
#include "harness/ir/onnx/encode.h"
#include "harness/ir/onnx/tensor.h"

#define ASSAY_ONNX_OWN_DOMAIN "ai.assay"
#define ASSAY_ONNX_OWN_VERSION 1

/* Writes the marks of a value into its ValueInfoProto; and is there anything to write? */
bool assay_onnx_is_marked(const struct assay_value *v);
void assay_onnx_write_marks(struct assay_encoder *to, const struct assay_graph *g, const struct assay_value *v);

/* Adds a graph's input in the role and with the fill that its marks say, an input like any other without them. Returns the
 * graph's error. */
enum assay_code assay_onnx_marked_input(struct assay_graph *g, const struct assay_onnx_value *v, const struct assay_onnx_array *a);
/* The marks of values that are there: aliases, places, checkpoints, frozen params. What makes no sense stays in the graph as its
 * error. */
void assay_onnx_take_marks(struct assay_graph *g, const struct assay_onnx_graph *from);

/* An attribute is a float in the file; a number that is none has all its digits in a mark of its node. */
void   assay_onnx_write_number(struct assay_encoder *to, const char *name, double number);
double assay_onnx_whole_number(const struct assay_onnx_node *node, const struct assay_onnx_attribute *a);

#endif
