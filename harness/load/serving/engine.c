#include "harness/load/serving/engine.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/load/serving/blocks.h"

#include "assay/banned.h"

/* A request that was admitted, and has not ended. */
struct sequence {
    struct assay_engine_request request;
    uint32_t length, computed; /* tokens that are known; of those, in the cache */
    uint32_t n_blocks, n_hashes; /* n_hashes: full blocks of the prompt */
    uint32_t preemptions, reused;
    uint64_t first_ns, last_ns;
    int32_t *blocks, *tokens;      /* tokens: NULL where no values are computed */
    struct assay_hash128 *hashes;  /* of the prompt up to the end of each full block; NULL without reuse */
};
/* Which sequence is how long in the step to come. */
struct share {
    struct sequence *of;
    uint32_t         n;
};
struct assay_engine {
    struct assay_engine_setup  how;
    struct assay_step_limits   limits;
    struct assay_engine_policy policy;
    struct assay_blocks       *blocks;
    struct sequence           *slots;
    struct sequence          **running; /* in order of admission */
    struct sequence          **front;   /* what goes before the source: the pre-empted, and one that found no room; the next one last */
    struct sequence          **idle;
    uint32_t                   n_running, n_front, n_idle;
    struct share              *plan;
    struct assay_step_sequence *row;
    uint32_t                   n_plan, n_plan_tokens;
    int32_t                   *next, *block_room, *token_room, *scratch;
    struct assay_hash128      *hash_room;
    uint32_t                   most_blocks; /* of one sequence */
    uint64_t                   now_ns;      /* model clock: the engine's time */
    struct assay_engine_counts counts;
};

static uint32_t blocks_of(const struct assay_engine *e, uint32_t tokens)
{
    return tokens / e->limits.block_tokens + (tokens % e->limits.block_tokens != 0);
}

static bool on_model_clock(const struct assay_engine *e)
{
    return e->limits.clock == ASSAY_CLOCK_MODEL;
}

static uint64_t now_of(const struct assay_engine *e)
{
    return on_model_clock(e) ? e->now_ns : assay_clock_now_ns() - e->how.origin_ns;
}

