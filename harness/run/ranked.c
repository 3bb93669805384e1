#include "harness/run/ranked.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/run/rank_worker.h"
#include "harness/run/ranks/orders.h"
#include "harness/run/wire.h"

#include "assay/banned.h"

#define NAP_NS 20000000ull            /* how often the processes are looked at while one waits */
#define START_NS (120 * ASSAY_NS_PER_S) /* to load a plug-in and build a graph */
#define LOOKS 2000

/* Its content is here until it is known which rank's it is: with the first value that is bound to it. */
struct assay_buffer {
    struct assay_alloc how;
    bool               placed;
    uint32_t           rank;
    uint64_t           number;
    unsigned char     *held;
};
struct assay_program {
    uint64_t number[ASSAY_REGION_RANKS];
};
struct assay_event {
    bool done;
};

struct member {
    struct assay_process process;
    struct assay_wire    wire;
    bool                 is_wired;
    uint64_t             bindings; /* in its stage */
    size_t               inlined;  /* bytes of content at the stage's end */
};

struct assay_session {
    struct assay_ranked_setup with;
    struct assay_region      *region;
    char                      path[64], host[65];
    struct member             member[ASSAY_REGION_RANKS];
};

/* ---- orders ------------------------------------------------------------------------------------------------------ */

/* What ranks and their plug-ins print goes to this worker's standard error, of which the end is kept. */
static void drain(struct assay_session *s)
{
    char piece[1024];
    for (uint32_t r = 0; r < s->with.n; r++) {
        ssize_t n = s->member[r].process.errors >= 0 ? read(s->member[r].process.errors, piece, sizeof piece) : 0;
        if (n > 0)
            (void)!write(STDERR_FILENO, piece, (size_t)n);
    }
}

static enum assay_code is_lost(struct assay_session *s, struct assay_error *err)
{
    uint32_t rank;
    char     why[192];
    return assay_region_lost(s->region, &rank, why) ? ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s: %.180s", rank, s->host, why) : ASSAY_OK;
}

/* Has one ended that was not told to? */
static enum assay_code look(struct assay_session *s, struct assay_error *err)
{
    struct assay_process_end end;
    drain(s);
    for (uint32_t r = 0; r < s->with.n; r++)
        if (s->member[r].process.pid && assay_process_wait(&s->member[r].process, 0, &end)) {
            s->member[r].process.pid = 0;
            assay_region_lose(s->region, r, end.text);
        }
    return is_lost(s, err);
}

static void give(struct assay_session *s, uint32_t rank, enum assay_order what)
{
    struct assay_order_box *box = assay_region_orders(s->region, rank);
    box->what = what;
    (void)atomic_fetch_add(&box->given, 1);
    assay_bell_ring(assay_region_bell(s->region, rank));
}

/* Until the rank has done what it was given. ASSAY_TIMEOUT: it goes on. */
static enum assay_code await(struct assay_session *s, uint32_t rank, uint64_t timeout_ns, struct assay_error *err)
{
    struct assay_order_box *box = assay_region_orders(s->region, rank);
    struct assay_bell      *bell = assay_region_bell(s->region, s->with.n);
    uint64_t                begin = assay_clock_now_ns();
    for (unsigned looks = 0; atomic_load(&box->done) != atomic_load(&box->given); looks++) {
        uint32_t heard = assay_bell_now(bell);
        if (looks < LOOKS && timeout_ns)
            continue;
        if (assay_clock_now_ns() - begin >= timeout_ns)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "rank %u on %.48s is not done", rank, s->host);
        if (atomic_load(&box->done) != atomic_load(&box->given))
            assay_bell_wait(bell, heard, NAP_NS);
        if (atomic_load(&box->done) != atomic_load(&box->given) && look(s, err))
            return err->code;
    }
    if (!box->error.code)
        return ASSAY_OK;
    *err = box->error;
    return assay_error_in(err, "rank %u on %.48s", rank, s->host);
}

static enum assay_code order(struct assay_session *s, uint32_t rank, enum assay_order what, const uint64_t arg[3], struct assay_error *err)
{
    struct assay_order_box *box = assay_region_orders(s->region, rank);
    if (is_lost(s, err))
        return err->code;
    memcpy(box->arg, arg, 3 * sizeof *arg);
    give(s, rank, what);
    return await(s, rank, s->with.patience_ns + START_NS, err);
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static enum assay_code s_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out, struct assay_error *err)
{
    struct assay_buffer *b = calloc(1, sizeof *b);
    (void)s;
    if (!b)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a buffer of ranks");
    b->how = *how;
    *out = b;
    return ASSAY_OK;
}

