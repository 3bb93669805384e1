/* Rehearsal: a model in virtual time. It computes nothing; a control input "lengths" prices the step: 1 us for every
 * node and 100 ns for every token, times a factor that draw(k) chooses. */
#include "modelled.h"

enum { N_QUEUES = 2 };

struct assay_session {
    uint64_t free_ns[N_QUEUES], launches, tokens, k;
};

struct assay_program {
    const struct assay_graph *graph;
    int32_t lengths;
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    (void)options;
    (void)err;
    return add_device(out, 0, ASSAY_CLOCK_MODEL, ASSAY_ORIGIN_MODELLED, N_QUEUES);
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    (void)how;
    *out = (struct assay_session *)calloc(1, sizeof **out);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
}

static void session_close(struct assay_session *s)
{
    free(s);
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    struct assay_program *p = (struct assay_program *)calloc(1, sizeof *p);
    (void)s;
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    p->graph = ((const struct assay_rank_class *)how->classes)->graph;
    p->lengths = value_named(p->graph, "lengths");
    *out = p;
    return ASSAY_OK;
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    free(p);
}

/* Of the rows that count. */
static uint64_t tokens_of(const struct assay_program *p, const struct assay_binding *b)
{
    uint64_t n = value_of(p->graph, p->lengths).elements, sum = 0;
    const int32_t *length = (const int32_t *)b->host;
    for (uint64_t i = 0; i < n && i < b->valid_rows; i++)
        sum += (uint64_t)length[i];
    return sum;
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    struct assay_program *p = launch->program;
    const struct assay_binding *b = binding_of(launch, p->lengths, 0);
    struct assay_event *e;
    uint64_t nodes = host->graph_nodes(p->graph), at = 0;
    if (!b || !b->host || launch->queue >= N_QUEUES)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "a control input is not bound by host pointer, or no such queue");
    e = (struct assay_event *)calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    e->begin_ns = s->free_ns[launch->queue] > launch->earliest_ns ? s->free_ns[launch->queue] : launch->earliest_ns;
    for (uint64_t n = 0; n < nodes; n++) {
        uint64_t cost = (1000 + tokens_of(p, b) * 100 / nodes) * (100 + s->k) / 100;
        if (launch->flags & ASSAY_LAUNCH_TRACE)
            trace_add(e, (uint32_t)n, 0, at, at + cost);
        at += cost;
    }
    e->end_ns = e->begin_ns + at;
    s->free_ns[launch->queue] = e->end_ns;
    s->launches++;
    s->tokens += tokens_of(p, b);
    *out = e;
    return ASSAY_OK;
}

static void counter_set(struct assay_counter_row *row, const char *name, const char *unit, double value,
                        const char *why)
{
    memset(row, 0, sizeof *row);
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    (void)snprintf(row->unit, sizeof row->unit, "%s", unit);
    (void)snprintf(row->why, sizeof row->why, "%s", why);
    row->value = value;
}

static enum assay_code counters(struct assay_session *s, struct assay_counter_row *rows, size_t stride, size_t capacity,
                                size_t *n, struct assay_error *err)
{
    struct assay_counter_row own[3];
    (void)err;
    counter_set(&own[0], "launches", "1", (double)s->launches, "");
    counter_set(&own[1], "tokens", "1", (double)s->tokens, "");
    counter_set(&own[2], "energy", "joules", 0, "the model has no power");
    rows_give(own, sizeof own[0], 3, rows, stride, capacity);
    *n = 3;
    return ASSAY_OK;
}

static enum assay_code telemetry(struct assay_session *s, uint64_t since_ns, struct assay_telemetry_row *rows,
                                 size_t stride, size_t capacity, size_t *n, struct assay_error *err)
{
    struct assay_telemetry_row own;
    (void)err;
    memset(&own, 0, sizeof own);
    own.at_ns = s->free_ns[0];
    own.value = 1e9;
    (void)snprintf(own.name, sizeof own.name, "clock");
    (void)snprintf(own.unit, sizeof own.unit, "hz");
    *n = own.at_ns >= since_ns ? 1 : 0;
    rows_give(&own, sizeof own, *n, rows, stride, capacity);
    return ASSAY_OK;
}

static enum assay_code draw(struct assay_session *s, uint64_t k, struct assay_error *err)
{
    (void)err;
    s->k = k;
    return ASSAY_OK;
}

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    static struct assay_backend b;
    host = lent;
    common_entries(&b, "rehearsal-model", "a model in virtual time");
    b.alloc = count_alloc;
    b.probe = probe;
    b.open = session_open;
    b.close = session_close;
    b.compile = compile;
    b.discard = discard;
    b.execute = execute;
    b.poll = modelled_poll;
    b.forget = modelled_forget;
    b.trace = modelled_trace;
    b.counters = counters;
    b.telemetry = telemetry;
    b.draw = draw;
    return &b;
}
