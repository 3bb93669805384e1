/* A comparison as JSON. */
#include "harness/base/json.h"
#include "harness/judge/compare.h"

#include "assay/banned.h"

static json_t *estimate(const struct assay_estimate *e)
{
    json_t *json = json_pack("{s:o}", "value", e->has_value ? assay_json_number(e->value) : json_null());
    if (json && e->has_interval)
        (void)json_object_update_new(json, json_pack("{s:o, s:o, s:f}", "low", assay_json_number(e->low), "high",
                                                     assay_json_number(e->high), "level", e->level));
    if (json && e->why[0])
        (void)json_object_set_new(json, "why", assay_json_string(e->why));
    return json;
}

static json_t *side(const struct assay_summary_row *row)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:I, s:o}", "backend", assay_json_string(row->backend), "evidence",
                     assay_evidence_name(row->evidence), "grade", row->grade, "status", assay_status_name(row->status),
                     "verdict", row->validated ? assay_outcome_name(row->outcome) : "not_validated", "launches",
                     (json_int_t)row->n_medians, "latency_ns", estimate(&row->metric[ASSAY_METRIC_latency_ns]));
}

static json_t *one(const struct assay_compare_row *row)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:b, s:b, s:o, s:b}", "case",
                     assay_json_string(row->a->case_name), "id", row->a->id, "a", side(row->a), "b", side(row->b),
                     "outcome", assay_comparison_name(row->outcome), "why", assay_json_string(row->why), "ratio",
                     estimate(&row->ratio), "paired", row->paired, "p",
                     row->tested ? assay_json_number(row->p) : json_null(), "confirmed", row->confirmed, "by_verdict",
                     row->by_verdict, "more_launches", assay_json_u64(row->more_launches), "evidence_differs",
                     row->evidence_differs);
}

json_t *assay_compare_to_json(const struct assay_compare *compare)
{
    json_t *rows = json_array();
    for (size_t i = 0; rows && i < compare->n_rows; i++) {
        if (json_array_append_new(rows, one(&compare->rows[i]))) {
            json_decref(rows);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:I, s:I, s:o}", "format", "assay-comparison/1", "outcome",
                     assay_comparison_name(compare->outcome), "why", compare->why, "delta",
                     assay_json_number(compare->delta), "delta_how", compare->delta_how, "family", compare->family_how,
                     "only_a", (json_int_t)compare->only_a, "only_b", (json_int_t)compare->only_b, "cases", rows);
}
