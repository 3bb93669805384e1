#include "harness/load/serving/requests.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/random.h"
#include "harness/load/arrivals.h"
#include "harness/load/rows.h"

#include "assay/banned.h"

#define MOST_TOKENS 100000000u
#define PIECE 256 /* tokens made at once */

struct pair {
    uint32_t prompt, output;
};
struct assay_requests {
    struct assay_scenario  scenario;
    struct assay_lengths   prompt, output;
    struct pair           *table, longest;
    size_t                 n_table;
    uint32_t               shared_tokens, shared_prompts, vocabulary;
    uint64_t               admission_ns;
    uint64_t               key_prompt, key_output, key_own, key_shared, key_group; /* of the random streams */
    struct assay_arrivals *arrivals;
    bool                   waits; /* for completions: places that are free since … */
    uint64_t              *free_ns, n_free, first_free, n_places;
    struct assay_engine_request ahead; /* the next one, if has_ahead */
    bool                   has_ahead, ended;
    uint64_t               taken, last_ns;
};

/* ---- lengths ------------------------------------------------------------------------------------------------------- */

static const char *const table_headers[] = {"prompt_tokens,output_tokens", NULL}, *const table_columns[] = {"prompt_tokens", "output_tokens"};
static const struct assay_rows_kind table_kind = {.what = "a table of lengths", .hint = "prompt_tokens,output_tokens", .headers = table_headers,
                                                  .names = table_columns, .limit_bytes = (size_t)64 << 20};

static bool longer(struct pair a, struct pair b)
{
    return (uint64_t)a.prompt + a.output > (uint64_t)b.prompt + b.output;
}

