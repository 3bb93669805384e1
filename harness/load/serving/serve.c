#include "harness/load/serving/serve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "harness/base/clock.h"
#include "harness/base/memory.h"

#include "assay/banned.h"

#define PROGRESS_EVERY 256u /* steps */

/* Requests on their way to the second engine, in the order they arrive there. */
struct line {
    struct assay_engine_request *waiting;
    size_t                       first, n, room; /* a ring; room is a power of two */
    uint64_t                    *free_ns;        /* each lane of the link, from then on */
    size_t                       lanes;
};
struct run {
    const struct assay_serve  *how;
    struct assay_serve_result *out;
    struct assay_requests     *requests;
    struct assay_engine       *engine, *decode; /* decode: NULL, or the second one */
    struct assay_engine_source source;
    struct line                line;
    uint64_t                   origin_ns;
    struct assay_error         broken; /* the first thing that failed while an engine told of something */
};

/* ---- the line between two engines ---------------------------------------------------------------------------------- */

static bool line_peek(void *self, struct assay_engine_request *next)
{
    const struct run *r = self;
    if (!r->line.n)
        return false;
    *next = r->line.waiting[r->line.first];
    return true;
}

static void line_take(void *self)
{
    struct run *r = self;
    r->line.first = (r->line.first + 1) & (r->line.room - 1);
    r->line.n--;
}

static bool line_grow(struct line *l)
{
    size_t room = l->room ? 2 * l->room : 256, bytes;
    struct assay_engine_request *more;
    if (!assay_size_multiply(room, sizeof *more, &bytes) || !(more = malloc(bytes)))
        return false;
    for (size_t i = 0; i < l->n; i++)
        more[i] = l->waiting[(l->first + i) & (l->room - 1)];
    free(l->waiting);
    l->waiting = more;
    l->first = 0;
    l->room = room;
    return true;
}

static uint64_t *first_free(const struct line *l)
{
    uint64_t *best = l->free_ns;
    for (size_t i = 1; i < l->lanes; i++)
        if (l->free_ns[i] < *best)
            best = &l->free_ns[i];
    return best;
}

/* Behind all that are there no later: of several lanes a short one may overtake. */
static void line_up(struct line *l, const struct assay_engine_request *q)
{
    size_t mask = l->room - 1, at = l->n++;
    for (; at > 0 && l->waiting[(l->first + at - 1) & mask].ready_ns > q->ready_ns; at--)
        l->waiting[(l->first + at) & mask] = l->waiting[(l->first + at - 1) & mask];
    l->waiting[(l->first + at) & mask] = *q;
}

/* A prompt's keys and values leave when a lane of the link is free, and take latency + bytes / rate. */
static void hand_over(struct run *r, const struct assay_engine_ended *e)
{
    const struct assay_serve_link *link = &r->how->link;
    struct line                   *l = &r->line;
    struct assay_engine_request    q = e->request;
    double   bytes = link->bytes_per_token * q.prompt_tokens;
    uint64_t *free_ns = first_free(l), begin = e->last_ns > *free_ns ? e->last_ns : *free_ns;
    if (l->n == l->room && !line_grow(l)) {
        (void)ASSAY_FAIL(&r->broken, ASSAY_MEMORY, "no memory for %zu requests between two engines", l->n);
        return;
    }
    *free_ns = begin + (uint64_t)ceil(bytes / link->bytes_per_s * 1e9);
    q.ready_ns = *free_ns + link->latency_ns;
    q.first_ns = e->first_ns;
    q.prefilled = true;
    line_up(l, &q);
}

/* ---- what the engines tell ------------------------------------------------------------------------------------------ */

static void on_token(void *self, const struct assay_engine_request *q, uint32_t index, uint64_t at_ns, uint64_t previous_ns)
{
    struct run *r = self;
    (void)q;
    assay_served_token(r->out->served, !index, at_ns, previous_ns);
}

static void keep_row(struct run *r, const struct assay_engine_ended *e)
{
    struct assay_served_row row = {
        .request = e->request.id, .scheduled_ns = e->request.scheduled_ns, .first_ns = e->first_ns, .last_ns = e->last_ns,
        .completed_ns = e->completed_ns, .prompt_tokens = e->request.prompt_tokens, .output_tokens = e->output_tokens,
        .reused_tokens = e->reused_tokens, .preemptions = e->preemptions, .status = e->code,
    };
    assay_requests_ended(r->requests, e->completed_ns);
    if (!r->broken.code)
        (void)assay_served_request(r->out->served, &row, &r->broken);
    if (r->how->ended)
        r->how->ended(r->how->self, e);
}

