/* Rehearsal: an asynchronous device with two queues and a clock of its own. Adds a constant to f32 tensors. */
#include "queues.h"

struct options {
    int64_t hold;
};

static const struct assay_option option_table[] = {
    {"hold", ASSAY_OPT_I64, offsetof(struct options, hold), 0, "0", NULL, 0, 100, NULL,
     "executions of queue 1 that queue 0 waits for"},
    {NULL, ASSAY_OPT_I64, 0, 0, NULL, NULL, 0, 0, NULL, NULL},
};

struct assay_session {
    struct queues queues;
};

struct assay_program {
    const struct assay_graph *graph;
    struct assay_node_view node;
    uint64_t elements;
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    (void)options;
    (void)err;
    return add_device(out, ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY, ASSAY_CLOCK_DEVICE, ASSAY_ORIGIN_REAL, N_QUEUES);
}

/* On the queue's thread. */
static void work(const struct assay_event *e)
{
    const struct assay_program *p = e->program;
    const float *x = (const float *)e->bound[p->node.inputs[0]];
    float *y = (float *)e->bound[p->node.outputs[0]];
    const float *c = (const float *)value_of(p->graph, p->node.inputs[1]).data;
    for (uint64_t i = 0; i < p->elements; i++)
        y[i] = x[i] + c[0];
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    struct assay_session *s = (struct assay_session *)calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    if (queues_open(&s->queues, ((const struct options *)how->options)->hold, work, err)) {
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

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    struct assay_program *p = (struct assay_program *)calloc(1, sizeof *p);
    (void)s;
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    p->graph = ((const struct assay_rank_class *)how->classes)->graph;
    p->node = node_of(p->graph, 0);
    p->elements = value_of(p->graph, p->node.outputs[0]).elements;
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
    common_entries(&b, "rehearsal-async", "an asynchronous device with two queues");
    b.options = option_table;
    b.option_stride = sizeof *option_table;
    b.options_bytes = sizeof(struct options);
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
