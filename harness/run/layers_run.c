#include "harness/run/layers_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/json.h"
#include "harness/base/memory.h"
#include "harness/ir/ops.h"
#include "harness/ir/transform/copy.h"
#include "harness/load/once.h"
#include "harness/verify/check.h"
#include "harness/verify/layers.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

#include "assay/banned.h"

#define MOST_COMPARED ((uint64_t)1 << 18) /* elements of a value */
#define MOST_SHOWN 1024u                  /* inner values of one program */
#define MOST_SHOWN_BYTES ((uint64_t)256 << 20)
#define MOST_ROWS 1000u /* of values that are told singly: an answer is one line of at most 1 MiB */
#define MEMORY_SHARE 0.7 /* of what is available now */
#define MOST_OPS 2e12 /* double operations for the values of a graph: some minutes */

/* What the graph's outputs were in one program, against the bounds of the whole graph. */
struct at_end {
    double  ratio; /* NaN: nothing could be said */
    int32_t value; /* where it was largest */
};

struct search {
    const struct assay_opened *opened;
    const struct assay_graph  *g;
    const void *const         *given;
    void                     **plain;    /* of each output, what the program as it is gave */
    double                   **expected; /* of each output, values of the compared elements, then their bounds */
    struct assay_layer_values  known;
    void                     **shown; /* of each value, what the program with inner outputs gave; owned as far as its group is judged */
    const void               **device;
    double                   **reference;
    double                    *error;
    struct assay_layer        *layer;
    size_t                     n_layers;
    uint32_t                   n_programs, n_shown;
    bool                       same_bits; /* outputs, with and without inner values beside them */
    bool                       statistical;
    struct at_end              at_end, at_end_shown;
    uint32_t                   fused; /* node; n_nodes: not looked for, or not found */
};

bool assay_run_accepts(const struct assay_opened *opened, const struct assay_graph *g, struct assay_text *why_not)
{
    bool values = opened->device.traits & ASSAY_TRAIT_VALUES;
    if (!values)
        assay_text_add(why_not, "the device computes no values");
    for (uint32_t i = 0; values && i < g->n_nodes; i++) {
        char              said[160] = "";
        struct assay_text text = ASSAY_TEXT(said);
        if (opened->backend->accepts(opened->session, g, i, &text))
            continue;
        assay_text_add(why_not, "node '%.60s' (%s): %s", g->nodes[i].name, g->nodes[i].op->qualified, *said ? said : "no reason given");
        return false;
    }
    return values;
}

static enum assay_code no_memory(const char *what, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %s", what);
}

/* ---- the program as it is -------------------------------------------------------------------------------------- */

static bool is_output(const struct search *s, uint32_t v)
{
    return s->g->values[v].role == ASSAY_ROLE_OUTPUT;
}

static enum assay_code keep(const struct assay_once *o, const struct assay_graph *g, uint32_t v, void **to, struct assay_error *err)
{
    if (!*to && !(*to = malloc((size_t)g->values[v].bytes + 1)))
        return no_memory("what a program gives", err);
    return assay_once_get(o, (int32_t)v, *to, err);
}

/* Executes `g`, a program whose values have the numbers of the searched one; to[v] gets what each wanted value became. */
static enum assay_code run(const struct search *s, const struct assay_graph *g, const bool *wanted, void **to, struct assay_error *err)
{
    struct assay_once *once = NULL;
    if (assay_once_new(s->opened->backend, s->opened->session, g, s->given, &once, err))
        return err->code;
    enum assay_code code = assay_once_run(once, err);
    for (uint32_t v = 0; v < g->n_values && !code; v++)
        if (g->values[v].role == ASSAY_ROLE_OUTPUT && (is_output(s, v) || (wanted && wanted[v])))
            code = keep(once, g, v, &to[v], err);
    assay_once_free(once);
    return code;
}

