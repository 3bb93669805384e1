/* Rehearsal: a training step that updates parameters and optimizer state in place, on a device with two queues.
 * Element-wise Mul, Add and Sub of f32; a const scalar may be the second operand. */
#include "queues.h"

struct assay_session {
    struct queues queues;
};

struct assay_program {
    const struct assay_graph *graph;
    float *temp[MAX_BOUND];
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    (void)options;
    (void)err;
    return add_device(out, ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY, ASSAY_CLOCK_DEVICE, ASSAY_ORIGIN_REAL, N_QUEUES);
}

static float *floats(const struct assay_event *e, int32_t value)
{
    struct assay_value_view view = value_of(e->program->graph, value);
    if (view.role == ASSAY_ROLE_CONST)
        return (float *)(void *)(uintptr_t)view.data;
    return view.role == ASSAY_ROLE_TEMP ? e->program->temp[value] : (float *)e->bound[value];
}

static void work(const struct assay_event *e)
{
    const struct assay_graph *g = e->program->graph;
    for (uint32_t n = 0; n < host->graph_nodes(g); n++) {
        struct assay_node_view node = node_of(g, n);
        const float *a = floats(e, node.inputs[0]), *b = floats(e, node.inputs[1]);
        float *c = floats(e, node.outputs[0]);
        uint64_t step = value_of(g, node.inputs[1]).elements == 1 ? 0 : 1;
        for (uint64_t i = 0; i < value_of(g, node.outputs[0]).elements; i++)
            c[i] = node.op[0] == 'M' ? a[i] * b[i * step] : node.op[0] == 'A' ? a[i] + b[i * step] : a[i] - b[i * step];
    }
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    struct assay_session *s = (struct assay_session *)calloc(1, sizeof *s);
    (void)how;
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    if (queues_open(&s->queues, 0, work, err)) {
        free(s);
        return err->code;
    }
    *out = s;
    return ASSAY_OK;
}

static void session_close(struct assay_session *s)
{
    queues_close(&s->queues);
    free(s);
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    for (int v = 0; v < MAX_BOUND; v++)
        free(p->temp[v]);
    free(p);
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    const struct assay_graph *g = ((const struct assay_rank_class *)how->classes)->graph;
    struct assay_program *p;
    for (uint32_t v = 0; v < host->graph_values(g); v++)
        for (size_t i = 0; i < how->n_fixed; i++)
            if (((const struct assay_binding *)stride_at(how->fixed, how->binding_stride, i))->value ==
                (uint32_t)value_of(g, (int32_t)v).alias_of)
                return ASSAY_FAIL(err, ASSAY_PROTOCOL, "a fixed parameter is overwritten by '%s'",
                                  value_of(g, (int32_t)v).name);
    p = (struct assay_program *)calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    p->graph = g;
    for (uint32_t v = 0; v < host->graph_values(g); v++)
        if (value_of(g, (int32_t)v).role == ASSAY_ROLE_TEMP &&
            !(p->temp[v] = (float *)calloc(1, (size_t)value_of(g, (int32_t)v).bytes))) {
            discard(s, p);
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a temporary");
        }
    *out = p;
    return ASSAY_OK;
}

/* An output that aliases must be bound where the value it aliases is. */
static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    const struct assay_graph *g = launch->program->graph;
    for (uint32_t v = 0; v < host->graph_values(g); v++) {
        struct assay_value_view view = value_of(g, (int32_t)v);
        if (view.alias_of == ASSAY_NO_VALUE)
            continue;
        const struct assay_binding *over = binding_of(launch, (int32_t)v, 0);
        const struct assay_binding *old = binding_of(launch, view.alias_of, 0);
        if (!over || !old || bound_bytes(over) != bound_bytes(old))
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' is not bound to the place it takes over", view.name);
    }
    return queues_launch(&s->queues, launch, out, err);
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err)
{
    return queues_poll(&s->queues, events, n, timeout_ns, done, span, err);
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    queues_forget(&s->queues, e);
}

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    static struct assay_backend b;
    host = lent;
    common_entries(&b, "rehearsal-training", "a training step in place");
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
