#include "harness/store/record.h"

#include <math.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/store/fields.h"

#include "assay/banned.h"

/* ---- names of enums, by number -------------------------------------------------------------------------------- */

static const char *status_text(int value)
{
    return assay_status_name((enum assay_status)value);
}

static const char *evidence_text(int value)
{
    return assay_evidence_name((enum assay_evidence)value);
}

static const char *counter_status_text(int value)
{
    static const char *const names[] = {"none", "ok", "multiplexed", "unavailable"};
    return names[value];
}

static const char *clock_text(int value)
{
    static const char *const names[] = {"none", "host", "device", "model"};
    return names[value];
}

static const char *origin_text(int value)
{
    static const char *const names[] = {"none", "real", "simulated", "modelled", "reference"};
    return names[value];
}

static const char *trait_text(int bit)
{
    static const char *const names[] = {"values", "memory", "is_host"};
    return names[bit];
}

static const char *code_text(int value)
{
    return assay_code_name((enum assay_code)value);
}

/* ---- tables ----------------------------------------------------------------------------------------------- */

#define ROW(kind, member, key, required) ASSAY_FIELD(kind, struct assay_record, member, key, required)
static const struct assay_field record_fields[] = {
    ROW(TEXT, case_name, "case", true),
    ROW(TEXT, id, "id", true),
    ROW(TEXT, backend, "backend", true),
    ROW(U32, launch, "launch", true),
    ASSAY_FIELD_NAMED(NAME, struct assay_record, status, "status", true, status_text, ASSAY_STATUS_ERROR),
    ASSAY_FIELD_NAMED(NAME, struct assay_record, evidence, "evidence", true, evidence_text, ASSAY_EVIDENCE_INSTRUMENT),
    ROW(TEXT, grade, "grade", true),
    ROW(TEXT, reason, "reason", false),
    ROW(TEXT, noise_complaint, "noise_complaint", false),
    ROW(U64, flops, "flops", false),
    ROW(U64, read_bytes, "read_bytes", false),
    ROW(U64, written_bytes, "written_bytes", false),
    ROW(U64, transcendentals, "transcendentals", false),
    ROW(U64, items, "items", false),
    ROW(U64, working_set_bytes, "working_set_bytes", false),
    ROW(U64, warm_runs, "warm_runs", false),
    ROW(TEXT, compiled, "compiled", false),
    ROW(TEXT, energy_source, "energy_source", false),
    ROW(TEXT, samples_file, "samples_file", false),
    ROW(TEXT, samples_sha256, "samples_sha256", false),
    ROW(TEXT, witness_file, "witness_file", false),
    ROW(TEXT, witness_sha256, "witness_sha256", false),
    ROW(TEXT, curve_file, "curve_file", false),
    ROW(TEXT, curve_sha256, "curve_sha256", false),
    ROW(TEXT, trace_file, "trace_file", false),
    ROW(TEXT, trace_sha256, "trace_sha256", false),
    ROW(U32, trace_runs, "trace_runs", false),
    ROW(F64, traced_ns, "traced_ns", false),
    ROW(TEXT, why_no_trace, "why_no_trace", false),
    ROW(U64, started_utc_ns, "started_utc_ns", false),
    ROW(U64, wall_ns, "wall_ns", false),
    ROW(TEXT, repeat, "repeat", true),
    ASSAY_FIELD_END,
};
#undef ROW
/* Members of the record that have a shape of their own. */
static const char *const record_also[] = {"device",    "error", "metrics", "counters",
                                          "phases_ns", "noise", "proof",   "load", "audit", "influences", NULL};

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_device_info, member, #member, required)
static const struct assay_field device_fields[] = {
    ROW(TEXT, name, true),
    ASSAY_FIELD_NAMED(FLAGS, struct assay_device_info, traits, "traits", false, trait_text, 2),
    ASSAY_FIELD_NAMED(NAME, struct assay_device_info, clock, "clock", false, clock_text, ASSAY_CLOCK_MODEL),
    ASSAY_FIELD_NAMED(NAME, struct assay_device_info, origin, "origin", false, origin_text, ASSAY_ORIGIN_REFERENCE),
    ROW(U32, queues, false),
    ROW(U64, memory_bytes, false),
    ROW(TEXT, product, false),
    ROW(TEXT, vendor, false),
    ROW(TEXT, serial, false),
    ROW(TEXT, firmware, false),
    ROW(TEXT, how_known, false),
    ASSAY_FIELD_END,
};
#undef ROW

