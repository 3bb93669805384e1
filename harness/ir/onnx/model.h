/* What an ONNX file says, as far as it is used here (onnx.proto). Nothing is judged yet but the bytes: whether ops, types and
 * shapes make a graph is for who builds one. Texts live in the arena, data of tensors in the file's own bytes. */
#ifndef ASSAY_IR_ONNX_MODEL_H
#define ASSAY_IR_ONNX_MODEL_H

#include <stdint.h>

#include "harness/ir/onnx/message.h"

struct assay_onnx_entry {
    size_t      position;
    const char *key, *value;
};

enum assay_onnx_type {
    ASSAY_ONNX_FLOAT = 1,
    ASSAY_ONNX_UINT8 = 2,
    ASSAY_ONNX_INT8 = 3,
    ASSAY_ONNX_UINT16 = 4,
    ASSAY_ONNX_INT16 = 5,
    ASSAY_ONNX_INT32 = 6,
    ASSAY_ONNX_INT64 = 7,
    ASSAY_ONNX_STRING = 8,
    ASSAY_ONNX_BOOL = 9,
    ASSAY_ONNX_FLOAT16 = 10,
    ASSAY_ONNX_DOUBLE = 11,
    ASSAY_ONNX_UINT32 = 12,
    ASSAY_ONNX_UINT64 = 13,
    ASSAY_ONNX_BFLOAT16 = 16,
    ASSAY_ONNX_FLOAT8E4M3FN = 17,
    ASSAY_ONNX_FLOAT8E5M2 = 19,
    ASSAY_ONNX_UINT4 = 21,
    ASSAY_ONNX_INT4 = 22,
    ASSAY_ONNX_FLOAT4E2M1 = 23,
    ASSAY_ONNX_FLOAT8E8M0 = 24,
};

struct assay_onnx_tensor {
    size_t                     position;
    const char                *name;
    int64_t                    type; /* enum assay_onnx_type */
    const int64_t             *dims;
    const float               *floats;
    const int64_t             *int32s, *int64s, *uint64s; /* int32s also holds what is narrower; uint64s as bits */
    const double              *doubles;
    struct assay_message_bytes raw;
    const struct assay_onnx_entry *external;
    int64_t                    location; /* 1: the data lie in the file that `external` names */
    size_t n_dims, n_floats, n_int32s, n_int64s, n_uint64s, n_doubles, n_external;
};

enum assay_onnx_attribute_type {
    ASSAY_ONNX_ATTRIBUTE_FLOAT = 1,
    ASSAY_ONNX_ATTRIBUTE_INT = 2,
    ASSAY_ONNX_ATTRIBUTE_STRING = 3,
    ASSAY_ONNX_ATTRIBUTE_TENSOR = 4,
    ASSAY_ONNX_ATTRIBUTE_GRAPH = 5,
    ASSAY_ONNX_ATTRIBUTE_FLOATS = 6,
    ASSAY_ONNX_ATTRIBUTE_INTS = 7,
    ASSAY_ONNX_ATTRIBUTE_STRINGS = 8,
};

struct assay_onnx_attribute {
    size_t                          position;
    const char                     *name, *reference; /* reference: of a function's own attribute, not read here */
    int64_t                         type, i;
    float                           f;
    struct assay_message_bytes      s;
    const struct assay_onnx_tensor *t;
    const struct assay_onnx_graph  *g;
    const float                    *floats;
    const int64_t                  *ints;
    size_t                          n_floats, n_ints;
};

struct assay_onnx_node {
    size_t                             position;
    const char                        *name, *op, *domain;
    const char *const                 *inputs, *const *outputs;
    const struct assay_onnx_attribute *attributes;
    const struct assay_onnx_entry     *marks; /* metadata_props */
    size_t                             n_inputs, n_outputs, n_attributes, n_marks;
};

struct assay_onnx_dim {
    size_t      position;
    int64_t     value;
    const char *symbol; /* NULL: `value` is the length */
};

struct assay_onnx_shape {
    size_t                       position;
    const struct assay_onnx_dim *dims;
    size_t                       n_dims;
};

struct assay_onnx_tensor_type {
    size_t                         position;
    int64_t                        type;
    const struct assay_onnx_shape *shape; /* NULL: not even the rank is told */
};

struct assay_onnx_value_type {
    size_t                               position;
    const struct assay_onnx_tensor_type *tensor; /* NULL: a sequence, a map, an optional */
};

struct assay_onnx_value {
    size_t                              position;
    const char                         *name;
    const struct assay_onnx_value_type *type;
    const struct assay_onnx_entry      *marks; /* metadata_props */
    size_t                              n_marks;
};

struct assay_onnx_graph {
    size_t                          position;
    const char                     *name;
    const struct assay_onnx_node   *nodes;
    const struct assay_onnx_tensor *initializers;
    const struct assay_onnx_value  *inputs, *outputs, *values; /* values: of those between, what is told of them */
    size_t                          n_nodes, n_initializers, n_inputs, n_outputs, n_values;
};

struct assay_onnx_opset {
    size_t      position;
    const char *domain; /* NULL or "": ONNX's own */
    int64_t     version;
};

struct assay_onnx_model {
    size_t                         position;
    int64_t                        ir_version;
    const char                    *producer;
    const struct assay_onnx_graph *graph; /* never NULL once read */
    const struct assay_onnx_opset *opsets;
    size_t                         n_opsets;
};

/* `bytes` and `arena` must stay as long as what is read. `what` names the file in messages. A model has a graph and an opset,
 * every node an op, every attribute a name: all else is ASSAY_DATA. */
enum assay_code assay_onnx_model_read(const void *bytes, size_t length, const char *what, struct assay_arena *arena,
                                      struct assay_onnx_model *out, struct assay_error *err);
/* A file that holds one tensor, as test vectors do. */
enum assay_code assay_onnx_tensor_read(const void *bytes, size_t length, const char *what, struct assay_arena *arena,
                                       struct assay_onnx_tensor *out, struct assay_error *err);
/* The version of a domain ("" is ONNX's own) that the model asks for; 0: none. */
int64_t assay_onnx_model_opset(const struct assay_onnx_model *m, const char *domain);

#endif
