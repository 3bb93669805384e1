/* The accessors as a plug-in calls them. */
#include <criterion/criterion.h>

#include "assay/backend.h"
#include "harness/ir/tests/sketch.h"

static struct assay_host host_of_graphs(void)
{
    struct assay_host host = {.size = sizeof host};
    assay_graph_lend(&host);
    return host;
}

Test(lend, a_plug_in_reads_all_of_a_graph)
{
    struct assay_host host = host_of_graphs();
    struct assay_graph *g = sketch("ReduceSum", "f32[2,3] i64{-1}", "keepdims=0", 1);
    struct assay_value_view v = {.size = sizeof v};
    struct assay_node_view n = {.size = sizeof n};
    cr_expect_eq(host.graph_values(g), 3);
    cr_expect_eq(host.graph_nodes(g), 1);
    cr_assert(host.graph_value(g, 0, &v));
    cr_expect_eq(v.size, sizeof v);
    cr_expect_eq(v.dtype, ASSAY_F32);
    cr_expect_eq(v.role, ASSAY_ROLE_INPUT);
    cr_expect_eq(v.place, ASSAY_PLACE_DEVICE);
    cr_expect_eq(v.rank, 2);
    cr_expect_eq(v.dims[1], 3);
    cr_expect_eq(v.elements, 6);
    cr_expect_eq(v.bytes, 24);
    cr_expect_eq(v.alias_of, ASSAY_NO_VALUE);
    cr_expect_eq(v.producer, -1);
    cr_expect_str_eq(v.name, "in0");
    cr_expect_null(v.data);
    cr_assert(host.graph_value(g, 1, &v));
    cr_expect_eq(v.role, ASSAY_ROLE_CONST);
    cr_expect_eq(*(const int64_t *)v.data, -1);
    cr_assert(host.graph_value(g, 2, &v));
    cr_expect_eq(v.role, ASSAY_ROLE_OUTPUT);
    cr_expect_eq(v.producer, 0);
    cr_expect_not(host.graph_value(g, 3, &v));
    cr_expect_not(host.graph_value(g, UINT32_MAX, &v));
    cr_assert(host.graph_node(g, 0, &n));
    cr_expect_str_eq(n.op, "ReduceSum");
    cr_expect_str_eq(n.domain, "");
    cr_expect_str_eq(n.name, "y");
    cr_expect_eq(n.n_inputs, 2);
    cr_expect_eq(n.inputs[1], 1);
    cr_expect_eq(n.n_outputs, 1);
    cr_expect_eq(n.outputs[0], 2);
    cr_expect_not(host.graph_node(g, 1, &n));
    assay_graph_free(g);
}

Test(lend, an_older_plug_in_gets_only_what_its_size_covers)
{
    struct assay_host host = host_of_graphs();
    struct assay_graph *g = sketch("Exp", "f32[2,3]", "", 1);
    struct assay_value_view v;
    memset(&v, 0xee, sizeof v);
    v.size = offsetof(struct assay_value_view, dims);
    cr_assert(host.graph_value(g, 0, &v));
    cr_expect_eq(v.size, offsetof(struct assay_value_view, dims));
    cr_expect_eq(v.rank, 2);
    for (size_t i = offsetof(struct assay_value_view, dims); i < sizeof v; i++)
        cr_assert_eq(((const unsigned char *)&v)[i], 0xee, "byte %zu was written", i);

    struct assay_node_view n;
    memset(&n, 0xee, sizeof n);
    n.size = offsetof(struct assay_node_view, inputs);
    cr_assert(host.graph_node(g, 0, &n));
    cr_expect_eq(n.n_inputs, 1);
    for (size_t i = offsetof(struct assay_node_view, inputs); i < sizeof n; i++)
        cr_assert_eq(((const unsigned char *)&n)[i], 0xee, "byte %zu was written", i);

    struct assay_cost cost;
    memset(&cost, 0xee, sizeof cost);
    cost.size = offsetof(struct assay_cost, read_bytes);
    cr_assert(host.cost(g, 0, &cost));
    cr_expect_eq(cost.transcendentals, 6);
    cr_expect_eq(cost.read_bytes, UINT64_C(0xeeeeeeeeeeeeeeee));

    v.size = 3; /* not even its own size */
    cr_expect_not(host.graph_value(g, 0, &v));
    assay_graph_free(g);
}

Test(lend, a_newer_plug_in_is_told_how_much_there_is)
{
    struct assay_host host = host_of_graphs();
    struct assay_graph *g = sketch("Exp", "f32[2,3]", "", 1);
    union {
        struct assay_value_view view;
        unsigned char bytes[sizeof(struct assay_value_view) + 16];
    } newer;
    memset(&newer, 0xee, sizeof newer);
    newer.view.size = sizeof newer;
    cr_assert(host.graph_value(g, 0, &newer.view));
    cr_expect_eq(newer.view.size, sizeof newer.view);
    cr_expect_eq(newer.bytes[sizeof newer.view], 0xee);
    assay_graph_free(g);
}

Test(lend, attributes_are_told_by_type)
{
    struct assay_host host = host_of_graphs();
    struct assay_graph *g = sketch("Conv", "f32[1,1,5,5] f32[1,1,3,3]", "pads=[1,2,3,4]", 1);
    int64_t i = 77, list[4] = {0};
    double f = 77;
    cr_expect(host.attr_i64(g, 0, "group", &i));
    cr_expect_eq(i, 1, "the default");
    cr_expect_eq(host.attr_i64s(g, 0, "pads", list, 2), 4);
    cr_expect_eq(list[1], 2);
    cr_expect_eq(list[2], 0, "beyond capacity nothing is written");
    cr_expect_eq(host.attr_i64s(g, 0, "strides", list, 4), 2, "completed");
    cr_expect_str_eq(host.attr_text(g, 0, "auto_pad"), "NOTSET");
    i = 77;
    cr_expect_not(host.attr_i64(g, 0, "pads", &i));
    cr_expect_not(host.attr_i64(g, 1, "group", &i));
    cr_expect_eq(i, 77);
    cr_expect_not(host.attr_f64(g, 0, "group", &f));
    cr_expect_eq(f, 77.0);
    cr_expect_eq(host.attr_i64s(g, 0, "group", list, 4), SIZE_MAX);
    cr_expect_null(host.attr_text(g, 0, "group"));
    assay_graph_free(g);
    g = sketch("Swish", "f32[1]", "alpha=2.5", 1);
    cr_expect(host.attr_f64(g, 0, "alpha", &f));
    cr_expect_eq(f, 2.5);
    assay_graph_free(g);
}

Test(lend, costs_are_told)
{
    struct assay_host host = host_of_graphs();
    struct assay_graph *g = sketch("MatMul", "f32[2,3] f32[3,4]", "", 1);
    struct assay_cost cost = {.size = sizeof cost};
    cr_assert(host.cost(g, 0, &cost));
    cr_expect_eq(cost.flops, 48);
    cr_expect_eq(cost.read_bytes, 72);
    cr_expect_eq(cost.written_bytes, 32);
    cr_expect_not(host.cost(g, 1, &cost));
    assay_graph_free(g);
}
