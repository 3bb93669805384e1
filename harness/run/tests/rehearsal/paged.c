/* Rehearsal: serving with a paged cache. A step takes packed ragged tokens: sequence r owns rows starts[r] ..
 * starts[r+1] of x. Each row is written to the next free slot of its sequence (the sequence had lengths[r] tokens
 * before; slot p of it lies in page block_table[r][p / page_size]), and its output is the mean of all rows of the
 * sequence up to and including it. The cache is state that the output "cache_after" takes over. */
#include "plugin.h"

struct assay_session {
    int unused;
};

struct assay_event {
    uint64_t begin_ns, end_ns;
};

/* One bucket: a graph compiled for a fixed number of rows. */
struct assay_program {
    const struct assay_graph *graph;
    int32_t x, y, starts, lengths, table, cache, cache_after;
    uint64_t width, page_size, pages_per_sequence;
};

struct step {
    const struct assay_program *p;
    const float *x;
    float *y, *cache;
    const int32_t *starts, *lengths, *table;
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
    const struct assay_graph *g = ((const struct assay_rank_class *)how->classes)->graph;
    struct assay_node_view node = node_of(g, 0);
    struct assay_program *p;
    (void)s;
    if (strcmp(node.domain, "assay") != 0 || strcmp(node.op, "PagedAttention") != 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "op %s", node.op);
    p = (struct assay_program *)calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    p->graph = g;
    p->x = node.inputs[0];
    p->starts = node.inputs[1];
    p->lengths = node.inputs[2];
    p->table = node.inputs[3];
    p->cache = node.inputs[4];
    p->y = node.outputs[0];
    p->cache_after = node.outputs[1];
    p->width = (uint64_t)value_of(g, p->x).dims[1];
    p->page_size = (uint64_t)value_of(g, p->cache).dims[1];
    p->pages_per_sequence = (uint64_t)value_of(g, p->table).dims[1];
    *out = p;
    return ASSAY_OK;
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    free(p);
}

static float *slot(const struct step *s, uint64_t sequence, uint64_t position)
{
    const struct assay_program *p = s->p;
    int32_t page = s->table[sequence * p->pages_per_sequence + position / p->page_size];
    return s->cache + ((uint64_t)page * p->page_size + position % p->page_size) * p->width;
}

static void one_row(const struct step *s, uint64_t sequence, uint64_t row, uint64_t position)
{
    uint64_t width = s->p->width;
    memcpy(slot(s, sequence, position), s->x + row * width, width * sizeof(float));
    for (uint64_t i = 0; i < width; i++) {
        float sum = 0;
        for (uint64_t at = 0; at <= position; at++)
            sum += slot(s, sequence, at)[i];
        s->y[row * width + i] = sum / (float)(position + 1);
    }
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    const struct assay_program *p = launch->program;
    const struct assay_binding *x = binding_of(launch, p->x, 0), *y = binding_of(launch, p->y, 0),
                               *cache = binding_of(launch, p->cache, 0), *after = binding_of(launch, p->cache_after, 0),
                               *starts = binding_of(launch, p->starts, 0), *table = binding_of(launch, p->table, 0),
                               *lengths = binding_of(launch, p->lengths, 0);
    struct step step;
    (void)s;
    if (!x || !y || !cache || !after || !starts || !table || !lengths || bound_bytes(after) != bound_bytes(cache))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "an operand is not bound, or the cache is not taken over in place");
    struct assay_event *e = (struct assay_event *)calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    step.p = p;
    step.x = (const float *)bound_bytes(x);
    step.y = (float *)bound_bytes(y);
    step.cache = (float *)bound_bytes(cache);
    step.starts = (const int32_t *)starts->host;
    step.lengths = (const int32_t *)lengths->host;
    step.table = (const int32_t *)table->host;
    e->begin_ns = host->now_ns();
    for (uint64_t r = 0; r < lengths->valid_rows; r++)
        for (int32_t row = step.starts[r]; row < step.starts[r + 1] && (uint64_t)row < x->valid_rows; row++)
            one_row(&step, r, (uint64_t)row, (uint64_t)(step.lengths[r] + row - step.starts[r]));
    e->end_ns = host->now_ns();
    *out = e;
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err)
{
    (void)s;
    (void)n;
    (void)timeout_ns;
    (void)err;
    span->clock = ASSAY_CLOCK_HOST;
    span->begin_ns = events[0]->begin_ns;
    span->end_ns = events[0]->end_ns;
    span->device_ns = 0;
    (void)snprintf(span->why_no_device_ns, sizeof span->why_no_device_ns, "the host is the device");
    *done = 0;
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
    common_entries(&b, "rehearsal-paged", "serving with a paged cache");
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
