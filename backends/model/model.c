/* A described chip as a device on a clock of its own: compile prices the graph, execute adds to virtual time. Nothing is timed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/reference/device.h"
#include "backends/reference/rebuild.h"
#include "session.h"

#include "assay/banned.h"

static const char *const precisions[] = {"stored", "graph", "tf32", "bf16", "f16", NULL};
static const char *const values[] = {"none", "emulate", NULL};
static const struct assay_option option_table[] = {
    {.name = "precision", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct model_options, precision), .bytes = sizeof(int64_t),
     .dflt = "stored", .choices = precisions,
     .help = "what values in f32 are kept and multiplied in; stored: as most weights are stored; graph: f32; tf32: products only"},
    {.name = "spec", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct model_options, spec),
     .bytes = sizeof((struct model_options){{0}, 0, 0}.spec), .dflt = "",
     .help = "a buyer's numbers for the device, or a description of one that is not listed (a file; assay run --spec)"},
    {.name = "values", .type = ASSAY_OPT_ENUM, .offset = offsetof(struct model_options, values), .bytes = sizeof(int64_t),
     .dflt = "none",
     .choices = values, .help = "emulate: computed by the arithmetic of the matrix unit that the description names"},
    {.name = NULL},
};

static const struct assay_host *host;

/* ---- devices -------------------------------------------------------------------------------------------------------- */

/* As much as there may be. */
static uint64_t memory_of(const struct assay_described *d)
{
    const struct assay_quantity *memory = &d->fields[ASSAY_DEVICE_MEMORY];
    return memory->state == ASSAY_KNOWN ? (uint64_t)memory->high : UINT64_C(1) << 50;
}

static void tell_device(struct assay_device_list *out, const struct assay_described *d, const struct model_options *chosen)
{
    struct assay_device_info info = {.size = sizeof info, .clock = ASSAY_CLOCK_MODEL, .origin = ASSAY_ORIGIN_MODELLED,
                                     .queues = 1,
                                     .memory_bytes = 0};
    const struct assay_quantity *memory = &d->fields[ASSAY_DEVICE_MEMORY];
    struct assay_text name = ASSAY_TEXT(info.name), product = ASSAY_TEXT(info.product), vendor = ASSAY_TEXT(info.vendor),
                      known = ASSAY_TEXT(info.how_known);
    info.traits = chosen->values == MODEL_EMULATE ? ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY : 0;
    assay_text_add(&name, "%s", d->name);
    assay_text_add(&product, "%s, %s", d->product, assay_device_status_names[d->status]);
    const struct assay_quantity *delivery = &d->fields[ASSAY_DEVICE_FIRST_DELIVERY];
    if (d->status < ASSAY_DEVICE_AVAILABLE && delivery->state == ASSAY_KNOWN)
        assay_text_add(&product, ", first delivery %.6g to %.6g", delivery->low, delivery->high);
    if (memory->state == ASSAY_KNOWN && isnan(memory->value)) /* there is no number that the device could be said to have */
        assay_text_add(&product, ", memory %.4g to %.4g GB", memory->low / 1e9, memory->high / 1e9);
    else
        info.memory_bytes = memory_of(d);
    assay_text_add(&vendor, "%s", d->vendor);
    size_t by[ASSAY_ASSUMED + 1];
    char   grade = assay_described_grade(d, by);
    assay_text_add(&known, "described%s, grade %c at best: %zu numbers of the vendor or measured, %zu reported, %zu inferred, %zu assumed",
                   *d->overlays ? " with --spec" : "", grade, by[ASSAY_MEASURED] + by[ASSAY_DATASHEET] + by[ASSAY_ANNOUNCED],
                       by[ASSAY_REPORTED],
                   by[ASSAY_INFERRED], by[ASSAY_ASSUMED]);
    host->device_add(out, &info);
}

struct listing {
    struct assay_device_list   *out;
    const struct model_options *chosen;
    const char                 *over; /* the device that the spec is for */
    struct assay_error          err;  /* of laying it */
};

