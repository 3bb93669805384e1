/* A run folder that holds whatever a report may meet: rows that are proved, wrong, not judged, modelled with and without a
 * point, noisy, crashed and missing; and texts that want to break out of every format. */
#ifndef ASSAY_REPORTS_TESTS_SAMPLE_RUN_H
#define ASSAY_REPORTS_TESTS_SAMPLE_RUN_H

#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/judge/tests/run_builder.h"

/* Markup, attributes, a comment, entities, cell and field separators, a formula, controls, a turned reading direction. */
#define HOSTILE "=x<script>alert(1)</script>\"' onload=\"y\" --> ]]> &lt; &bogus; | ` ; ,\t\x01\x1b[31m \xE2\x80\xAE*_[a](b)"
#define HOSTILE_CASE "gemm/<img src=x onerror=y>&\"'|`,b=\x01"
#define SAMPLE_MODEL "model:m300"

enum { SAMPLE_PROVED, SAMPLE_FAILED, SAMPLE_NOISY, SAMPLE_CRASHED, SAMPLE_HOSTILE, SAMPLE_MISSING, SAMPLE_CASES };

static inline void sample_text(char *to, size_t bytes, const char *text)
{
    (void)assay_string_copy(to, bytes, text); /* as much as there is room for */
}
#define SAMPLE_TEXT(field, text) sample_text((field), sizeof(field), (text))

static inline struct assay_record *sample_record(unsigned i, const char *backend, uint32_t launch, double latency_ns)
{
    struct assay_record *r = builder_record(i, backend, launch, latency_ns);
    r->device.origin = ASSAY_ORIGIN_REAL;
    r->device.clock = ASSAY_CLOCK_HOST;
    r->device.queues = 1;
    SAMPLE_TEXT(r->device.name, "host");
    SAMPLE_TEXT(r->device.product, "Imaginary 7");
    SAMPLE_TEXT(r->device.vendor, "Nobody");
    r->metric[ASSAY_METRIC_peak_share] = (struct assay_metric_value){.has_value = true, .value = 0.843};
    r->metric[ASSAY_METRIC_ceiling_flops_per_s] = (struct assay_metric_value){.has_value = true, .value = 2.5e9};
    r->metric[ASSAY_METRIC_ceiling_bytes_per_s] = (struct assay_metric_value){.has_value = true, .value = 1e9};
    r->metric[ASSAY_METRIC_latency_spread] = (struct assay_metric_value){.has_value = true, .value = 0.012};
    SAMPLE_TEXT(r->metric[ASSAY_METRIC_energy_joules].why, "no meter was found");
    r->proof = (struct assay_proof){.sets = 8, .iterations = 100, .chosen = 4};
    return r;
}

static inline void sample_judge(struct builder *b, const struct assay_record *r, enum assay_outcome outcome)
{
    builder_judge(b, r, outcome);
    struct assay_check *c = &b->verdicts[b->n_verdicts - 1].check;
    c->assurance = ASSAY_ASSURANCE_FULL;
    c->elements = c->of_elements = 64;
    c->worst_ratio = outcome == ASSAY_FAIL ? 31.5 : 0.25;
    c->median_ratio = 0.03;
    SAMPLE_TEXT(c->worst_value, "C");
    c->worst_index = 7;
    c->worst_bound = 1e-6;
    c->iterations = 100, c->chosen = 4, c->judged = 4;
    c->smallest_fault = 2e-6;
    c->cheat_share_found = 0.527;
}

/* The samples of a launch as the worker leaves them. */
static inline void sample_samples(struct builder *b, struct assay_record *r, const uint64_t *samples, size_t n)
{
    char path[400];
    assay_run_folder_file("samples", r->id, r->backend, r->launch, r->samples_file);
    (void)snprintf(path, sizeof path, "%s/%.160s", b->path, r->samples_file);
    put_bytes(path, samples, n * sizeof *samples); /* tests run on little-endian machines */
    assay_sha256_hex(samples, n * sizeof *samples, r->samples_sha256);
}

