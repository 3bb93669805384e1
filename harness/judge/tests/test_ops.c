#include "harness/judge/ops.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/ir/ops.h"

static struct assay_check found(enum assay_outcome outcome, double worst, double median, const char *why)
{
    struct assay_check c = {.outcome = outcome, .assurance = ASSAY_ASSURANCE_FULL, .elements = outcome == ASSAY_NOT_CHECKED ? 0 : 10,
                            .worst_ratio = worst, .median_ratio = median, .smallest_fault = 0.5, .rms = NAN};
    (void)assay_string_copy(c.why, sizeof c.why, why);
    return c;
}

static void add(struct assay_ops *ops, const char *name, struct assay_check c)
{
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_ops_add(ops, name, &c, &err), ASSAY_OK, "%s", err.message);
}

Test(ops, plan_has_every_op_of_the_table_in_f32_and_cases_that_build)
{
    struct assay_plan  plan;
    struct assay_error err = {.code = ASSAY_OK};
    size_t             n;
    cr_assert_eq(assay_ops_plan(&plan, &err), ASSAY_OK, "%s", err.message);
    const struct assay_op_row *rows = assay_op_rows(&n);
    for (size_t i = 0; i < n; i++) {
        char   key[80];
        size_t cases = 0;
        (void)snprintf(key, sizeof key, ",op=%s,", rows[i].name);
        for (size_t c = 0; c < plan.n_cases; c++)
            cases += strstr(plan.cases[c].name, key) && strstr(plan.cases[c].name, "dtype=f32,");
        cr_expect_geq(cases, 1u, "%s", rows[i].qualified);
    }
    for (size_t c = 0; c < plan.n_cases; c++) {
        struct assay_graph *g = NULL;
        cr_expect_eq(assay_case_graph(&plan.cases[c], &g, &err), ASSAY_OK, "%s: %s", plan.cases[c].name, err.message);
        assay_graph_free(g);
    }
    assay_plan_release(&plan);
}

/* Of what rounds and is right: what is exact, wrong or on other operands says nothing of a bound on random ones. */
Test(ops, bounds_are_as_tight_as_errors_on_random_operands_say)
{
    struct assay_ops           ops = {.n = 0};
    struct assay_ops_tightness t;
    struct assay_error         err = {.code = ASSAY_OK};
    cr_assert_eq(assay_ops_tightness_of(&ops, &t, &err), ASSAY_OK);
    cr_expect(t.cells == 0 && isnan(t.median));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=Exp,operands=f32,size=long", found(ASSAY_PASS, 0.05, 0.01, ""));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=Log,operands=f32,size=long", found(ASSAY_PASS, 0.0499, 0.01, ""));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=Pow,operands=f32,size=long", found(ASSAY_MARGINAL, 0.75, 0.01, ""));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=Abs,operands=f32,size=long", found(ASSAY_PASS, 0, 0, "exact"));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=Erf,operands=f32,size=long", found(ASSAY_FAIL, 0.001, 0, "wrong"));
    add(&ops, "op/dtype=f32,fill=cancel,form=1,op=MatMul,operands=f32,size=long", found(ASSAY_PASS, 0.001, 0, "chosen operands"));
    cr_assert_eq(assay_ops_tightness_of(&ops, &t, &err), ASSAY_OK);
    cr_expect(t.cells == 3 && t.loose == 1 && t.median == 0.05, "%zu cells, %zu loose, median %g", t.cells, t.loose, t.median);
    cr_expect(!assay_ops_is_loose(&ops.cell[0]) && assay_ops_is_loose(&ops.cell[1]));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=Tanh,operands=f32,size=long", found(ASSAY_PASS, 0.25, 0.01, ""));
    cr_assert_eq(assay_ops_tightness_of(&ops, &t, &err), ASSAY_OK);
    cr_expect(t.cells == 4 && fabs(t.median - 0.15) < 1e-12, "the middle of two: %g", t.median);
    assay_ops_release(&ops);
}

