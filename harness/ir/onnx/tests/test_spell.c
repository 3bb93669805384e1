#include <criterion/criterion.h>

#include "harness/ir/onnx/shapes.h"
#include "harness/ir/onnx/spell.h"

#include "assay/banned.h"

TestSuite(spell, .timeout = 60);

static struct assay_error     err;
static struct assay_onnx_call call;
static const char *const      y[] = {"y", NULL, NULL}; /* as many as any op has */

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

/* ---- Resize ---- */

static void operand_f32s(const char *name, int64_t n, const float *numbers)
{
    call.in[call.n_in++] = assay_graph_const(call.graph, name, ASSAY_F32, 1, &n, numbers);
}

/* x [1,1,height,width] by scales along the last two axes. */
static void begin_resize(int64_t height, int64_t width, float scale)
{
    begin("Resize", ASSAY_F32, 4, (int64_t[]){1, 1, height, width});
    call.in[call.n_in++] = ASSAY_NO_VALUE;
    operand_f32s("scales", 4, (const float[]){1, 1, scale, scale});
}

static size_t nodes_of(const char *op)
{
    size_t n = 0;
    for (uint32_t i = 0; i < call.graph->n_nodes; i++)
        n += !strcmp(call.graph->nodes[i].op->name, op);
    return n;
}

Test(spell, a_repetition_of_elements_is_left_to_ir_and_another_resize_is_a_choice_or_a_product)
{
    begin_resize(2, 4, 3);
    cr_expect(!assay_onnx_is_spelled(&call), "3 is whole");
    call.attrs[0] = ASSAY_ATTR_STRING("nearest_mode", "ceil");
    cr_expect(assay_onnx_is_spelled(&call));
    call.attrs[0] = ASSAY_ATTR_END;
    assay_graph_free(call.graph);
    begin_resize(2, 4, 0.6f);
    const struct assay_value *v = spelled();
    cr_expect(v->dims[2] == 1 && v->dims[3] == 2 && nodes_of("Gather") == 2 && nodes_of("MatMul") == 0);
    assay_graph_free(call.graph);
    begin_resize(2, 4, 3);
    call.attrs[0] = ASSAY_ATTR_STRING("mode", "linear");
    v = spelled();
    cr_expect(v->dims[2] == 6 && v->dims[3] == 12 && nodes_of("MatMul") == 2);
    assay_graph_free(call.graph);
}

