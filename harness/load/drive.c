#include "harness/load/drive.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/load/wait.h"

#include "assay/banned.h"

#define NEVER UINT64_MAX
#define PROGRESS_EVERY_NS 500000000u
#define PROGRESS_ROOM_NS 3000000u /* until the next arrival, for progress to be told */

/* A sample that was taken from the arrivals and is not issued. */
struct item {
    uint64_t sample, scheduled_ns;
    uint32_t query; /* place in state.query */
};
/* A query that has begun and not ended. */
struct open_query {
    uint64_t        number, scheduled_ns, issued_ns, completed_ns;
    uint32_t        samples, left;
    enum assay_code status;
    uint32_t        next_free;
};
/* An execution in flight. */
struct flight {
    uint64_t  token, begin_ns, end_ns; /* begin: issued; end: on a model clock, known at once */
    uint64_t  deadline_ns;             /* its oldest query's */
    uint64_t  could_ns;                /* when it would have been issued by a loop that is never late */
    uint32_t  n;
    uint32_t *query; /* of each of its samples */
};

/* Times are from the run's start, on the target's clock. */
struct state {
    const struct assay_drive  *d;
    struct assay_drive_result *out;
    struct assay_arrivals     *arrivals;
    bool                       model, closed; /* closed: the next query comes when another is done */
    bool                       scheduled;     /* queries have times of their own, and the target has pauses */
    uint64_t                   zero_ns, now;  /* zero: on the target's clock */
    uint64_t                  *room_ns;       /* since when each free place for an execution would be free, were the loop never
                                                 late */
    struct assay_arrival       pending;       /* taken, and not yet in the ring */
    bool                       has_pending, ended;
    uint32_t                   rest_of_query, current; /* rows of the query that is being taken */
    uint64_t                   taken, least;           /* queries */
    struct item               *ring;                   /* head .. due: may be issued; due .. tail: later */
    uint64_t                   head, due, tail, mask;
    struct open_query         *query;
    uint32_t                   free_query;
    struct flight             *flight;
    uint32_t                   n_flight;
    uint32_t                  *flight_room;
    uint64_t                  *permit; /* when queries of closed load may begin */
    uint64_t                   permit_head, permit_tail, permit_mask;
    uint64_t                  *sample; /* of the execution that is issued */
    uint32_t                   failures_in_a_row;
    uint64_t                   next_progress_ns; /* the host's */
};

static struct item *item_at(const struct state *s, uint64_t i)
{
    return &s->ring[i & s->mask];
}

/* ---- the clock ---------------------------------------------------------------------------------------------- */

static uint64_t look(struct state *s)
{
    if (!s->model)
        s->now = assay_clock_now_ns() - s->zero_ns;
    return s->now;
}

/* ---- queries ------------------------------------------------------------------------------------------------ */

static void permit(struct state *s, uint64_t at_ns)
{
    s->permit[s->permit_tail++ & s->permit_mask] = at_ns;
}

static void keep_tally(const struct state *s)
{
    const struct assay_drive_result *out = s->out;
    if (s->d->tally)
        *s->d->tally = (struct assay_drive_tally){out->issued, out->completed, out->failed};
}

static void end_query(struct state *s, uint32_t place)
{
    struct assay_drive_result *out = s->out;
    struct open_query         *q = &s->query[place];
    struct assay_query_row     row = {q->number, q->scheduled_ns, q->issued_ns, q->completed_ns, q->samples, q->status};
    if (q->status) {
        out->failed++;
        s->failures_in_a_row++;
        if (s->failures_in_a_row >= ASSAY_DRIVE_GIVES_UP && !s->ended)
            s->ended = out->gave_up = true;
    } else {
        out->completed++;
        out->samples += q->samples;
        s->failures_in_a_row = 0;
        assay_histogram_add(&out->latency, q->completed_ns - q->scheduled_ns);
    }
    if (q->completed_ns > out->last_completed_ns)
        out->last_completed_ns = q->completed_ns;
    keep_tally(s);
    if (s->d->completed)
        s->d->completed(s->d->self, &row);
    q->next_free = s->free_query;
    s->free_query = place;
    if (s->closed)
        permit(s, s->now);
}

