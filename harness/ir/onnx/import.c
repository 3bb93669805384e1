#include "harness/ir/onnx/import.h"

#include <inttypes.h>

#include "harness/ir/infer.h"
#include "harness/ir/onnx/external.h"
#include "harness/ir/onnx/marks.h"
#include "harness/ir/onnx/shapes.h"
#include "harness/ir/onnx/spell.h"
#include "harness/ir/onnx/upgrade.h"

#include "assay/banned.h"

#define OPSET_MOST 24

struct import {
    const struct assay_onnx_model *model;
    const struct assay_onnx_known *known;
    size_t                         n_known;
    const char                    *what;
    struct assay_graph            *graph;
    struct assay_arena             arena;
    int64_t                        opset;
    const char                    *folder; /* of data in other files; NULL: they are not read */
    struct assay_onnx_external     external;
};

/* ---- values ---- */

static bool is_output(const struct import *im, const char *name)
{
    for (size_t i = 0; i < im->model->graph->n_outputs; i++)
        if (im->model->graph->outputs[i].name && strcmp(im->model->graph->outputs[i].name, name) == 0)
            return true;
    return false;
}

/* An output of a graph is written by a node: a const that is one is copied. */
static enum assay_code add_const(struct import *im, const char *name, const struct assay_onnx_array *a)
{
    char as[ASSAY_VALUE_NAME_BYTES];
    bool copied = is_output(im, name);
    (void)snprintf(as, sizeof as, copied ? "%.110s/const" : "%s", name);
    /* Content in a file has any alignment; the graph copies it by bytes. */
    int32_t value = assay_graph_const(im->graph, copied ? as : name, a->dtype, a->rank, a->dims, a->data);
    if (copied)
        (void)assay_graph_op(im->graph, "Identity", name, &value, 1, NULL);
    return im->graph->first_error.code;
}

static enum assay_code add_initializer(struct import *im, const struct assay_onnx_tensor *t, const char *name, struct assay_error *err)
{
    struct assay_onnx_array a;
    if (!name || !*name)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: an initializer without a name", im->what, t->position);
    bool is_beside = im->folder && t->location == 1;
    if (is_beside ? assay_onnx_external_array(&im->external, t, im->folder, im->what, &im->arena, &a, err)
                  : assay_onnx_tensor_array(t, im->what, &im->arena, &a, err))
        return err->code;
    return add_const(im, name, &a) ? assay_graph_finish(im->graph, err) : ASSAY_OK;
}

static const struct assay_onnx_known *find_known(const struct import *im, const char *name)
{
    for (size_t i = 0; i < im->n_known; i++)
        if (strcmp(im->known[i].name, name) == 0)
            return &im->known[i];
    return NULL;
}

static enum assay_code declared(const struct import *im, const struct assay_onnx_value *v, struct assay_onnx_array *a,
                                struct assay_error *err)
{
    const struct assay_onnx_tensor_type *type = v->type ? v->type->tensor : NULL;
    if (!type || !(a->dtype = assay_onnx_dtype(type->type)))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: input '%.60s' is no tensor of a type that is read", im->what,
                          v->position, v->name);
    if (!type->shape || type->shape->n_dims > ASSAY_MAX_RANK)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: input '%.60s' has no shape of at most 8 axes", im->what,
                          v->position, v->name);
    a->rank = (int32_t)type->shape->n_dims;
    for (int32_t i = 0; i < a->rank; i++) {
        const struct assay_onnx_dim *dim = &type->shape->dims[i];
        if (dim->symbol)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%.110s: byte %zu: input '%.60s' has length '%.40s', which needs a number", im->what,
                              dim->position, v->name, dim->symbol);
        a->dims[i] = dim->value;
    }
    return ASSAY_OK;
}

