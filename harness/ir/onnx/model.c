#include "harness/ir/onnx/model.h"

#include "assay/banned.h"

/* The numbers of the fields are those of onnx.proto, ONNX 1.18. */
#define PLAIN(T, number, kind, field) {number, ASSAY_MESSAGE_##kind, offsetof(struct assay_onnx_##T, field), 0, NULL}
#define LIST(T, number, kind, field) \
    {number, ASSAY_MESSAGE_##kind, offsetof(struct assay_onnx_##T, field), offsetof(struct assay_onnx_##T, n_##field), NULL}
#define ONE(T, number, field, of) {number, ASSAY_MESSAGE_ONE, offsetof(struct assay_onnx_##T, field), 0, &of##_message}
#define MANY(T, number, field, of)                                                                                             \
    {number, ASSAY_MESSAGE_MANY, offsetof(struct assay_onnx_##T, field), offsetof(struct assay_onnx_##T, n_##field), &of##_message}
#define MESSAGE(T, text)                                                                                     \
    static const struct assay_message T##_message = {text, sizeof(struct assay_onnx_##T), T##_rows, \
                                                     sizeof T##_rows / sizeof *T##_rows}

static const struct assay_message_row entry_rows[] = {PLAIN(entry, 1, TEXT, key), PLAIN(entry, 2, TEXT, value)};
MESSAGE(entry, "StringStringEntryProto");

static const struct assay_message_row tensor_rows[] = {
    LIST(tensor, 1, I64S, dims),     PLAIN(tensor, 2, I64, type),      LIST(tensor, 4, F32S, floats),
    LIST(tensor, 5, I64S, int32s),   LIST(tensor, 7, I64S, int64s),    PLAIN(tensor, 8, TEXT, name),
    PLAIN(tensor, 9, BYTES, raw),    LIST(tensor, 10, F64S, doubles),  LIST(tensor, 11, I64S, uint64s),
    MANY(tensor, 13, external, entry), PLAIN(tensor, 14, I64, location),
};
MESSAGE(tensor, "TensorProto");

/* A graph holds nodes, a node attributes, an attribute a graph. */
static const struct assay_message graph_message;

static const struct assay_message_row attribute_rows[] = {
    PLAIN(attribute, 1, TEXT, name),   PLAIN(attribute, 2, F32, f),          PLAIN(attribute, 3, I64, i),
    PLAIN(attribute, 4, BYTES, s),     ONE(attribute, 5, t, tensor),         ONE(attribute, 6, g, graph),
    LIST(attribute, 7, F32S, floats),  LIST(attribute, 8, I64S, ints),       PLAIN(attribute, 20, I64, type),
    PLAIN(attribute, 21, TEXT, reference),
};
MESSAGE(attribute, "AttributeProto");

static const struct assay_message_row node_rows[] = {
    LIST(node, 1, TEXTS, inputs), LIST(node, 2, TEXTS, outputs),          PLAIN(node, 3, TEXT, name),
    PLAIN(node, 4, TEXT, op),     MANY(node, 5, attributes, attribute),   PLAIN(node, 7, TEXT, domain),
    MANY(node, 9, marks, entry),
};
MESSAGE(node, "NodeProto");

static const struct assay_message_row dim_rows[] = {PLAIN(dim, 1, I64, value), PLAIN(dim, 2, TEXT, symbol)};
MESSAGE(dim, "Dimension");
static const struct assay_message_row shape_rows[] = {MANY(shape, 1, dims, dim)};
MESSAGE(shape, "TensorShapeProto");
static const struct assay_message_row tensor_type_rows[] = {PLAIN(tensor_type, 1, I64, type), ONE(tensor_type, 2, shape, shape)};
MESSAGE(tensor_type, "TypeProto.Tensor");
static const struct assay_message_row value_type_rows[] = {ONE(value_type, 1, tensor, tensor_type)};
MESSAGE(value_type, "TypeProto");
static const struct assay_message_row value_rows[] = {PLAIN(value, 1, TEXT, name), ONE(value, 2, type, value_type),
                                                      MANY(value, 4, marks, entry)};
MESSAGE(value, "ValueInfoProto");

static const struct assay_message_row graph_rows[] = {
    MANY(graph, 1, nodes, node),     PLAIN(graph, 2, TEXT, name),    MANY(graph, 5, initializers, tensor),
    MANY(graph, 11, inputs, value),  MANY(graph, 12, outputs, value),  MANY(graph, 13, values, value),
};
MESSAGE(graph, "GraphProto");

static const struct assay_message_row opset_rows[] = {PLAIN(opset, 1, TEXT, domain), PLAIN(opset, 2, I64, version)};
MESSAGE(opset, "OperatorSetIdProto");

static const struct assay_message_row model_rows[] = {
    PLAIN(model, 1, I64, ir_version),
    PLAIN(model, 2, TEXT, producer),
    ONE(model, 7, graph, graph),
    MANY(model, 8, opsets, opset),
};
MESSAGE(model, "ModelProto");

static enum assay_code complain(const char *what, size_t position, const char *why, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: %s", what, position, why);
}

static enum assay_code check_node(const struct assay_onnx_node *node, const char *what, struct assay_error *err)
{
    if (!node->op || !*node->op)
        return complain(what, node->position, "a node without an op", err);
    for (size_t i = 0; i < node->n_attributes; i++)
        if (!node->attributes[i].name)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: %.60s has an attribute without a name", what,
                              node->attributes[i].position, node->op);
    return ASSAY_OK;
}

enum assay_code assay_onnx_model_read(const void *bytes, size_t length, const char *what, struct assay_arena *arena,
                                      struct assay_onnx_model *out, struct assay_error *err)
{
    struct assay_onnx_model m = {.position = 0};
    if (assay_message_read(&model_message, bytes, length, what, arena, &m, err))
        return err->code;
    if (!m.graph)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: no graph in it: not an ONNX model", what);
    if (m.n_opsets == 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: it names no opset, so that its ops have no meaning", what);
    for (size_t i = 0; i < m.graph->n_nodes; i++)
        if (check_node(&m.graph->nodes[i], what, err))
            return err->code;
    *out = m;
    return ASSAY_OK;
}

enum assay_code assay_onnx_tensor_read(const void *bytes, size_t length, const char *what, struct assay_arena *arena,
                                       struct assay_onnx_tensor *out, struct assay_error *err)
{
    struct assay_onnx_tensor t = {.position = 0};
    if (assay_message_read(&tensor_message, bytes, length, what, arena, &t, err))
        return err->code;
    if (t.type == 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: no element type in it: not a tensor", what);
    *out = t;
    return ASSAY_OK;
}

int64_t assay_onnx_model_opset(const struct assay_onnx_model *m, const char *domain)
{
    for (size_t i = 0; i < m->n_opsets; i++) {
        const char *name = m->opsets[i].domain ? m->opsets[i].domain : "";
        if (strcmp(strcmp(name, "ai.onnx") == 0 ? "" : name, domain) == 0)
            return m->opsets[i].version;
    }
    return 0;
}
