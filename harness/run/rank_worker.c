#include "harness/run/rank_worker.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/ir/ops.h"
#include "harness/plan/plan.h"
#include "harness/run/loader.h"
#include "harness/run/ranks/communicator.h"
#include "harness/run/ranks/mpi_link.h"
#include "harness/run/ranks/region.h"
#include "harness/run/ranks/remote.h"
#include "harness/run/wire.h"

#include "assay/banned.h"

#define COME_NS (120 * ASSAY_NS_PER_S) /* for the other ranks to come */

struct rank {
    uint32_t                   number;
    struct assay_region       *region; /* NULL: its leader is elsewhere */
    struct assay_duty          duty;   /* self NULL: not yet */
    struct assay_order_box    *box;
    struct assay_communicator *communicator;
    struct assay_graph        *graph;
    struct assay_opened        opened;
    struct assay_buffer      **buffer; /* by number; NULL where one was released */
    struct assay_program     **program;
    size_t                     n_buffers, n_programs;
    struct assay_binding      *binding;
    size_t                     room, front; /* front: bytes of the stage that the answer has */
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
    struct assay_text text = assay_text_over((char *)r->box->stage, sizeof r->box->stage);
    if (ASSAY_HAS(backend, describe))
        backend->describe(r->opened.session, program, &text);
    r->front = text.length + 1;
    return keep((void ***)(void *)&r->program, &r->n_programs, program, &r->box->arg[3], err);
}

static enum assay_code do_execute(struct rank *r, struct assay_error *err)
{
    const struct assay_backend *backend = r->opened.backend;
    struct assay_event         *event = NULL;
    struct assay_span           span = {.size = sizeof span};
    size_t                      done = 0;
    const struct assay_comm    *comm = assay_communicator_all(r->communicator);
    if (bindings(r, r->box->arg[1], err) || comm->barrier(comm->self, err)) /* how late the order came is nobody's time */
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
    return err->code ? err->code : assay_communicator_settle(r->communicator, err);
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
        r->front = (size_t)arg[2];
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
static void execution_failed(struct rank *r, const struct assay_error *err)
{
    uint32_t missed = assay_communicator_missed(r->communicator);
    bool     is_own = missed == ASSAY_RANK_NONE;
    r->box->missed = is_own ? r->number : missed;
    (void)snprintf(r->box->why, sizeof r->box->why, "%.190s", is_own ? err->message : assay_communicator_why_missed(r->communicator));
    if (is_own)
        assay_communicator_give_up(r->communicator, err->message);
}

static void serve(struct rank *r)
{
    for (bool leaves = false, ended = false; !leaves && !ended;) {
        struct assay_error err = {.code = ASSAY_OK};
        if (!r->duty.next(r->duty.self, ASSAY_NS_PER_S * 3600, &ended))
            continue;
        leaves = r->box->what == ASSAY_ORDER_LEAVE;
        r->box->missed = ASSAY_RANK_NONE;
        r->front = 0;
        if (obey(r, &err) && r->box->what == ASSAY_ORDER_EXECUTE)
            execution_failed(r, &err);
        r->box->error = err;
        r->duty.done(r->duty.self, err.code ? 0 : r->front);
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

/* Over its link, which it takes, with the case's graph of its own. */
static enum assay_code set_up(struct rank *r, struct assay_link *link, const json_t *job, struct assay_error *err)
{
    struct assay_case what = {.params = NULL};
    if (assay_communicator_new(link, (uint64_t)json_integer_value(json_object_get(job, "patience_ns")), &r->communicator, err) ||
        assay_case_parse(assay_json_text_of(job, "case"), &what, err))
        return err->code;
    if (!assay_case_rank_graph(&what, r->number, &r->graph, err) &&
        !assay_backend_open_file(assay_json_text_of(job, "plugin"), assay_json_text_of(job, "backend"), assay_communicator_all(r->communicator), &r->opened, err))
        (void)ask_accepted(r, err);
    assay_case_release(&what);
    return err->code;
}

/* The cores this process may run on: "0-3,8". */
static void cores_of(char out[64])
{
    struct assay_text text = assay_text_over(out, 64);
    cpu_set_t         set;
    CPU_ZERO(&set);
    out[0] = 0;
    if (sched_getaffinity(0, sizeof set, &set))
        return;
    for (int first = 0, last; first < CPU_SETSIZE; first = last + 1) {
        last = first;
        if (!CPU_ISSET(first, &set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &set))
            last++;
        assay_text_add(&text, last > first ? "%s%d-%d" : "%s%d", text.length ? "," : "", first, last);
    }
}

/* Several nodes of Slurm may share a machine and its name. */
static void own_host(char out[ASSAY_HOST_BYTES])
{
    const char *node = getenv("SLURMD_NODENAME");
    assay_host_name(out);
    if (node)
        (void)assay_string_copy(out, ASSAY_HOST_BYTES, node);
}

static void say_ready(struct rank *r)
{
    struct assay_rank_ready *ready = (struct assay_rank_ready *)(void *)r->box->stage;
    ready->device = r->opened.device;
    (void)assay_string_copy(ready->canonical, sizeof ready->canonical, r->opened.canonical);
    (void)assay_string_copy(ready->path, sizeof ready->path, r->opened.path);
    (void)assay_string_copy(ready->link, sizeof ready->link, assay_communicator_kind(r->communicator));
    own_host(ready->host);
    cores_of(ready->cores);
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
    assay_communicator_free(r->communicator);
    assay_graph_free(r->graph);
    if (r->duty.self)
        r->duty.close(r->duty.self);
    assay_region_close(r->region);
    free(r->buffer);
    free(r->program);
    free(r->binding);
}

/* ---- a process of the leader's own machine --------------------------------------------------------------------- */

static enum assay_code join_region(struct rank *r, const json_t *job, struct assay_error *err)
{
    struct assay_link link;
    r->number = (uint32_t)json_integer_value(json_object_get(job, "rank"));
    if (assay_region_open(assay_json_text_of(job, "region"), &r->region, err))
        return err->code;
    if (r->number >= assay_region_ranks(r->region))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "rank %u of %u", r->number, assay_region_ranks(r->region));
    if (assay_region_duty(r->region, r->number, &r->duty, err) || assay_region_link(r->region, r->number, &link, err))
        return err->code;
    r->box = r->duty.box(r->duty.self);
    return set_up(r, &link, job, err);
}

enum assay_code assay_rank_worker(const json_t *job, int fd, struct assay_error *err)
{
    struct rank r = {.number = 0};
    if (!join_region(&r, job, err)) {
        say_ready(&r);
        if (!assay_wire_say(fd, json_pack("{s:s}", "say", "ready"), err))
            serve(&r);
    }
    clean_up(&r);
    return err->code;
}

/* ---- a process that a launcher of the cluster started ------------------------------------------------------------ */

/* What Open MPI and Slurm call a process's number. */
static enum assay_code own_number(uint32_t *number, struct assay_error *err)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = getenv(names[i]);
        char       *end = NULL;
        long        value = text ? strtol(text, &end, 10) : -1;
        if (text && end != text && !*end && value >= 0 && value < (long)ASSAY_RANKS_MOST) {
            *number = (uint32_t)value;
            return ASSAY_OK;
        }
    }
    return ASSAY_FAIL(err, ASSAY_CONFIG, "neither OMPI_COMM_WORLD_RANK nor SLURM_PROCID says which rank this is");
}

