/* A graph's values in double. Values in front of the one asked for are computed in full, once; it itself only where
 * it was asked for. Ops spread their work over threads themselves. */
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/parallel.h"
#include "harness/base/recycle.h"
#include "harness/base/student.h"
#include "reference/arithmetic.h"
#include "reference/execute.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

/* Elements computed in one call of an op, so that the list of their indices stays small. */
#define CHUNK ((size_t)1 << 22)

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

void assay_ref_drop(struct assay_held *h)
{
    if (!h->shared) {
        assay_recycle_give(h->value);
        assay_recycle_give(h->error);
    }
    *h = (struct assay_held){0};
}

double *assay_ref_doubles(uint64_t n)
{
    size_t bytes;
    return n < SIZE_MAX / 2 && assay_size_multiply((size_t)n + 1, sizeof(double), &bytes) ? assay_recycle_take(bytes) : NULL;
}

double *assay_ref_zeros(uint64_t n)
{
    double *to = assay_ref_doubles(n);
    if (to)
        memset(to, 0, ((size_t)n + 1) * sizeof *to);
    return to;
}

enum assay_code assay_ref_no_memory(const struct assay_value *v, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %llu elements of '%s' in double",
                      (unsigned long long)v->elements, v->name);
}

/* ---- values that are given --------------------------------------------------------------------------------- */

struct conversion {
    const struct assay_value *v;
    const char *from;
    double *to;
};

/* Cut at multiples of 8 elements, so that packed elements are cut at bytes. */
static void convert(void *self, size_t begin, size_t end)
{
    const struct conversion *c = self;
    assay_to_double(c->v->dtype, c->from + assay_dtype_bytes(c->v->dtype, begin), end - begin, c->to + begin);
}

/* Subnormal numbers of f32, bf16 and f64 may be read as zeros by a device: their own magnitude is their error. */
static double tiny_of(enum assay_dtype dtype)
{
    return dtype == ASSAY_F32 || dtype == ASSAY_BF16 || dtype == ASSAY_F64 ? assay_format_of(dtype)->smallest_normal
                                                                           : 0;
}

/* What is known of each element only: within one rounding to its type, and of a subnormal, which may be read as zero, its magnitude. */
static double rounding_of(const struct assay_number_format *f, double x, double tiny)
{
    double size = fabs(x);
    if (isnan(x) || isinf(x))
        return 0;
    return size < tiny && size > 0 ? size : f->unit_roundoff * fmax(size, f->smallest_normal);
}

enum assay_code assay_ref_convert(const struct assay_reference *r, int32_t value, struct assay_held *h,
                                  struct assay_error *err)
{
    const struct assay_value *v = &r->graph->values[value];
    double tiny = tiny_of(v->dtype);
    if (!r->bound[value])
        return ASSAY_FAIL(err, ASSAY_CONFIG, "value '%s' is bound to nothing", v->name);
    double *to = assay_ref_doubles(v->elements), *error = NULL;
    if (!to)
        return assay_ref_no_memory(v, err);
    struct conversion c = {v, r->bound[value], to};
    assay_parallel_for((size_t)v->elements, (size_t)1 << 16, convert, &c);
    if (r->rounded[value] && !(error = assay_ref_doubles(v->elements))) {
        assay_recycle_give(to);
        return assay_ref_no_memory(v, err);
    }
    for (uint64_t i = 0; r->rounded[value] && i < v->elements; i++)
        error[i] = rounding_of(assay_format_of(v->dtype), to[i], tiny);
    for (uint64_t i = 0; tiny > 0 && !r->rounded[value] && i < v->elements; i++) {
        double x = fabs(to[i]);
        if (!(x < tiny) || x == 0)
            continue;
        if (!error && !(error = assay_ref_zeros(v->elements))) {
            assay_recycle_give(to);
            return assay_ref_no_memory(v, err);
        }
        error[i] = x;
    }
    *h = (struct assay_held){to, error, true, false, error ? 0 : assay_ref_quantum((size_t)v->elements, to)};
    return ASSAY_OK;
}

/* ---- values that nodes write ------------------------------------------------------------------------------- */

static enum assay_code convert_whole(struct assay_reference *r, int32_t value, struct assay_error *err)
{
    return assay_ref_convert(r, value, &r->held[value], err);
}

static void describe(const struct assay_reference *r, const struct assay_held *held, int32_t value,
                     struct assay_ref_tensor *t)
{
    memset(t, 0, sizeof *t);
    if (value == ASSAY_NO_VALUE)
        return;
    const struct assay_value *v = &r->graph->values[value];
    t->dtype = v->dtype;
    t->rank = v->rank;
    memcpy(t->dims, v->dims, sizeof t->dims);
    t->elements = v->elements;
    t->value = held[value].value;
    t->error = held[value].error;
    t->quantum = held[value].quantum;
}

struct prepared {
    struct assay_ref_call call;
    struct assay_ref_tensor *tensors;
};

