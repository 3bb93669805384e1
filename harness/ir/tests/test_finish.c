/* Outputs, aliases and places. */
#include <criterion/criterion.h>

#include "harness/ir/graph.h"

static void expect_refused(struct assay_graph *g, const char *part)
{
    struct assay_error err = {0};
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_CONFIG, "expected a refusal: %s", part);
    cr_expect(strstr(err.message, part), "'%s' is not in '%s'", part, err.message);
    assay_graph_free(g);
}

static void expect_ok(struct assay_graph *g)
{
    struct assay_error err = {0};
    cr_expect_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    assay_graph_free(g);
}

/* x input, w param, s state, all f32[4]; new = x + w. */
struct step {
    struct assay_graph *g;
    int32_t x, w, s, next;
};

static struct step step(void)
{
    const int64_t dims[1] = {4};
    struct step t = {.g = assay_graph_new("step")};
    t.x = assay_graph_input(t.g, "x", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED);
    t.w = assay_graph_param(t.g, "w", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED);
    t.s = assay_graph_state(t.g, "s", ASSAY_F32, 1, dims, ASSAY_FILL_SIGNED);
    t.next = assay_graph_op(t.g, "Add", "next", (int32_t[]){t.x, t.w}, 2, NULL);
    return t;
}

Test(finish, an_output_may_take_over_a_param_or_a_state)
{
    struct step t = step();
    assay_graph_output(t.g, t.next);
    assay_graph_alias(t.g, t.next, t.w);
    cr_expect_eq(t.g->values[t.next].alias_of, t.w);
    expect_ok(t.g);

    t = step();
    assay_graph_alias(t.g, t.next, t.s); /* before it is made an output, and of a value that nobody reads */
    assay_graph_output(t.g, t.next);
    expect_ok(t.g);
}

Test(finish, the_writer_is_the_last_reader_of_what_it_overwrites)
{
    struct step t = step();
    int32_t late = assay_graph_op(t.g, "Mul", "late", (int32_t[]){t.w, t.next}, 2, NULL);
    assay_graph_output(t.g, t.next);
    assay_graph_output(t.g, late);
    assay_graph_alias(t.g, t.next, t.w);
    expect_refused(t.g, "node 'late' reads 'w' after node 'next' has written 'next' over it");

    /* Reading it before, or what was written after, is fine. */
    t = step();
    int32_t early = assay_graph_op(t.g, "Exp", "early", &t.s, 1, NULL);
    int32_t write = assay_graph_op(t.g, "Add", "write", (int32_t[]){t.s, early}, 2, NULL);
    int32_t after = assay_graph_op(t.g, "Exp", "after", &write, 1, NULL);
    assay_graph_output(t.g, write);
    assay_graph_output(t.g, after);
    assay_graph_alias(t.g, write, t.s);
    expect_ok(t.g);
}

Test(finish, wrong_aliases_are_refused)
{
    struct step t = step();
    assay_graph_output(t.g, t.next);
    assay_graph_alias(t.g, t.next, t.x);
    expect_refused(t.g, "'next' cannot take over 'x', an input: only a param or state");

    t = step();
    assay_graph_alias(t.g, t.w, t.s);
    expect_refused(t.g, "alias: no node writes 'w' (a param)");

    t = step();
    assay_graph_output(t.g, t.next);
    assay_graph_alias(t.g, t.next, t.w);
    assay_graph_alias(t.g, t.next, t.s);
    expect_refused(t.g, "'next' takes over 'w' already");

    t = step();
    int32_t rival = assay_graph_op(t.g, "Exp", "rival", &t.x, 1, NULL);
    assay_graph_output(t.g, t.next);
    assay_graph_output(t.g, rival);
    assay_graph_alias(t.g, t.next, t.w);
    assay_graph_alias(t.g, rival, t.w);
    expect_refused(t.g, "'next' and 'rival' both take over 'w'");

    t = step();
    assay_graph_output(t.g, assay_graph_op(t.g, "Exp", "y", &t.next, 1, NULL));
    assay_graph_alias(t.g, t.next, t.w);
    expect_refused(t.g, "'next' takes over 'w' but is not an output");

    t = step();
    int32_t wide = assay_graph_param(t.g, "wide", ASSAY_F32, 2, (int64_t[]){1, 4}, ASSAY_FILL_SIGNED);
    assay_graph_alias(t.g, t.next, wide);
    expect_refused(t.g, "'next' f32[4] cannot take over 'wide' f32[1,4]: they differ");

    t = step();
    int32_t half = assay_graph_param(t.g, "half", ASSAY_F16, 1, (int64_t[]){4}, ASSAY_FILL_SIGNED);
    assay_graph_alias(t.g, t.next, half);
    expect_refused(t.g, "'next' f32[4] cannot take over 'half' f16[4]: they differ");

    t = step();
    assay_graph_alias(t.g, t.next, 77);
    expect_refused(t.g, "alias: graph 'step' has no value 77");

    t = step();
    assay_graph_output(t.g, t.next);
    assay_graph_alias(t.g, t.next, t.s);
    assay_graph_place(t.g, t.s, ASSAY_PLACE_HOST_PINNED);
    expect_refused(t.g, "'next' takes over 's', which lives in another place");
}

Test(finish, outputs_are_written_by_nodes_and_marked_once)
{
    struct step t = step();
    expect_refused(t.g, "graph 'step' has no output");

    t = step();
    assay_graph_output(t.g, t.x);
    expect_refused(t.g, "'x' is an input that no node writes, so it cannot be an output");

    t = step();
    assay_graph_output(t.g, t.next);
    assay_graph_output(t.g, t.next);
    expect_refused(t.g, "output 'next' is an output already");

    t = step();
    assay_graph_output(t.g, ASSAY_NO_VALUE);
    expect_refused(t.g, "output: graph 'step' has no value -1");

    expect_refused(assay_graph_new("empty"), "graph 'empty' has no node");
}

Test(finish, only_copy_reaches_off_the_device)
{
    struct step t = step();
    int32_t copy = assay_graph_op(t.g, "assay.Copy", "copy", &t.next, 1, NULL);
    assay_graph_place(t.g, copy, ASSAY_PLACE_HOST_PINNED);
    assay_graph_output(t.g, copy);
    cr_expect_eq(t.g->values[copy].place, ASSAY_PLACE_HOST_PINNED);
    expect_ok(t.g);

    t = step();
    assay_graph_place(t.g, t.next, ASSAY_PLACE_HOST_PAGEABLE);
    assay_graph_output(t.g, t.next);
    expect_refused(t.g, "Add 'next' uses 'next', which is not on the device: only Copy may");

    t = step();
    assay_graph_place(t.g, t.x, ASSAY_PLACE_HOST_PINNED);
    assay_graph_output(t.g, t.next);
    expect_refused(t.g, "Add 'next' uses 'x', which is not on the device");

    t = step();
    assay_graph_place(t.g, t.next, (enum assay_place)9);
    expect_refused(t.g, "'next': there is no place number 9");
}
