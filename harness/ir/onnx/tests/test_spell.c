#include <criterion/criterion.h>

#include "harness/ir/onnx/shapes.h"
#include "harness/ir/onnx/spell.h"

#include "assay/banned.h"

TestSuite(spell, .timeout = 60);

static struct assay_error     err;
static struct assay_onnx_call call;
static const char *const      y[] = {"y", NULL};

/* A call of `op` on x of these lengths. */
static void begin(const char *op, enum assay_dtype dtype, int32_t rank, const int64_t *dims)
{
    struct assay_graph *g = assay_graph_new("g");
    cr_assert(g);
    call = (struct assay_onnx_call){.graph = g, .op = op, .name = "y", .n_in = 1, .n_out = 1};
    call.in[0] = assay_graph_input(g, "x", dtype, rank, dims, ASSAY_FILL_SIGNED);
}

static void operand_i64s(const char *name, size_t n, const int64_t *numbers)
{
    call.in[call.n_in++] = assay_graph_i64s(call.graph, name, n, numbers);
}

static const struct assay_value *spelled(void)
{
    cr_assert(assay_onnx_is_spelled(&call));
    cr_assert_eq(assay_onnx_spell(&call, y, &err), ASSAY_OK, "%s: %s", call.op, err.message);
    const struct assay_value *v = assay_graph_value(call.graph, assay_graph_find(call.graph, "y"));
    cr_assert(v && v->producer >= 0);
    return v;
}

Test(spell, gives_the_output_by_its_name_and_names_the_rest_after_it)
{
    begin("Tile", ASSAY_F32, 2, (int64_t[]){2, 3});
    operand_i64s("repeats", 2, (int64_t[]){2, 3});
    const struct assay_value *v = spelled();
    cr_expect(v->rank == 2 && v->dims[0] == 4 && v->dims[1] == 9);
    cr_expect_neq(assay_graph_find(call.graph, "y/1"), ASSAY_NO_VALUE);
    assay_graph_free(call.graph);
}

Test(spell, a_transposed_convolution_is_the_gradient_of_one)
{
    begin("ConvTranspose", ASSAY_F32, 4, (int64_t[]){1, 2, 3, 3});
    call.in[call.n_in++] = assay_graph_input(call.graph, "w", ASSAY_F32, 4, (int64_t[]){2, 5, 3, 3}, ASSAY_FILL_SIGNED);
    call.attrs[0] = (struct assay_attr){.name = "strides", .type = ASSAY_ATTR_I64S, .list = {3, 2}, .n = 2};
    call.attrs[1] = (struct assay_attr){.name = "output_padding", .type = ASSAY_ATTR_I64S, .list = {1, 1}, .n = 2};
    const struct assay_value *v = spelled();
    cr_expect(v->dims[1] == 5 && v->dims[2] == 10 && v->dims[3] == 8, "%d by %d", (int)v->dims[2], (int)v->dims[3]);
    cr_expect_str_eq(call.graph->nodes[v->producer].op->name, "ConvInputGrad");
    assay_graph_free(call.graph);
}

Test(spell, a_convolution_of_whole_numbers_is_a_product_with_what_its_windows_see)
{
    begin("ConvInteger", ASSAY_U8, 4, (int64_t[]){2, 4, 5, 6});
    call.in[call.n_in++] = assay_graph_input(call.graph, "w", ASSAY_I8, 4, (int64_t[]){6, 2, 3, 3}, ASSAY_FILL_SIGNED);
    call.in[call.n_in++] = assay_graph_input(call.graph, "zx", ASSAY_U8, 1, (int64_t[]){1}, ASSAY_FILL_SIGNED);
    call.in[call.n_in++] = assay_graph_input(call.graph, "zw", ASSAY_I8, 1, (int64_t[]){6}, ASSAY_FILL_SIGNED);
    call.attrs[0] = ASSAY_ATTR_INT("group", 2);
    call.attrs[1] = (struct assay_attr){.name = "strides", .type = ASSAY_ATTR_I64S, .list = {2, 1}, .n = 2};
    call.attrs[2] = ASSAY_ATTR_STRING("auto_pad", "SAME_LOWER");
    const struct assay_value *v = spelled();
    cr_expect(v->dtype == ASSAY_I32 && v->rank == 4 && v->dims[0] == 2 && v->dims[1] == 6 && v->dims[2] == 3 && v->dims[3] == 6);
    bool multiplies = false;
    for (uint32_t n = 0; n < call.graph->n_nodes; n++)
        multiplies |= !strcmp(call.graph->nodes[n].op->name, "MatMulInteger");
    cr_expect(multiplies);
    assay_graph_free(call.graph);
}

