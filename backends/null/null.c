/* A device that does nothing, at once. It prices the harness: whatever a case takes on it is the harness's own time. */
#include <stdlib.h>
#include <string.h>

#include "assay/backend.h"

#include "assay/banned.h"

struct options {
    int64_t queues;
};

static const struct assay_option option_table[] = {
    {.name = "queues",
     .type = ASSAY_OPT_I64,
     .offset = offsetof(struct options, queues),
     .dflt = "1",
     .min = 1,
     .max = 64,
     .help = "launch queues the device claims to have"},
    {.name = NULL},
};

/* Events are taken from a list and put back, so that an execution allocates nothing once as many events exist as
 * are ever in flight together. */
struct assay_event {
    struct assay_event *next;
    uint64_t at_ns;
};

struct assay_session {
    struct assay_event *idle;
};

struct assay_buffer {
    uint64_t bytes;
};

struct assay_program {
    size_t n_classes;
};

static const struct assay_host *host;

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    const struct options *chosen = options;
    struct assay_device_info info = {.size = sizeof info,
                                     .traits = 0,
                                     .clock = ASSAY_CLOCK_HOST,
                                     .origin = ASSAY_ORIGIN_REFERENCE,
                                     .queues = (uint32_t)chosen->queues,
                                     .memory_bytes = UINT64_C(1) << 50,
                                     .name = "nothing",
                                     .product = "no device",
                                     .how_known = "it is part of assay"};
    (void)err;
    host->device_add(out, &info);
    return ASSAY_OK;
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    struct assay_session *s = calloc(1, sizeof *s);
    (void)how;
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    *out = s;
    return ASSAY_OK;
}

static void session_close(struct assay_session *s)
{
    while (s->idle) {
        struct assay_event *next = s->idle->next;
        free(s->idle);
        s->idle = next;
    }
    free(s);
}

static bool accepts(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not)
{
    (void)s;
    (void)g;
    (void)node;
    (void)why_not;
    return true;
}

static enum assay_code buffer_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                                    struct assay_error *err)
{
    struct assay_buffer *b = malloc(sizeof *b);
    (void)s;
    if (!b)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a handle");
    b->bytes = how->bytes;
    *out = b;
    return ASSAY_OK;
}

static void buffer_release(struct assay_session *s, struct assay_buffer *b)
{
    (void)s;
    free(b);
}

static enum assay_code upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from,
                              uint64_t bytes, struct assay_error *err)
{
    (void)s;
    (void)b;
    (void)offset;
    (void)from;
    (void)bytes;
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the null device holds no bytes");
}

static enum assay_code download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to,
                                uint64_t bytes, struct assay_error *err)
{
    (void)s;
    (void)b;
    (void)offset;
    (void)to;
    (void)bytes;
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the null device holds no bytes");
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    struct assay_program *p = calloc(1, sizeof *p);
    (void)s;
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    p->n_classes = how->n_classes;
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
    struct assay_event *e = s->idle;
    (void)launch;
    if (e) {
        s->idle = e->next;
    } else {
        e = malloc(sizeof *e);
        if (!e)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an event");
    }
    e->at_ns = host->now_ns();
    *out = e;
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err)
{
    static const char why[sizeof span->why_no_device_ns] = "there is no device";
    size_t first = 0;
    (void)s;
    (void)timeout_ns;
    (void)err;
    for (size_t i = 1; i < n; i++)
        if (events[i]->at_ns < events[first]->at_ns)
            first = i;
    span->clock = ASSAY_CLOCK_HOST;
    span->begin_ns = events[first]->at_ns;
    span->end_ns = events[first]->at_ns;
    span->device_ns = 0;
    memcpy(span->why_no_device_ns, why, sizeof why);
    *done = first;
    return ASSAY_OK;
}

static void forget(struct assay_session *s, struct assay_event *e)
{
    e->next = s->idle;
    s->idle = e;
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "null",
    .summary = "does nothing, at once: the cost of the harness itself",
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
};

const struct assay_backend *assay_backend_entry(const struct assay_host *lent)
{
    host = lent;
    return &backend;
}
