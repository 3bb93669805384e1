/* A graph's values in double. Values in front of the one asked for are computed in full, once; it itself only where
 * it was asked for. Ops spread their work over threads themselves. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/recycle.h"
#include "harness/base/student.h"
#include "reference/arithmetic.h"
#include "reference/held.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

static bool rounds(const struct assay_graph *g, const struct assay_node *node)
{
    bool floats = false;
    for (uint32_t o = 0; o < node->n_outputs; o++)
        floats |= node->outputs[o] != ASSAY_NO_VALUE && assay_dtype_is_float(g->values[node->outputs[o]].dtype);
    return floats && !assay_reference_of(node->op)->exact;
}

enum assay_bounds assay_bounds_of(const struct assay_graph *g)
{
    uint32_t *depth = calloc((size_t)g->n_values + 1, sizeof *depth), most = 0; /* nodes that round on the longest path to it */
    for (uint32_t i = 0; depth && i < g->n_nodes; i++) {
        const struct assay_node *n = &g->nodes[i];
        uint32_t here = 0;
        for (uint32_t k = 0; k < n->n_inputs; k++) {
            if (n->inputs[k] != ASSAY_NO_VALUE && depth[n->inputs[k]] > here)
                here = depth[n->inputs[k]];
        }
        here += rounds(g, n);
        for (uint32_t k = 0; k < n->n_outputs; k++) {
            if (n->outputs[k] != ASSAY_NO_VALUE)
                depth[n->outputs[k]] = here;
        }
        most = here > most ? here : most;
    }
    free(depth);
    return most > ASSAY_DEEP_NODES ? ASSAY_BOUNDS_STATISTICAL : ASSAY_BOUNDS_WORST_CASE;
}

enum assay_code assay_reference_new(const struct assay_graph *g, const void *const *bound, struct assay_reference **out,
                                    struct assay_error *err)
{
    return assay_reference_new_with(g, bound, ASSAY_BOUNDS_AUTO, out, err);
}

void assay_reference_will_compare(struct assay_reference *r, double comparisons)
{
    r->comparisons = comparisons;
}

void assay_reference_was_rounded(struct assay_reference *r, int32_t value)
{
    r->rounded[value] = assay_dtype_is_float(r->graph->values[value].dtype) && r->bounds == ASSAY_BOUNDS_WORST_CASE;
}

enum assay_bounds assay_reference_bounds(const struct assay_reference *r)
{
    return r->bounds;
}

enum assay_code assay_reference_new_with(const struct assay_graph *g, const void *const *bound, enum assay_bounds bounds,
                                         struct assay_reference **out, struct assay_error *err)
{
    size_t n = g->n_values;
    struct assay_reference *r = calloc(1, sizeof *r);
    if (r) {
        r->graph = g;
        r->bounds = bounds == ASSAY_BOUNDS_AUTO ? assay_bounds_of(g) : bounds;
        r->bound = calloc(n + 1, sizeof *r->bound);
        r->held = calloc(n + 1, sizeof *r->held);
        r->needed = calloc(n + 1, sizeof *r->needed);
        r->rounded = calloc(n + 1, sizeof *r->rounded);
    }
    if (!r || !r->bound || !r->held || !r->needed || !r->rounded) {
        assay_reference_free(r);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the reference of a graph of %zu values", n);
    }
    for (size_t v = 0; v < n; v++) {
        if (bound && g->values[v].producer < 0)
            r->bound[v] = bound[v];
        if (g->values[v].data)
            r->bound[v] = g->values[v].data;
    }
    if (r->bounds != ASSAY_BOUNDS_WORST_CASE &&
        assay_statistical_new(g, r->bounds == ASSAY_BOUNDS_STATISTICAL, &r->statistical, err)) {
        assay_reference_free(r);
        return err->code;
    }
    *out = r;
    return ASSAY_OK;
}

void assay_reference_free(struct assay_reference *r)
{
    if (!r)
        return;
    for (size_t v = 0; r->held && v < r->graph->n_values; v++)
        assay_ref_drop(&r->held[v]);
    assay_statistical_free(r->statistical);
    free(r->held);
    free(r->bound);
    free(r->needed);
    free(r->run);
    free(r->rounded);
    free(r);
}

/* ---- values in full ------------------------------------------------------------------------------------------ */

static enum assay_code convert_whole(struct assay_reference *r, int32_t value, struct assay_error *err)
{
    return assay_ref_convert(r, value, &r->held[value], err);
}

