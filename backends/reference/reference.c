/* The judge as a device: slow, in double, every op of the table. What it answers is what others are compared with. */
#include <stdlib.h>
#include <string.h>

#include "assay/backend.h"
#include "device.h"

#include "assay/banned.h"

static const struct assay_host *host;

struct assay_session {
    int unused;
};

struct assay_event {
    uint64_t begin_ns, end_ns;
};

struct assay_program {
    struct device_program *on_device;
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    struct assay_device_info info = {.size = sizeof info,
                                     .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY | ASSAY_TRAIT_IS_HOST,
                                     .clock = ASSAY_CLOCK_HOST,
                                     .origin = ASSAY_ORIGIN_REFERENCE,
                                     .queues = 1,
                                     .memory_bytes = UINT64_C(1) << 40,
                                     .name = "double",
                                     .product = "the reference in double precision",
                                     .how_known = "it is part of assay"};
    (void)options;
    (void)err;
    host->device_add(out, &info);
    return ASSAY_OK;
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    (void)how;
    *out = calloc(1, sizeof **out);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
}

static void session_close(struct assay_session *s)
{
    free(s);
}

static bool accepts(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not)
{
    (void)s;
    return device_accepts(host, g, node, why_not);
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

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    struct assay_program *p = calloc(1, sizeof *p);
    (void)s;
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    if (device_compile(host, how, NULL, &p->on_device, err)) {
        free(p);
        return err->code;
    }
    *out = p;
    return ASSAY_OK;
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    device_discard(p->on_device);
    free(p);
}

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    struct device_program *p = launch->program->on_device;
    struct assay_event *e;
    (void)s;
    if (device_bind(p, launch, err))
        return err->code;
    e = calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an event");
    e->begin_ns = host->now_ns();
    if (device_compute(p, err)) {
        free(e);
        return err->code;
    }
    device_store(p);
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
    (void)s;
    (void)p;
    assay_text_add(out, "every op in double; each output rounded to its format once, at the end");
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "reference",
    .summary = "every op in double: what other devices are compared with",
    .version = ASSAY_VERSION,
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
