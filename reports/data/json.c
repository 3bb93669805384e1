/* Everything a summary holds, with every record and verdict behind it. */
#include <math.h>
#include <stdlib.h>

#include "harness/base/json.h"
#include "harness/store/fields.h"
#include "reports/figures.h"
#include "reports/data/tables.h"
#include "reports/data/repeats.h"
#include "reports/model.h"

#include "assay/banned.h"

#define FORMAT "assay-report/1"

static const char *outcome_name(int value)
{
    return assay_outcome_name((enum assay_outcome)value);
}

static const char *assurance_name(int value)
{
    return assay_assurance_name((enum assay_assurance)value);
}

#define CHECK(kind, member) ASSAY_FIELD(kind, struct assay_check, member, #member, true)
static const struct assay_field check_fields[] = {
    ASSAY_FIELD_NAMED(NAME, struct assay_check, outcome, "outcome", true, outcome_name, ASSAY_NOT_CHECKED),
    ASSAY_FIELD_NAMED(NAME, struct assay_check, assurance, "assurance", true, assurance_name, ASSAY_ASSURANCE_LEARNED),
    CHECK(TEXT, why), CHECK(U64, elements), CHECK(U64, sums), CHECK(U64, of_elements), CHECK(F64, worst_ratio),
    CHECK(F64, median_ratio), CHECK(TEXT, bound), CHECK(TEXT, worst_value), CHECK(I64, worst_index), CHECK(U64, worst_iteration),
    CHECK(F64, worst_observed), CHECK(F64, worst_expected), CHECK(F64, worst_bound), CHECK(F64, smallest_fault),
    CHECK(U64, iterations), CHECK(U64, chosen), CHECK(U64, judged), CHECK(U64, equal), CHECK(F64, cheat_share_found),
    CHECK(U64, not_finite), CHECK(U64, poison_left), CHECK(U64, zeros), ASSAY_FIELD_END,
};

static json_t *check_json(const struct assay_check *check)
{
    json_t *object = check ? json_object() : json_null();
    if (object && check && !assay_fields_write(check_fields, check, object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *estimate_json(const struct assay_estimate *e)
{
    json_t *object = json_pack("{s:o, s:I}", "value", e->has_value ? assay_json_number(e->value) : json_null(), "n", (json_int_t)e->n);
    if (object && e->has_interval) { /* also without a value: a model of grade D gives a range and no point */
        json_object_set_new(object, "low", assay_json_number(e->low));
        json_object_set_new(object, "high", assay_json_number(e->high));
        json_object_set_new(object, "level", assay_json_number(e->level));
    }
    if (object && (*e->why || !e->has_value))
        json_object_set_new(object, "why", assay_json_string(*e->why ? e->why : "no reason was recorded"));
    return object;
}

static json_t *metrics_json(const struct assay_summary_row *row)
{
    json_t *object = json_object();
    for (int m = 0; object && m < ASSAY_METRIC_COUNT; m++)
        json_object_set_new(object, assay_metric_row((enum assay_metric)m)->name, estimate_json(&row->metric[m]));
    return object;
}

static json_t *counters_json(const struct assay_summary_row *row)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < row->n_counters; i++) {
        const struct assay_summary_counter *c = &row->counters[i];
        json_t *one = json_pack("{s:o, s:o, s:o, s:o, s:I, s:b}", "name", assay_json_string(c->first->name), "provider",
                                assay_json_string(c->first->provider), "unit", assay_json_string(c->first->unit), "value",
                                c->has_value ? assay_json_number(c->value) : json_null(), "n", (json_int_t)c->n, "multiplexed", (int)c->multiplexed);
        if (one && !c->has_value)
            json_object_set_new(one, "why", assay_json_string(*c->why ? c->why : "no reason was recorded"));
        if (one && c->ranged) {
            json_object_set_new(one, "low", assay_json_number(c->low));
            json_object_set_new(one, "high", assay_json_number(c->high));
        }
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *launches_json(const struct assay_summary_row *row)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < row->n_launches; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "record", assay_record_to_json(row->launches[i]), "verdict",
                                              check_json(row->verdicts[i] ? &row->verdicts[i]->check : NULL)));
    return list;
}

