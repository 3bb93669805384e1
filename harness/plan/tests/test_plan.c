#include <criterion/criterion.h>
#include <string.h>

#include "harness/plan/plan.h"

static struct assay_plan some(void)
{
    struct assay_plan  plan;
    struct assay_error err = {0};
    assay_plan_init(&plan);
    cr_assert_eq(assay_plan_add(&plan, "gemm/m=64", &err), ASSAY_OK);
    cr_assert_eq(assay_plan_add(&plan, "attention.decode/tokens=128", &err), ASSAY_OK);
    plan.cases[1].repeat = (struct assay_repeat){.launches = 7, .min_runs = 3, .min_ns = 1500000, .max_ns = 2500000000, .timeout_ns = 60000000000};
    plan.seed = 12345678901234;
    return plan;
}

Test(plan, a_case_that_is_there_already_is_not_added_again)
{
    struct assay_plan  plan = some();
    struct assay_error err = {0};
    cr_expect_eq(assay_plan_add(&plan, "gemm/n=1024,m=64", &err), ASSAY_OK);
    cr_expect_eq(plan.n_cases, 2u);
    cr_expect_eq(plan.cases[0].repeat.launches, 3, "one from the command line has the built-in repeat");
    cr_expect_eq(assay_plan_add(&plan, "gem", &err), ASSAY_CONFIG);
    cr_expect_eq(plan.n_cases, 2u);
    assay_plan_release(&plan);
    cr_expect(plan.n_cases == 0 && !plan.cases);
}

Test(plan, comes_back_from_json_as_it_was)
{
    struct assay_plan  plan = some(), back;
    struct assay_error err = {0};
    json_t            *json = assay_plan_to_json(&plan), *again;
    cr_assert_eq(assay_plan_from_json(json, &back, &err), ASSAY_OK, "%s", err.message);
    again = assay_plan_to_json(&back);
    cr_expect(json_equal(json, again));
    cr_expect(back.seed == plan.seed && back.n_cases == 2 && strcmp(back.about, plan.about) == 0 && strcmp(back.name, plan.name) == 0);
    for (size_t i = 0; i < back.n_cases; i++) {
        cr_expect_str_eq(back.cases[i].name, plan.cases[i].name);
        cr_expect_eq(memcmp(&back.cases[i].repeat, &plan.cases[i].repeat, sizeof back.cases[i].repeat), 0, "case %zu", i);
    }
    json_decref(json);
    json_decref(again);
    assay_plan_release(&plan);
    assay_plan_release(&back);
}

Test(plan, that_was_changed_by_hand_is_refused)
{
    for (int k = 0; k < 9; k++) {
        struct assay_plan  plan = some(), back = {.n_cases = 99};
        struct assay_error err = {0};
        json_t            *json = assay_plan_to_json(&plan), *one = json_array_get(json_object_get(json, "cases"), 1), *repeat = json_object_get(one, "repeat");
        switch (k) {
        case 0: json_object_set_new(json, "format", json_string("assay-plan/2")); break;
        case 1: json_object_set_new(json, "more", json_true()); break;
        case 2: json_object_del(json, "seed"); break;
        case 3: json_object_set_new(json, "seed", json_integer(-1)); break;
        case 4: json_object_set_new(one, "id", json_string("0123456789abcdef")); break;
        case 5: json_object_set_new(one, "case", json_string("gemm/m=65")); break; /* another name, the id stays */
        case 6: json_object_set_new(repeat, "launches", json_integer(3)); break;
        case 7: json_object_set_new(repeat, "launches", json_string("0")); break;
        default: json_object_set_new(one, "more", json_true()); break;
        }
        cr_expect_neq(assay_plan_from_json(json, &back, &err), ASSAY_OK, "change %d", k);
        cr_expect(*err.message && back.n_cases == 99, "change %d: %s", k, err.message);
        json_decref(json);
        assay_plan_release(&plan);
    }
}
