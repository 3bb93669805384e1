/* For tests of back ends: a graph on a device, opened through the loader, one buffer a value, bands of known bytes
 * behind each. */
#ifndef RUN_TESTS_DEVICE_H
#define RUN_TESTS_DEVICE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/graph.h"
#include "harness/run/loader.h"
#include "harness/run/tests/place.h"

enum { DEVICE_VALUES = 32, BAND_BYTES = 64, POISON = 0xCD };

struct device {
    struct assay_opened opened;
    struct assay_graph *g;
    struct assay_program *p;
    struct assay_buffer *buffer[DEVICE_VALUES];
    struct assay_error err;
};

#define DEVICE_OK(d, call) cr_assert_eq((call), ASSAY_OK, "%s: %s", #call, (d)->err.message)

static inline void device_open(struct device *d, const char *plugin, const char *rest)
{
    char file[64], path[600], text[800];
    memset(d, 0, sizeof *d);
    (void)snprintf(file, sizeof file, "assay-%s", plugin);
    place_of(path, sizeof path, "backends", file);
    (void)snprintf(text, sizeof text, "%s%s", path, rest);
    DEVICE_OK(d, assay_backend_open(text, NULL, &d->opened, &d->err));
}

static inline struct assay_buffer *device_buffer(struct device *d, uint64_t bytes)
{
    struct assay_alloc how = {.size = sizeof how, .place = ASSAY_PLACE_DEVICE, .bytes = bytes, .alignment = 64};
    struct assay_buffer *b = NULL;
    DEVICE_OK(d, d->opened.backend->alloc(d->opened.session, &how, &b, &d->err));
    return b;
}

/* `bytes` bytes of poison at `offset` of a value's buffer. */
static inline void device_poison(struct device *d, int32_t value, uint64_t offset, uint64_t bytes)
{
    unsigned char *poison = malloc((size_t)bytes + 1);
    memset(poison, POISON, (size_t)bytes + 1);
    DEVICE_OK(d, d->opened.backend->upload(d->opened.session, d->buffer[value], offset, poison, bytes, &d->err));
    free(poison);
}

/* Where launches bind a value: an output that aliases lies where the value it aliases does. */
static inline struct assay_binding device_binding(const struct device *d, int32_t value)
{
    const struct assay_value *v = &d->g->values[value];
    int32_t home = v->alias_of == ASSAY_NO_VALUE ? value : v->alias_of;
    return (struct assay_binding){.value = (uint32_t)value, .buffer = d->buffer[home], .valid_rows = ASSAY_ALL_ROWS};
}

static inline bool device_binds(const struct assay_graph *g, int32_t value)
{
    return g->values[value].role != ASSAY_ROLE_CONST && g->values[value].role != ASSAY_ROLE_TEMP;
}

static inline enum assay_code device_compile(struct device *d, struct assay_program **out)
{
    struct assay_rank_class only = {.size = sizeof only, .graph = d->g, .multiplicity = 1};
    struct assay_compile how = {.size = sizeof how,
                                .classes = &only,
                                .n_classes = 1,
                                .class_stride = sizeof only,
                                .binding_stride = sizeof(struct assay_binding),
                                .axis_stride = sizeof(struct assay_mesh_axis),
                                .micro_batches = 1};
    return d->opened.backend->compile(d->opened.session, &how, out, &d->err);
}

/* Takes the graph: finishes it, allocates and poisons, compiles. Memory only if the device has it. */
static inline void device_load(struct device *d, struct assay_graph *g)
{
    d->g = g;
    DEVICE_OK(d, assay_graph_finish(g, &d->err));
    cr_assert_leq(g->n_values, DEVICE_VALUES);
    for (int32_t v = 0; v < (int32_t)g->n_values; v++) {
        if (!device_binds(g, v) || g->values[v].alias_of != ASSAY_NO_VALUE)
            continue;
        d->buffer[v] = device_buffer(d, g->values[v].bytes + BAND_BYTES);
        if (d->opened.device.traits & ASSAY_TRAIT_MEMORY)
            device_poison(d, v, 0, g->values[v].bytes + BAND_BYTES);
    }
    DEVICE_OK(d, device_compile(d, &d->p));
}

static inline void device_give(struct device *d, int32_t value, const void *content)
{
    DEVICE_OK(d, d->opened.backend->upload(d->opened.session, d->buffer[value], 0, content, d->g->values[value].bytes,
                                           &d->err));
}

static inline void device_take(struct device *d, int32_t value, void *to)
{
    struct assay_binding b = device_binding(d, value);
    DEVICE_OK(d, d->opened.backend->download(d->opened.session, b.buffer, 0, to, d->g->values[value].bytes, &d->err));
}

/* Bytes behind the value that are not poison. */
static inline int device_overrun(struct device *d, int32_t value)
{
    unsigned char band[BAND_BYTES];
    struct assay_binding b = device_binding(d, value);
    int changed = 0;
    DEVICE_OK(d, d->opened.backend->download(d->opened.session, b.buffer, d->g->values[value].bytes, band, BAND_BYTES,
                                             &d->err));
    for (int i = 0; i < BAND_BYTES; i++)
        changed += band[i] != POISON;
    return changed;
}

/* Starts an execution; `without` is a value left unbound, or ASSAY_NO_VALUE. */
static inline enum assay_code device_launch(struct device *d, int32_t without, struct assay_event **e)
{
    struct assay_binding bindings[DEVICE_VALUES];
    struct assay_launch launch = {
        .size = sizeof launch, .program = d->p, .bindings = bindings, .binding_stride = sizeof bindings[0]};
    for (int32_t v = 0; v < (int32_t)d->g->n_values; v++)
        if (device_binds(d->g, v) && v != without)
            bindings[launch.n_bindings++] = device_binding(d, v);
    return d->opened.backend->execute(d->opened.session, &launch, e, &d->err);
}

static inline struct assay_span device_run(struct device *d)
{
    struct assay_event *e = NULL;
    struct assay_span span = {.size = sizeof span};
    size_t done = 1;
    DEVICE_OK(d, device_launch(d, ASSAY_NO_VALUE, &e));
    DEVICE_OK(d, d->opened.backend->poll(d->opened.session, &e, 1, ASSAY_WAIT_FOREVER, &done, &span, &d->err));
    cr_expect_eq(done, 0);
    cr_expect_eq(span.clock, d->opened.device.clock);
    cr_expect_leq(span.begin_ns, span.end_ns);
    d->opened.backend->forget(d->opened.session, e);
    return span;
}

static inline void device_close(struct device *d)
{
    const struct assay_backend *b = d->opened.backend;
    if (d->p)
        b->discard(d->opened.session, d->p);
    for (int v = 0; v < DEVICE_VALUES; v++)
        if (d->buffer[v])
            b->release(d->opened.session, d->buffer[v]);
    assay_backend_close(&d->opened);
    assay_graph_free(d->g);
}

/* ---- graphs that several tests use ---------------------------------------------------------------------- */

/* y = a op b, all f32[rows, columns]: values 0, 1, 2. */
static inline struct assay_graph *graph_binary(const char *op, int64_t rows, int64_t columns)
{
    struct assay_graph *g = assay_graph_new("binary");
    const int64_t dims[] = {rows, columns};
    int32_t a = assay_graph_input(g, "a", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
    int32_t b = assay_graph_input(g, "b", ASSAY_F32, 2, dims, ASSAY_FILL_SIGNED);
    assay_graph_output(g, assay_graph_op(g, op, "y", (int32_t[]){a, b}, 2, NULL));
    return g;
}

#endif
