#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/tests/source.h"
#include "harness/plan/plan.h"
#include "harness/store/tests/scratch.h"

static struct scratch s;

/* A suite of these cases (the content of "cases") with these defaults. */
static const char *suite_of(const char *defaults, const char *cases)
{
    char        text[4000];
    const char *path = in(&s, "mine.json");
    int n = snprintf(text, sizeof text, "{ \"format\": \"assay-suite/1\",\n  \"name\": \"mine\", \"about\": \"a test\",\n  \"defaults\": {%s},\n  \"cases\": [\n%s\n] }\n", defaults, cases);
    cr_assert_lt(n, (int)sizeof text);
    put_bytes(path, text, (size_t)n);
    return path;
}

static struct assay_plan read_plan(const char *defaults, const char *cases)
{
    struct assay_plan  plan;
    struct assay_error err = {0};
    cr_assert_eq(assay_plan_read(suite_of(defaults, cases), &plan, &err), ASSAY_OK, "%s", err.message);
    return plan;
}

static void begin(void)
{
    s = scratch_new();
}

static void end(void)
{
    scratch_remove(&s);
}

TestSuite(suite, .init = begin, .fini = end);

Test(suite, matrix_keys_are_crossed_in_the_order_they_stand_and_rows_stay_together)
{
    static const char *const want[] = {"k=64,m=1,n=2,", "k=64,m=1,n=2,", "k=64,m=3,n=4,", "k=64,m=3,n=4,"};
    struct assay_plan        plan = read_plan("", "{\"workload\": \"gemm\", \"params\": {\"k\": 64, \"transpose_b\": true}, \"matrix\": {\"m,n\": [[1,2],[3,4]], \"dtype\": [\"f32\", \"bf16\"]}},"
                                                  "{\"workload\": \"gemm\", \"matrix\": {\"dtype\": [\"f32\", \"bf16\"], \"m\": [1, 2]}}");
    cr_assert_eq(plan.n_cases, 8u);
    for (size_t i = 0; i < 4; i++) {
        cr_expect(strstr(plan.cases[i].name, want[i]) && strstr(plan.cases[i].name, "transpose_b=true"), "%s", plan.cases[i].name);
        cr_expect(strstr(plan.cases[i].name, i % 2 ? "dtype=bf16" : "dtype=f32"), "the last key turns fastest: %s", plan.cases[i].name);
        cr_expect(strstr(plan.cases[4 + i].name, i < 2 ? "dtype=f32" : "dtype=bf16") && strstr(plan.cases[4 + i].name, i % 2 ? "m=2," : "m=1,"));
    }
    cr_expect_str_eq(plan.name, "mine");
    cr_expect_str_eq(plan.about, "a test");
    assay_plan_release(&plan);
}

Test(suite, repeat_of_a_case_wins_over_the_suite_s_and_that_over_the_built_in)
{
    struct assay_plan plan = read_plan("\"seed\": 77, \"repeat\": {\"launches\": 5, \"min_s\": \"20ms\"}",
                                       "{\"workload\": \"gemm\"}, {\"workload\": \"gemv\", \"repeat\": {\"launches\": 2, \"max_s\": 0.5}}, {\"workload\": \"softmax\"}");
    cr_assert_eq(plan.n_cases, 3u);
    cr_expect_eq(plan.seed, 77u);
    cr_expect_eq(plan.cases[0].repeat.launches, 5);
    cr_expect_eq(plan.cases[0].repeat.min_ns, 20000000u);
    cr_expect_eq(plan.cases[1].repeat.launches, 2);
    cr_expect_eq(plan.cases[1].repeat.min_ns, 20000000u);
    cr_expect_eq(plan.cases[1].repeat.max_ns, 500000000u);
    cr_expect_eq(plan.cases[2].repeat.launches, 5, "what one case said is not the next one's");
    cr_expect_eq(plan.cases[2].repeat.min_runs, 32);
    assay_plan_release(&plan);
}

