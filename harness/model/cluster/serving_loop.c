#include "harness/model/cluster/serving_loop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

#define STRETCH 256.0      /* steps that are priced as one, at the middle of what their caches grow by */
#define REQUESTS_MOST 65536.0

/* Requests that came into the queue together, and those whose prompts were done in one step: alike from then on. */
struct group {
    double                    count, left; /* left: tokens still to come, of those that generate */
    enum assay_serving_crowd  crowd;
    struct assay_serving_time at;          /* of those that wait: when they came; of those that generate: when their first token did */
};
struct queue {
    struct group *at;
    size_t        first, n, room;
};
struct run {
    const struct assay_serving_loop *l;
    assay_serving_step_time         *step;
    void                            *self;
    struct queue                     waiting, running; /* running: in the order of their prompts' end, which is that of their last tokens */
    double                           seated;           /* running, and the one whose prompt is half done */
    double                           generating, cached;
    double                           begun;            /* tokens of the first waiting request that were computed already */
    double                           to_come;          /* requests of the run that have not come yet */
    struct assay_serving_time        now;
    struct assay_serving_means       sum; /* of all so far */
};

/* to += times * (a - b) */
static void add(struct assay_serving_time *to, double times, const struct assay_serving_time *a, const struct assay_serving_time *b)
{
    for (int i = 0; i < ASSAY_SERVING_COMPONENTS; i++)
        to->of[i] += times * (a->of[i] - b->of[i]);
}

static enum assay_code push(struct queue *q, struct group g, struct assay_error *err)
{
    if (q->first + q->n == q->room) {
        size_t        room = q->room ? 2 * q->room : 64;
        struct group *more = malloc(room * sizeof *more);
        if (!more)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu groups of requests", room);
        if (q->n)
            memcpy(more, q->at + q->first, q->n * sizeof *more);
        free(q->at);
        *q = (struct queue){.at = more, .n = q->n, .room = room};
    }
    q->at[q->first + q->n++] = g;
    return ASSAY_OK;
}

static void pop(struct queue *q)
{
    q->first++;
    q->n--;
}

/* ---- a step with prompts ------------------------------------------------------------------------------------------- */

/* Whose prompts are in the step. */
struct batch {
    double whole, tokens, past, pieces; /* whole: prompts that end in it */
    double left_over;                   /* of the first prompt that does not end in it: computed then */
};

/* Prompts in the order of their coming, as far as seats and room for tokens go. */
static struct batch choose(const struct run *r)
{
    const struct assay_serving_loop *l = r->l;
    struct batch                     b = {.left_over = r->begun};
    double seats = l->seats - r->seated + (r->begun > 0 ? 1 : 0), room = l->step_tokens - (l->prompts_alone ? 0 : r->generating), waiting = 0;
    for (size_t i = 0; i < r->waiting.n && waiting < seats; i++)
        waiting += r->waiting.at[r->waiting.first + i].count;
    waiting = fmin(waiting, seats);
    if (waiting < 1 || room < 1)
        return b;
    double rest = l->prompt_tokens - r->begun; /* of the first */
    if (rest > room) {
        if (!l->cuts_prompts && l->prompt_tokens <= l->step_tokens)
            return b;
        b = (struct batch){.tokens = room, .past = r->begun, .pieces = 1, .left_over = r->begun + room};
        return b;
    }
    b.whole = 1 + fmin(waiting - 1, floor((room - rest) / l->prompt_tokens));
    b.tokens = rest + (b.whole - 1) * l->prompt_tokens;
    b.pieces = b.whole;
    b.past = r->begun / b.whole;
    b.left_over = 0;
    double spare = room - b.tokens;
    if (l->cuts_prompts && spare >= 1 && waiting > b.whole) {
        b.pieces++;
        b.tokens += spare;
        b.left_over = spare;
    }
    return b;
}

/* ---- what happens to requests -------------------------------------------------------------------------------------- */