/* What the whole graph asks of its outputs. */
static enum assay_code expect(struct search *s, struct assay_error *err)
{
    struct assay_reference *r = NULL;
    enum assay_code         code = assay_reference_new(s->g, s->given, &r, err);
    for (uint32_t v = 0; v < s->g->n_values && !code; v++) {
        const struct assay_value *x = &s->g->values[v];
        size_t                    n = (size_t)assay_layer_elements(x, MOST_COMPARED);
        if (!is_output(s, v))
            continue;
        int64_t *index = malloc((n + 1) * sizeof *index);
        s->expected[v] = malloc((2 * n + 1) * sizeof(double));
        if (!index || !s->expected[v])
            code = no_memory("what the outputs should be", err);
        for (size_t k = 0; k < n && !code; k++)
            index[k] = assay_layer_element(x, MOST_COMPARED, k);
        if (!code)
            code = assay_reference_at(r, (int32_t)v, n, index, s->expected[v], s->expected[v] + n, err);
        free(index);
    }
    s->statistical = r && assay_reference_bounds(r) == ASSAY_BOUNDS_STATISTICAL;
    assay_reference_free(r);
    return code;
}

static enum assay_code compare_end(const struct search *s, void *const *got, struct at_end *out, struct assay_error *err)
{
    *out = (struct at_end){NAN, ASSAY_NO_VALUE};
    for (uint32_t v = 0; v < s->g->n_values; v++) {
        const struct assay_value *x = &s->g->values[v];
        if (!is_output(s, v))
            continue;
        uint64_t n = assay_layer_elements(x, MOST_COMPARED);
        double  *y = malloc((size_t)(x->elements + 1) * sizeof *y);
        if (!y)
            return no_memory("outputs in double", err);
        assay_to_double(x->dtype, got[v], (size_t)x->elements, y);
        for (uint64_t k = 0; k < n; k++) {
            double ratio = assay_layer_ratio(y[assay_layer_element(x, MOST_COMPARED, k)], s->expected[v][k], s->expected[v][n + k]);
            if (!isnan(ratio) && !(ratio <= out->ratio))
                *out = (struct at_end){ratio, (int32_t)v};
        }
        free(y);
    }
    return ASSAY_OK;
}

/* ---- with inner values as outputs ------------------------------------------------------------------------------- */

/* Node `node` joins a group: what it reads and writes is to be seen. Returns the bytes that this adds, *n the values. */
static uint64_t join(const struct search *s, uint32_t node, bool *shown, uint32_t *n)
{
    const struct assay_node *x = &s->g->nodes[node];
    uint64_t                 bytes = 0;
    for (uint32_t i = 0; i < x->n_inputs + x->n_outputs; i++) {
        int32_t v = i < x->n_inputs ? x->inputs[i] : x->outputs[i - x->n_inputs];
        if (v == ASSAY_NO_VALUE || shown[v] || s->g->values[v].producer < 0)
            continue;
        shown[v] = true;
        if (!assay_graph_can_reveal(s->g, v))
            continue;
        bytes += s->g->values[v].bytes;
        (*n)++;
    }
    return bytes;
}

static enum assay_code judge_node(struct search *s, uint32_t node, struct assay_error *err)
{
    const struct assay_node *x = &s->g->nodes[node];
    size_t                   n = 0;
    for (uint32_t i = 0; i < x->n_inputs; i++)
        if (x->inputs[i] != ASSAY_NO_VALUE && !s->device[x->inputs[i]])
            return ASSAY_OK; /* it reads what is not on the device */
    if (assay_layer_check(s->g, node, &s->known, MOST_COMPARED, s->layer + s->n_layers, &n, err))
        return err->code;
    for (size_t i = 0; i < n; i++, s->n_layers++)
        s->error[s->layer[s->n_layers].value] = s->layer[s->n_layers].out;
    return ASSAY_OK;
}

static void forget_group(struct search *s)
{
    for (uint32_t v = 0; v < s->g->n_values; v++) {
        free(s->reference[v]);
        free(s->shown[v]);
        s->reference[v] = NULL;
        s->shown[v] = NULL;
        if (s->g->values[v].producer >= 0)
            s->device[v] = NULL;
    }
}

