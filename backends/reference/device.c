#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/ir/graph.h"
#include "harness/ir/ops.h"
#include "rebuild.h"
#include "reference/reference.h"

#include "assay/banned.h"

struct device_program {
    struct assay_graph *graph;   /* ours */
    const void **fixed, **bound; /* per value: for good, and in the launch that runs */
    struct device_output *outputs;
    size_t n_outputs;
};

bool device_accepts(const struct assay_host *host, const struct assay_graph *g, uint32_t node,
                    struct assay_text *why_not)
{
    struct assay_node_view view = {.size = sizeof view};
    char op[96];
    (void)host->graph_node(g, node, &view);
    rebuild_op_name(&view, op);
    const struct assay_op_row *row = assay_op_find(op);
    int64_t ranks[ASSAY_ATTR_MAX_LENGTH];
    size_t n = row ? host->attr_i64s(g, node, "ranks", ranks, ASSAY_ATTR_MAX_LENGTH) : SIZE_MAX;
    if (n != SIZE_MAX && n > 1 && row != assay_op_find("assay.Replicate")) {
        assay_text_add(why_not, "%s of %zu ranks needs a communicator of %zu ranks; this back end has none", view.op, n, n);
        return false;
    }
    if (row)
        return true;
    assay_text_add(why_not, "op '%s' is not in the op table of this back end", op);
    return false;
}

/* ---- memory --------------------------------------------------------------------------------------------- */

enum assay_code device_alloc(const struct assay_alloc *how, uint64_t extra, struct assay_buffer **out,
                             struct assay_error *err)
{
    size_t alignment = how->alignment < 64 ? 64 : (size_t)how->alignment;
    struct assay_buffer *b = calloc(1, sizeof *b);
    if (!b || how->bytes > SIZE_MAX / 2 ||
        posix_memalign((void **)&b->at, alignment, (size_t)(how->bytes + extra) + 1)) {
        free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a buffer of %llu bytes", (unsigned long long)how->bytes);
    }
    b->bytes = how->bytes;
    *out = b;
    return ASSAY_OK;
}

void device_release(struct assay_buffer *b)
{
    free(b->at);
    free(b);
}

static enum assay_code check_range(const struct assay_buffer *b, uint64_t offset, uint64_t bytes,
                                   struct assay_error *err)
{
    if (offset > b->bytes || bytes > b->bytes - offset)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "bytes %llu and %llu on are not in a buffer of %llu",
                          (unsigned long long)offset, (unsigned long long)bytes, (unsigned long long)b->bytes);
    return ASSAY_OK;
}

enum assay_code device_upload(struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes,
                              struct assay_error *err)
{
    if (check_range(b, offset, bytes, err))
        return err->code;
    memcpy(b->at + offset, from, (size_t)bytes);
    return ASSAY_OK;
}

enum assay_code device_download(struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                struct assay_error *err)
{
    if (check_range(b, offset, bytes, err))
        return err->code;
    memcpy(to, b->at + offset, (size_t)bytes);
    return ASSAY_OK;
}

/* ---- programs ------------------------------------------------------------------------------------------- */

static const struct assay_binding *binding_at(const struct assay_binding *first, size_t stride, size_t i)
{
    return (const struct assay_binding *)(const void *)((const char *)first + i * stride);
}

static enum assay_code place_of(const struct device_program *p, const struct assay_binding *b, unsigned char **at,
                                struct assay_error *err)
{
    const struct assay_value *v = b->value < p->graph->n_values ? &p->graph->values[b->value] : NULL;
    if (!v || (!b->buffer && !b->host))
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "value %u is bound to nothing, or is none", b->value);
    enum assay_code code = b->buffer ? check_range(b->buffer, b->offset, v->bytes, err) : ASSAY_OK;
    if (code) {
        (void)assay_error_in(err, "binding '%s'", v->name);
        return code;
    }
    *at = b->buffer ? b->buffer->at + b->offset : b->host;
    return ASSAY_OK;
}

static enum assay_code bind_fixed(struct device_program *p, const struct assay_compile *how, struct assay_error *err)
{
    for (size_t i = 0; i < how->n_fixed; i++) {
        const struct assay_binding *b = binding_at(how->fixed, how->binding_stride, i);
        unsigned char *at;
        if (place_of(p, b, &at, err))
            return err->code;
        p->fixed[b->value] = at;
    }
    return ASSAY_OK;
}

static enum assay_code make_outputs(struct device_program *p, struct assay_error *err)
{
    for (uint32_t v = 0; v < p->graph->n_values; v++) {
        const struct assay_value *value = &p->graph->values[v];
        struct device_output *o = &p->outputs[p->n_outputs];
        if (value->role != ASSAY_ROLE_OUTPUT)
            continue;
        *o = (struct device_output){.dtype = value->dtype, .value = (int32_t)v, .elements = value->elements, .bytes = value->bytes};
        o->computed = calloc(1, (size_t)value->bytes + 1);
        if (!o->computed)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for output '%s'", value->name);
        p->n_outputs++;
    }
    return ASSAY_OK;
}