/* Each that ends makes room for one that comes. */
static enum assay_code end_first(struct run *r, struct assay_error *err)
{
    struct group g = r->running.at[r->running.first];
    double       come = fmin(g.count, r->to_come);
    pop(&r->running);
    r->generating -= g.count;
    r->seated -= g.count;
    r->cached -= g.count * (r->l->prompt_tokens + r->l->output_tokens - 1);
    r->sum.requests[g.crowd] += g.count;
    if (r->l->output_tokens > 1)
        add(&r->sum.tpot[g.crowd], g.count / (r->l->output_tokens - 1), &r->now, &g.at);
    r->to_come -= come;
    return come > 0 ? push(&r->waiting, (struct group){.count = come, .crowd = ASSAY_SERVING_TOGETHER, .at = r->now}, err) : ASSAY_OK;
}

static enum assay_code end_all(struct run *r, struct assay_error *err)
{
    while (r->running.n && r->running.at[r->running.first].left <= 0)
        if (end_first(r, err))
            return err->code;
    return ASSAY_OK;
}

/* All that generate have so many tokens more. */
static void generate(struct run *r, double tokens)
{
    for (size_t i = 0; i < r->running.n; i++)
        r->running.at[r->running.first + i].left -= tokens;
    r->cached += tokens * r->generating;
}

