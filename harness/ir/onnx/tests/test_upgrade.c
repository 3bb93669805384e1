#include <criterion/criterion.h>

#include "harness/ir/onnx/upgrade.h"

#include "assay/banned.h"

TestSuite(upgrade, .timeout = 60);

static struct assay_error     err;
static struct assay_onnx_call call;

/* A call of `op` on one f32[2,3,4]. */
static void setup(void)
{
    struct assay_graph *g = assay_graph_new("g");
    cr_assert(g);
    call = (struct assay_onnx_call){.graph = g, .name = "y", .n_in = 1, .n_out = 1};
    call.in[0] = assay_graph_input(g, "x", ASSAY_F32, 3, (int64_t[]){2, 3, 4}, ASSAY_FILL_SIGNED);
}

static enum assay_code upgrade(const char *op, int64_t opset)
{
    call.op = op;
    return assay_onnx_upgrade(&call, opset, &err);
}

Test(upgrade, axes_become_an_operand, .init = setup)
{
    call.attrs[0] = (struct assay_attr){.name = "axes", .type = ASSAY_ATTR_I64S, .list = {0, 2}, .n = 2};
    call.attrs[1] = ASSAY_ATTR_INT("keepdims", 0);
    cr_assert_eq(upgrade("ReduceMax", 17), ASSAY_OK);
    cr_assert_eq(call.n_in, 2);
    const struct assay_value *axes = assay_graph_value(call.graph, call.in[1]);
    cr_expect_str_eq(axes->name, "y/axes");
    cr_expect(axes->role == ASSAY_ROLE_CONST && axes->elements == 2 && ((const int64_t *)axes->data)[1] == 2);
    cr_expect(strcmp(call.attrs[0].name, "keepdims") == 0 && !call.attrs[1].name, "the other attribute stays");
    assay_graph_free(call.graph);
}

Test(upgrade, today_s_nodes_stay_as_they_are, .init = setup)
{
    call.attrs[0] = (struct assay_attr){.name = "axes", .type = ASSAY_ATTR_I64S, .n = 0};
    cr_assert_eq(upgrade("ReduceMax", 18), ASSAY_OK);
    cr_expect(call.n_in == 1 && strcmp(call.attrs[0].name, "axes") == 0);
    assay_graph_free(call.graph);
}

Test(upgrade, an_absent_operand_leaves_its_place, .init = setup)
{
    call.attrs[0] = ASSAY_ATTR_FLOAT("max", 6);
    cr_assert_eq(upgrade("Clip", 6), ASSAY_OK);
    cr_assert_eq(call.n_in, 3);
    cr_expect_eq(call.in[1], ASSAY_NO_VALUE);
    cr_expect_eq(*(const float *)assay_graph_value(call.graph, call.in[2])->data, 6.0f);
    assay_graph_free(call.graph);
}

Test(upgrade, a_split_without_lengths_is_one_of_equal_parts, .init = setup)
{
    call.n_out = 3;
    cr_assert_eq(upgrade("Split", 13), ASSAY_OK);
    cr_expect(strcmp(call.attrs[0].name, "num_outputs") == 0 && call.attrs[0].i == 3 && !call.attrs[1].name);
    assay_graph_free(call.graph);
}

Test(upgrade, an_operand_that_begins_at_an_axis_gets_ones_behind_it, .init = setup)
{
    call.in[call.n_in++] = assay_graph_input(call.graph, "b", ASSAY_F32, 1, (int64_t[]){3}, ASSAY_FILL_SIGNED);
    call.attrs[0] = ASSAY_ATTR_INT("axis", 1);
    cr_assert_eq(upgrade("Add", 6), ASSAY_OK, "%s", err.message);
    const struct assay_value *b = assay_graph_value(call.graph, call.in[1]);
    cr_expect(b->rank == 2 && b->dims[0] == 3 && b->dims[1] == 1 && !call.attrs[0].name);
    call.attrs[0] = ASSAY_ATTR_INT("axis", 3);
    cr_expect_eq(upgrade("Add", 6), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "Add 'y' of an old opset aligns shapes by an 'axis' that does not fit, which is not read");
    assay_graph_free(call.graph);
}

