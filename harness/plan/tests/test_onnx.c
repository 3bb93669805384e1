/* Every workload as an ONNX file and back: the same graph. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <unistd.h>

#include "harness/base/tests/source.h"
#include "harness/ir/onnx/import.h"
#include "harness/ir/onnx/write.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

TestSuite(onnx, .timeout = 120);

static struct assay_error err;

static void same_attributes(const struct assay_node *a, const struct assay_node *b, const char *name)
{
    cr_assert_eq(a->n_attrs, b->n_attrs, "%s: %s", name, a->name);
    for (uint32_t i = 0; i < a->n_attrs; i++) {
        const struct assay_attr *x = &a->attrs[i], *y = assay_node_attr(b, x->name);
        cr_assert(y && x->type == y->type, "%s: %s.%s", name, a->name, x->name);
        bool same = x->type == ASSAY_ATTR_TEXT ? !strcmp(x->text, y->text)
                    : x->type == ASSAY_ATTR_F64 ? x->f == y->f
                    : x->type == ASSAY_ATTR_I64 ? x->i == y->i
                                                : x->n == y->n && !memcmp(x->list, y->list, x->n * sizeof *x->list);
        cr_expect(same, "%s: %s.%s", name, a->name, x->name);
    }
}

static const char *name_of(const struct assay_graph *g, int32_t value)
{
    return value == ASSAY_NO_VALUE ? "" : g->values[value].name;
}

static void same_nodes(const struct assay_graph *a, const struct assay_graph *b, const char *name)
{
    cr_assert_eq(a->n_nodes, b->n_nodes, "%s", name);
    for (uint32_t i = 0; i < a->n_nodes; i++) {
        const struct assay_node *x = &a->nodes[i], *y = &b->nodes[i];
        cr_assert(x->op == y->op && x->n_inputs == y->n_inputs && x->n_outputs == y->n_outputs, "%s: %s", name, x->name);
        for (uint32_t k = 0; k < x->n_inputs; k++)
            cr_expect_str_eq(name_of(a, x->inputs[k]), name_of(b, y->inputs[k]));
        for (uint32_t k = 0; k < x->n_outputs; k++)
            cr_expect_str_eq(name_of(a, x->outputs[k]), name_of(b, y->outputs[k]));
        same_attributes(x, y, name);
    }
}

static void same_values(const struct assay_graph *a, const struct assay_graph *b, const char *name)
{
    cr_assert_eq(a->n_values, b->n_values, "%s", name);
    for (uint32_t i = 0; i < a->n_values; i++) {
        const struct assay_value *x = &a->values[i], *y = assay_graph_value(b, assay_graph_find(b, x->name));
        cr_assert(y, "%s: %s", name, x->name);
        bool same = x->dtype == y->dtype && x->role == y->role && x->place == y->place && assay_value_same_shape(x, y) &&
                    x->frozen == y->frozen && x->checkpoint == y->checkpoint && x->fill.kind == y->fill.kind &&
                    x->fill.a == y->fill.a && x->fill.b == y->fill.b;
        cr_expect(same, "%s: %s", name, x->name);
        cr_expect_str_eq(name_of(a, x->alias_of), name_of(b, y->alias_of));
        cr_expect(x->role != ASSAY_ROLE_CONST || !x->bytes || !memcmp(x->data, y->data, x->bytes), "%s: %s", name, x->name);
    }
}

static void there_and_back(const char *name)
{
    struct assay_encoder    file = {.at = NULL};
    struct assay_arena      arena = {.first = NULL};
    struct assay_onnx_model model;
    struct assay_case       c;
    struct assay_graph     *g = NULL, *read = NULL;
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s: %s", name, err.message);
    cr_assert_eq(assay_case_graph(&c, &g, &err), ASSAY_OK, "%s: %s", name, err.message);
    cr_assert_eq(assay_onnx_encode(g, &file, NULL, NULL, &err), ASSAY_OK, "%s: %s", name, err.message);
    cr_assert_eq(assay_onnx_model_read(file.at, file.length, "m", &arena, &model, &err), ASSAY_OK, "%s: %s", name, err.message);
    cr_assert_eq(assay_onnx_model_opset(&model, "ai.assay"), 1);
    cr_assert_eq(assay_onnx_import(&model, "m", NULL, 0, &read, &err), ASSAY_OK, "%s: %s (%s)", name, err.message, err.frame[0]);
    same_nodes(g, read, name);
    same_values(g, read, name);
    assay_graph_free(read);
    assay_graph_free(g);
    assay_arena_clear(&arena);
    assay_case_release(&c);
    free(file.at);
}

static size_t n_cases;

static void whole_suite(const char *suite)
{
    struct assay_plan plan;
    find_source();
    cr_assert_eq(assay_plan_read(suite, &plan, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < plan.n_cases; i++)
        there_and_back(plan.cases[i].name);
    n_cases += plan.n_cases;
    assay_plan_release(&plan);
}

Test(onnx, every_case_of_the_suites_comes_back_as_it_was)
{
    whole_suite("quick");
    whole_suite("kernels");
    whole_suite("inference");
    whole_suite("training");
    cr_expect_gt(n_cases, 50, "%zu cases", n_cases);
}
