/* The numbers of the fields are those of onnx.proto, ONNX 1.18. */
#include "harness/ir/onnx/write.h"

#include <inttypes.h>
#include <stdlib.h>

#include "harness/base/file.h"
#include "harness/ir/infer.h"
#include "harness/ir/onnx/marks.h"
#include "harness/ir/onnx/model.h"

#include "assay/banned.h"

#define IR_VERSION 10 /* the first that has metadata of nodes and values */
#define OPSET 24
#define ALIGNMENT 4096

enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12, GRAPH_VALUE = 13 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { TENSOR_DIM = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9, TENSOR_EXTERNAL = 13, TENSOR_LOCATION = 14 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_TYPE_ELEMENT = 1, TENSOR_TYPE_SHAPE = 2, SHAPE_DIM = 1, DIM_VALUE = 1 };

struct writing {
    const struct assay_graph *g;
    struct assay_encoder     *to, *beside;
    const char               *beside_name;
};

/* What inference adds for its readers, and ONNX's op has not. */
static bool is_resolved(const struct assay_node *node, const char *attr)
{
    static const struct {
        const char *op, *attr;
    } rows[] = {{"Resize", "factors"}, {"Pad", "widths"}, {"Pad", "value"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!*node->op->domain && !strcmp(node->op->name, rows[i].op) && !strcmp(attr, rows[i].attr))
            return true;
    return false;
}

static void write_attribute(struct assay_encoder *to, const struct assay_attr *a)
{
    size_t begun = assay_encode_begin(to, NODE_ATTRIBUTE);
    assay_encode_text(to, ATTRIBUTE_NAME, a->name);
    switch (a->type) {
    case ASSAY_ATTR_I64:
        assay_encode_int(to, ATTRIBUTE_I, a->i);
        assay_encode_int(to, ATTRIBUTE_TYPE, ASSAY_ONNX_ATTRIBUTE_INT);
        break;
    case ASSAY_ATTR_F64:
        assay_encode_float(to, ATTRIBUTE_F, (float)a->f);
        assay_encode_int(to, ATTRIBUTE_TYPE, ASSAY_ONNX_ATTRIBUTE_FLOAT);
        break;
    case ASSAY_ATTR_TEXT:
        assay_encode_text(to, ATTRIBUTE_S, a->text);
        assay_encode_int(to, ATTRIBUTE_TYPE, ASSAY_ONNX_ATTRIBUTE_STRING);
        break;
    case ASSAY_ATTR_I64S:
        for (size_t i = 0; i < a->n; i++)
            assay_encode_int(to, ATTRIBUTE_INTS, a->list[i]);
        assay_encode_int(to, ATTRIBUTE_TYPE, ASSAY_ONNX_ATTRIBUTE_INTS);
        break;
    }
    assay_encode_end(to, begun);
}

static void write_operands(const struct writing *w, uint32_t field, const int32_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        assay_encode_text(w->to, field, values[i] == ASSAY_NO_VALUE ? "" : w->g->values[values[i]].name);
}

static void write_node(const struct writing *w, const struct assay_node *node)
{
    size_t begun = assay_encode_begin(w->to, GRAPH_NODE);
    write_operands(w, NODE_INPUT, node->inputs, node->n_inputs);
    write_operands(w, NODE_OUTPUT, node->outputs, node->n_outputs);
    assay_encode_text(w->to, NODE_NAME, node->name);
    assay_encode_text(w->to, NODE_OP, node->op->name);
    if (*node->op->domain)
        assay_encode_text(w->to, NODE_DOMAIN, ASSAY_ONNX_OWN_DOMAIN);
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        const struct assay_attr *a = &node->attrs[i];
        if (is_resolved(node, a->name))
            continue;
        write_attribute(w->to, a);
        if (a->type == ASSAY_ATTR_F64)
            assay_onnx_write_number(w->to, a->name, a->f);
    }
    assay_encode_end(w->to, begun);
}

static void write_entry(struct assay_encoder *to, const char *key, const char *value)
{
    size_t begun = assay_encode_begin(to, TENSOR_EXTERNAL);
    assay_encode_text(to, ENTRY_KEY, key);
    assay_encode_text(to, ENTRY_VALUE, value);
    assay_encode_end(to, begun);
}

static void write_beside(const struct writing *w, const struct assay_value *v)
{
    char offset[24], length[24];
    assay_encode_align(w->beside, ALIGNMENT);
    (void)snprintf(offset, sizeof offset, "%zu", w->beside->length);
    (void)snprintf(length, sizeof length, "%" PRIu64, v->bytes);
    assay_encode_raw(w->beside, v->data, (size_t)v->bytes);
    write_entry(w->to, "location", w->beside_name);
    write_entry(w->to, "offset", offset);
    write_entry(w->to, "length", length);
    assay_encode_int(w->to, TENSOR_LOCATION, 1);
}

