#include "harness/run/ranked.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/run/rank_worker.h"
#include "harness/run/ranks/mpi_link.h"
#include "harness/run/ranks/region.h"
#include "harness/run/ranks/remote.h"
#include "harness/run/wire.h"

#include "assay/banned.h"

#define NAP_NS 20000000ull            /* how often the processes are looked at while one waits */
#define START_NS (120 * ASSAY_NS_PER_S) /* to load a plug-in and build a graph */
#define LEAVE_NS (5 * ASSAY_NS_PER_S)   /* for processes to end that were told to */
#define SILENT_NS ASSAY_NS_PER_S         /* for ranks to answer that heard of a loss: those that wait do at once */
#define MOST_ROWS 16u                   /* ranks that have a row each of how often they took longest */

/* Its content is here until it is known which rank's it is: with the first value that is bound to it. */
struct assay_buffer {
    struct assay_alloc how;
    bool               placed;
    uint32_t           rank;
    uint64_t           number;
    unsigned char     *held;
};
struct assay_program {
    uint64_t number[ASSAY_RANKS_MOST];
};
struct assay_event {
    bool done;
};

struct member {
    struct assay_wire       wire; /* of one that was forked */
    bool                    is_wired;
    struct assay_rank_ready ready;
    uint64_t                bindings; /* in its stage */
    size_t                  inlined;  /* bytes of content at the stage's end */
    uint64_t                longest;  /* executions in which it took longest */
    double                  busy_ns;  /* of all its executions */
};

struct assay_session {
    struct assay_ranked_setup with;
    struct assay_post         post;
    bool                      has_post;
    struct assay_region      *region; /* NULL: they are elsewhere */
    char                      path[64], compiled[512];
    struct assay_process      process[ASSAY_RANKS_MOST]; /* theirs, or one, the launcher's */
    uint32_t                  n_processes;
    struct member             member[ASSAY_RANKS_MOST];
    uint64_t                  given_ns, executions;
};

/* ---- orders ------------------------------------------------------------------------------------------------------ */

/* What ranks and their plug-ins print goes to this worker's standard error, of which the end is kept. */
static void drain(struct assay_session *s)
{
    char piece[1024];
    for (uint32_t i = 0; i < s->n_processes; i++) {
        const int from[] = {s->process[i].errors, s->region ? -1 : s->process[i].from};
        for (size_t k = 0; k < 2; k++) {
            ssize_t n = from[k] >= 0 ? read(from[k], piece, sizeof piece) : 0;
            if (n > 0)
                (void)!write(STDERR_FILENO, piece, (size_t)n);
        }
    }
}

static const char *host_of(const struct assay_session *s, uint32_t rank)
{
    return *s->member[rank].ready.host ? s->member[rank].ready.host : "its host";
}

static enum assay_code is_lost(struct assay_session *s, struct assay_error *err)
{
    uint32_t rank;
    char     why[ASSAY_LINK_WHY];
    return s->post.lost(s->post.self, &rank, why) ? ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s: %.180s", rank, host_of(s, rank), why)
                                                  : ASSAY_OK;
}

/* Of a failed execution, when a rank is lost: which. One that was missed and answers was itself waiting; who does not answer hangs. */
static enum assay_code blame(struct assay_session *s, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns();
    uint32_t silent, missed;
    char     why[ASSAY_LINK_WHY];
    for (;;) {
        silent = 0;
        while (silent < s->with.n && s->post.is_done(s->post.self, silent))
            silent++;
        if (silent == s->with.n || assay_clock_now_ns() - begin > SILENT_NS)
            break;
        s->post.rest(s->post.self, NAP_NS);
    }
    if (!s->post.lost(s->post.self, &missed, why) || silent == s->with.n || !s->post.is_done(s->post.self, missed))
        return is_lost(s, err);
    return ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s does not answer; %.180s", silent, host_of(s, silent), why);
}

/* Has one ended that was not told to? */
static enum assay_code look(struct assay_session *s, struct assay_error *err)
{
    struct assay_process_end end;
    drain(s);
    for (uint32_t i = 0; i < s->n_processes; i++)
        if (s->process[i].pid && assay_process_wait(&s->process[i], 0, &end)) {
            s->process[i].pid = 0;
            if (s->region)
                s->post.lose(s->post.self, i, end.text);
            else if (!is_lost(s, err)) /* a rank that ended first is the reason */
                return ASSAY_FAIL(err, ASSAY_DEVICE, "%s ended (%s) before its ranks", s->with.launcher, end.text);
        }
    return is_lost(s, err);
}

