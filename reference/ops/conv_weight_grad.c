/* ConvWeightGrad: dW[m, c, t] = sum over images n and positions o of dY[n, m, o] X[n, c, i(o, t)], where tap t sees i from o.
 * bound: gamma_K(u) sum |dY||X| with K the products inside the image. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/parallel.h"
#include "reference/dense.h"
#include "reference/patches.h"
#include "reference/windows.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_call *call;
    struct assay_ref_windows win;
    int64_t images, channels, filters, groups;
    struct assay_ref_vector dy; /* [filter][image][position] */
    const int64_t *index;
    double *value, *bound;
};

static void turn(const struct job *j, const double *from, double *to)
{
    for (int64_t n = 0; n < j->images; n++)
        for (int64_t m = 0; m < j->filters; m++)
            for (int64_t o = 0; o < j->win.out_size; o++)
                to[(m * j->images + n) * j->win.out_size + o] = from[(n * j->filters + m) * j->win.out_size + o];
}

/* A group: the filters that meet the same channel at the same tap. */
static size_t group_of(const void *self, int64_t index)
{
    const struct job *j = self;
    int64_t row = j->channels / j->groups * j->win.taps;
    return (size_t)(index / row / (j->filters / j->groups) * row + index % row);
}

/* What the tap sees of a channel, zeros outside; errors behind. Returns how many positions see something. */
static int64_t gather(const struct job *j, int64_t channel, int64_t tap, double *patch)
{
    const struct assay_ref_tensor *x = &j->call->in[1];
    int64_t size = j->win.out_size, terms = j->images * size, inside = 0;
    for (int64_t o = 0; o < size; o++) {
        int64_t offset = assay_ref_tap(&j->win, o, tap), at = channel * j->win.in_size + offset;
        inside += offset >= 0;
        for (int64_t n = 0; n < j->images; n++, at += j->channels * j->win.in_size) {
            patch[n * size + o] = offset >= 0 ? x->value[at] : 0;
            if (x->error)
                patch[terms + n * size + o] = offset >= 0 ? x->error[at] : 0;
        }
    }
    return inside;
}

static void each(const void *self, size_t group, size_t count, const size_t *places, double *scratch)
{
    const struct job *j = self;
    int64_t in_group = j->channels / j->groups, row = in_group * j->win.taps, terms = j->images * j->win.out_size;
    int64_t channel = (int64_t)group / row * in_group + (int64_t)group % row / j->win.taps;
    double inside = (double)(j->images * gather(j, channel, (int64_t)group % j->win.taps, scratch));
    struct assay_ref_vector patch = {scratch, NULL, j->call->in[1].error ? scratch + terms : NULL};
    for (size_t i = 0; i < count; i++) {
        int64_t filter = j->index[places[i]] / row;
        struct assay_ref_sum s =
            assay_ref_dot(&j->call->arithmetic, (size_t)terms, assay_ref_vector_at(j->dy, filter * terms), patch);
        assay_ref_padding(&s, (size_t)terms, patch.value, j->dy.value + filter * terms);
        assay_ref_put(j->call, places[i], assay_ref_sum_close(&j->call->arithmetic, &s, (double)terms, inside), j->value,
                      j->bound);
    }
}

/* ---- whole filters: their gradients dY as rows, what taps see of channels as columns ----------------------------------- */

struct whole {
    const struct job *j;
    int64_t first, last; /* filters */
    int64_t block, blocks; /* columns of a group to a piece of work */
    int64_t rows;          /* filters to one product */
    atomic_bool no_memory;
};

/* Filters [filter, filter + rows) with the columns [c, c + columns) of their group, as patch[] has them. */
static void do_product(const struct whole *w, int64_t filter, int64_t rows, int64_t c, int64_t columns, const double *patch,
                       const double *inside, double *sums)
{
    const struct job *j = w->j;
    bool values_only = j->call->values_only;
    int64_t terms = j->images * j->win.out_size, row = j->channels / j->groups * j->win.taps;
    struct assay_ref_dense d = {.rows = rows, .columns = columns, .terms = terms, .x = j->dy.value + filter * terms, .x_row = terms,
                                .y = patch, .y_row = terms, .value = sums, .magnitude = values_only ? NULL : sums + rows * columns,
                                .step = columns};
    assay_ref_multiply(j->call->multiplier, &d);
    for (int64_t i = 0; i < rows * columns; i++) {
        size_t place = (size_t)((filter + i / columns - w->first) * row + c + i % columns);
        struct assay_bounded x = bounded(d.value[i], 0);
        if (!values_only) {
            struct assay_ref_sum s = assay_ref_sum_made(&j->call->arithmetic, (size_t)terms, d.value[i], d.magnitude[i]);
            x = assay_ref_sum_close(&j->call->arithmetic, &s, (double)terms, inside[i % columns]);
        }
        assay_ref_put(j->call, place, x, j->value, j->bound);
    }
}

