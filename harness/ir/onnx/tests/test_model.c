#include <criterion/criterion.h>

#include "harness/ir/onnx/model.h"
#include "vectors.h"

#include "assay/banned.h"

TestSuite(model, .timeout = 120);

static struct assay_error      err;
static struct assay_arena      arena;
static struct assay_onnx_model model;
static size_t                  n_models, n_own, n_nodes, n_cuts;

static enum assay_code from(const void *bytes, size_t n)
{
    return assay_onnx_model_read(bytes, n, "x", &arena, &model, &err);
}

Test(model, a_node_has_its_op_its_operands_and_its_attributes)
{
    const unsigned char bytes[] = {0x08, 8,                          /* ir_version */
                                   0x42, 2, 0x10, 13,                /* opset 13 of ONNX's own domain */
                                   0x3A, 25,                         /* graph */
                                   0x0A, 23,                         /* node */
                                   0x0A, 1, 'x', 0x12, 1, 'y', 0x22, 4, 'R', 'e', 'l', 'u',
                                   0x2A, 9, 0x0A, 1, 'a', 0x18, 5, 0xA0, 1, 2, 0};
    cr_assert_eq(from(bytes, sizeof bytes - 2), ASSAY_DATA, "one byte is missing");
    unsigned char whole[sizeof bytes - 1];
    memcpy(whole, bytes, sizeof whole);
    whole[23] = 8;
    whole[7] = (unsigned char)(sizeof whole - 8);
    whole[9] = (unsigned char)(sizeof whole - 10);
    cr_assert_eq(from(whole, sizeof whole), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_onnx_model_opset(&model, ""), 13);
    cr_expect_eq(assay_onnx_model_opset(&model, "ai.assay"), 0);
    cr_assert_eq(model.graph->n_nodes, 1);
    const struct assay_onnx_node *node = model.graph->nodes;
    cr_expect_str_eq(node->op, "Relu");
    cr_assert(node->n_inputs == 1 && node->n_outputs == 1 && node->n_attributes == 1);
    cr_expect_str_eq(node->inputs[0], "x");
    cr_expect_str_eq(node->outputs[0], "y");
    cr_expect_str_eq(node->attributes[0].name, "a");
    cr_expect(node->attributes[0].i == 5 && node->attributes[0].type == ASSAY_ONNX_ATTRIBUTE_INT);
    assay_arena_clear(&arena);
}

static const struct {
    char          why[80];
    unsigned char bytes[24];
    size_t        n;
} wrong[] = {
    {"x: no graph in it: not an ONNX model", {0x08, 8}, 2},
    {"x: no graph in it: not an ONNX model", {0}, 0},
    {"x: it names no opset, so that its ops have no meaning", {0x3A, 0}, 2},
    {"x: byte 8: a node without an op", {0x42, 2, 0x10, 13, 0x3A, 2, 0x0A, 0}, 8},
    {"x: byte 13: A has an attribute without a name", {0x42, 2, 0x10, 13, 0x3A, 7, 0x0A, 5, 0x22, 1, 'A', 0x2A, 0}, 13},
};

Test(model, what_is_no_model_is_refused_in_one_line)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(from(wrong[i].bytes, wrong[i].n), ASSAY_DATA, "row %zu", i);
        cr_expect_str_eq(err.message, wrong[i].why, "row %zu: %s", i, err.message);
        assay_arena_clear(&arena);
    }
}

static void see_model(const char *path, const void *bytes, size_t length)
{
    cr_expect_eq(assay_onnx_model_read(bytes, length, path, &arena, &model, &err), ASSAY_OK, "%s", err.message);
    n_models++;
    n_own += assay_onnx_model_opset(&model, "") >= 1;
    n_nodes += model.graph->n_nodes;
    assay_arena_clear(&arena);
}

/* protoc-c unpacks the same 1072 models. */
Test(model, reads_every_third_party_model)
{
    vectors_each("/model.onnx", see_model);
    cr_expect_eq(n_models, 1072, "%zu models", n_models);
    cr_expect_geq(n_own, 1050, "the others are of ONNX's domain for training or its domain for learning: %zu", n_models - n_own);
    cr_expect_gt(n_nodes, n_models);
}

/* A length or a tag may end where a field ends, so that a beginning may be a model of its own; nothing is read beyond. */
static void see_cuts(const char *path, const void *bytes, size_t length)
{
    for (size_t n = 0; n < length && length < 400; n++) {
        char *cut = malloc(n + 1);
        cr_assert(cut);
        memcpy(cut, bytes, n);
        if (assay_onnx_model_read(cut, n, path, &arena, &model, &err)) {
            cr_expect_eq(err.code, ASSAY_DATA, "%s", err.message);
            cr_expect(strncmp(err.message, path, 20) == 0 && !strchr(err.message, '\n'), "%s", err.message);
            n_cuts++;
        }
        assay_arena_clear(&arena);
        free(cut);
    }
}

Test(model, refuses_cut_models_in_one_line)
{
    vectors_each("/model.onnx", see_cuts);
    cr_expect_gt(n_cuts, 100000, "%zu", n_cuts);
}
