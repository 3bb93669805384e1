/* Reading a graph. */
#include <criterion/criterion.h>

#include "harness/ir/tests/sketch.h"

Test(read, values_are_found_by_index_and_name)
{
    struct assay_graph *g = sketch("Exp", "f32[2]", "", 1);
    cr_expect_eq(assay_graph_value(g, 1), &g->values[1]);
    cr_expect_null(assay_graph_value(g, 2));
    cr_expect_null(assay_graph_value(g, ASSAY_NO_VALUE));
    cr_expect_eq(assay_graph_find(g, "y"), 1);
    cr_expect_eq(assay_graph_find(g, "Y"), ASSAY_NO_VALUE);
    cr_expect_eq(assay_graph_find(g, NULL), ASSAY_NO_VALUE);
    assay_graph_free(g);
    g = assay_graph_new("empty");
    cr_expect_eq(assay_graph_find(g, "y"), ASSAY_NO_VALUE);
    assay_graph_free(g);
}

Test(read, attributes_of_another_type_are_absent)
{
    struct assay_graph *g = sketch("Gemm", "f32[2,2] f32[2,2]", "alpha=2.0", 1);
    const struct assay_node *node = &g->nodes[0];
    cr_expect_eq(assay_node_f64(node, "alpha", 7), 2.0);
    cr_expect_eq(assay_node_i64(node, "alpha", 7), 7);
    cr_expect_str_eq(assay_node_text(node, "alpha", "none"), "none");
    cr_expect_eq(assay_node_f64(node, "transA", 7), 7.0);
    cr_expect_null(assay_node_attr(node, "gamma"));
    assay_graph_free(g);
}

Test(read, shapes_are_described_and_compared)
{
    char text[64], short_text[8];
    struct assay_text out = ASSAY_TEXT(text), cut = ASSAY_TEXT(short_text);
    struct assay_value a = {.dtype = ASSAY_BF16, .rank = 3, .dims = {64, 0, 128}}, b = a;
    assay_value_describe(&a, &out);
    cr_expect_str_eq(text, "bf16[64,0,128]");
    assay_value_describe(&a, &cut);
    cr_expect(cut.cut);
    cr_expect_str_eq(short_text, "bf16[64");
    b.dtype = ASSAY_F32;
    cr_expect(assay_value_same_shape(&a, &b), "types do not count");
    b.dims[1] = 1;
    cr_expect_not(assay_value_same_shape(&a, &b));
    b.dims[1] = 0;
    b.rank = 2;
    cr_expect_not(assay_value_same_shape(&a, &b));
}
