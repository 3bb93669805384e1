/* Rehearsal: a synchronous CPU. Adds f32 tensors; done when execute returns. */
#include "plugin.h"

struct assay_session {
    int unused;
};

struct assay_event {
    uint64_t begin_ns, end_ns;
};

struct assay_program {
    const struct assay_graph *graph;
    void *fixed; /* the second operand, if it is a param */
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    (void)options;
    (void)err;
    return add_device(out, ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY, ASSAY_CLOCK_HOST, ASSAY_ORIGIN_REAL, 1);
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
    if (how->n_fixed)
        p->fixed = bound_bytes(how->fixed);
    *out = p;
    return ASSAY_OK;
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    free(p);
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    struct assay_program *p = launch->program;
    struct assay_node_view node = node_of(p->graph, 0);
    const struct assay_binding *x = binding_of(launch, node.inputs[0], 0), *y = binding_of(launch, node.outputs[0], 0);
    struct assay_event *e;
    (void)s;
    if (!x || !y)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "an operand is not bound");
    e = (struct assay_event *)calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    e->begin_ns = host->now_ns();
    const float *a = (const float *)bound_bytes(x), *b = (const float *)p->fixed;
    float *c = (float *)bound_bytes(y);
    for (uint64_t i = 0; i < value_of(p->graph, node.outputs[0]).elements; i++)
        c[i] = a[i] + b[i];
    e->end_ns = host->now_ns();
    *out = e;
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err)
{
    size_t first = 0;
    (void)s;
    (void)timeout_ns;
    (void)err;
    for (size_t i = 1; i < n; i++)
        if (events[i]->end_ns < events[first]->end_ns)
            first = i;
    span->clock = ASSAY_CLOCK_HOST;
    span->begin_ns = events[first]->begin_ns;
    span->end_ns = events[first]->end_ns;
    span->device_ns = 0;
    (void)snprintf(span->why_no_device_ns, sizeof span->why_no_device_ns, "the host is the device");
    *done = first;
    return ASSAY_OK;
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    free(e);
}

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    static struct assay_backend b;
    host = lent;
    common_entries(&b, "rehearsal-sync", "a synchronous cpu");
    b.probe = probe;
    b.open = session_open;
    b.close = session_close;
    b.compile = compile;
    b.discard = discard;
    b.execute = execute;
    b.poll = poll;
    b.forget = forget;
    return &b;
}
