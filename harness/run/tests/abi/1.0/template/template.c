/* A back end to copy: `make new-backend NAME=x`, then replace what is marked DEVICE.
 *
 * It is honest and complete, and as plain as it can be: synchronous, one core, f32, five ops. The agreement with the
 * harness stands in assay/backend.h; backends/README.md follows one case through these functions. Every entry says
 * whether it is required. */
#include <stdlib.h>
#include <string.h>

#include "assay/backend.h"
#include "steps.h"

#include "assay/banned.h"

const struct assay_host *host;

/* ---- options (optional: a NULL table) ---------------------------------------------------------------------
 * The host parses "template:device,memory=64MiB" with this table into the struct. Help, ranges and the man page
 * come from the same rows. */

struct options {
    uint64_t memory;
};

static const struct assay_option option_table[] = {
    {.name = "memory",
     .type = ASSAY_OPT_BYTES,
     .offset = offsetof(struct options, memory),
     .dflt = "4GiB",
     .min = 4096,
     .max = 1e15,
     .help = "device memory that may be allocated"},
    {.name = NULL},
};

/* ---- the handles: yours, opaque to the host ------------------------------------------------------------- */

struct assay_session {
    uint64_t memory, used;    /* bytes */
    struct assay_event *idle; /* events that were forgotten, to be used again */
};

struct assay_buffer {
    unsigned char *at; /* DEVICE: your device pointer */
    uint64_t bytes;
};

struct assay_event {
    struct assay_event *next;
    uint64_t begin_ns, end_ns;
};

struct assay_program {
    const struct assay_graph *graph;
    uint32_t n_values, n_nodes;
    unsigned char **placed; /* per value: where it always is, NULL if launches bind it */
    unsigned char **memory; /* per value: where it is in the launch that runs */
    void **owned;           /* per value: memory that this program allocated for it, or NULL */
    struct step *steps;
};

/* ---- finding devices ------------------------------------------------------------------------------------ */

/* Required. DEVICE: ask your driver, and device_add each; report what it says, leave empty what it does not say.
 * No device is ASSAY_UNAVAILABLE with the reason ("libx.so: not found"). */
static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    const struct options *chosen = options;
    struct assay_device_info info = {
        .size = sizeof info,
        .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY | ASSAY_TRAIT_IS_HOST,
        .clock = ASSAY_CLOCK_HOST,   /* DEVICE if your driver stamps events */
        .origin = ASSAY_ORIGIN_REAL, /* SIMULATED for a functional simulator, MODELLED for a model */
        .queues = 1,
        .memory_bytes = chosen->memory,
        .name = "host",
        .product = "one core of this machine",
        .how_known = "it runs where assay runs",
    };
    (void)err;
    host->device_add(out, &info);
    return ASSAY_OK;
}

/* Required. how->device is a name that probe gave; how->options what the table filled. DEVICE: create a context. */
static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    const struct options *chosen = how->options;
    struct assay_session *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    s->memory = chosen->memory;
    *out = s;
    return ASSAY_OK;
}

/* Required. Comes last: programs are discarded, events forgotten, buffers released. */
static void session_close(struct assay_session *s)
{
    while (s->idle) {
        struct assay_event *next = s->idle->next;
        free(s->idle);
        s->idle = next;
    }
    free(s);
}

/* ---- memory: the untimed control plane ------------------------------------------------------------------ */

/* Required. ASSAY_MEMORY when the device is full. DEVICE: allocate there; how->place says which memory. */
static enum assay_code buffer_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                                    struct assay_error *err)
{
    size_t alignment = how->alignment < 64 ? 64 : (size_t)how->alignment;
    struct assay_buffer *b = calloc(1, sizeof *b);
    if (!b)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a buffer");
    if (how->bytes > s->memory - s->used) {
        free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "%llu bytes do not fit, %llu of %llu are in use",
                          (unsigned long long)how->bytes, (unsigned long long)s->used, (unsigned long long)s->memory);
    }
    if (posix_memalign((void **)&b->at, alignment, how->bytes ? (size_t)how->bytes : 1)) {
        free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %llu bytes", (unsigned long long)how->bytes);
    }
    b->bytes = how->bytes;
    s->used += how->bytes;
    *out = b;
    return ASSAY_OK;
}

