/* A whole model of each family: its gradient along its own signs against central differences of its loss, all in double. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/tests/source.h"
#include "harness/ir/ops.h"
#include "harness/plan/plan.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

static int32_t gradient_of(const struct assay_graph *g, int32_t param)
{
    for (uint32_t k = 0; k < g->n_nodes; k++) {
        const struct assay_node *node = &g->nodes[k];
        bool                     is_step = !strcmp(node->op->name, "Sgd") || !strcmp(node->op->name, "AdamW");
        for (uint32_t i = 0; is_step && i + 1 < node->n_inputs; i++)
            if (node->inputs[i] == param)
                return node->inputs[i + 1];
    }
    return ASSAY_NO_VALUE;
}

struct model {
    struct assay_graph *g;
    void              **data;  /* what is bound */
    float             **point; /* of params: where the derivative is taken */
    int32_t            *grad;  /* of params that have one */
};

static void make(struct model *m, const char *name)
{
    struct assay_case  c;
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert(!assay_case_parse(name, &c, &err) && !assay_case_graph(&c, &m->g, &err), "%s: %s", name, err.message);
    assay_case_release(&c);
    size_t n = m->g->n_values;
    m->data = calloc(n, sizeof *m->data);
    m->point = calloc(n, sizeof *m->point);
    m->grad = malloc(n * sizeof *m->grad);
    for (uint32_t v = 0; v < n; v++) {
        struct assay_value *x = &m->g->values[v];
        m->grad[v] = ASSAY_NO_VALUE;
        if (x->producer >= 0 || x->role == ASSAY_ROLE_CONST)
            continue;
        m->data[v] = malloc(x->bytes + 1);
        cr_assert(!assay_fill_value(m->g, (int32_t)v, 5, 0, m->data[v], &err), "%s", err.message);
        if (x->role != ASSAY_ROLE_PARAM || (m->grad[v] = gradient_of(m->g, (int32_t)v)) == ASSAY_NO_VALUE)
            continue;
        m->g->values[m->grad[v]].role = ASSAY_ROLE_OUTPUT; /* so that it is kept */
        m->point[v] = malloc(x->bytes + 1);
        memcpy(m->point[v], m->data[v], x->bytes);
    }
}

static void release(struct model *m)
{
    for (uint32_t v = 0; v < m->g->n_values; v++) {
        free(m->data[v]);
        free(m->point[v]);
    }
    free(m->data);
    free(m->point);
    free(m->grad);
    assay_graph_free(m->g);
}

/* Everything of a value, in double. */
static void evaluate(const struct model *m, struct assay_reference **r)
{
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_reference_new_with(m->g, (const void *const *)m->data, ASSAY_BOUNDS_NONE, r, &err), ASSAY_OK, "%s", err.message);
}

static double *all_of(const struct model *m, struct assay_reference *r, int32_t value)
{
    struct assay_error err = {.code = ASSAY_OK};
    size_t             n = (size_t)m->g->values[value].elements;
    int64_t           *index = malloc((n + 1) * sizeof *index);
    double            *x = malloc((n + 1) * sizeof *x), *bound = malloc((n + 1) * sizeof *bound);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i;
    cr_assert_eq(assay_reference_at(r, value, n, index, x, bound, &err), ASSAY_OK, "%s", err.message);
    free(index);
    free(bound);
    return x;
}

static double loss_of(const struct model *m)
{
    struct assay_reference *r;
    evaluate(m, &r);
    double *x = all_of(m, r, assay_graph_find(m->g, "loss")), loss = x[0];
    free(x);
    assay_reference_free(r);
    return loss;
}

/* Params at point + h * direction, as floats are; the direction is the gradient's sign in each element, along which the loss
 * changes most. */
static void move(const struct model *m, double *const *grad, double h)
{
    for (uint32_t v = 0; v < m->g->n_values; v++)
        for (uint64_t i = 0; m->point[v] && i < m->g->values[v].elements; i++)
            ((float *)m->data[v])[i] = (float)(m->point[v][i] + (grad[v][i] < 0 ? -h : h));
}

/* Difference of the losses at both ends of a step, and what the gradient says of it for the step as floats made it. */
static double miss(const struct model *m, double *const *grad, double h, double *size)
{
    double **there = calloc(m->g->n_values, sizeof *there), predicted = 0;
    move(m, grad, h);
    double high = loss_of(m);
    for (uint32_t v = 0; v < m->g->n_values; v++) {
        size_t n = (size_t)m->g->values[v].elements;
        if (!m->point[v])
            continue;
        there[v] = malloc((n + 1) * sizeof(double));
        for (size_t i = 0; i < n; i++)
            there[v][i] = ((float *)m->data[v])[i];
    }
    move(m, grad, -h);
    double low = loss_of(m);
    for (uint32_t v = 0; v < m->g->n_values; v++) {
        for (uint64_t i = 0; m->point[v] && i < m->g->values[v].elements; i++)
            predicted += grad[v][i] * (there[v][i] - ((float *)m->data[v])[i]);
        free(there[v]);
    }
    free(there);
    *size = fabs(predicted);
    return high - low - predicted;
}

/* The miss of a step of 2h is eight times that of h where the loss is smooth (its third derivative), at least twice where
 * kinks are crossed; so that of h may be half of it, and roundings of the losses. */
static void check(const char *name)
{
    struct model            m;
    struct assay_reference *r;
    double                **grad, size, h = 0x1p-20;
    make(&m, name);
    grad = calloc(m.g->n_values, sizeof *grad);
    evaluate(&m, &r);
    for (uint32_t v = 0; v < m.g->n_values; v++)
        if (m.point[v])
            grad[v] = all_of(&m, r, m.grad[v]);
    assay_reference_free(r);
    double far = miss(&m, grad, 4 * h, &size), near = miss(&m, grad, h, &size);
    double room = fabs(far) / 2 + 1024 * DBL_EPSILON * 10;
    cr_expect(size > 1e-6, "%s: the loss hardly changes: %.3g", name, size);
    cr_expect(fabs(near) <= room, "%s: differences and gradient are %.3g apart, %.3g at four times the step, of %.3g", name, near, far, size);
    cr_expect(fabs(near) <= 0.01 * size, "%s: %.3g apart of %.3g", name, near, size); /* finer faults are test_pins.c's */
    for (uint32_t v = 0; v < m.g->n_values; v++)
        free(grad[v]);
    free(grad);
    release(&m);
}

Test(model_gradients, of_every_family_agree_with_central_differences, .init = find_source, .timeout = 120)
{
    check("resnet50.train/batch=8,classes=10,image=64,width=2"); /* fewer elements to a batch norm's statistics are ill-conditioned */
    check("bert.train/batch=2,size=tiny,tokens=12");
    check("decoder.train/batch=2,model=tiny-dense,tokens=10");
    check("decoder.train/batch=2,model=tiny-moe,tokens=10");
    check("decoder.train/batch=2,model=tiny-mla,tokens=10");
    check("dlrm.train/batch=4,most_rows=5");
}

Test(model_gradients, are_the_same_when_the_forward_half_is_made_again, .init = find_source, .timeout = 120)
{
    check("decoder.train/batch=2,model=tiny-dense,tokens=10,recompute=full");
    check("bert.train/batch=2,size=tiny,tokens=12,recompute=selective");
}
