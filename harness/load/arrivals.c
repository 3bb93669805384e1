/* The order in which LoadGen's constructors consume its generators decides the rows; README.md says what it is. Its permutations are
 * made one at a time, when their first entry is needed: they are a walk of the generator that can be begun again. */
#include "harness/load/arrivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/load/mt19937.h"
#include "harness/load/trace.h"

#include "assay/banned.h"

#define MAX_NS ((uint64_t)INT64_MAX) /* 292 years; LoadGen's clock ends there too */

struct assay_arrivals {
    struct assay_scenario scenario;
    struct assay_mt19937  sample, schedule;
    struct assay_mt19937  walk, walk_start; /* equal issue: makes permutation after permutation; where the first one began */
    uint32_t             *loaded;           /* P sample indices, shuffled */
    uint32_t             *order;            /* equal issue: the permutation that is being walked through; else NULL */
    uint64_t              turn, n_turns;    /* how many permutations were begun since walk_start, and are until it begins again */
    uint64_t              place;            /* in the loaded set or the permutation */
    uint64_t              samples_per_query, left; /* of the query that is being given out */
    uint64_t              n_samples;        /* offline: of the query */
    struct assay_arrival  row;              /* the last one */
    bool                  begun;
    uint64_t (*draw)(struct assay_arrivals *s);
    struct assay_trace    trace;
};

/* ---- which sample ------------------------------------------------------------------------------------------- */

static uint64_t draw_any(struct assay_arrivals *s)
{
    return s->loaded[assay_mt19937_below(&s->sample, (uint32_t)s->scenario.performance_samples)];
}

/* Neighbours in the loaded set, from a random one on; behind its end it begins again. */
static uint64_t draw_neighbour(struct assay_arrivals *s)
{
    uint64_t n = s->scenario.performance_samples;
    if (s->left == s->samples_per_query)
        s->place = assay_mt19937_below(&s->sample, (uint32_t)n);
    return s->loaded[s->place++ % n];
}

static uint64_t draw_in_order(struct assay_arrivals *s)
{
    return s->loaded[s->place++ % s->scenario.performance_samples];
}

static void count_up(uint32_t *values, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        values[i] = (uint32_t)i;
}

/* Each permutation is a shuffle of the one before; after the last comes the first. */
static uint64_t draw_of_permutations(struct assay_arrivals *s)
{
    uint64_t n = s->scenario.performance_samples;
    if (s->place == 0) {
        if (s->turn == s->n_turns || s->turn == 0) {
            s->walk = s->walk_start;
            s->turn = 0;
            count_up(s->order, n);
        }
        assay_mt19937_shuffle(&s->walk, s->order, (uint32_t)n);
        s->turn++;
    }
    uint64_t at = s->order[s->place];
    s->place = (s->place + 1) % n;
    return s->loaded[at];
}

/* Each is a shuffle of the loaded set, and none comes again. */
static uint64_t draw_of_fresh_shuffles(struct assay_arrivals *s)
{
    uint64_t n = s->scenario.performance_samples;
    if (s->place == 0) {
        memcpy(s->order, s->loaded, n * sizeof *s->order);
        assay_mt19937_shuffle(&s->sample, s->order, (uint32_t)n);
    }
    uint64_t sample = s->order[s->place];
    s->place = (s->place + 1) % n;
    return sample;
}

/* ---- how it begins ------------------------------------------------------------------------------------------ */

static uint64_t rounded_up(uint64_t n, uint64_t by)
{
    return (n + by - 1) / by;
}

/* What LoadGen has drawn when it comes to the first sample: one shuffle of the set (multi-stream: of its starts), and as many
 * shuffles as cover the least number of queries, be they used or not. Seeds of our own agree with nobody and draw nothing before. */
static void consume(struct assay_arrivals *s)
{
    const struct assay_scenario *c = &s->scenario;
    if (!strcmp(c->seeds, "case")) {
        s->walk_start = s->sample;
        s->n_turns = UINT64_MAX;
        return;
    }
    uint64_t set = c->performance_samples, starts = set, queries = c->min_queries;
    if (c->type == ASSAY_MULTI_STREAM) {
        starts = rounded_up(starts, c->samples_per_query);
        set += c->samples_per_query - 1;
    }
    if (c->type == ASSAY_OFFLINE)
        queries = 1;
    if (c->type == ASSAY_SINGLE_STREAM)
        queries = assay_scenario_least(c);
    assay_mt19937_shuffle(&s->sample, NULL, (uint32_t)starts);
    s->n_turns = rounded_up(queries, set);
    s->walk_start = s->sample;
    if (s->draw == draw_of_permutations) /* nothing else is drawn from this generator */
        return;
    for (uint64_t i = 0; i < s->n_turns; i++)
        assay_mt19937_shuffle(&s->sample, NULL, (uint32_t)set);
}

