/* Whole models on a back end, as `assay validate --level model` asks: each case in a worker process of its own
 * (harness/run/model_run.h). What was found is a document; model_findings.h reads it. */
#ifndef ASSAY_JUDGE_MODEL_H
#define ASSAY_JUDGE_MODEL_H

#include <jansson.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"

#define ASSAY_MODEL_FORMAT "assay-model/1"

struct assay_model_request {
    const char              *backend;
    const struct assay_plan *plan;
    uint64_t                 timeout_ns; /* of one case; 0: that of the case */
    const char *const       *arguments;  /* of the program, for the manifest */
    size_t                   n_arguments;
    const volatile sig_atomic_t *stop;   /* may be NULL */
    void (*progress)(void *self, size_t done, size_t all, const char *case_name); /* may be NULL */
    void *self;
};

/* Runs all cases of the plan, one after the other: one that crashes, hangs or is not taken costs itself only. *out is new:
 * {"format", "manifest", "cases": what the worker found of each, with "case", "outcome" and "why"}. ASSAY_CONFIG: there is no such
 * back end. ASSAY_INTERRUPTED: stopped. */
enum assay_code assay_model(const struct assay_model_request *request, json_t **out, struct assay_error *err);

#endif