#define ROW(kind, member, key, required) ASSAY_FIELD(kind, struct assay_error, member, key, required)
static const struct assay_field error_fields[] = {
    ASSAY_FIELD_NAMED(NAME, struct assay_error, code, "code", true, code_text, ASSAY_INTERNAL),
    ROW(INT, sys_errno, "errno", false),
    ROW(I64, vendor, "vendor", false),
    ROW(TEXT, where, "where", false),
    ROW(TEXT, message, "message", true),
    ROW(TEXT, hint, "hint", false),
    ASSAY_FIELD_END,
};
#undef ROW
static const char *const error_also[] = {"frames", NULL};

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_metric_value, member, #member, required)
static const struct assay_field metric_fields[] = {
    ROW(F64, value, true),
    ROW(U64, n, false),
    ASSAY_FIELD_NAMED(NAME, struct assay_metric_value, clock, "clock", false, clock_text, ASSAY_CLOCK_MODEL),
    ROW(TEXT, why, false),
    ASSAY_FIELD_END,
};
static const char *const metric_also[] = {"low", "high", "level", NULL};
/* Either all of an interval or nothing. */
static const struct assay_field interval_fields[] = {
    ROW(F64, low, true),
    ROW(F64, high, true),
    ROW(F64, level, true),
    ASSAY_FIELD_END,
};
static const char *const interval_also[] = {"value", "n", "clock", "why", NULL};
#undef ROW

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_counter, member, #member, required)
static const struct assay_field counter_fields[] = {
    ROW(TEXT, name, true),
    ROW(TEXT, provider, true),
    ROW(TEXT, unit, true),
    ASSAY_FIELD_NAMED(NAME, struct assay_counter, status, "status", true, counter_status_text,
                      ASSAY_COUNTER_UNAVAILABLE),
    ROW(F64, value, true),
    ROW(U64, enabled_ns, false),
    ROW(U64, running_ns, false),
    ROW(TEXT, why, false),
    ASSAY_FIELD_END,
};
static const char *const counter_also[] = {"low", "high", NULL};
/* Both ends of a range or neither. */
static const struct assay_field range_fields[] = {
    ROW(F64, low, true),
    ROW(F64, high, true),
    ASSAY_FIELD_END,
};
static const char *const range_also[] = {"name", "provider", "unit", "status", "value", "enabled_ns", "running_ns", "why", NULL};
#undef ROW

#define ROW(kind, member) ASSAY_FIELD(kind, struct assay_noise, member, #member, true)
static const struct assay_field noise_fields[] = {
    ROW(F64, steal_share),    ROW(F64, other_share),  ROW(U64, involuntary_switches), ROW(U64, major_faults),
    ROW(F64, clock_hz_begin), ROW(F64, clock_hz_end), ROW(U64, elapsed_ns),           ASSAY_FIELD_END,
};
#undef ROW

#define ROW(kind, member) ASSAY_FIELD(kind, struct assay_proof, member, #member, true)
static const struct assay_field proof_fields[] = {
    ROW(U64, sets),
    ROW(U64, iterations),
    ROW(U64, chosen),
    ROW(U64, hashed),
    ROW(U64, equal),
    ROW(U64, guard_bytes_changed),
    ROW(U64, cheat_share_found_ppm),
    ASSAY_FIELD_END,
};
#undef ROW

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_load, member, #member, required)
static const struct assay_field load_fields[] = {
    ROW(U64, draws, false), ROW(U64, issued, true), ROW(U64, completed, true), ROW(U64, failed, true), ROW(U64, samples, true), ROW(U64, executions, false),
    ROW(U64, most_in_flight, false), ROW(U64, max_batch, false), ROW(U64, duration_ns, false), ROW(U64, first_issue_ns, false), ROW(U64, late, false),
    ROW(U64, lateness_limit_ns, true), ROW(U64, lateness_max_ns, false), ROW(U64, sets, true), ROW(U64, kept, false), ROW(U64, every, false),
    ROW(U64, steady_first, false), ROW(U64, over, false), ROW(U64, allowed_within_ns, false), ROW(F64, rate, false),
    ROW(F64, percentile, false), ROW(F64, phi, false), ROW(F64, margin, false), ROW(TEXT, steady, true), ROW(TEXT, settled, true),
    ROW(TEXT, loadgen, true), ROW(TEXT, invalid, false), ROW(TEXT, failure, false), ROW(TEXT, peak, false), ROW(TEXT, proof, false),
    ROW(TEXT, series_file, false), ROW(TEXT, series_sha256, false), ROW(TEXT, served, false), ROW(TEXT, served_file, false),
    ROW(TEXT, served_sha256, false), ROW(TEXT, tokens_file, false), ROW(TEXT, tokens_sha256, false), ASSAY_FIELD_END,
};
static const char *const load_also[] = {"buckets", "tried", NULL};
#undef ROW

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_bucket, member, #member, required)
static const struct assay_field bucket_fields[] = {
    ROW(U64, samples, true), ROW(U64, executions, true), ROW(TEXT, witness_file, false), ROW(TEXT, witness_sha256, false), ASSAY_FIELD_END,
};
#undef ROW

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_tried, member, #member, required)
static const struct assay_field tried_fields[] = {
    ROW(U64, max_batch, true), ROW(U64, looks, true), ROW(F64, low_qps, false), ROW(F64, high_qps, false), ROW(TEXT, why, false), ASSAY_FIELD_END,
};
#undef ROW