static void list_one(void *self, const char *name, const struct assay_described *d, const struct assay_error *why_not)
{
    struct listing         *l = self;
    struct assay_described *own = NULL;
    char                    line[400];
    if (!d) { /* costs itself only */
        (void)snprintf(line, sizeof line, "description '%s' cannot be read: %s", name, why_not->message);
        host->log(ASSAY_LOG_WARN, line);
    } else if (*l->over && !strcmp(l->over, name)) {
        if (!model_describe(name, l->chosen->spec, &own, &l->err))
            tell_device(l->out, own, l->chosen);
        assay_described_free(own);
    } else {
        tell_device(l->out, d, l->chosen);
    }
}

/* The name in a spec may be an alias. */
static enum assay_code device_of_spec(const struct model_options *chosen, char over[64], struct assay_described **own,
                                      struct assay_error *err)
{
    bool is_device = false;
    if (assay_spec_is_device(chosen->spec, &is_device, err) || assay_spec_device(chosen->spec, over, err))
        return err->code;
    if (model_describe(over, chosen->spec, own, err))
        return err->code;
    (void)snprintf(over, 64, "%s", is_device ? "" : (*own)->name);
    return ASSAY_OK;
}

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    const struct model_options *chosen = options;
    struct assay_described     *own = NULL;
    char                        over[64] = "";
    struct listing              l = {.out = out, .chosen = chosen, .over = over};
    if (*chosen->spec && device_of_spec(chosen, over, &own, err))
        return err->code;
    if (own && !*over) /* a device of its own stands first */
        tell_device(out, own, chosen);
    assay_described_free(own);
    if (assay_described_list(list_one, &l, err))
        return err->code;
    if (l.err.code)
        *err = l.err;
    return err->code;
}

/* ---- sessions ------------------------------------------------------------------------------------------------------- */

static void forget_asked(struct assay_session *s)
{
    assay_graph_facts_free(s->asked_facts);
    assay_graph_free(s->asked_rebuilt);
    s->asked = NULL;
    s->asked_rebuilt = NULL;
    s->asked_facts = NULL;
}

static void session_close(struct assay_session *s)
{
    while (s->idle) {
        struct assay_event *next = s->idle->next;
        free(s->idle->rows);
        free(s->idle);
        s->idle = next;
    }
    forget_asked(s);
    assay_described_free(s->described);
    free(s);
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    const struct model_options *chosen = how->options;
    struct assay_session       *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    s->options = *chosen;
    char over[64] = "";
    bool is_device = false;
    if (*chosen->spec && (assay_spec_is_device(chosen->spec, &is_device, err) || assay_spec_device(chosen->spec, over, err)))
        goto close;
    if (model_describe(how->device, chosen->spec, &s->described, err))
        goto close;
    if (strcmp(s->described->name, how->device) != 0) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.100s' describes '%.60s', not '%.60s'", chosen->spec, s->described->name,
                         how->device);
        goto close;
    }
    if (assay_fitted_read(NULL, &s->fitted, err))
        goto close;
    assay_priced_init(&s->step, s->described, &s->fitted);
    model_draw(s, 0);
    *out = s;
    return ASSAY_OK;
close:
    session_close(s);
    return err->code;
}

/* The graph as our own, once for all its nodes: they are asked about one after the other. */
static enum assay_code ask_about(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_error *err)
{
    if (s->asked == g && node)
        return ASSAY_OK;
    forget_asked(s);
    if (rebuild_graph(host, g, NULL, &s->asked_rebuilt, err) || assay_graph_facts_new(s->asked_rebuilt, &s->asked_facts, err))
        return err->code;
    s->asked = g;
    return ASSAY_OK;
}

/* What must lie in the device's memory whatever the stack does: weights, states, one set of inputs and outputs. */
static uint64_t held_by(const struct assay_graph *g)
{
    uint64_t bytes = 0;
    for (uint32_t v = 0; v < g->n_values; v++) {
        enum assay_role role = g->values[v].role;
        bool            held = role == ASSAY_ROLE_PARAM || role == ASSAY_ROLE_STATE || role == ASSAY_ROLE_INPUT ||
                    (role == ASSAY_ROLE_OUTPUT && g->values[v].alias_of == ASSAY_NO_VALUE);
        bytes += held ? g->values[v].bytes : 0;
    }
    return bytes;
}

