/* Statistical bounds of deep graphs: README.md derives them. What is kept of each value, and what is asked of it; sweep.c makes it. */
#include <math.h>
#include <stdlib.h>

#include "harness/base/recycle.h"
#include "reference/kept.h"

#include "assay/banned.h"

void assay_kept_release(struct assay_kept *k)
{
    assay_recycle_give(k->value);
    assay_packed_release(&k->local);
    assay_spread_release(&k->spread);
    k->value = NULL;
    k->ready = false;
}

enum assay_code assay_statistical_new(const struct assay_graph *g, bool replicas, struct assay_statistical **out,
                                      struct assay_error *err)
{
    struct assay_statistical *s = calloc(1, sizeof *s);
    if (!s || !(s->kept = calloc((size_t)g->n_values + 1, sizeof *s->kept))) {
        free(s);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the reference of a graph of %u values", g->n_values);
    }
    s->n_values = g->n_values;
    s->replicas = replicas;
    *out = s;
    return ASSAY_OK;
}

void assay_statistical_free(struct assay_statistical *s)
{
    for (uint32_t v = 0; s && v < s->n_values; v++)
        assay_kept_release(&s->kept[v]);
    if (s)
        free(s->kept);
    free(s);
}

bool assay_statistical_is_ready(const struct assay_statistical *s, int32_t value)
{
    return s->kept[value].ready;
}

/* Unsaid: elements, and the sums that may be made of them, no more than six for each. */
double assay_statistical_compared(const struct assay_reference *r)
{
    const struct assay_graph *g = r->graph;
    double n = 0;
    if (r->comparisons > 0)
        return r->comparisons;
    for (uint32_t v = 0; v < g->n_values; v++)
        n += g->values[v].role == ASSAY_ROLE_OUTPUT ? (double)g->values[v].elements : 0;
    return 7 * fmax(n, 1);
}

/* A given value is what it is. */
static enum assay_code keep_given(struct assay_reference *r, int32_t value, struct assay_error *err)
{
    struct assay_kept      *kept = &r->statistical->kept[value];
    struct assay_held h = {0};
    if (assay_ref_convert(r, value, &h, err))
        return err->code;
    *kept = (struct assay_kept){.ready = true, .value = h.value};
    bool packed = !h.error || assay_packed_make(h.error, r->graph->values[value].elements, true, &kept->local);
    assay_recycle_give(h.error);
    return packed ? ASSAY_OK : assay_ref_no_memory(&r->graph->values[value], err);
}

enum assay_code assay_statistical_ready(struct assay_reference *r, int32_t value, struct assay_error *err)
{
    const struct assay_graph *g = r->graph;
    const struct assay_value *v = &g->values[value];
    if (r->statistical->kept[value].ready)
        return ASSAY_OK;
    if (v->producer < 0)
        return keep_given(r, value, err);
    bool *target = calloc((size_t)g->n_values + 1, sizeof *target);
    if (!target)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph of %u values", g->n_values);
    target[value] = true;
    for (uint32_t i = 0; v->role == ASSAY_ROLE_OUTPUT && i < g->n_values; i++)
        target[i] = g->values[i].role == ASSAY_ROLE_OUTPUT && g->values[i].producer >= 0;
    enum assay_code code = assay_statistical_sweep(r, target, err);
    free(target);
    return code;
}

/* ---- what is asked ------------------------------------------------------------------------------------------- */

enum assay_code assay_statistical_at(struct assay_reference *r, int32_t value, size_t n, const int64_t *index, double *out,
                                     double *bound, struct assay_error *err)
{
    if (assay_statistical_ready(r, value, err))
        return err->code;
    const struct assay_kept *kept = &r->statistical->kept[value];
    for (size_t i = 0; i < n; i++) {
        double local = kept->local.x ? assay_packed_at(&kept->local, (uint64_t)index[i]) : 0;
        out[i] = kept->value[index[i]];
        if (!r->statistical->replicas)
            bound[i] = INFINITY;
        else
            bound[i] = kept->spread.off[0].x ? assay_spread_bound(&kept->spread, (uint64_t)index[i], out[i], local) : local;
    }
    return ASSAY_OK;
}

enum assay_code assay_statistical_values(struct assay_reference *r, int32_t value, const double **out,
                                         struct assay_error *err)
{
    if (assay_statistical_ready(r, value, err))
        return err->code;
    *out = r->statistical->kept[value].value;
    return ASSAY_OK;
}
