/* Nodes: ops by name, arity, operands, attributes. */
#include <criterion/criterion.h>
#include <math.h>

#include "harness/ir/tests/sketch.h"

static struct assay_graph *base(int32_t in[2])
{
    struct assay_graph *g = assay_graph_new("g");
    in[0] = assay_graph_input(g, "a", ASSAY_F32, 2, (int64_t[]){4, 4}, ASSAY_FILL_SIGNED);
    in[1] = assay_graph_input(g, "b", ASSAY_F32, 2, (int64_t[]){4, 4}, ASSAY_FILL_SIGNED);
    return g;
}

static void expect_refused(struct assay_graph *g, const char *part, const char *hint)
{
    struct assay_error err = {0};
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_CONFIG, "expected a refusal: %s", part);
    cr_expect(strstr(err.message, part), "'%s' is not in '%s'", part, err.message);
    cr_expect_str_eq(err.hint, hint);
    cr_expect_eq(g->n_nodes, 0);
    assay_graph_free(g);
}

static void refuse_op(const char *op, const char *output, size_t n_inputs, const struct assay_attr *attrs,
                      const char *part, const char *hint)
{
    int32_t in[8] = {0};
    struct assay_graph *g = base(in);
    cr_expect_eq(assay_graph_op(g, op, output, in, n_inputs, attrs), ASSAY_NO_VALUE);
    expect_refused(g, part, hint);
}

Test(node, unknown_ops_suggest_the_nearest)
{
    refuse_op("MatMull", "y", 2, NULL, "there is no op 'MatMull'", "did you mean 'MatMul'?");
    refuse_op("LayerNormalisation", "y", 2, NULL, "there is no op", "did you mean 'LayerNormalization'?");
    refuse_op("Copy", "y", 1, NULL, "there is no op 'Copy'", "did you mean 'assay.Copy'?");
    refuse_op("Frobnicate", "y", 1, NULL, "there is no op 'Frobnicate'", "");
    refuse_op(NULL, "y", 1, NULL, "there is no op ''", "");
}

Test(node, arity_and_operands_are_checked)
{
    refuse_op("MatMul", "y", 1, NULL, "MatMul 'y' takes 2..2 inputs, got 1", "");
    refuse_op("MatMul", "y", 3, NULL, "MatMul 'y' takes 2..2 inputs, got 3", "");
    refuse_op("MatMul", NULL, 2, NULL, "MatMul '': output 0 needs a name", "");
    refuse_op("MatMul", "a", 2, NULL, "value 'a': the graph already has a value of that name", "");

    int32_t in[2], out[4];
    struct assay_graph *g = base(in);
    assay_graph_op(g, "MatMul", "y", (int32_t[]){in[0], ASSAY_NO_VALUE}, 2, NULL);
    expect_refused(g, "MatMul 'y': input 1 is absent but not optional", "");
    g = base(in);
    assay_graph_op(g, "MatMul", "y", (int32_t[]){in[0], 2}, 2, NULL);
    expect_refused(g, "MatMul 'y': input 1 is value 2, of which there is none", "");
    g = base(in);
    assay_graph_op(g, "MatMul", "y", (int32_t[]){in[0], -2}, 2, NULL);
    expect_refused(g, "input 1 is value -2, of which there is none", "");
    g = base(in);
    assay_graph_op_outputs(g, "MatMul", (const char *[]){"y", "z"}, 2, in, 2, NULL, out);
    cr_expect_eq(out[0], ASSAY_NO_VALUE);
    expect_refused(g, "MatMul 'y' gives 1..1 outputs, not 2", "");
    g = base(in);
    assay_graph_op_outputs(g, "MatMul", NULL, 0, in, 2, NULL, out);
    expect_refused(g, "gives 1..1 outputs, not 0", "");
    g = base(in);
    assay_graph_op_outputs(g, "LayerNormalization", (const char *[]){"y", "y"}, 2, in, 2, NULL, out);
    expect_refused(g, "outputs 0 and 1 have the same name 'y'", "");
}

