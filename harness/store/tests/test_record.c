#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/store/record.h"

/* A text member filled to its last byte. */
#define FULL(member) (memset((member), 'a', sizeof(member) - 1), (member)[sizeof(member) - 1] = 0)

static void fill_device(struct assay_device_info *d)
{
    d->size = sizeof *d;
    d->traits = 0x61616161u;
    d->clock = ASSAY_CLOCK_DEVICE;
    d->origin = ASSAY_ORIGIN_SIMULATED;
    FULL(d->name), FULL(d->product), FULL(d->vendor), FULL(d->serial), FULL(d->firmware), FULL(d->how_known);
}

/* Every byte of every member is other than zero, so that a member which the conversion forgets comes back different. */
static struct assay_record *full_record(void)
{
    struct assay_record *r = malloc(sizeof *r);
    memset(r, 'a', sizeof *r);
    FULL(r->case_name), FULL(r->id), FULL(r->backend), FULL(r->grade), FULL(r->reason), FULL(r->noise_complaint);
    FULL(r->compiled), FULL(r->energy_source), FULL(r->samples_file), FULL(r->witness_file), FULL(r->repeat);
    FULL(r->samples_sha256), FULL(r->witness_sha256), FULL(r->trace_file), FULL(r->trace_sha256), FULL(r->why_no_trace);
    FULL(r->curve_file), FULL(r->curve_sha256);
    FULL(r->load.steady), FULL(r->load.settled), FULL(r->load.loadgen), FULL(r->load.invalid), FULL(r->load.failure), FULL(r->load.peak);
    FULL(r->load.proof), FULL(r->load.series_file), FULL(r->load.series_sha256), FULL(r->load.served);
    FULL(r->load.served_file), FULL(r->load.served_sha256), FULL(r->load.tokens_file), FULL(r->load.tokens_sha256);
    r->load.n_buckets = ASSAY_RECORD_MAX_BUCKETS;
    for (size_t i = 0; i < ASSAY_RECORD_MAX_BUCKETS; i++)
        FULL(r->load.bucket[i].witness_file), FULL(r->load.bucket[i].witness_sha256);
    r->load.n_tried = ASSAY_RECORD_MAX_TRIED;
    for (size_t i = 0; i < ASSAY_RECORD_MAX_TRIED; i++)
        FULL(r->load.tried[i].why);
    FULL(r->audit.test), FULL(r->audit.first_difference);
    for (size_t i = 0; i < ASSAY_INFLUENCES; i++)
        FULL(r->influences[i].name), FULL(r->influences[i].from);
    fill_device(&r->device);
    r->status = ASSAY_STATUS_CRASHED;
    r->evidence = ASSAY_EVIDENCE_CLAIMED;
    r->error.code = ASSAY_DEVICE;
    r->error.nframes = ASSAY_ERROR_FRAMES;
    FULL(r->error.where), FULL(r->error.message), FULL(r->error.hint);
    for (int i = 0; i < ASSAY_ERROR_FRAMES; i++)
        FULL(r->error.frame[i]);
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++) {
        r->metric[i].has_value = r->metric[i].has_interval = true;
        r->metric[i].clock = ASSAY_CLOCK_MODEL;
        FULL(r->metric[i].why);
    }
    r->n_counters = ASSAY_RECORD_MAX_COUNTERS;
    for (int i = 0; i < ASSAY_RECORD_MAX_COUNTERS; i++) {
        struct assay_counter *c = &r->counters[i];
        c->status = ASSAY_COUNTER_MULTIPLEXED;
        c->ranged = i % 2; /* without a range there are no ends */
        c->low = c->ranged ? 0.25 : 0;
        c->high = c->ranged ? 0.75 : 0;
        FULL(c->name), FULL(c->provider), FULL(c->unit), FULL(c->why);
    }
    return r;
}

static struct assay_record *small_record(void)
{
    struct assay_record *r = calloc(1, sizeof *r);
    (void)snprintf(r->case_name, sizeof r->case_name, "gemm/dtype=f32,k=64,m=64,n=64");
    (void)snprintf(r->id, sizeof r->id, "0123456789abcdef");
    (void)snprintf(r->backend, sizeof r->backend, "cpu:host");
    r->status = ASSAY_STATUS_OK;
    r->evidence = ASSAY_EVIDENCE_MEASURED;
    return r;
}