/* The outputs of the first program with inner values tell whether the fault is still there. */
static enum assay_code look_at_end(struct search *s, struct assay_error *err)
{
    for (uint32_t v = 0; v < s->g->n_values; v++)
        if (is_output(s, v) && memcmp(s->plain[v], s->shown[v], (size_t)s->g->values[v].bytes) != 0)
            s->same_bits = false;
    return s->n_programs == 1 ? compare_end(s, s->shown, &s->at_end_shown, err) : ASSAY_OK;
}

static enum assay_code judge_group(struct search *s, uint32_t first, uint32_t end, const bool *shown, struct assay_error *err)
{
    struct assay_graph *g = NULL;
    char                said[256] = "";
    struct assay_text   why = ASSAY_TEXT(said);
    if (assay_graph_reveal(s->g, shown, &g, err))
        return err->code;
    s->n_programs++;
    enum assay_code code = assay_run_accepts(s->opened, g, &why)
                               ? run(s, g, shown, s->shown, err)
                               : ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "with inner values as outputs it is not taken: %s", said);
    if (!code)
        code = assay_layer_reference(g, s->given, shown, MOST_COMPARED, s->reference, err);
    for (uint32_t v = 0; v < g->n_values && !code; v++)
        s->device[v] = s->g->values[v].data ? s->g->values[v].data : s->g->values[v].producer < 0 ? s->given[v] : s->shown[v];
    for (uint32_t node = first; node < end && !code; node++)
        code = judge_node(s, node, err);
    if (!code)
        code = look_at_end(s, err);
    forget_group(s);
    assay_graph_free(g);
    return code;
}

/* Groups of nodes, as many values and bytes in each as one program may show. */
static enum assay_code judge_nodes(struct search *s, struct assay_error *err)
{
    const struct assay_graph *g = s->g;
    bool                     *shown = calloc((size_t)g->n_values + 1, sizeof *shown);
    uint64_t                  bytes = 0;
    uint32_t                  first = 0, n = 0;
    if (!shown)
        return no_memory("a group of nodes", err);
    for (uint32_t node = 0; node < g->n_nodes; node++) {
        bytes += join(s, node, shown, &n);
        bool last = node + 1 == g->n_nodes;
        if (!last && n < MOST_SHOWN && bytes < MOST_SHOWN_BYTES)
            continue;
        s->n_shown += n;
        if (judge_group(s, first, node + 1, shown, err))
            break;
        memset(shown, 0, g->n_values * sizeof *shown);
        first = node + 1;
        bytes = n = 0;
    }
    free(shown);
    return err->code;
}

/* ---- a fault that inner outputs drive away ----------------------------------------------------------------------- */

/* Are the outputs wrong while what nodes before `end` write is shown, and all else is hidden? */
static enum assay_code wrong_with(const struct search *s, uint32_t end, bool *wrong, struct assay_error *err)
{
    struct assay_graph *g = NULL;
    struct at_end       at_end;
    bool               *shown = calloc((size_t)s->g->n_values + 1, sizeof *shown);
    void              **got = calloc((size_t)s->g->n_values + 1, sizeof *got);
    for (uint32_t v = 0; shown && v < s->g->n_values; v++)
        shown[v] = s->g->values[v].producer >= 0 && s->g->values[v].producer < (int32_t)end;
    if (!shown || !got)
        (void)no_memory("a group of nodes", err);
    else if (!assay_graph_reveal(s->g, shown, &g, err) && !run(s, g, NULL, got, err) && !compare_end(s, got, &at_end, err))
        *wrong = at_end.ratio > 1;
    for (uint32_t v = 0; got && v < s->g->n_values; v++)
        free(got[v]);
    assay_graph_free(g);
    free(shown);
    free(got);
    return err->code;
}

/* Halving: the outputs are wrong while the first `low` nodes are shown, and right with the first `high`. The node between is the
 * one that must not be seen for the fault to be there. */
