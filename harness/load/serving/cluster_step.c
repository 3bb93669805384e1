#include "harness/load/serving/cluster_step.h"

#include <math.h>

#include "assay/banned.h"

#define BLOCK_TOKENS 16.0

/* Whose prompt is computed is told by more than one token, or by none before it. */
static struct assay_serving_work work_of(const struct assay_step *step)
{
    struct assay_serving_work w = {.sequences = 0};
    double                    past = 0;
    for (uint32_t i = 0; i < step->n_sequences; i++) {
        const struct assay_step_sequence *s = &step->sequences[i];
        if (s->n == 1 && s->past > 0) {
            w.sequences++;
            w.cached_tokens += s->past;
            continue;
        }
        w.prompts++;
        w.prompt_tokens += s->n;
        past += s->past;
    }
    w.prompt_past = w.prompts > 0 ? past / w.prompts : 0;
    return w;
}

static enum assay_code execute(void *self, const struct assay_step *step, int32_t *next, float *margin, struct assay_span *span, struct assay_error *err)
{
    struct assay_cluster_step      *s = self;
    const struct assay_serving_work w = work_of(step);
    struct assay_serving_time       time;
    (void)next;
    (void)margin;
    if (assay_serving_step_of(s->desk, s->ask, &w, &time, err))
        return err->code;
    span->clock = ASSAY_CLOCK_MODEL;
    span->begin_ns = step->earliest_ns > s->free_ns ? step->earliest_ns : s->free_ns;
    span->end_ns = s->free_ns = span->begin_ns + (uint64_t)llround(assay_serving_ns(s->stack, &time));
    return ASSAY_OK;
}

enum assay_code assay_cluster_step_init(struct assay_cluster_step *s, struct assay_serving_desk *desk, const struct assay_serving_ask *ask,
                                        const struct assay_serving_numbers *stack, struct assay_error *err)
{
    bool                               known, crowded;
    double                             seats, context = ask->prompt_tokens + ask->output_tokens;
    const struct assay_serving_server *server = assay_serving_server_find(ask->server, &known);
    if (assay_serving_seats_of(desk, ask, &seats, &crowded, err))
        return err->code;
    if (crowded)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "no room for one request of %.0f tokens beside the weights", context);
    double kept = ask->prompt_tokens + server->kept_free * ask->output_tokens; /* of each, as seats are counted */
    double tokens = server->cuts_prompts ? server->step_tokens : fmax(server->step_tokens, context);
    *s = (struct assay_cluster_step){.desk = desk, .ask = ask, .stack = stack};
    s->target = (struct assay_step_target){.self = s, .execute = execute,
                                           .limits = {.max_tokens = (uint32_t)tokens, .max_sequences = (uint32_t)fmin(seats, ask->in_flight),
                                                      .block_tokens = (uint32_t)BLOCK_TOKENS, .max_context = (uint32_t)context,
                                                      .n_blocks = (uint32_t)fmin(1e8, ceil(fmax(seats * kept, context) / BLOCK_TOKENS)),
                                                      .clock = ASSAY_CLOCK_MODEL}};
    return ASSAY_OK;
}