/* The call that computes `value`; its tensors are to be freed. */
static enum assay_code prepare(const struct assay_reference *r, const struct assay_ref_how *how, int32_t value,
                               struct prepared *p, struct assay_error *err)
{
    const struct assay_node *node = &r->graph->nodes[r->graph->values[value].producer];
    p->tensors = calloc((size_t)node->n_inputs + node->n_outputs + 1, sizeof *p->tensors);
    if (!p->tensors)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a call of %s", node->op->name);
    p->call =
        (struct assay_ref_call){.graph = r->graph, .node = node, .in = p->tensors, .out = p->tensors + node->n_inputs};
    for (uint32_t i = 0; i < node->n_inputs; i++)
        describe(r, how->held, node->inputs[i], &p->tensors[i]);
    for (uint32_t i = 0; i < node->n_outputs; i++) {
        describe(r, how->held, node->outputs[i], &p->tensors[node->n_inputs + i]);
        if (node->outputs[i] == value)
            p->call.output = i;
    }
    p->call.arithmetic = assay_arithmetic_required(r->graph, node);
    p->call.arithmetic.deviations = how->deviations;
    p->call.arithmetic.bridge = how->bridge;
    p->call.values_only = how->values_only;
    if (p->call.output > 0) { /* the format of the output asked for, which need not be that of the first */
        const struct assay_number_format *f = assay_format_of(r->graph->values[value].dtype);
        p->call.arithmetic.store = f ? f->unit_roundoff : 0;
        p->call.arithmetic.store_tiny = f ? f->smallest_normal : 0;
    }
    if (assay_reference_of(node->op)->quantum)
        p->call.arithmetic.quantum = assay_reference_of(node->op)->quantum(&p->call);
    return ASSAY_OK;
}

static enum assay_code call_at(const struct assay_reference *r, const struct assay_ref_how *how, int32_t value, size_t n,
                               const int64_t *index, double *out, double *bound, struct assay_error *err)
{
    struct prepared p;
    enum assay_code code = prepare(r, how, value, &p, err);
    if (code)
        return code;
    code = assay_reference_of(p.call.node->op)->at(&p.call, n, index, out, bound, err);
    free(p.tensors);
    return code ? assay_error_in(err, "reference of %s '%s'", p.call.node->op->name, p.call.node->name) : ASSAY_OK;
}

static bool all_zero(const double *x, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        if (x[i] != 0)
            return false;
    }
    return true;
}

/* Whole slices along the first axis, where one fits: an op may do those faster. */
static size_t chunk_of(const struct assay_value *v)
{
    size_t n = (size_t)v->elements, slice = v->rank > 0 && v->dims[0] > 0 ? n / (size_t)v->dims[0] : n;
    if (n <= CHUNK)
        return n;
    return slice <= CHUNK && slice > 0 ? CHUNK / slice * slice : CHUNK;
}

/* The numbers first .. first + n - 1, n > 0; NULL: no memory. Mostly they are those of the call before. */
static const int64_t *run_from(struct assay_reference *r, size_t first, size_t n)
{
    if (r->n_run >= n && r->run[0] == (int64_t)first)
        return r->run;
    if (r->n_run < n) {
        free(r->run);
        r->run = malloc(n * sizeof *r->run);
        r->n_run = r->run ? n : 0;
    }
    for (size_t i = 0; i < r->n_run; i++)
        r->run[i] = (int64_t)(first + i);
    return r->run;
}

enum assay_code assay_ref_whole(struct assay_reference *r, const struct assay_ref_how *how, int32_t value,
                                double *out, double *bound, struct assay_error *err)
{
    const struct assay_value *v = &r->graph->values[value];
    size_t n = (size_t)v->elements, most = chunk_of(v);
    double *unread = bound ? NULL : assay_ref_doubles(most);
    enum assay_code code = ASSAY_OK;
    if (!bound && !unread)
        code = assay_ref_no_memory(v, err);
    for (size_t done = 0; !code && done < n; done += most) {
        size_t count = n - done < most ? n - done : most;
        const int64_t *index = run_from(r, done, count);
        code = index ? call_at(r, how, value, count, index, out + done, bound ? bound + done : unread, err)
                     : assay_ref_no_memory(v, err);
    }
    assay_recycle_give(unread);
    return code;
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
        return call_at(r, &how, value, n, index, out, bound, err);
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
    return call_at(r, &how, value, n, index, out, bound, err);
}

/* ---- folds --------------------------------------------------------------------------------------------------- */

/* Element by element: bounds add with the magnitudes of the weights. */
static enum assay_code fold_elements(struct assay_reference *r, int32_t value, int32_t axis, const double *weight,
                                     size_t n, const int64_t *index, double *out, double *bound,
                                     struct assay_error *err)
{
    struct assay_ref_tensor t;
    describe(r, r->held, value, &t);
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
        struct prepared p;
        if (op->fold) {
            if ((code = compute_inputs(r, value, err)) || (code = prepare(r, &how, value, &p, err)))
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