/* One of its samples has an outcome. */
static void end_sample(struct state *s, uint32_t place, uint64_t at_ns, enum assay_code status)
{
    struct open_query *q = &s->query[place];
    if (!status && at_ns > q->scheduled_ns && at_ns - q->scheduled_ns > s->d->timeout_ns)
        status = ASSAY_TIMEOUT;
    q->status = q->status ? q->status : status;
    q->completed_ns = at_ns > q->completed_ns ? at_ns : q->completed_ns;
    if (--q->left == 0)
        end_query(s, place);
}

static void remember(struct state *s, const struct assay_error *err)
{
    if (!s->out->first_failure.code)
        s->out->first_failure = *err;
}

static void remember_timeout(struct state *s, const char *what)
{
    struct assay_error err = {.code = ASSAY_OK};
    if (s->out->first_failure.code)
        return;
    (void)ASSAY_FAIL(&err, ASSAY_TIMEOUT, "a query took longer than %.3g s: %s", (double)s->d->timeout_ns / 1e9, what);
    remember(s, &err);
}

/* ---- taking from the arrivals ------------------------------------------------------------------------------- */

/* As LoadGen counts: by when the last query was scheduled. */
static bool minimum_met(const struct state *s)
{
    const struct assay_scenario *x = s->d->scenario;
    if (x->type == ASSAY_OFFLINE || x->type == ASSAY_TRACE)
        return false; /* these end by themselves */
    return s->taken >= s->least && s->out->last_scheduled_ns >= x->min_duration_ns && s->taken > 0 &&
           (!x->equal_issue || !x->performance_samples || s->taken % x->performance_samples == 0);
}

/* Is there no further query? */
static bool is_over(struct state *s)
{
    const struct assay_scenario *x = s->d->scenario;
    uint64_t                     at = s->closed || x->type == ASSAY_OFFLINE ? s->now : s->pending.scheduled_ns;
    if (s->ended || minimum_met(s))
        return true;
    s->out->hit_wall_limit = x->max_duration_ns && at >= x->max_duration_ns && s->taken > 0;
    return s->out->hit_wall_limit;
}

static void begin_query(struct state *s)
{
    const struct assay_scenario *x = s->d->scenario;
    uint64_t          at = s->closed ? s->permit[s->permit_head++ & s->permit_mask] : s->pending.scheduled_ns;
    struct open_query *q = &s->query[s->current = s->free_query];
    s->free_query = q->next_free;
    s->rest_of_query = x->type == ASSAY_MULTI_STREAM ? (uint32_t)x->samples_per_query : 1;
    *q = (struct open_query){.number = s->taken++, .scheduled_ns = at, .issued_ns = NEVER, .samples = s->rest_of_query,
                             .left = s->rest_of_query};
    s->out->issued++;
    keep_tally(s);
    if (at > s->out->last_scheduled_ns)
        s->out->last_scheduled_ns = at;
}

/* Puts one more sample into the ring. false: there is none now. */
static bool take(struct state *s)
{
    if (!s->has_pending && !s->ended) {
        s->has_pending = assay_arrivals_next(s->arrivals, &s->pending);
        s->ended = !s->has_pending;
    }
    if (!s->rest_of_query) {
        s->ended = s->ended || is_over(s);
        if (s->ended || (s->closed && s->permit_head == s->permit_tail))
            return false;
        begin_query(s);
    }
    *item_at(s, s->tail++) = (struct item){s->pending.sample, s->query[s->current].scheduled_ns, s->current};
    s->rest_of_query--;
    s->has_pending = false;
    return true;
}

/* What is due by now may be issued; one sample that is not due is taken ahead, to know how long to wait. */
static void admit(struct state *s)
{
    do {
        while (s->due != s->tail && item_at(s, s->due)->scheduled_ns <= s->now)
            s->due++;
    } while (s->due == s->tail && s->tail - s->head <= s->mask && take(s));
}

