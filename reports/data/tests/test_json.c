#include <criterion/criterion.h>
#include <jansson.h>

#include "reports/write/write.h"
#include "reports/tests/sample_run.h"

static struct scratch       s;
static struct builder       b;
static struct assay_summary run;

static json_t *write_json(void)
{
    struct assay_error          err = {0};
    const struct assay_summary *runs[] = {&run, &run};
    s = scratch_new();
    sample_run(&b, &s, "run", &run);
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.runs = runs, .n_runs = 2}, ASSAY_REPORT_JSON, in(&s, "report.json"), &err), ASSAY_OK, "%s", err.message);
    json_error_t where;
    json_t      *root = json_load_file(in(&s, "report.json"), JSON_REJECT_DUPLICATES, &where);
    cr_assert(root, "line %d: %s", where.line, where.text);
    return root;
}

static void release(json_t *root)
{
    json_decref(root);
    assay_summary_release(&run);
    scratch_remove(&s);
}

static void expect_estimate(const json_t *json, const struct assay_estimate *e, const char *what)
{
    const json_t *value = json_object_get(json, "value"), *low = json_object_get(json, "low"), *high = json_object_get(json, "high");
    cr_expect(e->has_value ? json_number_value(value) == e->value && json_is_number(value) : json_is_null(value), "%s", what);
    cr_expect(e->has_interval ? json_number_value(low) == e->low && json_number_value(high) == e->high : !low && !high, "%s: the interval", what);
    cr_expect(e->has_value || json_string_length(json_object_get(json, "why")) > 0, "%s: absent without a reason", what);
    cr_expect_eq((uint64_t)json_integer_value(json_object_get(json, "n")), e->n);
}

Test(json, holds_every_row_with_figures_that_come_back_to_the_last_bit, .timeout = 30)
{
    json_t *root = write_json(), *runs = json_object_get(root, "runs"), *rows = json_object_get(json_array_get(runs, 0), "rows");
    cr_expect_str_eq(json_string_value(json_object_get(root, "format")), "assay-report/1");
    cr_expect_eq(json_array_size(runs), 2u);
    cr_assert_eq(json_array_size(rows), run.n_rows);
    for (size_t i = 0; i < run.n_rows; i++) {
        const json_t                   *one = json_array_get(rows, i), *metrics = json_object_get(one, "metrics");
        const struct assay_summary_row *row = &run.rows[i];
        cr_expect_str_eq(json_string_value(json_object_get(one, "id")), row->id);
        cr_expect_str_eq(json_string_value(json_object_get(one, "verdict")), assay_outcome_name(row->outcome));
        cr_expect_str_eq(json_string_value(json_object_get(one, "evidence")), assay_evidence_name(row->evidence));
        cr_assert_eq(json_object_size(metrics), (size_t)ASSAY_METRIC_COUNT);
        for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
            expect_estimate(json_object_get(metrics, assay_metric_row((enum assay_metric)m)->name), &row->metric[m], assay_metric_row((enum assay_metric)m)->name);
    }
    release(root);
}

Test(json, holds_every_record_and_verdict_as_they_are, .timeout = 30)
{
    json_t *root = write_json(), *rows = json_object_get(json_array_get(json_object_get(root, "runs"), 0), "rows");
    for (size_t i = 0; i < run.n_rows; i++) {
        const json_t *launches = json_object_get(json_array_get(rows, i), "launches");
        cr_assert_eq(json_array_size(launches), run.rows[i].n_launches);
        for (size_t k = 0; k < run.rows[i].n_launches; k++) {
            static struct assay_record back;
            struct assay_error         err = {0};
            const json_t              *one = json_array_get(launches, k), *verdict = json_object_get(one, "verdict");
            cr_assert_eq(assay_record_from_json(json_object_get(one, "record"), &back, &err), ASSAY_OK, "%s", err.message);
            json_t *again = assay_record_to_json(&back), *first = assay_record_to_json(run.rows[i].launches[k]);
            cr_expect(json_equal(again, first), "row %zu launch %zu", i, k);
            json_decref(again);
            json_decref(first);
            cr_expect_eq(json_is_object(verdict), run.rows[i].verdicts[k] != NULL);
            if (run.rows[i].verdicts[k])
                cr_expect_str_eq(json_string_value(json_object_get(verdict, "outcome")), assay_outcome_name(run.rows[i].verdicts[k]->check.outcome));
        }
    }
    release(root);
}

Test(json, says_what_is_missing_and_defines_every_metric, .timeout = 30)
{
    json_t       *root = write_json(), *one = json_array_get(json_object_get(root, "runs"), 1), *metrics = json_object_get(root, "metrics");
    const json_t *missing = json_object_get(one, "missing");
    cr_assert_eq(json_array_size(missing), 2u);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(missing, 0), "case")), "gemm/k=4");
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(missing, 0), "backend")), "cpu:host,threads=2");
    cr_expect_eq(json_object_size(metrics), (size_t)ASSAY_METRIC_COUNT);
    cr_expect(json_is_null(json_object_get(one, "torn")) && json_is_true(json_object_get(one, "validated")));
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(one, "counts"), "records")), (json_int_t)run.n_records);
    cr_expect(json_equal(json_object_get(one, "manifest"), assay_run_folder_manifest(run.folder)));
    cr_expect(json_equal(json_object_get(one, "plan"), assay_run_folder_plan(run.folder)));
    release(root);
}
