#include "harness/run/contract.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/load/graph_target.h"
#include "harness/run/loader.h"

#include "assay/banned.h"

#define POLL_NS 5000000000ull

struct contract {
    struct assay_opened   opened;
    struct assay_finding *findings;
    size_t                n;
    bool                  memory, values;
};

ASSAY_PRINTF(4, 5)
static void found(struct contract *c, const char *what, bool holds, const char *fmt, ...)
{
    if (c->n == ASSAY_CONTRACT_MAX)
        return;
    struct assay_finding *f = &c->findings[c->n++];
    va_list               args;
    va_start(args, fmt);
    *f = (struct assay_finding){.holds = holds, .applies = true};
    (void)assay_string_copy(f->what, sizeof f->what, what);
    (void)vsnprintf(f->why, sizeof f->why, fmt, args);
    va_end(args);
}

static void not_applicable(struct contract *c, const char *what, const char *why)
{
    found(c, what, true, "%s", why);
    c->findings[c->n - 1].applies = false;
}

static void device_is_described(struct contract *c)
{
    const struct assay_device_info *d = &c->opened.device;
    bool model_ok = d->clock != ASSAY_CLOCK_MODEL || d->origin == ASSAY_ORIGIN_MODELLED || d->origin == ASSAY_ORIGIN_SIMULATED;
    if (!*d->product || !*d->how_known)
        found(c, "the device says what it is and how that is known", false, "product '%s', how_known '%s'", d->product, d->how_known);
    else if (d->queues < 1 || d->clock < ASSAY_CLOCK_HOST || d->clock > ASSAY_CLOCK_MODEL || !model_ok)
        found(c, "the device says what it is and how that is known", false, "queues %u, clock %d, origin %d do not go together",
              d->queues, (int)d->clock, (int)d->origin);
    else
        found(c, "the device says what it is and how that is known", true, "%s (%s)", d->product, d->how_known);
}

static void unknown_devices_are_refused(struct contract *c)
{
    struct assay_error    err = {.code = ASSAY_OK};
    struct assay_open     how = {.size = sizeof how, .device = "no-such-device", .options = c->opened.options};
    struct assay_session *session = NULL;
    enum assay_code       code = c->opened.backend->open(&how, &session, &err);
    if (!code && session)
        c->opened.backend->close(session);
    found(c, "a device that is not there is refused", code != ASSAY_OK, "%s",
          code ? err.message : "open of 'no-such-device' succeeded");
}

/* Odd sizes and offsets; neighbours keep their bytes. */
static void memory_keeps_bytes(struct contract *c)
{
    static const char           what[] = "upload and download keep every byte";
    static const uint64_t       sizes[] = {1, 63, 4097, 1 << 20};
    const struct assay_backend *b = c->opened.backend;
    struct assay_error          err = {.code = ASSAY_OK};
    if (!c->memory) {
        not_applicable(c, what, "the device's memory holds no bytes");
        return;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t             n = sizes[i], part = n / 3;
        struct assay_alloc   how = {sizeof how, ASSAY_PLACE_DEVICE, n, 64};
        struct assay_buffer *buffer = NULL;
        unsigned char       *to = malloc(n), *from = malloc(n);
        struct assay_random  r;
        assay_random_init(&r, n);
        for (uint64_t k = 0; from && k < n; k++)
            from[k] = (unsigned char)assay_random_u32(&r);
        bool ok = to && from && !b->alloc(c->opened.session, &how, &buffer, &err) &&
                  !b->upload(c->opened.session, buffer, 0, from, n, &err);
        for (uint64_t k = 0; ok && k < part; k++)
            from[part + k] ^= 0xFF;
        ok = ok && (!part || !b->upload(c->opened.session, buffer, part, from + part, part, &err)) &&
             !b->download(c->opened.session, buffer, 0, to, n, &err);
        bool same = ok && !memcmp(from, to, n);
        if (buffer)
            b->release(c->opened.session, buffer);
        free(to);
        free(from);
        if (!same) {
            found(c, what, false, "%llu bytes: %s", (unsigned long long)n, ok ? "other bytes came back" : err.message);
            return;
        }
    }
    found(c, what, true, "sizes 1 to 1 MiB, with an upload into the middle");
}

static struct assay_graph *product(int64_t n)
{
    struct assay_graph *g = assay_graph_new("contract");
    struct assay_error  err;
    if (!g)
        return NULL;
    int32_t a = assay_graph_input(g, "A", ASSAY_F32, 2, (int64_t[]){n, n}, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "B", ASSAY_F32, 2, (int64_t[]){n, n}, ASSAY_FILL_SIGNED);
    assay_graph_output(g, assay_graph_op(g, "MatMul", "C", (int32_t[]){a, b}, 2, NULL));
    if (assay_graph_finish(g, &err)) {
        assay_graph_free(g);
        return NULL;
    }
    return g;
}