Test(suite, comments_are_left_out_and_truth_values_and_numbers_are_parameters)
{
    struct assay_plan plan = read_plan("\"//\": \"why\"", "{\"//\": 1, \"workload\": \"gemm\", \"params\": {\"//m\": [1], \"m\": 16, \"transpose_a\": true}, \"matrix\": {\"// k\": \"x\", \"k\": [\"8\"]},"
                                                         " \"repeat\": {\"// so\": null}}");
    cr_assert_eq(plan.n_cases, 1u);
    cr_expect_str_eq(plan.cases[0].name, "gemm/dtype=f32,k=8,m=16,n=1024,transpose_a=true,transpose_b=false");
    assay_plan_release(&plan);
}

Test(suite, mistakes_are_refused_with_their_line_and_what_is_wrong)
{
    static const struct { char defaults[60], cases[160], message[60]; } rows[] = {
        {"", "{\"workload\": \"gemm\", \"m\": 1}", "'m'"},
        {"", "{\"workload\": \"gemm\", \"matrx\": {}}", "matrix"},
        {"\"sed\": 1", "{\"workload\": \"gemm\"}", "seed"},
        {"\"seed\": -1", "{\"workload\": \"gemm\"}", "seed"},
        {"", "{\"workload\": \"gem\"}", "did you mean 'gemm'?"},
        {"", "{\"phase\": \"decode\"}", "workload"},
        {"", "{\"workload\": \"gemm\", \"params\": {\"m\": 0}}", "m"},
        {"", "{\"workload\": \"gemm\", \"params\": {\"m\": [1]}}", "a parameter is a text, a number or a truth value"},
        {"", "{\"workload\": \"gemm\", \"params\": {\"m\": 1}, \"matrix\": {\"m\": [2]}}", "m"},
        {"", "{\"workload\": \"gemm\", \"matrix\": {\"m,n\": [[1]]}}", "not an array with a value for each key"},
        {"", "{\"workload\": \"gemm\", \"matrix\": {\"m,n\": [[1,2,3]]}}", "3 values for 2 keys"},
        {"", "{\"workload\": \"gemm\", \"matrix\": {\"m,n\": [5]}}", "not an array"},
        {"", "{\"workload\": \"gemm\", \"matrix\": {\"m\": []}}", "at least one value"},
        {"", "{\"workload\": \"gemm\", \"matrix\": {\"m\": 5}}", "at least one value"},
        {"", "{\"workload\": \"gemm\"}, {\"workload\": \"gemm\", \"params\": {\"m\": 1024}}", "stands there twice"},
        {"", "{\"workload\": \"gemm\", \"matrix\": {\"m\": [1, 1]}}", "stands there twice"},
        {"", "{\"workload\": \"gemm\", \"repeat\": {\"lunches\": 3}}", "launches"},
        {"", "{\"workload\": \"gemm\", \"repeat\": {\"launches\": 0}}", "launches"},
        {"", "{\"workload\": \"gemm\", \"repeat\": {\"launches\": [3]}}", "launches"},
        {"", "{\"workload\": \"gemm\", \"workload\": \"gemv\"}", "workload"},
        {"", "7", "not an object"},
        {"", "", "no cases"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_plan  plan = {.n_cases = 99};
        struct assay_error err = {0};
        cr_expect_neq(assay_plan_read(suite_of(rows[i].defaults, rows[i].cases), &plan, &err), ASSAY_OK, "%s", rows[i].cases);
        cr_expect(strstr(err.message, rows[i].message) || strstr(err.hint, rows[i].message), "%s: %s (%s)", rows[i].cases, err.message, err.hint);
        cr_expect(strstr(err.message, "mine.json:"), "%s: with file and line: %s", rows[i].cases, err.message);
        cr_expect_eq(plan.n_cases, 99u, "nothing is written on failure");
    }
}

Test(suite, with_its_name_is_found_in_the_data_folder_and_the_nearest_is_named)
{
    struct assay_plan  plan;
    struct assay_error err = {0};
    find_source();
    cr_assert_eq(assay_plan_read("quick", &plan, &err), ASSAY_OK, "%s", err.message);
    cr_expect(plan.n_cases > 10 && strcmp(plan.name, "quick") == 0);
    cr_expect(plan.suite_text && strstr(plan.suite_text, "\"name\": \"quick\"") && plan.suite_text[0] == '{', "the file as it was read");
    assay_plan_release(&plan);
    cr_expect_null(plan.suite_text);
    cr_expect_eq(assay_plan_read("quik", &plan, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.hint, "'quick'"), "%s", err.message);
    memset(&err, 0, sizeof err);
    cr_expect_neq(assay_plan_read(in(&s, "nothing.json"), &plan, &err), ASSAY_OK);
}

static void remember(void *self, const char *name, const char *about)
{
    char *list = self;
    (void)snprintf(list + strlen(list), 200, "%s=%s;", name, about);
}

Test(suite, list_is_sorted_and_names_what_cannot_be_read)
{
    char               list[400] = "";
    struct assay_error err = {0};
    cr_assert_eq(mkdir(in(&s, "suites"), 0755), 0);
    put_bytes(in(&s, "suites/b.json"), "{", 1);
    put_bytes(in(&s, "suites/a.json"), "{\"format\": \"assay-suite/1\", \"about\": \"first\"}", 45);
    put_bytes(in(&s, "suites/c.txt"), "x", 1);
    cr_assert_eq(setenv("ASSAY_DATA", s.path, 1), 0);
    cr_assert_eq(assay_suites_list(remember, list, &err), ASSAY_OK, "%s", err.message);
    cr_expect(strncmp(list, "a=first;b=", 10) == 0 && strstr(list, "b.json:1:1: ") && !strstr(list, "c="), "%s", list);
}

Test(suite, the_same_suite_is_the_same_plan_to_the_byte)
{
    char *text[2];
    for (int k = 0; k < 2; k++) {
        struct assay_plan plan = read_plan("\"seed\": 3", "{\"workload\": \"gemm\", \"matrix\": {\"m,n,k\": [[1,2,3],[4,5,6]], \"dtype\": [\"f32\",\"f16\"]}}, {\"workload\": \"attention\", \"phase\": \"decode\"}");
        json_t           *json = assay_plan_to_json(&plan);
        text[k] = json_dumps(json, 0);
        json_decref(json);
        assay_plan_release(&plan);
    }
    cr_expect_str_eq(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

Test(suite, scenario_or_a_list_of_them_is_crossed_with_the_matrix)
{
    struct assay_plan plan = read_plan("\"repeat\": {\"launches\": 2, \"timeout_s\": 5}",
                                       "{\"workload\": \"gemm\", \"matrix\": {\"m\": [1, 2]}, \"scenario\": [\"offline\", \"server/profile=loadgen\"]},"
                                       "{\"workload\": \"gemv\", \"scenario\": \"burst\"}");
    cr_assert_eq(plan.n_cases, 5u);
    cr_expect(strstr(plan.cases[0].name, "m=1,") && strstr(plan.cases[0].name, "@offline/"));
    cr_expect(strstr(plan.cases[1].name, "m=1,") && strstr(plan.cases[1].name, "@server/"));
    cr_expect(strstr(plan.cases[4].name, "gemv/") && strstr(plan.cases[4].name, "@burst/"));
    cr_expect_eq(plan.cases[0].repeat.launches, 2);
    cr_expect_eq(plan.cases[1].repeat.launches, 1, "ten minutes are launched once");
    cr_expect(plan.cases[1].repeat.timeout_ns > plan.cases[1].scenario.min_duration_ns, "a scenario has at least the time it needs");
    assay_plan_release(&plan);
}

Test(suite, scenario_that_cannot_be_is_told_at_its_line)
{
    static const char *const cases[] = {"{\"workload\": \"gemm\", \"scenario\": \"sever\"}", "{\"workload\": \"gemm\", \"scenario\": 7}",
                                        "{\"workload\": \"gemm\", \"scenario\": []}"};
    static const char *const want[] = {"sever", "a list of them", "empty list"};
    for (size_t i = 0; i < 3; i++) {
        struct assay_plan  plan;
        struct assay_error err = {0};
        cr_expect_neq(assay_plan_read(suite_of("", cases[i]), &plan, &err), ASSAY_OK);
        cr_expect(strstr(err.message, want[i]) && strstr(err.message, "mine.json:5"), "%s", err.message);
    }
}
