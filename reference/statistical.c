/* Statistical bounds of deep graphs: README.md derives them. One sweep computes all outputs: node by node the nominal run,
 * each element's own rounding error d, and the replicas, whose elements are moved by +d or -d as a counter says. What no
 * later node reads is forgotten. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/parallel.h"
#include "harness/base/recycle.h"
#include "reference/arithmetic.h"
#include "reference/held.h"
#include "reference/spread.h"

#include "assay/banned.h"

#define REPLICAS ASSAY_REPLICAS
#define UNIFORM 0.57735026918962576 /* deviation of what is uniform in [-1, 1] */

/* A value that is kept. */
struct kept {
    bool          ready;
    double             *value;
    struct assay_packed local; /* its own op's worst-case bound; none: 0 */
    struct assay_spread spread;
};

struct assay_statistical {
    uint32_t     n_values;
    bool         replicas; /* false: values alone */
    struct kept *kept;     /* one a value */
};

static void release_kept(struct kept *k)
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
        release_kept(&s->kept[v]);
    if (s)
        free(s->kept);
    free(s);
}

bool assay_statistical_is_ready(const struct assay_statistical *s, int32_t value)
{
    return s->kept[value].ready;
}

/* Unsaid: elements, and the sums that may be made of them, no more than six for each. */
static double compared_of(const struct assay_reference *r)
{
    const struct assay_graph *g = r->graph;
    double n = 0;
    if (r->comparisons > 0)
        return r->comparisons;
    for (uint32_t v = 0; v < g->n_values; v++)
        n += g->values[v].role == ASSAY_ROLE_OUTPUT ? (double)g->values[v].elements : 0;
    return 7 * fmax(n, 1);
}

/* ---- the sweep ----------------------------------------------------------------------------------------------- */

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

