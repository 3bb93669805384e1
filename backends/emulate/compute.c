#include "compute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/parallel.h"
#include "harness/ir/graph.h"
#include "reference/arithmetic.h"
#include "reference/dense.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define WIDEST_BYTES 8         /* of an element as it is stored */
#define GRAIN ((size_t)1 << 15) /* elements of a conversion to a piece of work */

struct emulate_work {
    const struct assay_graph   *graph;
    struct assay_matrix_unit    unit;
    struct assay_ref_multiplier multiplier;
    double                    **held;    /* a value, while somebody is still to read it */
    uint32_t                   *readers; /* nodes that are still to read it, and 1 more for an output */
    int64_t                    *index;   /* 0, 1, 2 … as many as the largest value has elements */
    double                     *unread;  /* bounds that nobody asked for */
    unsigned char              *bytes;   /* the largest value as it is stored */
};

bool emulate_multiplies(const char *domain, const char *op)
{
    static const char *const names[] = {"MatMul", "MatMulInteger", "Gemm", "Conv", "Attention", "assay.ConvInputGrad",
                                        "assay.ConvWeightGrad", "assay.GroupedMatMul", "assay.GroupedMatMulWeightGrad"};
    char name[96];
    (void)snprintf(name, sizeof name, "%s%s%s", domain, *domain ? "." : "", op);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static void multiply(const void *self, const struct assay_ref_dense *d)
{
    const struct emulate_work *w = self;
    struct assay_unit_tile     t = {.rows = (size_t)d->rows, .columns = (size_t)d->columns, .terms = (size_t)d->terms, .x = d->x,
                                    .y = d->y, .x_row = (size_t)d->x_row, .y_term = d->y_term ? (size_t)d->y_term : 1,
                                    .y_column = (size_t)d->y_row, .value = d->value, .step = (size_t)d->step};
    assay_unit_tiles(&w->unit, &t);
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

static uint64_t most_elements(const struct assay_graph *g)
{
    uint64_t most = 1;
    for (uint32_t v = 0; v < g->n_values; v++)
        most = g->values[v].elements > most ? g->values[v].elements : most;
    return most;
}

void emulate_work_free(struct emulate_work *w)
{
    if (!w)
        return;
    for (uint32_t v = 0; w->held && v < w->graph->n_values; v++)
        free(w->held[v]);
    free(w->held);
    free(w->readers);
    free(w->index);
    free(w->unread);
    free(w->bytes);
    free(w);
}

enum assay_code emulate_work_new(const struct assay_graph *g, const struct assay_matrix_unit *unit, struct emulate_work **out,
                                 struct assay_error *err)
{
    struct emulate_work *w = calloc(1, sizeof *w);
    size_t               most = (size_t)most_elements(g);
    if (w && most < SIZE_MAX / 16) {
        *w = (struct emulate_work){.graph = g, .unit = *unit, .multiplier = {multiply, w}};
        w->held = calloc((size_t)g->n_values + 1, sizeof *w->held);
        w->readers = calloc((size_t)g->n_values + 1, sizeof *w->readers);
        w->index = malloc(most * sizeof *w->index);
        w->unread = malloc(most * sizeof *w->unread);
        w->bytes = malloc(most * WIDEST_BYTES);
    }
    if (!w || !w->held || !w->readers || !w->index || !w->unread || !w->bytes) {
        emulate_work_free(w);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to emulate values of %zu elements", most);
    }
    for (size_t i = 0; i < most; i++)
        w->index[i] = (int64_t)i;
    *out = w;
    return ASSAY_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

struct conversion {
    enum assay_dtype     dtype;
    double              *numbers;
    const unsigned char *from;
    unsigned char       *to;
    bool                 read_on; /* somebody reads the numbers as they were rounded */
};

/* Pieces begin at multiples of GRAIN elements, so that packed ones are cut at bytes. */
static void read_piece(void *self, size_t begin, size_t end)
{
    const struct conversion *c = self;
    assay_to_double(c->dtype, c->from + assay_dtype_bytes(c->dtype, begin), end - begin, c->numbers + begin);
}

static void round_piece(void *self, size_t begin, size_t end)
{
    const struct conversion *c = self;
    unsigned char           *to = c->to + assay_dtype_bytes(c->dtype, begin);
    assay_from_double(c->dtype, c->numbers + begin, end - begin, to);
    if (c->read_on)
        assay_to_double(c->dtype, to, end - begin, c->numbers + begin);
}

static enum assay_code hold(struct emulate_work *w, int32_t value, struct assay_error *err)
{
    const struct assay_value *v = &w->graph->values[value];
    w->held[value] = malloc(((size_t)v->elements + 1) * sizeof(double));
    return w->held[value] ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%s' in double", v->name);
}

static void count_readers(struct emulate_work *w)
{
    const struct assay_graph *g = w->graph;
    for (uint32_t v = 0; v < g->n_values; v++) {
        free(w->held[v]);
        w->held[v] = NULL;
        w->readers[v] = 0;
    }
    for (uint32_t n = 0; n < g->n_nodes; n++)
        for (uint32_t i = 0; i < g->nodes[n].n_inputs; i++)
            if (g->nodes[n].inputs[i] != ASSAY_NO_VALUE)
                w->readers[g->nodes[n].inputs[i]]++;
}

static enum assay_code read_inputs(struct emulate_work *w, const struct assay_node *node, const void *const *bound,
                                   struct assay_error *err)
{
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        int32_t                   value = node->inputs[i];
        const struct assay_value *v = value == ASSAY_NO_VALUE ? NULL : &w->graph->values[value];
        if (!v || w->held[value])
            continue;
        struct conversion c = {.dtype = v->dtype, .from = v->data ? v->data : bound[value]};
        if (hold(w, value, err))
            return err->code;
        c.numbers = w->held[value];
        assay_parallel_for((size_t)v->elements, GRAIN, read_piece, &c);
    }
    return ASSAY_OK;
}

static void forget_inputs(struct emulate_work *w, const struct assay_node *node)
{
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        int32_t value = node->inputs[i];
        if (value != ASSAY_NO_VALUE && !--w->readers[value]) {
            free(w->held[value]);
            w->held[value] = NULL;
        }
    }
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static void describe(const struct emulate_work *w, int32_t value, struct assay_ref_tensor *t)
{
    if (value == ASSAY_NO_VALUE)
        return;
    const struct assay_value *v = &w->graph->values[value];
    *t = (struct assay_ref_tensor){.dtype = v->dtype, .rank = v->rank, .elements = v->elements, .value = w->held[value]};
    memcpy(t->dims, v->dims, sizeof t->dims);
}

/* Output number `output` of the node, rounded to its format, in double and as bytes. */
static enum assay_code compute_output(struct emulate_work *w, const struct assay_ref_call *like, uint32_t output,
                                      struct assay_error *err)
{
    int32_t                    value = like->node->outputs[output];
    const struct assay_value  *v = &w->graph->values[value];
    const struct assay_number_format *format = assay_format_of(v->dtype);
    struct assay_ref_call      call = *like;
    call.output = output;
    call.arithmetic.store = format ? format->unit_roundoff : 0;
    call.arithmetic.store_tiny = format ? format->smallest_normal : 0;
    if (hold(w, value, err) || assay_reference_of(call.node->op)->at(&call, (size_t)v->elements, w->index, w->held[value],
                                                                         w->unread, err))
        return assay_error_in(err, "emulating %s '%s'", call.node->op->name, call.node->name);
    struct conversion c = {.dtype = v->dtype, .numbers = w->held[value], .to = w->bytes,
                           .read_on = w->readers[value] > 0 || call.node->n_outputs > 1};
    assay_parallel_for((size_t)v->elements, GRAIN, round_piece, &c);
    return ASSAY_OK;
}

struct sink {
    void (*put)(void *self, int32_t value, const void *bytes);
    void *self;
};

static enum assay_code compute_node(struct emulate_work *w, const struct assay_node *node, const struct sink *sink,
                                    struct assay_error *err)
{
    const struct assay_graph *g = w->graph;
    struct assay_ref_tensor  *tensors = calloc((size_t)node->n_inputs + node->n_outputs + 1, sizeof *tensors);
    if (!tensors)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a call of %s", node->op->name);
    struct assay_ref_call call = {.graph = g, .node = node, .in = tensors, .out = tensors + node->n_inputs,
                                  .arithmetic = assay_arithmetic_required(g, node), .values_only = true};
    if (emulate_multiplies(node->op->domain, node->op->name))
        call.multiplier = &w->multiplier;
    for (uint32_t i = 0; i < node->n_inputs; i++)
        describe(w, node->inputs[i], &tensors[i]);
    for (uint32_t o = 0; o < node->n_outputs; o++)
        describe(w, node->outputs[o], &tensors[node->n_inputs + o]);
    for (uint32_t o = 0; !err->code && o < node->n_outputs; o++) {
        int32_t value = node->outputs[o];
        if (value == ASSAY_NO_VALUE || compute_output(w, &call, o, err))
            continue;
        tensors[node->n_inputs + o].value = w->held[value]; /* a later output may look at it */
        if (g->values[value].role == ASSAY_ROLE_OUTPUT)
            sink->put(sink->self, value, w->bytes);
    }
    free(tensors);
    return err->code;
}

/* Outputs that no node reads. */
static void forget_outputs(struct emulate_work *w, const struct assay_node *node)
{
    for (uint32_t o = 0; o < node->n_outputs; o++) {
        int32_t value = node->outputs[o];
        if (value != ASSAY_NO_VALUE && !w->readers[value]) {
            free(w->held[value]);
            w->held[value] = NULL;
        }
    }
}

enum assay_code emulate_compute(struct emulate_work *w, const void *const *bound,
                                void (*put)(void *self, int32_t value, const void *bytes), void *self, struct assay_error *err)
{
    const struct sink sink = {put, self};
    count_readers(w);
    for (uint32_t n = 0; n < w->graph->n_nodes; n++) {
        const struct assay_node *node = &w->graph->nodes[n];
        if (read_inputs(w, node, bound, err) || compute_node(w, node, &sink, err))
            return err->code;
        forget_inputs(w, node);
        forget_outputs(w, node);
    }
    return ASSAY_OK;
}
