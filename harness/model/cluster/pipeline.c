#include "harness/model/cluster/pipeline.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "assay/banned.h"

const char *const assay_pipeline_schedule_names[] = {"", "1f1b", "zero-bubble", NULL};

#define MOST_EVENTS ((int64_t)1 << 28)

/* ---- the order of a stage's operations ---------------------------------------------------------------------------- */

struct step {
    enum assay_pipeline_op op;
    int64_t                chunk, micro_batch;
};

/* The i-th forward or backward of a stage: micro-batches by groups of `stages`, each group through one chunk after the other;
 * backwards go through the chunks from the last. */
static void place_of(const struct assay_pipeline *p, int64_t i, bool backward, struct step *out)
{
    int64_t group = p->stages * p->chunks, chunk = i % group / p->stages;
    out->chunk = backward ? p->chunks - 1 - chunk : chunk;
    out->micro_batch = p->chunks == 1 ? i : i / group * p->stages + i % p->stages;
}

/* Forwards before the first backward (Megatron: schedules.py, get_pp_rank_microbatches). */
static int64_t warm_up(const struct assay_pipeline *p, int64_t stage)
{
    int64_t all = p->micro_batches * p->chunks;
    int64_t n = p->chunks == 1 ? p->stages - 1 - stage : 2 * (p->stages - 1 - stage) + (p->chunks - 1) * p->stages;
    return n < all ? n : all;
}

/* A stage goes through its order by counting: how many of each kind it has done. */
struct cursor {
    int64_t forwards, backwards, weights;
    double  free_ns;
};

/* 1F1B: warm up, then by turns; weights go with their backward. Zero bubble: the same turns without weights, of which the stage keeps
 * `stage` back to fill the end, when it waits for backwards (ZB-H1: the first stage keeps none, the last one stages - 1). */
static bool next_of(const struct assay_pipeline *p, int64_t stage, const struct cursor *c, struct step *out)
{
    int64_t all = p->micro_batches * p->chunks, warm = warm_up(p, stage);
    if (p->schedule == ASSAY_PIPELINE_ZERO_BUBBLE && c->weights < c->backwards &&
        (c->backwards == all || (c->backwards - c->weights > stage && c->forwards - c->backwards <= warm))) {
        out->op = ASSAY_PIPELINE_WEIGHT;
        place_of(p, c->weights, true, out);
        return true;
    }
    bool forward = c->forwards < all && c->forwards - c->backwards <= warm;
    if (!forward && c->backwards == all)
        return false;
    out->op = forward ? ASSAY_PIPELINE_FORWARD : ASSAY_PIPELINE_BACKWARD;
    place_of(p, forward ? c->forwards : c->backwards, !forward, out);
    return true;
}

/* ---- the recursion ------------------------------------------------------------------------------------------------ */

struct run {
    const struct assay_pipeline *p;
    double                      *forward_end, *backward_end; /* [piece * micro_batches + micro_batch]; NaN: not yet */
    struct cursor               *cursor;                     /* [stages] */
    int64_t                     *ready;                      /* stages to look at again, a stack */
    bool                        *queued;
    int64_t                      n_ready;
    void (*each)(void *self, const struct assay_pipeline_event *event);
    void                        *self;
    struct assay_pipeline_result result;
};

/* When what the step needs is there; NaN: not known yet. */
static double needed_ns(const struct run *r, int64_t stage, const struct step *s)
{
    const struct assay_pipeline *p = r->p;
    int64_t pieces = p->stages * p->chunks, piece = s->chunk * p->stages + stage, m = p->micro_batches;
    if (s->op == ASSAY_PIPELINE_FORWARD)
        return piece == 0 ? 0 : r->forward_end[(piece - 1) * m + s->micro_batch] + (p->stages > 1 ? p->transfer_ns : 0);
    if (s->op == ASSAY_PIPELINE_WEIGHT)
        return r->backward_end[piece * m + s->micro_batch];
    if (piece == pieces - 1)
        return r->forward_end[piece * m + s->micro_batch];
    return r->backward_end[(piece + 1) * m + s->micro_batch] + (p->stages > 1 ? p->transfer_ns : 0);
}

static double lasts_ns(const struct assay_pipeline *p, int64_t piece, enum assay_pipeline_op op)
{
    if (op == ASSAY_PIPELINE_FORWARD)
        return p->forward_ns[piece];
    if (op == ASSAY_PIPELINE_WEIGHT)
        return p->weight_ns[piece];
    return p->backward_ns[piece] + (p->schedule == ASSAY_PIPELINE_ZERO_BUBBLE ? 0 : p->weight_ns[piece]);
}

static void wake(struct run *r, int64_t stage)
{
    if (stage < 0)
        stage += r->p->stages;
    stage %= r->p->stages;
    if (r->queued[stage])
        return;
    r->queued[stage] = true;
    r->ready[r->n_ready++] = stage;
}