/* Every row of weights adds up to 1, and is what the definition says: half a step from the edge it takes from one neighbour only. */
Test(spell, weights_of_an_interpolation_are_those_of_its_definition)
{
    static const struct { char mode[8], transform[16]; int64_t antialias; float scale; float row[2][4]; } rows[] = {
        {"linear", "half_pixel", 0, 2, {{1, 0, 0, 0}, {0.75f, 0.25f, 0, 0}}},
        {"linear", "asymmetric", 0, 2, {{1, 0, 0, 0}, {0.5f, 0.5f, 0, 0}}},
        {"cubic", "asymmetric", 0, 2, {{1, 0, 0, 0}, {0.5f, 0.59375f, -0.09375f, 0}}},
        {"linear", "half_pixel", 1, 0.5f, {{0.5f, 0.375f, 0.125f, 0}, {0, 0.125f, 0.375f, 0.5f}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin_resize(1, 4, rows[i].scale);
        ((float *)(uintptr_t)assay_graph_value(call.graph, call.in[2])->data)[2] = 1; /* only along the last axis */
        call.attrs[0] = ASSAY_ATTR_STRING("mode", rows[i].mode);
        call.attrs[1] = ASSAY_ATTR_STRING("coordinate_transformation_mode", rows[i].transform);
        call.attrs[2] = ASSAY_ATTR_INT("antialias", rows[i].antialias);
        (void)spelled();
        int32_t w = ASSAY_NO_VALUE;
        for (uint32_t n = 0; n < call.graph->n_nodes; n++)
            if (!strcmp(call.graph->nodes[n].op->name, "MatMul"))
                w = call.graph->nodes[n].inputs[0];
        const struct assay_value *weights = assay_graph_value(call.graph, w);
        cr_assert(weights && weights->dims[1] == 4, "row %zu", i);
        for (int k = 0; k < 8; k++)
            cr_expect_float_eq(((const float *)weights->data)[k], rows[i].row[k / 4][k % 4], 1e-6, "row %zu: weight %d is %g", i, k,
                               (double)((const float *)weights->data)[k]);
        memset(call.attrs, 0, sizeof call.attrs);
        assay_graph_free(call.graph);
    }
}

Test(spell, an_empty_axis_that_is_not_resized_stays_empty)
{
    begin("Resize", ASSAY_F32, 2, (int64_t[]){0, 4});
    call.in[call.n_in++] = ASSAY_NO_VALUE;
    operand_f32s("scales", 1, (const float[]){1.5f});
    call.attrs[0] = (struct assay_attr){.name = "axes", .type = ASSAY_ATTR_I64S, .list = {1}, .n = 1};
    const struct assay_value *v = spelled();
    cr_expect(v->dims[0] == 0 && v->dims[1] == 6);
    assay_graph_free(call.graph);
    begin("Resize", ASSAY_F32, 2, (int64_t[]){0, 4});
    call.in[call.n_in++] = ASSAY_NO_VALUE;
    operand_f32s("scales", 2, (const float[]){1, 1.5f});
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED, "nothing has no scale");
    assay_graph_free(call.graph);
}

Test(spell, a_resize_that_no_matrix_holds_is_refused)
{
    begin_resize(4, 1 << 11, 1024);
    call.attrs[0] = ASSAY_ATTR_STRING("mode", "linear");
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "a matrix of 2^22 weights"), "%s", err.message);
    assay_graph_free(call.graph);
    begin_resize(4, 1 << 11, 1); /* just inside, were both axes changed */
    call.attrs[1] = ASSAY_ATTR_STRING("coordinate_transformation_mode", "align_corners");
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_OK, "%s", err.message);
    assay_graph_free(call.graph);
}

/* ---- Einsum ---- */

