#include "harness/load/serving/alone.h"

#include <stdlib.h>

#include "assay/banned.h"

static enum assay_code check(const struct assay_step_limits *l, uint32_t n_prompt, uint32_t n_output, struct assay_error *err)
{
    uint64_t all = (uint64_t)n_prompt + n_output, blocks = (all + l->block_tokens - 2) / l->block_tokens; /* the last is never read */
    if (!n_prompt || all > l->max_context || blocks > l->n_blocks)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a request of %u + %u tokens; context %u, cache %u blocks of %u tokens", n_prompt, n_output,
                          l->max_context, l->n_blocks, l->block_tokens);
    return ASSAY_OK;
}

enum assay_code assay_alone_generate(const struct assay_step_target *target, int32_t *tokens, uint32_t n_prompt, uint32_t n_output,
                                     float *margin, uint64_t *clock_ns, struct assay_error *err)
{
    const struct assay_step_limits *l = &target->limits;
    uint32_t                        past = 0, known = n_prompt;
    int32_t                        *blocks;
    if (check(l, n_prompt, n_output, err))
        return err->code;
    if (!(blocks = malloc(l->n_blocks * sizeof *blocks)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a table of %u blocks", l->n_blocks);
    for (uint32_t i = 0; i < l->n_blocks; i++)
        blocks[i] = (int32_t)i;
    enum assay_code code = ASSAY_OK;
    while (!code && known < n_prompt + n_output) {
        uint32_t                   n = known - past < l->max_tokens ? known - past : l->max_tokens;
        bool                       samples = past + n == known;
        struct assay_step_sequence row = {.past = past, .n = n, .tokens = l->values ? tokens + past : NULL, .blocks = blocks, .samples = samples};
        struct assay_step          step = {.sequences = &row, .n_sequences = 1, .n_tokens = n, .earliest_ns = *clock_ns};
        struct assay_span          span = {.size = sizeof span};
        float                      lead = 0;
        int32_t                    next = 0;
        code = target->execute(target->self, &step, &next, &lead, &span, err);
        past += n;
        if (!code && l->clock == ASSAY_CLOCK_MODEL)
            *clock_ns = span.end_ns;
        if (code || !samples)
            continue;
        if (margin)
            margin[known - n_prompt] = lead;
        tokens[known++] = next;
    }
    free(blocks);
    return code;
}

bool assay_alone_is_equal(const int32_t *served, const int32_t *alone, const float *margin, uint32_t n, uint32_t *at, float *parting)
{
    for (uint32_t i = 0; i < n; i++)
        if (served[i] != alone[i]) {
            *at = i;
            *parting = margin[i];
            return false;
        }
    return true;
}
