#include "harness/run/ranked.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/ir/graph.h"
#include "harness/run/rank_buffers.h"
#include "harness/run/rank_orders.h"
#include "harness/run/rank_start.h"

#include "assay/banned.h"

#define LEAVE_NS (5 * ASSAY_NS_PER_S) /* for processes to end that were told to */
#define MOST_ROWS 16u                 /* ranks that have a row each of how often they took longest */

struct assay_program {
    uint64_t number[ASSAY_RANKS_MOST];
};
struct assay_event {
    bool done;
};

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static const struct assay_binding *binding_at(const void *first, size_t stride, size_t i)
{
    return (const struct assay_binding *)(const void *)((const char *)first + i * stride);
}

static enum assay_code add(struct assay_session *s, const struct assay_binding *b, struct assay_error *err)
{
    struct assay_rank_value    of = s->with.of[b->value];
    struct assay_rank_member             *m = &s->member[of.rank];
    struct assay_order_box    *box = assay_ranks_box(s, of.rank);
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
        if (b->buffer && assay_ranks_place(s, b->buffer, s->with.of[b->value].rank, err))
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
        if (assay_ranks_await(s, r, passed < timeout_ns ? timeout_ns - passed : 0, err))
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
        assay_ranks_box(s, r)->arg[0] = s->member[r].bindings;
        (void)assay_ranks_give(s, r, ASSAY_ORDER_COMPILE, s->member[r].bindings * sizeof(struct assay_order_binding), s->member[r].inlined, err);
    }
    if (err->code || await_all(s, s->with.patience_ns + ASSAY_RANKS_START_NS, err)) {
        free(p);
        return err->code;
    }
    for (uint32_t r = 0; r < s->with.n; r++)
        p->number[r] = assay_ranks_box(s, r)->arg[3];
    assay_ranks_box(s, 0)->stage[sizeof s->compiled - 1] = 0;
    (void)assay_string_copy(s->compiled, sizeof s->compiled, (const char *)assay_ranks_box(s, 0)->stage);
    *out = p;
    return ASSAY_OK;
}

static void s_discard(struct assay_session *s, struct assay_program *p)
{
    struct assay_error ignored = {.code = ASSAY_OK};
    for (uint32_t r = 0; r < s->with.n; r++)
        (void)assay_ranks_order(s, r, ASSAY_ORDER_DISCARD, (uint64_t[]){p->number[r], 0, 0}, 0, &ignored);
    free(p);
}

static enum assay_code s_execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out, struct assay_error *err)
{
    if (assay_ranks_lost(s, err) || bind(s, launch->bindings, launch->n_bindings, launch->binding_stride, err))
        return err->code;
    struct assay_event *event = calloc(1, sizeof *event);
    if (!event)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an execution of ranks");
    for (uint32_t r = 0; r < s->with.n; r++) {
        struct assay_order_box *box = assay_ranks_box(s, r);
        box->arg[0] = launch->program->number[r];
        box->arg[1] = s->member[r].bindings;
    }
    s->given_ns = assay_clock_now_ns();
    for (uint32_t r = 0; r < s->with.n && !err->code; r++)
        (void)assay_ranks_give(s, r, ASSAY_ORDER_EXECUTE, s->member[r].bindings * sizeof(struct assay_order_binding), s->member[r].inlined, err);
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
        const uint64_t *arg = assay_ranks_box(s, r)->arg;
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
        const struct assay_rank_member      *m = &s->member[r];
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
        (void)assay_ranks_give(s, r, ASSAY_ORDER_LEAVE, 0, 0, &ignored);
    for (uint32_t r = 0; r < s->with.n && is_whole && !s->region; r++) /* before their connections go */
        (void)assay_ranks_await(s, r, LEAVE_NS, &ignored);
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
    .version = ASSAY_VERSION, .close = s_close, .accepts = s_accepts, .alloc = assay_ranks_alloc, .release = assay_ranks_release,
    .upload = assay_ranks_upload, .download = assay_ranks_download, .compile = s_compile, .discard = s_discard, .execute = s_execute,
    .poll = s_poll, .forget = s_forget, .describe = s_describe, .counters = s_counters,
};

/* ---- both ---------------------------------------------------------------------------------------------------------- */

enum assay_code assay_ranked_open(const struct assay_ranked_setup *setup, struct assay_opened *out, struct assay_error *err)
{
    struct assay_session *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u ranks", setup->n);
    s->with = *setup;
    (void)(!strcmp(setup->launcher, "fork") ? assay_ranks_start_forked(s, err) : assay_ranks_start_launched(s, err));
    for (uint32_t r = 0; !err->code && r < setup->n; r++)
        memcpy(&s->member[r].ready, assay_ranks_box(s, r)->stage, sizeof s->member[r].ready);
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
