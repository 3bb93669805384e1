/* Rehearsal: a cluster that sees classes of ranks. A stage takes 1 ns for every flop of its graph, and 10 ns for every
 * token that the class's control input "tokens" routes to it; stages take turns as in 1F1B, so a step of m
 * micro-batches over p stages takes (m + p - 1) times the slowest stage. */
#include "modelled.h"

enum { MAX_CLASSES = 8 };

struct assay_session {
    uint64_t free_ns;
};

struct assay_program {
    const struct assay_graph *graph[MAX_CLASSES];
    uint32_t stage[MAX_CLASSES], n_stages, n_classes;
    uint64_t flop_ns[MAX_CLASSES], micro_batches;
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    (void)options;
    (void)err;
    return add_device(out, 0, ASSAY_CLOCK_MODEL, ASSAY_ORIGIN_MODELLED, 1);
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

static uint64_t graph_flops(const struct assay_graph *g)
{
    uint64_t sum = 0;
    struct assay_cost cost;
    for (uint32_t n = 0; n < host->graph_nodes(g); n++) {
        memset(&cost, 0, sizeof cost);
        cost.size = sizeof cost;
        if (host->cost(g, n, &cost))
            sum += cost.flops;
    }
    return sum;
}

/* The mesh has as many places as the classes have ranks, and the axis "pp" as many as there are stages. */
static enum assay_code check_mesh(const struct assay_compile *how, uint64_t ranks, uint32_t n_stages,
                                  struct assay_error *err)
{
    uint64_t places = 1, pipeline = 1;
    for (size_t i = 0; i < how->n_axes; i++) {
        const struct assay_mesh_axis *axis = (const struct assay_mesh_axis *)stride_at(how->axes, how->axis_stride, i);
        places *= axis->length;
        if (!strcmp(axis->name, "pp"))
            pipeline = axis->length;
    }
    if (places != ranks || pipeline != n_stages)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the mesh has %llu places and %llu stages, the classes %llu and %u",
                          (unsigned long long)places, (unsigned long long)pipeline, (unsigned long long)ranks,
                          n_stages);
    if (n_stages > 1 && how->schedule != ASSAY_SCHEDULE_1F1B)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "only 1F1B is modelled");
    return ASSAY_OK;
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    struct assay_program *p = (struct assay_program *)calloc(1, sizeof *p);
    uint64_t ranks = 0;
    bool in_place = true;
    (void)s;
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    for (size_t i = 0; i < how->n_classes && i < MAX_CLASSES; i++) {
        const struct assay_rank_class *c =
            (const struct assay_rank_class *)stride_at(how->classes, how->class_stride, i);
        p->graph[i] = c->graph;
        p->flop_ns[i] = graph_flops(c->graph);
        p->stage[i] = c->stage;
        p->n_stages = c->stage + 1 > p->n_stages ? c->stage + 1 : p->n_stages;
        ranks += c->multiplicity;
        in_place = in_place && (!c->first_coordinate || c->first_coordinate[0] == c->stage);
    }
    p->n_classes = (uint32_t)how->n_classes;
    p->micro_batches = how->micro_batches;
    if (how->n_classes > MAX_CLASSES || !in_place) {
        free(p);
        return ASSAY_FAIL(err, ASSAY_CONFIG, "too many classes, or one that is not where its stage is");
    }
    if (check_mesh(how, ranks, p->n_stages, err)) {
        free(p);
        return err->code;
    }
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
    struct assay_event *e = (struct assay_event *)calloc(1, sizeof *e);
    uint64_t slowest = 0, took[MAX_CLASSES] = {0};
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory");
    for (uint32_t c = 0; c < p->n_classes; c++) {
        const struct assay_binding *tokens = binding_of(launch, value_named(p->graph[c], "tokens"), c);
        took[c] = p->flop_ns[c] + (tokens ? (uint64_t)((const int32_t *)tokens->host)[0] * 10 : 0);
        slowest = took[c] > slowest ? took[c] : slowest;
    }
    for (uint32_t c = 0; c < p->n_classes && launch->flags & ASSAY_LAUNCH_TRACE; c++)
        trace_add(e, 0, c, p->stage[c] * slowest, p->stage[c] * slowest + took[c]);
    e->begin_ns = s->free_ns > launch->earliest_ns ? s->free_ns : launch->earliest_ns;
    e->end_ns = e->begin_ns + (p->micro_batches + p->n_stages - 1) * slowest;
    s->free_ns = e->end_ns;
    *out = e;
    return ASSAY_OK;
}

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    static struct assay_backend b;
    host = lent;
    common_entries(&b, "rehearsal-classes", "a cluster of rank classes");
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
    return &b;
}
