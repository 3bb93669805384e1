#include "reference/normalize_gradient.h"

#include <assert.h>
#include <stdlib.h>

#include "reference/normalize.h"

#include "assay/banned.h"

enum { DY, X, SCALE };

struct job {
    struct assay_ref_rows rows;
    bool centred;
    struct assay_bounded *mean, *inverse; /* of every row; for the sums over rows */
    const int64_t *index;
    double *value, *bound;
    int32_t n_summed; /* axes of X along which Scale was stretched: length and stride in X */
    int64_t length[ASSAY_MAX_RANK], stride[ASSAY_MAX_RANK], terms;
};

struct moments {
    struct assay_bounded mean, inverse;
};

/* Scratch gets the row less its mean: n values, n errors. */
static struct moments moments_of(const struct job *j, size_t row, double *scratch)
{
    const struct assay_arithmetic *a = &j->rows.call->arithmetic;
    const struct assay_ref_tensor *x = &j->rows.call->in[X];
    size_t n = (size_t)j->rows.length, first = row * n;
    struct assay_ref_vector v = {x->value + first, NULL, x->error ? x->error + first : NULL};
    struct assay_ref_vector centred = {scratch, NULL, scratch + n};
    struct moments m = {{0, 0}, {0, 0}};
    if (j->centred) {
        struct assay_ref_sum s = assay_ref_total(a, n, v);
        m.mean = assay_bounded_divide(a, assay_ref_sum_close(a, &s, (double)n, (double)n - 1), bounded((double)n, 0));
    }
    for (size_t i = 0; i < n; i++) {
        struct assay_bounded d = bounded_of(x, first + i);
        d = j->centred ? bounded_subtract(a, d, m.mean) : d;
        scratch[i] = d.value;
        scratch[n + i] = d.error;
    }
    struct assay_ref_sum s = assay_ref_dot(a, n, centred, centred);
    m.inverse = assay_ref_inverse_root(&j->rows, assay_ref_sum_close(a, &s, (double)n, (double)n));
    return m;
}

/* ---- dX -------------------------------------------------------------------------------------------------------- */

static size_t row_of_element(const void *self, int64_t index)
{
    return (size_t)(index / ((const struct job *)self)->rows.length);
}

static struct assay_bounded mean_of(const struct assay_arithmetic *a, size_t n, const struct assay_ref_sum *s,
                                    double roundings)
{
    return assay_bounded_divide(a, assay_ref_sum_close(a, s, (double)n, roundings), bounded((double)n, 0));
}

static void each_row(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    const struct assay_ref_call *call = j->rows.call;
    const struct assay_arithmetic *a = &call->arithmetic;
    size_t n = (size_t)j->rows.length, first = row * n;
    struct assay_ref_vector h = {scratch, NULL, scratch + n}, g = {scratch + 2 * n, NULL, scratch + 3 * n};
    struct moments m = moments_of(j, row, scratch);
    for (size_t k = 0; k < n; k++) {
        size_t scale = (size_t)assay_ref_offset(&call->in[X], j->rows.scale_strides, (int64_t)(first + k));
        struct assay_bounded hat = bounded_multiply(a, bounded(scratch[k], scratch[n + k]), m.inverse);
        struct assay_bounded product = bounded_multiply(a, bounded_of(&call->in[DY], first + k),
                                                        bounded_of(&call->in[SCALE], scale));
        scratch[k] = hat.value;
        scratch[n + k] = hat.error;
        scratch[2 * n + k] = product.value;
        scratch[3 * n + k] = product.error;
    }
    struct assay_ref_sum along = assay_ref_dot(a, n, g, h), all = assay_ref_total(a, n, g);
    struct assay_bounded slope = mean_of(a, n, &along, (double)n), level = mean_of(a, n, &all, (double)n - 1);
    for (size_t i = 0; i < count; i++) {
        assert(n > 0); /* or no element would be asked for */
        int64_t k = j->index[places[i]] % (int64_t)n;
        struct assay_bounded rest = bounded(g.value[k], g.error[k]);
        rest = j->centred ? bounded_subtract(a, rest, level) : rest;
        rest = bounded_subtract(a, rest, bounded_multiply(a, bounded(h.value[k], h.error[k]), slope));
        assay_ref_put(call, places[i], bounded_multiply(a, rest, m.inverse), j->value, j->bound);
    }
}

/* ---- dScale, dBias --------------------------------------------------------------------------------------------- */

static size_t itself(const void *self, int64_t index)
{
    (void)self;
    return (size_t)index;
}