/* A sign for each replica, in the bits of a number made of (value, element): SplitMix64's finalizer. */
static uint64_t signs_of(uint64_t value, uint64_t i)
{
    uint64_t x = (value << 44) + (i + 1) * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

struct move {
    double       *x;
    const double *d;
    uint64_t      value;
    int           replica;
};

#ifdef __x86_64__
/* Eight at a time, with the bits of signs_of. Does as many of [begin, end) as make whole vectors, and returns where it stopped. */
__attribute__((target("avx512f,avx512dq"))) static size_t move_vectors(const struct move *m, size_t begin, size_t end)
{
    typedef double   vector __attribute__((vector_size(64)));
    typedef double   loose __attribute__((vector_size(64), aligned(8), may_alias));
    typedef uint64_t bits __attribute__((vector_size(64)));
    const bits       zero = {0}, sign = zero + ((uint64_t)1 << 63), nan = (bits)((vector){0} + (double)NAN);
    const vector     uniform = (vector){0} + UNIFORM;
    bits             i = {1, 2, 3, 4, 5, 6, 7, 8};
    i += begin;
    for (; begin + 8 <= end; begin += 8, i += 8) {
        vector d = *(const loose *)(m->d + begin);
        bits   x = (m->value << 44) + i * 0x9E3779B97F4A7C15ull;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
        x ^= x >> 31;
        bits down = ~(x << (63 - m->replica)) & sign, known = (bits)(d - d == (vector){0}); /* finite */
        bits moved = (bits)((vector)((bits)uniform | down) * d);
        *(loose *)(m->x + begin) += (vector)((moved & known) | (nan & ~known));
    }
    return begin;
}
#endif

static void move_pieces(void *self, size_t begin, size_t end)
{
    const struct move *m = self;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        begin = move_vectors(m, begin, end);
#endif
    for (size_t i = begin; i < end; i++)
        m->x[i] += isfinite(m->d[i]) ? (signs_of(m->value, i) >> m->replica & 1 ? UNIFORM : -UNIFORM) * m->d[i] : (double)NAN;
}

static void move(double *x, const double *d, uint64_t n, int32_t value, int replica)
{
    struct move m = {x, d, (uint64_t)value, replica};
    assay_parallel_for((size_t)n, (size_t)1 << 14, move_pieces, &m);
}

struct distance {
    const double *x, *nominal;
    double       *off;
};

/* Where a replica stands off the nominal run; not finite in the same way is not off. */
static void stand_off_pieces(void *self, size_t begin, size_t end)
{
    const struct distance *d = self;
    for (size_t i = begin; i < end; i++) {
        double x = d->x[i], nominal = d->nominal[i];
        bool   same = x == nominal || (isnan(x) && isnan(nominal));
        d->off[i] = same ? 0 : isfinite(nominal) && isfinite(x) ? x - nominal : (double)INFINITY;
    }
}

/* off may be x. */
static void stand_off(const double *x, const double *nominal, uint64_t n, double *off)
{
    struct distance d = {x, nominal, off};
    assay_parallel_for((size_t)n, (size_t)1 << 15, stand_off_pieces, &d);
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
        move(x, s->d, v->elements, value, k - 1);
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
        s->d[i] /= UNIFORM; /* zero or not, and nothing between: the replicas go all the way */
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
static enum assay_code keep_local(struct sweep *s, int32_t value, struct kept *kept, struct assay_error *err)
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
    struct kept              *kept = &s->r->statistical->kept[value];
    bool                      bounds = s->runs > 1, read = s->last[value] >= 0;
    release_kept(kept);
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
            stand_off(x, s->run[0][value].value, v->elements, room);
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
        struct kept *kept = &r->statistical->kept[v];
        kept->ready = t->sweep->runs == 1 || !assay_spread_settle(&kept->spread, compared_of(r), &t->err[o]);
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

static enum assay_code sweep(struct assay_reference *r, const bool *target, struct assay_error *err)
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

/* A given value is what it is. */
static enum assay_code keep_given(struct assay_reference *r, int32_t value, struct assay_error *err)
{
    struct kept      *kept = &r->statistical->kept[value];
    struct assay_held h = {0};
    if (assay_ref_convert(r, value, &h, err))
        return err->code;
    *kept = (struct kept){.ready = true, .value = h.value};
    bool packed = !h.error || assay_packed_make(h.error, r->graph->values[value].elements, true, &kept->local);
    assay_recycle_give(h.error);
    return packed ? ASSAY_OK : assay_ref_no_memory(&r->graph->values[value], err);
}

static enum assay_code make_ready(struct assay_reference *r, int32_t value, struct assay_error *err)
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
    enum assay_code code = sweep(r, target, err);
    free(target);
    return code;
}

/* ---- what is asked ------------------------------------------------------------------------------------------- */

enum assay_code assay_statistical_at(struct assay_reference *r, int32_t value, size_t n, const int64_t *index, double *out,
                                     double *bound, struct assay_error *err)
{
    if (make_ready(r, value, err))
        return err->code;
    const struct kept *kept = &r->statistical->kept[value];
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
    if (make_ready(r, value, err))
        return err->code;
    *out = r->statistical->kept[value].value;
    return ASSAY_OK;
}

/* ---- sums ---------------------------------------------------------------------------------------------------- */

#define PIECE ((size_t)1 << 12)

struct sums {
    double             *out, *local, *magnitude, *moved[REPLICAS]; /* moved: NULL where nothing stands off */
    struct assay_spread spread;
};

/* Term by term: a weight of zero leaves out what is not finite. */
static void add_each(struct sums *s, const struct kept *kept, uint64_t first, size_t n, const size_t *sum, const double *weight)
{
    for (size_t i = 0; i < n; i++) {
        double w = weight[i], term = w * kept->value[first + i];
        s->out[sum[i]] += term;
        s->magnitude[sum[i]] += fabs(term);
        s->local[sum[i]] += w != 0 && kept->local.x ? fabs(w) * assay_packed_at(&kept->local, first + i) : 0;
        for (int k = 0; w != 0 && k < REPLICAS && s->moved[k]; k++)
            s->moved[k][sum[i]] += w * assay_packed_at(&kept->spread.off[k], first + i);
    }
}

typedef double    pair __attribute__((vector_size(16)));
typedef double    loose_pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef long long pair_bits __attribute__((vector_size(16)));
typedef float     half __attribute__((vector_size(8)));
typedef float     loose_half __attribute__((vector_size(8), aligned(4), may_alias));
#define LOAD(pointer) ((pair) * (const loose_pair *)(pointer))
#define WIDE(pointer) __builtin_convertvector((half) * (const loose_half *)(pointer), pair)
#define ABS(x) ((pair)((pair_bits)(x) & (pair_bits){INT64_MAX, INT64_MAX}))

/* Terms of one sum, n even: no weight is zero, and bounds and replicas are there. */
static void add_run(struct sums *s, const struct kept *kept, uint64_t first, size_t n, size_t sum, const double *weight)
{
    const double *value = kept->value + first;
    const float  *local = kept->local.x + first, *off[REPLICAS];
    pair          out = {0}, magnitude = {0}, bound = {0}, moved[REPLICAS] = {{0}};
    for (int k = 0; k < REPLICAS; k++)
        off[k] = kept->spread.off[k].x + first;
    for (size_t i = 0; i < n; i += 2) {
        pair w = LOAD(weight + i), term = w * LOAD(value + i);
        out += term;
        magnitude += ABS(term);
        bound += ABS(w) * WIDE(local + i);
        _Pragma("GCC unroll 3") for (int k = 0; k < REPLICAS; k++)
            moved[k] += w * WIDE(off[k] + i);
    }
    s->out[sum] += out[0] + out[1];
    s->magnitude[sum] += magnitude[0] + magnitude[1];
    s->local[sum] += kept->local.unit * (bound[0] + bound[1]);
    for (int k = 0; k < REPLICAS; k++)
        s->moved[k][sum] += kept->spread.off[k].unit * (moved[k][0] + moved[k][1]);
}

static void add_terms(struct sums *s, const struct kept *kept, uint64_t first, size_t n, const size_t *sum,
                      const double *weight)
{
    bool whole = kept->local.x && s->moved[0];
    for (size_t i = 0; i < n && whole; i++)
        whole = weight[i] != 0;
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && sum[i + run] == sum[i]; run++)
            ;
        size_t pairs = whole ? run / 2 * 2 : 0;
        if (pairs)
            add_run(s, kept, first + i, pairs, sum[i], weight + i);
        if (run > pairs)
            add_each(s, kept, first + i + pairs, run - pairs, sum + i + pairs, weight + i + pairs);
    }
}

