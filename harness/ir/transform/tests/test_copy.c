#include <criterion/criterion.h>
#include <string.h>

#include "harness/ir/samples.h"
#include "harness/ir/transform/copy.h"

/* next = (relu(x w) + x) in the place of state s: temps, a const, an alias, a frozen param. */
static struct assay_graph *step(int32_t *relu, int32_t *sum)
{
    struct assay_graph *g = assay_graph_new("step");
    struct assay_error  err = {0};
    const float         half[4] = {0.5f, 0.5f, 0.5f, 0.5f};
    int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){4, 4}, ASSAY_FILL_SIGNED);
    int32_t w = assay_graph_param(g, "w", ASSAY_F32, 2, (int64_t[]){4, 4}, ASSAY_FILL_POSITIVE);
    int32_t s = assay_graph_state(g, "s", ASSAY_F32, 2, (int64_t[]){4, 4}, ASSAY_FILL_SIGNED);
    int32_t c = assay_graph_const(g, "half", ASSAY_F32, 1, (int64_t[]){4}, half);
    assay_graph_freeze(g, w);
    int32_t y = assay_graph_op(g, "MatMul", "product", (int32_t[]){x, w}, 2, NULL);
    *relu = assay_graph_op(g, "Relu", "relu", &y, 1, NULL);
    *sum = assay_graph_op(g, "Add", "sum", (int32_t[]){*relu, c}, 2, NULL);
    int32_t next = assay_graph_op(g, "Mul", "next", (int32_t[]){*sum, s}, 2, NULL);
    assay_graph_output(g, next);
    assay_graph_alias(g, next, s);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    return g;
}

Test(copy, shows_inner_values_and_keeps_all_numbers_names_and_roles)
{
    int32_t             relu, sum;
    struct assay_graph *g = step(&relu, &sum), *shown = NULL;
    struct assay_error  err = {0};
    bool                which[16] = {false};
    which[relu] = which[sum] = which[0] = true; /* an input cannot become an output: it is left as it is */
    cr_assert_eq(assay_graph_reveal(g, which, &shown, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(shown->n_values, g->n_values);
    cr_assert_eq(shown->n_nodes, g->n_nodes);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *a = &g->values[v], *b = &shown->values[v];
        bool becomes = (int32_t)v == relu || (int32_t)v == sum;
        cr_expect_str_eq(a->name, b->name);
        cr_expect_eq(b->role, becomes ? ASSAY_ROLE_OUTPUT : a->role, "%s", a->name);
        cr_expect(a->alias_of == b->alias_of && a->frozen == b->frozen && a->producer == b->producer && a->dtype == b->dtype, "%s", a->name);
        cr_expect(assay_value_same_shape(a, b) && !memcmp(&a->fill, &b->fill, sizeof a->fill), "%s", a->name);
        cr_expect(!a->data == !b->data && (!a->data || !memcmp(a->data, b->data, a->bytes)), "%s", a->name);
    }
    cr_expect(assay_graph_can_reveal(g, relu) && !assay_graph_can_reveal(shown, relu) && !assay_graph_can_reveal(g, 0));
    assay_graph_free(shown);
    assay_graph_free(g);
}

Test(copy, one_node_alone_reads_inputs_and_consts_and_takes_over_nothing)
{
    int32_t             relu, sum, there[16];
    struct assay_graph *g = step(&relu, &sum), *one = NULL;
    struct assay_error  err = {0};
    cr_assert_eq(assay_graph_excerpt(g, 2, &one, there, &err), ASSAY_OK, "%s", err.message);
    cr_expect(one->n_nodes == 1 && one->n_values == 3);
    cr_expect_eq(one->values[there[relu]].role, ASSAY_ROLE_INPUT);
    cr_expect_eq(one->values[there[3]].role, ASSAY_ROLE_CONST);
    cr_expect_eq(one->values[there[sum]].role, ASSAY_ROLE_OUTPUT);
    cr_expect_eq(there[0], ASSAY_NO_VALUE, "x is none of this node's business");
    assay_graph_free(one);
    cr_assert_eq(assay_graph_excerpt(g, 3, &one, there, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(one->values[there[assay_graph_find(g, "s")]].role, ASSAY_ROLE_INPUT);
    cr_expect_eq(one->values[there[assay_graph_find(g, "next")]].alias_of, ASSAY_NO_VALUE);
    assay_graph_free(one);
    assay_graph_free(g);
}

static bool same_attrs(const struct assay_node *a, const struct assay_node *b)
{
    if (a->n_attrs != b->n_attrs)
        return false;
    for (uint32_t i = 0; i < a->n_attrs; i++) {
        const struct assay_attr *x = &a->attrs[i], *y = assay_node_attr(b, x->name);
        if (!y || x->type != y->type || x->i != y->i || memcmp(&x->f, &y->f, sizeof x->f) != 0 || x->n != y->n ||
            memcmp(x->list, y->list, x->n * sizeof *x->list) != 0 || (x->text && strcmp(x->text, y->text) != 0))
            return false;
    }
    return true;
}

Test(copy, every_op_alone_has_its_operands_attributes_and_shapes)
{
    for (size_t i = 0; i < assay_samples_n; i++) {
        const struct assay_sample *s = &assay_samples[i];
        int32_t                    in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS], there[2 * ASSAY_OP_MAX_OPERANDS];
        size_t                     n_in;
        struct assay_error         err = {0};
        struct assay_graph *g = assay_sample_graph(s, ASSAY_F32, assay_sample_fill_of(s), in, &n_in, out), *one = NULL;
        cr_assert_not_null(g);
        for (int o = 0; o < s->n_outputs; o++)
            assay_graph_output(g, out[o]);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", s->op, err.message);
        cr_assert_eq(assay_graph_excerpt(g, 0, &one, there, &err), ASSAY_OK, "%s %s: %s", s->op, s->attrs, err.message);
        cr_expect_str_eq(one->nodes[0].op->qualified, s->op);
        cr_expect(same_attrs(&g->nodes[0], &one->nodes[0]), "%s %s", s->op, s->attrs);
        for (uint32_t v = 0; v < g->n_values; v++)
            cr_expect(there[v] == ASSAY_NO_VALUE || (g->values[v].dtype == one->values[there[v]].dtype &&
                                                     assay_value_same_shape(&g->values[v], &one->values[there[v]])), "%s", s->op);
        for (uint32_t o = 0; o < g->nodes[0].n_outputs; o++)
            cr_expect(g->nodes[0].outputs[o] == ASSAY_NO_VALUE || there[g->nodes[0].outputs[o]] == one->nodes[0].outputs[o], "%s", s->op);
        assay_graph_free(one);
        assay_graph_free(g);
    }
}
