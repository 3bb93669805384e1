#include "harness/ir/live.h"

#include <criterion/criterion.h>

#include "harness/ir/graph.h"

static struct assay_graph *g;

static int32_t input(const char *name, int64_t n)
{
    return assay_graph_input(g, name, ASSAY_F32, 1, (int64_t[]){n}, ASSAY_FILL_SIGNED);
}

static int32_t op1(const char *op, const char *name, int32_t a)
{
    return assay_graph_op(g, op, name, &a, 1, NULL);
}

static int32_t op2(const char *op, const char *name, int32_t a, int32_t b)
{
    return assay_graph_op(g, op, name, (int32_t[]){a, b}, 2, NULL);
}

static struct assay_live measured(void)
{
    struct assay_error err = {0};
    struct assay_live  live;
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(assay_graph_live(g, &live));
    assay_graph_free(g);
    return live;
}

Test(live, a_chain_needs_two_values_at_a_time)
{
    g = assay_graph_new("chain");
    int32_t x = input("x", 100);
    for (int i = 0; i < 10; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "v%d", i);
        x = op1("Relu", name, x);
    }
    assay_graph_output(g, x);
    struct assay_live live = measured();
    cr_expect(live.peak_bytes == 2 * 400 && live.at_node == 1, "%llu at %u", (unsigned long long)live.peak_bytes, live.at_node);
    cr_expect(live.param_bytes == 0 && live.state_bytes == 0);
}

Test(live, a_value_read_late_and_an_output_stay)
{
    g = assay_graph_new("skip");
    int32_t x = input("x", 100), a = op1("Relu", "a", x), b = op1("Relu", "b", a), c = op1("Relu", "c", b), d = op2("Add", "d", a, c);
    assay_graph_output(g, b);
    assay_graph_output(g, d);
    struct assay_live live = measured();
    cr_expect(live.peak_bytes == 4 * 400 && live.at_node == 3, "a, b, c and d are alive while d is written: %llu at %u",
              (unsigned long long)live.peak_bytes, live.at_node);
}

Test(live, what_takes_over_a_state_needs_nothing_and_weights_are_told_apart)
{
    g = assay_graph_new("step");
    int32_t x = input("x", 100), w = assay_graph_param(g, "w", ASSAY_F32, 1, (int64_t[]){50}, ASSAY_FILL_SIGNED);
    int32_t s = assay_graph_state(g, "s", ASSAY_F32, 1, (int64_t[]){100}, ASSAY_FILL_SIGNED), t = op2("Add", "t", s, x), y = op1("Relu", "y", w);
    assay_graph_output(g, t);
    assay_graph_alias(g, t, s);
    assay_graph_output(g, y);
    struct assay_live live = measured();
    cr_expect(live.peak_bytes == 200 && live.param_bytes == 200 && live.state_bytes == 400, "%llu", (unsigned long long)live.peak_bytes);
}