static inline void sample_measured(struct builder *b, unsigned i, const char *backend, enum assay_outcome outcome, enum assay_evidence evidence)
{
    static const double medians[] = {1000, 1020, 990};
    for (uint32_t k = 0; k < 3; k++) {
        uint64_t             samples[40];
        struct assay_record *r = sample_record(i, backend, k, medians[k]);
        for (size_t s = 0; s < 40; s++)
            samples[s] = (uint64_t)medians[k] + 3 * s;
        r->evidence = evidence;
        sample_samples(b, r, samples, 40);
        builder_append(b, r);
        if (outcome)
            sample_judge(b, r, k == 1 ? outcome : ASSAY_PASS);
    }
}

/* A point with its range in `i`; of grade D, a range and no point, in i + 1. */
static inline void sample_modelled(struct builder *b, unsigned i)
{
    for (unsigned d = 0; d < 2; d++) {
        struct assay_record *r = sample_record(i + d, SAMPLE_MODEL, 0, 500);
        r->evidence = ASSAY_EVIDENCE_MODELLED;
        r->device.origin = ASSAY_ORIGIN_MODELLED;
        r->device.clock = ASSAY_CLOCK_MODEL;
        SAMPLE_TEXT(r->grade, d ? "D" : "C");
        memset(&r->metric[ASSAY_METRIC_peak_share], 0, sizeof r->metric[0]);
        r->metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){
            .has_value = !d, .value = d ? 0 : 500, .has_interval = true, .low = 437.5, .high = 612.5, .level = 0.8, .clock = ASSAY_CLOCK_MODEL};
        if (d)
            SAMPLE_TEXT(r->metric[ASSAY_METRIC_latency_ns].why, "the peak of the device is assumed");
        r->influences[0] = (struct assay_influence){.share = 0.75, .low = 1.25, .high = 0.5};
        SAMPLE_TEXT(r->influences[0].name, d ? "<b>&" : "memory_bytes_per_s");
        SAMPLE_TEXT(r->influences[0].from, "assumed");
        builder_append(b, r);
        sample_judge(b, r, ASSAY_PASS);
    }
}

static inline void sample_noisy_and_crashed(struct builder *b)
{
    struct assay_record *r = sample_record(SAMPLE_NOISY, "cpu:host,threads=2", 0, 2000);
    SAMPLE_TEXT(r->noise_complaint, "other programs had 30 % of our cores");
    builder_append(b, r);
    sample_judge(b, r, ASSAY_MARGINAL);
    r = sample_record(SAMPLE_CRASHED, "cpu:host,threads=2", 0, 0);
    memset(r->metric, 0, sizeof r->metric);
    r->status = ASSAY_STATUS_CRASHED;
    SAMPLE_TEXT(r->reason, "the worker was ended by signal 11");
    (void)ASSAY_FAIL(&r->error, ASSAY_DEVICE, "driver said " HOSTILE);
    assay_error_in(&r->error, "running '%s'", HOSTILE);
    builder_append(b, r);
}

