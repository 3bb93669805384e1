#include "suites/blocks/stage_order.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "harness/ir/steps.h"

enum { MOST_STAGES = 8, MOST_MESSAGES = 4096 };

/* Messages on their way from one stage to another: as steps of who takes them. */
struct queue {
    uint32_t at[MOST_MESSAGES];
    size_t   first, end;
};

struct stage {
    struct assay_schedule_entry *entries;
    size_t                       n, at;
    bool                        *came; /* by step and half */
};

static size_t half_of(uint32_t step)
{
    return 2 * (size_t)(step & ~ASSAY_STEP_BACKWARD) + !!(step & ASSAY_STEP_BACKWARD);
}

/* The step behind (1) or before (-1) in the way of a micro-batch; 0: there is none. */
static uint32_t next_to(const struct assay_stage_order *how, uint32_t step, int64_t way, int64_t *stage)
{
    int64_t at = (int64_t)(step & ~ASSAY_STEP_BACKWARD) - 1, piece = at / how->micro_batches + (step & ASSAY_STEP_BACKWARD ? -way : way);
    *stage = (piece + how->stages) % how->stages;
    return piece < 0 || piece >= how->stages * how->chunks
               ? 0
               : assay_stage_step(how, piece, at % how->micro_batches) | (step & ASSAY_STEP_BACKWARD);
}

/* What an entry takes comes next from its sender, or it waits: false. */
static bool take(const struct assay_stage_order *how, struct stage *s, int64_t stage, struct queue (*way)[MOST_STAGES])
{
    uint32_t step = s->entries[s->at].step;
    int64_t  sender;
    if (!next_to(how, step, -1, &sender) || s->came[half_of(step)])
        return true;
    struct queue *q = &way[sender][stage];
    if (q->first == q->end)
        return false;
    cr_assert_eq(q->at[q->first], step, "stage %lld takes step %u and is sent %u", (long long)stage, step, q->at[q->first]);
    q->first++;
    s->came[half_of(step)] = true;
    return true;
}

static bool go_on(const struct assay_stage_order *how, struct stage *s, int64_t stage, struct queue (*way)[MOST_STAGES])
{
    int64_t receiver;
    if (s->at == s->n || !take(how, s, stage, way))
        return false;
    const struct assay_schedule_entry *e = &s->entries[s->at++];
    uint32_t                           next = e->only_receives ? 0 : next_to(how, e->step, 1, &receiver);
    if (next) {
        struct queue *q = &way[stage][receiver];
        cr_assert_lt(q->end, (size_t)MOST_MESSAGES);
        q->at[q->end++] = next;
    }
    return true;
}

/* All stages to their ends, each message being the next one of its sender. */
static void follow(int64_t stages, int64_t chunks, int64_t micros)
{
    struct stage  s[MOST_STAGES];
    struct queue(*way)[MOST_STAGES] = calloc(MOST_STAGES, sizeof *way);
    struct assay_stage_order how = {.stages = stages, .chunks = chunks, .micro_batches = micros};
    struct assay_error       err = {.code = ASSAY_OK};
    for (how.stage = 0; how.stage < stages; how.stage++) {
        struct stage *one = &s[how.stage];
        *one = (struct stage){.came = calloc(2 * (size_t)(stages * chunks * micros) + 4, sizeof(bool))};
        cr_assert_eq(assay_stage_order(&how, &one->entries, &one->n, &err), ASSAY_OK, "%s", err.message);
    }
    for (bool moving = true; moving;) {
        moving = false;
        for (int64_t r = 0; r < stages; r++)
            while (go_on(&how, &s[r], r, way))
                moving = true;
    }
    for (int64_t r = 0; r < stages; r++) {
        cr_expect_eq(s[r].at, s[r].n, "%lld stages, %lld chunks, %lld micro-batches: stage %lld waits at %zu of %zu", (long long)stages,
                     (long long)chunks, (long long)micros, (long long)r, s[r].at, s[r].n);
        free(s[r].entries);
        free(s[r].came);
    }
    free(way);
}

Test(stage_order, lets_every_stage_take_what_it_is_sent_in_the_order_in_which_it_is_sent)
{
    for (int64_t stages = 2; stages <= MOST_STAGES; stages++)
        for (int64_t chunks = 1; chunks <= 3; chunks++)
            for (int64_t times = 1; times <= 4; times++)
                follow(stages, chunks, chunks > 1 ? times * stages : 2 * times - 1);
}

Test(stage_order, of_micro_batches_that_do_not_divide_by_the_stages_is_refused)
{
    struct assay_schedule_entry *entries = NULL;
    struct assay_error           err = {.code = ASSAY_OK};
    size_t                       n;
    cr_expect_eq(assay_stage_order(&(struct assay_stage_order){.stages = 2, .chunks = 2, .micro_batches = 3}, &entries, &n, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "interleaving needs micro-batches by the 2 stages, got 3");
    cr_expect_null(entries);
}
