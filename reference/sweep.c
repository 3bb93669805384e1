/* One sweep computes all outputs: node by node the nominal run, each element's own rounding error d, and the replicas, whose elements
 * are moved by +d or -d as a counter says. What no later node reads is forgotten. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/parallel.h"
#include "harness/base/recycle.h"
#include "reference/kept.h"
#include "reference/replicas.h"

#include "assay/banned.h"

#define REPLICAS ASSAY_REPLICAS

struct sweep {
    struct assay_reference *r;
    struct assay_held      *run[1 + REPLICAS]; /* nominal and replicas: one a value each */
    int                     runs;
    bool                   *needed, *target;
    int64_t                *last; /* node that reads the value last; -1: none */
    double                 *d;
};

static bool is_exact(const double *d, uint64_t n)
{
    for (uint64_t i = 0; d && i < n; i++) {
        if (d[i] != 0)
            return false;
    }
    return true;
}

static double *copy_of(const double *x, uint64_t n)
{
    double *to = assay_ref_doubles(n);
    if (to)
        memcpy(to, x, (size_t)n * sizeof *to);
    return to;
}

/* Gives replica `k` the value `x`, moved. Takes x over. NULL: the nominal run's own. */
static enum assay_code give(struct sweep *s, int32_t value, int k, double *x, struct assay_error *err)
{
    const struct assay_value *v = &s->r->graph->values[value];
    const struct assay_held  *nominal = &s->run[0][value];
    if (!x && is_exact(s->d, v->elements)) {
        s->run[k][value] = (struct assay_held){nominal->value, NULL, true, true, 0};
        return ASSAY_OK; /* the nominal run's own memory */
    }
    if (!x && !(x = copy_of(nominal->value, v->elements)))
        return assay_ref_no_memory(v, err);
    if (s->d)
        assay_replica_move(x, s->d, v->elements, value, k - 1);
    s->run[k][value] = (struct assay_held){x, NULL, true, false, 0};
    return ASSAY_OK;
}

static enum assay_code take_given(struct sweep *s, int32_t value, struct assay_error *err)
{
    struct assay_held *h = &s->run[0][value];
    if (assay_ref_convert(s->r, value, h, err))
        return err->code;
    s->d = h->error;
    h->error = NULL;
    for (uint64_t i = 0; s->d && i < s->r->graph->values[value].elements; i++)
        s->d[i] /= ASSAY_UNIFORM; /* zero or not, and nothing between: the replicas go all the way */
    enum assay_code code = ASSAY_OK;
    for (int k = 1; !code && k < s->runs; k++)
        code = give(s, value, k, NULL, err);
    assay_recycle_give(s->d);
    s->d = NULL;
    return code;
}

static bool all_shared(const struct sweep *s, const struct assay_node *node, int k)
{
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        if (node->inputs[i] != ASSAY_NO_VALUE && !s->run[k][node->inputs[i]].shared)
            return false;
    }
    return true;
}

/* Its own op's worst-case bound of every element, beside the values, which no kind of bound changes. */
static enum assay_code keep_local(struct sweep *s, int32_t value, struct assay_kept *kept, struct assay_error *err)
{
    const struct assay_value *v = &s->r->graph->values[value];
    struct assay_ref_how      how = {.held = s->run[0]};
    double                   *again = assay_ref_doubles(v->elements), *local = assay_ref_doubles(v->elements);
    enum assay_code           code = again && local ? assay_ref_whole(s->r, &how, value, again, local, err) : assay_ref_no_memory(v, err);
    if (!code && !assay_packed_make(local, v->elements, true, &kept->local))
        code = assay_ref_no_memory(v, err);
    assay_recycle_give(local);
    assay_recycle_give(again);
    return code;
}

static enum assay_code keep_nominal(struct sweep *s, int32_t value, struct assay_error *err)
{
    const struct assay_value *v = &s->r->graph->values[value];
    struct assay_kept              *kept = &s->r->statistical->kept[value];
    bool                      bounds = s->runs > 1, read = s->last[value] >= 0;
    assay_kept_release(kept);
    assay_spread_shape(v, &kept->spread);
    kept->value = read ? copy_of(s->run[0][value].value, v->elements) : s->run[0][value].value;
    s->run[0][value].shared = !read; /* what nobody reads any more is kept as it is */
    if (!kept->value)
        return assay_ref_no_memory(v, err);
    if (bounds && !read) /* nobody's operand: what was made is the bound itself, see compute() */
        return assay_packed_make(s->d, v->elements, true, &kept->local) ? ASSAY_OK : assay_ref_no_memory(v, err);
    return bounds ? keep_local(s, value, kept, err) : ASSAY_OK;
}

/* One replica of a value: kept where it stands before its own rounding, moved where others read it. Takes x over; NULL: it is
 * the nominal run's. */
