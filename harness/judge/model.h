/* Whole models on a back end, as `assay validate --level model` prints them: each case in a worker process of its own
 * (harness/run/model_run.h). */
#ifndef ASSAY_JUDGE_MODEL_H
#define ASSAY_JUDGE_MODEL_H

#include <jansson.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"
#include "harness/verify/check.h"

struct assay_model_result {
    char               case_name[ASSAY_CASE_NAME_BYTES];
    enum assay_outcome outcome;
    char               why[1800];
    json_t            *found; /* owned: what the worker found; NULL: it found nothing, see why */
};

struct assay_model_request {
    const char              *backend;
    const struct assay_plan *plan;
    uint64_t                 timeout_ns; /* of one case; 0: that of the case */
    const volatile sig_atomic_t *stop;   /* may be NULL */
    void (*progress)(void *self, size_t done, size_t all, const char *case_name); /* may be NULL */
    void *self;
};

/* Runs all cases of the plan, one after the other: one that crashes, hangs or is not taken costs itself only. *out is new, as
 * many as the plan has cases; free it with assay_model_free. ASSAY_CONFIG: there is no such back end. ASSAY_INTERRUPTED: stopped. */
enum assay_code assay_model(const struct assay_model_request *request, struct assay_model_result **out, struct assay_error *err);
void            assay_model_free(struct assay_model_result *results, size_t n);

#endif