Test(upgrade, an_upsample_is_a_resize_whose_scales_stand_elsewhere, .init = setup)
{
    const int64_t n = 2;
    const float   scales[] = {2, 3};
    call.in[call.n_in++] = assay_graph_const(call.graph, "scales", ASSAY_F32, 1, &n, scales);
    int32_t at = call.in[1];
    cr_assert_eq(upgrade("Upsample", 9), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(call.op, "Resize");
    cr_expect(call.n_in == 3 && call.in[1] == ASSAY_NO_VALUE && call.in[2] == at);
    cr_expect(!strcmp(call.attrs[0].text, "asymmetric") && !strcmp(call.attrs[1].text, "floor") && !call.attrs[2].name);
    cr_expect_eq(upgrade("Upsample", 9), ASSAY_UNSUPPORTED, "three operands are none of it");
    assay_graph_free(call.graph);
}

/* Operands get names of their own even where those of two nodes begin alike. */
Test(upgrade, long_names_of_nodes_make_different_consts, .init = setup)
{
    char long_name[100];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    call.name = long_name;
    for (int i = 0; i < 2; i++) {
        call.n_in = 1;
        call.attrs[0] = (struct assay_attr){.name = "axes", .type = ASSAY_ATTR_I64S, .list = {0}, .n = 1};
        cr_assert_eq(upgrade("ReduceMax", 17), ASSAY_OK, "%s", call.graph->first_error.message);
        long_name[95] = 'm';
    }
    cr_expect_eq(call.graph->first_error.code, ASSAY_OK);
    assay_graph_free(call.graph);
}

static const struct {
    char              op[24];
    int64_t           opset;
    struct {
        char    name[12];
        int64_t i;
    } attr;
    size_t            n_out;
    char              why[110]; /* empty: it is read */
} rows[] = {
    {"Softmax", 12, {"axis", 2}, 1, ""},
    {"Softmax", 12, {"axis", -1}, 1, ""},
    {"Softmax", 12, {"axis", 1}, 1, "Softmax 'y' of an old opset goes over several axes, which is not read"},
    {"LogSoftmax", 12, {"", 0}, 1, "LogSoftmax 'y' of an old opset goes over several axes, which is not read"},
    {"Softmax", 13, {"axis", 1}, 1, ""},
    {"Add", 6, {"broadcast", 1}, 1, ""},
    {"BatchNormalization", 6, {"is_test", 1}, 1, ""},
    {"BatchNormalization", 6, {"", 0}, 1, "BatchNormalization 'y' of an old opset trains, which is not read"},
    {"BatchNormalization", 9, {"", 0}, 1, ""},
    {"BatchNormalization", 9, {"", 0}, 5, "BatchNormalization 'y' of an old opset trains, which is not read"},
    {"BatchNormalization", 7, {"spatial", 0}, 1,
     "BatchNormalization 'y' of an old opset has statistics of every activation, which is not read"},
};

Test(upgrade, what_means_something_else_is_refused)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setup();
        if (*rows[i].attr.name)
            call.attrs[0] = ASSAY_ATTR_INT(rows[i].attr.name, rows[i].attr.i);
        call.n_out = rows[i].n_out;
        cr_expect_eq(upgrade(rows[i].op, rows[i].opset), *rows[i].why ? ASSAY_UNSUPPORTED : ASSAY_OK, "row %zu", i);
        if (*rows[i].why)
            cr_expect_str_eq(err.message, rows[i].why, "row %zu: %s", i, err.message);
        assay_graph_free(call.graph);
    }
}

Test(upgrade, knows_the_oldest_version_that_is_read)
{
    cr_expect_eq(assay_onnx_since("Resize"), 10);
    cr_expect_eq(assay_onnx_since("Softmax"), 1);
    cr_expect_eq(assay_onnx_since("assay.Copy"), 0);
    cr_expect_eq(assay_onnx_since("NoSuchOp"), 0);
}