#define ROW(kind, member, required) ASSAY_FIELD(kind, struct assay_audited, member, #member, required)
static const struct assay_field audit_fields[] = {
    ROW(TEXT, test, true), ROW(U64, logged, false), ROW(U64, equal, false), ROW(U64, pairs, false), ROW(F64, fresh_ns, false),
    ROW(F64, seen_ns, false), ROW(U64, requests, false), ROW(U64, first_equal, false), ROW(U64, whole, false),
    ROW(U64, in_vocabulary, false), ROW(TEXT, first_difference, false), ASSAY_FIELD_END,
};
#undef ROW

#define ROW(kind, member) ASSAY_FIELD(kind, struct assay_influence, member, #member, true)
static const struct assay_field influence_fields[] = {
    ROW(TEXT, name), ROW(TEXT, from), ROW(F64, share), ROW(F64, low), ROW(F64, high), ASSAY_FIELD_END,
};
#undef ROW

static const struct assay_field no_fields[] = {ASSAY_FIELD_END}; /* an object whose members are read elsewhere */

/* In the order of enum assay_phase. */
#define PHASE(id, text)                                                                                                \
    {                                                                                                                  \
        text, ASSAY_FIELD_U64, false, ASSAY_PHASE_##id * sizeof(uint64_t), sizeof(uint64_t), NULL, 0                   \
    }
static const struct assay_field phase_fields[] = {
    PHASE(BUILD, "build"),     PHASE(OPEN, "open"), PHASE(FILL, "fill"),   PHASE(UPLOAD, "upload"),
    PHASE(COMPILE, "compile"), PHASE(WARM, "warm"), PHASE(TIMED, "timed"), PHASE(WITNESS, "witness"),
    PHASE(TRACE, "trace"),     PHASE(CLOSE, "close"), ASSAY_FIELD_END,
};
#undef PHASE