Test(node, attributes_are_checked_against_the_ops_table)
{
    refuse_op("Gemm", "y", 2, (struct assay_attr[]){ASSAY_ATTR_FLOAT("alpah", 1), ASSAY_ATTR_END},
              "Gemm 'y' has no attribute 'alpah'", "did you mean 'alpha'?");
    refuse_op("MatMul", "y", 2, (struct assay_attr[]){ASSAY_ATTR_FLOAT("alpha", 1), ASSAY_ATTR_END},
              "MatMul 'y' has no attribute 'alpha'", "");
    refuse_op("Gemm", "y", 2, (struct assay_attr[]){ASSAY_ATTR_INT("alpha", 1), ASSAY_ATTR_END},
              "attribute 'alpha' is a float, not an integer", "");
    refuse_op("Gemm", "y", 2, (struct assay_attr[]){ASSAY_ATTR_FLOAT("transA", 1), ASSAY_ATTR_END},
              "attribute 'transA' is an integer, not a float", "");
    refuse_op("Gemm", "y", 2, (struct assay_attr[]){{.name = "alpha", .type = (enum assay_attr_type)9}, ASSAY_ATTR_END},
              "attribute 'alpha' is a float, not of no known type", "");
    refuse_op("Gemm", "y", 2, (struct assay_attr[]){ASSAY_ATTR_FLOAT("alpha", (double)NAN), ASSAY_ATTR_END},
              "attribute 'alpha' is not finite", "");
    refuse_op("Gemm", "y", 2,
              (struct assay_attr[]){ASSAY_ATTR_FLOAT("beta", 1), ASSAY_ATTR_FLOAT("beta", 1), ASSAY_ATTR_END},
              "attribute 'beta' is given twice", "");
    refuse_op("Gelu", "y", 1, (struct assay_attr[]){ASSAY_ATTR_STRING("approximate", NULL), ASSAY_ATTR_END},
              "attribute 'approximate' has no text", "");
    refuse_op("Transpose", "y", 1,
              (struct assay_attr[]){{.name = "perm", .type = ASSAY_ATTR_I64S, .n = 33}, ASSAY_ATTR_END},
              "attribute 'perm' has 33 numbers, more than 32", "");
}

Test(node, defaults_are_filled_in_and_texts_copied)
{
    int32_t in[2];
    char mode[] = "tanh";
    struct assay_graph *g = base(in);
    assay_graph_op(g, "Gemm", "y", in, 2, (struct assay_attr[]){ASSAY_ATTR_FLOAT("beta", 0.25), ASSAY_ATTR_END});
    assay_graph_op(g, "Gelu", "z", in, 1,
                   (struct assay_attr[]){ASSAY_ATTR_STRING("approximate", mode), ASSAY_ATTR_END});
    assay_graph_op(g, "Gelu", "u", in, 1, NULL);
    cr_assert_eq(g->n_nodes, 3, "%s", g->first_error.message);
    mode[0] = 'T';
    cr_expect_eq(g->nodes[0].n_attrs, 4);
    cr_expect_eq(assay_node_f64(&g->nodes[0], "alpha", 9), 1.0);
    cr_expect_eq(assay_node_f64(&g->nodes[0], "beta", 9), 0.25);
    cr_expect_eq(assay_node_i64(&g->nodes[0], "transA", 9), 0);
    cr_expect_str_eq(assay_node_text(&g->nodes[1], "approximate", ""), "tanh");
    cr_expect_str_eq(assay_node_text(&g->nodes[2], "approximate", ""), "none");
    assay_graph_free(g);
}

Test(node, absent_operands_at_the_end_leave_no_trace)
{
    int32_t in[2], out[3];
    struct assay_graph *g = base(in);
    assay_graph_op(g, "Gemm", "y", (int32_t[]){in[0], in[1], ASSAY_NO_VALUE}, 3, NULL);
    assay_graph_op_outputs(g, "LayerNormalization", (const char *[]){"n", NULL, "inv"}, 3, in, 2, NULL, out);
    cr_expect_eq(out[1], ASSAY_NO_VALUE);
    cr_expect_eq(assay_graph_find(g, "inv"), out[2]);
    assay_graph_op_outputs(g, "LayerNormalization", (const char *[]){"m", NULL, NULL}, 3, in, 2, NULL, out);
    cr_assert_eq(g->n_nodes, 3, "%s", g->first_error.message);
    cr_expect_eq(g->nodes[0].n_inputs, 2);
    cr_expect_eq(g->nodes[1].n_outputs, 3);
    cr_expect_eq(g->nodes[1].outputs[1], ASSAY_NO_VALUE);
    cr_expect_eq(g->nodes[2].n_outputs, 1);
    cr_expect_eq(g->n_values, 6);
    assay_graph_free(g);
}

Test(node, a_long_chain_keeps_its_operands)
{
    struct assay_error err = {0};
    struct assay_graph *g = assay_graph_new("chain");
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 1, (int64_t[]){3}, ASSAY_FILL_SIGNED);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "y%d", i);
        x = assay_graph_op(g, "Tanh", name, &x, 1, NULL);
    }
    assay_graph_output(g, x);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(g->nodes[i].inputs[0], i);
        cr_assert_eq(g->nodes[i].outputs[0], i + 1);
        cr_assert_eq(g->values[i + 1].producer, i);
    }
    assay_graph_free(g);
}