static struct assay_order_box *box_of(struct assay_session *s, uint32_t rank)
{
    return s->post.box(s->post.self, rank);
}

static enum assay_code give(struct assay_session *s, uint32_t rank, enum assay_order what, size_t front, size_t back, struct assay_error *err)
{
    box_of(s, rank)->what = what;
    return s->post.give(s->post.self, rank, front, back, err);
}

/* Until the rank has done what it was given. ASSAY_TIMEOUT: it goes on. */
static enum assay_code await(struct assay_session *s, uint32_t rank, uint64_t timeout_ns, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns();
    while (!s->post.is_done(s->post.self, rank)) {
        if (assay_clock_now_ns() - begin >= timeout_ns)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "rank %u on %.48s is not done", rank, host_of(s, rank));
        s->post.rest(s->post.self, NAP_NS);
        if (!s->post.is_done(s->post.self, rank) && look(s, err))
            return err->code;
    }
    const struct assay_order_box *box = box_of(s, rank);
    if (!box->error.code)
        return ASSAY_OK;
    if (box->what == ASSAY_ORDER_EXECUTE && is_lost(s, err))
        return blame(s, err);
    *err = box->error;
    return assay_error_in(err, "rank %u on %.48s", rank, host_of(s, rank));
}

static enum assay_code order(struct assay_session *s, uint32_t rank, enum assay_order what, const uint64_t arg[3], size_t front,
                             struct assay_error *err)
{
    if (is_lost(s, err))
        return err->code;
    memcpy(box_of(s, rank)->arg, arg, 3 * sizeof *arg);
    return give(s, rank, what, front, 0, err) ? err->code : await(s, rank, s->with.patience_ns + START_NS, err);
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
        (void)order(s, b->rank, ASSAY_ORDER_RELEASE, (uint64_t[]){b->number, 0, 0}, 0, &ignored);
    if (b)
        free(b->held);
    free(b);
}

/* In pieces that the stage holds. */
static enum assay_code pass(struct assay_session *s, const struct assay_buffer *b, uint64_t offset, const unsigned char *from, unsigned char *to,
                            uint64_t bytes, struct assay_error *err)
{
    struct assay_order_box *box = box_of(s, b->rank);
    for (uint64_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < ASSAY_STAGE_BYTES ? bytes - done : ASSAY_STAGE_BYTES;
        if (from)
            memcpy(box->stage, from + done, n);
        if (order(s, b->rank, from ? ASSAY_ORDER_UPLOAD : ASSAY_ORDER_DOWNLOAD, (uint64_t[]){b->number, offset + done, n}, from ? n : 0, err))
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
    if (order(s, rank, ASSAY_ORDER_ALLOC, (uint64_t[]){b->how.bytes, b->how.alignment, (uint64_t)b->how.place}, 0, err))
        return err->code;
    b->placed = true;
    b->rank = rank;
    b->number = box_of(s, rank)->arg[3];
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
    struct assay_order_box    *box = box_of(s, of.rank);
    struct assay_order_binding one = {.value = (uint32_t)of.value, .valid_rows = b->valid_rows, .offset = b->offset};
    if (!b->buffer) {
        uint64_t bytes = s->with.graph->values[b->value].bytes, padded = (bytes + 63) / 64 * 64;
        m->inlined += padded;
        one.is_inline = 1;
        one.offset = ASSAY_STAGE_BYTES - m->inlined;
    } else {
        one.buffer = b->buffer->number;
    }
    if (m->inlined + (m->bindings + 1) * sizeof one > ASSAY_STAGE_BYTES)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "rank %u has more bindings and control inputs than %zu bytes hold", of.rank, ASSAY_STAGE_BYTES);
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
    for (uint32_t r = 0; r < s->with.n && !err->code; r++) {
        box_of(s, r)->arg[0] = s->member[r].bindings;
        (void)give(s, r, ASSAY_ORDER_COMPILE, s->member[r].bindings * sizeof(struct assay_order_binding), s->member[r].inlined, err);
    }
    if (err->code || await_all(s, s->with.patience_ns + START_NS, err)) {
        free(p);
        return err->code;
    }
    for (uint32_t r = 0; r < s->with.n; r++)
        p->number[r] = box_of(s, r)->arg[3];
    box_of(s, 0)->stage[sizeof s->compiled - 1] = 0;
    (void)assay_string_copy(s->compiled, sizeof s->compiled, (const char *)box_of(s, 0)->stage);
    *out = p;
    return ASSAY_OK;
}

