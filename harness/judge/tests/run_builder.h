/* Run folders with chosen figures, written as a run writes them. */
#ifndef ASSAY_JUDGE_TESTS_RUN_BUILDER_H
#define ASSAY_JUDGE_TESTS_RUN_BUILDER_H

#include "harness/judge/summary.h"
#include "harness/store/tests/scratch.h"

struct builder {
    char                     path[128];
    struct assay_run_folder *folder;
    struct assay_verdict     verdicts[160];
    size_t                   n_verdicts;
};

/* {"suite": {"cases": […]}, "backends": […]} of cases 0 .. n-1. */
static inline json_t *builder_plan(unsigned n_cases, const char *backend_a, const char *backend_b)
{
    json_t *cases = json_array(), *backends = json_pack("[s]", backend_a);
    for (unsigned i = 0; i < n_cases; i++) {
        struct assay_record *r = record_of(i, 0);
        json_array_append_new(cases, json_pack("{s:s, s:s}", "case", r->case_name, "id", r->id));
    }
    if (backend_b)
        json_array_append_new(backends, json_string(backend_b));
    return json_pack("{s:{s:o}, s:o}", "suite", "cases", cases, "backends", backends);
}

static inline void builder_begin(struct builder *b, const struct scratch *s, const char *name, json_t *plan)
{
    struct assay_error err = {0};
    json_t            *manifest = json_object();
    memset(b, 0, sizeof *b);
    (void)snprintf(b->path, sizeof b->path, "%s/%.40s", s->path, name);
    cr_assert_eq(assay_run_folder_create(b->path, manifest, plan, NULL, &b->folder, &err), ASSAY_OK, "%s", err.message);
    json_decref(manifest);
    json_decref(plan);
}

/* An ok launch with a latency and its rates, to be changed and appended. */
static inline struct assay_record *builder_record(unsigned i, const char *backend, uint32_t launch, double latency_ns)
{
    struct assay_record *r = record_of(i, launch);
    (void)snprintf(r->backend, sizeof r->backend, "%s", backend);
    r->metric[ASSAY_METRIC_latency_ns].value = latency_ns;
    r->flops = 2000, r->read_bytes = 300, r->written_bytes = 100, r->items = 8;
    const double work[] = {2000, 400, 8};
    for (int k = 0; k < 3; k++)
        r->metric[ASSAY_METRIC_flops_per_s + k] =
            (struct assay_metric_value){.has_value = true, .value = work[k] * 1e9 / latency_ns};
    return r;
}

static inline void builder_append(struct builder *b, const struct assay_record *r)
{
    struct assay_error err = {0};
    cr_assert_eq(assay_run_folder_append(b->folder, r, &err), ASSAY_OK, "%s", err.message);
}

static inline void builder_judge(struct builder *b, const struct assay_record *r, enum assay_outcome outcome)
{
    struct assay_verdict *v = &b->verdicts[b->n_verdicts++];
    cr_assert_leq(b->n_verdicts, sizeof b->verdicts / sizeof *b->verdicts);
    memcpy(v->case_name, r->case_name, sizeof v->case_name);
    memcpy(v->id, r->id, sizeof v->id);
    memcpy(v->backend, r->backend, sizeof v->backend);
    v->launch = r->launch;
    v->check.outcome = outcome;
    (void)snprintf(v->check.why, sizeof v->check.why, "judged %d in launch %u", (int)outcome, r->launch);
}

/* Launches 0 .. n-1 of case i with these medians, each judged unless outcome is 0. */
static inline void builder_launches(struct builder *b, unsigned i, const char *backend, const double *medians, size_t n,
                                    enum assay_outcome outcome)
{
    for (size_t k = 0; k < n; k++) {
        struct assay_record *r = builder_record(i, backend, (uint32_t)k, medians[k]);
        builder_append(b, r);
        if (outcome)
            builder_judge(b, r, outcome);
    }
}

/* Closes the folder and reads it as everybody does. */
static inline void builder_end(struct builder *b, struct assay_summary *out)
{
    struct assay_error err = {0};
    assay_run_folder_close(b->folder);
    if (b->n_verdicts > 0)
        cr_assert_eq(assay_verdicts_write(b->path, b->verdicts, b->n_verdicts, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_summary_read(b->path, out, &err), ASSAY_OK, "%s", err.message);
}

#endif