static enum assay_code read_job(int fd, json_t **job, struct assay_error *err)
{
    struct assay_wire wire;
    if (assay_wire_init(&wire, fd, err))
        return err->code;
    enum assay_code code = assay_wire_next(&wire, COME_NS, job, err);
    assay_wire_release(&wire);
    return code || *job ? code : ASSAY_FAIL(err, ASSAY_PROTOCOL, "the leader went away before it gave a job");
}

static enum assay_code link_of(const json_t *job, uint32_t number, int listener, struct assay_link *out, struct assay_error *err)
{
    const json_t     *list = json_object_get(job, "peers");
    struct assay_peer peers[ASSAY_RANKS_MOST] = {{.port = 0}};
    uint32_t          n = (uint32_t)json_array_size(list);
    if (n < 1 || n > ASSAY_RANKS_MOST || number >= n || strlen(assay_json_text_of(job, "token")) != ASSAY_TOKEN_BYTES - 1)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "the leader's job for rank %u is none", number);
    for (uint32_t i = 0; i < n; i++) {
        const json_t *peer = json_array_get(list, i);
        (void)assay_string_copy(peers[i].addresses, sizeof peers[i].addresses, assay_json_text_of(peer, "addresses"));
        peers[i].port = (uint16_t)json_integer_value(json_object_get(peer, "port"));
    }
    return !strcmp(assay_json_text_of(job, "link"), "mpi") ? assay_mpi_link(number, n, out, err)
                                                : assay_sockets_link(listener, assay_json_text_of(job, "token"), number, n, peers, COME_NS, out, err);
}

/* Comes to the leader and gets ready. From the moment that there is a duty, what is wrong is told there. */
static enum assay_code come(struct rank *r, const char *address, json_t **job, struct assay_error *err)
{
    struct assay_arrival mine = {.rank = r->number};
    struct assay_link    link;
    const char          *token = getenv(ASSAY_RANK_TOKEN);
    int                  fd = -1, listener = -1;
    own_host(mine.host);
    assay_socket_addresses(mine.peer.addresses);
    if (assay_socket_listen(&listener, &mine.peer.port, err) || assay_remote_join(address, token ? token : "", &mine, &fd, err))
        goto close;
    if (read_job(fd, job, err) || assay_remote_duty(fd, &r->duty, err))
        goto close;
    r->box = r->duty.box(r->duty.self);
    if (!link_of(*job, r->number, listener, &link, err))
        (void)set_up(r, &link, *job, err);
close:
    if (listener >= 0)
        (void)close(listener);
    return err->code;
}

int assay_rank_main(const char *address)
{
    struct rank        r = {.number = 0};
    struct assay_error err = {.code = ASSAY_OK};
    json_t            *job = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN); /* mpirun ends all when one has died: who that was is to be seen first. The leader's end is theirs */
    (void)dup2(STDERR_FILENO, STDOUT_FILENO); /* what a plug-in prints is no result */
    if (!own_number(&r.number, &err))
        (void)come(&r, address, &job, &err);
    if (!r.duty.self) {
        (void)dprintf(STDERR_FILENO, "assay rank: %s\n", err.message);
        json_decref(job);
        return 1;
    }
    r.box->error = err;
    if (!err.code)
        say_ready(&r);
    r.duty.done(r.duty.self, err.code ? 0 : sizeof(struct assay_rank_ready));
    if (!err.code)
        serve(&r);
    clean_up(&r);
    json_decref(job);
    return err.code ? 1 : 0;
}
