#include "suites/blocks/stage_order.h"

#include <stdlib.h>

#include "harness/ir/steps.h"
#include "harness/model/cluster/pipeline.h"

#include "assay/banned.h"

uint32_t assay_stage_step(const struct assay_stage_order *how, int64_t piece, int64_t micro)
{
    return (uint32_t)(1 + piece * how->micro_batches + micro);
}

/* Half of a micro-batch's way through one piece. */
struct half {
    int64_t piece, micro;
    bool    backward;
};

/* What every stage does, one after the other. */
struct orders {
    const struct assay_stage_order *how;
    struct half                    *halves; /* [stages][each] */
    int64_t                        *n;      /* by stage */
    int64_t                         each;
};

static void take(void *self, const struct assay_pipeline_event *e)
{
    struct orders *o = self;
    o->halves[e->stage * o->each + o->n[e->stage]++] =
        (struct half){.piece = e->chunk * o->how->stages + e->stage, .micro = e->micro_batch, .backward = e->op == ASSAY_PIPELINE_BACKWARD};
}

/* Which half takes what this one sends; false: it sends nothing. */
static bool sends(const struct assay_stage_order *how, const struct half *from, struct half *to)
{
    *to = *from;
    to->piece += from->backward ? -1 : 1;
    return to->piece >= 0 && to->piece < how->stages * how->chunks;
}

static struct assay_schedule_entry entry_of(const struct assay_stage_order *how, const struct half *h, bool only_receives)
{
    return (struct assay_schedule_entry){assay_stage_step(how, h->piece, h->micro) | (h->backward ? ASSAY_STEP_BACKWARD : 0), only_receives};
}

/* Who sends what the half takes; -1: nobody. */
static int64_t sender_of(const struct assay_stage_order *how, const struct half *h)
{
    int64_t piece = h->piece + (h->backward ? 1 : -1);
    return piece < 0 || piece >= how->stages * how->chunks ? -1 : piece % how->stages;
}

/* The Receives of all that `sender` sends this stage, from its at-th half on, up to what `h` takes. Returns the half behind that. */
static int64_t receive(const struct orders *o, int64_t sender, int64_t at, const struct half *h, struct assay_schedule_entry *entries, size_t *n)
{
    struct half to;
    for (; at < o->each; at++) {
        if (!sends(o->how, &o->halves[sender * o->each + at], &to) || to.piece % o->how->stages != o->how->stage)
            continue;
        entries[(*n)++] = entry_of(o->how, &to, true);
        if (to.piece == h->piece && to.micro == h->micro && to.backward == h->backward)
            return at + 1;
    }
    return at;
}

/* `at` has a place for every stage. A message that came earlier than it is needed is not waited for again. */
static void write(const struct orders *o, int64_t *at, bool *came, struct assay_schedule_entry *entries, size_t *n)
{
    const struct assay_stage_order *how = o->how;
    const struct half              *own = o->halves + how->stage * o->each;
    size_t                          seen = 0;
    for (int64_t i = 0; i < o->each; i++) {
        const struct half *h = &own[i];
        int64_t            sender = sender_of(how, h);
        uint32_t           step = assay_stage_step(how, h->piece, h->micro);
        if (sender >= 0 && !came[2 * step + h->backward])
            at[sender] = receive(o, sender, at[sender], h, entries, n);
        for (; seen < *n; seen++)
            came[2 * (entries[seen].step & ~ASSAY_STEP_BACKWARD) + !!(entries[seen].step & ASSAY_STEP_BACKWARD)] = true;
        entries[(*n)++] = entry_of(how, h, false);
    }
}

enum assay_code assay_stage_order(const struct assay_stage_order *how, struct assay_schedule_entry **entries, size_t *n, struct assay_error *err)
{
    size_t        pieces = (size_t)(how->stages * how->chunks), all = pieces * (size_t)how->micro_batches;
    struct orders o = {.how = how, .each = 2 * how->chunks * how->micro_batches, .halves = calloc(2 * all + 1, sizeof *o.halves),
                       .n = calloc((size_t)how->stages + 1, sizeof *o.n)};
    double       *equal_ns = malloc((pieces + 1) * sizeof *equal_ns);
    int64_t      *at = calloc((size_t)how->stages + 1, sizeof *at);
    bool         *came = calloc(2 * all + 4, sizeof *came);
    struct assay_schedule_entry *list = calloc(2 * (size_t)o.each + 1, sizeof *list);
    struct assay_pipeline_result unused;
    if (!o.halves || !o.n || !equal_ns || !at || !came || !list) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the order of a stage");
    } else {
        for (size_t i = 0; i < pieces; i++)
            equal_ns[i] = 1;
        const struct assay_pipeline p = {.schedule = ASSAY_PIPELINE_1F1B, .stages = how->stages, .chunks = how->chunks,
                                         .micro_batches = how->micro_batches, .forward_ns = equal_ns, .backward_ns = equal_ns, .weight_ns = equal_ns};
        if (!assay_pipeline_trace(&p, take, &o, &unused, err)) {
            *n = 0;
            write(&o, at, came, list, n);
            *entries = list;
            list = NULL;
        }
    }
    free(list);
    free(came);
    free(at);
    free(equal_ns);
    free(o.n);
    free(o.halves);
    return err->code;
}