static enum assay_code open_sums(struct sums *s, const struct kept *kept, size_t n, double *out, struct assay_error *err)
{
    bool room = true;
    *s = (struct sums){.out = out, .local = calloc(n + 1, sizeof(double)), .magnitude = calloc(n + 1, sizeof(double))};
    s->spread.n = s->spread.length = n;
    s->spread.inner = 1;
    for (int k = 0; kept->spread.off[0].x && k < REPLICAS; k++)
        room &= (s->moved[k] = assay_ref_zeros(n)) != NULL;
    memset(out, 0, n * sizeof *out);
    return room && s->local && s->magnitude ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu sums", n);
}

static void close_sums(struct sums *s)
{
    free(s->local);
    free(s->magnitude);
    for (int k = 0; k < REPLICAS; k++)
        assay_recycle_give(s->moved[k]);
    assay_spread_release(&s->spread);
}

static enum assay_code settle_sums(struct sums *s, double compared, struct assay_error *err)
{
    for (int k = 0; k < REPLICAS; k++) {
        if (!assay_packed_make(s->moved[k], s->spread.n, false, &s->spread.off[k]))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %llu sums", (unsigned long long)s->spread.n);
    }
    return assay_spread_settle(&s->spread, compared, err);
}

enum assay_code assay_reference_sums(struct assay_reference *r, int32_t value, size_t n_sums,
                                     void (*terms)(void *self, uint64_t first, size_t n, size_t *sum, double *weight),
                                     void *self, double *out, double *bound, struct assay_error *err)
{
    if (!r->statistical)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "sums over whole values are of statistical bounds");
    if (n_sums == 0 || make_ready(r, value, err))
        return n_sums == 0 ? ASSAY_OK : err->code;
    const struct kept *kept = &r->statistical->kept[value];
    uint64_t           elements = r->graph->values[value].elements;
    struct sums        s;
    size_t             sum[PIECE];
    double             weight[PIECE], roundings = (double)elements + 1; /* more than a sum can have */
    enum assay_code    code = open_sums(&s, kept, n_sums, out, err);
    for (uint64_t first = 0; !code && first < elements; first += PIECE) {
        size_t n = elements - first < PIECE ? (size_t)(elements - first) : PIECE;
        terms(self, first, n, sum, weight);
        add_terms(&s, kept, first, n, sum, weight);
    }
    if (!code && s.moved[0])
        code = settle_sums(&s, compared_of(r), err);
    for (size_t i = 0; !code && i < n_sums; i++) {
        double local = s.local[i] + assay_ref_gamma(roundings, ASSAY_REF_OWN) * s.magnitude[i];
        bound[i] = !r->statistical->replicas ? (double)INFINITY
                   : s.moved[0]              ? assay_spread_bound(&s.spread, i, out[i], local)
                                             : local;
    }
    close_sums(&s);
    return code;
}

/* A fold is such sums, one for each position; those asked for are picked out. */
struct folding {
    struct assay_ref_axis axis;
    const double         *weight;
};

static void fold_terms(void *self, uint64_t first, size_t n, size_t *sum, double *weight)
{
    const struct folding *f = self;
    uint64_t              inner = (uint64_t)f->axis.inner, length = (uint64_t)f->axis.length;
    for (size_t k = 0; k < n; k++) {
        uint64_t i = first + k;
        sum[k] = (size_t)(i / inner / length * inner + i % inner);
        weight[k] = f->weight[i / inner % length];
    }
}

enum assay_code assay_statistical_fold(struct assay_reference *r, int32_t value, int32_t axis, const double *weight,
                                       size_t n, const int64_t *index, double *out, double *bound, struct assay_error *err)
{
    const struct assay_value *v = &r->graph->values[value];
    struct assay_ref_tensor   t = {.rank = v->rank};
    memcpy(t.dims, v->dims, sizeof t.dims);
    struct folding  f = {assay_ref_axis_of(&t, axis), weight};
    size_t          all = (size_t)(f.axis.outer * f.axis.inner);
    double         *sums = assay_ref_doubles(all), *bounds = assay_ref_doubles(all);
    enum assay_code code = sums && bounds ? assay_reference_sums(r, value, all, fold_terms, &f, sums, bounds, err)
                                          : assay_ref_no_memory(v, err);
    for (size_t i = 0; !code && sums && bounds && i < n; i++) {
        out[i] = sums[index[i]];
        bound[i] = bounds[index[i]];
    }
    assay_recycle_give(sums);
    assay_recycle_give(bounds);
    return code;
}
