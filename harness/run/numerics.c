#include "harness/run/numerics.h"

#include <stdlib.h>
#include <string.h>

#include "harness/ir/graph.h"
#include "harness/load/told.h"
#include "harness/run/loader.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

enum { T = ASSAY_NUMERICS_TILE, PROGRAMS = 16, VALUES = 3 };

/* What may be asked for as a product of a type: the first that the device takes is. Of 8-bit integers u8 by i8 comes first: it is what
 * quantized layers are multiplied as, and what instructions of some processors saturate in. */
struct question {
    enum assay_dtype asked, a, b, c;
    const char      *op;
};
static const struct question questions[] = {
    {ASSAY_I8, ASSAY_U8, ASSAY_I8, ASSAY_I32, "MatMulInteger"}, {ASSAY_I8, ASSAY_I8, ASSAY_I8, ASSAY_I32, "MatMulInteger"},
    {ASSAY_I8, ASSAY_I32, ASSAY_I32, ASSAY_I32, "MatMul"},      {ASSAY_F32, ASSAY_F32, ASSAY_F32, ASSAY_F32, "MatMul"},
    {ASSAY_BF16, ASSAY_BF16, ASSAY_BF16, ASSAY_BF16, "MatMul"}, {ASSAY_F16, ASSAY_F16, ASSAY_F16, ASSAY_F16, "MatMul"},
};

/* A product of [T, terms] and [terms, T], compiled, and where its values are. */
struct product {
    size_t                terms;
    struct assay_graph   *graph;
    struct assay_program *program;
    struct assay_buffer  *buffer[VALUES]; /* a, b, c */
};

struct asking {
    struct assay_opened opened;
    struct question     question;
    struct product      product[PROGRAMS];
    size_t              n;
};

static void release(const struct asking *s, struct product *p)
{
    if (p->program)
        s->opened.backend->discard(s->opened.session, p->program);
    for (int v = 0; v < VALUES; v++)
        if (p->buffer[v])
            s->opened.backend->release(s->opened.session, p->buffer[v]);
    assay_graph_free(p->graph);
}

static struct assay_graph *graph_of(const struct question *q, size_t terms, struct assay_error *err)
{
    struct assay_graph *g = assay_graph_new("numerics");
    const int64_t       a_dims[] = {T, (int64_t)terms}, b_dims[] = {(int64_t)terms, T};
    if (!g) {
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph");
        return NULL;
    }
    int32_t in[2] = {assay_graph_input(g, "A", q->a, 2, a_dims, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "B", q->b, 2, b_dims, ASSAY_FILL_SIGNED)};
    assay_graph_output(g, assay_graph_op(g, q->op, "C", in, 2, NULL));
    if (!assay_graph_finish(g, err))
        return g;
    assay_graph_free(g);
    return NULL;
}

static enum assay_code compile(struct asking *s, struct product *p, struct assay_error *err)
{
    const struct assay_backend *b = s->opened.backend;
    for (uint32_t v = 0; v < VALUES; v++) {
        struct assay_alloc how = {.size = sizeof how, .place = ASSAY_PLACE_DEVICE, .bytes = p->graph->values[v].bytes, .alignment = 64};
        if (assay_backend_told(b, b->alloc(s->opened.session, &how, &p->buffer[v], err), "alloc", err))
            return err->code;
    }
    struct assay_rank_class only = {.size = sizeof only, .graph = p->graph, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &only, .n_classes = 1, .class_stride = sizeof only,
                                   .binding_stride = sizeof(struct assay_binding), .axis_stride = sizeof(struct assay_mesh_axis),
                                   .micro_batches = 1};
    return assay_backend_told(b, b->compile(s->opened.session, &how, &p->program, err), "compile", err);
}

static struct product *product_of(struct asking *s, size_t terms, struct assay_error *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->product[i].terms == terms)
            return &s->product[i];
    if (s->n == PROGRAMS) {
        (void)ASSAY_FAIL(err, ASSAY_INTERNAL, "more than %d lengths of products", PROGRAMS);
        return NULL;
    }
    struct product *p = &s->product[s->n];
    *p = (struct product){.terms = terms, .graph = graph_of(&s->question, terms, err)};
    if (p->graph && !compile(s, p, err)) {
        s->n++;
        return p;
    }
    release(s, p);
    return NULL;
}

