#include "harness/load/once.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/random.h"
#include "harness/load/told.h"
#include "suites/data/poison.h"

#include "assay/banned.h"

/* Where one value of the graph is: in a buffer of its own or another value's, or, of a control, on the host. */
struct place {
    struct assay_buffer *buffer; /* owned unless `of` is another value */
    unsigned char       *host;
    int32_t              of;
};

struct assay_once {
    const struct assay_backend *backend;
    struct assay_session       *session;
    const struct assay_graph   *graph;
    struct assay_program       *program;
    struct place               *place; /* one a value */
    struct assay_binding       *binding;
    size_t                      n_bindings, n_fixed; /* fixed ones first */
    unsigned char              *stage; /* of the largest output */
    uint64_t                    poison_key;
};

static bool is_bound(const struct assay_value *v)
{
    return v->role != ASSAY_ROLE_CONST && v->role != ASSAY_ROLE_TEMP;
}

static bool is_taken(const struct assay_graph *g, int32_t value)
{
    for (uint32_t i = 0; i < g->n_values; i++)
        if (g->values[i].alias_of == value)
            return true;
    return false;
}

static enum assay_code told(const struct assay_once *o, enum assay_code code, const char *call, struct assay_error *err)
{
    return assay_backend_told(o->backend, code, call, err);
}

static enum assay_code upload(const struct assay_once *o, int32_t value, const void *bytes, struct assay_error *err)
{
    const struct assay_value *v = &o->graph->values[value];
    if (!v->bytes)
        return ASSAY_OK;
    if (told(o, o->backend->upload(o->session, o->place[value].buffer, 0, bytes, v->bytes, err), "upload", err))
        return assay_error_in(err, "uploading '%.48s'", v->name);
    return ASSAY_OK;
}

static enum assay_code no_memory(const struct assay_value *v, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.60s', %llu bytes", v->name, (unsigned long long)v->bytes);
}

static enum assay_code place(struct assay_once *o, int32_t value, const void *given, struct assay_error *err)
{
    const struct assay_value *v = &o->graph->values[value];
    struct place             *p = &o->place[value];
    struct assay_alloc        how = {sizeof how, v->place, v->bytes ? v->bytes : 1, 64};
    if (v->role == ASSAY_ROLE_CONTROL) {
        if (!(p->host = malloc((size_t)v->bytes + 1)))
            return no_memory(v, err);
        memcpy(p->host, given, (size_t)v->bytes);
        return ASSAY_OK;
    }
    if (v->alias_of != ASSAY_NO_VALUE) {
        p->of = v->alias_of;
        p->buffer = o->place[v->alias_of].buffer;
        return ASSAY_OK;
    }
    struct assay_buffer *buffer = NULL;
    if (told(o, o->backend->alloc(o->session, &how, &buffer, err), "alloc", err))
        return assay_error_in(err, "allocating '%.48s', %llu bytes", v->name, (unsigned long long)v->bytes);
    if (!buffer)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "alloc of back end '%s' succeeded and gave nothing", o->backend->name);
    p->buffer = buffer;
    return v->role == ASSAY_ROLE_OUTPUT ? ASSAY_OK : upload(o, value, given, err);
}

static void bind(struct assay_once *o, int32_t value)
{
    struct assay_binding *b = &o->binding[o->n_bindings++];
    *b = (struct assay_binding){.value = (uint32_t)value, .valid_rows = ASSAY_ALL_ROWS};
    b->buffer = o->place[value].buffer;
    b->host = o->place[value].host;
}

static enum assay_code compile(struct assay_once *o, struct assay_error *err)
{
    struct assay_rank_class rank = {.size = sizeof rank, .graph = o->graph, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank,
                                   .fixed = o->binding, .n_fixed = o->n_fixed, .binding_stride = sizeof *o->binding};
    struct assay_program   *program = NULL;
    if (told(o, o->backend->compile(o->session, &how, &program, err), "compile", err))
        return err->code;
    if (!program)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "compile of back end '%s' succeeded and gave nothing", o->backend->name);
    o->program = program;
    return ASSAY_OK;
}