/* Numbers count (group, block of its columns). */
static void do_columns(void *self, size_t begin, size_t end)
{
    struct whole *w = self;
    const struct job *j = w->j;
    int64_t in_group = j->channels / j->groups, out_group = j->filters / j->groups, row = in_group * j->win.taps;
    int64_t terms = j->images * j->win.out_size;
    double *patch = malloc((size_t)((w->block + 1) * (terms + 1) + 2 * w->rows * w->block) * sizeof *patch);
    double *inside = patch ? patch + (w->block + 1) * terms : NULL; /* gather() puts no errors behind exact operands */
    if (!patch) {
        atomic_store(&w->no_memory, true);
        begin = end;
    }
    for (size_t i = begin; i < end; i++) {
        int64_t group = (int64_t)i / w->blocks, c = (int64_t)i % w->blocks * w->block;
        int64_t columns = row - c < w->block ? row - c : w->block;
        int64_t filter = group * out_group > w->first ? group * out_group : w->first;
        int64_t last = (group + 1) * out_group < w->last ? (group + 1) * out_group : w->last;
        for (int64_t k = 0; filter < last && k < columns; k++) {
            int64_t channel = group * in_group + (c + k) / j->win.taps;
            inside[k] = (double)(j->images * gather(j, channel, (c + k) % j->win.taps, patch + k * terms));
        }
        for (int64_t rows; filter < last; filter += rows) {
            rows = last - filter < w->rows ? last - filter : w->rows;
            do_product(w, filter, rows, c, columns, patch, inside, inside + w->block);
        }
    }
    free(patch);
}

static enum assay_code whole_filters(const struct job *j, size_t n, struct assay_error *err)
{
    int64_t row = j->channels / j->groups * j->win.taps, most = assay_ref_dense_rows(j->images * j->win.out_size);
    struct whole w = {.j = j, .first = j->index[0] / row, .rows = most, .block = most < row ? most : row};
    w.last = w.first + (int64_t)n / row;
    w.blocks = (row + w.block - 1) / w.block;
    atomic_init(&w.no_memory, false);
    assay_parallel_for((size_t)(j->groups * w.blocks), 1, do_columns, &w);
    return atomic_load(&w.no_memory) ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for patches of %lld numbers",
                                                  (long long)(j->images * j->win.out_size))
                                     : ASSAY_OK;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    const struct assay_ref_tensor *dy = &call->in[0], *x = &call->in[1];
    struct job j = {.call = call, .images = x->dims[0], .channels = x->dims[1], .filters = dy->dims[1], .index = index,
                    .value = value, .bound = bound};
    j.win = assay_ref_windows_of(call->node, x->rank, x->dims, dy->dims, call->out[0].dims + 2);
    j.groups = assay_node_i64(call->node, "group", 1);
    double *turned = j.images > 1 ? malloc((2 * (size_t)dy->elements + 1) * sizeof *turned) : NULL;
    if (j.images > 1 && !turned)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to turn the gradients of %lld images", (long long)j.images);
    j.dy = (struct assay_ref_vector){dy->value, NULL, dy->error};
    if (turned) {
        turn(&j, dy->value, turned);
        if (dy->error)
            turn(&j, dy->error, turned + dy->elements);
        j.dy = (struct assay_ref_vector){turned, NULL, dy->error ? turned + dy->elements : NULL};
    }
    struct assay_ref_groups groups = {.n_groups = (size_t)(j.channels * j.win.taps),
                                      .scratch = 2 * (size_t)(j.images * j.win.out_size),
                                      .group_of = group_of,
                                      .each = each,
                                      .self = &j};
    enum assay_code code = assay_ref_whole_slices(call, n, index, j.channels / j.groups * j.win.taps)
                               ? whole_filters(&j, n, err)
                               : assay_ref_by_group(&groups, n, index, err);
    free(turned);
    return code;
}

ASSAY_OP_REFERENCE(ConvWeightGrad) = {.at = at, .quantum = assay_ref_quantum_of_products};
