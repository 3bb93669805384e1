/* ReduceExtremeGrad: dY / (how many are the extreme) where x is the extreme of its reduction, else 0. Elements that may be
 * the extreme or not, within their errors, get either nothing or up to all of dY: the bound covers both. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    bool                         reduced[ASSAY_MAX_RANK];
    int64_t                      stride[ASSAY_MAX_RANK], terms, rows;
    double                       sign;
    const int64_t               *index;
    double                      *value, *bound;
};

/* Which reduction an element of X belongs to: its place among the axes that are kept. */
static size_t row_of(const void *self, int64_t index)
{
    const struct job              *j = self;
    const struct assay_ref_tensor *x = &j->call->in[1];
    int64_t                        row = 0, step = 1;
    for (int32_t d = x->rank - 1; d >= 0; index /= x->dims[d--])
        if (!j->reduced[d]) {
            row += index % x->dims[d] * step;
            step *= x->dims[d];
        }
    return (size_t)row;
}

/* Offset of the number-th element over the axes that are (or are not) reduced. */
static int64_t walk(const struct job *j, bool reduced, int64_t number)
{
    const struct assay_ref_tensor *x = &j->call->in[1];
    int64_t                        offset = 0;
    for (int32_t d = x->rank - 1; d >= 0; d--)
        if (j->reduced[d] == reduced) {
            offset += number % x->dims[d] * j->stride[d];
            number /= x->dims[d];
        }
    return offset;
}

/* The extreme, how many are it, how many may be; the least it can be on a device. */
struct extreme {
    double value, least;
    int64_t count, candidates;
    bool inexact, nan;
};

static struct assay_bounded signed_at(const struct job *j, int64_t at)
{
    struct assay_bounded x = bounded_of(&j->call->in[1], (size_t)at);
    return bounded(j->sign * x.value, x.error);
}

static struct extreme extreme_of(const struct job *j, int64_t first)
{
    struct extreme e = {.value = -INFINITY, .least = -INFINITY};
    for (int64_t t = 0; t < j->terms; t++) {
        struct assay_bounded x = signed_at(j, first + walk(j, true, t));
        e.nan |= isnan(x.value);
        e.value = fmax(e.value, x.value);
        e.least = fmax(e.least, x.value - x.error);
    }
    for (int64_t t = 0; t < j->terms; t++) {
        struct assay_bounded x = signed_at(j, first + walk(j, true, t));
        bool                 may_be = x.value + x.error >= e.least;
        e.count += x.value == e.value;
        e.candidates += may_be;
        e.inexact |= may_be && x.error > 0;
    }
    return e;
}

static void each(const void *self, size_t row, size_t count, const size_t *places, double *scratch)
{
    const struct job              *j = self;
    const struct assay_arithmetic *a = &j->call->arithmetic;
    struct assay_bounded           dy = bounded_of(&j->call->in[0], row), share;
    struct extreme                 e = extreme_of(j, walk(j, false, (int64_t)row));
    bool                           certain = e.candidates == 1 || !e.inexact;
    (void)scratch;
    share = e.count > 1 ? assay_bounded_divide(a, dy, bounded((double)e.count, 0)) : dy;
    for (size_t i = 0; i < count; i++) {
        struct assay_bounded x = signed_at(j, j->index[places[i]]);
        bool                 is = !e.nan && x.value == e.value, may_be = !e.nan && x.value + x.error >= e.least;
        struct assay_bounded out = is ? share : bounded(0, 0);
        if (!certain && may_be)
            out.error = fmax(out.error, fabs(dy.value) + dy.error);
        assay_ref_put(j->call, places[i], out, j->value, j->bound);
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *x = &call->in[1];
    const struct assay_attr       *axes = assay_node_attr(call->node, "axes");
    struct job j = {.call = call, .terms = 1, .rows = 1, .index = index, .value = value, .bound = bound,
                    .sign = assay_node_i64(call->node, "largest", 1) ? 1 : -1};
    for (size_t i = 0; i < axes->n; i++)
        j.reduced[axes->list[i]] = true;
    for (int32_t d = x->rank - 1, last = d; d >= 0; d--) {
        j.stride[d] = d == last ? 1 : j.stride[d + 1] * x->dims[d + 1];
        *(j.reduced[d] ? &j.terms : &j.rows) *= x->dims[d];
    }
    struct assay_ref_groups groups = {.n_groups = (size_t)j.rows, .scratch = 1, .group_of = row_of, .each = each, .self = &j};
    return assay_ref_by_group(&groups, n, index, err);
}

ASSAY_OP_REFERENCE(ReduceExtremeGrad) = {.at = at};