/* Converted to what the graph holds, and up. */
static enum assay_code give(const struct asking *s, const struct product *p, uint32_t value, const double *from, unsigned char *room,
                            struct assay_error *err)
{
    const struct assay_value *v = &p->graph->values[value];
    assay_from_double(v->dtype, from, (size_t)v->elements, room);
    return assay_backend_told(s->opened.backend, s->opened.backend->upload(s->opened.session, p->buffer[value], 0, room, v->bytes, err),
                              "upload", err);
}

static enum assay_code execute(const struct asking *s, const struct product *p, struct assay_error *err)
{
    const struct assay_backend *b = s->opened.backend;
    struct assay_binding        binding[VALUES];
    struct assay_event         *event = NULL;
    struct assay_span           span = {.size = sizeof span};
    size_t                      done;
    for (uint32_t v = 0; v < VALUES; v++)
        binding[v] = (struct assay_binding){.value = v, .buffer = p->buffer[v], .valid_rows = ASSAY_ALL_ROWS};
    struct assay_launch launch = {.size = sizeof launch, .program = p->program, .bindings = binding, .n_bindings = VALUES,
                                  .binding_stride = sizeof *binding};
    if (assay_backend_told(b, b->execute(s->opened.session, &launch, &event, err), "execute", err))
        return err->code;
    (void)assay_backend_told(b, b->poll(s->opened.session, &event, 1, ASSAY_WAIT_FOREVER, &done, &span, err), "poll", err);
    b->forget(s->opened.session, event);
    return err->code;
}

static enum assay_code multiply(void *self, size_t terms, const double *a, const double *b, double *c, struct assay_error *err)
{
    struct asking        *s = self;
    const struct product *p = product_of(s, terms, err);
    if (!p)
        return err->code;
    unsigned char *room = malloc((size_t)(p->graph->values[0].bytes + p->graph->values[2].bytes));
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for operands of %zu terms", terms);
    if (!give(s, p, 0, a, room, err) && !give(s, p, 1, b, room, err) && !execute(s, p, err) &&
        !assay_backend_told(s->opened.backend, s->opened.backend->download(s->opened.session, p->buffer[2], 0, room,
                                                                           p->graph->values[2].bytes, err), "download", err))
        assay_to_double(s->question.c, room, T * T, c);
    free(room);
    return err->code;
}

/* The first reason is the one that is told: what was asked for is refused by it. */
static enum assay_code choose_question(struct asking *s, enum assay_dtype dtype, struct assay_error *err)
{
    char              first[200] = "";
    struct assay_text told = ASSAY_TEXT(first);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        char                reason[200] = "";
        struct assay_text   why = ASSAY_TEXT(reason);
        struct assay_graph *g = questions[i].asked == dtype ? graph_of(&questions[i], T, err) : NULL;
        bool                takes = g && s->opened.backend->accepts(s->opened.session, g, 0, &why);
        assay_graph_free(g);
        s->question = questions[i];
        if (takes || err->code)
            return err->code;
        if (g && !told.length)
            assay_text_add(&told, "%s", reason);
    }
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "it takes no product of %s: %s", assay_dtype_name(dtype), first);
}

enum assay_code assay_run_numerics(const char *backend, enum assay_dtype dtype, uint64_t tiles, struct assay_numerics *out,
                                   struct assay_error *err)
{
    struct asking s = {.n = 0};
    if (assay_backend_open(backend, NULL, &s.opened, err))
        return err->code;
    if (!(s.opened.device.traits & ASSAY_TRAIT_VALUES))
        (void)ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "'%s' computes no values", s.opened.canonical);
    else if (!choose_question(&s, dtype, err))
        (void)assay_numerics_infer(&(struct assay_numerics_device){s.question.a, s.question.b, s.question.c, &s, multiply}, tiles, out, err);
    for (size_t i = 0; i < s.n; i++)
        release(&s, &s.product[i]);
    assay_backend_close(&s.opened);
    return err->code;
}
