#include "harness/run/rank_worker.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/ir/ops.h"
#include "harness/plan/plan.h"
#include "harness/run/loader.h"
#include "harness/run/ranks/exchange.h"
#include "harness/run/ranks/orders.h"
#include "harness/run/wire.h"

#include "assay/banned.h"

struct rank {
    uint32_t                number;
    struct assay_region    *region;
    struct assay_order_box *box;
    struct assay_comm       comm;
    struct assay_graph     *graph;
    struct assay_opened     opened;
    struct assay_buffer   **buffer; /* by number; NULL where one was released */
    struct assay_program  **program;
    size_t                  n_buffers, n_programs;
    struct assay_binding   *binding;
    size_t                  room;
};

/* The next free number of a list of handles that grows. */
static enum assay_code keep(void ***list, size_t *n, void *handle, uint64_t *number, struct assay_error *err)
{
    void **more = reallocarray(*list, *n + 1, sizeof *more);
    if (!more)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a rank's handles");
    *list = more;
    more[*n] = handle;
    *number = (*n)++;
    return ASSAY_OK;
}

static enum assay_code bindings(struct rank *r, uint64_t n, struct assay_error *err)
{
    const struct assay_order_binding *from = (const struct assay_order_binding *)(const void *)r->box->stage;
    if (n > r->room) {
        struct assay_binding *more = reallocarray(r->binding, n, sizeof *more);
        if (!more)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %llu bindings", (unsigned long long)n);
        r->binding = more;
        r->room = n;
    }
    for (uint64_t i = 0; i < n; i++) {
        r->binding[i] = (struct assay_binding){.value = from[i].value, .valid_rows = from[i].valid_rows};
        if (from[i].is_inline) {
            r->binding[i].host = r->box->stage + from[i].offset;
        } else {
            r->binding[i].buffer = r->buffer[from[i].buffer];
            r->binding[i].offset = from[i].offset;
        }
    }
    return ASSAY_OK;
}

static enum assay_code do_alloc(struct rank *r, struct assay_error *err)
{
    struct assay_alloc   how = {sizeof how, (enum assay_place)r->box->arg[2], r->box->arg[0], r->box->arg[1]};
    struct assay_buffer *b = NULL;
    const struct assay_backend *backend = r->opened.backend;
    if (assay_backend_told(backend, backend->alloc(r->opened.session, &how, &b, err), "alloc", err))
        return err->code;
    return keep((void ***)(void *)&r->buffer, &r->n_buffers, b, &r->box->arg[3], err);
}

static enum assay_code do_compile(struct rank *r, struct assay_error *err)
{
    const struct assay_backend *backend = r->opened.backend;
    struct assay_rank_class     all = {.size = sizeof all, .graph = r->graph, .multiplicity = 1};
    struct assay_program       *program = NULL;
    if (bindings(r, r->box->arg[0], err))
        return err->code;
    struct assay_compile how = {.size = sizeof how, .classes = &all, .n_classes = 1, .class_stride = sizeof all,
                                .fixed = r->binding, .n_fixed = (size_t)r->box->arg[0], .binding_stride = sizeof *r->binding};
    if (assay_backend_told(backend, backend->compile(r->opened.session, &how, &program, err), "compile", err))
        return err->code;
    return keep((void ***)(void *)&r->program, &r->n_programs, program, &r->box->arg[3], err);
}

static enum assay_code do_execute(struct rank *r, struct assay_error *err)
{
    const struct assay_backend *backend = r->opened.backend;
    struct assay_event         *event = NULL;
    struct assay_span           span = {.size = sizeof span};
    size_t                      done = 0;
    if (bindings(r, r->box->arg[1], err))
        return err->code;
    struct assay_launch launch = {.size = sizeof launch, .program = r->program[r->box->arg[0]], .bindings = r->binding,
                                  .n_bindings = (size_t)r->box->arg[1], .binding_stride = sizeof *r->binding};
    if (assay_backend_told(backend, backend->execute(r->opened.session, &launch, &event, err), "execute", err))
        return err->code;
    if (!event)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "execute of back end '%s' succeeded and gave nothing", backend->name);
    if (!assay_backend_told(backend, backend->poll(r->opened.session, &event, 1, ASSAY_WAIT_FOREVER, &done, &span, err), "poll", err))
        backend->forget(r->opened.session, event);
    r->box->arg[2] = span.begin_ns;
    r->box->arg[3] = span.end_ns;
    return err->code;
}

