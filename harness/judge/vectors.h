/* Third-party vectors on a back end, as `assay validate --vectors` prints them. Every folder with a model.onnx and a
 * test_data_set_0 is a case, and one more for each further set. */
#ifndef ASSAY_JUDGE_VECTORS_H
#define ASSAY_JUDGE_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/run/vector_run.h"

struct assay_vector_result {
    char                      name[256]; /* the folder below the one that was given; of further sets with "/test_data_set_1" */
    char                      op[64];    /* that the case is about; empty: its model could not be read */
    enum assay_vector_outcome outcome;
    char                      why[256];
};

struct assay_vectors_request {
    const char *backend;
    const char *folder;
    uint64_t    timeout_ns; /* of one case */
    void (*progress)(void *self, size_t done, size_t all, const char *name); /* may be NULL */
    void *self;
};

/* Runs all cases in worker processes, in the order of their names: one that crashes or hangs costs itself only. *out is newly
 * allocated. ASSAY_CONFIG: there is no such folder, no case in it, or no such back end. */
enum assay_code assay_vectors(const struct assay_vectors_request *request, struct assay_vector_result **out, size_t *n,
                              struct assay_error *err);

#endif
