#include "harness/verify/layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/transform/copy.h"
#include "harness/verify/check.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

#include "assay/banned.h"

uint64_t assay_layer_elements(const struct assay_value *v, uint64_t most)
{
    return v->elements < most ? v->elements : most;
}

int64_t assay_layer_element(const struct assay_value *v, uint64_t most, uint64_t k)
{
    uint64_t n = assay_layer_elements(v, most);
    return (int64_t)(n == v->elements ? k : (uint64_t)((double)k * ((double)v->elements / (double)n)));
}

double assay_layer_ratio(double observed, double expected, double bound)
{
    if (!isfinite(expected))
        return isnan(expected) ? (isnan(observed) ? 0 : INFINITY) : observed == expected ? 0 : INFINITY;
    if (isinf(bound))
        return NAN;
    if (observed == expected)
        return 0;
    double ratio = fabs(observed - expected) / bound;
    return isnan(ratio) ? INFINITY : ratio;
}

static enum assay_code no_memory(const struct assay_value *v, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to compare '%.60s' element by element", v->name);
}

/* y of the compared elements, in double. */
static enum assay_code observed_of(const struct assay_value *v, const void *bytes, uint64_t most, double *to, struct assay_error *err)
{
    uint64_t n = assay_layer_elements(v, most);
    double  *all = n == v->elements ? to : malloc((size_t)v->elements * sizeof *all);
    if (!all)
        return no_memory(v, err);
    assay_to_double(v->dtype, bytes, (size_t)v->elements, all);
    if (all == to)
        return ASSAY_OK;
    for (uint64_t k = 0; k < n; k++)
        to[k] = all[assay_layer_element(v, most, k)];
    free(all);
    return ASSAY_OK;
}

/* Values and bounds of the compared elements of value v of r's graph. */
static enum assay_code expected_of(struct assay_reference *r, const struct assay_value *v, int32_t value, uint64_t most,
                                   double *to, double *bound, struct assay_error *err)
{
    uint64_t n = assay_layer_elements(v, most);
    int64_t *index = malloc((size_t)(n + 1) * sizeof *index);
    if (!index)
        return no_memory(v, err);
    for (uint64_t k = 0; k < n; k++)
        index[k] = assay_layer_element(v, most, k);
    enum assay_code code = assay_reference_at(r, value, (size_t)n, index, to, bound, err);
    free(index);
    return code;
}

/* Sums of squares over elements that are finite everywhere. */
struct squares {
    double r, added, carried, out;
};

static double relative(double squares, double of)
{
    return of > 0 ? sqrt(squares / of) : squares > 0 ? INFINITY : 0;
}

static double strain_of(enum assay_dtype dtype, double y, double e, double b)
{
    const struct assay_number_format *format = assay_format_of(dtype);
    double h = format ? format->unit_roundoff * fabs(e) : 0, beyond = fabs(y - e) - h;
    return beyond > 0 && b > 2 * h && isfinite(b) ? beyond / (b - h) : 0;
}

static double rms_of(const double *e, uint64_t n)
{
    double squares = 0;
    uint64_t finite = 0;
    for (uint64_t k = 0; k < n; k++) {
        squares += isfinite(e[k]) ? e[k] * e[k] : 0;
        finite += isfinite(e[k]);
    }
    return finite ? sqrt(squares / (double)finite) : 0;
}

static void compare(const struct assay_value *v, const double *y, const double *e, const double *b, const double *r, uint64_t most,
                    struct assay_layer *l)
{
    struct squares s = {0};
    double         rms = rms_of(e, assay_layer_elements(v, most));
    l->ratio = NAN;
    l->worst_index = -1;
    for (uint64_t k = 0, n = assay_layer_elements(v, most); k < n; k++) {
        double ratio = assay_layer_ratio(y[k], e[k], b[k]);
        l->unknown += isnan(ratio);
        l->compared += !isnan(ratio);
        l->strange = l->strange || (!l->wide && assay_check_is_strange(v->dtype, ratio, e[k], rms, b[k]));
        l->strain = fmax(l->strain, strain_of(v->dtype, y[k], e[k], b[k]));
        if (!isnan(ratio) && !(ratio <= l->ratio)) {
            l->ratio = ratio;
            l->worst_index = assay_layer_element(v, most, k);
            l->observed = y[k];
            l->expected = e[k];
            l->bound = b[k];
        }
        if (!r || !isfinite(y[k]) || !isfinite(e[k]) || !isfinite(r[k]))
            continue;
        s.r += r[k] * r[k];
        s.added += (y[k] - e[k]) * (y[k] - e[k]);
        s.carried += (e[k] - r[k]) * (e[k] - r[k]);
        s.out += (y[k] - r[k]) * (y[k] - r[k]);
    }
    bool says = r && assay_dtype_is_float(v->dtype);
    l->added = says ? relative(s.added, s.r) : NAN;
    l->carried = says ? relative(s.carried, s.r) : NAN;
    l->out = says ? relative(s.out, s.r) : NAN;
}