static void s_discard(struct assay_session *s, struct assay_program *p)
{
    struct assay_error ignored = {.code = ASSAY_OK};
    for (uint32_t r = 0; r < s->with.n; r++)
        (void)order(s, r, ASSAY_ORDER_DISCARD, (uint64_t[]){p->number[r], 0, 0}, 0, &ignored);
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
        struct assay_order_box *box = box_of(s, r);
        box->arg[0] = launch->program->number[r];
        box->arg[1] = s->member[r].bindings;
    }
    s->given_ns = assay_clock_now_ns();
    for (uint32_t r = 0; r < s->with.n && !err->code; r++)
        (void)give(s, r, ASSAY_ORDER_EXECUTE, s->member[r].bindings * sizeof(struct assay_order_binding), s->member[r].inlined, err);
    if (err->code) {
        free(event);
        return err->code;
    }
    *out = event;
    return ASSAY_OK;
}

/* How long it took each, and all together. */
static void span_of(struct assay_session *s, struct assay_span *span)
{
    uint64_t longest = 0;
    uint32_t who = 0;
    span->begin_ns = UINT64_MAX;
    span->end_ns = 0;
    for (uint32_t r = 0; r < s->with.n; r++) {
        const uint64_t *arg = box_of(s, r)->arg;
        uint64_t        took = arg[3] > arg[2] ? arg[3] - arg[2] : 0;
        span->begin_ns = arg[2] < span->begin_ns ? arg[2] : span->begin_ns;
        span->end_ns = arg[3] > span->end_ns ? arg[3] : span->end_ns;
        s->member[r].busy_ns += (double)took;
        who = took > longest ? r : who;
        longest = took > longest ? took : longest;
    }
    s->member[who].longest++;
    s->executions++;
    if (s->post.one_clock)
        return;
    span->begin_ns = s->given_ns;
    span->end_ns = s->given_ns + longest;
}