/* What has waited longer than a query may take has failed. */
static void expire(struct state *s)
{
    while (s->head != s->due && s->now - item_at(s, s->head)->scheduled_ns > s->d->timeout_ns) {
        struct open_query *q = &s->query[item_at(s, s->head)->query];
        q->issued_ns = q->issued_ns == NEVER ? s->now : q->issued_ns;
        remember_timeout(s, "it waited for the target all that time");
        end_sample(s, item_at(s, s->head++)->query, s->now, ASSAY_TIMEOUT);
    }
}

/* ---- issuing ------------------------------------------------------------------------------------------------ */

/* Will nothing join what waits until something in flight is done, or for good? */
static bool nothing_comes(const struct state *s)
{
    return s->due == s->tail && (s->ended || (s->closed && s->permit_head == s->permit_tail && !s->n_flight));
}

/* When the samples that wait may leave as an execution; NEVER: there are none. */
static uint64_t leaves_ns(const struct state *s)
{
    uint64_t n = s->due - s->head;
    if (n == 0)
        return NEVER;
    if (n >= s->d->batching.maximum)
        return item_at(s, s->head + s->d->batching.maximum - 1)->scheduled_ns;
    if (nothing_comes(s))
        return item_at(s, s->due - 1)->scheduled_ns;
    return item_at(s, s->head)->scheduled_ns + s->d->batching.delay_ns;
}

static void end_flight(struct state *s, uint32_t i, uint64_t at_ns, enum assay_code status)
{
    struct flight done = s->flight[i];
    s->n_flight--;
    uint64_t took = at_ns > done.begin_ns ? at_ns - done.begin_ns : 0;
    s->room_ns[s->d->executions - s->n_flight - 1] = s->scheduled ? done.could_ns + took : at_ns;
    s->flight[i] = s->flight[s->n_flight];
    s->flight[s->n_flight] = done; /* its room stays its own */
    for (uint32_t k = 0; k < done.n; k++)
        end_sample(s, done.query[k], at_ns, status);
}

/* A span that cannot be: the query has failed. */
static enum assay_code check_span(const struct state *s, const struct flight *f, const struct assay_span *span,
                                  struct assay_error *err)
{
    uint64_t begin = s->zero_ns + f->begin_ns, now = s->zero_ns + s->now;
    if (span->end_ns < span->begin_ns || span->clock != s->d->target->clock)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "span of an execution is wrong: begin %llu, end %llu, clock %d where %d was "
                          "announced",
                          (unsigned long long)span->begin_ns, (unsigned long long)span->end_ns, (int)span->clock,
                          (int)s->d->target->clock);
    if (span->clock != ASSAY_CLOCK_DEVICE && (span->begin_ns < begin || (!s->model && span->end_ns > now)))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "stamped span [%llu, %llu] ns lies outside the call [%llu, %llu] ns",
                          (unsigned long long)span->begin_ns, (unsigned long long)span->end_ns, (unsigned long long)begin,
                          (unsigned long long)now);
    return ASSAY_OK;
}

/* All that is in flight has failed: which of them it was is not known. */
static void lose_all(struct state *s, const struct assay_error *err)
{
    remember(s, err);
    while (s->n_flight) {
        s->d->target->cancel(s->d->target->self, s->flight[0].token);
        end_flight(s, 0, s->now, err->code);
    }
}

/* Asks the target for an execution that is done. false: none was. */
static bool collect(struct state *s, uint64_t timeout_ns)
{
    struct assay_error err;
    struct assay_span  span = {.size = sizeof span};
    uint64_t           token = 0;
    uint32_t           i = 0;
    err.code = ASSAY_OK;
    enum assay_code code = s->d->target->poll(s->d->target->self, timeout_ns, &token, &span, &err);
    (void)look(s);
    if (code == ASSAY_TIMEOUT)
        return false;
    while (!code && i < s->n_flight && s->flight[i].token != token)
        i++;
    if (!code && i == s->n_flight)
        code = ASSAY_FAIL(&err, ASSAY_PROTOCOL, "the target says that a query is done which is not in flight");
    if (code) {
        lose_all(s, &err);
        return true;
    }
    struct flight *f = &s->flight[i];
    s->out->last = span;
    if ((code = check_span(s, f, &span, &err)))
        remember(s, &err);
    else
        s->out->span_ns += span.end_ns - span.begin_ns;
    if (s->model && !code)
        f->end_ns = span.end_ns - s->zero_ns; /* known now, true then */
    else
        end_flight(s, i, !code && span.clock == ASSAY_CLOCK_HOST ? span.end_ns - s->zero_ns : s->now, code);
    return true;
}