static void count(struct run *r, int64_t stage, struct cursor *c, const struct step *s, double end_ns)
{
    int64_t at = (s->chunk * r->p->stages + stage) * r->p->micro_batches + s->micro_batch;
    if (s->op == ASSAY_PIPELINE_FORWARD) {
        r->forward_end[at] = end_ns;
        c->forwards++;
        wake(r, stage + 1);
    } else if (s->op == ASSAY_PIPELINE_BACKWARD) {
        r->backward_end[at] = end_ns;
        c->backwards++;
        wake(r, stage - 1);
    } else
        c->weights++;
    if (stage == 0 && c->forwards - c->backwards > r->result.most_in_flight)
        r->result.most_in_flight = c->forwards - c->backwards;
    r->result.operations++;
}

/* As far as the stage can go with what is known. */
static void advance(struct run *r, int64_t stage)
{
    struct cursor *c = &r->cursor[stage];
    struct step    s;
    while (next_of(r->p, stage, c, &s)) {
        double needed = needed_ns(r, stage, &s);
        if (isnan(needed))
            return;
        double begin = fmax(c->free_ns, needed);
        c->free_ns = begin + lasts_ns(r->p, s.chunk * r->p->stages + stage, s.op);
        if (r->each)
            r->each(r->self, &(struct assay_pipeline_event){stage, s.chunk, s.micro_batch, s.op, begin, c->free_ns});
        count(r, stage, c, &s, c->free_ns);
    }
}

static void finish(struct run *r)
{
    const struct assay_pipeline *p = r->p;
    double                       all = 0;
    for (int64_t s = 0; s < p->stages; s++) {
        double work = 0;
        for (int64_t v = 0; v < p->chunks; v++) {
            int64_t piece = v * p->stages + s;
            work += (double)p->micro_batches * (p->forward_ns[piece] + p->backward_ns[piece] + p->weight_ns[piece]);
        }
        all += work;
        r->result.busiest_ns = fmax(r->result.busiest_ns, work);
        r->result.makespan_ns = fmax(r->result.makespan_ns, r->cursor[s].free_ns);
    }
    r->result.bubble = r->result.makespan_ns > 0 ? 1 - all / ((double)p->stages * r->result.makespan_ns) : 0;
}

static enum assay_code check(const struct assay_pipeline *p, struct assay_error *err)
{
    if (p->stages < 1 || p->chunks < 1 || p->micro_batches < 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a pipeline has stages, chunks and micro-batches, got %lld, %lld, %lld", (long long)p->stages,
                          (long long)p->chunks, (long long)p->micro_batches);
    if (p->chunks > 1 && p->micro_batches % p->stages)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "interleaving needs micro-batches by the %lld stages, got %lld", (long long)p->stages,
                          (long long)p->micro_batches);
    if (p->chunks > 1 && p->schedule == ASSAY_PIPELINE_ZERO_BUBBLE)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "zero bubble (ZB-H1) has one chunk a stage, got %lld", (long long)p->chunks);
    if (p->micro_batches > MOST_EVENTS / p->stages / p->chunks)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%lld micro-batches over %lld pieces are more events than are followed one by one",
                          (long long)p->micro_batches, (long long)(p->stages * p->chunks));
    return ASSAY_OK;
}

enum assay_code assay_pipeline_trace(const struct assay_pipeline *p, void (*each)(void *self, const struct assay_pipeline_event *event),
                                     void *self, struct assay_pipeline_result *out, struct assay_error *err)
{
    struct run r = {.p = p, .each = each, .self = self};
    if (check(p, err))
        return err->code;
    size_t events = (size_t)(p->stages * p->chunks * p->micro_batches), stages = (size_t)p->stages;
    r.forward_end = malloc(events * sizeof *r.forward_end);
    r.backward_end = malloc(events * sizeof *r.backward_end);
    r.cursor = calloc(stages, sizeof *r.cursor);
    r.ready = calloc(stages, sizeof *r.ready);
    r.queued = calloc(stages, sizeof *r.queued);
    if (!r.forward_end || !r.backward_end || !r.cursor || !r.ready || !r.queued)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the events of a pipeline");
    else {
        for (size_t i = 0; i < events; i++)
            r.forward_end[i] = r.backward_end[i] = NAN;
        for (int64_t s = p->stages; s-- > 0;)
            wake(&r, s);
        while (r.n_ready > 0) {
            int64_t stage = r.ready[--r.n_ready];
            r.queued[stage] = false;
            advance(&r, stage);
        }
        finish(&r);
        *out = r.result;
    }
    free(r.forward_end);
    free(r.backward_end);
    free(r.cursor);
    free(r.ready);
    free(r.queued);
    return err->code;
}

enum assay_code assay_pipeline_run(const struct assay_pipeline *p, struct assay_pipeline_result *out, struct assay_error *err)
{
    return assay_pipeline_trace(p, NULL, NULL, out, err);
}

double assay_pipeline_closed_form(enum assay_pipeline_schedule schedule, double stages, double chunks, double micro_batches, double forward_ns,
                                  double backward_ns, double weight_ns)
{
    double work = forward_ns + backward_ns + weight_ns;
    if (schedule == ASSAY_PIPELINE_ZERO_BUBBLE)
        return micro_batches * work + (stages - 1) * fmax(0, forward_ns + backward_ns - weight_ns);
    return (micro_batches + (stages - 1) / chunks) * work;
}