static enum assay_code add_input(struct import *im, const struct assay_onnx_value *v, struct assay_error *err)
{
    const struct assay_onnx_known *known;
    struct assay_onnx_array        a = {.rank = 0};
    if (!v->name || !*v->name)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: an input without a name", im->what, v->position);
    if (assay_graph_find(im->graph, v->name) != ASSAY_NO_VALUE)
        return ASSAY_OK; /* up to version 3 of the format initializers stand among the inputs */
    known = find_known(im, v->name);
    if (known)
        a = known->array;
    else if (declared(im, v, &a, err))
        return err->code;
    if (a.data)
        return add_const(im, v->name, &a) ? assay_graph_finish(im->graph, err) : ASSAY_OK;
    return assay_onnx_marked_input(im->graph, v, &a) ? assay_graph_finish(im->graph, err) : ASSAY_OK;
}

/* ---- nodes ---- */

static enum assay_code take_attribute(struct import *im, const struct assay_onnx_node *node, const struct assay_onnx_attribute *from,
                                      struct assay_attr *to, struct assay_error *err)
{
    *to = (struct assay_attr){.name = from->name};
    switch (from->type) {
    case ASSAY_ONNX_ATTRIBUTE_INT: to->type = ASSAY_ATTR_I64, to->i = from->i; return ASSAY_OK;
    case ASSAY_ONNX_ATTRIBUTE_FLOAT: to->type = ASSAY_ATTR_F64, to->f = assay_onnx_whole_number(node, from); return ASSAY_OK;
    case ASSAY_ONNX_ATTRIBUTE_STRING: {
        char *text = assay_arena_take(&im->arena, from->s.length + 1, 1);
        if (!text)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: no memory for attribute '%.60s'", im->what, from->name);
        if (from->s.length)
            memcpy(text, from->s.at, from->s.length);
        to->type = ASSAY_ATTR_TEXT, to->text = text;
        return ASSAY_OK;
    }
    case ASSAY_ONNX_ATTRIBUTE_INTS:
        if (from->n_ints > ASSAY_ATTR_MAX_LENGTH)
            break;
        to->type = ASSAY_ATTR_I64S, to->n = from->n_ints;
        for (size_t i = 0; i < to->n; i++)
            to->list[i] = from->ints[i];
        return ASSAY_OK;
    default: break;
    }
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: %.60s: attribute '%.60s' is of a kind that is not read", im->what,
                      from->position, node->op, from->name);
}

static enum assay_code find_operands(const struct import *im, const struct assay_onnx_node *node, int32_t *in, struct assay_error *err)
{
    for (size_t i = 0; i < node->n_inputs; i++) {
        in[i] = *node->inputs[i] ? assay_graph_find(im->graph, node->inputs[i]) : ASSAY_NO_VALUE;
        if (*node->inputs[i] && in[i] == ASSAY_NO_VALUE)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: %.60s reads '%.60s', which nothing before it gives", im->what,
                              node->position, node->op, node->inputs[i]);
    }
    return ASSAY_OK;
}

static enum assay_code add_constant(struct import *im, const struct assay_onnx_node *node, struct assay_error *err)
{
    const struct assay_onnx_attribute *value = node->n_attributes == 1 ? node->attributes : NULL;
    struct assay_onnx_array            a = {.dtype = ASSAY_I64};
    if (value && node->n_outputs == 1 && strcmp(value->name, "value") == 0 && value->t)
        return add_initializer(im, value->t, node->outputs[0], err);
    if (value && strcmp(value->name, "value_int") == 0)
        a.data = &value->i;
    else if (value && strcmp(value->name, "value_ints") == 0)
        a.data = value->ints, a.rank = 1, a.dims[0] = (int64_t)value->n_ints;
    else if (value && strcmp(value->name, "value_float") == 0)
        a.data = &value->f, a.dtype = ASSAY_F32;
    else if (value && strcmp(value->name, "value_floats") == 0)
        a.data = value->floats, a.dtype = ASSAY_F32, a.rank = 1, a.dims[0] = (int64_t)value->n_floats;
    if ((!a.data && !(a.rank == 1 && a.dims[0] == 0)) || node->n_outputs != 1)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: Constant without numbers as its value", im->what, node->position);
    return add_const(im, node->outputs[0], &a) ? assay_graph_finish(im->graph, err) : ASSAY_OK;
}

