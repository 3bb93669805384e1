/* Does a plug-in keep its side of the agreement? The same checks for every back end, as `assay conformance` prints them:
 * the calls a host may make (harness/run/contract.h), then small cases of every workload, run and judged as in any run. */
#ifndef ASSAY_JUDGE_CONFORMANCE_H
#define ASSAY_JUDGE_CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

enum assay_conformity {
    ASSAY_CONFORMS = 1,
    ASSAY_CONFORMS_NOT = 2,
    ASSAY_CONFORMITY_NOT_CHECKED = 3, /* does not apply, or the back end says it does not take it: with the reason */
};
struct assay_conformity_finding {
    char                  what[560]; /* a check's sentence, or a case's name */
    enum assay_conformity outcome;
    char                  why[256];
};

struct assay_conformity_request {
    const char *backend;    /* name or path, with options */
    const char *folder;     /* an empty or missing folder for the run; kept when something does not conform */
    uint64_t    timeout_ns; /* of one case */
    bool        all;        /* go on after three cases that do not conform */
    void (*progress)(void *self, const char *what);
    void *self;
};

/* *out is newly allocated. An error: the plug-in could not be loaded or opened at all, with the reason. */
enum assay_code assay_conformance(const struct assay_conformity_request *request, struct assay_conformity_finding **out,
                                  size_t *n, struct assay_error *err);

#endif
