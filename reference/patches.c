#include "reference/patches.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "harness/base/parallel.h"
#include "reference/dense.h"

#include "assay/banned.h"

#define MOST_COLUMNS 512 /* of a block */

struct cut {
    const struct assay_ref_patches *p;
    int64_t tile, tiles, block, blocks; /* positions to a piece of work, columns to one */
    atomic_bool no_memory;
};

struct tile {
    int64_t image, position, n, column, columns; /* the first column counts over all groups */
    const double *value, *magnitude;             /* n by columns; magnitude NULL: values alone */
    const int64_t *met;
};

static void finish_tile(const struct assay_ref_patches *p, const struct tile *t)
{
    for (int64_t c = 0; c < t->columns; c++) {
        size_t place = (size_t)(((t->image - p->first) * p->columns + t->column + c) * p->plane + t->position);
        for (int64_t i = 0; i < t->n; i++) {
            struct assay_ref_sum s = {.value = t->value[i * t->columns + c]};
            if (t->magnitude)
                s = assay_ref_sum_made(&p->call->arithmetic, (size_t)p->terms, s.value, t->magnitude[i * t->columns + c]);
            p->finish(p->self, place + (size_t)i, t->column + c, s, t->met[i]);
        }
    }
}

/* Numbers count (image, group, tile of positions, block of columns). */
static void do_tiles(void *self, size_t begin, size_t end)
{
    struct cut *cut = self;
    const struct assay_ref_patches *p = cut->p;
    int64_t per_group = p->columns / p->groups, held = -1;
    double *patch = malloc((size_t)(cut->tile * p->terms + 2 * cut->tile * cut->block + 1) * sizeof *patch);
    int64_t *met = calloc((size_t)cut->tile, sizeof *met);
    double *sums = patch ? patch + cut->tile * p->terms : NULL;
    if (!patch || !met) {
        atomic_store(&cut->no_memory, true);
        begin = end;
    }
    for (size_t i = begin; i < end; i++) {
        int64_t here = (int64_t)i / cut->blocks, set = here / cut->tiles, first = (int64_t)i % cut->blocks * cut->block;
        struct tile t = {.image = p->first + set / p->groups, .position = here % cut->tiles * cut->tile,
                         .column = set % p->groups * per_group + first, .value = sums, .met = met};
        t.n = p->plane - t.position < cut->tile ? p->plane - t.position : cut->tile;
        t.columns = per_group - first < cut->block ? per_group - first : cut->block;
        if (!p->call->values_only)
            t.magnitude = sums + cut->tile * cut->block;
        if (here != held)
            p->gather(p->self, t.image, set % p->groups, t.position, t.n, patch, met);
        held = here;
        struct assay_ref_dense d = {.rows = t.n, .columns = t.columns, .terms = p->terms, .x = patch, .x_row = p->terms,
                                    .y = p->y + t.column * p->terms, .y_row = p->terms, .value = sums,
                                    .magnitude = p->call->values_only ? NULL : sums + cut->tile * cut->block,
                                    .step = t.columns};
        assay_ref_multiply(p->call->multiplier, &d);
        finish_tile(p, &t);
    }
    free(met);
    free(patch);
}

enum assay_code assay_ref_patches_at(const struct assay_ref_patches *p, struct assay_error *err)
{
    int64_t per_group = p->columns / p->groups;
    struct cut cut = {.p = p, .tile = assay_ref_dense_rows(p->terms)};
    cut.tile = cut.tile < p->plane ? cut.tile : p->plane;
    cut.tiles = (p->plane + cut.tile - 1) / cut.tile;
    cut.block = per_group < MOST_COLUMNS ? per_group : MOST_COLUMNS;
    cut.blocks = (per_group + cut.block - 1) / cut.block;
    atomic_init(&cut.no_memory, false);
    assay_parallel_for((size_t)(p->images * p->groups * cut.tiles * cut.blocks), 1, do_tiles, &cut);
    return atomic_load(&cut.no_memory) ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for patches of %lld numbers", (long long)p->terms)
                                       : ASSAY_OK;
}

void assay_ref_padding(struct assay_ref_sum *s, size_t n, const double *patch, const double *row)
{
    if (isfinite(s->value))
        return;
    for (size_t k = 0; k < n; k++)
        if (patch[k] != 0 && !isfinite(patch[k] * row[k]))
            return;
    s->error = INFINITY;
}

static bool all_finite(const struct assay_ref_tensor *t)
{
    for (uint64_t i = 0; i < t->elements; i++)
        if (!isfinite(t->value[i]))
            return false;
    return true;
}

bool assay_ref_whole_slices(const struct assay_ref_call *call, size_t n, const int64_t *index, int64_t slice)
{
    if (assay_ref_compensates(&call->arithmetic) || call->in[0].error || call->in[1].error || n == 0 || slice == 0 ||
        (int64_t)n % slice || index[0] % slice)
        return false;
    for (size_t i = 1; i < n; i++) {
        if (index[i] != index[0] + (int64_t)i)
            return false;
    }
    return call->values_only || (all_finite(&call->in[0]) && all_finite(&call->in[1]));
}