static bool all_zero(const double *x, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        if (x[i] != 0)
            return false;
    }
    return true;
}

static struct assay_ref_how as_held(const struct assay_reference *r)
{
    return (struct assay_ref_how){.held = r->held};
}

static enum assay_code compute_whole(struct assay_reference *r, int32_t value, struct assay_error *err)
{
    const struct assay_value *v = &r->graph->values[value];
    size_t n = (size_t)v->elements;
    double *out = assay_ref_doubles(n), *bound = assay_ref_doubles(n);
    struct assay_ref_how how = as_held(r);
    enum assay_code code = out && bound ? assay_ref_whole(r, &how, value, out, bound, err) : assay_ref_no_memory(v, err);
    if (code) {
        assay_recycle_give(out);
        assay_recycle_give(bound);
        return code;
    }
    if (all_zero(bound, n)) { /* exact, and cheaper so */
        assay_recycle_give(bound);
        bound = NULL;
    }
    r->held[value] = (struct assay_held){out, bound, true, false, bound ? 0 : assay_ref_quantum(n, out)};
    return ASSAY_OK;
}

/* Marks what the inputs of `value` stand on; nodes stand in topological order, so one walk back finds all. */
static void mark(struct assay_reference *r, int32_t value)
{
    const struct assay_graph *g = r->graph;
    memset(r->needed, 0, g->n_values * sizeof *r->needed);
    r->needed[value] = true;
    for (int64_t node = g->values[value].producer; node >= 0; node--) {
        const struct assay_node *n = &g->nodes[node];
        bool wanted = false;
        for (uint32_t o = 0; o < n->n_outputs; o++)
            wanted |= n->outputs[o] != ASSAY_NO_VALUE && r->needed[n->outputs[o]] && !r->held[n->outputs[o]].ready;
        for (uint32_t i = 0; wanted && i < n->n_inputs; i++) {
            if (n->inputs[i] != ASSAY_NO_VALUE)
                r->needed[n->inputs[i]] = true;
        }
    }
}

static enum assay_code compute_inputs(struct assay_reference *r, int32_t value, struct assay_error *err)
{
    const struct assay_graph *g = r->graph;
    enum assay_code code = ASSAY_OK;
    mark(r, value);
    for (uint32_t v = 0; !code && v < g->n_values; v++) {
        if (r->needed[v] && g->values[v].producer < 0 && !r->held[v].ready)
            code = convert_whole(r, (int32_t)v, err);
    }
    for (int64_t node = 0; !code && node < g->values[value].producer; node++) {
        const struct assay_node *n = &g->nodes[node];
        for (uint32_t o = 0; !code && o < n->n_outputs; o++) {
            int32_t v = n->outputs[o];
            if (v != ASSAY_NO_VALUE && r->needed[v] && !r->held[v].ready)
                code = compute_whole(r, v, err);
        }
    }
    return code;
}

static enum assay_code check_value(const struct assay_reference *r, int32_t value, struct assay_error *err)
{
    if (value < 0 || (uint32_t)value >= r->graph->n_values)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "graph '%s' has no value %d", r->graph->name, (int)value);
    return ASSAY_OK;
}

static enum assay_code check_index(const char *name, uint64_t elements, size_t n, const int64_t *index,
                                   struct assay_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (index[i] < 0 || (uint64_t)index[i] >= elements)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "element %lld of '%s' does not exist; it has %llu",
                              (long long)index[i], name, (unsigned long long)elements);
    }
    return ASSAY_OK;
}

enum assay_code assay_reference_at(struct assay_reference *r, int32_t value, size_t n, const int64_t *index,
                                   double *out, double *bound, struct assay_error *err)
{
    enum assay_code code = check_value(r, value, err);
    if (code || (code = check_index(r->graph->values[value].name, r->graph->values[value].elements, n, index, err)))
        return code;
    if (r->statistical)
        return assay_statistical_at(r, value, n, index, out, bound, err);
    struct assay_held *h = &r->held[value];
    struct assay_ref_how how = as_held(r);
    if (!h->ready && r->graph->values[value].producer < 0 && (code = convert_whole(r, value, err)))
        return code;
    if (!h->ready) {
        if ((code = compute_inputs(r, value, err)))
            return code;
        return assay_ref_call_at(r, &how, value, n, index, out, bound, err);
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = h->value[index[i]];
        bound[i] = h->error ? h->error[index[i]] : 0;
    }
    return ASSAY_OK;
}

