/* Drives a rehearsal plug-in as the harness would. The graph is a table of this test behind the host's accessors:
 * plug-ins cannot tell, so a rehearsal may use ops that the project does not have yet. */
#ifndef REHEARSAL_DRIVE_H
#define REHEARSAL_DRIVE_H

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/backend.h"
#include "harness/run/tests/place.h"

enum { MAX_VALUES = 16, MAX_NODES = 8, MAX_BINDINGS = 16, MAX_DEVICES = 2 };

struct assay_graph {
    struct assay_value_view value[MAX_VALUES];
    struct assay_node_view node[MAX_NODES];
    int32_t wires[MAX_NODES][2][8]; /* inputs, outputs */
    struct assay_cost cost[MAX_NODES];
    uint32_t n_values, n_nodes;
};

struct assay_device_list {
    struct assay_device_info info[MAX_DEVICES];
    size_t n;
};

/* ---- the table ------------------------------------------------------------------------------------------ */

static inline int32_t add_value(struct assay_graph *g, const char *name, enum assay_dtype dtype, enum assay_role role,
                                int32_t rank, const int64_t *dims)
{
    struct assay_value_view *v = &g->value[g->n_values];
    v->size = sizeof *v;
    v->name = name;
    v->dtype = dtype;
    v->role = role;
    v->place = ASSAY_PLACE_DEVICE;
    v->rank = rank;
    v->alias_of = ASSAY_NO_VALUE;
    v->producer = -1;
    v->elements = 1;
    for (int32_t i = 0; i < rank; i++)
        v->elements *= (uint64_t)(v->dims[i] = dims[i]);
    v->bytes = assay_dtype_bytes(dtype, v->elements);
    return (int32_t)g->n_values++;
}

/* Inputs, then ASSAY_NO_VALUE, then outputs, then ASSAY_NO_VALUE. */
static inline void add_node(struct assay_graph *g, const char *domain, const char *op, uint64_t flops, ...)
{
    struct assay_node_view *n = &g->node[g->n_nodes];
    va_list values;
    va_start(values, flops);
    for (int side = 0; side < 2; side++) {
        uint32_t *count = side ? &n->n_outputs : &n->n_inputs;
        for (int value = va_arg(values, int); value != ASSAY_NO_VALUE; value = va_arg(values, int)) {
            g->wires[g->n_nodes][side][(*count)++] = value;
            if (side)
                g->value[value].producer = (int32_t)g->n_nodes;
        }
    }
    va_end(values);
    n->size = sizeof *n;
    n->inputs = g->wires[g->n_nodes][0];
    n->outputs = g->wires[g->n_nodes][1];
    n->op = op;
    n->domain = domain;
    n->name = op;
    g->cost[g->n_nodes].size = sizeof g->cost[0];
    g->cost[g->n_nodes].flops = flops;
    g->n_nodes++;
}

/* ---- the host ------------------------------------------------------------------------------------------- */

static uint32_t graph_values(const struct assay_graph *g)
{
    return g->n_values;
}

static uint32_t graph_nodes(const struct assay_graph *g)
{
    return g->n_nodes;
}

/* As much as the caller has room for; its size stays. */
static bool give(void *to, const void *from, size_t bytes)
{
    uint32_t size = *(uint32_t *)to;
    memcpy(to, from, size < bytes ? size : bytes);
    *(uint32_t *)to = size;
    return true;
}

static bool graph_value(const struct assay_graph *g, uint32_t value, struct assay_value_view *out)
{
    return value < g->n_values && give(out, &g->value[value], sizeof *out);
}

static bool graph_node(const struct assay_graph *g, uint32_t node, struct assay_node_view *out)
{
    return node < g->n_nodes && give(out, &g->node[node], sizeof *out);
}