/* The samples that leave become a flight. */
static struct flight *load(struct state *s)
{
    struct flight *f = &s->flight[s->n_flight];
    uint64_t       n = s->due - s->head;
    f->n = n < s->d->batching.maximum ? (uint32_t)n : s->d->batching.maximum;
    f->deadline_ns = item_at(s, s->head)->scheduled_ns + s->d->timeout_ns;
    f->begin_ns = s->now;
    f->end_ns = NEVER;
    for (uint32_t k = 0; k < f->n; k++) {
        const struct item *x = item_at(s, s->head++);
        s->sample[k] = x->sample;
        f->query[k] = x->query;
        if (s->query[x->query].issued_ns == NEVER)
            s->query[x->query].issued_ns = s->now;
    }
    return f;
}

/* Lateness against a loop that is never late: that one would have had the same executions of the same duration, each as soon as
 * its samples and a place were there. So a stall of this loop counts for all that piled up behind it, and the target's own time
 * for none. Where the target never pauses (offline, a number in flight), nothing piles up and lateness is from the end of the
 * execution before. */
static uint64_t count_lateness(struct state *s, uint64_t leaves)
{
    uint32_t free = s->d->executions - s->n_flight, first = 0;
    for (uint32_t i = 1; i < free; i++)
        first = s->room_ns[i] < s->room_ns[first] ? i : first;
    uint64_t could = leaves > s->room_ns[first] ? leaves : s->room_ns[first], late = s->now > could ? s->now - could : 0;
    s->room_ns[first] = s->room_ns[free - 1];
    assay_histogram_add(&s->out->lateness, late);
    s->out->late += late > s->d->lateness_limit_ns;
    return could;
}

/* The size of the batch that n samples become. */
static uint32_t places_of(const struct assay_batching *b, uint32_t n)
{
    for (uint32_t i = 0; i < b->n_sizes; i++)
        if (b->sizes[i] >= n)
            return b->sizes[i];
    return b->maximum;
}