/* Memory first: of a graph that does not fit, no time is told. */
static enum assay_code check_room(const struct assay_session *s, const struct assay_graph *g, struct assay_error *err)
{
    const struct assay_quantity *memory = &s->described->fields[ASSAY_DEVICE_MEMORY];
    double                       bytes = (double)held_by(g);
    if (memory->state != ASSAY_KNOWN || bytes <= memory->high)
        return ASSAY_OK;
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "does not fit on one device: weights, states, inputs and outputs are %.1f GB; memory_bytes of %s is %.1f GB%s",
                      bytes / 1e9, s->described->name, memory->high / 1e9, memory->low < memory->high ? " at most" : "");
}

/* One device has no time for what others must take part in. */
static enum assay_code check_alone(const struct assay_graph *g, uint32_t node, struct assay_error *err)
{
    int64_t                ranks[ASSAY_ATTR_MAX_LENGTH];
    size_t                 n = host->attr_i64s(g, node, "ranks", ranks, ASSAY_ATTR_MAX_LENGTH);
    struct assay_node_view view = {.size = sizeof view};
    if (n == SIZE_MAX || n < 2 || !host->graph_node(g, node, &view))
        return ASSAY_OK;
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s of %zu ranks: this is the model of one device; `assay search` models systems", view.op, n);
}

static bool accepts(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not)
{
    struct assay_price price;
    struct assay_error err = {.code = ASSAY_OK};
    if (!check_alone(g, node, &err) && !ask_about(s, g, node, &err) && (node || !check_room(s, s->asked_rebuilt, &err))) {
        struct assay_node_how how = model_how(s, s->asked_rebuilt, NULL);
        (void)assay_node_price(&s->world.chip, &s->step.k, s->asked_facts, node, &how, &price, &err);
    }
    if (err.code) {
        assay_text_add(why_not, "%s", err.message);
        return false;
    }
    return s->options.values != MODEL_EMULATE || model_values_accept(s, host, g, node, why_not);
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

/* Without values there are no bytes behind a buffer: it only counts. */
static enum assay_code buffer_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                                    struct assay_error *err)
{
    bool     on_device = how->place == ASSAY_PLACE_DEVICE;
    uint64_t room = memory_of(s->described);
    if (on_device && (how->bytes > room || s->held_bytes > room - how->bytes))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%.1f GB are asked for; memory_bytes of %s is %.1f GB%s",
                          ((double)s->held_bytes + (double)how->bytes) / 1e9,
                          s->described->name, (double)room / 1e9,
                          s->described->fields[ASSAY_DEVICE_MEMORY].low < s->described->fields[ASSAY_DEVICE_MEMORY].high
                              ? " at most" : "");
    if (s->options.values == MODEL_EMULATE) {
        if (device_alloc(how, 0, out, err))
            return err->code;
    } else {
        struct assay_buffer *b = calloc(1, sizeof *b);
        if (!b)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a handle");
        b->bytes = how->bytes;
        *out = b;
    }
    s->held_bytes += on_device ? how->bytes : 0;
    return ASSAY_OK;
}

static void buffer_release(struct assay_session *s, struct assay_buffer *b)
{
    s->held_bytes -= b->bytes < s->held_bytes ? b->bytes : s->held_bytes;
    if (s->options.values == MODEL_EMULATE)
        device_release(b);
    else
        free(b);
}

static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes,
                              struct assay_error *err)
{
    return s->options.values == MODEL_EMULATE ? device_upload(b, offset, from, bytes, err) : ASSAY_OK;
}

static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                struct assay_error *err)
{
    if (s->options.values == MODEL_EMULATE)
        return device_download(b, offset, to, bytes, err);
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "a modelled device computes no values unless it is opened with values=emulate");
}

/* ---- programs ------------------------------------------------------------------------------------------------------- */

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    model_values_free(p->values);
    assay_graph_price_free(p->price);
    for (uint32_t v = 0; p->padded && v < p->graph->n_values; v++)
        free(p->padded[v]);
    free(p->padded);
    free(p->content);
    assay_graph_free(p->graph);
    free(p);
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    const struct assay_rank_class *only = how->classes;
    if (how->n_classes != 1)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "one device cannot run %zu rank classes", how->n_classes);
    struct assay_program *p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    if (rebuild_graph(host, only->graph, NULL, &p->graph, err) || assay_graph_price_new(p->graph, &p->price, err))
        goto discard;
    p->content = calloc((size_t)p->graph->n_values + 1, sizeof *p->content);
    p->padded = calloc((size_t)p->graph->n_values + 1, sizeof *p->padded);
    if (!p->content || !p->padded) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program of %u values", p->graph->n_values);
        goto discard;
    }
    if (model_price(s, p, false, err) ||
        (s->options.values == MODEL_EMULATE && model_values_new(s, host, how, &p->values, err)))
        goto discard;
    model_certainty(s, p);
    s->pointless = s->pointless || !p->certain.has_point;
    *out = p;
    return ASSAY_OK;