static enum assay_code find_fused(struct search *s, struct assay_error *err)
{
    uint32_t low = 0, high = s->g->n_nodes;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        bool     wrong = false;
        if (wrong_with(s, middle, &wrong, err))
            return err->code;
        *(wrong ? &low : &high) = middle;
    }
    s->fused = low;
    return ASSAY_OK;
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void describe(const struct assay_value *v, char out[96])
{
    struct assay_text text = assay_text_over(out, 96);
    *out = 0;
    assay_value_describe(v, &text);
}

static json_t *layer_json(const struct search *s, const struct assay_layer *l)
{
    const struct assay_node *n = &s->g->nodes[l->node];
    char                     shape[96];
    json_t                  *inputs = json_array();
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] != ASSAY_NO_VALUE) {
            describe(&s->g->values[n->inputs[i]], shape);
            (void)json_array_append_new(inputs, json_string(shape));
        }
    describe(&s->g->values[l->value], shape);
    return json_pack("{s:o, s:s, s:o, s:s, s:o, s:I, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}", "node",
                     assay_json_string(n->name), "op", n->op->qualified, "value", assay_json_string(s->g->values[l->value].name),
                     "shape", shape, "inputs", inputs, "compared", (json_int_t)l->compared, "unknown", (json_int_t)l->unknown,
                     "ratio", assay_json_number(l->ratio), "strain", assay_json_number(l->strain), "index", (json_int_t)l->worst_index, "observed",
                     assay_json_number(l->observed), "expected", assay_json_number(l->expected), "bound", assay_json_number(l->bound),
                     "error_in", assay_json_number(l->in), "error_added", assay_json_number(l->added), "error_carried",
                     assay_json_number(l->carried), "error_out", assay_json_number(l->out), "operands_kept_wider", l->wide, "diverges",
                     assay_layer_diverges(l));
}

/* The layer that is largest by `size`; NULL: none has one. */
static const struct assay_layer *largest(const struct search *s, double (*size)(const struct assay_layer *l))
{
    const struct assay_layer *best = NULL;
    for (size_t i = 0; i < s->n_layers; i++)
        if (!isnan(size(&s->layer[i])) && (!best || size(&s->layer[i]) > size(best)))
            best = &s->layer[i];
    return best;
}

static double by_ratio(const struct assay_layer *l)
{
    return l->ratio;
}

static double by_strain(const struct assay_layer *l)
{
    return l->compared ? l->strain : NAN;
}

static double by_growth(const struct assay_layer *l)
{
    return l->in > 0 && l->carried < 1 && l->compared ? l->carried / l->in : NAN; /* from 1 on there is nothing left to grow */
}

static bool is_wide(const struct assay_layer *l)
{
    return l->wide;
}

static bool is_strange(const struct assay_layer *l)
{
    return l->strange;
}

static size_t count(const struct search *s, bool (*is)(const struct assay_layer *l))
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_layers; i++)
        n += is(&s->layer[i]);
    return n;
}

static const struct assay_layer *first_diverging(const struct search *s, size_t *n)
{
    const struct assay_layer *first = NULL;
    *n = 0;
    for (size_t i = 0; i < s->n_layers; i++)
        if (assay_layer_diverges(&s->layer[i])) {
            first = first ? first : &s->layer[i];
            (*n)++;
        }
    return first;
}

static void say_diverging(const struct search *s, const struct assay_layer *l, size_t n, struct assay_text *why)
{
    const struct assay_node *x = &s->g->nodes[l->node];
    char                     shape[96];
    describe(&s->g->values[l->value], shape);
    assay_text_add(why, "'%.80s' (%s, %s) is the first", x->name, x->op->qualified, shape);
    if (n > 1)
        assay_text_add(why, " of %zu values", n);
    assay_text_add(why, " to diverge: %.7g where %.7g follows from its own inputs, %.3g times the bound of %.2g at element %lld", l->observed,
                   l->expected, l->ratio, l->bound, (long long)l->worst_index);
    if (!isnan(l->added))
        assay_text_add(why, "; error in %.2g, carried %.2g, added %.2g, which its format does not explain", isnan(l->in) ? 0 : l->in,
                       l->carried, l->added);
    if (!(s->at_end.ratio > 1))
        assay_text_add(why, "; the outputs do not show it");
}