static uint64_t host_cost_ns(const struct assay_engine *e, enum assay_engine_cost cost)
{
    return e->how.host ? assay_engine_cost_ns(e->how.host, cost) : 0;
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

static void drop_blocks(struct assay_engine *e, struct sequence *s)
{
    while (s->n_blocks) /* from the end: what many prompts begin with stays longest */
        assay_blocks_release(e->blocks, s->blocks[--s->n_blocks]);
    s->computed = 0;
}

static bool grow(struct assay_engine *e, struct sequence *s, uint32_t tokens)
{
    while (s->n_blocks < blocks_of(e, tokens)) {
        int32_t block = assay_blocks_take(e->blocks);
        if (block == ASSAY_NO_BLOCK)
            return false;
        s->blocks[s->n_blocks++] = block;
    }
    return true;
}

static void end_sequence(struct assay_engine *e, struct sequence *s, enum assay_code code)
{
    uint32_t output = s->length - s->request.prompt_tokens;
    struct assay_engine_ended ended = {
        .request = s->request, .code = code, .output_tokens = output, .first_ns = s->first_ns, .last_ns = s->last_ns,
        .completed_ns = code ? now_of(e) : s->last_ns + host_cost_ns(e, ASSAY_ENGINE_COMPLETION),
        .preemptions = s->preemptions, .reused_tokens = s->reused, .tokens = s->tokens,
    };
    drop_blocks(e, s);
    e->idle[e->n_idle++] = s;
    e->how.watch.ended(e->how.watch.self, &ended);
}

/* A prompt's blocks are known by all tokens up to their ends, so equal hashes mean equal keys and values. */
static void hash_prompt(struct assay_engine *e, struct sequence *s, const int32_t *prompt)
{
    size_t               each = e->limits.block_tokens;
    struct assay_hash128 h = {0, 0};
    s->n_hashes = s->request.prompt_tokens / e->limits.block_tokens;
    for (uint32_t i = 0; i < s->n_hashes; i++)
        s->hashes[i] = h = assay_hash_join(h, assay_hash_bytes(prompt + i * each, each * sizeof *prompt));
}

static void sequence_begin(struct assay_engine *e, const struct assay_engine_request *r)
{
    struct sequence *s = e->idle[--e->n_idle];
    bool             reuse = e->policy.reuses_prefixes && !r->prefilled;
    s->request = *r;
    s->length = r->prompt_tokens + r->prefilled;
    s->computed = s->n_blocks = s->n_hashes = s->preemptions = 0;
    s->reused = r->reused_tokens;
    s->first_ns = s->last_ns = r->prefilled ? r->first_ns : 0;
    if (s->tokens || reuse)
        e->how.source.content(e->how.source.self, r, s->tokens ? s->tokens : e->scratch);
    if (reuse)
        hash_prompt(e, s, s->tokens ? s->tokens : e->scratch);
    e->front[e->n_front++] = s;
}

/* ---- admission --------------------------------------------------------------------------------------------------- */

/* Blocks of the prompt that are in the cache already; the last token is always computed, or nothing would come out. */
static uint32_t find_prefix(const struct assay_engine *e, const struct sequence *s, uint32_t *nobody_holds)
{
    uint32_t most = (s->length - 1) / e->limits.block_tokens, n = 0;
    *nobody_holds = 0;
    for (; n < s->n_hashes && n < most; n++) {
        int32_t block = assay_blocks_find(e->blocks, s->hashes[n]);
        if (block == ASSAY_NO_BLOCK)
            break;
        *nobody_holds += !assay_blocks_held(e->blocks, block);
    }
    return n;
}

/* All blocks of what is known of the sequence, or none. */
static bool take_blocks(struct assay_engine *e, struct sequence *s)
{
    uint32_t nobody_holds, found = find_prefix(e, s, &nobody_holds), all = blocks_of(e, s->length);
    if (all - found + nobody_holds > assay_blocks_available(e->blocks))
        return false;
    for (uint32_t i = 0; i < found; i++) {
        s->blocks[i] = assay_blocks_find(e->blocks, s->hashes[i]);
        assay_blocks_hold(e->blocks, s->blocks[i]);
    }
    s->n_blocks = found;
    s->computed = found * e->limits.block_tokens;
    return grow(e, s, s->length);
}

/* How many of a sequence's tokens the step still takes. */
static uint32_t piece(const struct assay_engine *e, const struct sequence *s)
{
    uint32_t left = s->length - s->computed, room = e->policy.max_tokens - e->n_plan_tokens, chunk = e->policy.chunk_tokens;
    if (!chunk)
        return left <= room ? left : 0;
    left = left < chunk ? left : chunk;
    return left < room ? left : room;
}

static void plan_add(struct assay_engine *e, struct sequence *s, uint32_t n)
{
    if (!n)
        return;
    e->plan[e->n_plan++] = (struct share){s, n};
    e->n_plan_tokens += n;
}

/* Gives the sequence its blocks and a place in the step, or leaves all as it was. A static batch forms at once, so who finds no
 * room in its first step has it in a later one. */
static bool admit(struct assay_engine *e, struct sequence *s)
{
    if ((e->n_plan_tokens == e->policy.max_tokens && !e->policy.is_static) || !take_blocks(e, s))
        return false;
    uint32_t reused = s->computed;
    if (s->request.prefilled && !s->preemptions)
        s->computed = s->request.prompt_tokens;
    uint32_t n = piece(e, s);
    if (!n && !e->policy.is_static) {
        drop_blocks(e, s);
        return false;
    }
    s->reused += s->preemptions ? 0 : reused;
    e->counts.reused_tokens += reused;
    e->running[e->n_running++] = s;
    plan_add(e, s, n);
    return true;
}

static bool timed_out(const struct assay_engine *e, const struct sequence *s, uint64_t now)
{
    return e->how.timeout_ns && now > s->request.scheduled_ns && now - s->request.scheduled_ns > e->how.timeout_ns;
}

static void end_unbegun(struct assay_engine *e, const struct assay_engine_request *r, enum assay_code code)
{
    struct assay_engine_ended ended = {.request = *r, .code = code, .completed_ns = now_of(e), .output_tokens = r->prefilled,
                                       .first_ns = r->first_ns, .last_ns = r->first_ns, .reused_tokens = r->reused_tokens};
    e->how.watch.ended(e->how.watch.self, &ended);
}

/* The next one to admit to the front's end; false if nobody is there. */
static bool draw_front(struct assay_engine *e, uint64_t now)
{
    struct assay_engine_request r;
    struct assay_error          ignored;
    while (true) {
        if (!e->n_front) {
            if (!e->how.source.peek(e->how.source.self, &r) || r.ready_ns > now)
                return false;
            e->how.source.take(e->how.source.self);
            if (assay_engine_fits(e, r.prompt_tokens, r.output_tokens, &ignored)) {
                end_unbegun(e, &r, ignored.code);
                continue;
            }
            sequence_begin(e, &r);
        }
        if (!timed_out(e, e->front[e->n_front - 1], now))
            return true;
        end_sequence(e, e->front[--e->n_front], ASSAY_TIMEOUT);
    }
}

static void admit_all(struct assay_engine *e, uint64_t now)
{
    while (e->n_running < e->policy.max_sequences && draw_front(e, now) && admit(e, e->front[e->n_front - 1]))
        e->n_front--;
}

/* ---- one step ------------------------------------------------------------------------------------------------------ */

static void preempt_last(struct assay_engine *e)
{
    struct sequence *s = e->running[--e->n_running];
    e->counts.preemptions++;
    e->counts.recomputed_tokens += s->computed;
    s->preemptions++;
    drop_blocks(e, s);
    e->front[e->n_front++] = s;
}

/* Every sequence that generates has its next token, whoever was admitted first; where blocks are short the last admitted goes.
 * The first of all always has enough: no request is taken that the whole cache could not hold. */
static bool plan_next_tokens(struct assay_engine *e)
{
    uint32_t before = e->n_running;
    for (uint32_t i = 0; i < e->n_running; i++) {
        struct sequence *s = e->running[i];
        if (s->length - s->computed != 1)
            continue;
        while (i < e->n_running && !grow(e, s, s->length))
            preempt_last(e);
        if (i < e->n_running)
            plan_add(e, s, 1);
    }
    return e->n_running < before;
}

static void plan_prompts(struct assay_engine *e)
{
    for (uint32_t i = 0; i < e->n_running && e->n_plan_tokens < e->policy.max_tokens; i++)
        if (e->running[i]->length - e->running[i]->computed > 1)
            plan_add(e, e->running[i], piece(e, e->running[i]));
}

static void plan_step(struct assay_engine *e, uint64_t now)
{
    bool was_empty = !e->n_running;
    e->n_plan = e->n_plan_tokens = 0;
    bool preempted = plan_next_tokens(e);
    plan_prompts(e);
    if (!preempted && (was_empty || !e->policy.is_static))
        admit_all(e, now);
}

static void fill_rows(struct assay_engine *e)
{
    for (uint32_t i = 0; i < e->n_plan; i++) {
        const struct sequence *s = e->plan[i].of;
        e->row[i] = (struct assay_step_sequence){
            .request = s->request.id, .past = s->computed, .n = e->plan[i].n, .tokens = s->tokens ? s->tokens + s->computed : NULL,
            .blocks = s->blocks, .samples = s->computed + e->plan[i].n == s->length,
        };
    }
}

/* What the host takes for itself before a step, on a model clock. */
static uint64_t host_ns(const struct assay_engine *e)
{
    uint64_t ns = host_cost_ns(e, ASSAY_ENGINE_STEP) + e->n_plan * host_cost_ns(e, ASSAY_ENGINE_REQUEST);
    return e->how.host && !e->how.host->graphs ? ns + e->how.layers * host_cost_ns(e, ASSAY_ENGINE_LAYER) : ns;
}

static void publish(struct assay_engine *e, const struct sequence *s, uint32_t before)
{
    uint32_t each = e->limits.block_tokens, end = s->computed / each;
    for (uint32_t i = before / each; i < end && i < s->n_hashes; i++)
        assay_blocks_publish(e->blocks, s->blocks[i], s->hashes[i]);
}

/* A token came out of a sequence. */
static void on_token(struct assay_engine *e, struct sequence *s, int32_t token, uint64_t at_ns)
{
    if (s->tokens)
        s->tokens[s->length] = token;
    uint32_t index = s->length++ - s->request.prompt_tokens;
    e->how.watch.token(e->how.watch.self, &s->request, index, at_ns, s->last_ns);
    if (!index)
        s->first_ns = at_ns;
    s->last_ns = at_ns;
}

static void account(struct assay_engine *e, uint64_t at_ns)
{
    for (uint32_t i = 0; i < e->n_plan; i++) {
        struct sequence *s = e->plan[i].of;
        uint32_t         before = s->computed;
        s->computed += e->plan[i].n;
        publish(e, s, before);
        if (s->computed == s->length)
            on_token(e, s, e->next[i], at_ns);
    }
}

/* Those that have all their tokens leave, and those that took too long. */
static void leave(struct assay_engine *e, uint64_t now)
{
    uint32_t stay = 0;
    for (uint32_t i = 0; i < e->n_running; i++) {
        struct sequence *s = e->running[i];
        uint32_t         output = s->length - s->request.prompt_tokens;
        bool             done = output == s->request.output_tokens || (output && e->policy.only_prompts);
        if (done)
            end_sequence(e, s, ASSAY_OK);
        else if (timed_out(e, s, now))
            end_sequence(e, s, ASSAY_TIMEOUT);
        else
            e->running[stay++] = s;
    }
    e->n_running = stay;
}

static void count_step(struct assay_engine *e)
{
    uint32_t held = e->limits.n_blocks - assay_blocks_available(e->blocks);
    e->counts.steps++;
    e->counts.sequences += e->n_plan;
    e->counts.tokens += e->n_plan_tokens;
    if (e->n_running > e->counts.most_sequences)
        e->counts.most_sequences = e->n_running;
    if (held > e->counts.most_blocks)
        e->counts.most_blocks = held;
}

enum assay_code assay_engine_step(struct assay_engine *e, struct assay_error *err)
{
    uint64_t          now = now_of(e);
    struct assay_span span = {.size = sizeof span};
    plan_step(e, now);
    if (!e->n_plan)
        return ASSAY_OK;
    fill_rows(e);
    count_step(e);
    uint64_t          host = host_ns(e), begin = now_of(e);
    struct assay_step step = {.sequences = e->row, .n_sequences = e->n_plan, .n_tokens = e->n_plan_tokens,
                              .earliest_ns = on_model_clock(e) ? e->how.origin_ns + now + host : 0};
    if (e->how.target->execute(e->how.target->self, &step, e->next, NULL, &span, err))
        return assay_error_in(err, "step %llu of %u sequences, %u tokens", (unsigned long long)e->counts.steps, e->n_plan, e->n_plan_tokens);
    if (on_model_clock(e) && (span.begin_ns < step.earliest_ns || span.end_ns < span.begin_ns))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "a step that could not begin before %llu ns ran from %llu to %llu ns",
                          (unsigned long long)step.earliest_ns, (unsigned long long)span.begin_ns, (unsigned long long)span.end_ns);
    e->counts.busy_ns += span.end_ns - span.begin_ns;
    e->now_ns = span.end_ns - e->how.origin_ns;
    uint64_t end = now_of(e);
    account(e, end + host_cost_ns(e, ASSAY_ENGINE_TOKEN));
    leave(e, end);
    e->counts.host_ns += on_model_clock(e) ? host : begin - now + now_of(e) - end;
    return ASSAY_OK;
}