/* x [2,3,4]; indices [5,2] choose along two axes. */
Test(spell, scatters_slices_by_tuples_of_indices)
{
    static const int64_t wanted[] = {2, 3, 4};
    begin("ScatterND", ASSAY_F32, 3, wanted);
    call.in[call.n_in++] = assay_graph_input(call.graph, "at", ASSAY_I64, 2, (int64_t[]){5, 2}, ASSAY_FILL_SIGNED);
    call.in[call.n_in++] = assay_graph_input(call.graph, "updates", ASSAY_F32, 2, (int64_t[]){5, 4}, ASSAY_FILL_SIGNED);
    const struct assay_value *v = spelled();
    cr_expect(v->rank == 3 && !memcmp(v->dims, wanted, sizeof wanted));
    assay_graph_free(call.graph);
    begin("ScatterND", ASSAY_F32, 3, wanted);
    call.in[call.n_in++] = assay_graph_input(call.graph, "at", ASSAY_I64, 2, (int64_t[]){5, 2}, ASSAY_FILL_SIGNED);
    call.in[call.n_in++] = assay_graph_input(call.graph, "updates", ASSAY_F32, 2, (int64_t[]){5, 4}, ASSAY_FILL_SIGNED);
    call.attrs[0] = ASSAY_ATTR_STRING("reduction", "mul");
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "ScatterND 'y' reduces by other than a sum, which is not read");
    assay_graph_free(call.graph);
}

Test(spell, leaves_the_forms_that_ir_has)
{
    begin("Max", ASSAY_F32, 1, (int64_t[]){4});
    cr_expect(assay_onnx_is_spelled(&call));
    call.in[call.n_in++] = call.in[0];
    cr_expect(!assay_onnx_is_spelled(&call));
    call.op = "Pad";
    cr_expect(!assay_onnx_is_spelled(&call));
    call.attrs[0] = ASSAY_ATTR_STRING("mode", "reflect");
    cr_expect(assay_onnx_is_spelled(&call));
    call.op = "MatMul";
    cr_expect(!assay_onnx_is_spelled(&call) && !assay_onnx_spells("MatMul") && assay_onnx_spells("Max"));
    assay_graph_free(call.graph);
}