/* Required. */
static void buffer_release(struct assay_session *s, struct assay_buffer *b)
{
    s->used -= b->bytes;
    free(b->at);
    free(b);
}

static enum assay_code check_range(const struct assay_buffer *b, uint64_t offset, uint64_t bytes,
                                   struct assay_error *err)
{
    if (offset > b->bytes || bytes > b->bytes - offset)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "bytes %llu and %llu on are not in a buffer of %llu",
                          (unsigned long long)offset, (unsigned long long)bytes, (unsigned long long)b->bytes);
    return ASSAY_OK;
}

/* Required. DEVICE: copy, and return when `from` may be changed again. */
static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from,
                              uint64_t bytes, struct assay_error *err)
{
    (void)s;
    if (check_range(b, offset, bytes, err))
        return err->code;
    memcpy(b->at + offset, from, (size_t)bytes);
    return ASSAY_OK;
}

/* Required. DEVICE: copy, and return when the bytes are there. */
static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to,
                                uint64_t bytes, struct assay_error *err)
{
    (void)s;
    if (check_range(b, offset, bytes, err))
        return err->code;
    memcpy(to, b->at + offset, (size_t)bytes);
    return ASSAY_OK;
}

/* ---- what runs here ------------------------------------------------------------------------------------- */

/* Required. Asked for every node before a case is tried. A no with its reason is a result, not a failure: the record
 * says "unsupported" and why. */
static bool accepts(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not)
{
    struct step step;
    (void)s;
    memset(&step, 0, sizeof step);
    return step_plan(g, node, &step, why_not);
}

/* ---- compiling: untimed, so do here what can be done once ----------------------------------------------- */

/* Element i of an array whose stride the host says. */
static const struct assay_binding *binding_at(const struct assay_binding *first, size_t stride, size_t i)
{
    return (const struct assay_binding *)(const void *)((const char *)first + i * stride);
}

/* Where a binding's bytes are, into memory[value]. */
static enum assay_code bind(const struct assay_program *p, const struct assay_binding *binding, unsigned char **memory,
                            struct assay_error *err)
{
    if (binding->value >= p->n_values)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "value %u is bound, the graph has %u", binding->value, p->n_values);
    if (binding->buffer) {
        uint64_t bytes = step_value(p->graph, (int32_t)binding->value).bytes;
        if (check_range(binding->buffer, binding->offset, bytes, err))
            return assay_error_in(err, "binding '%s'", step_value(p->graph, (int32_t)binding->value).name);
        memory[binding->value] = binding->buffer->at + binding->offset;
    } else {
        memory[binding->value] = binding->host;
    }
    return ASSAY_OK;
}

/* Memory for what no binding will ever name: temporaries. Consts lie in the graph. DEVICE: plan reuse, upload consts.
 */
static enum assay_code place_values(struct assay_program *p, struct assay_error *err)
{
    for (uint32_t v = 0; v < p->n_values; v++) {
        struct assay_value_view view = step_value(p->graph, (int32_t)v);
        if (view.role == ASSAY_ROLE_CONST)
            memcpy(&p->placed[v], &view.data, sizeof p->placed[v]); /* never written: no node outputs a const */
        if (view.role != ASSAY_ROLE_TEMP)
            continue;
        if (posix_memalign(&p->owned[v], 64, view.bytes ? (size_t)view.bytes : 1))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %llu bytes of '%s'", (unsigned long long)view.bytes,
                              view.name);
        p->placed[v] = p->owned[v];
    }
    return ASSAY_OK;
}

static enum assay_code plan_steps(struct assay_program *p, struct assay_error *err)
{
    char text[200];
    struct assay_text why_not = ASSAY_TEXT(text);
    for (uint32_t n = 0; n < p->n_nodes; n++)
        if (!step_plan(p->graph, n, &p->steps[n], &why_not))
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "node %u: %s", n, text);
    return ASSAY_OK;
}