static void say_grown(const struct search *s, struct assay_text *why)
{
    const struct assay_layer *grown = largest(s, by_growth);
    if (s->at_end_shown.ratio <= 1) {
        assay_text_add(why, "'%.80s' is %.3g times its bound, and within it where %u inner values are outputs too: the fault is in what the "
                       "device fuses", s->g->values[s->at_end.value].name, s->at_end.ratio, s->n_shown);
        if (s->fused < s->g->n_nodes)
            assay_text_add(why, ", and goes when '%.80s' (%s) must be seen", s->g->nodes[s->fused].name, s->g->nodes[s->fused].op->qualified);
        return;
    }
    assay_text_add(why, "'%.80s' is %.3g times its bound although every node is within its own: errors add up", s->g->values[s->at_end.value].name,
                   s->at_end.ratio);
    if (grown)
        assay_text_add(why, ", most at '%.80s' (%s), which makes %.2g of %.2g", s->g->nodes[grown->node].name,
                       s->g->nodes[grown->node].op->qualified, grown->carried, grown->in);
}

static enum assay_outcome say(const struct search *s, struct assay_text *why)
{
    size_t                    n;
    const struct assay_layer *first = first_diverging(s, &n), *worst = largest(s, by_strain);
    if (first) {
        say_diverging(s, first, n, why);
        return ASSAY_FAIL;
    }
    if (s->at_end.ratio > 1) {
        say_grown(s, why);
        return ASSAY_FAIL;
    }
    if (!worst) {
        assay_text_add(why, "of no value of its %u nodes anything could be said", s->g->n_nodes);
        return ASSAY_UNTRUSTED;
    }
    size_t wide = count(s, is_wide), strange = count(s, is_strange);
    assay_text_add(why, "every node is within its own bound; '%.80s' (%s) is nearest, %.2g beside the rounding of its result",
                   s->g->nodes[worst->node].name, s->g->nodes[worst->node].op->qualified, worst->strain);
    if (wide)
        assay_text_add(why, "; %zu values follow only from operands kept wider than they are shown", wide);
    if (strange)
        assay_text_add(why, "; %zu values use over half of a bound that allows many roundings", strange);
    if (isnan(s->at_end.ratio))
        assay_text_add(why, "; of the outputs as a whole nothing can be said: a choice hangs on a rounding");
    return strange ? ASSAY_MARGINAL : ASSAY_PASS;
}

static json_t *end_json(const struct search *s, const struct at_end *e)
{
    return json_pack("{s:o, s:o, s:s}", "ratio", assay_json_number(e->ratio), "value",
                     e->value == ASSAY_NO_VALUE ? json_null() : assay_json_string(s->g->values[e->value].name), "bound",
                     s->statistical ? "statistical" : "worst case");
}

static json_t *result_json(const struct search *s)
{
    char                      said[700] = "";
    struct assay_text         why = ASSAY_TEXT(said);
    size_t                    diverging;
    enum assay_outcome        outcome = say(s, &why);
    const struct assay_layer *first = first_diverging(s, &diverging), *worst = largest(s, by_ratio), *grown = largest(s, by_growth);
    json_t                   *layers = json_array();
    for (size_t i = 0; i < s->n_layers && i < MOST_ROWS; i++)
        (void)json_array_append_new(layers, layer_json(s, &s->layer[i]));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:I}", "outcome", assay_outcome_name(outcome),
                     "assurance", assay_assurance_name(ASSAY_ASSURANCE_LOCAL), "why", said, "nodes", (json_int_t)s->g->n_nodes,
                     "diverging", (json_int_t)diverging, "programs_with_inner_outputs", (json_int_t)s->n_programs, "inner_outputs",
                     (json_int_t)s->n_shown, "outputs", end_json(s, &s->at_end), "outputs_beside_inner", end_json(s, &s->at_end_shown),
                     "same_bits_beside_inner", s->same_bits, "first", first ? layer_json(s, first) : json_null(), "worst",
                     worst ? layer_json(s, worst) : json_null(), "grows_most", grown ? layer_json(s, grown) : json_null(), "fused",
                     s->fused < s->g->n_nodes ? assay_json_string(s->g->nodes[s->fused].name) : json_null(), "values", layers, "values_left_out",
                     (json_int_t)(s->n_layers > MOST_ROWS ? s->n_layers - MOST_ROWS : 0));
}