static void write_const(const struct writing *w, const struct assay_value *v)
{
    size_t begun = assay_encode_begin(w->to, GRAPH_INITIALIZER);
    for (int32_t i = 0; i < v->rank; i++)
        assay_encode_int(w->to, TENSOR_DIM, v->dims[i]);
    assay_encode_int(w->to, TENSOR_TYPE, assay_onnx_number(v->dtype));
    assay_encode_text(w->to, TENSOR_NAME, v->name);
    if (w->beside)
        write_beside(w, v);
    else
        assay_encode_bytes(w->to, TENSOR_RAW, v->data, (size_t)v->bytes);
    assay_encode_end(w->to, begun);
}

static void write_value(const struct writing *w, uint32_t field, const struct assay_value *v)
{
    size_t value = assay_encode_begin(w->to, field);
    assay_encode_text(w->to, VALUE_NAME, v->name);
    size_t type = assay_encode_begin(w->to, VALUE_TYPE), tensor = assay_encode_begin(w->to, TYPE_TENSOR);
    assay_encode_int(w->to, TENSOR_TYPE_ELEMENT, assay_onnx_number(v->dtype));
    size_t shape = assay_encode_begin(w->to, TENSOR_TYPE_SHAPE);
    for (int32_t i = 0; i < v->rank; i++) {
        size_t dim = assay_encode_begin(w->to, SHAPE_DIM);
        assay_encode_int(w->to, DIM_VALUE, v->dims[i]);
        assay_encode_end(w->to, dim);
    }
    assay_encode_end(w->to, shape);
    assay_encode_end(w->to, tensor);
    assay_encode_end(w->to, type);
    assay_onnx_write_marks(w->to, w->g, v);
    assay_encode_end(w->to, value);
}

static void write_graph(const struct writing *w)
{
    const struct assay_graph *g = w->g;
    size_t                    begun = assay_encode_begin(w->to, MODEL_GRAPH);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        write_node(w, &g->nodes[i]);
    assay_encode_text(w->to, GRAPH_NAME, g->name);
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct assay_value *v = &g->values[i];
        if (v->role == ASSAY_ROLE_CONST)
            write_const(w, v);
        else if (v->role == ASSAY_ROLE_OUTPUT)
            write_value(w, GRAPH_OUTPUT, v);
        else if (v->role != ASSAY_ROLE_TEMP)
            write_value(w, GRAPH_INPUT, v);
        else if (assay_onnx_is_marked(v))
            write_value(w, GRAPH_VALUE, v);
    }
    assay_encode_end(w->to, begun);
}

static void write_opset(struct assay_encoder *to, const char *domain, int64_t version)
{
    size_t begun = assay_encode_begin(to, MODEL_OPSET);
    assay_encode_text(to, OPSET_DOMAIN, domain);
    assay_encode_int(to, OPSET_VERSION, version);
    assay_encode_end(to, begun);
}

enum assay_code assay_onnx_encode(const struct assay_graph *g, struct assay_encoder *model, struct assay_encoder *beside,
                                  const char *beside_name, struct assay_error *err)
{
    const struct writing w = {g, model, beside, beside_name};
    for (uint32_t i = 0; i < g->n_values; i++)
        if (!assay_onnx_number(g->values[i].dtype))
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "'%.100s' is %s, a type that ONNX lacks", g->values[i].name,
                              assay_dtype_name(g->values[i].dtype));
    assay_encode_int(model, MODEL_IR_VERSION, IR_VERSION);
    assay_encode_text(model, MODEL_PRODUCER, "assay");
    assay_encode_text(model, MODEL_PRODUCER_VERSION, ASSAY_VERSION);
    write_graph(&w);
    write_opset(model, "", OPSET);
    write_opset(model, ASSAY_ONNX_OWN_DOMAIN, ASSAY_ONNX_OWN_VERSION);
    if (model->failed || (beside && beside->failed))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to write graph '%s'", g->name);
    return ASSAY_OK;
}

enum assay_code assay_onnx_write(const struct assay_graph *g, const char *path, bool external, struct assay_error *err)
{
    struct assay_encoder model = {.at = NULL}, beside = {.at = NULL};
    const char          *slash = strrchr(path, '/');
    char                 data[1100];
    uint64_t             consts = 0;
    for (uint32_t i = 0; i < g->n_values; i++)
        consts += g->values[i].role == ASSAY_ROLE_CONST ? g->values[i].bytes : 0;
    external = consts && (external || consts > ASSAY_ONNX_INSIDE_BYTES_MOST);
    if (snprintf(data, sizeof data, "%s.data", path) >= (int)sizeof data)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "path is too long: '%.80s…'", path);
    const char     *name = slash ? data + (slash + 1 - path) : data;
    enum assay_code code = assay_onnx_encode(g, &model, external ? &beside : NULL, name, err);
    if (!code && external)
        code = assay_file_replace(data, beside.at, beside.length, err);
    if (!code)
        code = assay_file_replace(path, model.at, model.length, err);
    free(model.at);
    free(beside.at);
    return code;
}