uint64_t assay_engine_next_ns(const struct assay_engine *e)
{
    struct assay_engine_request r;
    uint64_t                    now = now_of(e);
    if (e->n_running || e->n_front)
        return now;
    if (!e->how.source.peek(e->how.source.self, &r))
        return UINT64_MAX;
    return r.ready_ns > now ? r.ready_ns : now;
}

void assay_engine_skip(struct assay_engine *e, uint64_t to_ns)
{
    if (to_ns > e->now_ns)
        e->now_ns = to_ns;
}

void assay_engine_abandon(struct assay_engine *e, enum assay_code code)
{
    struct assay_engine_request r;
    while (e->n_running)
        end_sequence(e, e->running[--e->n_running], code);
    while (e->n_front)
        end_sequence(e, e->front[--e->n_front], code);
    while (e->how.source.peek(e->how.source.self, &r) && (r.prefilled || r.scheduled_ns <= now_of(e))) {
        e->how.source.take(e->how.source.self);
        end_unbegun(e, &r, code);
    }
}

struct assay_engine_counts assay_engine_counts(const struct assay_engine *e)
{
    return e->counts;
}

/* ---- its life ------------------------------------------------------------------------------------------------------ */

enum assay_code assay_engine_fits(const struct assay_engine *e, uint32_t prompt, uint32_t output, struct assay_error *err)
{
    uint64_t last = (uint64_t)prompt + (e->policy.only_prompts ? 1 : output) - 1; /* the last token is never read again */
    uint64_t blocks = (last + e->limits.block_tokens - 1) / e->limits.block_tokens;
    if (!prompt || !output)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a request of %u prompt and %u output tokens; at least 1 of each", prompt, output);
    if ((uint64_t)prompt + output > e->limits.max_context)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a request of %u + %u tokens; the model's context has %u", prompt, output, e->limits.max_context);
    if (blocks > e->limits.n_blocks) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "a request of %u + %u tokens needs %llu cache blocks of %u tokens; there are %u", prompt, output,
                         (unsigned long long)blocks, e->limits.block_tokens, e->limits.n_blocks);
        return assay_error_hint(err, "give the cache more blocks, or the requests fewer tokens");
    }
    if (!e->policy.chunk_tokens && last > e->policy.max_tokens) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "a request of %u + %u tokens may have to be computed again in one step; a step takes %u tokens",
                         prompt, output, e->policy.max_tokens);
        return assay_error_hint(err, "let prompts be cut (chunk), or make the step larger");
    }
    return ASSAY_OK;
}