static json_t *nodes_json(const struct assay_report_model *m)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < m->n; i++) {
        const struct assay_model_node *node = &m->nodes[i];
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "name", assay_json_string(node->name), "op", node->op, "note",
                                              assay_json_string(node->note), "traced_ns", node->has_ns ? assay_json_number(node->ns) : json_null(),
                                              "flops", assay_json_u64(node->cost.flops), "read_bytes", assay_json_u64(node->cost.read_bytes),
                                              "written_bytes", assay_json_u64(node->cost.written_bytes)));
    }
    return list;
}

static json_t *ops_json(const struct assay_report_model *m)
{
    json_t *list = json_array();
    for (size_t k = 0; list && k < m->n_ops; k++) {
        const struct assay_model_op *op = &m->ops[k];
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "op", op->op, "nodes", (json_int_t)op->n, "timed_nodes",
                                              (json_int_t)op->timed, "traced_ns", op->timed ? assay_json_number(op->ns) : json_null(), "timed_flops",
                                              assay_json_number(op->flops), "timed_bytes", assay_json_number(op->bytes), "flops",
                                              assay_json_number(op->all_flops), "bytes", assay_json_number(op->all_bytes)));
    }
    return list;
}

/* Null for a case that is no model; NULL when something could not be made. */
static json_t *model_json(const struct assay_summary *run, const struct assay_summary_row *row)
{
    struct assay_report_model m;
    bool                      ok = assay_report_model_init(&m, run, row);
    json_t                   *object = ok ? json_null() : NULL;
    if (ok && m.n) {
        json_t *nodes = nodes_json(&m), *ops = ops_json(&m);
        ok = nodes && ops && json_array_size(nodes) == m.n && json_array_size(ops) == m.n_ops;
        object = ok ? json_pack("{s:I, s:o, s:o, s:o, s:o, s:O, s:O}", "executions", (json_int_t)m.trace.executions, "sum_ns",
                                m.n_timed ? assay_json_number(m.sum_ns) : json_null(), "over_untraced", assay_json_number(assay_report_model_cost(&m)),
                                "launch", json_integer((json_int_t)row->launches[row->typical]->launch), "why", assay_json_string(m.why_not), "nodes",
                                nodes, "ops", ops)
                    : NULL;
        json_decref(nodes);
        json_decref(ops);
    }
    assay_report_model_release(&m);
    return object;
}

static json_t *row_json(const struct assay_summary_row *row)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:o, s:I}", "case", assay_json_string(row->case_name), "id",
                     assay_json_string(row->id), "backend", assay_json_string(row->backend), "status", assay_status_name(row->status), "reason",
                     assay_json_string(row->reason), "verdict", assay_outcome_name(row->outcome), "validated", (int)row->validated, "verdict_why",
                     assay_json_string(row->outcome_why), "evidence", assay_evidence_name(row->evidence), "grade", assay_json_string(row->grade), "metrics",
                     metrics_json(row), "counters", counters_json(row), "check", check_json(row->check), "noisy_launches", (json_int_t)row->noisy,
                     "noise", assay_json_string(row->noise), "typical_launch", (json_int_t)row->typical);
}

static json_t *counts_json(const struct assay_summary *run)
{
    json_t *outcomes = json_object(), *statuses = json_object();
    for (int o = ASSAY_PASS; o <= ASSAY_NOT_CHECKED; o++)
        json_object_set_new(outcomes, assay_outcome_name((enum assay_outcome)o), json_integer((json_int_t)run->outcomes[o]));
    for (int s = ASSAY_STATUS_OK; s <= ASSAY_STATUS_ERROR; s++)
        json_object_set_new(statuses, assay_status_name((enum assay_status)s), json_integer((json_int_t)run->statuses[s]));
    return json_pack("{s:o, s:o, s:I, s:I, s:I}", "verdicts", outcomes, "statuses", statuses, "records", (json_int_t)run->n_records, "rows",
                     (json_int_t)run->n_rows, "noisy", (json_int_t)run->noisy);
}