/* Through JSON, text, and back, as a file would do it. */
static enum assay_code trip(const struct assay_record *r, struct assay_record *out, struct assay_error *err)
{
    json_t *json = assay_record_to_json(r), *again = NULL;
    cr_assert(json);
    char *line = assay_json_line(json);
    json_decref(json);
    cr_assert_not(strchr(line, '\n'));
    enum assay_code code = assay_json_parse(line, strlen(line), "line", &again, err);
    free(line);
    if (code == ASSAY_OK)
        code = assay_record_from_json(again, out, err);
    json_decref(again);
    return code;
}

/* Zeroes what lies between two members, if anything does. */
#define HOLE(r, before, after)                                                                                         \
    memset((char *)(r) + offsetof(struct assay_record, before) + sizeof((r)->before), 0,                               \
           offsetof(struct assay_record, after) - offsetof(struct assay_record, before) - sizeof((r)->before))
#if defined(__clang__)
#define CLEAR(part) (void)(part)
#else
#define CLEAR(part) __builtin_clear_padding(part)
#endif

/* Padding has no meaning. (gcc 12 clears that of a part, but not all of that of a struct of this size.) */
static void clear_padding(struct assay_record *r)
{
    CLEAR(r);
    enum { LOAD_ENDS = offsetof(struct assay_load, tokens_sha256) + sizeof r->load.tokens_sha256 };
    CLEAR(&r->load);
    memset((char *)&r->load + LOAD_ENDS, 0, sizeof r->load - LOAD_ENDS);
    for (size_t i = 0; i < ASSAY_RECORD_MAX_BUCKETS; i++)
        CLEAR(&r->load.bucket[i]);
    HOLE(r, trace_sha256, trace_runs);
    HOLE(r, trace_runs, traced_ns);
    HOLE(r, why_no_trace, started_utc_ns);
    HOLE(r, n_counters, counters);
    for (uint32_t i = 0; i < r->n_counters; i++)
        CLEAR(&r->counters[i]);
}

/* Members as bytes. */
static bool same(struct assay_record *a, struct assay_record *b)
{
    size_t bytes = offsetof(struct assay_record, counters) + a->n_counters * sizeof a->counters[0];
    clear_padding(a);
    clear_padding(b);
    return a->n_counters == b->n_counters && memcmp(a, b, bytes) == 0;
}

Test(record, lists_of_a_scenario_have_no_more_rows_than_there_is_room_for)
{
    static const char *const keys[] = {"buckets", "tried"};
    struct assay_record     *r = full_record(), *again = calloc(1, sizeof *again);
    for (size_t i = 0; i < 2; i++) {
        struct assay_error err = {0};
        json_t            *json = assay_record_to_json(r), *list = json_object_get(json_object_get(json, "load"), keys[i]);
        cr_expect_eq(json_array_size(list), i ? ASSAY_RECORD_MAX_TRIED : ASSAY_RECORD_MAX_BUCKETS);
        cr_expect_eq(assay_record_from_json(json, again, &err), ASSAY_OK, "%s", err.message);
        json_array_append(list, json_array_get(list, 0));
        cr_expect_eq(assay_record_from_json(json, again, &err), ASSAY_DATA);
        cr_expect(strstr(err.message, keys[i]) && strstr(err.message, "a list of at most"), "%s", err.message);
        json_decref(json);
    }
    free(r);
    free(again);
}

Test(record, comes_back_with_every_member_as_it_was)
{
    struct assay_error err = {0};
    struct assay_record *r = full_record(), *again = calloc(1, sizeof *again);
    cr_expect_eq(trip(r, again, &err), ASSAY_OK, "%s", err.message);
#if !defined(__clang__) /* which cannot tell padding from members */
    cr_expect(same(r, again));
#endif
    free(r);
    r = small_record();
    cr_expect_eq(trip(r, again, &err), ASSAY_OK, "%s", err.message);
    cr_expect(same(r, again));
    cr_expect_eq(again->device.size, 0u, "a device that never opened stays unknown");
    free(r);
    free(again);
}