void device_discard(struct device_program *p)
{
    for (size_t i = 0; i < p->n_outputs; i++)
        free(p->outputs[i].computed);
    free(p->outputs);
    free(p->fixed);
    free(p->bound);
    assay_graph_free(p->graph);
    free(p);
}

enum assay_code device_compile(const struct assay_host *host, const struct assay_compile *how, const struct rebuild_fault *fault,
                               struct device_program **out, struct assay_error *err)
{
    const struct assay_rank_class *only = how->classes;
    struct device_program *p;
    if (how->n_classes != 1)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "one device cannot run %zu rank classes", how->n_classes);
    p = calloc(1, sizeof *p);
    if (!p)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    struct assay_graph *graph = NULL;
    if (rebuild_graph(host, only->graph, fault, &graph, err)) {
        free(p);
        return err->code;
    }
    p->graph = graph;
    size_t n = graph->n_values + 1;
    p->fixed = calloc(n, sizeof *p->fixed);
    p->bound = calloc(n, sizeof *p->bound);
    p->outputs = calloc(n, sizeof *p->outputs);
    if (!p->fixed || !p->bound || !p->outputs)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program of %zu values", n);
    else if (!make_outputs(p, err) && !bind_fixed(p, how, err)) {
        *out = p;
        return ASSAY_OK;
    }
    device_discard(p);
    return err->code;
}

/* ---- one execution -------------------------------------------------------------------------------------- */

static enum assay_code check_bound(const struct device_program *p, struct assay_error *err)
{
    for (uint32_t v = 0; v < p->graph->n_values; v++) {
        const struct assay_value *value = &p->graph->values[v];
        if (!p->bound[v] && value->role != ASSAY_ROLE_CONST && value->role != ASSAY_ROLE_TEMP)
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "'%s' is not bound", value->name);
    }
    return ASSAY_OK;
}

enum assay_code device_bind(struct device_program *p, const struct assay_launch *launch, struct assay_error *err)
{
    if (launch->queue != 0)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "queue %u was used, this device has one", launch->queue);
    memcpy(p->bound, p->fixed, p->graph->n_values * sizeof *p->bound);
    for (size_t i = 0; i < launch->n_bindings; i++) {
        const struct assay_binding *b = binding_at(launch->bindings, launch->binding_stride, i);
        unsigned char *at;
        if (place_of(p, b, &at, err))
            return err->code;
        p->bound[b->value] = at;
        for (size_t k = 0; k < p->n_outputs; k++)
            if (p->outputs[k].value == (int32_t)b->value) {
                p->outputs[k].bound = at;
                p->outputs[k].room_after = b->buffer ? b->buffer->bytes - b->offset - p->outputs[k].bytes : 0;
            }
    }
    return check_bound(p, err);
}

enum assay_code device_compute(struct device_program *p, struct assay_error *err)
{
    struct assay_reference *r;
    enum assay_code code = assay_reference_new_with(p->graph, p->bound, ASSAY_BOUNDS_NONE, &r, err);
    if (code)
        return code;
    for (size_t i = 0; !code && i < p->n_outputs; i++)
        code = assay_reference_store(r, p->outputs[i].value, p->outputs[i].computed, err);
    assay_reference_free(r);
    return code;
}

void device_store(struct device_program *p)
{
    for (size_t i = 0; i < p->n_outputs; i++)
        memcpy(p->outputs[i].bound, p->outputs[i].computed, (size_t)p->outputs[i].bytes);
}

const struct assay_graph *device_graph(const struct device_program *p)
{
    return p->graph;
}

const void *const *device_bound(const struct device_program *p)
{
    return p->bound;
}

size_t device_outputs(struct device_program *p)
{
    return p->n_outputs;
}

struct device_output *device_output(struct device_program *p, size_t i)
{
    return &p->outputs[i];
}

uint64_t device_inputs_look(const struct device_program *p)
{
    struct assay_hash128 look = {0, 0};
    for (uint32_t v = 0; v < p->graph->n_values; v++)
        if (p->graph->values[v].role == ASSAY_ROLE_INPUT)
            look = assay_hash_join(look, assay_hash_bytes(&p->bound[v], sizeof p->bound[v]));
    return look.low;
}

void device_tell_span(uint64_t begin_ns, uint64_t end_ns, struct assay_span *span)
{
    static const char why[sizeof span->why_no_device_ns] = "the host is the device";
    span->clock = ASSAY_CLOCK_HOST;
    span->begin_ns = begin_ns;
    span->end_ns = end_ns;
    span->device_ns = 0;
    memcpy(span->why_no_device_ns, why, sizeof why);
}
