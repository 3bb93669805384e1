/* One level of validation of a back end: a plan that is run there as any run, into a folder, to be judged. */
#ifndef ASSAY_JUDGE_LEVEL_H
#define ASSAY_JUDGE_LEVEL_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/plan/plan.h"

struct assay_level_request {
    const char *backend;
    const char *folder;     /* of the run; what is there already is not run again */
    uint64_t    timeout_ns; /* of one case; 0: the plan's */
    int64_t     seed;       /* -1: the plan's */
    const char *const *arguments; /* of the program, for the manifest */
    size_t             n_arguments;
    const volatile sig_atomic_t *stop;
    void (*progress)(void *self, size_t done, size_t all, const char *line); /* may be NULL */
    void *self;
};

/* Runs the plan, whose seed and limits become the request's. */
enum assay_code assay_level_run(const struct assay_level_request *request, struct assay_plan *plan, struct assay_error *err);

#endif