static enum assay_code make(struct assay_once *o, const void *const *given, struct assay_error *err)
{
    const struct assay_graph *g = o->graph;
    uint64_t                  largest = 1;
    o->place = calloc((size_t)g->n_values + 1, sizeof *o->place);
    o->binding = calloc((size_t)g->n_values + 1, sizeof *o->binding);
    if (!o->place || !o->binding)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the bindings of %u values", g->n_values);
    for (uint32_t v = 0; v < g->n_values; v++) {
        o->place[v].of = (int32_t)v;
        if (!is_bound(&g->values[v]))
            continue;
        largest = g->values[v].bytes > largest ? g->values[v].bytes : largest;
        if (place(o, (int32_t)v, given[v], err))
            return err->code;
    }
    if (!(o->stage = malloc((size_t)largest)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an output of %llu bytes", (unsigned long long)largest);
    for (int fixed = 1; fixed >= 0; fixed--) {
        for (uint32_t v = 0; v < g->n_values; v++)
            if (is_bound(&g->values[v]) && (g->values[v].role == ASSAY_ROLE_PARAM && !is_taken(g, (int32_t)v)) == (fixed == 1))
                bind(o, (int32_t)v);
        o->n_fixed = fixed ? o->n_bindings : o->n_fixed;
    }
    return compile(o, err);
}

enum assay_code assay_once_new(const struct assay_backend *backend, struct assay_session *session, const struct assay_graph *graph,
                               const void *const *given, struct assay_once **out, struct assay_error *err)
{
    struct assay_once *o = calloc(1, sizeof *o);
    if (!o)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to execute a graph");
    *o = (struct assay_once){.backend = backend, .session = session, .graph = graph};
    if (make(o, given, err)) {
        assay_once_free(o);
        return err->code;
    }
    *out = o;
    return ASSAY_OK;
}

void assay_once_free(struct assay_once *o)
{
    if (!o)
        return;
    if (o->program)
        o->backend->discard(o->session, o->program);
    for (uint32_t v = 0; o->place && v < o->graph->n_values; v++) {
        if (o->place[v].buffer && o->place[v].of == (int32_t)v)
            o->backend->release(o->session, o->place[v].buffer);
        free(o->place[v].host);
    }
    free(o->place);
    free(o->binding);
    free(o->stage);
    free(o);
}

enum assay_code assay_once_give(struct assay_once *o, int32_t value, const void *bytes, struct assay_error *err)
{
    const struct assay_value *v = &o->graph->values[value];
    if (v->role != ASSAY_ROLE_CONTROL)
        return upload(o, value, bytes, err);
    memcpy(o->place[value].host, bytes, (size_t)v->bytes);
    return ASSAY_OK;
}

static uint64_t key_of(const struct assay_once *o, uint32_t value)
{
    return o->poison_key + ((uint64_t)value << 8);
}

static enum assay_code execute(struct assay_once *o, struct assay_error *err)
{
    struct assay_launch launch = {.size = sizeof launch, .program = o->program, .bindings = o->binding + o->n_fixed,
                                  .n_bindings = o->n_bindings - o->n_fixed, .binding_stride = sizeof *o->binding};
    struct assay_event *event = NULL;
    struct assay_span   span = {.size = sizeof span};
    size_t              done = 0;
    if (told(o, o->backend->execute(o->session, &launch, &event, err), "execute", err))
        return err->code;
    if (!event)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "execute of back end '%s' succeeded and gave nothing", o->backend->name);
    enum assay_code code = told(o, o->backend->poll(o->session, &event, 1, ASSAY_WAIT_FOREVER, &done, &span, err), "poll", err);
    o->backend->forget(o->session, event);
    return code;
}

static bool is_written(const struct assay_value *v)
{
    return v->role == ASSAY_ROLE_OUTPUT && v->alias_of == ASSAY_NO_VALUE && v->bytes;
}

enum assay_code assay_once_run(struct assay_once *o, struct assay_error *err)
{
    const struct assay_graph *g = o->graph;
    o->poison_key = assay_random_entropy(); /* no device may foresee it */
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (!is_written(&g->values[v]))
            continue;
        assay_poison_fill(g->values[v].dtype, key_of(o, v), (size_t)g->values[v].elements, o->stage);
        if (upload(o, (int32_t)v, o->stage, err))
            return err->code;
    }
    if (execute(o, err))
        return err->code;
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *x = &g->values[v];
        if (!is_written(x) || !assay_dtype_is_float(x->dtype) || x->bytes < 8)
            continue;
        if (assay_once_get(o, (int32_t)v, o->stage, err))
            return err->code;
        if (assay_poison_count(x->dtype, key_of(o, v), (size_t)x->elements, o->stage) == x->elements)
            return ASSAY_FAIL(err, ASSAY_DEVICE, "output '%.60s' was not written: all of it holds what was there before", x->name);
    }
    return ASSAY_OK;
}

enum assay_code assay_once_get(const struct assay_once *o, int32_t value, void *to, struct assay_error *err)
{
    const struct assay_value *v = &o->graph->values[value];
    if (v->bytes && told(o, o->backend->download(o->session, o->place[value].buffer, 0, to, v->bytes, err), "download", err))
        return assay_error_in(err, "downloading '%.48s'", v->name);
    return ASSAY_OK;
}