static enum assay_code settle_replica(struct sweep *s, int32_t value, int k, double *x, struct assay_error *err)
{
    const struct assay_value *v = &s->r->graph->values[value];
    struct assay_packed      *off = &s->r->statistical->kept[value].spread.off[k - 1];
    bool                      read = s->last[value] >= 0;
    if (s->target[value]) {
        double *room = x && read ? assay_ref_doubles(v->elements) : x;
        bool    kept = room || !x;
        if (kept && x)
            assay_replica_stand_off(x, s->run[0][value].value, v->elements, room);
        kept = kept && assay_packed_make(room, v->elements, false, off);
        if (room != x)
            assay_recycle_give(room);
        if (!kept) {
            assay_recycle_give(x);
            return assay_ref_no_memory(v, err);
        }
    }
    if (read)
        return give(s, value, k, x, err);
    assay_recycle_give(x);
    return ASSAY_OK;
}

static enum assay_code replicate(struct sweep *s, int32_t value, int k, struct assay_error *err)
{
    const struct assay_value *v = &s->r->graph->values[value];
    struct assay_ref_how      how = {.held = s->run[k], .values_only = true};
    double                   *x = NULL;
    if (!all_shared(s, &s->r->graph->nodes[v->producer], k)) {
        if (!(x = assay_ref_doubles(v->elements)))
            return assay_ref_no_memory(v, err);
        if (assay_ref_whole(s->r, &how, value, x, NULL, err)) {
            assay_recycle_give(x);
            return err->code;
        }
    }
    return settle_replica(s, value, k, x, err);
}

/* The nominal run, with d for the replicas, or, where nobody reads the value, with the bound that is kept. */
static enum assay_code compute(struct sweep *s, int32_t value, struct assay_error *err)
{
    const struct assay_value *v = &s->r->graph->values[value];
    bool                      bounds = s->runs > 1;
    double                    deviations = s->last[value] >= 0 ? sqrt(3) : 0;
    struct assay_ref_how      how = {.held = s->run[0], .deviations = deviations, .values_only = !bounds};
    double                   *x = assay_ref_doubles(v->elements);
    enum assay_code           code = ASSAY_OK;
    s->d = bounds ? assay_ref_doubles(v->elements) : NULL;
    if (!x || (bounds && !s->d)) {
        assay_recycle_give(x);
        code = assay_ref_no_memory(v, err);
    } else {
        code = assay_ref_whole(s->r, &how, value, x, s->d, err);
        s->run[0][value] = (struct assay_held){x, NULL, true, false, 0};
    }
    if (!code && s->target[value])
        code = keep_nominal(s, value, err);
    for (int k = 1; !code && k < s->runs; k++)
        code = replicate(s, value, k, err);
    assay_recycle_give(s->d);
    s->d = NULL;
    return code;
}

struct settling {
    struct sweep       *sweep;
    const int32_t      *value;
    struct assay_error *err; /* one an output */
};

static void settle_pieces(void *self, size_t begin, size_t end)
{
    const struct settling *t = self;
    struct assay_reference *r = t->sweep->r;
    for (size_t o = begin; o < end; o++) {
        int32_t v = t->value[o];
        if (v == ASSAY_NO_VALUE || !t->sweep->needed[v] || !t->sweep->target[v])
            continue;
        struct assay_kept *kept = &r->statistical->kept[v];
        kept->ready = t->sweep->runs == 1 || !assay_spread_settle(&kept->spread, assay_statistical_compared(r), &t->err[o]);
    }
}

/* What is known of a node's outputs when all replicas are there; an output is a thread's. */
static enum assay_code settle(struct sweep *s, const struct assay_node *node, struct assay_error *err)
{
    struct settling t = {s, node->outputs, calloc((size_t)node->n_outputs + 1, sizeof *t.err)};
    enum assay_code code = ASSAY_OK;
    if (!t.err)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the outputs of a node");
    assay_parallel_for(node->n_outputs, 1, settle_pieces, &t);
    for (uint32_t o = 0; !code && o < node->n_outputs; o++) {
        if ((code = t.err[o].code))
            *err = t.err[o];
    }
    free(t.err);
    return code;
}

static void forget(struct sweep *s, int32_t value)
{
    for (int k = s->runs - 1; k >= 0; k--)
        assay_ref_drop(&s->run[k][value]);
}

static enum assay_code do_node(struct sweep *s, int64_t node, struct assay_error *err)
{
    const struct assay_graph *g = s->r->graph;
    const struct assay_node  *n = &g->nodes[node];
    bool                      wanted = false;
    for (uint32_t o = 0; o < n->n_outputs; o++)
        wanted |= n->outputs[o] != ASSAY_NO_VALUE && s->needed[n->outputs[o]];
    if (!wanted)
        return ASSAY_OK;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        int32_t v = n->inputs[i];
        if (v != ASSAY_NO_VALUE && !s->run[0][v].ready && take_given(s, v, err))
            return err->code;
    }
    for (uint32_t o = 0; o < n->n_outputs; o++) {
        if (n->outputs[o] != ASSAY_NO_VALUE && s->needed[n->outputs[o]] && compute(s, n->outputs[o], err))
            return err->code;
    }
    if (settle(s, n, err))
        return err->code;
    for (uint32_t o = 0; o < n->n_outputs; o++) {
        if (n->outputs[o] != ASSAY_NO_VALUE && s->last[n->outputs[o]] < 0)
            forget(s, n->outputs[o]);
    }
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (n->inputs[i] != ASSAY_NO_VALUE && s->last[n->inputs[i]] == node)
            forget(s, n->inputs[i]);
    }
    return ASSAY_OK;
}