static void s_release(struct assay_session *s, struct assay_buffer *b)
{
    struct assay_error ignored = {.code = ASSAY_OK};
    if (b && b->placed)
        (void)order(s, b->rank, ASSAY_ORDER_RELEASE, (uint64_t[]){b->number, 0, 0}, &ignored);
    if (b)
        free(b->held);
    free(b);
}

/* In pieces that the stage holds. */
static enum assay_code pass(struct assay_session *s, const struct assay_buffer *b, uint64_t offset, const unsigned char *from, unsigned char *to,
                            uint64_t bytes, struct assay_error *err)
{
    struct assay_order_box *box = assay_region_orders(s->region, b->rank);
    for (uint64_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < ASSAY_REGION_STAGE_BYTES ? bytes - done : ASSAY_REGION_STAGE_BYTES;
        if (from)
            memcpy(box->stage, from + done, n);
        if (order(s, b->rank, from ? ASSAY_ORDER_UPLOAD : ASSAY_ORDER_DOWNLOAD, (uint64_t[]){b->number, offset + done, n}, err))
            return err->code;
        if (to)
            memcpy(to + done, box->stage, n);
    }
    return ASSAY_OK;
}

static enum assay_code hold(struct assay_buffer *b, struct assay_error *err)
{
    if (!b->held && !(b->held = calloc(1, b->how.bytes + 1)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a buffer of %llu bytes", (unsigned long long)b->how.bytes);
    return ASSAY_OK;
}

static enum assay_code s_upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes,
                                struct assay_error *err)
{
    if (b->placed)
        return pass(s, b, offset, from, NULL, bytes, err);
    if (hold(b, err))
        return err->code;
    memcpy(b->held + offset, from, bytes);
    return ASSAY_OK;
}

static enum assay_code s_download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                  struct assay_error *err)
{
    if (b->placed)
        return pass(s, b, offset, NULL, to, bytes, err);
    if (hold(b, err))
        return err->code;
    memcpy(to, b->held + offset, bytes);
    return ASSAY_OK;
}

static enum assay_code place(struct assay_session *s, struct assay_buffer *b, uint32_t rank, struct assay_error *err)
{
    if (b->placed)
        return b->rank == rank ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_INTERNAL, "a buffer of rank %u is bound to a value of rank %u", b->rank, rank);
    if (order(s, rank, ASSAY_ORDER_ALLOC, (uint64_t[]){b->how.bytes, b->how.alignment, (uint64_t)b->how.place}, err))
        return err->code;
    b->placed = true;
    b->rank = rank;
    b->number = assay_region_orders(s->region, rank)->arg[3];
    if (b->held && pass(s, b, 0, b->held, NULL, b->how.bytes, err))
        return err->code;
    free(b->held);
    b->held = NULL;
    return ASSAY_OK;
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static const struct assay_binding *binding_at(const void *first, size_t stride, size_t i)
{
    return (const struct assay_binding *)(const void *)((const char *)first + i * stride);
}

static enum assay_code add(struct assay_session *s, const struct assay_binding *b, struct assay_error *err)
{
    struct assay_rank_value    of = s->with.of[b->value];
    struct member             *m = &s->member[of.rank];
    struct assay_order_box    *box = assay_region_orders(s->region, of.rank);
    struct assay_order_binding one = {.value = (uint32_t)of.value, .valid_rows = b->valid_rows, .offset = b->offset};
    if (!b->buffer) {
        uint64_t bytes = s->with.graph->values[b->value].bytes, padded = (bytes + 63) / 64 * 64;
        m->inlined += padded;
        one.is_inline = 1;
        one.offset = ASSAY_REGION_STAGE_BYTES - m->inlined;
    } else {
        one.buffer = b->buffer->number;
    }
    if (m->inlined + (m->bindings + 1) * sizeof one > ASSAY_REGION_STAGE_BYTES)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "rank %u has more bindings and control inputs than %zu bytes hold", of.rank, ASSAY_REGION_STAGE_BYTES);
    if (one.is_inline)
        memcpy(box->stage + one.offset, b->host, s->with.graph->values[b->value].bytes);
    memcpy(box->stage + m->bindings++ * sizeof one, &one, sizeof one);
    return ASSAY_OK;
}