/* The number of a ConstantOfShape, an attribute there, as operand 1. */
static enum assay_code take_number(struct import *im, const struct assay_onnx_node *node, const struct assay_onnx_tensor *t,
                                   struct assay_onnx_call *call, struct assay_error *err)
{
    char                    as[ASSAY_VALUE_NAME_BYTES];
    struct assay_onnx_array a;
    if (strcmp(node->op, "ConstantOfShape") != 0 || call->n_in != 1 || !t)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: %.60s has a tensor among its attributes, which is not read",
                          im->what, node->position, node->op);
    if (assay_onnx_tensor_array(t, im->what, &im->arena, &a, err))
        return err->code;
    (void)snprintf(as, sizeof as, "%.110s/value", call->name);
    if (a.elements != 1)
        return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: ConstantOfShape of %" PRIu64 " numbers", im->what, node->position,
                          a.elements);
    a.rank = 0;
    call->in[call->n_in++] = assay_graph_const(im->graph, as, a.dtype, 0, NULL, a.data);
    return im->graph->first_error.code ? assay_graph_finish(im->graph, err) : ASSAY_OK;
}

static const char *domain_of(const struct assay_onnx_node *node)
{
    return node->domain && strcmp(node->domain, "ai.onnx") != 0 ? node->domain : "";
}

/* "assay.Copy" of an op of our own domain, as far as it goes; else the op. */
static const char *op_of(const struct assay_onnx_node *node, char own[ASSAY_VALUE_NAME_BYTES])
{
    if (strcmp(domain_of(node), ASSAY_ONNX_OWN_DOMAIN) != 0)
        return node->op;
    (void)snprintf(own, ASSAY_VALUE_NAME_BYTES, "assay.%.100s", node->op);
    const struct assay_op_row *row = assay_op_find(own);
    return row ? row->qualified : node->op;
}

static enum assay_code check_op(const struct import *im, const struct assay_onnx_node *node, struct assay_error *err)
{
    const char *domain = domain_of(node);
    char        own[ASSAY_VALUE_NAME_BYTES];
    int64_t     since = *domain ? 0 : assay_onnx_since(node->op);
    if (*domain && op_of(node, own) != node->op)
        since = 1;
    if (!since && !*domain && (assay_onnx_spells(node->op) || assay_onnx_is_of_shapes(node->op)))
        since = 1;
    if (!since)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: op %.60s%s%.60s is not read", im->what, node->position, domain,
                          *domain ? "." : "", node->op);
    if (im->opset < since)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: %.60s of opset %" PRId64 " is not read, from %" PRId64 " on it is",
                          im->what, node->position, node->op, im->opset, since);
    if (node->n_inputs > ASSAY_OP_MAX_OPERANDS || node->n_outputs > ASSAY_OP_MAX_OPERANDS ||
        node->n_attributes > ASSAY_ATTR_MAX_LENGTH)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: byte %zu: %.60s has more than 32 operands or attributes", im->what,
                          node->position, node->op);
    return ASSAY_OK;
}

static enum assay_code add_call(struct import *im, const struct assay_onnx_call *call, const char *const *names,
                                struct assay_error *err)
{
    struct assay_onnx_numbers numbers;
    int32_t                   out[ASSAY_OP_MAX_OPERANDS];
    if (names[0] && assay_onnx_shapes(call, &numbers)) {
        const struct assay_onnx_array a = {.dtype = ASSAY_I64, .rank = numbers.rank, .dims = {(int64_t)numbers.n}, .data = numbers.at};
        return add_const(im, names[0], &a);
    }
    if (assay_onnx_is_of_shapes(call->op))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.60s '%.60s' of what is not known before it runs, or of over %d numbers, is not read",
                          call->op, call->name, ASSAY_ONNX_NUMBERS_MOST);
    if (assay_onnx_is_spelled(call))
        return assay_onnx_spell(call, names, err);
    assay_graph_op_outputs(im->graph, call->op, names, call->n_out, call->in, call->n_in, call->attrs, out);
    return im->graph->first_error.code;
}