discard:
    discard(s, p);
    return err->code;
}

static void describe(struct assay_session *s, const struct assay_program *p, struct assay_text *out)
{
    const struct assay_described *d = s->described;
    assay_text_add(out, "modelled from the description of %s, SHA-256 %s", d->name, d->fingerprint);
    if (*d->overlays)
        assay_text_add(out, ", with %s over it", d->overlays);
    assay_text_add(out, "; %u kinds of nodes priced for %u; element-wise ops are computed where an operand is made that nobody else reads",
                   p->price->n_classes, p->graph->n_nodes);
    assay_text_add(out, "; weights are read as they are stored; values in f32 are kept and multiplied in %s",
                   s->options.precision == MODEL_TF32 ? "f32 and tf32" : assay_dtype_name(model_how(s, p->graph, NULL).f32_as));
    assay_text_add(out, "; a launch floor a kernel, no time of the host; power at its full while it works; fit %.16s",
                   s->fitted.fingerprint);
    const struct assay_quantity *memory = &d->fields[ASSAY_DEVICE_MEMORY];
    if (memory->state == ASSAY_KNOWN && (double)held_by(p->graph) > memory->low)
        assay_text_add(out, "; it may not fit: weights, states, inputs and outputs are %.1f GB, memory_bytes is %.1f to %.1f GB",
                       (double)held_by(p->graph) / 1e9, memory->low / 1e9, memory->high / 1e9);
    if (p->values)
        assay_text_add(out, "; values by matrix unit %s", d->unit);
}

static void certainty(struct assay_session *s, const struct assay_program *p, struct assay_certainty *out)
{
    struct assay_text why = ASSAY_TEXT(out->why_no_point);
    out->grade[0] = p->certain.grade;
    out->grade[1] = 0;
    out->has_point = p->certain.has_point;
    if (!p->certain.has_point)
        assay_text_add(&why, "no point exists: of %s only a range is known (%s)", assay_device_fields[p->certain.without].key,
                       s->described->name);
    if (out->size < sizeof *out) /* a host that knows none */
        return;
    for (size_t i = 0; i < p->n_inputs && i < ASSAY_INFLUENCES; i++) {
        const struct assay_priced_input *x = &p->inputs[i];
        struct assay_influence        *to = &out->influences[i];
        *to = (struct assay_influence){.share = x->share, .low = x->low, .high = x->high};
        (void)snprintf(to->name, sizeof to->name, "%s", x->name);
        (void)snprintf(to->from, sizeof to->from, "%s", x->from);
    }
}

/* ---- executing ------------------------------------------------------------------------------------------------------ */

/* To what limited it longest goes the time beyond the floor. */
static void spend(struct model_spent *spent, const struct assay_price *p, double times)
{
    const double part[] = {p->compute_ns, p->memory_ns, p->cache_ns, p->vector_ns, p->link_ns};
    double      *to[] = {&spent->compute_ns, &spent->memory_ns, &spent->cache_ns, &spent->vector_ns, &spent->link_ns};
    size_t       most = 0;
    for (size_t i = 1; i < sizeof part / sizeof *part; i++)
        most = part[i] > part[most] ? i : most;
    *to[most] += times * (p->ns - p->floor_ns);
    spent->launch_ns += times * p->floor_ns;
    spent->ns += times * p->ns;
    spent->flops += times * p->flops;
    spent->memory_bytes += times * p->memory_bytes;
    spent->cache_bytes += times * p->cache_bytes;
    spent->link_bytes += times * p->link_bytes;
}

static const char *limit_of(const struct assay_price *p)
{
    struct model_spent one = {0};
    spend(&one, p, 1);
    if (one.launch_ns >= one.ns / 2)
        return "launch";
    return one.compute_ns > 0 ? "compute" : one.memory_ns > 0 ? "memory" : one.cache_ns > 0 ? "last-level cache"
        : one.vector_ns > 0 ? "vector" : "link";
}

