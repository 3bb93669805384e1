/* One step of a serving engine: the packed tokens of several sequences through a decoder with a paged cache. The engine (engine.h)
 * says what is in a step; a step target executes it: the decoder on a back end that computes values, or one on a model clock. */
#ifndef ASSAY_LOAD_SERVING_STEP_H
#define ASSAY_LOAD_SERVING_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/backend.h"
#include "assay/error.h"

/* A sequence's share of a step: `n` tokens at positions past .. past + n - 1, packed in this order. */
struct assay_step_sequence {
    uint64_t       request;
    uint32_t       past, n;
    const int32_t *tokens; /* n of them; NULL on a device that computes no values */
    const int32_t *blocks; /* its block table: ceil((past + n) / block_tokens) entries */
    bool           samples; /* the last of its tokens yields the next one */
};
struct assay_step {
    const struct assay_step_sequence *sequences;
    uint32_t n_sequences, n_tokens; /* n_tokens = sum of n */
    uint64_t earliest_ns;           /* model clock: not before */
};

struct assay_step_limits {
    uint32_t max_tokens, max_sequences; /* of the largest bucket compiled */
    uint32_t block_tokens, n_blocks;    /* of the cache */
    uint32_t max_context;
    enum assay_clock clock;
    bool     values; /* tokens come out */
};
struct assay_step_target {
    void *self;
    struct assay_step_limits limits;
    /* Executes the step to its end. next[i]: the token after sequence i's last one (greedy), where it samples and values are
     * computed. margin[i]: logit of that token less the runner-up's. Both may be NULL. */
    enum assay_code (*execute)(void *self, const struct assay_step *step, int32_t *next, float *margin, struct assay_span *span, struct assay_error *err);
};

#endif
