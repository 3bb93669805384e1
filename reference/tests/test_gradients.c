/* Every differentiable op's gradient against central differences, both in double, on the samples of every op. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "harness/ir/gradient.h"
#include "harness/ir/tests/samples.h"
#include "harness/ir/transform/gradient.h"
#include "reference/reference.h"
#include "suites/data/fill.h"

/* loss = sum over outputs and elements of weight * output; the weights differ, so no error cancels. */
static int32_t weigh(struct assay_graph *g, const int32_t *out, int n)
{
    int32_t loss = ASSAY_NO_VALUE;
    for (int o = 0; o < n; o++) {
        struct assay_value y = *assay_graph_value(g, out[o]);
        double weights[512];
        char name[4][16];
        static const char *const stem[] = {"weight", "product", "sum", "loss"};
        if (!assay_dtype_is_float(y.dtype))
            continue;
        for (int k = 0; k < 4; k++)
            (void)snprintf(name[k], sizeof name[k], "%s%d", stem[k], o);
        cr_assert(y.elements < 512);
        for (uint64_t i = 0; i < y.elements; i++)
            weights[i] = 0.3 + fmod(0.618 * (double)(i + 1 + 7 * (uint64_t)o), 1.0);
        int32_t w = assay_graph_const(g, name[0], y.dtype, y.rank, y.dims, weights);
        int32_t p = assay_graph_op(g, "Mul", name[1], (int32_t[]){out[o], w}, 2, NULL);
        int32_t s = assay_graph_op(g, "ReduceSum", name[2], &p, 1, (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
        loss = loss == ASSAY_NO_VALUE ? s : assay_graph_op(g, "Add", name[3], (int32_t[]){loss, s}, 2, NULL);
    }
    return loss;
}

struct point {
    const struct assay_graph *g;
    const void *bound[64];
    double *data[64];
};

static double at_point(struct point *p, int32_t value, int64_t index)
{
    struct assay_reference *r;
    struct assay_error err = {0};
    double x = NAN, bound;
    cr_assert_eq(assay_reference_new(p->g, p->bound, &r, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_reference_at(r, value, 1, &index, &x, &bound, &err), ASSAY_OK, "%s", err.message);
    assay_reference_free(r);
    return x;
}

/* Differences at h and 2 h: their distance tells the truncation error (a third of it for h), and each loss carries some
 * roundings of its own size. */
static void compare(struct point *p, int32_t loss, int32_t grad, double *x, int64_t i, const struct assay_sample *s, size_t input)
{
    double was = x[i], h = 1e-5, l[4], size = 0;
    static const double step[] = {-2, -1, 1, 2};
    for (int k = 0; k < 4; k++) {
        x[i] = was + step[k] * h;
        l[k] = at_point(p, loss, 0);
        size = fmax(size, fabs(l[k]));
    }
    x[i] = was;
    double near = (l[2] - l[1]) / (2 * h), far = (l[3] - l[0]) / (4 * h), analytic = at_point(p, grad, i);
    double room = fabs(near - far) + 256 * DBL_EPSILON * (1 + size) / h;
    cr_expect(fabs(analytic - near) <= room, "%s(%s; %s): d/d input %zu [%lld] is %.10g, differences give %.10g +- %.2g", s->op,
              s->inputs, s->attrs, input, (long long)i, analytic, near, room);
}

static void check_sample(const struct assay_sample *s, enum assay_recompute recompute)
{
    int32_t in[ASSAY_OP_MAX_OPERANDS], out[ASSAY_OP_MAX_OPERANDS], wrt[ASSAY_OP_MAX_OPERANDS], grads[ASSAY_OP_MAX_OPERANDS];
    size_t n_in, n = 0, which[ASSAY_OP_MAX_OPERANDS];
    struct assay_error err = {0};
    struct assay_graph *g = sample_graph(s, ASSAY_F64, in, &n_in, out);
    cr_assert_eq(g->first_error.code, ASSAY_OK, "%s(%s; %s): %s", s->op, s->inputs, s->attrs, g->first_error.message);
    int32_t loss = weigh(g, out, s->n_outputs);
    for (size_t i = 0; i < n_in; i++)
        if (in[i] != ASSAY_NO_VALUE && assay_graph_value(g, in[i])->role == ASSAY_ROLE_INPUT &&
            assay_dtype_is_float(assay_graph_value(g, in[i])->dtype)) {
            which[n] = i;
            wrt[n++] = in[i];
        }
    assay_graph_gradient(g, loss, wrt, n, recompute, grads);
    for (size_t i = 0; i < n && !g->first_error.code; i++)
        if (assay_graph_value(g, grads[i])->role == ASSAY_ROLE_TEMP)
            assay_graph_output(g, grads[i]);
    if (!g->first_error.code)
        assay_graph_output(g, loss);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s(%s; %s): %s", s->op, s->inputs, s->attrs, err.message);

    struct point p = {.g = g};
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].role != ASSAY_ROLE_INPUT)
            continue;
        cr_assert(v < 64);
        p.bound[v] = p.data[v] = calloc(g->values[v].elements + 1, sizeof(double));
        cr_assert_eq(assay_fill_value(g, (int32_t)v, 3, 0, p.data[v], &err), ASSAY_OK, "%s", err.message);
    }
    for (size_t k = 0; k < n; k++) {
        cr_expect(assay_value_same_shape(&g->values[grads[k]], &g->values[wrt[k]]), "%s: gradient %zu", s->op, k);
        for (uint64_t i = 0; i < g->values[wrt[k]].elements; i++)
            compare(&p, loss, grads[k], p.data[wrt[k]], (int64_t)i, s, which[k]);
    }
    for (size_t v = 0; v < 64; v++)
        free(p.data[v]);
    assay_graph_free(g);
}

static bool differentiable(const struct assay_sample *s)
{
    const struct assay_op_row *row = assay_op_find(s->op);
    return row && row->ir->gradient && row->ir->gradient != assay_gradient_zero;
}

Test(gradients, agree_with_central_differences_for_every_op, .timeout = 120)
{
    for (size_t i = 0; i < assay_samples_n; i++)
        if (assay_samples[i].size == ASSAY_SAMPLE_SMALL && differentiable(&assay_samples[i]))
            check_sample(&assay_samples[i], ASSAY_RECOMPUTE_NONE);
}

Test(gradients, are_the_same_when_the_forward_half_is_made_again, .timeout = 120)
{
    for (size_t i = 0; i < assay_samples_n; i++)
        if (assay_samples[i].size == ASSAY_SAMPLE_SMALL && differentiable(&assay_samples[i]))
            check_sample(&assay_samples[i], ASSAY_RECOMPUTE_FULL);
}

/* One sample at least for every row of the table, and a rule for every ONNX op of the core. */
Test(gradients, no_row_of_the_table_is_left_out)
{
    size_t n;
    const struct assay_op_row *rows = assay_op_rows(&n);
    for (size_t r = 0; r < n; r++) {
        bool found = false;
        for (size_t i = 0; i < assay_samples_n; i++)
            found |= !strcmp(assay_samples[i].op, rows[r].qualified);
        cr_expect(found, "%s has no sample", rows[r].qualified);
    }
}