static void choose_draw(struct assay_arrivals *s)
{
    const struct assay_scenario *c = &s->scenario;
    if (c->type == ASSAY_MULTI_STREAM)
        s->draw = draw_neighbour;
    else if (c->type == ASSAY_OFFLINE)
        s->draw = c->equal_issue ? draw_of_fresh_shuffles : draw_in_order;
    else
        s->draw = c->equal_issue ? draw_of_permutations : draw_any;
}

static enum assay_code begin(struct assay_arrivals *s, const struct assay_seeds *seeds, struct assay_error *err)
{
    const struct assay_scenario *c = &s->scenario;
    size_t                       n = (size_t)c->performance_samples;
    struct assay_mt19937         qsl;
    choose_draw(s);
    s->loaded = malloc(n * sizeof *s->loaded);
    s->order = c->equal_issue ? malloc(n * sizeof *s->order) : NULL;
    if (!s->loaded || (c->equal_issue && !s->order))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the order of %zu samples", n);
    assay_mt19937_init(&qsl, seeds->qsl);
    assay_mt19937_init(&s->sample, seeds->sample);
    assay_mt19937_init(&s->schedule, seeds->schedule);
    count_up(s->loaded, n);
    assay_mt19937_shuffle(&qsl, s->loaded, (uint32_t)n);
    consume(s);
    s->samples_per_query = c->type == ASSAY_MULTI_STREAM ? c->samples_per_query : 1;
    if (c->type == ASSAY_OFFLINE)
        s->samples_per_query = assay_scenario_least(c);
    return c->type == ASSAY_TRACE ? assay_trace_open(c->trace, c->total_samples, &s->trace, err) : ASSAY_OK;
}

enum assay_code assay_arrivals_new(const struct assay_scenario *s, const struct assay_seeds *seeds,
                                   struct assay_arrivals **out, struct assay_error *err)
{
    if ((s->type == ASSAY_SERVER || s->type == ASSAY_INTERACTIVE) && !(s->qps > 0))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "qps must be positive to make arrivals, got %g", s->qps);
    struct assay_arrivals *made = calloc(1, sizeof *made);
    if (!made)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for arrivals");
    made->scenario = *s;
    if (begin(made, seeds, err)) {
        assay_arrivals_free(made);
        return err->code;
    }
    *out = made;
    return ASSAY_OK;
}

void assay_arrivals_free(struct assay_arrivals *s)
{
    if (!s)
        return;
    assay_trace_close(&s->trace);
    free(s->order);
    free(s->loaded);
    free(s);
}

/* ---- when --------------------------------------------------------------------------------------------------- */

/* The time of the query behind the first; false at the end of time. */
static bool advance(struct assay_arrivals *s)
{
    const struct assay_scenario *c = &s->scenario;
    double                       gap_ns = 0;
    if (c->type == ASSAY_SERVER || c->type == ASSAY_INTERACTIVE)
        gap_ns = assay_mt19937_exponential(&s->schedule, c->qps) * 1e9;
    if (c->type == ASSAY_BURST && (s->row.query + 1) % c->burst == 0)
        gap_ns = (double)c->burst_period_ns;
    if (gap_ns >= (double)MAX_NS || s->row.scheduled_ns + (uint64_t)gap_ns > MAX_NS)
        return false;
    s->row.scheduled_ns += (uint64_t)gap_ns;
    return true;
}

static bool begin_query(struct assay_arrivals *s)
{
    if (s->begun && (s->scenario.type == ASSAY_OFFLINE || !advance(s)))
        return false;
    s->row.query += s->begun;
    s->begun = true;
    s->left = s->samples_per_query;
    return s->left > 0;
}

static bool next_of_trace(struct assay_arrivals *s)
{
    struct assay_trace_row row;
    if (!assay_trace_next(&s->trace, &row))
        return false;
    s->row.query += s->begun;
    s->begun = true;
    s->row.scheduled_ns = row.scheduled_ns;
    s->row.sample = s->trace.has_sample ? row.sample : draw_any(s);
    s->row.prompt_tokens = row.prompt_tokens;
    s->row.output_tokens = row.output_tokens;
    return true;
}

bool assay_arrivals_next(struct assay_arrivals *s, struct assay_arrival *out)
{
    if (s->scenario.type == ASSAY_TRACE) {
        if (!next_of_trace(s))
            return false;
    } else {
        if (s->left == 0 && !begin_query(s))
            return false;
        s->row.sample = s->draw(s);
        s->left--;
    }
    *out = s->row;
    return true;
}

enum assay_code assay_arrivals_fit(const struct assay_arrivals *s, uint64_t context, struct assay_error *err)
{
    const struct assay_trace_row *longest = &s->trace.longest;
    if ((uint64_t)longest->prompt_tokens + longest->output_tokens <= context)
        return ASSAY_OK;
    return ASSAY_FAIL(err, ASSAY_CONFIG, "%.100s:%llu: %u tokens of prompt and %u of output are beyond the context of %llu",
                      s->scenario.trace, (unsigned long long)s->trace.longest_line, longest->prompt_tokens, longest->output_tokens,
                      (unsigned long long)context);
}
