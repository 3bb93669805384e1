/* What load is issued to. A graph on a back end today; anything that can issue, poll and cancel. */
#ifndef ASSAY_LOAD_TARGET_H
#define ASSAY_LOAD_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "assay/backend.h"
#include "assay/error.h"

/* A query: which input set it has and where its result goes. Everything is prepared outside the timed region. */
struct assay_query {
    uint32_t slot;        /* index of the prepared bindings, where the caller prepared them */
    uint32_t n_samples;   /* of a scenario: what of the data set this execution is for; else 0 */
    uint32_t n_places;    /* of a scenario: size of the batch, with what is only computed because it is a batch's size; else 0 */
    const uint64_t *samples; /* indices, valid during the call */
    uint64_t earliest_ns; /* on a model clock: not before */
};

struct assay_target {
    void *self;
    enum assay_clock clock;
    /* Starts one query; *token names it until poll returns it. */
    enum assay_code (*issue)(void *self, const struct assay_query *q, uint64_t *token, struct assay_error *err);
    /* Waits until any query in flight is done. ASSAY_TIMEOUT if none was. */
    enum assay_code (*poll)(void *self, uint64_t timeout_ns, uint64_t *token, struct assay_span *span,
                            struct assay_error *err);
    /* Gives a query up; its result is not wanted. */
    void (*cancel)(void *self, uint64_t token);
};

#endif