Test(spell, an_equation_says_what_is_multiplied_and_what_is_summed)
{
    static const struct { char equation[24]; int64_t x[3], other[3]; int32_t rank; int64_t dims[4]; size_t products; } rows[] = {
        {"ij,jk", {2, 3, 0}, {3, 4, 0}, 2, {2, 4}, 1},
        {"ij,jk->ki", {2, 3, 0}, {3, 4, 0}, 2, {4, 2}, 1},
        {"bij , bjk -> bik", {5, 2, 3}, {5, 3, 4}, 3, {5, 2, 4}, 1},
        {"...j,...j->...", {5, 2, 3}, {5, 2, 3}, 2, {5, 2}, 1},
        {"iji,jk->ki", {3, 2, 3}, {2, 4, 0}, 2, {4, 3}, 1},
        {"i,j->ij", {2, 0, 0}, {3, 0, 0}, 2, {2, 3}, 1},
        {"ijk->", {2, 3, 4}, {0}, 0, {0}, 0},
        {"ii->i", {3, 3, 0}, {0}, 1, {3}, 0},
        {"ji", {2, 3, 0}, {0}, 2, {3, 2}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int32_t rank = rows[i].x[2] ? 3 : rows[i].x[1] ? 2 : 1, other = rows[i].other[2] ? 3 : rows[i].other[1] ? 2 : 1;
        begin("Einsum", ASSAY_F32, rank, rows[i].x);
        if (rows[i].other[0])
            call.in[call.n_in++] = assay_graph_input(call.graph, "w", ASSAY_F32, other, rows[i].other, ASSAY_FILL_SIGNED);
        call.attrs[0] = ASSAY_ATTR_STRING("equation", rows[i].equation);
        const struct assay_value *v = spelled();
        cr_expect(v->rank == rows[i].rank && !memcmp(v->dims, rows[i].dims, (size_t)v->rank * sizeof *v->dims), "%s: %d axes", rows[i].equation,
                  (int)v->rank);
        cr_expect_eq(nodes_of("MatMul"), rows[i].products, "%s", rows[i].equation);
        assay_graph_free(call.graph);
    }
}

Test(spell, an_equation_that_does_not_fit_is_refused)
{
    static const struct { char equation[24], why[60]; } rows[] = {
        {"", "an equation that does not fit"},       {"ij,jk->ikz", "an equation that does not fit"}, {"ij,jk->ii", "an equation that does not fit"},
        {"ijk,jk->i", "an equation that does not fit"}, {"ij", "an equation that does not fit"},      {"ij,jk,kl", "an equation that does not fit"},
        {"ij,jk->i-", "an equation that does not fit"}, {"i1,jk", "an equation that does not fit"},   {"ij,ik->jk", "different lengths"},
        {"ii,jk->i", "a diagonal of axes of different lengths"}, {"......,jk", "an equation that does not fit"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin("Einsum", ASSAY_F32, 2, (int64_t[]){2, 3});
        call.in[call.n_in++] = assay_graph_input(call.graph, "w", ASSAY_F32, 2, (int64_t[]){3, 4}, ASSAY_FILL_SIGNED);
        call.attrs[0] = ASSAY_ATTR_STRING("equation", rows[i].equation);
        cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED, "%s", rows[i].equation);
        cr_expect(strstr(err.message, rows[i].why), "'%s': %s", rows[i].equation, err.message);
        assay_graph_free(call.graph);
    }
}

/* ---- sequences and signals ---- */

Test(spell, what_was_pooled_goes_back_to_its_places_and_the_rest_is_nothing)
{
    begin("MaxUnpool", ASSAY_F32, 4, (int64_t[]){1, 1, 2, 2});
    call.in[call.n_in++] = assay_graph_input(call.graph, "at", ASSAY_I64, 4, (int64_t[]){1, 1, 2, 2}, ASSAY_FILL_SIGNED);
    call.attrs[0] = (struct assay_attr){.name = "kernel_shape", .type = ASSAY_ATTR_I64S, .list = {2, 3}, .n = 2};
    call.attrs[1] = (struct assay_attr){.name = "strides", .type = ASSAY_ATTR_I64S, .list = {2, 2}, .n = 2};
    const struct assay_value *v = spelled();
    cr_expect(v->rank == 4 && v->dims[2] == 4 && v->dims[3] == 5, "%d by %d", (int)v->dims[2], (int)v->dims[3]);
    operand_i64s("larger", 4, (int64_t[]){1, 1, 4, 7});
    static const char *const z[] = {"z"};
    cr_expect_eq(assay_onnx_spell(&call, z, &err), ASSAY_OK, "%s", err.message);
    operand_i64s("smaller", 4, (int64_t[]){1, 1, 3, 7});
    call.in[2] = call.in[3], call.n_in = 3;
    cr_expect_eq(assay_onnx_spell(&call, z, &err), ASSAY_UNSUPPORTED, "a shape that does not hold what was pooled");
    assay_graph_free(call.graph);
}

Test(spell, a_sequence_is_turned_along_either_of_the_first_axes)
{
    for (int64_t time = 0; time < 2; time++) {
        begin("ReverseSequence", ASSAY_F32, 3, (int64_t[]){3, 3, 2});
        operand_i64s("lengths", 3, (int64_t[]){1, 2, 3});
        call.attrs[0] = ASSAY_ATTR_INT("time_axis", time);
        call.attrs[1] = ASSAY_ATTR_INT("batch_axis", 1 - time);
        const struct assay_value *v = spelled();
        cr_expect(v->rank == 3 && v->dims[0] == 3 && v->dims[2] == 2);
        assay_graph_free(call.graph);
    }
}

/* LSTM of `steps` items of 2 by 3 with 4 hidden ones in `directions`. */
static void begin_lstm(int64_t steps, int64_t directions, int64_t gates_rows)
{
    begin("LSTM", ASSAY_F32, 3, (int64_t[]){steps, 2, 3});
    call.in[call.n_in++] = assay_graph_input(call.graph, "w", ASSAY_F32, 3, (int64_t[]){directions, gates_rows, 3}, ASSAY_FILL_SIGNED);
    call.in[call.n_in++] = assay_graph_input(call.graph, "r", ASSAY_F32, 3, (int64_t[]){directions, 16, 4}, ASSAY_FILL_SIGNED);
    call.n_out = 3;
}

Test(spell, a_recurrent_net_is_its_steps_and_gives_only_what_is_wanted)
{
    static const char *const last[] = {NULL, "y", NULL};
    begin_lstm(5, 2, 16);
    call.attrs[0] = ASSAY_ATTR_STRING("direction", "bidirectional");
    const struct assay_value *v = spelled();
    cr_expect(v->rank == 4 && v->dims[0] == 5 && v->dims[1] == 2 && v->dims[2] == 2 && v->dims[3] == 4);
    cr_expect_eq(nodes_of("Gemm"), 2 * (1 + 5), "a product of all inputs, and one a step, in each direction");
    assay_graph_free(call.graph);
    begin_lstm(1, 1, 16);
    call.attrs[0] = ASSAY_ATTR_END;
    cr_assert_eq(assay_onnx_spell(&call, last, &err), ASSAY_OK, "%s", err.message);
    v = assay_graph_value(call.graph, assay_graph_find(call.graph, "y"));
    cr_expect(v && v->rank == 3 && v->dims[0] == 1 && v->dims[1] == 2 && v->dims[2] == 4);
    assay_graph_free(call.graph);
}

Test(spell, a_recurrent_net_that_does_not_fit_is_refused)
{
    begin_lstm(5, 1, 12);
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "weights or a state that do not fit"), "%s", err.message);
    assay_graph_free(call.graph);
    begin_lstm(1025, 1, 16);
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED);
    cr_expect(strstr(err.message, "over 1024 steps"), "%s", err.message);
    assay_graph_free(call.graph);
    begin_lstm(5, 1, 16);
    call.in[call.n_in++] = ASSAY_NO_VALUE;
    call.in[call.n_in++] = assay_graph_const(call.graph, "lengths", ASSAY_I32, 1, (int64_t[]){2}, (const int32_t[]){5, 4});
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED, "one of the sequences is shorter");
    ((int32_t *)(uintptr_t)assay_graph_value(call.graph, call.in[4])->data)[1] = 5;
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_OK, "%s", err.message);
    assay_graph_free(call.graph);
}