static void each_moments(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    struct moments m = moments_of(j, row, scratch);
    (void)count;
    (void)places;
    j->mean[row] = m.mean;
    j->inverse[row] = m.inverse;
}

/* Where the first element of X that is scaled by Scale[index] stands. */
static int64_t first_of(const struct job *j, int64_t index)
{
    const struct assay_ref_tensor *x = &j->rows.call->in[X], *scale = &j->rows.call->in[SCALE];
    int64_t stride = 1, first = 0;
    for (int32_t d = x->rank - 1, own = scale->rank - 1; own >= 0; d--, own--) {
        first += index % scale->dims[own] * stride;
        index /= scale->dims[own];
        stride *= x->dims[d];
    }
    return first;
}

static void each_parameter(const void *self, size_t i)
{
    const struct job *j = self;
    const struct assay_ref_call *call = j->rows.call;
    const struct assay_arithmetic *a = &call->arithmetic;
    struct assay_ref_sum s = {0};
    int64_t first = first_of(j, j->index[i]);
    for (int64_t t = 0; t < j->terms; t++) {
        int64_t at = first, rest = t;
        for (int32_t d = 0; d < j->n_summed; d++) {
            at += rest % j->length[d] * j->stride[d];
            rest /= j->length[d];
        }
        struct assay_bounded dy = bounded_of(&call->in[DY], (size_t)at), h = {1, 0};
        if (call->output == 1) {
            int64_t row = at / j->rows.length;
            h = bounded_of(&call->in[X], (size_t)at);
            h = bounded_multiply(a, j->centred ? bounded_subtract(a, h, j->mean[row]) : h, j->inverse[row]);
        }
        assay_ref_sum_take_product(&s, dy, h);
    }
    s.own = assay_ref_gamma((double)j->terms + 8, ASSAY_REF_OWN) * s.magnitude;
    assay_ref_put(call, i, assay_ref_sum_close(a, &s, (double)j->terms, (double)j->terms), j->value, j->bound);
}

static void find_summed(struct job *j)
{
    const struct assay_ref_tensor *x = &j->rows.call->in[X];
    int64_t stride = 1;
    j->terms = 1;
    for (int32_t d = x->rank - 1; d >= 0; d--) {
        if (j->rows.scale_strides[d] == 0) {
            j->length[j->n_summed] = x->dims[d];
            j->stride[j->n_summed++] = stride;
            j->terms *= x->dims[d];
        }
        stride *= x->dims[d];
    }
}

static enum assay_code parameters(struct job *j, size_t n, struct assay_error *err)
{
    size_t rows = (size_t)j->rows.rows;
    int64_t *list = malloc((rows + 1) * sizeof *list);
    enum assay_code code = ASSAY_OK;
    j->mean = malloc((rows + 1) * sizeof *j->mean);
    j->inverse = malloc((rows + 1) * sizeof *j->inverse);
    struct assay_ref_groups groups = {.n_groups = rows,
                                      .scratch = 2 * (size_t)j->rows.length,
                                      .group_of = itself,
                                      .each = each_moments,
                                      .self = j};
    if (!list || !j->mean || !j->inverse) {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the statistics of %zu rows", rows);
    } else {
        for (size_t i = 0; i < rows; i++)
            list[i] = (int64_t)i;
        if (j->rows.call->output == 1)
            code = assay_ref_by_group(&groups, rows, list, err);
        if (!code)
            assay_ref_each(n, each_parameter, j);
    }
    free(list);
    free(j->mean);
    free(j->inverse);
    return code;
}

enum assay_code assay_ref_normalize_gradient(const struct assay_ref_call *call, bool centred, size_t n, const int64_t *index,
                                             double *value, double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *x = &call->in[X];
    struct job j = {.centred = centred, .index = index, .value = value, .bound = bound};
    int64_t axis = assay_node_i64(call->node, "axis", -1);
    j.rows = (struct assay_ref_rows){.call = call, .rows = 1, .length = 1};
    j.rows.epsilon = (float)assay_node_f64(call->node, "epsilon", 1e-5); /* as in the forward op */
    axis += axis < 0 ? x->rank : 0;
    for (int32_t d = 0; d < x->rank; d++)
        *(d < axis ? &j.rows.rows : &j.rows.length) *= x->dims[d];
    assay_ref_broadcast(x, &call->in[SCALE], j.rows.scale_strides);
    if (call->output > 0) {
        find_summed(&j);
        return parameters(&j, n, err);
    }
    struct assay_ref_groups groups = {.n_groups = (size_t)j.rows.rows,
                                      .scratch = 4 * (size_t)j.rows.length,
                                      .group_of = row_of_element,
                                      .each = each_row,
                                      .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}