/* Each rank's bindings into its stage. Buffers come to their ranks first, through the same stages. */
static enum assay_code bind(struct assay_session *s, const void *first, size_t n, size_t stride, struct assay_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct assay_binding *b = binding_at(first, stride, i);
        if (b->buffer && place(s, b->buffer, s->with.of[b->value].rank, err))
            return err->code;
    }
    for (uint32_t r = 0; r < s->with.n; r++)
        s->member[r].bindings = s->member[r].inlined = 0;
    for (size_t i = 0; i < n; i++)
        if (add(s, binding_at(first, stride, i), err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code await_all(struct assay_session *s, uint64_t timeout_ns, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns();
    for (uint32_t r = 0; r < s->with.n; r++) {
        uint64_t passed = assay_clock_now_ns() - begin;
        if (await(s, r, passed < timeout_ns ? timeout_ns - passed : 0, err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code s_compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out, struct assay_error *err)
{
    if (bind(s, how->fixed, how->n_fixed, how->binding_stride, err))
        return err->code;
    struct assay_program *p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program of ranks");
    for (uint32_t r = 0; r < s->with.n; r++) {
        assay_region_orders(s->region, r)->arg[0] = s->member[r].bindings;
        give(s, r, ASSAY_ORDER_COMPILE);
    }
    if (await_all(s, s->with.patience_ns + START_NS, err)) {
        free(p);
        return err->code;
    }
    for (uint32_t r = 0; r < s->with.n; r++)
        p->number[r] = assay_region_orders(s->region, r)->arg[3];
    *out = p;
    return ASSAY_OK;
}

static void s_discard(struct assay_session *s, struct assay_program *p)
{
    struct assay_error ignored = {.code = ASSAY_OK};
    for (uint32_t r = 0; r < s->with.n; r++)
        (void)order(s, r, ASSAY_ORDER_DISCARD, (uint64_t[]){p->number[r], 0, 0}, &ignored);
    free(p);
}

static enum assay_code s_execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out, struct assay_error *err)
{
    if (is_lost(s, err) || bind(s, launch->bindings, launch->n_bindings, launch->binding_stride, err))
        return err->code;
    struct assay_event *event = calloc(1, sizeof *event);
    if (!event)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an execution of ranks");
    for (uint32_t r = 0; r < s->with.n; r++) {
        struct assay_order_box *box = assay_region_orders(s->region, r);
        box->arg[0] = launch->program->number[r];
        box->arg[1] = s->member[r].bindings;
    }
    for (uint32_t r = 0; r < s->with.n; r++)
        give(s, r, ASSAY_ORDER_EXECUTE);
    *out = event;
    return ASSAY_OK;
}

static enum assay_code s_poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns, size_t *done,
                              struct assay_span *span, struct assay_error *err)
{
    (void)n; /* one is under way at a time */
    if (await_all(s, timeout_ns, err))
        return err->code;
    span->begin_ns = UINT64_MAX;
    span->end_ns = 0;
    for (uint32_t r = 0; r < s->with.n; r++) {
        const struct assay_order_box *box = assay_region_orders(s->region, r);
        span->begin_ns = box->arg[2] < span->begin_ns ? box->arg[2] : span->begin_ns;
        span->end_ns = box->arg[3] > span->end_ns ? box->arg[3] : span->end_ns;
    }
    span->clock = ASSAY_CLOCK_HOST;
    span->device_ns = 0;
    (void)assay_string_copy(span->why_no_device_ns, sizeof span->why_no_device_ns, "several ranks");
    events[0]->done = true;
    *done = 0;
    return ASSAY_OK;
}

static void s_forget(struct assay_session *s, struct assay_event *e)
{
    struct assay_error ignored = {.code = ASSAY_OK};
    if (!e->done)
        (void)await_all(s, s->with.patience_ns, &ignored);
    free(e);
}

/* Each rank asked its own session about its own nodes before it was ready. */
static bool s_accepts(struct assay_session *s, const struct assay_graph *g, uint32_t node, struct assay_text *why_not)
{
    (void)s, (void)g, (void)node, (void)why_not;
    return true;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

static void s_close(struct assay_session *s)
{
    struct assay_process_end end;
    uint32_t                 rank;
    char                     why[192];
    bool                     is_whole = !assay_region_lost(s->region, &rank, why);
    for (uint32_t r = 0; r < s->with.n; r++)
        if (is_whole && s->member[r].process.pid && s->member[r].is_wired)
            give(s, r, ASSAY_ORDER_LEAVE);
    for (uint32_t r = 0; r < s->with.n; r++) {
        struct member *m = &s->member[r];
        if (m->process.pid && !(is_whole && assay_process_wait(&m->process, 5 * ASSAY_NS_PER_S, &end)))
            assay_process_kill(&m->process, &end);
        if (m->is_wired)
            assay_wire_release(&m->wire);
    }
    assay_region_close(s->region);
    free(s);
}

static const struct assay_backend ranked = {
    .size = sizeof ranked, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR, .name = "ranks", .summary = "the ranks of one case",
    .version = ASSAY_VERSION, .close = s_close, .accepts = s_accepts, .alloc = s_alloc, .release = s_release, .upload = s_upload,
    .download = s_download, .compile = s_compile, .discard = s_discard, .execute = s_execute, .poll = s_poll, .forget = s_forget,
};

static enum assay_code start(struct assay_session *s, uint32_t rank, struct assay_error *err)
{
    char           program[512], word[] = "worker";
    char          *argv[] = {program, word, NULL};
    struct member *m = &s->member[rank];
    json_t        *job = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:I}", "do", "rank", "case", s->with.what->name, "backend", s->with.backend,
                                   "plugin", s->with.plugin, "region", s->path, "rank", (int)rank, "patience_ns", (json_int_t)s->with.patience_ns);
    if (!job)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a name in the job is not UTF-8 (or memory ran out)");
    if (assay_program_path(program, sizeof program, err) || assay_process_start(argv, &m->process, err) ||
        assay_wire_init(&m->wire, m->process.from, err)) {
        json_decref(job);
        return assay_error_in(err, "starting rank %u", rank);
    }
    m->is_wired = true;
    (void)fcntl(m->process.errors, F_SETFL, O_NONBLOCK);
    return assay_wire_say(m->process.to, job, err);
}

static enum assay_code await_ready(struct assay_session *s, uint32_t rank, struct assay_error *err)
{
    json_t  *message = NULL;
    uint64_t begin = assay_clock_now_ns();
    for (;;) {
        enum assay_code code = assay_wire_next(&s->member[rank].wire, NAP_NS, &message, err);
        if (!code)
            break;
        if (code != ASSAY_TIMEOUT || assay_clock_now_ns() - begin > START_NS)
            return assay_error_in(err, "waiting for rank %u on %.48s", rank, s->host);
        *err = (struct assay_error){.code = ASSAY_OK};
        drain(s);
    }
    const char *say = json_string_value(json_object_get(message, "say"));
    if (!message) {
        struct assay_process_end end = {.text = "it went away"};
        (void)assay_process_wait(&s->member[rank].process, ASSAY_NS_PER_S, &end);
        s->member[rank].process.pid = 0;
        (void)ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s ended before it was ready: %s", rank, s->host, end.text);
    } else if (!say || strcmp(say, "ready") != 0) {
        assay_error_from_json(json_object_get(message, "error"), err);
        (void)assay_error_in(err, "opening rank %u on %.48s", rank, s->host);
    }
    json_decref(message);
    return err->code;
}

enum assay_code assay_ranked_open(const struct assay_ranked_setup *setup, struct assay_opened *out, struct assay_error *err)
{
    struct assay_session *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u ranks", setup->n);
    s->with = *setup;
    if (gethostname(s->host, sizeof s->host - 1))
        (void)assay_string_copy(s->host, sizeof s->host, "this host");
    if (assay_region_make(setup->n, &s->region, s->path, err)) {
        free(s);
        return err->code;
    }
    for (uint32_t r = 0; !err->code && r < setup->n; r++)
        (void)start(s, r, err);
    for (uint32_t r = 0; !err->code && r < setup->n; r++)
        (void)await_ready(s, r, err);
    const struct assay_rank_ready *ready = (const struct assay_rank_ready *)(const void *)assay_region_orders(s->region, 0)->stage;
    if (!err->code && !(ready->device.traits & ASSAY_TRAIT_VALUES))
        (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "'%.100s' computes no values, and ranks that do not cannot be followed", ready->canonical);
    if (err->code) {
        s_close(s);
        return err->code;
    }
    *out = (struct assay_opened){.backend = &ranked, .session = s, .device = ready->device};
    (void)assay_string_copy(out->path, sizeof out->path, ready->path);
    (void)assay_string_copy(out->canonical, sizeof out->canonical, ready->canonical);
    return ASSAY_OK;
}
