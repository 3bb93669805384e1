#include "harness/judge/conformance.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/verdict.h"
#include "harness/plan/plan.h"
#include "harness/run/job.h"
#include "harness/run/launcher.h"

#include "assay/banned.h"

#define ENOUGH_FAILURES 3

/* Small enough that every output element is compared, odd enough that tails and strides matter. The first is run long
 * enough to see drift and growth. */
static const char *const cases[] = {
    "gemm/m=32,n=32,k=32",
    "gemm/m=17,n=19,k=23",
    "gemm/m=9,n=65,k=128,transpose_b=true",
    "gemm/m=33,n=7,k=64,transpose_a=true",
    "gemv/n=129,k=257",
    "conv/batch=2,channels=5,height=9,width=11,filters=7",
    "conv/batch=1,channels=8,height=12,width=12,filters=16,kernel_height=1,kernel_width=1,pad_height=0,pad_width=0,stride_height=2,stride_width=2",
    "attention.prefill/heads=4,kv_heads=2,head_dim=16,tokens=37",
    "attention.decode/batch=3,heads=4,kv_heads=2,head_dim=16,tokens=65",
    "norm/kind=layer,rows=13,columns=77",
    "norm/kind=rms,rows=13,columns=77",
    "softmax/rows=13,columns=77",
    "elementwise/op=add,elements=1003",
    "elementwise/op=mul,elements=1003",
    "elementwise/op=div,elements=1003",
    "elementwise/op=sqrt,elements=1003",
    "elementwise/op=exp,elements=1003",
    "elementwise/op=log,elements=1003",
    "elementwise/op=erf,elements=1003",
    "elementwise/op=tanh,elements=1003",
    "elementwise/op=sigmoid,elements=1003",
    "elementwise/op=relu,elements=1003",
    "elementwise/op=gelu,elements=1003",
    "elementwise/op=swish,elements=1003",
    "reduce/op=sum,rows=31,columns=53",
    "reduce/op=mean,rows=31,columns=53,axis=0",
    "reduce/op=max,rows=31,columns=53",
    "transpose/rows=31,columns=53",
    "memory/kind=copy,bytes=65536",
};

struct conformance {
    const struct assay_conformity_request *with;
    struct assay_conformity_finding       *finding;
    size_t                                 n, failures;
    volatile sig_atomic_t                  stop;
};

static void add(struct conformance *c, const char *what, enum assay_conformity outcome, const char *why)
{
    struct assay_conformity_finding *more = realloc(c->finding, (c->n + 1) * sizeof *more);
    if (!more)
        return;
    c->finding = more;
    struct assay_conformity_finding *f = &c->finding[c->n++];
    f->outcome = outcome;
    (void)assay_string_copy(f->what, sizeof f->what, what);
    (void)assay_string_copy(f->why, sizeof f->why, why);
    c->failures += outcome == ASSAY_CONFORMS_NOT;
}

/* The contract, in a worker of its own: what crashes or hangs there does not conform. */
static enum assay_code contract(struct conformance *c, struct assay_error *err)
{
    struct assay_job_watch  watch = {.timeout_ns = c->with->timeout_ns};
    struct assay_job_result result;
    json_t *job = json_pack("{s:s, s:s}", "do", "contract", "backend", c->with->backend);
    if (c->with->progress)
        c->with->progress(c->with->self, "the contract of the calls");
    if (assay_job_run(job, &watch, &result, err))
        return err->code;
    if (result.end != ASSAY_JOB_ANSWERED) {
        add(c, "the calls a host may make", ASSAY_CONFORMS_NOT, result.error.message);
    } else {
        const json_t *list = json_object_get(result.answer, "findings");
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *f = json_array_get(list, i);
            bool          holds = json_is_true(json_object_get(f, "holds")), applies = json_is_true(json_object_get(f, "applies"));
            add(c, assay_json_text_of(f, "what"), !applies ? ASSAY_CONFORMITY_NOT_CHECKED : holds ? ASSAY_CONFORMS : ASSAY_CONFORMS_NOT,
                assay_json_text_of(f, "why"));
        }
    }
    assay_job_release(&result);
    return ASSAY_OK;
}

static void on_begin(void *self, const struct assay_run_step *step)
{
    struct conformance *c = self;
    if (c->with->progress)
        c->with->progress(c->with->self, step->what->name);
}

/* After a few crashes or hangs the rest would only cost time. */
static void on_done(void *self, const struct assay_run_step *step, const struct assay_record *record)
{
    struct conformance *c = self;
    (void)step;
    bool bad = record->status == ASSAY_STATUS_CRASHED || record->status == ASSAY_STATUS_TIMEOUT || record->status == ASSAY_STATUS_ERROR;
    if (bad)
        c->failures++;
    if (c->failures >= ENOUGH_FAILURES && !c->with->all)
        c->stop = 1;
}

