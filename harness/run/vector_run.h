/* Third-party vectors on a back end, in the worker: every case once. */
#ifndef ASSAY_RUN_VECTOR_RUN_H
#define ASSAY_RUN_VECTOR_RUN_H

#include <jansson.h>

#include "assay/error.h"

enum assay_vector_outcome {
    ASSAY_VECTOR_PASSED = 1,
    ASSAY_VECTOR_FAILED = 2,  /* another result, or the back end failed */
    ASSAY_VECTOR_NOT_RUN = 3, /* it cannot be read, or the back end does not take it */
};

/* Runs cases [{"folder": …, "set": 0}, …] in their order. *out is new: [{"outcome": 1, "op": …, "why": …}, …], as many. An
 * error: the back end does not open. */
enum assay_code assay_vector_run(const char *backend, const json_t *cases, json_t **out, struct assay_error *err);

#endif