static enum assay_code s_poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns, size_t *done,
                              struct assay_span *span, struct assay_error *err)
{
    (void)n; /* one is under way at a time */
    if (await_all(s, timeout_ns, err))
        return err->code;
    span_of(s, span);
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

/* ---- what a record has of them ----------------------------------------------------------------------------------- */

/* Where each rank ran, ranks of one place together; and what the first one's back end says of its program. */
static void s_describe(struct assay_session *s, const struct assay_program *p, struct assay_text *out)
{
    (void)p;
    assay_text_add(out, "%u ranks by %s, over %s: ", s->with.n, s->with.launcher, s->member[0].ready.link);
    for (uint32_t first = 0, last; first < s->with.n; first = last + 1) {
        const struct assay_rank_ready *at = &s->member[first].ready;
        for (last = first; last + 1 < s->with.n; last++) {
            const struct assay_rank_ready *other = &s->member[last + 1].ready;
            if (strcmp(at->host, other->host) != 0 || strcmp(at->cores, other->cores) != 0)
                break;
        }
        assay_text_add(out, "%s%u", first ? "; " : "", first);
        if (last > first)
            assay_text_add(out, "-%u", last);
        assay_text_add(out, " on %s, cores %s", at->host, at->cores);
    }
    if (*s->compiled)
        assay_text_add(out, "; rank 0: %s", s->compiled);
}

static enum assay_code s_counters(struct assay_session *s, struct assay_counter_row *rows, size_t stride, size_t capacity, size_t *n,
                                  struct assay_error *err)
{
    size_t at = 0;
    (void)err;
    for (uint32_t r = 0; r < s->with.n && at < capacity; r++) {
        const struct member      *m = &s->member[r];
        struct assay_counter_row *row = (struct assay_counter_row *)(void *)((char *)rows + at++ * stride);
        (void)snprintf(row->name, sizeof row->name, "rank %u mean time", r);
        (void)assay_string_copy(row->unit, sizeof row->unit, "ns");
        row->value = s->executions ? m->busy_ns / (double)s->executions : 0;
        if (!s->executions)
            (void)assay_string_copy(row->why, sizeof row->why, "nothing was executed");
        if (s->with.n > MOST_ROWS || at == capacity)
            continue;
        row = (struct assay_counter_row *)(void *)((char *)rows + at++ * stride);
        (void)snprintf(row->name, sizeof row->name, "rank %u took longest", r);
        (void)assay_string_copy(row->unit, sizeof row->unit, "1");
        row->value = (double)m->longest;
    }
    *n = at;
    return ASSAY_OK;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

/* A launcher ends those that it started, when it is asked to. */
static void end_process(struct assay_process *p, bool is_launcher, bool is_told)
{
    struct assay_process_end end;
    if (!p->pid || (is_told && assay_process_wait(p, LEAVE_NS, &end)))
        return;
    if (is_launcher)
        (void)kill(p->pid, SIGTERM);
    if (!is_launcher || !assay_process_wait(p, LEAVE_NS, &end))
        assay_process_kill(p, &end);
}

static void s_close(struct assay_session *s)
{
    uint32_t           rank;
    char               why[ASSAY_LINK_WHY];
    struct assay_error ignored = {.code = ASSAY_OK};
    bool               is_whole = s->has_post && !s->post.lost(s->post.self, &rank, why);
    for (uint32_t r = 0; r < s->with.n && is_whole; r++)
        (void)give(s, r, ASSAY_ORDER_LEAVE, 0, 0, &ignored);
    for (uint32_t r = 0; r < s->with.n && is_whole && !s->region; r++) /* before their connections go */
        (void)await(s, r, LEAVE_NS, &ignored);
    if (s->has_post)
        s->post.close(s->post.self); /* ranks elsewhere end with their connection, and their launcher with them */
    for (uint32_t i = 0; i < s->n_processes; i++)
        end_process(&s->process[i], !s->region, is_whole || !s->region);
    for (uint32_t r = 0; r < s->with.n; r++)
        if (s->member[r].is_wired)
            assay_wire_release(&s->member[r].wire);
    assay_region_close(s->region);
    free(s);
}

static const struct assay_backend ranked = {
    .size = sizeof ranked, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR, .name = "ranks", .summary = "the ranks of one case",
    .version = ASSAY_VERSION, .close = s_close, .accepts = s_accepts, .alloc = s_alloc, .release = s_release, .upload = s_upload,
    .download = s_download, .compile = s_compile, .discard = s_discard, .execute = s_execute, .poll = s_poll, .forget = s_forget,
    .describe = s_describe, .counters = s_counters,
};

/* ---- ranks that this process starts ------------------------------------------------------------------------------ */

static json_t *job_of(const struct assay_session *s, uint32_t rank)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "do", "rank", "case", s->with.what->name, "backend", s->with.backend, "plugin",
                     s->with.plugin, "rank", (int)rank, "patience_ns", (json_int_t)s->with.patience_ns);
}

static enum assay_code no_job(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_CONFIG, "a name in the job is not UTF-8 (or memory ran out)");
}

static enum assay_code start(struct assay_session *s, char *const argv[], struct assay_error *err)
{
    struct assay_process *p = &s->process[s->n_processes];
    if (assay_process_start(argv, p, err))
        return assay_error_in(err, "starting ranks");
    s->n_processes++;
    (void)fcntl(p->errors, F_SETFL, O_NONBLOCK);
    return ASSAY_OK;
}

static enum assay_code start_forked(struct assay_session *s, uint32_t rank, struct assay_error *err)
{
    char           program[512], word[] = "worker";
    char          *argv[] = {program, word, NULL};
    struct member *m = &s->member[rank];
    json_t        *job = job_of(s, rank);
    if (!job || json_object_set_new(job, "region", json_string(s->path)))
        return no_job(err);
    if (assay_program_path(program, sizeof program, err) || start(s, argv, err) || assay_wire_init(&m->wire, s->process[rank].from, err)) {
        json_decref(job);
        return err->code;
    }
    m->is_wired = true;
    return assay_wire_say(s->process[rank].to, job, err);
}

