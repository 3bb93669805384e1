/* Candidates in memory, and policies as text. */
#ifndef ASSAY_JUDGE_TESTS_CANDIDATES_H
#define ASSAY_JUDGE_TESTS_CANDIDATES_H

#include "harness/base/arena.h"
#include "harness/judge/policy.h"
#include "harness/judge/qualify.h"
#include "harness/judge/summary_row.h"
#include "harness/store/tests/scratch.h"

#define CANDIDATE_CASE "gemm/m=64,n=64,k=64"
#define CANDIDATE_MOST 32

/* One back end that ran one case. Lives as long as its arena. */
struct candidate {
    struct assay_arena          arena;
    struct assay_record        *record[CANDIDATE_MOST];
    struct assay_verdict        verdict[CANDIDATE_MOST];
    const struct assay_verdict *judged[CANDIDATE_MOST];
    struct assay_summary_row    row;
    const char                 *backend;
    struct assay_summary        run;
};

/* Launches of CANDIDATE_CASE, measured on hardware, all outputs compared and right. */
static inline void candidate_begin(struct candidate *c, const double *latency_ns, size_t n)
{
    struct assay_case  parsed;
    struct assay_error err = {0};
    memset(c, 0, sizeof *c);
    cr_assert_eq(assay_case_parse(CANDIDATE_CASE, &parsed, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < n; i++) {
        struct assay_record *r = c->record[i] = assay_arena_take(&c->arena, 1, sizeof *r);
        memcpy(r->case_name, parsed.name, sizeof r->case_name);
        memcpy(r->id, parsed.id, sizeof r->id);
        (void)snprintf(r->backend, sizeof r->backend, "chip:0");
        r->launch = (uint32_t)i;
        r->status = ASSAY_STATUS_OK;
        r->evidence = ASSAY_EVIDENCE_MEASURED;
        r->device =
            (struct assay_device_info){.clock = ASSAY_CLOCK_DEVICE, .origin = ASSAY_ORIGIN_REAL, .name = "0", .product = "Chip"};
        r->metric[ASSAY_METRIC_latency_ns] =
            (struct assay_metric_value){.has_value = true, .value = latency_ns[i], .n = 9, .clock = ASSAY_CLOCK_DEVICE};
        (void)snprintf(r->repeat, sizeof r->repeat, "assay run it");
        c->verdict[i].check.outcome = ASSAY_PASS;
        c->verdict[i].check.assurance = ASSAY_ASSURANCE_FULL;
        c->judged[i] = &c->verdict[i];
    }
    c->row.n_launches = n;
    assay_case_release(&parsed);
}

static inline void candidate_end(struct candidate *c)
{
    c->row.launches = (const struct assay_record *const *)c->record;
    c->row.verdicts = c->judged;
    cr_assert(assay_summary_row_fill(&c->row, &c->arena));
    c->backend = c->record[0]->backend;
    c->run = (struct assay_summary){
        .rows = &c->row, .n_rows = 1, .backends = &c->backend, .n_backends = 1, .n_records = c->row.n_launches};
}

static inline void candidate_release(struct candidate *c)
{
    assay_arena_clear(&c->arena);
}

/* A rule, and a policy of rules and what else is given ("\"offers\": […],"). */
#define RULE(id, kind, rest)                                                                                                     \
    "{\"id\":\"" id "\",\"clause\":{\"document\":\"D\",\"number\":\"1\",\"text\":\"T\"},\"kind\":\"" kind                        \
    "\",\"division\":\"closed\",\"evidence\":\"measured\"," rest "}"
#define FIGURE                                                                                                                   \
    "\"test\":\"quantified\",\"case\":\"" CANDIDATE_CASE                                                                         \
    "\",\"metric\":\"latency_ns\",\"unit\":\"us\",\"threshold\":1,\"guard_band\":0.05"
#define POLICY(rest, rules)                                                                                                                      \
    "{\"format\":\"assay-policy/1\",\"name\":\"n\",\"about\":\"a\",\"software_freeze_date\":\"2026-01-01\",\"valid_until\":\"2026-12-31\"," rest \
    "\"rules\":[" rules "]}"

static inline enum assay_code policy_of(const struct scratch *s, const char *text, struct assay_policy *out,
                                        struct assay_error *err)
{
    const char *path = in(s, "policy.json");
    put_bytes(path, text, strlen(text));
    memset(err, 0, sizeof *err);
    return assay_policy_read(path, out, err);
}

#endif