static enum assay_code choose_policy(struct assay_engine *e, struct assay_error *err)
{
    struct assay_engine_policy     *p = &e->policy;
    const struct assay_step_limits *l = &e->limits;
    p->max_tokens = p->max_tokens ? p->max_tokens : l->max_tokens;
    p->max_sequences = p->max_sequences ? p->max_sequences : l->max_sequences;
    if (!l->max_tokens || !l->max_sequences || !l->block_tokens || !l->max_context)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "a step target of no tokens, sequences, block or context");
    if (p->max_tokens > l->max_tokens || p->max_sequences > l->max_sequences)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%u tokens and %u sequences a step; the target takes %u and %u", p->max_tokens, p->max_sequences,
                          l->max_tokens, l->max_sequences);
    if (p->max_sequences > p->max_tokens)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "%u sequences a step of %u tokens; each must have its next one", p->max_sequences, p->max_tokens);
    e->most_blocks = blocks_of(e, l->max_context);
    return ASSAY_OK;
}

static bool take(void **out, size_t n, size_t each)
{
    size_t bytes;
    return assay_size_multiply(n, each, &bytes) && (*out = calloc(bytes ? bytes : 1, 1)) != NULL;
}

static bool take_all(struct assay_engine *e)
{
    size_t most = e->policy.max_sequences, slots = most + 1, tables, texts;
    return assay_size_multiply(slots, e->most_blocks, &tables) && assay_size_multiply(slots, e->limits.max_context, &texts) &&
           take((void **)&e->slots, slots, sizeof *e->slots) && take((void **)&e->running, most, sizeof(void *)) &&
           take((void **)&e->front, slots, sizeof(void *)) && take((void **)&e->idle, slots, sizeof(void *)) &&
           take((void **)&e->plan, most, sizeof *e->plan) && take((void **)&e->row, most, sizeof *e->row) &&
           take((void **)&e->next, most, sizeof *e->next) && take((void **)&e->block_room, tables, sizeof *e->block_room) &&
           (!e->limits.values || take((void **)&e->token_room, texts, sizeof *e->token_room)) &&
           (!e->policy.reuses_prefixes || (take((void **)&e->hash_room, tables, sizeof *e->hash_room) &&
                                           take((void **)&e->scratch, e->limits.max_context, sizeof *e->scratch)));
}