/* Several executions in flight, polled to the end: each once, spans in order, none lost. */
static void executions_complete(struct contract *c, struct assay_graph_target *t)
{
    static const char   what[] = "every execution completes once, with a span that fits";
    struct assay_target target = assay_graph_target_as_target(t);
    struct assay_error  err = {.code = ASSAY_OK};
    uint64_t            token[ASSAY_MIN_SETS], done, last_end = 0;
    unsigned            seen = 0;
    for (uint32_t i = 0; i < ASSAY_MIN_SETS; i++) {
        struct assay_query q = {.slot = i};
        if (target.issue(target.self, &q, &token[i], &err)) {
            found(c, what, false, "execution %u of %u at once: %s", i + 1, ASSAY_MIN_SETS, err.message);
            return;
        }
    }
    for (uint32_t i = 0; i < ASSAY_MIN_SETS; i++) {
        struct assay_span span = {.size = sizeof span};
        if (target.poll(target.self, POLL_NS, &done, &span, &err)) {
            found(c, what, false, "after %u of %u: %s", i, ASSAY_MIN_SETS, err.message);
            return;
        }
        if (span.end_ns < span.begin_ns || span.end_ns < last_end || span.clock != target.clock) {
            found(c, what, false, "span %u is [%llu, %llu] ns on clock %d after one that ended at %llu", i,
                  (unsigned long long)span.begin_ns, (unsigned long long)span.end_ns, (int)span.clock, (unsigned long long)last_end);
            return;
        }
        last_end = span.end_ns;
        for (uint32_t k = 0; k < ASSAY_MIN_SETS; k++)
            if (token[k] == done)
                seen |= 1u << k;
    }
    found(c, what, seen == (1u << ASSAY_MIN_SETS) - 1, "%u in flight at once on one queue", ASSAY_MIN_SETS);
}

static void poll_times_out(struct contract *c)
{
    static const char           what[] = "polling nothing says so and does not wait for ever";
    const struct assay_backend *b = c->opened.backend;
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_span           span = {.size = sizeof span};
    size_t                      done = 0;
    enum assay_code             code = b->poll(c->opened.session, NULL, 0, 1000000, &done, &span, &err);
    found(c, what, code == ASSAY_TIMEOUT, "poll of no events gave %s", assay_code_name(code));
}

static void executions(struct contract *c)
{
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_graph        *g = product(8), *other = product(24);
    struct assay_graph_target *t = NULL, *u = NULL;
    char                       reason[160];
    struct assay_text          why = ASSAY_TEXT(reason);
    if (!g || !other) {
        not_applicable(c, "executions", "no memory for a graph");
    } else if (!c->opened.backend->accepts(c->opened.session, g, 0, &why)) {
        found(c, "what is not accepted has a reason", *reason != 0, "MatMul f32: %s", *reason ? reason : "no reason given");
        not_applicable(c, "every execution completes once, with a span that fits", "the back end does not take MatMul f32");
    } else {
        struct assay_graph_target_setup setup = {.backend = c->opened.backend, .session = c->opened.session,
                                                 .device = &c->opened.device, .graph = g, .seed = 1, .slots = ASSAY_MIN_SETS,
                                                 .limit_bytes = 1u << 30};
        bool first = !assay_graph_target_new(&setup, &t, &err);
        setup.graph = other;
        bool second = first && !assay_graph_target_new(&setup, &u, &err);
        found(c, "two programs live side by side", second, "%s", second ? "8x8 and 24x24 products" : err.message);
        if (second && !assay_graph_target_prepare(t, ASSAY_MIN_SETS, &err) && !assay_graph_target_prepare(u, ASSAY_MIN_SETS, &err)) {
            executions_complete(c, t);
            executions_complete(c, u);
        }
    }
    assay_graph_target_free(u);
    assay_graph_target_free(t);
    assay_graph_free(other);
    assay_graph_free(g);
}

enum assay_code assay_contract_check(const char *backend, struct assay_finding *findings, size_t *n, struct assay_error *err)
{
    struct contract c = {.findings = findings};
    if (assay_backend_open(backend, NULL, &c.opened, err))
        return err->code;
    c.memory = c.opened.device.traits & ASSAY_TRAIT_MEMORY;
    c.values = c.opened.device.traits & ASSAY_TRAIT_VALUES;
    device_is_described(&c);
    unknown_devices_are_refused(&c);
    memory_keeps_bytes(&c);
    poll_times_out(&c);
    executions(&c);
    assay_backend_close(&c.opened);
    *n = c.n;
    return ASSAY_OK;
}