static enum assay_code read_call(struct import *im, const struct assay_onnx_node *node, struct assay_onnx_call *call,
                                 struct assay_error *err)
{
    size_t n = 0;
    if (check_op(im, node, err) || find_operands(im, node, call->in, err))
        return err->code;
    for (size_t i = 0; i < node->n_attributes; i++) {
        const struct assay_onnx_attribute *a = &node->attributes[i];
        bool                               is_tensor = a->type == ASSAY_ONNX_ATTRIBUTE_TENSOR;
        if (is_tensor ? take_number(im, node, a->t, call, err) : take_attribute(im, node, a, &call->attrs[n++], err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code add_node(struct import *im, const struct assay_onnx_node *node, struct assay_error *err)
{
    struct assay_onnx_call call = {.graph = im->graph, .op = node->op, .n_in = node->n_inputs, .n_out = node->n_outputs};
    const char            *names[ASSAY_OP_MAX_OPERANDS] = {NULL};
    if (strcmp(node->op, "Constant") == 0 && !*domain_of(node))
        return add_constant(im, node, err);
    for (size_t i = 0; i < node->n_outputs && i < ASSAY_OP_MAX_OPERANDS; i++)
        names[i] = *node->outputs[i] ? node->outputs[i] : NULL;
    char own[ASSAY_VALUE_NAME_BYTES];
    call.name = node->n_outputs && names[0] ? names[0] : node->op;
    call.op = op_of(node, own);
    if (read_call(im, node, &call, err))
        return err->code;
    enum assay_code code = assay_onnx_upgrade(&call, im->opset, err);
    code = code ? code : add_call(im, &call, names, err);
    if (!code)
        return ASSAY_OK;
    if (im->graph->first_error.code)
        (void)assay_graph_finish(im->graph, err);
    return assay_error_in(err, "reading the node at byte %zu of '%.80s'", node->position, im->what);
}

static enum assay_code add_all(struct import *im, struct assay_error *err)
{
    const struct assay_onnx_graph *g = im->model->graph;
    for (size_t i = 0; i < g->n_initializers; i++)
        if (add_initializer(im, &g->initializers[i], g->initializers[i].name, err))
            return err->code;
    for (size_t i = 0; i < g->n_inputs; i++)
        if (add_input(im, &g->inputs[i], err))
            return err->code;
    for (size_t i = 0; i < g->n_nodes; i++)
        if (add_node(im, &g->nodes[i], err))
            return err->code;
    for (size_t i = 0; i < g->n_outputs; i++) {
        int32_t value = g->outputs[i].name ? assay_graph_find(im->graph, g->outputs[i].name) : ASSAY_NO_VALUE;
        if (value == ASSAY_NO_VALUE)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.110s: byte %zu: output '%.60s' is written by no node", im->what,
                              g->outputs[i].position, g->outputs[i].name ? g->outputs[i].name : "");
        assay_graph_output(im->graph, value);
    }
    assay_onnx_take_marks(im->graph, g);
    return assay_graph_finish(im->graph, err);
}

enum assay_code assay_onnx_import_into(const struct assay_onnx_model *m, const char *what, const char *folder,
                                       const struct assay_onnx_known *known, size_t n_known, struct assay_graph *g,
                                       struct assay_error *err)
{
    struct import im = {.model = m, .known = known, .n_known = n_known, .what = what, .opset = assay_onnx_model_opset(m, ""),
                        .folder = folder, .graph = g};
    if (im.opset < 1 || im.opset > OPSET_MOST)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%.110s: opset %" PRId64 " of ONNX's own domain, read are 1 to %d", what, im.opset,
                          OPSET_MOST);
    enum assay_code code = add_all(&im, err);
    assay_arena_clear(&im.arena);
    return code;
}

enum assay_code assay_onnx_import(const struct assay_onnx_model *m, const char *what, const struct assay_onnx_known *known,
                                  size_t n_known, struct assay_graph **out, struct assay_error *err)
{
    struct assay_graph *g = assay_graph_new("onnx");
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%.110s: no memory for its graph", what);
    enum assay_code code = assay_onnx_import_into(m, what, NULL, known, n_known, g, err);
    if (code)
        assay_graph_free(g);
    else
        *out = g;
    return code;
}