json_t *assay_not_checked_json(const char *why)
{
    return json_pack("{s:s, s:s, s:o}", "outcome", assay_outcome_name(ASSAY_NOT_CHECKED), "assurance",
                     assay_assurance_name(ASSAY_ASSURANCE_NONE), "why", assay_json_string(why));
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

static void release(struct search *s)
{
    for (uint32_t v = 0; v < s->g->n_values; v++) {
        if (s->plain)
            free(s->plain[v]);
        if (s->expected)
            free(s->expected[v]);
    }
    free(s->plain);
    free(s->expected);
    free(s->shown);
    free(s->device);
    free(s->reference);
    free(s->error);
    free(s->layer);
}

static enum assay_code prepare(struct search *s, struct assay_error *err)
{
    size_t n = (size_t)s->g->n_values + 1;
    s->plain = calloc(n, sizeof *s->plain);
    s->expected = calloc(n, sizeof *s->expected);
    s->shown = calloc(n, sizeof *s->shown);
    s->device = calloc(n, sizeof *s->device);
    s->reference = calloc(n, sizeof *s->reference);
    s->error = calloc(n, sizeof *s->error);
    s->layer = calloc(n, sizeof *s->layer); /* a value has one writer */
    if (!s->plain || !s->expected || !s->shown || !s->device || !s->reference || !s->error || !s->layer)
        return no_memory("a search", err);
    s->known = (struct assay_layer_values){s->device, (const double *const *)s->reference, s->error};
    return ASSAY_OK;
}

bool assay_layers_fit(const struct assay_graph *g, struct assay_text *why_not)
{
    struct assay_cost cost = assay_graph_cost(g);
    double            ops = (double)(cost.flops + cost.transcendentals), bytes = 0, available = (double)assay_memory_available_bytes();
    for (uint32_t v = 0; v < g->n_values; v++) /* on the host, on the device, and in double */
        bytes += 2 * (double)g->values[v].bytes + (double)sizeof(double) * (double)g->values[v].elements;
    bool costly = ops > MOST_OPS, large = bytes > MEMORY_SHARE * available;
    if (costly)
        assay_text_add(why_not, "computing it in double would take %.1e operations, more than %.0e; try fewer layers or tokens", ops, MOST_OPS);
    else if (large)
        assay_text_add(why_not, "all its values, on the device, on the host and in double, take %.1f GiB, more than %.1f GiB; try a smaller size",
                       bytes / 1073741824, MEMORY_SHARE * available / 1073741824);
    return !costly && !large;
}

enum assay_code assay_layers_run(const struct assay_opened *opened, const struct assay_graph *g, const void *const *given,
                                 json_t **out, struct assay_error *err)
{
    struct search     s = {.opened = opened, .g = g, .given = given, .same_bits = true, .fused = g->n_nodes, .at_end_shown = {NAN, ASSAY_NO_VALUE}};
    char              said[256] = "";
    struct assay_text why = ASSAY_TEXT(said);
    if (!assay_run_accepts(opened, g, &why)) {
        *out = assay_not_checked_json(said);
        return ASSAY_OK;
    }
    if (!prepare(&s, err) && !run(&s, g, NULL, s.plain, err) && !expect(&s, err) && !compare_end(&s, s.plain, &s.at_end, err) &&
        !judge_nodes(&s, err)) {
        size_t n;
        bool   gone = s.at_end.ratio > 1 && s.at_end_shown.ratio <= 1 && !first_diverging(&s, &n);
        if (!gone || s.n_programs > 1 || !find_fused(&s, err))
            *out = result_json(&s);
    }
    release(&s);
    return err->code;
}
