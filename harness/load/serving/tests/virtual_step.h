/* Step targets for tests. The time of a step is a + b tokens + c context on a model clock. One that computes values has a cache of
 * tokens in blocks, reads a sequence back through its table, and makes the next token of all it reads: a wrong block, a wrong
 * position or a token not computed gives another answer. */
#ifndef ASSAY_LOAD_SERVING_TESTS_VIRTUAL_STEP_H
#define ASSAY_LOAD_SERVING_TESTS_VIRTUAL_STEP_H

#include <stdlib.h>
#include <string.h>

#include "harness/load/serving/step.h"

#define VOCABULARY 1000

struct virtual_step {
    struct assay_step_target target;
    uint64_t a_ns, b_ns, c_ns; /* of a step, a token in it, a token before it */
    uint64_t free_ns;          /* the device, from then on */
    uint64_t steps, fail_step; /* the n-th (from 1) fails; 0: none */
    uint32_t most_sequences, most_tokens;
    int32_t *cache;            /* NULL: no values */
    uint64_t wrong;            /* rows that no engine may give */
};

static inline int32_t virtual_token(const int32_t *tokens, uint32_t n)
{
    uint64_t h = 14695981039346656037u;
    for (uint32_t i = 0; i < n; i++)
        h = (h ^ (uint64_t)(uint32_t)tokens[i]) * 1099511628211u;
    return (int32_t)(h >> 33) % VOCABULARY;
}

static inline int32_t virtual_next(struct virtual_step *v, const struct assay_step_sequence *s)
{
    uint32_t each = v->target.limits.block_tokens, n = s->past + s->n;
    int32_t  all[4096];
    for (uint32_t i = s->past; i < n; i++)
        v->cache[(uint32_t)s->blocks[i / each] * each + i % each] = s->tokens[i - s->past];
    for (uint32_t i = 0; i < n; i++)
        all[i] = v->cache[(uint32_t)s->blocks[i / each] * each + i % each];
    return virtual_token(all, n);
}

static inline enum assay_code virtual_execute(void *self, const struct assay_step *step, int32_t *next, float *margin, struct assay_span *span,
                                       struct assay_error *err)
{
    struct virtual_step *v = (struct virtual_step *)self;
    uint64_t             context = 0, tokens = 0;
    (void)margin;
    if (++v->steps == v->fail_step)
        return ASSAY_FAIL(err, ASSAY_DEVICE, "the device is gone");
    for (uint32_t i = 0; i < step->n_sequences; i++) {
        const struct assay_step_sequence *s = &step->sequences[i];
        v->wrong += !s->n || s->past + s->n > v->target.limits.max_context;
        context += s->past;
        tokens += s->n;
        if (v->cache)
            next[i] = virtual_next(v, s);
    }
    v->wrong += tokens != step->n_tokens || tokens > v->target.limits.max_tokens || step->n_sequences > v->target.limits.max_sequences;
    v->most_sequences = step->n_sequences > v->most_sequences ? step->n_sequences : v->most_sequences;
    v->most_tokens = step->n_tokens > v->most_tokens ? step->n_tokens : v->most_tokens;
    span->clock = ASSAY_CLOCK_MODEL;
    span->begin_ns = step->earliest_ns > v->free_ns ? step->earliest_ns : v->free_ns;
    span->end_ns = v->free_ns = span->begin_ns + v->a_ns + v->b_ns * tokens + v->c_ns * context;
    return ASSAY_OK;
}

static inline struct virtual_step virtual_new(struct assay_step_limits limits, uint64_t a_ns, uint64_t b_ns, uint64_t c_ns)
{
    limits.clock = ASSAY_CLOCK_MODEL;
    struct virtual_step v = {.target = {.limits = limits, .execute = virtual_execute}, .a_ns = a_ns, .b_ns = b_ns, .c_ns = c_ns};
    if (limits.values)
        v.cache = (int32_t *)calloc((size_t)limits.n_blocks * limits.block_tokens, sizeof *v.cache);
    return v;
}

#endif
