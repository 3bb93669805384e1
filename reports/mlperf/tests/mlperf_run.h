/* Run folders as long runs by the official profile would leave them: records and raw series made up, so that their logs can be looked at
 * without ten minutes for each. */
#ifndef ASSAY_MLPERF_TESTS_MLPERF_RUN_H
#define ASSAY_MLPERF_TESTS_MLPERF_RUN_H

#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/judge/tests/run_builder.h"
#include "harness/load/drive.h"
#include "harness/load/serving/metrics.h"
#include "harness/plan/plan.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define RESNET50 "resnet50.infer@"
#define RESNET50_SET "performance_samples=1024,total_samples=50000,profile="
#define LLAMA2 "decoder.serve/model=llama-2-70b,batch=8,packed=64,tokens=2048@"
#define LLAMA2_SET "performance_samples=24576,total_samples=24576,profile="
#define SERVED "+serving/prompt=uniform-100-200,output=uniform-10-20"
#define MADE_BACKEND "cuda:0"

/* A measured launch of that case; records and rows that follow are to be filled in. */
static inline struct assay_record *made_record(const char *name)
{
    static struct assay_record r;
    struct assay_case          c;
    struct assay_error         err = {0};
    memset(&r, 0, sizeof r);
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s", err.message);
    (void)assay_string_copy(r.case_name, sizeof r.case_name, c.name);
    (void)assay_string_copy(r.id, sizeof r.id, c.id);
    assay_case_release(&c);
    (void)assay_string_copy(r.backend, sizeof r.backend, MADE_BACKEND);
    (void)assay_string_copy(r.device.product, sizeof r.device.product, "Card <b>7\"");
    (void)assay_string_copy(r.repeat, sizeof r.repeat, "assay run \"it\"");
    r.status = ASSAY_STATUS_OK;
    r.evidence = ASSAY_EVIDENCE_MEASURED;
    r.device.clock = ASSAY_CLOCK_DEVICE;
    r.device.origin = ASSAY_ORIGIN_REAL;
    r.device.memory_bytes = 80000000000u;
    r.metric[ASSAY_METRIC_latency_ns] = (struct assay_metric_value){.has_value = true, .value = 5e6, .n = 700, .clock = ASSAY_CLOCK_DEVICE};
    r.metric[ASSAY_METRIC_latency_at_percentile_ns] = r.metric[ASSAY_METRIC_latency_ns];
    r.metric[ASSAY_METRIC_samples_per_s] = (struct assay_metric_value){.has_value = true, .value = 40, .n = 700};
    r.metric[ASSAY_METRIC_loadgen_valid] = (struct assay_metric_value){.has_value = true, .value = 1, .n = 700};
    r.load = (struct assay_load){.sets = 64, .every = 1};
    return &r;
}

static inline void made_file(const char *folder, const char *name, const void *rows, size_t bytes, char sha256[65])
{
    char path[700];
    (void)snprintf(path, sizeof path, "%.300s/%.200s", folder, name);
    put_bytes(path, rows, bytes); /* tests run on little-endian machines */
    assay_sha256_hex(rows, bytes, sha256);
}

/* n queries of that many samples, one each `gap_ns`, of 5 ms and some; of offline (every > 1) all at once, done one after another. */
static inline void made_queries(const char *folder, struct assay_record *r, size_t n, uint64_t gap_ns, uint32_t samples, uint64_t every)
{
    struct assay_query_row *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = every > 1 ? 0 : i * gap_ns, done = every > 1 ? (i + 1) * gap_ns : at + 5 * MS + i % 7 * 1000;
        rows[i] = (struct assay_query_row){.query = i * every, .scheduled_ns = at, .issued_ns = at, .completed_ns = done, .samples = samples};
        r->load.duration_ns = done > r->load.duration_ns ? done : r->load.duration_ns;
    }
    r->load.issued = r->load.completed = n * every;
    r->load.samples = n * every * samples;
    r->load.kept = n;
    r->load.every = every;
    assay_run_folder_queries_file(r->id, r->backend, r->launch, r->load.series_file);
    made_file(folder, r->load.series_file, rows, n * sizeof *rows, r->load.series_sha256);
    free(rows);
}