static void on_ended(void *self, const struct assay_engine_ended *e)
{
    struct run *r = self;
    if (r->decode && !e->code && e->output_tokens < e->request.output_tokens)
        hand_over(r, e);
    else
        keep_row(r, e);
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

static enum assay_code make_engine(struct run *r, bool second, struct assay_error *err)
{
    const struct assay_serve *how = r->how;
    struct assay_engine_setup setup = {
        .target = second ? how->decode : how->target, .policy = how->policy, .host = how->host, .layers = how->layers,
        .source = second ? (struct assay_engine_source){.self = r, .peek = line_peek, .take = line_take} : r->source,
        .watch = {.self = r, .token = on_token, .ended = on_ended}, .origin_ns = r->origin_ns, .timeout_ns = how->timeout_ns,
    };
    if (how->decode) {
        setup.policy.only_prompts = !second;
        setup.policy.reuses_prefixes = how->policy.reuses_prefixes && !second; /* prompts come with their cache */
    }
    return assay_engine_new(&setup, second ? &r->decode : &r->engine, err);
}

static enum assay_code check(const struct run *r, struct assay_error *err)
{
    const struct assay_serve *how = r->how;
    if (how->host && how->target->limits.clock != ASSAY_CLOCK_MODEL)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the host's own time is measured on a real clock, not described");
    if (!how->decode)
        return ASSAY_OK;
    if (how->target->limits.values || how->decode->limits.values || how->target->limits.clock != ASSAY_CLOCK_MODEL ||
        how->decode->limits.clock != ASSAY_CLOCK_MODEL) {
        (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "prompts and further tokens on two engines are served on a model clock only");
        return assay_error_hint(err, "on one machine the two would wait for each other");
    }
    if (how->policy.is_static)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "static batches on two engines: each would wait for the other");
    return how->link.bytes_per_s > 0 && how->link.bytes_per_token >= 0
               ? ASSAY_OK
               : ASSAY_FAIL(err, ASSAY_CONFIG, "a link of %g B/s between two engines", how->link.bytes_per_s);
}

static enum assay_code begin(struct run *r, struct assay_error *err)
{
    const struct assay_serve   *how = r->how;
    struct assay_requests_setup requests = *how->requests;
    requests.admission_ns = how->host ? assay_engine_cost_ns(how->host, ASSAY_ENGINE_ADMISSION) : 0;
    if (check(r, err))
        return err->code;
    r->line.lanes = how->link.lanes ? how->link.lanes : 1;
    r->line.free_ns = calloc(r->line.lanes, sizeof *r->line.free_ns);
    if (!r->line.free_ns)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a link of %zu lanes", r->line.lanes);
    if (assay_requests_new(&requests, &r->requests, err))
        return err->code;
    r->source = assay_requests_source(r->requests);
    if (assay_served_new(&how->window, &r->out->served, err))
        return err->code;
    r->origin_ns = how->target->limits.clock == ASSAY_CLOCK_MODEL ? how->origin_ns : assay_clock_now_ns();
    if (make_engine(r, false, err) || (how->decode && make_engine(r, true, err)) ||
        assay_requests_fit(r->requests, r->engine, how->target->limits.max_context, err))
        return err->code;
    return how->decode ? assay_requests_fit(r->requests, r->decode, how->decode->limits.max_context, err) : ASSAY_OK;
}

/* On a real clock nobody needs more than the system's timer here: a step takes longer than it is late. */
static void wait_until(uint64_t ns)
{
    struct timespec at = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        continue;
}

/* The engine that goes first, and when; NULL: all is done. */
static struct assay_engine *next_engine(const struct run *r, uint64_t *at_ns)
{
    uint64_t first = assay_engine_next_ns(r->engine), second = r->decode ? assay_engine_next_ns(r->decode) : UINT64_MAX;
    *at_ns = first <= second ? first : second;
    if (*at_ns == UINT64_MAX)
        return NULL;
    return first <= second ? r->engine : r->decode;
}

/* To its end, or to the first step that fails. */
static void run_all(struct run *r)
{
    struct assay_engine *e;
    uint64_t             at_ns, steps = 0;
    bool                 real = r->how->target->limits.clock != ASSAY_CLOCK_MODEL;
    while (!r->broken.code && (e = next_engine(r, &at_ns))) {
        if (real)
            wait_until(r->origin_ns + at_ns);
        else
            assay_engine_skip(e, at_ns);
        if (assay_engine_step(e, &r->out->failure))
            return;
        if (r->how->progress && ++steps % PROGRESS_EVERY == 0)
            r->how->progress(r->how->self, assay_requests_share(r->requests));
    }
}

/* What was issued and has not ended has failed, for the reason that the run did not go on. */
static void break_off(struct run *r, enum assay_code code)
{
    assay_requests_stop(r->requests);
    assay_engine_abandon(r->engine, code);
    if (r->decode)
        assay_engine_abandon(r->decode, code);
}

static void end(struct run *r)
{
    if (r->engine)
        r->out->engine = assay_engine_counts(r->engine);
    if (r->decode)
        r->out->decode = assay_engine_counts(r->decode);
    assay_engine_free(r->engine);
    assay_engine_free(r->decode);
    assay_requests_free(r->requests);
    free(r->line.waiting);
    free(r->line.free_ns);
}

enum assay_code assay_serve_run(const struct assay_serve *how, struct assay_serve_result *out, struct assay_error *err)
{
    struct run r = {.how = how, .out = out};
    *out = (struct assay_serve_result){.served = NULL};
    enum assay_code code = begin(&r, err);
    if (!code) {
        run_all(&r);
        if (out->failure.code)
            break_off(&r, out->failure.code);
        if (r.broken.code)
            *err = r.broken;
        code = r.broken.code;
    }
    end(&r);
    if (code) {
        assay_served_free(out->served);
        out->served = NULL;
    }
    return code;
}