Test(record, keeps_numbers_to_the_last_bit)
{
    static const double reals[] = {0.1, 1e-310, 1.7976931348623157e308, -0.0, 0, 3, INFINITY, -INFINITY, NAN, 1.0 / 3};
    static const uint64_t wholes[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    struct assay_error err = {0};
    struct assay_record *r = small_record(), *again = calloc(1, sizeof *again);
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        r->noise.steal_share = reals[i];
        r->noise.major_faults = wholes[i % 5];
        r->flops = wholes[i % 5];
        r->error = (struct assay_error){.code = ASSAY_IO, .sys_errno = -3, .vendor = INT64_MIN};
        r->metric[ASSAY_METRIC_latency_ns] =
            (struct assay_metric_value){.has_value = true, .value = 1.0 / 3 * (double)i};
        cr_expect_eq(trip(r, again, &err), ASSAY_OK, "%s", err.message);
        cr_expect(same(r, again), "row %zu", i);
    }
    free(r);
    free(again);
}

Test(record, gives_a_reason_for_what_is_not_a_finite_number)
{
    struct assay_error err = {0};
    struct assay_record *r = small_record(), *again = calloc(1, sizeof *again);
    struct assay_metric_value *m = r->metric, *got = again->metric;
    m[0] = (struct assay_metric_value){.has_value = true, .value = INFINITY};
    m[1] = (struct assay_metric_value){.has_value = true, .value = NAN, .why = "0 / 0"};
    m[2] = (struct assay_metric_value){.has_interval = true, .low = 0, .high = INFINITY, .level = 0.9};
    m[3] = (struct assay_metric_value){.why = "no meter"};
    r->n_counters = 1;
    r->counters[0] = (struct assay_counter){.name = "cycles", .provider = "perf", .unit = "1", .value = 7, .why = "no"};
    r->counters[0].status = ASSAY_COUNTER_UNAVAILABLE;
    cr_expect_eq(trip(r, again, &err), ASSAY_OK, "%s", err.message);
    cr_expect(!got[0].has_value && strcmp(got[0].why, "the value is not a finite number") == 0);
    cr_expect(!got[1].has_value && strcmp(got[1].why, "0 / 0") == 0);
    cr_expect(!got[2].has_value && got[2].has_interval && got[2].low == 0 && isinf(got[2].high) && got[2].level == 0.9);
    cr_expect(!got[3].has_value && !got[3].has_interval && strcmp(got[3].why, "no meter") == 0);
    cr_expect(!got[4].has_value && !got[4].why[0]);
    cr_expect_eq(again->counters[0].value, 0.0);
    json_t *json = assay_record_to_json(r);
    cr_expect(json_is_null(json_object_get(json_array_get(json_object_get(json, "counters"), 0), "value")),
              "an unavailable counter is null, never a number");
    json_decref(json);
    free(r);
    free(again);
}