/* n requests of 10 tokens, 20 ms apart after 100 ms. */
static inline void made_served(const char *folder, struct assay_record *r, size_t n, uint64_t gap_ns, bool at_once)
{
    struct assay_served_row *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = at_once ? 0 : i * gap_ns, begin = i * gap_ns;
        rows[i] = (struct assay_served_row){.request = i, .scheduled_ns = at, .first_ns = begin + 100 * MS + i % 5, .last_ns = begin + 280 * MS + i % 5,
                                            .completed_ns = begin + 280 * MS + i % 5, .prompt_tokens = 100, .output_tokens = 10};
        r->load.duration_ns = rows[i].completed_ns;
    }
    r->load.issued = r->load.completed = r->load.samples = n;
    assay_run_folder_served_file(r->id, r->backend, r->launch, r->load.served_file);
    made_file(folder, r->load.served_file, rows, n * sizeof *rows, r->load.served_sha256);
    free(rows);
}

/* The folder of a run whose records are appended one by one. */
static inline void made_begin(struct builder *b, const char *path)
{
    struct assay_error err = {0};
    json_t *plan = json_pack("{s:{s:[], s:i, s:s}, s:[s]}", "suite", "cases", "seed", 7, "format", "assay-plan/1", "backends", MADE_BACKEND), *manifest = json_object();
    char    samples[300];
    memset(b, 0, sizeof *b);
    (void)snprintf(b->path, sizeof b->path, "%.120s", path);
    cr_assert_eq(assay_run_folder_create(b->path, manifest, plan, NULL, &b->folder, &err), ASSAY_OK, "%s", err.message);
    (void)snprintf(samples, sizeof samples, "%s/samples", b->path);
    (void)mkdir(samples, 0755);
    json_decref(plan);
    json_decref(manifest);
}

/* The cases that a closed submission of both benchmarks needs: six of `profile` with `seeds`. */
static inline void made_cases(struct builder *b, const char *profile, const char *audit)
{
    static const struct { const char *name; bool served; size_t n; uint64_t gap_ns; uint32_t samples; uint64_t every; const char *tests; } cases[] = {
        {RESNET50 "single_stream/" RESNET50_SET, false, 1024, 600 * MS, 1, 1, "TEST01 TEST04"},
        {RESNET50 "multi_stream/" RESNET50_SET, false, 1024, 600 * MS, 8, 1, "TEST01 TEST04"},
        {RESNET50 "server/qps=2,latency_ms=15," RESNET50_SET, false, 1024, 600 * MS, 1, 1, "TEST01 TEST04"},
        {RESNET50 "offline/" RESNET50_SET, false, 384, 1600 * MS, 1, 64, "TEST01 TEST04"},
        {LLAMA2 "interactive/qps=2,ttft_ms=2000,tpot_ms=200," LLAMA2_SET, true, 1024, 600 * MS, 1, 1, "TEST06"},
        {LLAMA2 "offline/" LLAMA2_SET, true, 24576, 30 * MS, 1, 1, "TEST06"},
    };
    char name[900];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (*audit && !strstr(cases[i].tests, audit))
            continue;
        (void)snprintf(name, sizeof name, "%s%s%s", cases[i].name, profile, cases[i].served ? SERVED : "");
        struct assay_record *r = made_record(name);
        if (cases[i].served)
            made_served(b->path, r, cases[i].n, cases[i].gap_ns, strstr(name, "@offline") != NULL);
        else
            made_queries(b->path, r, cases[i].n, cases[i].gap_ns, cases[i].samples, cases[i].every);
        (void)assay_string_copy(r->audit.test, sizeof r->audit.test, audit);
        if (*audit) {
            r->audit.logged = r->audit.equal = 100;
            r->audit.pairs = 7, r->audit.fresh_ns = 1000, r->audit.seen_ns = 990;
            r->audit.requests = r->audit.first_equal = r->audit.whole = r->audit.in_vocabulary = 100;
        }
        builder_append(b, r);
    }
}

#endif
