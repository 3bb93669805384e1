/* Shapes, and the cutting of work: which elements share what, and on how many threads. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/parallel.h"
#include "reference/arithmetic.h"

#include "assay/banned.h"

struct assay_ref_axis assay_ref_axis_of(const struct assay_ref_tensor *t, int32_t axis)
{
    struct assay_ref_axis a = {1, 1, 1};
    if (axis < 0)
        axis += t->rank;
    for (int32_t d = 0; d < t->rank; d++)
        *(d < axis ? &a.outer : d == axis ? &a.length : &a.inner) *= t->dims[d];
    return a;
}

void assay_ref_broadcast(const struct assay_ref_tensor *out, const struct assay_ref_tensor *operand,
                         int64_t strides[ASSAY_MAX_RANK])
{
    int64_t stride = 1;
    memset(strides, 0, sizeof(int64_t) * ASSAY_MAX_RANK);
    for (int32_t d = operand->rank - 1; d >= 0; d--) {
        int32_t at = d + out->rank - operand->rank;
        if (at >= 0)
            strides[at] = operand->dims[d] == 1 ? 0 : stride;
        stride *= operand->dims[d];
    }
}

/* ---- groups -------------------------------------------------------------------------------------------------- */

struct cut {
    const struct assay_ref_groups *groups;
    const size_t *places; /* element places, group after group */
    const size_t *first;  /* where each group that has elements begins in places; one more at the end */
    const size_t *group;  /* its number */
    atomic_bool no_memory;
};

static void do_groups(void *self, size_t begin, size_t end)
{
    struct cut *cut = self;
    double *scratch = malloc((cut->groups->scratch + 1) * sizeof *scratch);
    if (!scratch) {
        atomic_store(&cut->no_memory, true);
        return;
    }
    for (size_t i = begin; i < end; i++)
        cut->groups->each(cut->groups->self, cut->group[i], cut->first[i + 1] - cut->first[i],
                          cut->places + cut->first[i], scratch);
    free(scratch);
}

/* A counting sort: first[] has room for n_groups + 1 numbers; afterwards the groups that have elements stand at its
 * front and their numbers in group[]. Returns how many there are. */
static size_t sort_by_group(const struct assay_ref_groups *groups, size_t n, const int64_t *index, size_t *places,
                            size_t *first, size_t *group)
{
    size_t used = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        first[groups->group_of(groups->self, index[i]) + 1]++;
    for (size_t g = 0; g < groups->n_groups; g++)
        first[g + 1] += first[g];
    for (size_t i = 0; i < n; i++)
        places[first[groups->group_of(groups->self, index[i])]++] = i;
    for (size_t g = 0; g < groups->n_groups; g++) { /* first[g] is now where group g ends */
        size_t end = first[g];
        if (end > at) {
            group[used] = g;
            first[used++] = at;
        }
        at = end;
    }
    first[used] = n;
    return used;
}

enum assay_code assay_ref_by_group(const struct assay_ref_groups *groups, size_t n, const int64_t *index,
                                   struct assay_error *err)
{
    size_t most = groups->n_groups < n ? groups->n_groups : n, used;
    size_t *places = malloc((n + 1) * sizeof *places);
    size_t *first = calloc(groups->n_groups + 1, sizeof *first);
    size_t *group = malloc((most + 1) * sizeof *group);
    enum assay_code code = ASSAY_OK;
    if (!places || !first || !group) {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to sort %zu elements into %zu groups", n, groups->n_groups);
        goto out;
    }
    used = sort_by_group(groups, n, index, places, first, group);
    struct cut cut = {.groups = groups, .places = places, .first = first, .group = group};
    atomic_init(&cut.no_memory, false);
    assay_parallel_for(used, 1, do_groups, &cut);
    if (atomic_load(&cut.no_memory))
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu numbers of scratch", groups->scratch);
out:
    free(group);
    free(first);
    free(places);
    return code;
}

struct each {
    void (*each)(const void *self, size_t i);
    const void *self;
};

static void do_each(void *self, size_t begin, size_t end)
{
    const struct each *e = self;
    for (size_t i = begin; i < end; i++)
        e->each(e->self, i);
}

void assay_ref_each(size_t n, void (*each)(const void *self, size_t i), const void *self)
{
    struct each e = {each, self};
    assay_parallel_for(n, 256, do_each, &e);
}