/* Required. */
static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    for (uint32_t v = 0; p->owned && v < p->n_values; v++)
        free(p->owned[v]);
    free(p->owned);
    free(p->memory);
    free(p->placed);
    free(p->steps);
    free(p);
}

/* Required. An ordinary device gets one class: one graph. `fixed` are parameters whose content stays until discard, so
 * they may be packed or laid out anew here; this device uses them where they are. */
static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    const struct assay_rank_class *only = how->classes;
    struct assay_program *p;
    if (how->n_classes != 1)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "one device cannot run %zu rank classes", how->n_classes);
    p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    p->graph = only->graph; /* lives until discard */
    p->n_values = host->graph_values(p->graph);
    p->n_nodes = host->graph_nodes(p->graph);
    p->memory = calloc(p->n_values + 1, sizeof *p->memory);
    p->placed = calloc(p->n_values + 1, sizeof *p->placed);
    p->owned = calloc(p->n_values + 1, sizeof *p->owned);
    p->steps = calloc(p->n_nodes + 1, sizeof *p->steps);
    if (!p->memory || !p->placed || !p->owned || !p->steps)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program of %u nodes", p->n_nodes);
    else if (!plan_steps(p, err) && !place_values(p, err)) {
        size_t i = 0;
        while (i < how->n_fixed && !bind(p, binding_at(how->fixed, how->binding_stride, i), p->placed, err))
            i++;
        if (i == how->n_fixed) {
            *out = p;
            return ASSAY_OK;
        }
    }
    discard(s, p);
    return err->code;
}

/* ---- executing: the timed part, so allocate nothing here ------------------------------------------------ */

static struct assay_event *event_take(struct assay_session *s)
{
    struct assay_event *e = s->idle;
    if (!e)
        return calloc(1, sizeof *e);
    s->idle = e->next;
    return e;
}

/* Required. Starts one execution; a synchronous device does it. DEVICE: enqueue on launch->queue and return; stamp
 * begin and end when they happen, by your device's events or a thread of yours. */
static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    struct assay_program *p = launch->program;
    struct assay_event *e;
    if (launch->queue != 0)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "queue %u was used, this device has one", launch->queue);
    memcpy(p->memory, p->placed, p->n_values * sizeof *p->memory);
    for (size_t i = 0; i < launch->n_bindings; i++)
        if (bind(p, binding_at(launch->bindings, launch->binding_stride, i), p->memory, err))
            return err->code;
    for (uint32_t v = 0; v < p->n_values; v++)
        if (!p->memory[v])
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "value %u is not bound", v);
    e = event_take(s);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an event");
    e->begin_ns = host->now_ns();
    for (uint32_t n = 0; n < p->n_nodes; n++)
        p->steps[n].run(&p->steps[n], p->memory);
    e->end_ns = host->now_ns();
    *out = e;
    return ASSAY_OK;
}

/* Required. Here everything is done when execute returns, so of all events the oldest is told first. DEVICE: wait for
 * any, at most timeout_ns, then ASSAY_TIMEOUT. Fields are set one by one: the host's span may be larger or older. */
static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err)
{
    static const char why[sizeof span->why_no_device_ns] = "the host is the device";
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
    memcpy(span->why_no_device_ns, why, sizeof why);
    *done = first;
    return ASSAY_OK;
}

/* Required. */
static void forget(struct assay_session *s, struct assay_event *e)
{
    e->next = s->idle;
    s->idle = e;
}

/* ---- optional entries: leave out what you cannot answer honestly ---------------------------------------- */

/* Optional. What compile did that a reader of the record must know: fusions, layouts, libraries. */
static void describe(struct assay_session *s, const struct assay_program *p, struct assay_text *out)
{
    (void)s;
    assay_text_add(out, "%u nodes one after the other, plain loops, one core", p->n_nodes);
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "template",
    .summary = "plain loops on one core: the back end to copy",
    .version = "1",
    .options = option_table,
    .option_stride = sizeof *option_table,
    .options_bytes = sizeof(struct options),
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
    /* trace, counters, telemetry, draw, library: not there */
};

/* Required: the one symbol. `lent` stays valid for the life of the process. */
const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    host = lent;
    return &backend;
}