#define NORMAL_FREEDOM 1e6 /* degrees of freedom from which Student's t is the normal distribution */

bool assay_reference_is_sum(const struct assay_graph *g, int32_t value)
{
    int32_t producer = g->values[value].producer;
    return producer >= 0 && assay_reference_of(g->nodes[producer].op)->quantum;
}

/* Operands that are held exactly: only the op's own roundings are left. */
static bool operands_exact(const struct assay_reference *r, int32_t value)
{
    const struct assay_node *node = &r->graph->nodes[r->graph->values[value].producer];
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        if (node->inputs[i] != ASSAY_NO_VALUE && r->held[node->inputs[i]].error)
            return false;
    }
    return true;
}

enum assay_code assay_reference_at_probable(struct assay_reference *r, int32_t value, double chance, size_t n, const int64_t *index,
                                            double *out, double *bound, struct assay_error *err)
{
    enum assay_code code = check_value(r, value, err);
    if (code || (code = check_index(r->graph->values[value].name, r->graph->values[value].elements, n, index, err)))
        return code;
    const char *name = r->graph->values[value].name;
    if (r->statistical || !assay_reference_is_sum(r->graph, value))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "'%s' is not one sum of products of what it is made of", name);
    if ((code = compute_inputs(r, value, err)))
        return code;
    if (!operands_exact(r, value))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "what '%s' is made of is not exact", name);
    struct assay_ref_how how = {.held = r->held, .deviations = 1};
    if (chance > 0) { /* half of it for either part */
        how.deviations = -assay_student_quantile(chance / 4, NORMAL_FREEDOM);
        how.bridge = assay_ref_bridge_factor(chance / 4);
    }
    return assay_ref_call_at(r, &how, value, n, index, out, bound, err);
}

/* ---- folds --------------------------------------------------------------------------------------------------- */

/* Element by element: bounds add with the magnitudes of the weights. */
static enum assay_code fold_elements(struct assay_reference *r, int32_t value, int32_t axis, const double *weight,
                                     size_t n, const int64_t *index, double *out, double *bound,
                                     struct assay_error *err)
{
    struct assay_ref_tensor t;
    assay_ref_describe(r, r->held, value, &t);
    struct assay_ref_axis a = assay_ref_axis_of(&t, axis);
    size_t length = (size_t)a.length;
    int64_t *list = malloc((length + 1) * sizeof *list);
    double *v = assay_ref_doubles(length), *e = assay_ref_doubles(length);
    enum assay_code code = list && v && e ? ASSAY_OK : assay_ref_no_memory(&r->graph->values[value], err);
    for (size_t i = 0; !code && i < n; i++) {
        int64_t first = index[i] / a.inner * a.length * a.inner + index[i] % a.inner;
        for (size_t j = 0; j < length; j++)
            list[j] = first + (int64_t)j * a.inner;
        if ((code = assay_reference_at(r, value, length, list, v, e, err)))
            break;
        double sum = 0, error = 0, magnitude = 0;
        for (size_t j = 0; j < length; j++) {
            sum += weight[j] * v[j];
            magnitude += fabs(weight[j] * v[j]);
            error += weight[j] != 0 ? fabs(weight[j]) * e[j] : 0;
        }
        struct assay_bounded x =
            bounded_settle(sum, error + assay_ref_gamma((double)length + 1, ASSAY_REF_OWN) * magnitude);
        out[i] = x.value;
        bound[i] = x.error;
    }
    assay_recycle_give(e);
    assay_recycle_give(v);
    free(list);
    return code;
}

enum assay_code assay_reference_fold(struct assay_reference *r, int32_t value, int32_t axis, const double *weight,
                                     size_t n, const int64_t *index, double *out, double *bound,
                                     struct assay_error *err)
{
    enum assay_code code = check_value(r, value, err);
    if (code)
        return code;
    const struct assay_value *v = &r->graph->values[value];
    if (axis < 0 || axis >= v->rank)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' has no axis %d; its rank is %d", v->name, (int)axis, (int)v->rank);
    if ((code = check_index(v->name, v->dims[axis] ? v->elements / (uint64_t)v->dims[axis] : 0, n, index, err)))
        return code;
    if (r->statistical)
        return assay_statistical_fold(r, value, axis, weight, n, index, out, bound, err);
    if (v->producer >= 0) {
        struct assay_ref_how how = as_held(r);
        const struct assay_op_reference *op = assay_reference_of(r->graph->nodes[v->producer].op);
        struct assay_ref_prepared p;
        if (op->fold) {
            if ((code = compute_inputs(r, value, err)) || (code = assay_ref_prepare(r, &how, value, &p, err)))
                return code;
            code = op->fold(&p.call, axis, weight, n, index, out, bound, err);
            free(p.tensors);
            if (code != ASSAY_UNSUPPORTED)
                return code ? assay_error_in(err, "folding '%s'", v->name) : ASSAY_OK;
            memset(err, 0, sizeof *err);
        }
    }
    return fold_elements(r, value, axis, weight, n, index, out, bound, err);
}