static enum assay_code obey(struct rank *r, struct assay_error *err)
{
    const struct assay_backend *b = r->opened.backend;
    uint64_t                   *arg = r->box->arg;
    switch ((enum assay_order)r->box->what) {
    case ASSAY_ORDER_ALLOC: return do_alloc(r, err);
    case ASSAY_ORDER_RELEASE:
        b->release(r->opened.session, r->buffer[arg[0]]);
        r->buffer[arg[0]] = NULL;
        return ASSAY_OK;
    case ASSAY_ORDER_UPLOAD:
        return assay_backend_told(b, b->upload(r->opened.session, r->buffer[arg[0]], arg[1], r->box->stage, arg[2], err), "upload", err);
    case ASSAY_ORDER_DOWNLOAD:
        return assay_backend_told(b, b->download(r->opened.session, r->buffer[arg[0]], arg[1], r->box->stage, arg[2], err), "download", err);
    case ASSAY_ORDER_COMPILE: return do_compile(r, err);
    case ASSAY_ORDER_DISCARD:
        b->discard(r->opened.session, r->program[arg[0]]);
        r->program[arg[0]] = NULL;
        return ASSAY_OK;
    case ASSAY_ORDER_EXECUTE: return do_execute(r, err);
    case ASSAY_ORDER_LEAVE: return ASSAY_OK;
    }
    return ASSAY_FAIL(err, ASSAY_PROTOCOL, "rank %u is told to do %u", r->number, r->box->what);
}

/* A rank that fails alone would have the others wait for it, so all are told. */
static void serve(struct rank *r)
{
    for (bool leaves = false; !leaves;) {
        struct assay_error err = {.code = ASSAY_OK};
        if (!assay_order_next(r->region, r->number, UINT64_MAX / 4))
            continue;
        leaves = r->box->what == ASSAY_ORDER_LEAVE;
        if (obey(r, &err) && r->box->what == ASSAY_ORDER_EXECUTE)
            assay_region_lose(r->region, r->number, err.message);
        r->box->error = err;
        assay_order_done(r->region, r->number);
    }
}

static enum assay_code ask_accepted(const struct rank *r, struct assay_error *err)
{
    for (uint32_t i = 0; i < r->graph->n_nodes; i++) {
        char              reason[160] = "";
        struct assay_text why = ASSAY_TEXT(reason);
        if (!r->opened.backend->accepts(r->opened.session, r->graph, i, &why))
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "node '%.48s' (%s): %s", r->graph->nodes[i].name, r->graph->nodes[i].op->name,
                              *reason ? reason : "no reason given");
    }
    return ASSAY_OK;
}

static const char *text_of(const json_t *job, const char *key)
{
    const char *text = json_string_value(json_object_get(job, key));
    return text ? text : "";
}

static enum assay_code set_up(struct rank *r, const json_t *job, struct assay_error *err)
{
    struct assay_case what = {.params = NULL};
    r->number = (uint32_t)json_integer_value(json_object_get(job, "rank"));
    if (assay_region_open(text_of(job, "region"), &r->region, err))
        return err->code;
    if (r->number >= assay_region_ranks(r->region))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "rank %u of %u", r->number, assay_region_ranks(r->region));
    r->box = assay_region_orders(r->region, r->number);
    if (assay_exchange_open(r->region, r->number, (uint64_t)json_integer_value(json_object_get(job, "patience_ns")), &r->comm, err) ||
        assay_case_parse(text_of(job, "case"), &what, err))
        return err->code;
    if (!assay_case_rank_graph(&what, r->number, &r->graph, err) &&
        !assay_backend_open_file(text_of(job, "plugin"), text_of(job, "backend"), &r->comm, &r->opened, err))
        (void)ask_accepted(r, err);
    assay_case_release(&what);
    return err->code;
}

static void clean_up(struct rank *r)
{
    for (size_t i = 0; i < r->n_programs; i++)
        if (r->program[i])
            r->opened.backend->discard(r->opened.session, r->program[i]);
    for (size_t i = 0; i < r->n_buffers; i++)
        if (r->buffer[i])
            r->opened.backend->release(r->opened.session, r->buffer[i]);
    if (r->opened.backend)
        assay_backend_close(&r->opened);
    if (r->comm.release)
        r->comm.release(r->comm.self);
    assay_graph_free(r->graph);
    assay_region_close(r->region);
    free(r->buffer);
    free(r->program);
    free(r->binding);
}

enum assay_code assay_rank_worker(const json_t *job, int fd, struct assay_error *err)
{
    struct rank r = {.number = 0};
    if (!set_up(&r, job, err)) {
        struct assay_rank_ready *ready = (struct assay_rank_ready *)(void *)r.box->stage;
        ready->device = r.opened.device;
        (void)assay_string_copy(ready->canonical, sizeof ready->canonical, r.opened.canonical);
        (void)assay_string_copy(ready->path, sizeof ready->path, r.opened.path);
        if (!assay_wire_say(fd, json_pack("{s:s}", "say", "ready"), err))
            serve(&r);
    }
    clean_up(&r);
    return err->code;
}
