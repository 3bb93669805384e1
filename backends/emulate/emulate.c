/* A matrix unit that is described in a file, as a device: what its arithmetic makes of any graph. A functional simulator: its
 * values may be judged, its times never. */
#include <stdlib.h>
#include <string.h>

#include "assay/backend.h"
#include "backends/reference/device.h"
#include "backends/reference/rebuild.h"
#include "compute.h"

#include "assay/banned.h"

struct options {
    char unit[256];
};

static const struct assay_option option_table[] = {
    {.name = "unit",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct options, unit),
     .bytes = sizeof((struct options){{0}}.unit),
     .dflt = "fp32-fma",
     .help = "a matrix unit: the name of a file in backends/units, or a path"},
    {.name = NULL},
};

static const struct assay_host *host;

struct assay_session {
    struct assay_matrix_unit unit;
};

struct assay_event {
    uint64_t begin_ns, end_ns;
};

struct assay_program {
    struct device_program *on_device;
    struct emulate_work *work;
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    const struct options *chosen = options;
    struct assay_matrix_unit unit;
    struct assay_device_info info = {.size = sizeof info,
                                     .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY,
                                     .clock = ASSAY_CLOCK_HOST,
                                     .origin = ASSAY_ORIGIN_SIMULATED,
                                     .queues = 1,
                                     .memory_bytes = UINT64_C(1) << 40,
                                     .name = "unit",
                                     .how_known = "it is part of assay"};
    if (assay_unit_find(chosen->unit, &unit, err))
        return err->code;
    struct assay_text product = ASSAY_TEXT(info.product);
    assay_text_add(&product, "matrix unit %s, emulated", unit.name);
    host->device_add(out, &info);
    return ASSAY_OK;
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    const struct options *chosen = how->options;
    struct assay_session *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    if (assay_unit_find(chosen->unit, &s->unit, err)) {
        free(s);
        return err->code;
    }
    *out = s;
    return ASSAY_OK;
}

static void session_close(struct assay_session *s)
{
    free(s);
}

/* Operands of 8 bits are what the unit reads, as they are. */
static bool takes_integers(const struct assay_matrix_unit *u, enum assay_dtype a, enum assay_dtype b, struct assay_text *why_not)
{
    if (assay_unit_holds(u->a, a) && assay_unit_holds(u->b, b))
        return true;
    assay_text_add(why_not, "unit %s multiplies %s by %s, which do not hold all %s by %s", u->name, u->a->name, u->b->name,
                   assay_dtype_name(a), assay_dtype_name(b));
    return false;
}

static bool accepts(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not)
{
    struct assay_node_view view = {.size = sizeof view};
    struct assay_value_view value = {.size = sizeof value};
    if (!device_accepts(host, g, node, why_not))
        return false;
    (void)host->graph_node(g, node, &view);
    (void)host->graph_value(g, (uint32_t)view.inputs[0], &value);
    if (!*view.domain && !strcmp(view.op, "MatMulInteger")) {
        struct assay_value_view right = {.size = sizeof right};
        (void)host->graph_value(g, (uint32_t)view.inputs[1], &right);
        return takes_integers(&s->unit, value.dtype, right.dtype, why_not);
    }
    if (!emulate_multiplies(view.domain, view.op) || assay_unit_takes(&s->unit, value.dtype))
        return true;
    assay_text_add(why_not, "unit %s multiplies %s by %s, not %s", s->unit.name, s->unit.a->name, s->unit.b->name,
                   assay_dtype_name(value.dtype));
    return false;
}

static enum assay_code buffer_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                                    struct assay_error *err)
{
    (void)s;
    return device_alloc(how, 0, out, err);
}

static void buffer_release(struct assay_session *s, struct assay_buffer *b)
{
    (void)s;
    device_release(b);
}

static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from,
                              uint64_t bytes, struct assay_error *err)
{
    (void)s;
    return device_upload(b, offset, from, bytes, err);
}

static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to,
                                uint64_t bytes, struct assay_error *err)
{
    (void)s;
    return device_download(b, offset, to, bytes, err);
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    emulate_work_free(p->work);
    device_discard(p->on_device);
    free(p);
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    struct assay_program *p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    if (device_compile(host, how, NULL, &p->on_device, err)) {
        free(p);
        return err->code;
    }
    if (emulate_work_new(device_graph(p->on_device), &s->unit, &p->work, err)) {
        discard(s, p);
        return err->code;
    }
    *out = p;
    return ASSAY_OK;
}

static void put_output(void *self, int32_t value, const void *bytes)
{
    struct device_program *p = self;
    for (size_t i = 0; i < device_outputs(p); i++) {
        struct device_output *o = device_output(p, i);
        if (o->value == value)
            memcpy(o->computed, bytes, (size_t)o->bytes);
    }
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    struct assay_program *p = launch->program;
    struct assay_event *e;
    (void)s;
    if (device_bind(p->on_device, launch, err))
        return err->code;
    e = calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an event");
    e->begin_ns = host->now_ns();
    if (emulate_compute(p->work, device_bound(p->on_device), put_output, p->on_device, err)) {
        free(e);
        return err->code;
    }
    device_store(p->on_device);
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
    device_tell_span(events[first]->begin_ns, events[first]->end_ns, span);
    *done = first;
    return ASSAY_OK;
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    free(e);
}

static void describe(struct assay_session *s, const struct assay_program *p, struct assay_text *out)
{
    (void)p;
    assay_text_add(out, "unit %s: %s; %s; all else in double; every value rounded to its format", s->unit.name, s->unit.about,
                   assay_unit_is_fast(&s->unit) ? "by tiles of fused multiply-adds" : "by its definition, sum by sum");
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "emulate",
    .summary = "the values of a matrix unit that a file describes",
    .version = ASSAY_VERSION,
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
};

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    host = lent;
    return &backend;
}