Test(ops, a_cell_tells_the_error_and_the_bound_that_are_nearest_to_each_other)
{
    struct assay_ops   ops = {.n = 0};
    struct assay_check c = found(ASSAY_PASS, 0.5, 0.1, "");
    c.worst_observed = 1.5, c.worst_expected = 2, c.worst_bound = 1;
    add(&ops, "op/dtype=f32,fill=random,form=1,op=Exp,operands=f32,size=small", c);
    c.worst_ratio = 0.25, c.worst_observed = 3;
    add(&ops, "op/dtype=f32,fill=exact,form=1,op=Exp,operands=f32,size=long", c);
    cr_expect(ops.cell[0].worst_ratio == 0.5 && ops.cell[0].worst_error == 0.5 && ops.cell[0].worst_bound == 1);
    add(&ops, "op/dtype=f32,fill=special,form=1,op=Exp,operands=f32,size=long", found(ASSAY_NOT_CHECKED, NAN, NAN, "not taken"));
    cr_expect_eq(ops.cell[0].worst_ratio, 0.5, "what was not compared takes nothing away");
    c.worst_ratio = INFINITY, c.worst_observed = 1, c.worst_expected = 0, c.worst_bound = 0;
    add(&ops, "op/dtype=f32,fill=exact,form=2,op=Exp,operands=f32,size=long", c);
    cr_expect(isinf(ops.cell[0].worst_ratio) && ops.cell[0].worst_error == 1 && ops.cell[0].worst_bound == 0);
    assay_ops_release(&ops);
}

Test(ops, a_cell_is_an_op_in_a_format_and_says_what_was_proved)
{
    struct assay_ops ops = {.n = 0};
    add(&ops, "op/dtype=f32,fill=random,form=1,op=MatMul,operands=f32,size=small", found(ASSAY_PASS, 0.9, 0.5, "small"));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=MatMul,operands=f32,size=long", found(ASSAY_PASS, 0.3, 0.06, "long"));
    add(&ops, "op/dtype=f32,fill=exact,form=1,op=MatMul,operands=f32,size=long", found(ASSAY_UNTRUSTED, 0, 0, "proved nothing"));
    add(&ops, "op/dtype=f32,fill=random,form=1,op=MatMul,operands=bf16,size=long", found(ASSAY_MARGINAL, 0.1, 0.01, "truncates"));
    add(&ops, "op/dtype=f32,fill=cancel,form=1,op=MatMul,operands=bf16,size=long", found(ASSAY_FAIL, 7, 1, "wrong"));
    add(&ops, "op/dtype=bf16,fill=random,form=1,op=MatMul,operands=f32,size=long", found(ASSAY_NOT_CHECKED, NAN, NAN, "not taken"));
    add(&ops, "gemm/dtype=f32,k=8,m=8,n=8", found(ASSAY_FAIL, 9, 9, "another workload"));
    cr_assert_eq(ops.n, 3u);
    const struct assay_ops_cell *c = ops.cell;
    cr_expect(!strcmp(c[0].op, "MatMul") && !strcmp(c[0].format, "f32"));
    cr_expect(c[0].outcome == ASSAY_PASS && c[0].cases == 3 && c[0].checked == 3 && c[0].exact == 1 && c[0].elements == 30);
    cr_expect(c[0].worst_ratio == 0.9 && c[0].median_ratio == 0.06, "medians are those of long forms: %g", c[0].median_ratio);
    cr_expect(!strcmp(c[1].format, "f32 of bf16") && c[1].outcome == ASSAY_FAIL && !strcmp(c[1].why, "wrong"));
    cr_expect(c[2].outcome == ASSAY_NOT_CHECKED && c[2].checked == 0 && !strcmp(c[2].why, "not taken") && isnan(c[2].worst_ratio));
    cr_expect(ops.passed == 3 && ops.marginal == 1 && ops.failed == 1 && ops.not_checked == 2);
    json_t *json = assay_ops_to_json(&ops);
    cr_expect_eq(json_array_size(json_object_get(json, "cells")), 3u);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(json, "cells"), 1), "why")), "wrong");
    json_decref(json);
    assay_ops_release(&ops);
}