static bool graph_cost(const struct assay_graph *g, uint32_t node, struct assay_cost *out)
{
    return node < g->n_nodes && give(out, &g->cost[node], sizeof *out);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void device_add(struct assay_device_list *list, const struct assay_device_info *info)
{
    if (list->n < MAX_DEVICES)
        list->info[list->n++] = *info;
}

/* ---- one device of one plug-in -------------------------------------------------------------------------- */

struct drive {
    const struct assay_backend *b;
    struct assay_session *s;
    struct assay_device_info device;
    struct assay_error err;
};

#define DRIVE_OK(d, call) cr_assert_eq((call), ASSAY_OK, "%s: %s", #call, (d)->err.message)

/* `options` is the struct that the plug-in's table would fill. */
static inline void drive_open(struct drive *d, const char *plugin, const void *options)
{
    static struct assay_host host = {.size = sizeof host,
                                     .abi_major = ASSAY_ABI_MAJOR,
                                     .abi_minor = ASSAY_ABI_MINOR,
                                     .now_ns = now_ns,
                                     .graph_values = graph_values,
                                     .graph_nodes = graph_nodes,
                                     .graph_value = graph_value,
                                     .graph_node = graph_node,
                                     .cost = graph_cost,
                                     .device_add = device_add};
    struct assay_device_list devices = {.n = 0};
    struct assay_open how = {.size = sizeof how, .device = "rehearsal", .options = options};
    assay_backend_entry_fn *entry = NULL;
    char path[600];
    place_of(path, sizeof path, "fixtures", plugin);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert(library, "%s", dlerror());
    void *symbol = dlsym(library, ASSAY_BACKEND_ENTRY);
    cr_assert(symbol);
    memcpy(&entry, &symbol, sizeof entry);
    memset(d, 0, sizeof *d);
    d->b = entry(&host);
    DRIVE_OK(d, d->b->probe(options, &devices, &d->err));
    cr_assert_eq(devices.n, 1);
    d->device = devices.info[0];
    DRIVE_OK(d, d->b->open(&how, &d->s, &d->err));
}

static inline void drive_close(struct drive *d)
{
    d->b->close(d->s);
}

static inline struct assay_buffer *drive_buffer(struct drive *d, uint64_t bytes, const void *content)
{
    struct assay_alloc how = {.size = sizeof how, .place = ASSAY_PLACE_DEVICE, .bytes = bytes, .alignment = 64};
    struct assay_buffer *b = NULL;
    DRIVE_OK(d, d->b->alloc(d->s, &how, &b, &d->err));
    if (content)
        DRIVE_OK(d, d->b->upload(d->s, b, 0, content, bytes, &d->err));
    return b;
}

static inline struct assay_program *drive_compile(struct drive *d, const struct assay_graph *g,
                                                  const struct assay_binding *fixed, size_t n_fixed)
{
    struct assay_rank_class only = {.size = sizeof only, .graph = g, .multiplicity = 1};
    struct assay_compile how = {.size = sizeof how,
                                .classes = &only,
                                .n_classes = 1,
                                .class_stride = sizeof only,
                                .fixed = fixed,
                                .n_fixed = n_fixed,
                                .binding_stride = sizeof *fixed,
                                .axis_stride = sizeof(struct assay_mesh_axis),
                                .micro_batches = 1};
    struct assay_program *p = NULL;
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        char text[80];
        struct assay_text why_not = ASSAY_TEXT(text);
        cr_assert(d->b->accepts(d->s, g, n, &why_not), "%s", text);
    }
    DRIVE_OK(d, d->b->compile(d->s, &how, &p, &d->err));
    return p;
}

/* Bindings of one launch, collected. */
struct bound {
    struct assay_binding at[MAX_BINDINGS];
    size_t n;
};

static inline struct assay_binding *bind_buffer(struct bound *to, int32_t value, struct assay_buffer *buffer)
{
    struct assay_binding *b = &to->at[to->n++];
    *b = (struct assay_binding){.value = (uint32_t)value, .buffer = buffer, .valid_rows = ASSAY_ALL_ROWS};
    return b;
}

static inline struct assay_binding *bind_host(struct bound *to, int32_t value, void *host)
{
    struct assay_binding *b = &to->at[to->n++];
    *b = (struct assay_binding){.value = (uint32_t)value, .host = host, .valid_rows = ASSAY_ALL_ROWS};
    return b;
}

/* The bindings are spoilt afterwards: they need not outlive the call. */
static inline struct assay_event *drive_launch(struct drive *d, struct assay_program *p, struct bound *bound,
                                               uint32_t queue, uint64_t earliest_ns, uint32_t flags)
{
    struct assay_launch how = {.size = sizeof how,
                               .flags = flags,
                               .program = p,
                               .queue = queue,
                               .earliest_ns = earliest_ns,
                               .bindings = bound->at,
                               .n_bindings = bound->n,
                               .binding_stride = sizeof bound->at[0]};
    struct assay_event *e = NULL;
    DRIVE_OK(d, d->b->execute(d->s, &how, &e, &d->err));
    memset(bound, 0xEE, sizeof *bound);
    bound->n = 0;
    return e;
}

/* Waits for any of them. */
static inline size_t drive_poll(struct drive *d, struct assay_event *const *events, size_t n, struct assay_span *span)
{
    size_t done = n;
    memset(span, 0, sizeof *span);
    span->size = sizeof *span;
    DRIVE_OK(d, d->b->poll(d->s, events, n, ASSAY_WAIT_FOREVER, &done, span, &d->err));
    cr_assert_lt(done, n);
    cr_expect_eq(span->clock, d->device.clock, "spans are on the clock that the device claims");
    cr_expect_leq(span->begin_ns, span->end_ns);
    cr_expect((span->device_ns > 0) != (span->why_no_device_ns[0] != 0), "device time or a reason, one of both");
    return done;
}

/* Runs one launch to its end. */
static inline struct assay_span drive_run(struct drive *d, struct assay_program *p, struct bound *bound, uint32_t queue,
                                          uint64_t earliest_ns)
{
    struct assay_event *e = drive_launch(d, p, bound, queue, earliest_ns, 0);
    struct assay_span span;
    (void)drive_poll(d, &e, 1, &span);
    d->b->forget(d->s, e);
    return span;
}

#endif