/* Everything a plug-in or a host may say, said badly; and a case that it declines. */
static inline void sample_hostile(struct builder *b, const char *backend)
{
    struct assay_record *r = sample_record(SAMPLE_HOSTILE, backend, 0, 3000);
    SAMPLE_TEXT(r->case_name, HOSTILE_CASE);
    SAMPLE_TEXT(r->device.name, HOSTILE);
    SAMPLE_TEXT(r->device.product, HOSTILE);
    SAMPLE_TEXT(r->device.vendor, HOSTILE);
    SAMPLE_TEXT(r->device.serial, HOSTILE);
    SAMPLE_TEXT(r->device.firmware, HOSTILE);
    SAMPLE_TEXT(r->device.how_known, HOSTILE);
    SAMPLE_TEXT(r->compiled, HOSTILE);
    SAMPLE_TEXT(r->energy_source, HOSTILE);
    SAMPLE_TEXT(r->repeat, HOSTILE);
    SAMPLE_TEXT(r->noise_complaint, HOSTILE);
    SAMPLE_TEXT(r->metric[ASSAY_METRIC_energy_joules].why, HOSTILE);
    r->n_counters = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct assay_counter *c = &r->counters[i];
        *c = (struct assay_counter){.status = i ? ASSAY_COUNTER_UNAVAILABLE : ASSAY_COUNTER_OK, .value = 12};
        SAMPLE_TEXT(c->name, i ? "no\"<b>" : "<b>&\"'");
        SAMPLE_TEXT(c->provider, "<i>\"&'`|");
        SAMPLE_TEXT(c->unit, "<u>&");
        if (i)
            SAMPLE_TEXT(c->why, HOSTILE);
    }
    builder_append(b, r);
    sample_judge(b, r, ASSAY_UNTRUSTED);
    SAMPLE_TEXT(b->verdicts[b->n_verdicts - 1].check.why, HOSTILE);
    SAMPLE_TEXT(b->verdicts[b->n_verdicts - 1].check.worst_value, "<b>&\"|`");
    r = record_of(SAMPLE_PROVED, 0);
    memset(r->metric, 0, sizeof r->metric);
    SAMPLE_TEXT(r->backend, backend);
    SAMPLE_TEXT(r->reason, HOSTILE);
    r->status = ASSAY_STATUS_UNSUPPORTED;
    builder_append(b, r);
}

static inline json_t *sample_manifest(void)
{
    json_t *m = json_pack("{s:s, s:s, s:{s:s, s:{s:n, s:s}, s:[{s:s, s:i}, {s:s, s:f}]}, s:i, s:[s, s, s], s:[], s:b, s:[s, s]}", "suite", HOSTILE,
                          "created", "2024-05-06T07:08:09Z", "host", "hostname", HOSTILE, "bios", "value", "why", HOSTILE, "caches", "name", HOSTILE,
                          "bytes", 32768, "name", "L2", "share", 0.5, "seed", 7, "arguments", "assay", "run", HOSTILE, "empty", "quiet", 1, "list", "a", HOSTILE);
    cr_assert(m);
    json_object_set_new(m, HOSTILE, json_string("a key may be hostile too"));
    return m;
}

/* The whole run in `s` under `name`, read as a report reads it. Release the summary, then remove the scratch. */
static inline void sample_run(struct builder *b, const struct scratch *s, const char *name, struct assay_summary *out)
{
    struct assay_error err = {0};
    json_t            *plan = builder_plan(SAMPLE_CASES, "cpu:host,threads=2", NULL), *manifest = sample_manifest();
    json_t            *last = json_array_get(json_object_get(json_object_get(plan, "suite"), "cases"), SAMPLE_MISSING);
    json_object_set_new(last, "case", json_string("conv/" HOSTILE));
    memset(b, 0, sizeof *b);
    (void)snprintf(b->path, sizeof b->path, "%s/%.40s", s->path, name);
    cr_assert_eq(assay_run_folder_create(b->path, manifest, plan, NULL, &b->folder, &err), ASSAY_OK, "%s", err.message);
    json_decref(plan);
    json_decref(manifest);
    sample_measured(b, SAMPLE_PROVED, "cpu:host,threads=2", ASSAY_PASS, ASSAY_EVIDENCE_MEASURED);
    sample_measured(b, SAMPLE_FAILED, "cpu:host,threads=2", ASSAY_FAIL, ASSAY_EVIDENCE_MEASURED);
    sample_measured(b, SAMPLE_PROVED, "null:null", 0, ASSAY_EVIDENCE_INSTRUMENT);
    sample_modelled(b, SAMPLE_FAILED);
    sample_noisy_and_crashed(b);
    sample_hostile(b, "cpu:host," HOSTILE);
    builder_end(b, out);
}

#endif