static enum assay_code keep_rows(const struct assay_program *p, struct assay_event *e, struct assay_error *err)
{
    double at = 0;
    e->rows = calloc((size_t)p->graph->n_nodes + 1, sizeof *e->rows);
    if (!e->rows)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a trace");
    for (uint32_t n = 0; n < p->graph->n_nodes; n++) {
        const struct assay_price *price = &p->price->classes[p->price->class_of[n]].price;
        struct assay_trace_row   *row = &e->rows[e->n_rows++];
        *row = (struct assay_trace_row){.node = n, .begin_ns = (uint64_t)at, .end_ns = (uint64_t)(at + price->ns)};
        (void)snprintf(row->note, sizeof row->note, "%s", price->ns > 0 ? limit_of(price)
                       : "nothing to do, or done with another");
        at += price->ns;
    }
    return ASSAY_OK;
}

static struct assay_event *take_event(struct assay_session *s)
{
    struct assay_event *e = s->idle;
    if (e)
        s->idle = e->next;
    else
        e = malloc(sizeof *e);
    if (e)
        *e = (struct assay_event){.next = NULL};
    return e;
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    free(e->rows);
    e->rows = NULL;
    e->next = s->idle;
    s->idle = e;
}

/* A control input as it counts: rows that are padding hold nothing. NULL: no memory. */
static const void *content_of(struct assay_program *p, const struct assay_binding *b)
{
    const struct assay_value *v = &p->graph->values[b->value];
    uint64_t                  rows = v->rank ? (uint64_t)v->dims[0] : 1;
    const char               *held = (const char *)b->host + b->offset;
    if (b->valid_rows >= rows)
        return held;
    void *own = p->padded[b->value] ? p->padded[b->value] : malloc((size_t)v->bytes + 1);
    if (!own)
        return NULL;
    p->padded[b->value] = own;
    uint64_t counts = v->bytes / rows * b->valid_rows;
    memcpy(own, held, (size_t)counts);
    memset((char *)own + counts, 0, (size_t)(v->bytes - counts));
    return own;
}

/* What control inputs hold decides again; else the prices of this draw stand. */
static enum assay_code price_launch(struct assay_session *s, const struct assay_launch *launch, struct assay_error *err)
{
    struct assay_program *p = launch->program;
    memset(p->content, 0, (size_t)p->graph->n_values * sizeof *p->content);
    for (size_t i = 0; i < launch->n_bindings; i++) {
        const struct assay_binding *b =
            (const struct assay_binding *)(const void *)((const char *)launch->bindings + i * launch->binding_stride);
        if (b->host && b->value < p->graph->n_values && p->graph->values[b->value].role == ASSAY_ROLE_CONTROL)
            p->content[b->value] = content_of(p, b);
    }
    enum assay_code code = model_price(s, p, p->priced == s->drawn, err);
    p->priced = code ? 0 : s->drawn;
    return code;
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    struct assay_program *p = launch->program;
    struct assay_event   *e = take_event(s);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an event");
    if (price_launch(s, launch, err) || (p->values && model_values_compute(p->values, launch, err)) ||
        ((launch->flags & ASSAY_LAUNCH_TRACE) && keep_rows(p, e, err))) {
        forget(s, e);
        return err->code;
    }
    double power = s->world.chip.field[ASSAY_DEVICE_POWER], ns = fmax(1, nearbyint(p->price->total.ns));
    e->begin_ns = launch->earliest_ns > s->free_ns ? launch->earliest_ns : s->free_ns;
    e->end_ns = e->begin_ns + (uint64_t)ns;
    s->free_ns = e->end_ns;
    for (uint32_t i = 0; i < p->price->n_classes; i++)
        spend(&s->spent, &p->price->classes[i].price, p->price->classes[i].count);
    s->spent.joules += isnan(power) ? 0 : power * ns * 1e-9;
    *out = e;
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done,
                            struct assay_span *span, struct assay_error *err)
{
    size_t first = 0;
    (void)s;
    (void)timeout_ns;
    (void)err;
    for (size_t i = 1; i < n; i++)
        if (events[i]->end_ns < events[first]->end_ns)
            first = i;
    span->clock = ASSAY_CLOCK_MODEL;
    span->begin_ns = events[first]->begin_ns;
    span->end_ns = events[first]->end_ns;
    span->device_ns = 0;
    (void)snprintf(span->why_no_device_ns, sizeof span->why_no_device_ns, "%s", "modelled: nothing was timed");
    *done = first;
    return ASSAY_OK;
}