Test(record, survives_hostile_strings)
{
    struct assay_error err = {0};
    struct assay_record *r = small_record(), *again = calloc(1, sizeof *again), *third = calloc(1, sizeof *third);
    for (int i = 1; i < 256; i++)
        r->reason[i - 1] = (char)i; /* control characters, quotes, bytes that are no UTF-8 */
    memset(r->device.product, 0xff,
           sizeof r->device.product); /* a plug-in forgot the NUL, and each byte grows to three */
    r->device.size = sizeof r->device;
    (void)snprintf(r->compiled, sizeof r->compiled, "\",\"sha256\":\"0\"}\n{\"case\":\"<script>\"}");
    cr_assert_eq(trip(r, again, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(memcmp(again->reason, r->reason, 127), 0);
    cr_expect_str_eq(again->compiled, r->compiled);
    cr_expect_lt(strlen(again->device.product), sizeof again->device.product);
    cr_expect_eq(strncmp(again->device.product, "\xef\xbf\xbd\xef\xbf\xbd", 6), 0);
    cr_assert_eq(trip(again, third, &err), ASSAY_OK, "%s", err.message);
    cr_expect(same(again, third), "what was made valid once stays");
    free(r);
    free(again);
    free(third);
}

/* One member of a good record replaced (or, with no value, removed): the line that refuses it. */
static const struct {
    char path[48], value[112], says[160];
} refusals[] = {
    {"case", "", "'case' must be a text of less than 1024 bytes, but is missing"},
    {"case", "\"\"", "'case' must be the name of a case, but is \"\""},
    {"id", "\"0123\"", "'id' must be 16 hexadecimal digits, but is \"0123\""},
    {"id", "\"0123456789abcdeg\"", "'id' must be 16 hexadecimal digits"},
    {"id", "\"0123456789abcdef0\"", "'id' must be a text of less than 17 bytes, but is \"0123456789abcdef0\""},
    {"backend", "7", "'backend' must be a text of less than 640 bytes, but is 7"},
    {"launch", "-1", "'launch' must be a whole number from 0 to 4294967295, but is -1"},
    {"launch", "4294967296", "'launch' must be a whole number from 0 to 4294967295"},
    {"launch", "1.0", "'launch' must be a whole number from 0 to 4294967295"},
    {"status", "\"fine\"", "'status' must be one of ok unsupported skipped timeout crashed error, but is \"fine\""},
    {"status", "null", "'status' must be the name of a status, but is null"},
    {"evidence", "1", "'evidence' must be one of measured mixed"},
    {"flops", "\"12\"", "'flops' must be a whole number from 0 to 2^64 - 1, but is \"12\""},
    {"flops", "\"18446744073709551616\"", "'flops' must be"},
    {"flops", "\"09223372036854775808\"", "'flops' must be"},
    {"flop", "1", "'flop' is not known; did you mean 'flops'?"},
    {"a\\n\\u001b[31m", "1", "'a\\x0a\\x1b[31m' is not known"},
    {"device", "", "'device' must be an object or null, but is missing"},
    {"device", "[]", "'device' must be an object"},
    {"device.traits", "[\"values\",\"wings\"]", "'device.traits' must be a list of known names"},
    {"device.clock", "\"sun\"", "'device.clock' must be one of host device model, but is \"sun\""},
    {"error", "{\"code\":null,\"message\":\"\",\"frames\":[]}", "'error.code' must be the name of an error"},
    {"error", "{\"code\":\"IO\",\"message\":\"\"}", "'error.frames' must be a list of at most 6 texts, but is missing"},
    {"error", "{\"code\":\"IO\",\"message\":\"\",\"frames\":[1]}", "'error.frames' must be a list of texts"},
    {"metrics", "", "'metrics' must be an object, but is missing"},
    {"metrics.latency_n", "{}", "'metrics.latency_n' is not known; did you mean 'latency_ns'?"},
    {"metrics.latency_ns", "3", "'metrics.latency_ns' must be an object"},
    {"metrics.latency_ns", "{}", "'metrics.latency_ns.value' must be a number or null, but is missing"},
    {"metrics.latency_ns", "{\"value\":1,\"low\":1}",
     "'metrics.latency_ns.high' must be a number or null, but is missing"},
    {"metrics.latency_ns", "{\"value\":true}", "'metrics.latency_ns.value' must be a number or null, but is true"},
    {"counters", "{}", "'counters' must be a list of at most 64, but is {}"},
    {"counters", "[{}]", "'counters.0.name' must be a text of less than 48 bytes, but is missing"},
    {"phases_ns", "{\"lunch\":1}", "'phases_ns.lunch' is not known"},
    {"noise", "{}", "'noise.steal_share' must be a number or null, but is missing"},
    {"proof", "7", "'proof' must be an object"},
};

static void put(json_t *root, const char *path, const char *value)
{
    char key[64], quoted[80];
    char *dot = strchr(path, '.');
    json_t *object = root;
    if (dot) {
        (void)snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
        object = json_object_get(root, key);
        path = dot + 1;
    }
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", path);
    json_t *name = json_loads(quoted, JSON_DECODE_ANY, NULL);
    cr_assert(name && object);
    if (*value)
        json_object_set_new(object, json_string_value(name), json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(object, json_string_value(name));
    json_decref(name);
}

Test(record, refuses_what_is_not_a_record_with_one_line_that_names_the_member)
{
    struct assay_record *r = small_record(), *out = calloc(1, sizeof *out);
    r->device.size = sizeof r->device;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct assay_error err = {0};
        json_t *json = assay_record_to_json(r);
        put(json, refusals[i].path, refusals[i].value);
        memset(out, 'x', sizeof *out);
        cr_expect_eq(assay_record_from_json(json, out, &err), ASSAY_DATA, "row %zu was taken", i);
        cr_expect(strstr(err.message, refusals[i].says), "row %zu says: %s", i, err.message);
        cr_expect_not(strpbrk(err.message, "\n\r\x1b"));
        cr_expect(!out->case_name[0] && out->n_counters == 0, "a refused record is empty");
        json_decref(json);
    }
    free(r);
    free(out);
}

Test(record, takes_comments_and_nothing_else_beside_its_members)
{
    struct assay_error err = {0};
    struct assay_record *r = small_record(), *out = calloc(1, sizeof *out);
    json_t *json = assay_record_to_json(r);
    json_object_set_new(json, "// seen", json_string("by a person"));
    json_object_set_new(json_object_get(json, "metrics"), "//", json_true());
    cr_expect_eq(assay_record_from_json(json, out, &err), ASSAY_OK, "%s", err.message);
    cr_expect(same(r, out));
    json_decref(json);
    cr_expect_eq(assay_record_from_json(NULL, out, &err), ASSAY_DATA);
    free(r);
    free(out);
}

Test(record, names_everything_once)
{
    enum assay_metric found;
    for (int i = 0; i < ASSAY_METRIC_COUNT; i++) {
        const struct assay_metric_row *row = assay_metric_row((enum assay_metric)i);
        cr_expect(assay_metric_find(row->name, &found) && (int)found == i);
        cr_expect(*row->unit && strlen(row->definition) > 10);
    }
    cr_expect_not(assay_metric_find("speed", &found));
    cr_expect_eq(assay_metric_row(ASSAY_METRIC_latency_ns)->better, ASSAY_BETTER_LOWER);
    cr_expect_eq(assay_metric_row(ASSAY_METRIC_flops_per_s)->better, ASSAY_BETTER_HIGHER);
    cr_expect_str_eq(assay_phase_name(ASSAY_PHASE_BUILD), "build");
    cr_expect_str_eq(assay_phase_name(ASSAY_PHASE_TIMED), "timed");
    cr_expect_str_eq(assay_phase_name(ASSAY_PHASE_CLOSE), "close");
    cr_expect_str_eq(assay_status_name(ASSAY_STATUS_TIMEOUT), "timeout");
    cr_expect_str_eq(assay_evidence_name(ASSAY_EVIDENCE_INSTRUMENT), "instrument");
    cr_expect_str_eq(assay_evidence_name((enum assay_evidence)0), "none");
}

Test(record, tells_evidence_from_origin_and_clock)
{
    struct assay_device_info d = {.origin = ASSAY_ORIGIN_REAL, .clock = ASSAY_CLOCK_HOST};
    cr_expect_eq(assay_evidence_of(&d), ASSAY_EVIDENCE_MEASURED);
    d.clock = ASSAY_CLOCK_MODEL; /* hardware that was not timed is no measurement */
    cr_expect_eq(assay_evidence_of(&d), ASSAY_EVIDENCE_MODELLED);
    d.origin = ASSAY_ORIGIN_SIMULATED;
    cr_expect_eq(assay_evidence_of(&d), ASSAY_EVIDENCE_SIMULATED);
    d.origin = ASSAY_ORIGIN_REFERENCE;
    cr_expect_eq(assay_evidence_of(&d), ASSAY_EVIDENCE_INSTRUMENT);
    cr_expect_eq((int)assay_evidence_of(&(struct assay_device_info){0}), 0);
}
