/* A device that misbehaves on purpose, in one of the ways that devices and drivers do. Whatever the mode does not spoil
 * is right: the arithmetic is the reference's. The tests of the harness are made of this. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assay/backend.h"
#include "backends/reference/device.h"
#include "backends/reference/rebuild.h"
#include "faults.h"
#include "harness/base/hash.h"
#include "harness/ir/graph.h"

#include "assay/banned.h"

enum { OVERRUN_BYTES = 64, LEAK_BYTES = 256 * 1024, MAX_LOOKS = 64, HONEST_AT_FIRST = 24 };

enum mode { HONEST, CRASH, HANG, SILENT, NAN_ELEMENT, WRONG, OVERRUN, SLOW, LEAK, HONEST_WHEN_VALIDATED, CACHED,
            NODE, FUSED_NODE, UNORDERED, NEIGHBOUR, FLIP, LOST_GRADIENT, REMEMBERS };

static const char *const mode_names[] = {"honest", "crash",   "hang", "silent", "nan",
                                         "wrong",  "overrun", "slow", "leak",   "honest_when_validated",
                                         "cached", "node", "fused_node", "unordered", "neighbour", "flip", "lost_gradient",
                                         "remembers", NULL};

struct options {
    int64_t mode, after;
    double cheat, factor;
    char node[128], param[128];
};

static const struct assay_option option_table[] = {
    {.name = "mode",
     .type = ASSAY_OPT_ENUM,
     .offset = offsetof(struct options, mode),
     .dflt = "honest",
     .choices = mode_names,
     .help = "how it misbehaves"},
    {.name = "after",
     .type = ASSAY_OPT_I64,
     .offset = offsetof(struct options, after),
     .dflt = "-1",
     .min = -1,
     .max = 1e9,
     .help = "executions that are honest first; -1 is 0, and 24 for honest_when_validated"},
    {.name = "cheat",
     .type = ASSAY_OPT_F64,
     .offset = offsetof(struct options, cheat),
     .dflt = "0.25",
     .min = 1e-9,
     .max = 1,
     .help = "share of executions in which honest_when_validated leaves out the work, and flip turns a bit over"},
    {.name = "node",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct options, node),
     .bytes = sizeof((struct options){0}.node),
     .dflt = "",
     .help = "the node that modes node and fused_node compute with a wrong epsilon or scale, by its name in the graph"},
    {.name = "factor",
     .type = ASSAY_OPT_F64,
     .offset = offsetof(struct options, factor),
     .dflt = "100",
     .min = 0,
     .max = 1e9,
     .help = "how many times too large that is"},
    {.name = "param",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct options, param),
     .bytes = sizeof((struct options){0}.param),
     .dflt = "",
     .help = "whose gradient lost_gradient loses; empty: that of the largest param that is trained"},
    {.name = NULL},
};

static const struct assay_host *host;

/* Never freed and never lost sight of, so that only the growth of the process tells. */
static struct leaked {
    struct leaked *next;
    unsigned char bytes[LEAK_BYTES];
} * all_leaked;

struct assay_session {
    enum mode mode;
    uint64_t after, executed;
    uint64_t usual_ns; /* what one honest execution took */
    double cheat, factor;
    char node[sizeof((struct options){0}.node)];
    char param[sizeof((struct options){0}.param)];
};

struct assay_event {
    bool never; /* will not complete */
    uint64_t begin_ns, end_ns;
};

/* What was answered for inputs that looked so. */
struct answer {
    uint64_t look;
    unsigned char *outputs; /* all of them, one behind the other */
};

struct assay_program {
    struct device_program *on_device;
    struct answer answers[MAX_LOOKS];
    size_t n_answers;
};

static enum assay_code probe(const void *options, struct assay_device_list *out, struct assay_error *err)
{
    struct assay_device_info info = {.size = sizeof info,
                                     .traits = ASSAY_TRAIT_VALUES | ASSAY_TRAIT_MEMORY | ASSAY_TRAIT_IS_HOST,
                                     .clock = ASSAY_CLOCK_HOST,
                                     .origin = ASSAY_ORIGIN_REFERENCE,
                                     .queues = 1,
                                     .memory_bytes = UINT64_C(1) << 40,
                                     .name = "imp",
                                     .product = "a device that misbehaves on purpose",
                                     .how_known = "it is part of assay"};
    (void)options;
    (void)err;
    host->device_add(out, &info);
    return ASSAY_OK;
}

