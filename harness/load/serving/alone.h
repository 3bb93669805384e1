/* A request by itself: what a served one's tokens are compared with. Its prompt in as few steps as there can be, then a token a step,
 * nothing beside it, blocks of its own. */
#ifndef ASSAY_LOAD_SERVING_ALONE_H
#define ASSAY_LOAD_SERVING_ALONE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/serving/step.h"

/* tokens: the prompt, and room for n_output behind it. margin: of each output token, n_output of them; may be NULL. *clock_ns: on a
 * model clock where it stands, moved on. The cache's blocks 0, 1, … are overwritten: nobody else may hold them.
 * ASSAY_CONFIG: it fits into neither cache nor context. */
enum assay_code assay_alone_generate(const struct assay_step_target *target, int32_t *tokens, uint32_t n_prompt, uint32_t n_output,
                                     float *margin, uint64_t *clock_ns, struct assay_error *err);

/* Are n output tokens those of the request alone? Where they part, *at is which, *parting the margin there: small enough, and both
 * are right (harness/judge). Behind it nothing can be compared. */
bool assay_alone_is_equal(const int32_t *served, const int32_t *alone, const float *margin, uint32_t n, uint32_t *at, float *parting);

#endif