static enum assay_code await_forked(struct assay_session *s, uint32_t rank, struct assay_error *err)
{
    json_t  *message = NULL;
    uint64_t begin = assay_clock_now_ns();
    for (;;) {
        enum assay_code code = assay_wire_next(&s->member[rank].wire, NAP_NS, &message, err);
        if (!code)
            break;
        if (code != ASSAY_TIMEOUT || assay_clock_now_ns() - begin > START_NS)
            return assay_error_in(err, "waiting for rank %u on %.48s", rank, host_of(s, rank));
        *err = (struct assay_error){.code = ASSAY_OK};
        drain(s);
    }
    const char *say = json_string_value(json_object_get(message, "say"));
    if (!message) {
        struct assay_process_end end = {.text = "it went away"};
        (void)assay_process_wait(&s->process[rank], ASSAY_NS_PER_S, &end);
        s->process[rank].pid = 0;
        (void)ASSAY_FAIL(err, ASSAY_DEVICE, "rank %u on %.48s ended before it was ready: %s", rank, host_of(s, rank), end.text);
    } else if (!say || strcmp(say, "ready") != 0) {
        assay_error_from_json(json_object_get(message, "error"), err);
        (void)assay_error_in(err, "opening rank %u on %.48s", rank, host_of(s, rank));
    }
    json_decref(message);
    return err->code;
}

static enum assay_code open_forked(struct assay_session *s, struct assay_error *err)
{
    if (assay_region_make(s->with.n, &s->region, s->path, err) || assay_region_post(s->region, &s->post, err))
        return err->code;
    s->has_post = true;
    for (uint32_t r = 0; r < s->with.n; r++)
        assay_host_name(s->member[r].ready.host);
    for (uint32_t r = 0; !err->code && r < s->with.n; r++)
        (void)start_forked(s, r, err);
    for (uint32_t r = 0; !err->code && r < s->with.n; r++)
        (void)await_forked(s, r, err);
    return err->code;
}

/* ---- ranks that the cluster's launcher starts ---------------------------------------------------------------------- */

const char *const assay_launchers[] = {"fork", "mpirun", "srun", NULL};

static enum assay_code find_program(const char *name, char path[512], struct assay_error *err)
{
    const char *list = getenv("PATH");
    char        each[4096], *save = NULL;
    (void)assay_string_copy(each, sizeof each, list ? list : "/usr/bin:/bin");
    for (char *folder = strtok_r(each, ":", &save); folder; folder = strtok_r(NULL, ":", &save)) {
        int n = snprintf(path, 512, "%s/%s", folder, name);
        if (n > 0 && n < 512 && !access(path, X_OK))
            return ASSAY_OK;
    }
    (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "there is no %s in PATH", name);
    return assay_error_hint(err, !strcmp(name, "srun") ? "package slurm-client, on a host of the cluster" : "packages openmpi-bin and libopenmpi3");
}

enum assay_code assay_launcher_look(const char *launcher, char what[160], struct assay_error *err)
{
    char  path[512], version[] = "--version", out[160] = "", library[128] = "";
    char *argv[] = {path, version, NULL};
    int   status = 0;
    if (!strcmp(launcher, "fork")) {
        (void)assay_string_copy(what, 160, "processes of one machine");
        return ASSAY_OK;
    }
    if (find_program(launcher, path, err) || (!strcmp(launcher, "mpirun") && assay_mpi_look(library, err)))
        return err->code;
    if (assay_process_capture(argv, NULL, 20 * ASSAY_NS_PER_S, out, sizeof out, &status, err))
        return err->code;
    if (status) {
        (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "%s --version ends with %d", path, status);
        return assay_error_hint(err, "a host of the cluster, or SLURM_CONF for its slurm.conf");
    }
    out[strcspn(out, "\n")] = 0;
    (void)snprintf(what, 160, "%.90s%s%.60s", out, *library ? "; " : "", library);
    return ASSAY_OK;
}

static enum assay_code start_launcher(struct assay_session *s, const struct assay_remote *remote, struct assay_error *err)
{
    char  launcher[512], program[512], number[16], address[ASSAY_ADDRESSES_BYTES + 8];
    char  n_word[] = "-n", pass[] = "-x", token[] = ASSAY_RANK_TOKEN, mpi[] = "--mpi=none", rank[] = "rank";
    char *for_mpirun[] = {launcher, n_word, number, pass, token, program, rank, address, NULL};
    char *for_srun[] = {launcher, n_word, number, mpi, program, rank, address, NULL};
    (void)snprintf(number, sizeof number, "%u", s->with.n);
    (void)assay_string_copy(address, sizeof address, assay_remote_address(remote));
    if (find_program(s->with.launcher, launcher, err) || assay_program_path(program, sizeof program, err))
        return err->code;
    if (setenv(ASSAY_RANK_TOKEN, assay_remote_token(remote), 1))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the environment");
    if (start(s, !strcmp(s->with.launcher, "mpirun") ? for_mpirun : for_srun, err))
        return err->code;
    (void)fcntl(s->process[0].from, F_SETFL, O_NONBLOCK);
    (void)close(s->process[0].to);
    s->process[0].to = -1;
    return ASSAY_OK;
}