/* ---- costs and storing --------------------------------------------------------------------------------------- */

static double elements_read(const struct assay_reference *r, const struct assay_node *node)
{
    double n = 0;
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        if (node->inputs[i] != ASSAY_NO_VALUE)
            n += (double)r->graph->values[node->inputs[i]].elements;
    }
    return n;
}

/* A function of libm costs about 20 simple operations; it all is done `times` times. */
static double cost_of(const struct assay_reference *r, int32_t value, double times)
{
    const struct assay_value *v = &r->graph->values[value];
    struct assay_cost cost = assay_node_cost(r->graph, &r->graph->nodes[v->producer]);
    return times * ((double)cost.flops + 20 * (double)cost.transcendentals + (double)v->elements);
}

double assay_reference_preparing_cost(const struct assay_reference *r)
{
    const struct assay_graph *g = r->graph;
    int32_t last = -1; /* node of the last output */
    double ops = 0, times = r->bounds == ASSAY_BOUNDS_STATISTICAL ? 2 + ASSAY_REPLICAS
                            : r->bounds == ASSAY_BOUNDS_NONE      ? 1
                                                                  : 2; /* value and bound */
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].role == ASSAY_ROLE_OUTPUT && g->values[v].producer > last)
            last = g->values[v].producer;
    }
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].producer >= 0 && (r->statistical || g->values[v].producer < last) && !r->held[v].ready &&
            !(r->statistical && assay_statistical_is_ready(r->statistical, (int32_t)v)))
            ops += cost_of(r, (int32_t)v, times);
    }
    return ops;
}

double assay_reference_preparing_bytes(const struct assay_reference *r)
{
    double doubles = 0;
    if (r->statistical)
        return assay_statistical_bytes(r);
    for (uint32_t v = 0; v < r->graph->n_values; v++) /* value and bound of each are held */
        doubles += (r->graph->values[v].producer < 0 ? 1 : 2) * (double)r->graph->values[v].elements;
    return doubles * sizeof(double);
}

double assay_reference_at_cost(const struct assay_reference *r, int32_t value, size_t n)
{
    const struct assay_value *v = &r->graph->values[value];
    if (v->producer < 0 || v->elements == 0 || r->held[value].ready || r->statistical)
        return (double)n; /* statistical bounds: preparing is what costs */
    return cost_of(r, value, 2) * ((double)n / (double)v->elements) + (double)n;
}

double assay_reference_fold_cost(const struct assay_reference *r, int32_t value, int32_t axis, size_t n)
{
    const struct assay_value *v = &r->graph->values[value];
    double length = axis >= 0 && axis < v->rank ? (double)v->dims[axis] : 1;
    double elements = assay_reference_at_cost(r, value, n * (size_t)length);
    if (v->producer < 0 || !assay_reference_of(r->graph->nodes[v->producer].op)->fold)
        return elements;
    /* Folding the operands reads each once, with value, magnitude and error; then one dot product a position. */
    double folded = 4 * elements_read(r, &r->graph->nodes[v->producer]) + (length > 0 ? elements / length : 0);
    return folded < elements ? folded : elements;
}

enum assay_code assay_reference_store(struct assay_reference *r, int32_t value, void *to, struct assay_error *err)
{
    enum assay_code code = check_value(r, value, err);
    if (code)
        return code;
    const struct assay_value *v = &r->graph->values[value];
    const double *values;
    if (r->statistical) {
        if ((code = assay_statistical_values(r, value, &values, err)))
            return code;
        assay_from_double(v->dtype, values, (size_t)v->elements, to);
        return ASSAY_OK;
    }
    if (!r->held[value].ready) {
        if (v->producer < 0)
            code = convert_whole(r, value, err);
        else if (!(code = compute_inputs(r, value, err)))
            code = compute_whole(r, value, err);
        if (code)
            return code;
    }
    assay_from_double(v->dtype, r->held[value].value, (size_t)v->elements, to);
    return ASSAY_OK;
}
