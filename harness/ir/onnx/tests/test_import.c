#include <criterion/criterion.h>

#include "harness/ir/onnx/import.h"
#include "harness/ir/ops.h"
#include "vectors.h"

#include "assay/banned.h"

TestSuite(import, .timeout = 120);

#define COUNT(list) (sizeof (list) / sizeof *(list))

static struct assay_error err;
static struct assay_graph *graph;

static const struct assay_onnx_opset       opset_17 = {.version = 17}, opset_6 = {.version = 6};
static const char *const                   x_w[] = {"x", "w"}, *const y[] = {"y"}, *const nothing[] = {"nothing"};
static const struct assay_onnx_dim         lengths[] = {{.value = 2}, {.symbol = "n"}};
static const struct assay_onnx_shape       shape = {.dims = lengths, .n_dims = 2};
static const struct assay_onnx_tensor_type tensor = {.type = ASSAY_ONNX_FLOAT, .shape = &shape};
static const struct assay_onnx_value_type  type = {.tensor = &tensor};
static const struct assay_onnx_value       input = {.name = "x", .type = &type}, output = {.name = "y"};
static const int64_t                       three_two[] = {3, 2};
static const float                         weights[6] = {1, 2, 3, 4, 5, 6};
static const struct assay_onnx_tensor      w = {.name = "w", .type = 1, .dims = three_two, .n_dims = 2, .floats = weights, .n_floats = 6};
static const struct assay_onnx_attribute   alpha = {.name = "alpha", .type = ASSAY_ONNX_ATTRIBUTE_FLOAT, .f = 0.5f};
static const struct assay_onnx_known       x_is_2_3 = {"x", {.dtype = ASSAY_F32, .rank = 2, .dims = {2, 3}}};

static enum assay_code with(const struct assay_onnx_node *node, const struct assay_onnx_opset *opset, const struct assay_onnx_known *known)
{
    const struct assay_onnx_graph g = {.nodes = node, .n_nodes = 1, .initializers = &w, .n_initializers = 1, .inputs = &input,
                                       .n_inputs = 1, .outputs = &output, .n_outputs = 1};
    const struct assay_onnx_model m = {.graph = &g, .opsets = opset, .n_opsets = 1};
    return assay_onnx_import(&m, "x.onnx", known, known ? 1 : 0, &graph, &err);
}

static const struct assay_onnx_node gemm = {.op = "Gemm", .position = 7, .inputs = x_w, .n_inputs = 2, .outputs = y, .n_outputs = 1,
                                            .attributes = &alpha, .n_attributes = 1};

Test(import, makes_nodes_consts_and_inputs)
{
    cr_assert_eq(with(&gemm, &opset_17, &x_is_2_3), ASSAY_OK, "%s", err.message);
    cr_assert(graph->n_nodes == 1 && graph->n_values == 3);
    const struct assay_value *out = assay_graph_value(graph, assay_graph_find(graph, "y"));
    const struct assay_value *table = assay_graph_value(graph, assay_graph_find(graph, "w"));
    cr_expect_str_eq(graph->nodes[0].op->name, "Gemm");
    cr_expect_eq(assay_node_f64(&graph->nodes[0], "alpha", 0), 0.5);
    cr_expect(out->role == ASSAY_ROLE_OUTPUT && out->dims[0] == 2 && out->dims[1] == 2);
    cr_expect(table->role == ASSAY_ROLE_CONST && memcmp(table->data, weights, sizeof weights) == 0);
    assay_graph_free(graph);
}

Test(import, refuses_in_one_line_what_it_cannot_read)
{
    struct assay_onnx_attribute list = {.name = "scales", .type = ASSAY_ONNX_ATTRIBUTE_FLOATS, .position = 9};
    struct assay_onnx_node      lost = gemm, odd = gemm, resize = gemm, far = gemm, floats = gemm;
    lost.inputs = nothing, lost.n_inputs = 1;
    odd.op = "NoSuchOp";
    resize.op = "Resize";
    far.domain = "com.example";
    floats.attributes = &list;
    const struct {
        const struct assay_onnx_node  *node;
        const struct assay_onnx_opset *opset;
        bool                           known;
        enum assay_code                code;
        const char                    *why;
    } rows[] = {
        {&gemm, &opset_17, false, ASSAY_CONFIG, "x.onnx: byte 0: input 'x' has length 'n', which needs a number"},
        {&resize, &opset_6, true, ASSAY_UNSUPPORTED, "x.onnx: byte 7: Resize of opset 6 is not read, from 10 on it is"},
        {&lost, &opset_17, true, ASSAY_DATA, "x.onnx: byte 7: Gemm reads 'nothing', which nothing before it gives"},
        {&odd, &opset_17, true, ASSAY_UNSUPPORTED, "x.onnx: byte 7: op NoSuchOp is not read"},
        {&far, &opset_17, true, ASSAY_UNSUPPORTED, "x.onnx: byte 7: op com.example.Gemm is not read"},
        {&floats, &opset_17, true, ASSAY_UNSUPPORTED, "x.onnx: byte 9: Gemm: attribute 'scales' is of a kind that is not read"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_expect_eq(with(rows[i].node, rows[i].opset, rows[i].known ? &x_is_2_3 : NULL), rows[i].code, "row %zu", i);
        cr_expect_str_eq(err.message, rows[i].why, "row %zu: %s", i, err.message);
    }
}

static size_t n_graphs, n_refused;

/* Whatever a model says, it becomes a graph or one line. */
static void see_model(const char *path, const void *bytes, size_t length)
{
    struct assay_arena      arena = {.first = NULL};
    struct assay_onnx_model m;
    cr_assert_eq(assay_onnx_model_read(bytes, length, path, &arena, &m, &err), ASSAY_OK, "%s", err.message);
    if (assay_onnx_import(&m, "m", NULL, 0, &graph, &err)) {
        n_refused++;
        cr_expect(err.message[0] && !strchr(err.message, '\n'), "%s", path);
    } else {
        n_graphs++;
        cr_expect_gt(graph->n_nodes, 0, "%s", path);
        assay_graph_free(graph);
    }
    assay_arena_clear(&arena);
}

Test(import, makes_graphs_of_third_party_models)
{
    vectors_each("/model.onnx", see_model);
    cr_expect_eq(n_graphs + n_refused, 1072);
    cr_expect_eq(n_graphs, 802, "%zu graphs, %zu refused", n_graphs, n_refused);
}