static void issue(struct state *s, uint64_t leaves)
{
    struct assay_error err;
    err.code = ASSAY_OK;
    (void)look(s);
    uint64_t           could = count_lateness(s, leaves);
    struct flight     *f = load(s);
    struct assay_query q = {.n_samples = f->n, .n_places = places_of(&s->d->batching, f->n), .samples = s->sample,
                            .earliest_ns = s->model ? s->zero_ns + s->now : 0};
    s->out->places += q.n_places;
    f->could_ns = could;
    if (s->out->executions++ == 0)
        s->out->first_issue_ns = assay_clock_now_ns() - s->out->first_issue_ns;
    s->n_flight++;
    if (s->n_flight > s->out->most_in_flight)
        s->out->most_in_flight = s->n_flight;
    if (s->d->target->issue(s->d->target->self, &q, &f->token, &err)) {
        remember(s, &err);
        (void)look(s);
        end_flight(s, s->n_flight - 1, s->now, err.code);
    } else if (s->model && !collect(s, 0)) {
        (void)ASSAY_FAIL(&err, ASSAY_PROTOCOL, "an execution on a model clock is not done at once");
        lose_all(s, &err);
    }
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

/* When there will be something to issue, if nothing is done before; NEVER: only then. */
static uint64_t next_issue_ns(const struct state *s)
{
    uint64_t leaves = leaves_ns(s), due = s->due != s->tail ? item_at(s, s->due)->scheduled_ns : NEVER;
    if (s->n_flight == s->d->executions)
        return NEVER;
    return leaves < due ? leaves : due;
}

static void cancel_overdue(struct state *s)
{
    for (uint32_t i = 0; i < s->n_flight;)
        if (s->now > s->flight[i].deadline_ns) {
            remember_timeout(s, "the target did not complete it");
            s->d->target->cancel(s->d->target->self, s->flight[i].token);
            end_flight(s, i, s->now, ASSAY_TIMEOUT);
        } else {
            i++;
        }
}

/* Time jumps to what comes first; what is done by then is done. */
static void jump(struct state *s)
{
    uint64_t next = next_issue_ns(s);
    for (uint32_t i = 0; i < s->n_flight; i++)
        next = s->flight[i].end_ns < next ? s->flight[i].end_ns : next;
    s->now = next > s->now ? next : s->now;
    for (uint32_t i = 0; i < s->n_flight;)
        if (s->flight[i].end_ns <= s->now)
            end_flight(s, i, s->flight[i].end_ns, ASSAY_OK);
        else
            i++;
}

static void wait_in_flight(struct state *s)
{
    uint64_t next = next_issue_ns(s), until = next;
    for (uint32_t i = 0; i < s->n_flight; i++)
        until = s->flight[i].deadline_ns < until ? s->flight[i].deadline_ns : until;
    (void)look(s);
    uint64_t left = until > s->now ? until - s->now : 0;
    if (collect(s, left > ASSAY_WAIT_AWAKE_NS ? left - ASSAY_WAIT_AWAKE_NS : 0))
        return;
    cancel_overdue(s);
    assay_wait_pause();
}

/* The queries of closed load that are not issued begin now: what lies between is not theirs. */
static void begin_anew(struct state *s)
{
    uint64_t now = look(s);
    for (uint64_t i = s->permit_head; i != s->permit_tail; i++)
        s->permit[i & s->permit_mask] = now;
    for (uint64_t i = s->head; i != s->tail; i++)
        if (s->query[item_at(s, i)->query].issued_ns == NEVER)
            item_at(s, i)->scheduled_ns = s->query[item_at(s, i)->query].scheduled_ns = s->out->last_scheduled_ns = now;
}

/* Told where it disturbs nothing: nothing is in flight, and nothing is about to be. */
static void tell(struct state *s)
{
    const struct assay_scenario *x = s->d->scenario;
    uint64_t                     now = s->model ? assay_clock_now_ns() : s->zero_ns + s->now, next = next_issue_ns(s);
    if (now < s->next_progress_ns || s->n_flight ||
        (!s->model && !s->closed && (next == NEVER || next < s->now + PROGRESS_ROOM_NS)))
        return;
    struct assay_allocations before = assay_allocations_so_far();
    double by_time = x->min_duration_ns ? (double)s->now / (double)x->min_duration_ns : 1;
    double by_queries = s->least ? (double)s->taken / (double)s->least : 1, share = by_time < by_queries ? by_time : by_queries;
    s->d->progress(s->d->self, share < 1 ? share : 1, s->out->latency.n ? assay_histogram_percentile(&s->out->latency, 0.5) : 0);
    struct assay_allocations after = assay_allocations_so_far();
    s->out->allocations.by_harness -= after.by_harness - before.by_harness;
    s->out->allocations.by_plugin -= after.by_plugin - before.by_plugin;
    s->next_progress_ns = now + PROGRESS_EVERY_NS;
    if (s->closed)
        begin_anew(s);
}

static bool is_done(const struct state *s)
{
    return s->ended && s->head == s->tail && !s->n_flight && !s->rest_of_query;
}

static void loop(struct state *s)
{
    admit(s);
    while (!is_done(s)) {
        uint64_t leaves;
        expire(s);
        if (s->d->progress)
            tell(s);
        if (s->n_flight < s->d->executions && (leaves = leaves_ns(s)) <= s->now)
            issue(s, leaves);
        else if (s->model)
            jump(s);
        else if (s->n_flight)
            wait_in_flight(s);
        else if (s->head != s->tail)
            s->now = assay_wait_until_ns(s->zero_ns + next_issue_ns(s)) - s->zero_ns;
        admit(s);
    }
}

/* ---- before and after --------------------------------------------------------------------------------------- */

static size_t power_of_two(size_t at_least)
{
    size_t n = 1;
    while (n < at_least)
        n *= 2;
    return n;
}

/* Queries of closed load. */
static size_t in_flight(const struct state *s)
{
    return s->d->scenario->type == ASSAY_CONCURRENCY ? (size_t)s->d->scenario->in_flight : 1;
}

static enum assay_code make_room(struct state *s, struct assay_error *err)
{
    const struct assay_drive *d = s->d;
    size_t                    batch = d->batching.maximum, ring = power_of_two(batch), permits = power_of_two(in_flight(s));
    size_t                    queries, flights;
    s->mask = ring - 1;
    s->permit_mask = permits - 1;
    if (!assay_size_multiply(batch, d->executions, &flights) || flights > UINT32_MAX / 2)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "too many samples in flight: %u executions of %u", d->executions,
                          d->batching.maximum);
    queries = ring + flights + 1;
    s->ring = calloc(ring, sizeof *s->ring);
    s->query = calloc(queries, sizeof *s->query);
    s->flight = calloc(d->executions, sizeof *s->flight);
    s->flight_room = calloc(flights, sizeof *s->flight_room);
    s->room_ns = calloc(d->executions, sizeof *s->room_ns);
    s->permit = calloc(permits, sizeof *s->permit);
    s->sample = calloc(batch, sizeof *s->sample);
    if (!s->ring || !s->query || !s->flight || !s->flight_room || !s->room_ns || !s->permit || !s->sample)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu samples in flight", flights);
    for (size_t i = 0; i < queries; i++)
        s->query[i].next_free = (uint32_t)i + 1;
    for (uint32_t i = 0; i < d->executions; i++)
        s->flight[i].query = s->flight_room + (size_t)i * batch;
    return ASSAY_OK;
}