/* Until all have come; the launcher that ends before that has not started them. */
static enum assay_code gather(struct assay_session *s, struct assay_remote *remote, struct assay_error *err)
{
    uint64_t                 begin = assay_clock_now_ns();
    struct assay_process_end end;
    while (!assay_remote_gather(remote, NAP_NS)) {
        uint32_t missing = 0;
        while (assay_remote_has(remote, missing))
            missing++;
        drain(s);
        if (assay_process_wait(&s->process[0], 0, &end)) {
            s->process[0].pid = 0;
            (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "%s ended (%s) and rank %u had not come", s->with.launcher, end.text, missing);
            return assay_error_hint(err, "the run's log has what it printed");
        }
        if (assay_clock_now_ns() - begin > START_NS)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "rank %u did not come within %.3g s of %s", missing, START_NS / 1e9, s->with.launcher);
    }
    return ASSAY_OK;
}

/* Every rank's job, with where all the others are. */
static enum assay_code give_jobs(struct assay_session *s, const struct assay_remote *remote, struct assay_error *err)
{
    json_t *peers = json_array();
    for (uint32_t r = 0; r < s->with.n; r++) {
        const struct assay_arrival *a = assay_remote_arrival(remote, r);
        (void)assay_string_copy(s->member[r].ready.host, sizeof s->member[r].ready.host, a->host);
        (void)json_array_append_new(peers, json_pack("{s:o, s:i}", "addresses", assay_json_string(a->peer.addresses), "port", (int)a->peer.port));
    }
    for (uint32_t r = 0; r < s->with.n && !err->code; r++) {
        json_t *job = job_of(s, r);
        if (!job || json_object_set(job, "peers", peers) || json_object_set_new(job, "token", json_string(assay_remote_token(remote))) ||
            json_object_set_new(job, "link", json_string(!strcmp(s->with.launcher, "mpirun") ? "mpi" : "sockets")))
            (void)no_job(err);
        else
            (void)assay_wire_say(assay_remote_fd(remote, r), job, err);
    }
    json_decref(peers);
    return err->code;
}

/* The first that is not ready is told at once: the others may wait for it. */
static enum assay_code await_ready(struct assay_session *s, struct assay_error *err)
{
    uint64_t begin = assay_clock_now_ns();
    for (uint32_t ready = 0; ready < s->with.n;) {
        ready = 0;
        for (uint32_t r = 0; r < s->with.n; r++) {
            bool is_done = s->post.is_done(s->post.self, r);
            ready += is_done;
            if (is_done && box_of(s, r)->error.code) {
                *err = box_of(s, r)->error;
                return assay_error_in(err, "opening rank %u on %.48s", r, host_of(s, r));
            }
        }
        if (ready < s->with.n && look(s, err))
            return err->code;
        if (assay_clock_now_ns() - begin > START_NS)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "%u of %u ranks were ready within %.3g s", ready, s->with.n, (double)START_NS / 1e9);
        if (ready < s->with.n)
            s->post.rest(s->post.self, NAP_NS);
    }
    return ASSAY_OK;
}

static enum assay_code open_launched(struct assay_session *s, struct assay_error *err)
{
    struct assay_remote *remote = NULL;
    if (assay_remote_open(s->with.n, &remote, err))
        return err->code;
    if (start_launcher(s, remote, err) || gather(s, remote, err) || give_jobs(s, remote, err)) {
        assay_remote_close(remote);
        return err->code;
    }
    assay_remote_post(remote, &s->post);
    s->has_post = true;
    return await_ready(s, err);
}

/* ---- both ---------------------------------------------------------------------------------------------------------- */

enum assay_code assay_ranked_open(const struct assay_ranked_setup *setup, struct assay_opened *out, struct assay_error *err)
{
    struct assay_session *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u ranks", setup->n);
    s->with = *setup;
    (void)(!strcmp(setup->launcher, "fork") ? open_forked(s, err) : open_launched(s, err));
    for (uint32_t r = 0; !err->code && r < setup->n; r++)
        memcpy(&s->member[r].ready, box_of(s, r)->stage, sizeof s->member[r].ready);
    const struct assay_rank_ready *ready = &s->member[0].ready;
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