static enum assay_code check_value(struct assay_reference *reference, const struct assay_graph *excerpt, int32_t there,
                                   const struct assay_layer_values *known, uint64_t most, struct assay_layer *l, struct assay_error *err)
{
    const struct assay_value *v = &excerpt->values[there];
    uint64_t                  n = assay_layer_elements(v, most);
    double                   *room = malloc((size_t)(3 * n + 1) * sizeof *room), *y, *e, *b;
    if (!room)
        return no_memory(v, err);
    y = room, e = room + n, b = room + 2 * n;
    if (!observed_of(v, known->device[l->value], most, y, err) && !expected_of(reference, v, there, most, e, b, err))
        compare(v, y, e, b, known->reference ? known->reference[l->value] : NULL, most, l);
    free(room);
    return err->code;
}

static double worst_operand(const struct assay_graph *g, const struct assay_node *node, const double *error)
{
    double worst = NAN;
    for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != ASSAY_NO_VALUE && assay_dtype_is_float(g->values[node->inputs[i]].dtype) && error &&
            !(error[node->inputs[i]] <= worst) && !isnan(error[node->inputs[i]]))
            worst = error[node->inputs[i]];
    return worst;
}

/* `wide`: out[] is there already, and what diverges in it is judged anew, with room for a rounding of what other nodes wrote. */
static enum assay_code check_excerpt(const struct assay_graph *g, uint32_t node, const struct assay_graph *excerpt,
                                     const int32_t *there, const struct assay_layer_values *known, uint64_t most, bool wide,
                                     struct assay_layer *out, size_t *n, struct assay_error *err)
{
    const struct assay_node *x = &g->nodes[node];
    struct assay_reference  *reference = NULL;
    const void             **given = calloc((size_t)excerpt->n_values + 1, sizeof *given);
    *n = 0;
    if (!given)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge node '%.60s'", x->name);
    for (uint32_t v = 0; v < g->n_values; v++)
        if (there[v] != ASSAY_NO_VALUE)
            given[there[v]] = known->device[v];
    enum assay_code code = assay_reference_new_with(excerpt, given, ASSAY_BOUNDS_WORST_CASE, &reference, err);
    for (uint32_t v = 0; wide && v < g->n_values && !code; v++)
        if (there[v] != ASSAY_NO_VALUE && g->values[v].producer >= 0 && excerpt->values[there[v]].producer < 0)
            assay_reference_was_rounded(reference, there[v]);
    for (uint32_t o = 0; o < x->n_outputs && !code; o++) {
        if (x->outputs[o] == ASSAY_NO_VALUE || !known->device[x->outputs[o]])
            continue;
        struct assay_layer *l = &out[(*n)++];
        if (wide && !assay_layer_diverges(l))
            continue;
        *l = (struct assay_layer){.node = node, .value = x->outputs[o], .wide = wide, .in = worst_operand(g, x, known->error)};
        code = check_value(reference, excerpt, there[x->outputs[o]], known, most, l, err);
    }
    assay_reference_free(reference);
    free(given);
    return code;
}

static bool any_diverges(const struct assay_layer *l, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (assay_layer_diverges(&l[i]))
            return true;
    return false;
}

enum assay_code assay_layer_check(const struct assay_graph *g, uint32_t node, const struct assay_layer_values *known, uint64_t most,
                                  struct assay_layer *out, size_t *n, struct assay_error *err)
{
    struct assay_graph *excerpt = NULL;
    int32_t            *there = malloc(((size_t)g->n_values + 1) * sizeof *there);
    *n = 0;
    if (!there)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to judge node '%.60s'", g->nodes[node].name);
    if (!assay_graph_excerpt(g, node, &excerpt, there, err) &&
        !check_excerpt(g, node, excerpt, there, known, most, false, out, n, err) && any_diverges(out, *n))
        (void)check_excerpt(g, node, excerpt, there, known, most, true, out, n, err);
    assay_graph_free(excerpt);
    free(there);
    if (err->code)
        return assay_error_in(err, "judging node '%.60s' by itself", g->nodes[node].name);
    return ASSAY_OK;
}

enum assay_code assay_layer_reference(const struct assay_graph *g, const void *const *given, const bool *wanted, uint64_t most,
                                      double **r, struct assay_error *err)
{
    struct assay_reference *reference = NULL;
    enum assay_code         code = assay_reference_new_with(g, given, ASSAY_BOUNDS_NONE, &reference, err);
    for (uint32_t v = 0; v < g->n_values && !code; v++) {
        const struct assay_value *x = &g->values[v];
        if (!wanted[v] || x->producer < 0)
            continue;
        uint64_t n = assay_layer_elements(x, most);
        double  *ignored = malloc((size_t)(n + 1) * sizeof *ignored);
        r[v] = malloc((size_t)(n + 1) * sizeof **r);
        code = r[v] && ignored ? expected_of(reference, x, (int32_t)v, most, r[v], ignored, err) : no_memory(x, err);
        free(ignored);
    }
    assay_reference_free(reference);
    return code;
}