Test(spell, a_transform_and_a_range_have_the_lengths_of_their_definitions)
{
    begin("DFT", ASSAY_F32, 4, (int64_t[]){2, 10, 3, 1});
    call.attrs[0] = ASSAY_ATTR_INT("onesided", 1);
    const struct assay_value *v = spelled();
    cr_expect(v->rank == 4 && v->dims[1] == 6 && v->dims[2] == 3 && v->dims[3] == 2);
    assay_graph_free(call.graph);
    begin("DFT", ASSAY_F32, 3, (int64_t[]){2, 10, 3});
    cr_expect_eq(assay_onnx_spell(&call, y, &err), ASSAY_UNSUPPORTED, "three parts are no number");
    assay_graph_free(call.graph);
    call = (struct assay_onnx_call){.graph = assay_graph_new("g"), .op = "Range", .name = "y", .n_out = 1};
    for (int i = 0; i < 3; i++) {
        const float numbers[] = {1, 5.1f, 2};
        char        name[4];
        (void)snprintf(name, sizeof name, "c%d", i);
        call.in[call.n_in++] = assay_graph_const(call.graph, name, ASSAY_F32, 0, NULL, &numbers[i]);
    }
    v = spelled();
    cr_expect(v->dtype == ASSAY_F32 && v->rank == 1 && v->dims[0] == 3, "1, 3 and 5 are before 5.1");
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
    {"ReverseSequence", 2, {4, 3}, {"time_axis", 1}, 3, {1, 2, 3},
     "ReverseSequence 'y' has no length for each item of its batch, or other axes than the first two, which is not read"},
    {"ReverseSequence", 2, {4, 3}, {"", 0}, 2, {1, 2},
     "ReverseSequence 'y' has no length for each item of its batch, or other axes than the first two, which is not read"},
    {"MaxUnpool", 3, {1, 1, 4}, {"", 0}, 4, {0, 2, 4, 6}, "MaxUnpool 'y' has windows or places that do not fit its operand, which is not read"},
    {"Mod", 1, {3}, {"", 0}, 1, {2}, "Mod 'y' is of floats and has no fmod, which is not read"},
    {"Range", 0, {0}, {"", 0}, 1, {2}, "Range 'y' goes from and to what is not known before it runs, or never arrives, which is not read"},
    {"HannWindow", 0, {0}, {"", 0}, 0, {0}, "HannWindow 'y' has a size that is not known before it runs or too small, or a type that is not read, which is not read"},
    {"STFT", 2, {2, 9}, {"", 0}, 1, {2},
     "STFT 'y' has no signal of [batch,length,1 or 2], or a step, frame or window that does not fit it, which is not read"},
    {"Upsample", 2, {2, 3}, {"", 0}, 0, {0}, "Upsample 'y' has no scale or size, or region, of each axis that it is of, which is not read"},
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

/* Beside an axis of 0 the others may be as long as they like: products of them do not fit. */
Test(spell, lengths_whose_product_does_not_fit_are_refused_beside_an_axis_of_nothing)
{
    static const int64_t long_ones[] = {INT64_C(1) << 40, INT64_C(1) << 40, 4, 0};
    static const float   scales[] = {2};
    begin("Resize", ASSAY_F32, 4, long_ones);
    call.in[call.n_in++] = ASSAY_NO_VALUE;
    operand_f32s("scales", 1, scales);
    call.attrs[0] = (struct assay_attr){.name = "axes", .type = ASSAY_ATTR_I64S, .list = {2}, .n = 1};
    call.attrs[1] = ASSAY_ATTR_STRING("mode", "linear");
    cr_expect_neq(assay_onnx_spell(&call, y, &err), ASSAY_OK);
    assay_graph_free(call.graph);
    begin("Einsum", ASSAY_F32, 4, long_ones);
    call.attrs[0] = ASSAY_ATTR_STRING("equation", "iijk->ijk");
    cr_expect_neq(assay_onnx_spell(&call, y, &err), ASSAY_OK);
    assay_graph_free(call.graph);
    begin("Tile", ASSAY_F32, 4, long_ones);
    operand_i64s("repeats", 4, (const int64_t[]){1, 1, 2, 1});
    cr_expect_neq(assay_onnx_spell(&call, y, &err), ASSAY_OK);
    assay_graph_free(call.graph);
    cr_expect(assay_onnx_times(INT64_C(1) << 31, INT64_C(1) << 31) == INT64_C(1) << 62 && assay_onnx_times(INT64_C(1) << 32, INT64_C(1) << 31) == -1);
    cr_expect_eq(assay_onnx_times(-1, 0), -1);
}

/* What is added after a refusal has no shape: nothing may look for its last axis. */
Test(spell, a_transform_of_frames_that_were_refused_is_refused)
{
    begin("STFT", ASSAY_BOOL, 3, (int64_t[]){1, 9, 1});
    call.in[call.n_in++] = assay_graph_const(call.graph, "step", ASSAY_I64, 0, NULL, (const int64_t[]){2});
    call.in[call.n_in++] = assay_graph_input(call.graph, "w", ASSAY_I64, 1, (int64_t[]){4}, ASSAY_FILL_SIGNED);
    cr_expect_neq(assay_onnx_spell(&call, y, &err), ASSAY_OK, "a window of other numbers than the signal");
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
    {"Neg", 1, {3}, {{7, -7, INT64_MIN}}, 1, 3, {-7, 7, INT64_MIN}},
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