static enum assay_code read_rows(struct assay_requests *r, const char *path, const struct assay_rows *rows, struct assay_error *err)
{
    size_t lines = 1;
    for (const char *c = rows->first; *c; c++)
        lines += *c == '\n';
    if (!(r->table = calloc(lines, sizeof *r->table)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu lengths", lines);
    for (const char *at = rows->first, *next; *at; at = next) {
        uint64_t value[ASSAY_ROWS_COLUMNS];
        unsigned column;
        if ((next = assay_rows_read(rows, at, value, &column)))
            column = value[0] - 1 >= MOST_TOKENS ? 0 : value[1] - 1 >= MOST_TOKENS ? 1 : rows->columns;
        if (!next || column < rows->columns)
            return assay_rows_refuse(rows, path, r->n_table + 2, at, column, "a whole number from 1 to 100000000", err);
        struct pair p = {(uint32_t)value[0], (uint32_t)value[1]};
        r->longest = longer(p, r->longest) ? p : r->longest;
        r->table[r->n_table++] = p;
    }
    return r->n_table ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_DATA, "%.160s: no lengths behind the header", path);
}

static enum assay_code read_table(struct assay_requests *r, const char *path, struct assay_error *err)
{
    struct assay_rows rows;
    if (assay_rows_open(path, &table_kind, &rows, err))
        return err->code;
    enum assay_code code = read_rows(r, path, &rows, err);
    free(rows.bytes);
    return code;
}

static struct pair lengths_of(const struct assay_requests *r, const struct assay_arrival *a)
{
    struct pair p;
    if (r->n_table)
        p = r->table[a->sample % r->n_table];
    else
        p = (struct pair){assay_lengths_draw(&r->prompt, r->key_prompt, a->sample), assay_lengths_draw(&r->output, r->key_output, a->sample)};
    p.prompt = a->prompt_tokens ? a->prompt_tokens : p.prompt;
    p.output = a->output_tokens ? a->output_tokens : p.output;
    return p;
}

/* ---- the next one -------------------------------------------------------------------------------------------------- */

/* Is a request at that time still one of the run's? */
static bool belongs(const struct assay_requests *r, uint64_t scheduled_ns)
{
    const struct assay_scenario *s = &r->scenario;
    if (s->type == ASSAY_OFFLINE || s->type == ASSAY_TRACE)
        return !s->max_duration_ns || scheduled_ns <= s->max_duration_ns;
    if (s->max_duration_ns && scheduled_ns > s->max_duration_ns)
        return false;
    return r->taken < assay_scenario_least(s) || scheduled_ns < s->min_duration_ns;
}

static bool peek(void *self, struct assay_engine_request *next)
{
    struct assay_requests *r = self;
    struct assay_arrival   a;
    if (!r->has_ahead) {
        if (r->ended || (r->waits && !r->n_free))
            return false;
        bool there = assay_arrivals_next(r->arrivals, &a);
        a.scheduled_ns = r->waits ? r->free_ns[r->first_free] : a.scheduled_ns;
        if (!there || !belongs(r, a.scheduled_ns)) {
            r->ended = true;
            return false;
        }
        struct pair p = lengths_of(r, &a);
        r->ahead = (struct assay_engine_request){.id = r->taken, .scheduled_ns = a.scheduled_ns, .ready_ns = a.scheduled_ns + r->admission_ns,
                                                 .prompt_tokens = p.prompt, .output_tokens = p.output};
        r->has_ahead = true;
    }
    *next = r->ahead;
    return true;
}

static void take(void *self)
{
    struct assay_requests *r = self;
    r->has_ahead = false;
    r->taken++;
    r->last_ns = r->ahead.scheduled_ns;
    if (r->waits) {
        r->first_free = (r->first_free + 1) % r->n_places;
        r->n_free--;
    }
}

static void content(void *self, const struct assay_engine_request *q, int32_t *prompt)
{
    assay_requests_prompt(self, q->id, q->prompt_tokens, prompt);
}

struct assay_engine_source assay_requests_source(struct assay_requests *r)
{
    return (struct assay_engine_source){.self = r, .peek = peek, .take = take, .content = content};
}

/* Free places stand in the order of their times; two engines need not tell of theirs in that order. */
void assay_requests_ended(struct assay_requests *r, uint64_t at_ns)
{
    if (!r->waits)
        return;
    uint64_t i = r->n_free++;
    for (; i > 0; i--) {
        uint64_t before = r->free_ns[(r->first_free + i - 1) % r->n_places];
        if (before <= at_ns || (i == 1 && r->has_ahead))
            break;
        r->free_ns[(r->first_free + i) % r->n_places] = before;
    }
    r->free_ns[(r->first_free + i) % r->n_places] = at_ns;
}

void assay_requests_stop(struct assay_requests *r)
{
    r->ended = r->ended || r->waits;
}

double assay_requests_share(const struct assay_requests *r)
{
    const struct assay_scenario *s = &r->scenario;
    uint64_t                     least = assay_scenario_least(s);
    double                       requests = least ? (double)r->taken / (double)least : 1;
    double                       time = s->min_duration_ns ? (double)r->last_ns / (double)s->min_duration_ns : 1;
    double                       share = requests < time || s->type == ASSAY_OFFLINE ? requests : time;
    return share < 1 ? share : 1;
}

/* ---- what they say ------------------------------------------------------------------------------------------------- */

/* Tokens first .. first + n - 1 of a stream. */
static void draw_tokens(uint64_t key, uint64_t first, uint32_t n, uint32_t vocabulary, int32_t *to)
{
    int64_t some[PIECE];
    while (n) {
        uint32_t now = n < PIECE ? n : PIECE;
        assay_random_integers(key, first, now, 0, (int64_t)vocabulary - 1, some);
        for (uint32_t i = 0; i < now; i++)
            to[i] = (int32_t)some[i];
        to += now;
        first += now;
        n -= now;
    }
}

void assay_requests_prompt(const struct assay_requests *r, uint64_t id, uint32_t n, int32_t *tokens)
{
    uint32_t shared = r->shared_prompts ? n < r->shared_tokens ? n : r->shared_tokens : 0;
    int64_t  group = 0;
    if (shared) {
        assay_random_integers(r->key_group, id, 1, 0, (int64_t)r->shared_prompts - 1, &group);
        draw_tokens(r->key_shared, (uint64_t)group << 32, shared, r->vocabulary, tokens);
    }
    draw_tokens(r->key_own, (id << 28) + shared, n - shared, r->vocabulary, tokens + shared);
}

/* ---- their life ---------------------------------------------------------------------------------------------------- */

/* A trace's requests have their own lengths. */
static enum assay_code find_longest(struct assay_requests *r, const struct assay_seeds *seeds, struct assay_error *err)
{
    struct assay_arrivals *all;
    struct assay_arrival   a;
    if (!r->n_table)
        r->longest = (struct pair){r->prompt.high, r->output.high};
    if (r->scenario.type != ASSAY_TRACE)
        return ASSAY_OK;
    if (assay_arrivals_new(&r->scenario, seeds, &all, err))
        return err->code;
    r->longest = (struct pair){0, 0};
    while (assay_arrivals_next(all, &a)) {
        struct pair p = lengths_of(r, &a);
        if (longer(p, r->longest))
            r->longest = p;
    }
    assay_arrivals_free(all);
    return ASSAY_OK;
}

static enum assay_code begin(struct assay_requests *r, const struct assay_requests_setup *how, struct assay_error *err)
{
    const struct assay_scenario *s = &r->scenario;
    r->waits = s->type == ASSAY_SINGLE_STREAM || s->type == ASSAY_CONCURRENCY;
    r->n_places = s->type == ASSAY_CONCURRENCY ? s->in_flight : 1;
    r->n_free = r->n_places;
    if (r->waits && !(r->free_ns = calloc(r->n_places, sizeof *r->free_ns)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %llu requests in flight", (unsigned long long)r->n_places);
    if (*how->table && read_table(r, how->table, err))
        return err->code;
    return find_longest(r, how->seeds, err) ? err->code : assay_arrivals_new(s, how->seeds, &r->arrivals, err);
}

enum assay_code assay_requests_new(const struct assay_requests_setup *how, struct assay_requests **out, struct assay_error *err)
{
    if (how->scenario->type == ASSAY_MULTI_STREAM) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "requests of several samples (multi_stream) are not served");
        return assay_error_hint(err, "concurrency keeps a number of requests in flight");
    }
    if (!how->vocabulary)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a vocabulary of no tokens");
    struct assay_requests *r = calloc(1, sizeof *r);
    if (!r)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for requests");
    r->scenario = *how->scenario;
    r->prompt = how->prompt;
    r->output = how->output;
    r->shared_tokens = how->shared_tokens;
    r->shared_prompts = how->shared_prompts;
    r->vocabulary = how->vocabulary;
    r->admission_ns = how->admission_ns;
    r->key_prompt = assay_hash_text("serving.prompt_tokens", how->seed);
    r->key_output = assay_hash_text("serving.output_tokens", how->seed);
    r->key_own = assay_hash_text("serving.own", how->seed);
    r->key_shared = assay_hash_text("serving.shared", how->seed);
    r->key_group = assay_hash_text("serving.group", how->seed);
    if (begin(r, how, err)) {
        assay_requests_free(r);
        return err->code;
    }
    *out = r;
    return ASSAY_OK;
}

void assay_requests_free(struct assay_requests *r)
{
    if (!r)
        return;
    assay_arrivals_free(r->arrivals);
    free(r->free_ns);
    free(r->table);
    free(r);
}

enum assay_code assay_requests_fit(const struct assay_requests *r, const struct assay_engine *e, uint32_t context, struct assay_error *err)
{
    if (r->scenario.type == ASSAY_TRACE && assay_arrivals_fit(r->arrivals, context, err))
        return err->code;
    return assay_engine_fits(e, r->longest.prompt, r->longest.output, err);
}