/* ---- optional answers ----------------------------------------------------------------------------------------------- */

static enum assay_code trace(struct assay_session *s, struct assay_event *e, struct assay_trace_row *rows, size_t stride,
                             size_t capacity,
                             size_t *n, struct assay_error *err)
{
    if (s->pointless)
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE,
                          "no point exists for %s, so none is traced: numbers of it are known as ranges only",
                          s->described->name);
    for (size_t i = 0; i < e->n_rows && i < capacity; i++) {
        struct assay_trace_row *to = (struct assay_trace_row *)(void *)((char *)rows + i * stride);
        to->node = e->rows[i].node;
        to->rank_class = 0;
        to->begin_ns = e->rows[i].begin_ns;
        to->end_ns = e->rows[i].end_ns;
        memcpy(to->note, e->rows[i].note, sizeof to->note);
    }
    *n = e->n_rows;
    return ASSAY_OK;
}

/* Counts follow from shapes; times and energy are a chip's, and are told of one that there may be a point of. */
static enum assay_code counters(struct assay_session *s, struct assay_counter_row *rows, size_t stride, size_t capacity,
                                size_t *n,
                                struct assay_error *err)
{
    const struct model_spent *x = &s->spent;
    const struct {
        const char *name, *unit;
        double      value;
        bool        point;
    } all[] = {
        {"flops", "1", x->flops, false},         {"memory_traffic", "bytes", x->memory_bytes, true},
            {"cache_traffic", "bytes", x->cache_bytes, true},
        {"link_traffic", "bytes", x->link_bytes, false}, {"limited_by_compute", "ns", x->compute_ns, true},
            {"limited_by_memory", "ns", x->memory_ns, true},
        {"limited_by_cache", "ns", x->cache_ns, true},   {"limited_by_vector", "ns", x->vector_ns, true},
            {"limited_by_link", "ns", x->link_ns, true},
        {"limited_by_launch", "ns", x->launch_ns, true}, {"energy", "joules", x->joules, true},
    };
    (void)err;
    *n = sizeof all / sizeof *all;
    for (size_t i = 0; i < *n && i < capacity; i++) {
        struct assay_counter_row *to = (struct assay_counter_row *)(void *)((char *)rows + i * stride);
        bool                      power = strcmp(all[i].name, "energy") != 0 || !isnan(s->world.chip.field[ASSAY_DEVICE_POWER]);
        (void)snprintf(to->name, sizeof to->name, "%s", all[i].name);
        (void)snprintf(to->unit, sizeof to->unit, "%s", all[i].unit);
        to->value = all[i].value;
        (void)snprintf(to->why, sizeof to->why, "%s",
                       !power ? "power_watts is not known of the device" : s->pointless && all[i].point
                           ? "no point exists: numbers of the device are known as ranges only" : "");
    }
    return ASSAY_OK;
}

static enum assay_code draw(struct assay_session *s, uint64_t k, struct assay_error *err)
{
    (void)err;
    model_draw(s, k);
    return ASSAY_OK;
}

static void memory(struct assay_session *s, struct assay_memory *out)
{
    out->buffer_bytes = s->held_bytes;
    out->program_bytes = 0;
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "model",
    .summary = "any chip that a file describes, on a clock of its own: nothing is timed",
    .version = ASSAY_VERSION,
    .options = option_table,
    .option_stride = sizeof *option_table,
    .options_bytes = sizeof(struct model_options),
    .probe = probe,
    .open = session_open,
    .close = session_close,
    .accepts = accepts,
    .alloc = buffer_alloc,
    .release = buffer_release,
    .upload = upload,
    .download = download,
    .compile = compile,
    .discard = discard,
    .execute = execute,
    .poll = poll,
    .forget = forget,
    .describe = describe,
    .trace = trace,
    .counters = counters,
    .draw = draw,
    .memory = memory,
    .certainty = certainty,
};

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    host = lent;
    return &backend;
}