static enum assay_code session_open(const struct assay_open *how, struct assay_session **out, struct assay_error *err)
{
    const struct options *chosen = how->options;
    struct assay_session *s = calloc(1, sizeof *s);
    if (!s)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a session");
    s->mode = (enum mode)chosen->mode;
    s->after = chosen->after >= 0 ? (uint64_t)chosen->after : s->mode == HONEST_WHEN_VALIDATED ? HONEST_AT_FIRST : 0;
    s->cheat = chosen->cheat;
    s->factor = chosen->factor;
    memcpy(s->node, chosen->node, sizeof s->node);
    memcpy(s->param, chosen->param, sizeof s->param);
    *out = s;
    return ASSAY_OK;
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

/* Room behind every buffer, so that an overrun spoils nothing but what the host may see. */
static enum assay_code buffer_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out,
                                    struct assay_error *err)
{
    (void)s;
    return device_alloc(how, OVERRUN_BYTES, out, err);
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

/* Does any output of the graph show what the node of that name writes? */
static bool is_shown(const struct assay_graph *g, const char *name)
{
    for (uint32_t i = 0; i < host->graph_nodes(g); i++) {
        struct assay_node_view node = {.size = sizeof node};
        if (!host->graph_node(g, i, &node) || strcmp(node.name, name) != 0)
            continue;
        for (uint32_t o = 0; o < node.n_outputs; o++) {
            struct assay_value_view value = {.size = sizeof value};
            if (node.outputs[o] != ASSAY_NO_VALUE && host->graph_value(g, (uint32_t)node.outputs[o], &value) &&
                value.role == ASSAY_ROLE_OUTPUT)
                return true;
        }
    }
    return false;
}

static enum assay_code compile(struct assay_session *s, const struct assay_compile *how, struct assay_program **out,
                               struct assay_error *err)
{
    struct assay_program *p = calloc(1, sizeof *p);
    const struct assay_rank_class *only = how->classes;
    const struct rebuild_fault wrong = {s->node, s->factor};
    bool spoils = s->mode == NODE || (s->mode == FUSED_NODE && !is_shown(only->graph, s->node));
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    if (device_compile(host, how, spoils ? &wrong : NULL, &p->on_device, err)) {
        free(p);
        return err->code;
    }
    *out = p;
    return ASSAY_OK;
}

static void discard(struct assay_session *s, struct assay_program *p)
{
    (void)s;
    for (size_t i = 0; i < p->n_answers; i++)
        free(p->answers[i].outputs);
    device_discard(p->on_device);
    free(p);
}

/* ---- the modes ------------------------------------------------------------------------------------------ */

static void sleep_ns(uint64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    while (nanosleep(&t, &t))
        continue;
}

/* Copies the outputs to (or from) one block. */
static void outputs_copy(struct device_program *p, unsigned char *block, bool to_block)
{
    for (size_t i = 0; i < device_outputs(p); i++) {
        struct device_output *o = device_output(p, i);
        memcpy(to_block ? block : o->computed, to_block ? o->computed : block, (size_t)o->bytes);
        block += o->bytes;
    }
}

static enum assay_code answer_remember(struct assay_program *p, uint64_t look, struct assay_error *err)
{
    uint64_t bytes = 1;
    for (size_t i = 0; i < device_outputs(p->on_device); i++)
        bytes += device_output(p->on_device, i)->bytes;
    if (p->n_answers == MAX_LOOKS)
        return ASSAY_OK;
    unsigned char *block = malloc((size_t)bytes);
    if (!block)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to remember an answer");
    outputs_copy(p->on_device, block, true);
    p->answers[p->n_answers++] = (struct answer){look, block};
    return ASSAY_OK;
}

/* `look`: of the inputs, by which they are known again. */
static enum assay_code compute_cached(struct assay_program *p, uint64_t look, struct assay_error *err)
{
    for (size_t i = 0; i < p->n_answers; i++)
        if (p->answers[i].look == look) {
            outputs_copy(p->on_device, p->answers[i].outputs, false);
            return ASSAY_OK;
        }
    if (device_compute(p->on_device, err))
        return err->code;
    return answer_remember(p, look, err);
}

static enum assay_code leak(struct assay_error *err)
{
    struct leaked *block = malloc(sizeof *block);
    if (!block)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory left to lose");
    memset(block->bytes, 1, sizeof block->bytes);
    block->next = all_leaked;
    all_leaked = block;
    return ASSAY_OK;
}

/* What all inputs hold, as a number. */
static uint64_t inputs_content(const struct device_program *p)
{
    const struct assay_graph *g = device_graph(p);
    const void *const *bound = device_bound(p);
    struct assay_hash128 all = {0, 0};
    for (uint32_t i = 0; i < g->n_values; i++)
        if (g->values[i].role == ASSAY_ROLE_INPUT && bound[i])
            all = assay_hash_join(all, assay_hash_bytes(bound[i], (size_t)g->values[i].bytes));
    return all.low;
}

/* Outputs that were right and do not repeat themselves: for no reason, for what else is in the batch, for a fault. */
static void vary(const struct assay_session *s, struct device_program *p)
{
    uint64_t k = s->executed, key = s->mode == NEIGHBOUR ? inputs_content(p) : k;
    bool flips = s->mode == FLIP && fault_share(k) < s->cheat;
    for (size_t i = 0; i < device_outputs(p); i++) {
        if (s->mode == UNORDERED || s->mode == NEIGHBOUR)
            fault_reorder(device_output(p, i), key + i);
        if (flips && fault_flip(device_output(p, i), k))
            break;
    }
}

/* What a mode does instead of computing, or in addition, before the outputs are stored. */
static enum assay_code misbehave(struct assay_session *s, struct assay_program *p, struct assay_error *err)
{
    uint64_t k = s->executed;
    bool leaves_out = s->mode == HONEST_WHEN_VALIDATED && k > 1 && fault_share(k) < s->cheat;
    if (s->mode == CRASH)
        (void)raise(SIGSEGV);
    if (s->mode == CACHED) /* looks at which buffers the inputs are in, not at what is in them */
        return compute_cached(p, device_inputs_look(p->on_device), err);
    if (s->mode == REMEMBERS)
        return compute_cached(p, inputs_content(p->on_device), err);
    if (!leaves_out && device_compute(p->on_device, err))
        return err->code;
    for (size_t i = 0; i < device_outputs(p->on_device); i++) {
        struct device_output *o = device_output(p->on_device, i);
        if (s->mode == NAN_ELEMENT ? fault_nan(o, k) : s->mode == WRONG && fault_wrong(o, k))
            break;
    }
    vary(s, p->on_device);
    if (s->mode == LOST_GRADIENT)
        fault_lost_gradient(p->on_device, s->param);
    if (s->mode == SLOW)
        sleep_ns((k - s->after) * (80000 + s->usual_ns / 50)); /* far above the 4 ms that some timers round to */
    return s->mode == LEAK ? leak(err) : ASSAY_OK;
}

static enum assay_code run(struct assay_session *s, struct assay_program *p, struct assay_error *err)
{
    uint64_t begin_ns = host->now_ns();
    bool honest = s->mode == HONEST || ++s->executed <= s->after;
    if (!honest && (s->mode == SILENT || s->mode == HANG))
        return ASSAY_OK;
    if (honest ? device_compute(p->on_device, err) : misbehave(s, p, err))
        return err->code;
    device_store(p->on_device);
    for (size_t i = 0; s->mode == OVERRUN && !honest && i < device_outputs(p->on_device); i++)
        fault_overrun(device_output(p->on_device, i), OVERRUN_BYTES);
    if (!s->usual_ns)
        s->usual_ns = host->now_ns() - begin_ns;
    return ASSAY_OK;
}

/* ---- executing ------------------------------------------------------------------------------------------ */

static enum assay_code execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                               struct assay_error *err)
{
    struct assay_program *p = launch->program;
    struct assay_event *e;
    if (device_bind(p->on_device, launch, err))
        return err->code;
    e = calloc(1, sizeof *e);
    if (!e)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an event");
    e->begin_ns = host->now_ns();
    if (run(s, p, err)) {
        free(e);
        return err->code;
    }
    e->end_ns = host->now_ns();
    e->never = s->mode == HANG && s->executed > s->after;
    *out = e;
    return ASSAY_OK;
}

static enum assay_code poll(struct assay_session *s, struct assay_event *const *events, size_t n, uint64_t timeout_ns,
                            size_t *done, struct assay_span *span, struct assay_error *err)
{
    size_t first = n;
    (void)s;
    for (size_t i = 0; i < n; i++)
        if (!events[i]->never && (first == n || events[i]->end_ns < events[first]->end_ns))
            first = i;
    if (first == n) {
        if (timeout_ns == ASSAY_WAIT_FOREVER)
            for (;;)
                (void)pause();
        sleep_ns(timeout_ns);
        return ASSAY_FAIL(err, ASSAY_TIMEOUT, "none of %zu events was done", n);
    }
    device_tell_span(events[first]->begin_ns, events[first]->end_ns, span);
    *done = first;
    return ASSAY_OK;
}

/* An event that never completes is waited for as long. */
static void forget(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    while (e->never)
        (void)pause();
    free(e);
}

static const struct assay_backend backend = {
    .size = sizeof backend,
    .abi_major = ASSAY_ABI_MAJOR,
    .abi_minor = ASSAY_ABI_MINOR,
    .name = "chaos",
    .summary = "misbehaves on purpose: what the harness must catch",
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
