#include "harness/run/vector_run.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/load/told.h"
#include "harness/run/loader.h"
#include "harness/verify/vector.h"
#include "suites/data/poison.h"

#include "assay/banned.h"

#define POISON_KEY 0x766563746f72u

/* One case on the device. */
struct execution {
    const struct assay_opened *opened;
    const struct assay_vector *vector;
    struct assay_buffer       *buffer[2 * ASSAY_VECTOR_TENSORS_MOST];
    struct assay_binding       binding[2 * ASSAY_VECTOR_TENSORS_MOST];
    size_t                     n;
    void                      *got[ASSAY_VECTOR_TENSORS_MOST];
    struct assay_program      *program;
};

static enum assay_code told(const struct execution *x, enum assay_code code, const char *call, struct assay_error *err)
{
    return assay_backend_told(x->opened->backend, code, call, err);
}

/* A buffer that holds `bytes` and stands for a value. */
static enum assay_code bind(struct execution *x, int32_t value, const void *bytes, uint64_t n, struct assay_error *err)
{
    const struct assay_backend *b = x->opened->backend;
    struct assay_session       *s = x->opened->session;
    struct assay_alloc          how = {sizeof how, ASSAY_PLACE_DEVICE, n ? n : 1, 64};
    struct assay_buffer        *buffer = NULL;
    if (told(x, b->alloc(s, &how, &buffer, err), "alloc", err))
        return err->code;
    x->buffer[x->n] = buffer;
    x->binding[x->n++] = (struct assay_binding){.value = (uint32_t)value, .buffer = buffer, .valid_rows = ASSAY_ALL_ROWS};
    return n ? told(x, b->upload(s, buffer, 0, bytes, n, err), "upload", err) : ASSAY_OK;
}

static enum assay_code bind_all(struct execution *x, struct assay_error *err)
{
    const struct assay_vector *v = x->vector;
    for (size_t i = 0; i < v->n_in; i++)
        if (v->input[i] != ASSAY_NO_VALUE && bind(x, v->input[i], v->in[i].data, v->in[i].bytes, err))
            return err->code;
    for (size_t o = 0; o < v->n_out; o++) {
        const struct assay_value *out = assay_graph_value(v->graph, v->output[o]);
        x->got[o] = malloc(out->bytes + 1);
        if (!x->got[o])
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for output '%.60s'", out->name);
        assay_poison_fill(out->dtype, POISON_KEY + o, (size_t)out->elements, x->got[o]);
        if (bind(x, v->output[o], x->got[o], out->bytes, err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code compile(struct execution *x, struct assay_error *err)
{
    struct assay_rank_class rank = {.size = sizeof rank, .graph = x->vector->graph, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank,
                                   .binding_stride = sizeof *x->binding};
    return told(x, x->opened->backend->compile(x->opened->session, &how, &x->program, err), "compile", err);
}

static enum assay_code execute(struct execution *x, struct assay_error *err)
{
    const struct assay_backend *b = x->opened->backend;
    struct assay_session       *s = x->opened->session;
    struct assay_launch launch = {.size = sizeof launch, .program = x->program, .bindings = x->binding, .n_bindings = x->n,
                                  .binding_stride = sizeof *x->binding};
    struct assay_event *event = NULL;
    struct assay_span   span = {.size = sizeof span};
    size_t              done;
    if (told(x, b->execute(s, &launch, &event, err), "execute", err))
        return err->code;
    enum assay_code code = told(x, b->poll(s, (struct assay_event *const[]){event}, 1, ASSAY_WAIT_FOREVER, &done, &span, err), "poll", err);
    b->forget(s, event);
    for (size_t o = 0; !code && o < x->vector->n_out; o++) {
        const struct assay_value *out = assay_graph_value(x->vector->graph, x->vector->output[o]);
        struct assay_buffer      *from = x->buffer[x->n - x->vector->n_out + o];
        if (out->bytes)
            code = told(x, b->download(s, from, 0, x->got[o], out->bytes, err), "download", err);
    }
    return code;
}

static void release(struct execution *x)
{
    const struct assay_backend *b = x->opened->backend;
    if (x->program)
        b->discard(x->opened->session, x->program);
    for (size_t i = 0; i < x->n; i++)
        if (x->buffer[i])
            b->release(x->opened->session, x->buffer[i]);
    for (size_t o = 0; o < x->vector->n_out; o++)
        free(x->got[o]);
}

static bool accepts(const struct assay_opened *opened, const struct assay_graph *g, struct assay_text *why_not)
{
    bool values = opened->device.traits & ASSAY_TRAIT_VALUES;
    if (!values)
        assay_text_add(why_not, "the device computes no values");
    for (uint32_t i = 0; values && i < g->n_nodes; i++)
        if (!opened->backend->accepts(opened->session, g, i, why_not))
            return false;
    return values;
}

static enum assay_vector_outcome run_read(const struct assay_opened *opened, const struct assay_vector *v, struct assay_text *why)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct execution   x = {.opened = opened, .vector = v};
    if (!accepts(opened, v->graph, why))
        return ASSAY_VECTOR_NOT_RUN;
    if (!bind_all(&x, &err) && !compile(&x, &err) && !execute(&x, &err))
        (void)assay_vector_check(v, (const void *const *)x.got, &err);
    release(&x);
    if (!err.code)
        return ASSAY_VECTOR_PASSED;
    assay_text_add(why, "%s", err.message);
    return ASSAY_VECTOR_FAILED;
}

static json_t *run_one(const struct assay_opened *opened, const char *folder, unsigned set)
{
    struct assay_vector       *v = calloc(1, sizeof *v);
    struct assay_error         err = {.code = ASSAY_OK};
    char                       reason[256];
    struct assay_text          why = ASSAY_TEXT(reason);
    enum assay_vector_outcome  outcome = ASSAY_VECTOR_NOT_RUN;
    if (!v)
        return NULL;
    *reason = 0;
    if (assay_vector_read(folder, set, v, &err))
        assay_text_add(&why, "%s", err.message);
    else
        outcome = run_read(opened, v, &why);
    json_t *result = json_pack("{s:i, s:o, s:o}", "outcome", (int)outcome, "op", assay_json_string(v->op), "why", assay_json_string(reason));
    assay_vector_release(v);
    free(v);
    return result;
}

enum assay_code assay_vector_run(const char *backend, const json_t *cases, json_t **out, struct assay_error *err)
{
    struct assay_opened opened;
    if (assay_backend_open(backend, NULL, &opened, err))
        return err->code;
    json_t *results = json_array();
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char   *folder = json_string_value(json_object_get(c, "folder"));
        (void)json_array_append_new(results, run_one(&opened, folder ? folder : "", (unsigned)json_integer_value(json_object_get(c, "set"))));
    }
    assay_backend_close(&opened);
    *out = results;
    return ASSAY_OK;
}