const char *assay_phase_name(enum assay_phase phase)
{
    return phase_fields[phase].key;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* The object, which the caller puts somewhere, or NULL. */
static json_t *object_of(const struct assay_field *table, const void *self)
{
    json_t *object = json_object();
    if (!object || assay_fields_write(table, self, object))
        return object;
    json_decref(object);
    return NULL;
}

/* A part that is all zeroes was never filled: it is left out. */
static bool is_zero(const void *part, size_t bytes)
{
    const unsigned char *at = part;
    return bytes == 0 || (at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0);
}

static json_t *error_write(const struct assay_error *error)
{
    json_t *object = object_of(error_fields, error), *frames = json_array();
    bool ok = object && frames && json_object_set_nocheck(object, "frames", frames) == 0;
    for (uint32_t i = 0; ok && i < error->nframes && i < ASSAY_ERROR_FRAMES; i++)
        ok = json_array_append_new(frames, assay_field_text(error->frame[i], sizeof error->frame[i])) == 0;
    json_decref(frames);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *metric_write(const struct assay_metric_value *metric)
{
    struct assay_metric_value value = *metric;
    if (value.has_value && !isfinite(value.value) && !value.why[0])
        (void)snprintf(value.why, sizeof value.why, "the value is not a finite number");
    if (!value.has_value || !isfinite(value.value))
        value.value = NAN;
    json_t *object = object_of(metric_fields, &value);
    if (!object || !value.has_interval || assay_fields_write(interval_fields, &value, object))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *metrics_write(const struct assay_record *record)
{
    json_t *object = json_object();
    bool ok = object != NULL;
    for (int i = 0; ok && i < ASSAY_METRIC_COUNT; i++) {
        const struct assay_metric_value *value = &record->metric[i];
        if (!is_zero(value, sizeof *value))
            ok = json_object_set_new_nocheck(object, assay_metric_row((enum assay_metric)i)->name,
                                             metric_write(value)) == 0;
    }
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *counters_write(const struct assay_record *record)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (uint32_t i = 0; ok && i < record->n_counters && i < ASSAY_RECORD_MAX_COUNTERS; i++) {
        struct assay_counter counter = record->counters[i];
        if (counter.status == ASSAY_COUNTER_UNAVAILABLE)
            counter.value = NAN;
        json_t *object = object_of(counter_fields, &counter);
        ok = (!counter.ranged || (object && assay_fields_write(range_fields, &counter, object))) && json_array_append_new(list, object) == 0;
    }
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static bool influences_write(json_t *object, const struct assay_record *record)
{
    json_t *list = json_array();
    bool    ok = list != NULL;
    for (size_t i = 0; ok && i < ASSAY_INFLUENCES && record->influences[i].share > 0; i++)
        ok = json_array_append_new(list, object_of(influence_fields, &record->influences[i])) == 0;
    ok = ok && (json_array_size(list) == 0 || json_object_set_nocheck(object, "influences", list) == 0);
    json_decref(list);
    return ok;
}

/* Rows of one table, one behind the other; no member where there are none. */
static bool rows_write(json_t *object, const char *key, const struct assay_field *table, const void *rows, size_t stride, size_t n)
{
    json_t *list = json_array();
    bool    ok = list != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = json_array_append_new(list, object_of(table, (const unsigned char *)rows + i * stride)) == 0;
    ok = ok && (n == 0 || json_object_set_nocheck(object, key, list) == 0);
    json_decref(list);
    return ok;
}

static bool load_write(json_t *object, const struct assay_load *load)
{
    json_t *part = is_zero(load, sizeof *load) ? NULL : object_of(load_fields, load);
    bool    ok = part && rows_write(part, "buckets", bucket_fields, load->bucket, sizeof *load->bucket,
                                 load->n_buckets < ASSAY_RECORD_MAX_BUCKETS ? load->n_buckets : ASSAY_RECORD_MAX_BUCKETS) &&
              rows_write(part, "tried", tried_fields, load->tried, sizeof *load->tried,
                         load->n_tried < ASSAY_RECORD_MAX_TRIED ? load->n_tried : ASSAY_RECORD_MAX_TRIED) &&
              json_object_set_nocheck(object, "load", part) == 0;
    json_decref(part);
    return ok || is_zero(load, sizeof *load);
}

static bool part_write(json_t *object, const char *key, const struct assay_field *table, const void *part, size_t bytes)
{
    return is_zero(part, bytes) || json_object_set_new_nocheck(object, key, object_of(table, part)) == 0;
}

json_t *assay_record_to_json(const struct assay_record *record)
{
    const struct assay_device_info *device = &record->device;
    json_t *object = object_of(record_fields, record);
    if (object &&
        json_object_set_new_nocheck(
            object, "device", is_zero(device, sizeof *device) ? json_null() : object_of(device_fields, device)) == 0 &&
        (record->error.code == ASSAY_OK ||
         json_object_set_new_nocheck(object, "error", error_write(&record->error)) == 0) &&
        json_object_set_new_nocheck(object, "metrics", metrics_write(record)) == 0 &&
        json_object_set_new_nocheck(object, "counters", counters_write(record)) == 0 &&
        influences_write(object, record) &&
        part_write(object, "phases_ns", phase_fields, record->phase_ns, sizeof record->phase_ns) &&
        part_write(object, "noise", noise_fields, &record->noise, sizeof record->noise) &&
        part_write(object, "proof", proof_fields, &record->proof, sizeof record->proof) &&
        load_write(object, &record->load) &&
        part_write(object, "audit", audit_fields, &record->audit, sizeof record->audit))
        return object;
    json_decref(object);
    return NULL;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static enum assay_code error_read(const json_t *json, struct assay_error *out, struct assay_error *err)
{
    const json_t *frames = json_object_get(json, "frames");
    if (assay_fields_read(error_fields, error_also, json, "error", out, err))
        return err->code;
    if (out->code == ASSAY_OK)
        return assay_fields_fail("error", "code", "the name of an error", json_object_get(json, "code"), err);
    if (!json_is_array(frames) || json_array_size(frames) > ASSAY_ERROR_FRAMES)
        return assay_fields_fail("error", "frames", "a list of at most 6 texts", frames, err);
    for (size_t i = 0; i < json_array_size(frames); i++)
        if (!assay_field_text_read(json_array_get(frames, i), sizeof out->frame[i], out->frame[i]))
            return assay_fields_fail("error", "frames", "a list of texts of less than 128 bytes", frames, err);
    out->nframes = (uint32_t)json_array_size(frames);
    return ASSAY_OK;
}

static enum assay_code metric_read(const json_t *json, const char *name, struct assay_metric_value *out,
                                   struct assay_error *err)
{
    char what[64];
    (void)snprintf(what, sizeof what, "metrics.%s", name);
    if (assay_fields_read(metric_fields, metric_also, json, what, out, err))
        return err->code;
    out->has_value = !isnan(out->value);
    if (!out->has_value)
        out->value = 0;
    for (size_t i = 0; metric_also[i]; i++)
        out->has_interval = out->has_interval || json_object_get(json, metric_also[i]);
    return out->has_interval ? assay_fields_read(interval_fields, interval_also, json, what, out, err) : ASSAY_OK;
}

static enum assay_code metrics_read(const json_t *json, struct assay_record *out, struct assay_error *err)
{
    size_t found = 0;
    if (!json_is_object(json))
        return assay_fields_fail("", "metrics", "an object", json, err);
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++) {
        const char *name = assay_metric_row((enum assay_metric)i)->name;
        const json_t *value = json_object_get(json, name);
        found += value != NULL;
        if (value && metric_read(value, name, &out->metric[i], err))
            return err->code;
    }
    if (found == json_object_size(json))
        return ASSAY_OK;
    const char *names[ASSAY_METRIC_COUNT + 1] = {NULL};
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++)
        names[i] = assay_metric_row((enum assay_metric)i)->name;
    return assay_fields_read(no_fields, names, json, "metrics", out, err);
}

static enum assay_code counters_read(const json_t *json, struct assay_record *out, struct assay_error *err)
{
    if (!json_is_array(json) || json_array_size(json) > ASSAY_RECORD_MAX_COUNTERS)
        return assay_fields_fail("", "counters", "a list of at most 64", json, err);
    for (size_t i = 0; i < json_array_size(json); i++) {
        struct assay_counter *counter = &out->counters[i];
        char what[32];
        (void)snprintf(what, sizeof what, "counters.%zu", i);
        const json_t *object = json_array_get(json, i);
        if (assay_fields_read(counter_fields, counter_also, object, what, counter, err))
            return err->code;
        counter->ranged = json_object_get(object, "low") || json_object_get(object, "high");
        if (counter->ranged && assay_fields_read(range_fields, range_also, object, what, counter, err))
            return err->code;
        if (counter->status == ASSAY_COUNTER_UNAVAILABLE)
            counter->value = 0;
    }
    out->n_counters = (uint32_t)json_array_size(json);
    return ASSAY_OK;
}

static enum assay_code influences_read(const json_t *json, struct assay_record *out, struct assay_error *err)
{
    if (json && (!json_is_array(json) || json_array_size(json) > ASSAY_INFLUENCES))
        return assay_fields_fail("", "influences", "a list of at most 5", json, err);
    for (size_t i = 0; i < json_array_size(json); i++)
        if (assay_fields_read(influence_fields, NULL, json_array_get(json, i), "influences", &out->influences[i], err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code device_read(const json_t *json, struct assay_device_info *out, struct assay_error *err)
{
    if (json_is_null(json))
        return ASSAY_OK;
    if (!json)
        return assay_fields_fail("", "device", "an object or null", json, err);
    out->size = sizeof *out;
    return assay_fields_read(device_fields, NULL, json, "device", out, err);
}

static enum assay_code part_read(const json_t *json, const char *key, const struct assay_field *table, void *part,
                                 struct assay_error *err)
{
    const json_t *object = json_object_get(json, key);
    return object ? assay_fields_read(table, NULL, object, key, part, err) : ASSAY_OK;
}

static enum assay_code rows_read(const json_t *list, const char *what, const struct assay_field *table, void *rows, size_t stride, size_t most,
                                 uint32_t *n, struct assay_error *err)
{
    char expected[40];
    (void)snprintf(expected, sizeof expected, "a list of at most %zu", most);
    if (list && (!json_is_array(list) || json_array_size(list) > most))
        return assay_fields_fail("load", what, expected, list, err);
    for (*n = 0; *n < json_array_size(list); (*n)++)
        if (assay_fields_read(table, NULL, json_array_get(list, *n), what, (unsigned char *)rows + *n * stride, err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code load_read(const json_t *load, struct assay_load *out, struct assay_error *err)
{
    if (!load)
        return ASSAY_OK;
    if (assay_fields_read(load_fields, load_also, load, "load", out, err) ||
        rows_read(json_object_get(load, "buckets"), "buckets", bucket_fields, out->bucket, sizeof *out->bucket, ASSAY_RECORD_MAX_BUCKETS,
                  &out->n_buckets, err))
        return err->code;
    return rows_read(json_object_get(load, "tried"), "tried", tried_fields, out->tried, sizeof *out->tried, ASSAY_RECORD_MAX_TRIED,
                     &out->n_tried, err);
}

/* What types cannot say. */
static enum assay_code check_identity(const json_t *json, const struct assay_record *record, struct assay_error *err)
{
    if (!record->case_name[0])
        return assay_fields_fail("", "case", "the name of a case", json_object_get(json, "case"), err);
    if (strlen(record->id) != 16 || strspn(record->id, "0123456789abcdef") != 16)
        return assay_fields_fail("", "id", "16 hexadecimal digits", json_object_get(json, "id"), err);
    if (!record->backend[0])
        return assay_fields_fail("", "backend", "the name of a back end", json_object_get(json, "backend"), err);
    if (!record->status)
        return assay_fields_fail("", "status", "the name of a status", json_object_get(json, "status"), err);
    return ASSAY_OK;
}

enum assay_code assay_record_from_json(const json_t *json, struct assay_record *out, struct assay_error *err)
{
    const json_t *error = json_object_get(json, "error");
    memset(out, 0, offsetof(struct assay_record, counters));
    if (assay_fields_read(record_fields, record_also, json, "", out, err) == ASSAY_OK &&
        check_identity(json, out, err) == ASSAY_OK &&
        device_read(json_object_get(json, "device"), &out->device, err) == ASSAY_OK &&
        (!error || error_read(error, &out->error, err) == ASSAY_OK) &&
        metrics_read(json_object_get(json, "metrics"), out, err) == ASSAY_OK &&
        counters_read(json_object_get(json, "counters"), out, err) == ASSAY_OK &&
        influences_read(json_object_get(json, "influences"), out, err) == ASSAY_OK &&
        part_read(json, "phases_ns", phase_fields, out->phase_ns, err) == ASSAY_OK &&
        part_read(json, "noise", noise_fields, &out->noise, err) == ASSAY_OK &&
        part_read(json, "proof", proof_fields, &out->proof, err) == ASSAY_OK &&
        load_read(json_object_get(json, "load"), &out->load, err) == ASSAY_OK &&
        part_read(json, "audit", audit_fields, &out->audit, err) == ASSAY_OK)
        return ASSAY_OK;
    memset(out, 0, offsetof(struct assay_record, counters));
    return err->code;
}

/* ---- filling -------------------------------------------------------------------------------------------------- */

void assay_metric_set(struct assay_record *record, enum assay_metric metric, double value, uint64_t n, enum assay_clock clock)
{
    record->metric[metric] = (struct assay_metric_value){.has_value = true, .value = value, .n = n, .clock = clock};
}

void assay_metric_absent(struct assay_record *record, enum assay_metric metric, const char *why)
{
    struct assay_metric_value *m = &record->metric[metric];
    *m = (struct assay_metric_value){.has_value = false};
    (void)assay_string_copy(m->why, sizeof m->why, why);
}