static void lay_out(struct assay_engine *e)
{
    for (uint32_t i = 0; i <= e->policy.max_sequences; i++) {
        struct sequence *s = &e->slots[i];
        s->blocks = e->block_room + (size_t)i * e->most_blocks;
        s->tokens = e->token_room ? e->token_room + (size_t)i * e->limits.max_context : NULL;
        s->hashes = e->hash_room ? e->hash_room + (size_t)i * e->most_blocks : NULL;
        e->idle[e->n_idle++] = s;
    }
}

enum assay_code assay_engine_new(const struct assay_engine_setup *how, struct assay_engine **out, struct assay_error *err)
{
    struct assay_engine *e = calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a serving engine");
    e->how = *how;
    e->limits = how->target->limits;
    e->policy = how->policy;
    enum assay_code code = choose_policy(e, err);
    if (!code)
        code = assay_blocks_new(e->limits.n_blocks, &e->blocks, err);
    if (!code && !take_all(e))
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u sequences of %u tokens", e->policy.max_sequences, e->limits.max_context);
    if (code) {
        assay_engine_free(e);
        return code;
    }
    lay_out(e);
    *out = e;
    return ASSAY_OK;
}

void assay_engine_free(struct assay_engine *e)
{
    if (!e)
        return;
    assay_blocks_free(e->blocks);
    void *const all[] = {e->slots, e->running, e->front, e->idle, e->plan, e->row, e->next, e->block_room, e->token_room, e->scratch, e->hash_room};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(e);
}
