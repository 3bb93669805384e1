/* Rows in float: what ops do along an axis when they are written as plain loops, with every sum by the unit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/ops.h"
#include "harness/verify/faults/paper.h"

#include "assay/banned.h"

struct rows {
    const struct assay_paper  *paper;
    const struct assay_graph  *graph;
    const struct assay_node   *node;
    const double *const       *in;
    double                    *out;
    size_t                     outer, length, inner; /* of the axis */
    double                    *ones, *row;           /* length each */
};

static float total(const struct rows *r, const double *x, size_t step)
{
    return (float)assay_unit_dot(&r->paper->unit, r->length, x, step, r->ones, 1, 0);
}

static void cut(struct rows *r, const struct assay_value *v, size_t axis)
{
    r->outer = r->inner = 1;
    for (size_t d = 0; d < axis; d++)
        r->outer *= (size_t)v->dims[d];
    for (size_t d = axis + 1; d < (size_t)v->rank; d++)
        r->inner *= (size_t)v->dims[d];
    r->length = (size_t)v->dims[axis];
}

/* ---- sums and means ------------------------------------------------------------------------------------------ */

static bool sum_rows(const struct rows *r, bool mean)
{
    for (size_t i = 0; i < r->outer * r->inner; i++) {
        const double *x = r->in[0] + i / r->inner * r->length * r->inner + i % r->inner;
        float         sum = total(r, x, r->inner);
        r->out[i] = mean ? (double)(sum / (float)r->length) : (double)sum;
    }
    return true;
}

/* ---- softmax ------------------------------------------------------------------------------------------------- */

static bool softmax(const struct rows *r)
{
    for (size_t i = 0; i < r->outer; i++) {
        const double *x = r->in[0] + i * r->length;
        float         most = (float)x[0];
        for (size_t k = 1; k < r->length; k++)
            most = fmaxf(most, (float)x[k]);
        for (size_t k = 0; k < r->length; k++)
            r->row[k] = (double)expf((float)x[k] - most);
        float sum = total(r, r->row, 1);
        for (size_t k = 0; k < r->length; k++)
            r->out[i * r->length + k] = (double)((float)r->row[k] / sum);
    }
    return true;
}

/* ---- norms --------------------------------------------------------------------------------------------------- */

static float variance_of(const struct rows *r, const double *x, float mean)
{
    float n = (float)r->length;
    for (size_t k = 0; k < r->length; k++) {
        float apart = r->paper->one_pass ? (float)x[k] : (float)x[k] - mean;
        r->row[k] = (double)(apart * apart);
    }
    float squares = total(r, r->row, 1) / n;
    return r->paper->one_pass ? fmaxf(0, squares - mean * mean) : squares;
}

/* With the mean taken away (LayerNormalization), or without (RMSNormalization). */
static bool norm(const struct rows *r, bool centred)
{
    const double *scale = r->in[1], *bias = r->node->n_inputs > 2 ? r->in[2] : NULL;
    float         epsilon = (float)assay_node_f64(r->node, "epsilon", 1e-5);
    for (size_t i = 0; i < r->outer; i++) {
        const double *x = r->in[0] + i * r->length;
        float         mean = centred ? total(r, x, 1) / (float)r->length : 0;
        float         inverse = 1 / sqrtf(variance_of(r, x, mean) + epsilon);
        for (size_t k = 0; k < r->length; k++) {
            float y = ((float)x[k] - mean) * inverse * (float)scale[k];
            r->out[i * r->length + k] = (double)(bias ? y + (float)bias[k] : y);
        }
    }
    return true;
}

/* ---- entry --------------------------------------------------------------------------------------------------- */

static size_t axis_of(const struct assay_graph *g, const struct assay_node *node)
{
    const struct assay_value *x = &g->values[node->inputs[0]];
    if (node->n_inputs == 2 && g->values[node->inputs[1]].data) /* of reductions */
        return (size_t)*(const int64_t *)g->values[node->inputs[1]].data;
    return (size_t)x->rank - 1;
}

static bool dispatch(const struct rows *r, const char *op)
{
    if (!strcmp(op, "ReduceSum") || !strcmp(op, "ReduceMean"))
        return sum_rows(r, !strcmp(op, "ReduceMean"));
    if (r->inner != 1)
        return false;
    if (!strcmp(op, "Softmax") && assay_node_i64(r->node, "axis", 0) == r->graph->values[r->node->inputs[0]].rank - 1)
        return softmax(r);
    if (!strcmp(op, "LayerNormalization") || !strcmp(op, "RMSNormalization"))
        return norm(r, !strcmp(op, "LayerNormalization"));
    return false;
}

bool assay_paper_rows(const struct assay_paper *paper, const struct assay_graph *g, const struct assay_node *node,
                      const double *const *in, double *out)
{
    const struct assay_value *x = &g->values[node->inputs[0]];
    struct rows               r = {.paper = paper, .graph = g, .node = node, .in = in, .out = out};
    if (x->rank < 1 || !assay_unit_takes(&paper->unit, ASSAY_F32))
        return false;
    cut(&r, x, axis_of(g, node));
    r.ones = malloc((r.length + 1) * sizeof *r.ones);
    r.row = malloc((r.length + 1) * sizeof *r.row);
    for (size_t k = 0; r.ones && k < r.length; k++)
        r.ones[k] = 1;
    bool done = r.ones && r.row && dispatch(&r, node->op->name);
    free(r.ones);
    free(r.row);
    return done;
}