static const struct {
    char    op[28];
    int32_t rank;
    int64_t dims[5];
    struct {
        char    name[12];
        int64_t i;
    } attr;
    size_t  n; /* of operand 1, int64 */
    int64_t numbers[5];
    char    why[140];
} refusals[] = {
    {"Trilu", 1, {3}, {"", 0}, 0, {0}, "Trilu 'y' has no matrix, which is not read"},
    {"Hardmax", 2, {3, 3}, {"axis", 2}, 0, {0}, "Hardmax 'y' has an axis that its operand lacks, which is not read"},
    {"Tile", 2, {3, 3}, {"", 0}, 1, {2}, "Tile 'y' has another number of repeats than its operand has axes, which is not read"},
    {"Tile", 1, {3}, {"", 0}, 1, {-1}, "Tile 'y' repeats more often than can be counted, or less than never, which is not read"},
    {"Tile", 1, {3}, {"", 0}, 1, {INT64_MAX}, "Tile 'y' repeats more often than can be counted, or less than never, which is not read"},
    {"DepthToSpace", 4, {1, 6, 2, 2}, {"blocksize", 2}, 0, {0}, "DepthToSpace 'y' has channels that make no blocks, which is not read"},
    {"SpaceToDepth", 4, {1, 1, 3, 2}, {"blocksize", 2}, 0, {0}, "SpaceToDepth 'y' has an image that makes no blocks, which is not read"},
    {"SpaceToDepth", 4, {1, 1, 2, 2}, {"blocksize", INT64_MIN}, 0, {0}, "SpaceToDepth 'y' has an image that makes no blocks, which is not read"},
    {"LRN", 3, {1, 4, 4}, {"size", 0}, 0, {0}, "LRN 'y' has no channels, or a size beyond 1 to 64, which is not read"},
    {"ReduceProd", 2, {0, 3}, {"", 0}, 0, {0}, "ReduceProd 'y' multiplies nothing, which is not read"},
    {"ReduceProd", 2, {2, 3}, {"", 0}, 1, {2}, "ReduceProd 'y' has an axis that its operand lacks, which is not read"},
    {"GatherElements", 1, {3}, {"axis", -2}, 1, {0}, "GatherElements 'y' has an axis that its operand lacks, which is not read"},
    {"GatherElements", 2, {3, 3}, {"", 0}, 1, {0}, "GatherElements 'y' has indices that its operand does not hold, which is not read"},
    {"NegativeLogLikelihoodLoss", 2, {3, 3}, {"", 0}, 1, {0},
     "NegativeLogLikelihoodLoss 'y' has labels of another shape than its scores without their classes, which is not read"},
    {"CumSum", 2, {2, 3}, {"", 0}, 1, {2}, "CumSum 'y' has an axis that its operand lacks, which is not read"},
    {"CumSum", 2, {2, 3}, {"", 0}, 2, {0, 1}, "CumSum 'y' has an axis that is no const, which is not read"},
    {"GatherND", 2, {2, 3}, {"", 0}, 3, {0, 0, 0}, "GatherND 'y' has indices that its operand does not hold, or more than 8 axes with them, which is not read"},
    {"GatherND", 2, {2, 3}, {"batch_dims", -1}, 1, {0}, "GatherND 'y' has indices that its operand does not hold, or more than 8 axes with them, which is not read"},
    {"ScatterElements", 1, {3}, {"", 0}, 1, {0}, "ScatterElements 'y' has indices or updates that its operand does not hold, which is not read"},
    {"ScatterND", 1, {3}, {"", 0}, 1, {0}, "ScatterND 'y' has updates that are no slices of its operand, which is not read"},
    {"ConvInteger", 3, {1, 2, 3}, {"", 0}, 1, {0},
     "ConvInteger 'y' has an image and kernels of different ranks, or not of one to three axes, which is not read"},
    {"QLinearMatMul", 2, {2, 3}, {"", 0}, 2, {0, 0}, "QLinearMatMul 'y' has a scale or a zero point of more than one number, or none, which is not read"},
    {"ConvTranspose", 3, {1, 2, 3}, {"group", 0}, 1, {0}, "ConvTranspose 'y' has an image and kernels of different ranks, or no group, which is not read"},
};

Test(spell, refuses_in_one_line_what_makes_no_sense)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        begin(refusals[i].op, ASSAY_F32, refusals[i].rank, refusals[i].dims);
        if (refusals[i].n)
            operand_i64s("numbers", refusals[i].n, refusals[i].numbers);
        if (*refusals[i].attr.name)
            call.attrs[0] = ASSAY_ATTR_INT(refusals[i].attr.name, refusals[i].attr.i);
        cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED, "row %zu", i);
        cr_expect_str_eq(err.message, refusals[i].why, "row %zu: %s", i, err.message);
        assay_graph_free(call.graph);
    }
}

Test(spell, an_axis_that_is_too_long_takes_no_memory)
{
    begin("Hardmax", ASSAY_F32, 1, (int64_t[]){INT64_C(1) << 40});
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(call.graph->first_error.message, "Hardmax 'y' along an axis of over 16777216 elements is not read");
    assay_graph_free(call.graph);
}