/* What the targets stand on, and who reads it last. Nodes stand in topological order. */
static void plan(struct sweep *s)
{
    const struct assay_graph *g = s->r->graph;
    for (uint32_t v = 0; v < g->n_values; v++) {
        s->needed[v] = s->target[v];
        s->last[v] = -1;
    }
    for (int64_t node = (int64_t)g->n_nodes - 1; node >= 0; node--) {
        const struct assay_node *n = &g->nodes[node];
        bool                     wanted = false;
        for (uint32_t o = 0; o < n->n_outputs; o++)
            wanted |= n->outputs[o] != ASSAY_NO_VALUE && s->needed[n->outputs[o]];
        for (uint32_t i = 0; wanted && i < n->n_inputs; i++) {
            int32_t v = n->inputs[i];
            if (v == ASSAY_NO_VALUE)
                continue;
            s->needed[v] = true;
            s->last[v] = s->last[v] < 0 ? node : s->last[v];
        }
    }
}

/* A walk through the sweep's nodes that holds and forgets as do_node does. Given values are held once, whoever shares them; of an output
 * the value and, packed, local bound and deviations are kept to the end. */
static double height_of(const struct sweep *s)
{
    const struct assay_graph *g = s->r->graph;
    double                    held = 0, kept = 0, most = 0;
    for (uint32_t v = 0; v < g->n_values; v++)
        held += s->needed[v] && g->values[v].producer < 0 ? (double)g->values[v].elements : 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct assay_node *n = &g->nodes[i];
        double                   largest = 0, gone = 0;
        for (uint32_t o = 0; o < n->n_outputs; o++) {
            int32_t v = n->outputs[o];
            if (v == ASSAY_NO_VALUE || !s->needed[v])
                continue;
            double elements = (double)g->values[v].elements;
            largest = fmax(largest, elements);
            kept += s->target[v] ? (s->runs > 1 ? 1 + (1 + REPLICAS) / 2.0 : 1) * elements : 0;
            held += s->last[v] >= 0 ? s->runs * elements : 0;
        }
        for (uint32_t k = 0; k < n->n_inputs; k++) {
            int32_t v = n->inputs[k];
            if (v != ASSAY_NO_VALUE && s->needed[v] && s->last[v] == (int64_t)i && (k == 0 || n->inputs[k - 1] != v))
                gone += (g->values[v].producer < 0 ? 1 : s->runs) * (double)g->values[v].elements;
        }
        most = fmax(most, held + kept + 3 * largest); /* d, and what a call works with */
        held -= gone;
    }
    return most;
}

double assay_statistical_bytes(const struct assay_reference *r)
{
    const struct assay_graph *g = r->graph;
    size_t                    n = (size_t)g->n_values + 1;
    struct assay_reference    whole = *r; /* only read, but for `needed`, which is work space */
    struct sweep              s = {.r = &whole, .runs = r->statistical->replicas ? 1 + REPLICAS : 1, .needed = r->needed};
    s.target = calloc(n, sizeof *s.target);
    s.last = malloc(n * sizeof *s.last);
    double doubles = 0;
    if (s.target && s.last) {
        for (uint32_t v = 0; v < g->n_values; v++)
            s.target[v] = g->values[v].role == ASSAY_ROLE_OUTPUT && g->values[v].producer >= 0;
        plan(&s);
        doubles = height_of(&s);
    }
    free(s.last);
    free(s.target);
    return 1.125 * doubles * sizeof(double); /* blocks are up to an eighth longer than asked for (harness/base/recycle.h) */
}

enum assay_code assay_statistical_sweep(struct assay_reference *r, const bool *target, struct assay_error *err)
{
    const struct assay_graph *g = r->graph;
    size_t                    n = (size_t)g->n_values + 1;
    struct sweep s = {.r = r, .runs = r->statistical->replicas ? 1 + REPLICAS : 1, .needed = r->needed};
    enum assay_code code = ASSAY_OK;
    s.target = malloc(n * sizeof *s.target);
    s.last = malloc(n * sizeof *s.last);
    for (int k = 0; k < s.runs; k++)
        code = (s.run[k] = calloc(n, sizeof *s.run[k])) ? code : ASSAY_MEMORY;
    if (!s.target || !s.last || code) {
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a graph of %u values", g->n_values);
    } else {
        memcpy(s.target, target, g->n_values * sizeof *target);
        plan(&s);
        for (uint32_t node = 0; !code && node < g->n_nodes; node++)
            code = do_node(&s, node, err);
        for (uint32_t v = 0; s.run[s.runs - 1] && v < g->n_values; v++)
            forget(&s, (int32_t)v);
    }
    for (int k = 0; k < s.runs; k++)
        free(s.run[k]);
    free(s.last);
    free(s.target);
    return code;
}