static void release(struct state *s)
{
    assay_arrivals_free(s->arrivals);
    free(s->ring);
    free(s->query);
    free(s->flight);
    free(s->flight_room);
    free(s->room_ns);
    free(s->permit);
    free(s->sample);
}

enum assay_code assay_drive_run(const struct assay_drive *d, struct assay_drive_result *out, struct assay_error *err)
{
    enum assay_scenario_type type = d->scenario->type;
    struct state             s = {.d = d, .out = out, .model = d->target->clock == ASSAY_CLOCK_MODEL,
                                  .least = assay_scenario_least(d->scenario),
                                  .closed = type == ASSAY_SINGLE_STREAM || type == ASSAY_MULTI_STREAM || type == ASSAY_CONCURRENCY};
    uint64_t                 begin = assay_clock_now_ns();
    memset(out, 0, sizeof *out);
    assay_histogram_init(&out->latency);
    assay_histogram_init(&out->lateness);
    out->first_issue_ns = begin;
    assay_wait_prepare();
    if (d->batching.maximum < 1 || d->executions < 1)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "an execution of no samples, or none at once");
    if (make_room(&s, err) || assay_arrivals_new(d->scenario, d->seeds, &s.arrivals, err)) {
        release(&s);
        return err->code;
    }
    s.scheduled = !s.closed && type != ASSAY_OFFLINE;
    struct assay_allocations before = assay_allocations_so_far();
    uint64_t                 first = assay_clock_now_ns();
    s.zero_ns = s.model ? d->model_begin_ns : first;
    s.next_progress_ns = first + PROGRESS_EVERY_NS;
    for (uint64_t i = 0; s.closed && i < in_flight(&s); i++)
        permit(&s, 0);
    loop(&s);
    struct assay_allocations after = assay_allocations_so_far();
    out->allocations.by_harness += after.by_harness - before.by_harness;
    out->allocations.by_plugin += after.by_plugin - before.by_plugin;
    out->wall_ns = assay_clock_now_ns() - first;
    if (!out->executions)
        out->first_issue_ns = 0;
    release(&s);
    return ASSAY_OK;
}