static enum assay_code make_plan(const struct conformance *c, struct assay_plan *plan, struct assay_error *err)
{
    assay_plan_init(plan);
    (void)assay_string_copy(plan->name, sizeof plan->name, "conformance");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (assay_plan_add(plan, cases[i], err))
            return err->code;
        plan->cases[i].repeat = (struct assay_repeat){.launches = 1, .min_runs = 64, .min_ns = i ? 20000000 : 200000000,
                                                      .max_ns = c->with->timeout_ns / 2, .timeout_ns = c->with->timeout_ns};
    }
    return ASSAY_OK;
}

static void judge_one(struct conformance *c, const struct assay_verdict *v, const struct assay_record *record)
{
    bool values = record->device.traits & ASSAY_TRAIT_VALUES;
    enum assay_outcome outcome = v->check.outcome;
    if (record->status == ASSAY_STATUS_UNSUPPORTED)
        add(c, v->case_name, ASSAY_CONFORMITY_NOT_CHECKED, *record->reason ? record->reason : "not supported");
    else if (record->status != ASSAY_STATUS_OK)
        add(c, v->case_name, ASSAY_CONFORMS_NOT, record->reason);
    else if (outcome == ASSAY_PASS || outcome == ASSAY_MARGINAL)
        add(c, v->case_name, ASSAY_CONFORMS, v->check.why);
    else if (outcome == ASSAY_NOT_CHECKED && !values)
        add(c, v->case_name, ASSAY_CONFORMITY_NOT_CHECKED, v->check.why);
    else
        add(c, v->case_name, ASSAY_CONFORMS_NOT, v->check.why);
}

static enum assay_code judge(struct conformance *c, struct assay_error *err)
{
    struct assay_run_folder *folder = NULL;
    struct assay_verdict    *verdicts = NULL;
    size_t                   n = 0, n_records = 0;
    c->failures = 0;
    if (!assay_run_folder_read(c->with->folder, &folder, err) && !assay_validate_run(folder, NULL, NULL, &verdicts, &n, err)) {
        const struct assay_record *records = assay_run_folder_records(folder, &n_records);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n_records; k++)
                if (!strcmp(records[k].id, verdicts[i].id))
                    judge_one(c, &verdicts[i], &records[k]);
    }
    free(verdicts);
    assay_run_folder_close(folder);
    return err->code;
}

static enum assay_code run_cases(struct conformance *c, struct assay_error *err)
{
    struct assay_plan       plan;
    struct assay_run_counts counts;
    if (make_plan(c, &plan, err)) {
        assay_plan_release(&plan);
        return err->code;
    }
    struct assay_run_request request = {.plan = &plan, .backends = &c->with->backend, .n_backends = 1, .folder = c->with->folder,
                                        .stop = &c->stop, .begin = on_begin, .done = on_done, .self = c};
    enum assay_code code = assay_run(&request, &counts, err);
    size_t          left = counts.steps - counts.ran;
    assay_plan_release(&plan);
    if (code == ASSAY_INTERRUPTED && c->stop) {
        memset(err, 0, sizeof *err);
        code = ASSAY_OK;
    }
    if (code || judge(c, err))
        return err->code;
    if (left) {
        char why[96];
        (void)snprintf(why, sizeof why, "not run after %d cases ended badly", ENOUGH_FAILURES);
        char what[32];
        (void)snprintf(what, sizeof what, "%zu more cases", left);
        add(c, what, ASSAY_CONFORMITY_NOT_CHECKED, why);
    }
    return ASSAY_OK;
}

/* A plug-in that takes nothing has shown nothing. */
static void took_something(struct conformance *c)
{
    bool any = false;
    for (size_t i = 0; i < c->n; i++)
        any = any || (strchr(c->finding[i].what, '/') && c->finding[i].outcome != ASSAY_CONFORMITY_NOT_CHECKED);
    if (!any && !c->failures)
        add(c, "results of cases", ASSAY_CONFORMITY_NOT_CHECKED, "no case gave values to judge");
}

enum assay_code assay_conformance(const struct assay_conformity_request *request, struct assay_conformity_finding **out,
                                  size_t *n, struct assay_error *err)
{
    struct conformance c = {.with = request};
    json_t            *probe = NULL;
    if (assay_job_probe(request->backend, request->timeout_ns, &probe, err))
        return err->code;
    add(&c, "it loads, agrees on the ABI, and finds a device", ASSAY_CONFORMS, assay_json_text_of(probe, "backend"));
    json_decref(probe);
    if (contract(&c, err) || run_cases(&c, err)) {
        free(c.finding);
        return err->code;
    }
    took_something(&c);
    *out = c.finding;
    *n = c.n;
    return ASSAY_OK;
}
