#include "harness/ir/transform/schedule.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "harness/ir/steps.h"
#include "harness/ir/transform/gradient.h"

/* y = sum over steps 1..n of (x * w)^2, of which `shared` = x * w belongs to no step. */
static int32_t build(struct assay_graph *g, uint32_t n)
{
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED), w = assay_graph_param(g, "w", ASSAY_F32, 0, NULL, ASSAY_FILL_SIGNED);
    int32_t shared = assay_graph_op(g, "Mul", "shared", (int32_t[]){x, w}, 2, NULL), sum = ASSAY_NO_VALUE, own[8];
    for (uint32_t k = 0; k < n; k++) {
        char name[16];
        (void)snprintf(name, sizeof name, "own%u", k + 1);
        assay_graph_step(g, k + 1);
        own[k] = assay_graph_op(g, "Mul", name, (int32_t[]){shared, shared}, 2, NULL);
    }
    assay_graph_step(g, 0);
    for (uint32_t k = 0; k < n; k++) {
        char name[16];
        (void)snprintf(name, sizeof name, "sum%u", k + 1);
        sum = k ? assay_graph_op(g, "Add", name, (int32_t[]){sum, own[k]}, 2, NULL) : own[k];
    }
    return sum;
}

/* The steps of the nodes in their order, each once where it stands in a row: "0 2 1 ". */
static void order_of(const struct assay_graph *g, char out[256])
{
    struct assay_text text = {.at = out, .capacity = 256};
    uint32_t          last = UINT32_MAX;
    for (uint32_t k = 0; k < g->n_nodes; k++) {
        uint32_t step = assay_graph_step_of(g, k);
        if (step != last)
            assay_text_add(&text, "%u%s ", step & ~ASSAY_STEP_BACKWARD, step & ASSAY_STEP_BACKWARD ? "b" : "");
        last = step;
    }
}

static struct assay_graph *scheduled(const struct assay_schedule_entry *entries, size_t n, bool trains, struct assay_error *err)
{
    struct assay_graph *from = assay_graph_new("built"), *to = assay_graph_new("scheduled");
    int32_t             y = build(from, 3), grad, w = assay_graph_find(from, "w");
    assay_graph_output(from, y);
    if (trains) {
        assay_graph_gradient(from, y, &w, 1, ASSAY_RECOMPUTE_NONE, &grad);
        assay_graph_output(from, grad);
    }
    assay_graph_schedule(from, entries, n, to);
    (void)assay_graph_finish(to, err);
    assay_graph_free(from);
    return to;
}

Test(schedule, has_the_steps_in_its_order_and_what_is_of_none_where_it_is_first_needed_or_last)
{
    char               order[256];
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_graph *g = scheduled((const struct assay_schedule_entry[]){{.step = 2}, {.step = 3}, {.step = 1}}, 3, false, &err);
    order_of(g, order);
    cr_expect_eq(err.code, ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(order, "0 2 3 1 0 ");
    assay_graph_free(g);
}

Test(schedule, takes_back_the_step_that_was_built_last_first_and_none_twice)
{
    char                              order[256];
    struct assay_error                err = {.code = ASSAY_OK};
    const struct assay_schedule_entry entries[] = {{.step = 3}, {.step = 3 | ASSAY_STEP_BACKWARD}, {.step = 1}, {.step = 2},
                                                   {.step = 2 | ASSAY_STEP_BACKWARD}, {.step = 2}, {.step = 1 | ASSAY_STEP_BACKWARD}};
    struct assay_graph *g = scheduled(entries, sizeof entries / sizeof *entries, true, &err);
    order_of(g, order);
    cr_expect_eq(err.code, ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(order, "0 3 3b 1 2 2b 1b 0 ");
    assay_graph_free(g);
}

Test(schedule, that_misses_a_step_or_has_one_before_what_it_needs_is_refused_by_name)
{
    struct assay_error  err = {.code = ASSAY_OK};
    struct assay_graph *g = scheduled((const struct assay_schedule_entry[]){{.step = 2}, {.step = 1}}, 2, false, &err);
    cr_expect_str_eq(err.message, "schedule: 'own3' is of step 3, which the schedule does not have");
    assay_graph_free(g);
    err = (struct assay_error){.code = ASSAY_OK};
    const struct assay_schedule_entry entries[] = {{.step = 1}, {.step = 2}, {.step = 3}, {.step = 1 | ASSAY_STEP_BACKWARD}};
    g = scheduled(entries, 4, true, &err);
    cr_expect_eq(err.code, ASSAY_CONFIG);
    cr_expect(strstr(err.message, "needs 'own2") && strstr(err.message, "which a later step writes"), "%s", err.message);
    assay_graph_free(g);
}
