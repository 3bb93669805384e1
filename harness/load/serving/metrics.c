#include "harness/load/serving/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "harness/base/memory.h"
#include "harness/measure/statistics.h"

#include "assay/banned.h"

#define FIRST_ROWS 1024u

struct assay_served {
    struct assay_served_window window;
    struct assay_served_row   *rows;
    size_t                     n, room;
    uint64_t                   tokens, last_end_ns;
    struct assay_histogram     gaps;
};

enum assay_code assay_served_new(const struct assay_served_window *window, struct assay_served **out, struct assay_error *err)
{
    struct assay_served *s = calloc(1, sizeof *s);
    if (!s || !(s->rows = calloc(FIRST_ROWS, sizeof *s->rows))) {
        free(s);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the requests of a run");
    }
    s->window = *window;
    s->room = FIRST_ROWS;
    assay_histogram_init(&s->gaps);
    *out = s;
    return ASSAY_OK;
}

void assay_served_free(struct assay_served *s)
{
    if (!s)
        return;
    free(s->rows);
    free(s);
}

static bool within(const struct assay_served_window *w, uint64_t ns)
{
    return ns >= w->begin_ns && (ns < w->end_ns || w->end_ns == UINT64_MAX);
}

void assay_served_token(struct assay_served *s, bool is_first, uint64_t at_ns, uint64_t previous_ns)
{
    if (!within(&s->window, at_ns))
        return;
    s->tokens++;
    if (!is_first)
        assay_histogram_add(&s->gaps, at_ns - previous_ns);
}

enum assay_code assay_served_request(struct assay_served *s, const struct assay_served_row *row, struct assay_error *err)
{
    size_t bytes;
    if (s->n == s->room) {
        struct assay_served_row *more;
        if (!assay_size_multiply(2 * s->room, sizeof *more, &bytes) || !(more = realloc(s->rows, bytes)))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for request %zu of a run", s->n);
        s->rows = more;
        s->room *= 2;
    }
    s->rows[s->n++] = *row;
    if (row->completed_ns > s->last_end_ns)
        s->last_end_ns = row->completed_ns;
    return ASSAY_OK;
}

const struct assay_served_row *assay_served_rows(const struct assay_served *s, uint64_t *n)
{
    *n = s->n;
    return s->rows;
}

/* ---- of one request ------------------------------------------------------------------------------------------------ */

uint64_t assay_served_ttft_ns(const struct assay_served_row *row)
{
    return row->first_ns - row->scheduled_ns;
}

uint64_t assay_served_latency_ns(const struct assay_served_row *row)
{
    return row->completed_ns - row->scheduled_ns;
}

bool assay_served_tpot_ns(const struct assay_served_row *row, uint64_t *ns)
{
    if (row->output_tokens < 2)
        return false;
    *ns = (assay_served_latency_ns(row) - assay_served_ttft_ns(row)) / (row->output_tokens - 1);
    return true;
}

bool assay_served_is_good(const struct assay_served_row *row, const struct assay_served_limits *l)
{
    uint64_t tpot;
    if (row->status != ASSAY_OK || (l->ttft_ns && assay_served_ttft_ns(row) > l->ttft_ns) ||
        (l->latency_ns && assay_served_latency_ns(row) > l->latency_ns))
        return false;
    return !l->tpot_ns || !assay_served_tpot_ns(row, &tpot) || tpot <= l->tpot_ns;
}

/* ---- of all -------------------------------------------------------------------------------------------------------- */

static struct assay_served_spread spread_of(uint64_t *values, size_t n)
{
    struct assay_served_spread s = {.n = n};
    double                     sum = 0;
    if (!n)
        return s;
    assay_sort_u64(values, n);
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i];
    s.mean_ns = sum / (double)n;
    s.p50_ns = assay_percentile_u64(values, n, 0.5);
    s.p90_ns = assay_percentile_u64(values, n, 0.9);
    s.p99_ns = assay_percentile_u64(values, n, 0.99);
    s.max_ns = values[n - 1];
    return s;
}

static struct assay_served_spread spread_of_gaps(const struct assay_histogram *h)
{
    if (!h->n)
        return (struct assay_served_spread){0};
    return (struct assay_served_spread){.n = h->n, .mean_ns = (double)h->sum_ns / (double)h->n, .max_ns = h->max_ns,
                                        .p50_ns = assay_histogram_percentile(h, 0.5), .p90_ns = assay_histogram_percentile(h, 0.9),
                                        .p99_ns = assay_histogram_percentile(h, 0.99)};
}

static void count(const struct assay_served *s, const struct assay_served_limits *limits, struct assay_served_metrics *out)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct assay_served_row *row = &s->rows[i];
        bool                           ok = row->status == ASSAY_OK, in = within(&s->window, row->scheduled_ns);
        out->issued++;
        *(ok ? &out->completed : &out->failed) += 1;
        out->in_window += ok && in;
        out->failed_in_window += !ok && in;
        out->without_tpot += ok && in && row->output_tokens < 2;
        out->good += in && assay_served_is_good(row, limits);
    }
}

enum what { TTFT, TPOT, LATENCY };

static struct assay_served_spread spread(const struct assay_served *s, enum what what, uint64_t *room)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct assay_served_row *row = &s->rows[i];
        if (row->status != ASSAY_OK || !within(&s->window, row->scheduled_ns))
            continue;
        if (what == TPOT)
            n += assay_served_tpot_ns(row, &room[n]);
        else
            room[n++] = what == TTFT ? assay_served_ttft_ns(row) : assay_served_latency_ns(row);
    }
    return spread_of(room, n);
}

static void rates(const struct assay_served *s, struct assay_served_metrics *out)
{
    uint64_t end = s->window.end_ns == UINT64_MAX ? s->last_end_ns : s->window.end_ns;
    out->window_ns = end > s->window.begin_ns ? end - s->window.begin_ns : 0;
    double seconds = out->window_ns ? (double)out->window_ns / 1e9 : (double)NAN;
    out->tokens = s->tokens;
    out->goodput_per_s = (double)out->good / seconds;
    out->requests_per_s = (double)out->in_window / seconds;
    out->tokens_per_s = (double)out->tokens / seconds;
    out->tokens_per_s_user = out->tpot.n && out->tpot.p90_ns ? 1e9 / (double)out->tpot.p90_ns : (double)NAN;
}

enum assay_code assay_served_summarize(const struct assay_served *s, const struct assay_served_limits *limits,
                                       struct assay_served_metrics *out, struct assay_error *err)
{
    uint64_t *room = malloc((s->n ? s->n : 1) * sizeof *room);
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to sort the times of %zu requests", s->n);
    *out = (struct assay_served_metrics){0};
    count(s, limits, out);
    out->ttft = spread(s, TTFT, room);
    out->tpot = spread(s, TPOT, room);
    out->latency = spread(s, LATENCY, room);
    out->gap = spread_of_gaps(&s->gaps);
    rates(s, out);
    free(room);
    return ASSAY_OK;
}