/* Null when something could not be made: jansson's pack and append give up on a NULL. */
static json_t *run_json(const struct assay_summary *run)
{
    char              name[256];
    struct assay_text text = ASSAY_TEXT(name);
    json_t           *rows = json_array(), *missing = json_array(), *backends = json_array();
    bool              ok = rows && missing && backends;
    assay_figure_run_name(&text, run);
    for (size_t i = 0; ok && i < run->n_backends; i++)
        ok = json_array_append_new(backends, assay_json_string(run->backends[i])) == 0;
    for (size_t i = 0; ok && i < run->n_rows; i++) {
        json_t *row = row_json(&run->rows[i]), *launches = launches_json(&run->rows[i]);
        ok = row && launches && json_array_size(launches) == run->rows[i].n_launches && json_object_set(row, "launches", launches) == 0 &&
             json_object_set_new(row, "model", model_json(run, &run->rows[i])) == 0 && json_array_append(rows, row) == 0;
        json_decref(row);
        json_decref(launches);
    }
    for (size_t i = 0; ok && i < run->n_missing; i++)
        ok = json_array_append_new(missing, json_pack("{s:o, s:o, s:o}", "case", assay_json_string(run->missing[i].case_name), "id",
                                                      assay_json_string(run->missing[i].id), "backend", assay_json_string(run->missing[i].backend))) == 0;
    if (!ok) {
        json_decref(rows);
        json_decref(missing);
        json_decref(backends);
        return NULL;
    }
    const char *torn = assay_run_folder_torn(run->folder);
    return json_pack("{s:o, s:O, s:O, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "run", assay_json_string(name), "manifest", assay_run_folder_manifest(run->folder),
                     "plan", assay_run_folder_plan(run->folder), "counts", counts_json(run), "validated", (int)run->validated, "backends", backends,
                     "rows", rows, "missing", missing, "torn", torn ? assay_json_string(torn) : json_null(), "repeats",
                     assay_repeats_json(run->folder), "soak", assay_soak_json(run->folder));
}

static json_t *definitions(void)
{
    static const char *const better[] = {"none", "lower", "higher"};
    json_t                  *object = json_object();
    for (int m = 0; object && m < ASSAY_METRIC_COUNT; m++) {
        const struct assay_metric_row *row = assay_metric_row((enum assay_metric)m);
        json_object_set_new(object, row->name, json_pack("{s:s, s:s, s:s}", "unit", row->unit, "better", better[row->better], "definition", row->definition));
    }
    return object;
}

/* Of each folder its name, and the documents that are in it. */
static json_t *level_json(const struct assay_findings *level)
{
    json_t *one = json_pack("{s:o}", "folder", assay_json_string(assay_findings_name(level)));
    if (one && level->has_model)
        json_object_set(one, "model", level->model.document);
    if (one && level->has_training)
        json_object_set_new(one, "training", assay_training_findings_to_json(&level->training));
    return one;
}

bool assay_report_json(const struct assay_report_source *of, FILE *out)
{
    json_t *list = json_array(), *levels = json_array();
    bool    ok = list && levels;
    for (size_t i = 0; ok && i < of->n_runs; i++)
        ok = json_array_append_new(list, run_json(of->runs[i])) == 0;
    for (size_t i = 0; ok && i < of->n_levels; i++)
        ok = json_array_append_new(levels, level_json(&of->levels[i])) == 0;
    json_t *root = json_pack("{s:s, s:s, s:o, s:o, s:o}", "format", FORMAT, "assay", ASSAY_VERSION, "metrics", definitions(), "runs", list, "levels", levels);
    char   *text = ok && root ? assay_json_pretty(root) : NULL;
    ok = text && fputs(text, out) != EOF && fputc('\n', out) != EOF;
    free(text);
    json_decref(root);
    return ok;
}