/* The prompts of a step have ended: their first token is there. Those of the first round and of others are groups of their own. */
static enum assay_code seat(struct run *r, const struct batch *b, struct assay_error *err)
{
    double left = b->whole, of_crowd[2] = {0, 0};
    while (left > 0) {
        struct group *g = &r->waiting.at[r->waiting.first];
        double        take = fmin(left, g->count);
        add(&r->sum.ttft[g->crowd], take, &r->now, &g->at);
        of_crowd[g->crowd] += take;
        g->count -= take;
        left -= take;
        if (g->count <= 0)
            pop(&r->waiting);
    }
    r->seated += b->whole - (r->begun > 0 ? 1 : 0) + (b->left_over > 0 ? 1 : 0);
    r->begun = b->left_over;
    r->generating += b->whole;
    r->cached += b->whole * r->l->prompt_tokens;
    for (int i = 0; i < 2; i++)
        if (of_crowd[i] > 0 && push(&r->running, (struct group){.count = of_crowd[i], .left = r->l->output_tokens - 1, .crowd = (enum assay_serving_crowd)i, .at = r->now}, err))
            return err->code;
    return ASSAY_OK;
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

static enum assay_code take(struct run *r, const struct assay_serving_work *w, double steps, struct assay_error *err)
{
    static const struct assay_serving_time nothing;
    struct assay_serving_time              time = nothing;
    if (r->step(r->self, w, &time, err))
        return err->code;
    add(&r->now, steps, &time, &nothing);
    r->sum.steps += steps;
    r->sum.busiest = fmax(r->sum.busiest, w->sequences + w->prompts);
    return ASSAY_OK;
}

static enum assay_code with_prompts(struct run *r, const struct batch *b, struct assay_error *err)
{
    bool                      alone = r->l->prompts_alone;
    struct assay_serving_work w = {.sequences = alone ? 0 : r->generating, .cached_tokens = alone ? 0 : r->cached, .prompts = b->pieces,
                                   .prompt_tokens = b->tokens, .prompt_past = b->past};
    if (take(r, &w, 1, err))
        return err->code;
    if (!alone)
        generate(r, 1);
    return seat(r, b, err);
}

/* Until the first of them ends, or there is room for a prompt; at most a stretch. */
static enum assay_code without_prompts(struct run *r, struct assay_error *err)
{
    double steps = fmin(STRETCH, r->running.at[r->running.first].left);
    struct assay_serving_work w = {.sequences = r->generating, .cached_tokens = r->cached + r->generating * (steps - 1) / 2};
    if (take(r, &w, steps, err))
        return err->code;
    generate(r, steps);
    return ASSAY_OK;
}

static enum assay_code follow(struct run *r, struct assay_error *err)
{
    while (r->waiting.n || r->running.n) {
        struct batch b = choose(r);
        if (b.tokens > 0 ? with_prompts(r, &b, err) : r->running.n ? without_prompts(r, err) : ASSAY_FAIL(err, ASSAY_INTERNAL, "nobody can go on"))
            return err->code;
        if (end_all(r, err))
            return err->code;
    }
    return ASSAY_OK;
}

/* ---- each by itself -------------------------------------------------------------------------------------------------- */

/* Prompts come one at a time: one step of each is like any other but for the piece in it. While a sequence generates each of its companions
 * has one prompt computed; who finds no seat waits for one of those that are taken. */
static enum assay_code stand_apart(struct run *r, struct assay_error *err)
{
    static const struct assay_serving_time nothing;
    const struct assay_serving_loop       *l = r->l;
    struct assay_serving_means            *m = &r->sum;
    double seats = fmin(l->seats, l->in_flight), others = seats - 1, further = l->output_tokens - 1;
    double room = fmax(1, l->prompts_alone ? l->step_tokens : l->cuts_prompts ? l->step_tokens - others : fmax(l->prompt_tokens, l->step_tokens));
    double pieces = ceil(l->prompt_tokens / room), mean = l->prompt_tokens + further / 2;
    struct assay_serving_work bare = {.sequences = seats, .cached_tokens = seats * mean};
    struct assay_serving_work with = {.prompts = 1, .prompt_tokens = l->prompt_tokens / pieces, .prompt_past = l->prompt_tokens * (pieces - 1) / pieces / 2};
    struct assay_serving_time bare_time = nothing, with_time = nothing;
    if (!l->prompts_alone && others > 0) {
        with.sequences = others;
        with.cached_tokens = others * mean;
    }
    if (r->step(r->self, &bare, &bare_time, err) || r->step(r->self, &with, &with_time, err))
        return err->code;
    /* Its own prompt, what was going on when it came, and the prompts that came before it in the time of one. */
    add(&m->ttft[ASSAY_SERVING_APART], pieces, &with_time, &nothing);
    add(&m->ttft[ASSAY_SERVING_APART], 0.5, &bare_time, &nothing);
    if (further > 0) {
        double each = others * pieces / l->output_tokens; /* steps with others' prompts for each token */
        add(&m->tpot[ASSAY_SERVING_APART], each, &with_time, &nothing);
        add(&m->tpot[ASSAY_SERVING_APART], l->prompts_alone ? 1 : fmax(0, 1 - each), &bare_time, &nothing);
    }
    double waits = (l->in_flight - seats) / seats; /* for whole stays of others */
    struct assay_serving_time stay = m->ttft[ASSAY_SERVING_APART];
    add(&stay, further, &m->tpot[ASSAY_SERVING_APART], &nothing);
    add(&m->ttft[ASSAY_SERVING_APART], waits, &stay, &nothing);
    m->requests[ASSAY_SERVING_APART] = seats;
    return ASSAY_OK;
}

static void divide(struct assay_serving_time *t, double by)
{
    for (int i = 0; i < ASSAY_SERVING_COMPONENTS && by > 0; i++)
        t->of[i] /= by;
}

enum assay_code assay_serving_loop_run(const struct assay_serving_loop *l, assay_serving_step_time *step, void *self, struct assay_serving_means *out,
                                       struct assay_error *err)
{
    double requests = ceil(l->in_flight * l->rounds);
    if (!(l->prompt_tokens >= 1) || !(l->output_tokens >= 1) || !(l->in_flight >= 1) || !(requests <= REQUESTS_MOST))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%g requests of %g and %g tokens, %g in flight", requests, l->prompt_tokens, l->output_tokens, l->in_flight);
    if (!(l->seats >= 1) || !(l->step_tokens >= 1))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "no room for one sequence of %.0f tokens", l->prompt_tokens + l->output_tokens);
    struct run r = {.l = l, .step = step, .self = self, .to_come = fmax(0, requests - l->in_flight)};
    if (!push(&r.waiting, (struct group){.count = l->in_flight}, err) && !follow(&r, err) && !stand_apart(&r, err)) {
        for (int i = 0; i < ASSAY_SERVING_APART; i++) {
            divide(&r.sum.ttft[i], r.sum.requests[i]);
            divide(&r.sum.tpot[i], r.sum.requests[i]);
        }
        r.sum.whole = r.now;
        r.sum.in_step = l->prompts_alone;
        *out = r.sum;
    }
    free(r.waiting.at);
    free(r.running.at);
    return err->code;
}