/* ---- shapes ---- */

static const struct {
    char    op[16];
    size_t  n_in, n[5];
    int64_t in[5][4];
    int32_t rank;
    size_t  n_out;
    int64_t out[4];
} sums[] = {
    {"Add", 2, {2, 1}, {{1, 2}, {3}}, 1, 2, {4, 5}},
    {"Sub", 2, {1, 2}, {{1}, {3, 5}}, 1, 2, {-2, -4}},
    {"Mul", 2, {2, 2}, {{2, 3}, {4, 5}}, 1, 2, {8, 15}},
    {"Div", 2, {2, 1}, {{7, -7}, {2}}, 1, 2, {3, -3}},
    {"Concat", 3, {1, 2, 1}, {{1}, {2, 3}, {4}}, 1, 4, {1, 2, 3, 4}},
    {"Gather", 2, {3, 2}, {{5, 6, 7}, {-1, 0}}, 1, 2, {7, 5}},
    {"Slice", 3, {4, 1, 1}, {{5, 6, 7, 8}, {1}, {-1}}, 1, 2, {6, 7}},
    {"Slice", 5, {4, 1, 1, 1, 1}, {{5, 6, 7, 8}, {3}, {0}, {0}, {-2}}, 1, 2, {8, 6}},
    {"Squeeze", 1, {1}, {{9}}, 0, 1, {9}},
    {"Reshape", 2, {3, 1}, {{1, 2, 3}, {-1}}, 1, 3, {1, 2, 3}},
    {"ConstantOfShape", 2, {1, 1}, {{3}, {7}}, 1, 3, {7, 7, 7}},
};

Test(shapes, are_computed_while_they_are_read)
{
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        struct assay_onnx_numbers got;
        char                      name[24];
        begin(sums[i].op, ASSAY_F32, 1, (int64_t[]){4});
        call.n_in = 0;
        for (size_t k = 0; k < sums[i].n_in; k++) {
            (void)snprintf(name, sizeof name, "c%zu", k);
            operand_i64s(name, sums[i].n[k], sums[i].in[k]);
        }
        cr_assert(assay_onnx_shapes(&call, &got), "row %zu", i);
        cr_expect(got.rank == sums[i].rank && got.n == sums[i].n_out && !memcmp(got.at, sums[i].out, got.n * sizeof *got.at),
                  "row %zu: %s gives rank %d, %zu numbers, %d first", i, sums[i].op, (int)got.rank, got.n, (int)got.at[0]);
        assay_graph_free(call.graph);
    }
}

Test(shapes, of_a_value_need_not_know_its_numbers)
{
    struct assay_onnx_numbers got;
    begin("Shape", ASSAY_F32, 3, (int64_t[]){2, 3, 4});
    call.attrs[0] = ASSAY_ATTR_INT("start", -2);
    cr_assert(assay_onnx_shapes(&call, &got));
    cr_expect(got.n == 2 && got.at[0] == 3 && got.at[1] == 4);
    call.op = "Size";
    cr_assert(assay_onnx_shapes(&call, &got));
    cr_expect(got.rank == 0 && got.n == 1 && got.at[0] == 24);
    assay_graph_free(call.graph);
}

Test(shapes, leave_what_is_not_known_or_not_defined)
{
    struct assay_onnx_numbers got;
    begin("Add", ASSAY_I64, 1, (int64_t[]){1});
    operand_i64s("one", 1, (int64_t[]){1});
    cr_expect(!assay_onnx_shapes(&call, &got), "x is known only when it runs");
    call.in[0] = call.in[1];
    cr_expect(assay_onnx_shapes(&call, &got));
    operand_i64s("none", 1, (int64_t[]){0});
    call.op = "Div", call.n_in = 2, call.in[1] = call.in[2];
    cr_expect(!assay_onnx_shapes(&call, &got), "a division by nought");
    assay_graph_free(call.graph);
}
