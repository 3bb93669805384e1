#include "harness/verify/faults/paper.h"

#include <stdlib.h>
#include <string.h>

#include "reference/arithmetic.h"
#include "reference/dense.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

enum assay_code assay_paper_honest(struct assay_paper *out, struct assay_error *err)
{
    *out = (struct assay_paper){.one_pass = false};
    return assay_unit_find("fp32-fma", &out->unit, err);
}

static void multiply(const void *self, const struct assay_ref_dense *d)
{
    const struct assay_paper *p = self;
    struct assay_unit_tile    t = {.rows = (size_t)d->rows, .columns = (size_t)d->columns, .terms = (size_t)d->terms, .x = d->x,
                                   .y = d->y, .x_row = (size_t)d->x_row, .y_term = d->y_term ? (size_t)d->y_term : 1,
                                   .y_column = (size_t)d->y_row, .value = d->value, .step = (size_t)d->step};
    assay_unit_tiles(&p->unit, &t);
}

/* Ops of the reference that can sum by a unit. Integers by one of integers; else they are exact. */
static bool multiplies(const struct assay_op_row *op, const struct assay_matrix_unit *unit)
{
    if (!*op->domain && !strcmp(op->name, "MatMulInteger"))
        return assay_unit_takes(unit, ASSAY_I8);
    static const char *const names[] = {"MatMul", "Gemm", "Conv", "Attention"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!*op->domain && !strcmp(op->name, names[i]))
            return true;
    return false;
}

struct work {
    const struct assay_paper *paper;
    const struct assay_graph *graph;
    const struct assay_node  *node;
    struct assay_ref_multiplier multiplier;
    struct assay_ref_tensor   in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS];
    const double             *operand[ASSAY_OP_MAX_OPERANDS];
    double                   *content[ASSAY_OP_MAX_OPERANDS]; /* of consts */
    double                   *unread;
    int64_t                  *index;
};

static void describe(const struct assay_value *v, struct assay_ref_tensor *t)
{
    *t = (struct assay_ref_tensor){.dtype = v->dtype, .rank = v->rank, .elements = v->elements};
    memcpy(t->dims, v->dims, sizeof t->dims);
}

/* An input, a cast of one (exact: to a wider format), or a const. */
static enum assay_code read_operand(struct work *w, uint32_t i, const double *const *in, struct assay_error *err)
{
    int32_t                   value = w->node->inputs[i];
    const struct assay_value *v = value == ASSAY_NO_VALUE ? NULL : &w->graph->values[value];
    if (!v)
        return ASSAY_OK;
    describe(v, &w->in[i]);
    if (v->data) {
        if (!(w->content[i] = malloc((v->elements + 1) * sizeof(double))))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for const '%s'", v->name);
        assay_to_double(v->dtype, v->data, (size_t)v->elements, w->content[i]);
        w->operand[i] = w->content[i];
    } else {
        w->operand[i] = in[v->producer < 0 ? value : w->graph->nodes[v->producer].inputs[0]];
    }
    w->in[i].value = w->operand[i];
    return ASSAY_OK;
}

static enum assay_code compute_output(struct work *w, uint32_t o, double *to, struct assay_error *err)
{
    const struct assay_value *v = &w->graph->values[w->node->outputs[o]];
    struct assay_ref_call     call = {.graph = w->graph, .node = w->node, .in = w->in, .out = w->out, .output = o,
                                      .arithmetic = assay_arithmetic_required(w->graph, w->node), .values_only = true,
                                      .multiplier = multiplies(w->node->op, &w->paper->unit) ? &w->multiplier : NULL};
    if (o == 0 && assay_paper_rows(w->paper, w->graph, w->node, w->operand, to))
        return ASSAY_OK;
    return assay_reference_of(w->node->op)->at(&call, (size_t)v->elements, w->index, to, w->unread, err);
}

static enum assay_code make_room(struct work *w, struct assay_error *err)
{
    uint64_t most = 1;
    for (uint32_t o = 0; o < w->node->n_outputs; o++) {
        const struct assay_value *v = &w->graph->values[w->node->outputs[o]];
        describe(v, &w->out[o]);
        most = v->elements > most ? v->elements : most;
    }
    w->unread = malloc(most * sizeof *w->unread);
    w->index = malloc(most * sizeof *w->index);
    if (!w->unread || !w->index)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for computing '%s' on paper", w->node->name);
    for (uint64_t i = 0; i < most; i++)
        w->index[i] = (int64_t)i;
    return ASSAY_OK;
}

enum assay_code assay_paper_compute(const struct assay_paper *paper, const struct assay_graph *g, const double *const *in,
                                    double *const *out, struct assay_error *err)
{
    struct work w = {.paper = paper, .graph = g, .node = &g->nodes[g->n_nodes - 1], .multiplier = {multiply, paper}};
    enum assay_code code = make_room(&w, err);
    for (uint32_t i = 0; !code && i < w.node->n_inputs; i++)
        code = read_operand(&w, i, in, err);
    for (uint32_t o = 0; !code && o < w.node->n_outputs; o++) {
        code = compute_output(&w, o, out[o], err);
        w.out[o].value = out[o]; /* a later output may look at it */
    }
    for (uint32_t i = 0; i < ASSAY_OP_MAX_OPERANDS; i++)
        free(w.content[i]);
    free(w.unread);
    free(w.index);
    return code;
}
