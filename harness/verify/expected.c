#include "harness/verify/expected.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/memory.h"
#include "harness/base/parallel.h"
#include "harness/base/strings.h"
#include "reference/arithmetic.h"
#include "reference/reference.h"

#include "assay/banned.h"

/* Shares of the budget: set 0's exemplar, all other exemplars, the contents of all sets that differ from exemplars. */
#define FIRST_SHARE 0.4
#define OTHERS_SHARE 0.4
#define CONTENTS_SHARE 0.2
#define LEAST_SAMPLE 64u   /* elements compared whatever they cost, if the op's inputs are there */
#define INPUT_OPS 2.0      /* filling and converting one element of an input */
#define PIECE ((size_t)1 << 16)

struct assay_expected {
    char                        case_id[17];
    const struct assay_graph   *graph;
    assay_fill_fn              *fill;
    void                       *self;
    double                      budget_ops, ceiling_ops;
    double                      preparing_ops; /* making and converting inputs, and all that stands before the outputs */
    double                      preparing_bytes;
    bool                        has_room;
    enum assay_bounds           bounds;
    uint32_t                    favoured;
    bool                        aimed;
    uint64_t                    seed;
    struct assay_witness_layout layout;
    struct assay_expected_block *exemplar, *content; /* one a set each */
    void                       **bound;     /* bytes of values that no node writes */
    struct assay_reference      *reference; /* of set `current`, or NULL */
    uint32_t                     current;
};

/* ---- life ---------------------------------------------------------------------------------------------------- */

static void release_part(struct assay_expected_part *p)
{
    free(p->place);
    free(p->index);
    free(p->value);
    free(p->bound);
    free(p->before);
    free(p->probable);
    free(p->deviation);
    free(p->sum);
    free(p->sum_bound);
    memset(p, 0, sizeof *p);
}

static void release_block(struct assay_expected_block *b, uint32_t parts)
{
    for (uint32_t i = 0; b->part && i < parts; i++)
        release_part(&b->part[i]);
    free(b->part);
    *b = (struct assay_expected_block){.ready = false};
}

static void forget_all(struct assay_expected *x)
{
    for (uint32_t s = 0; s < x->layout.sets; s++) {
        if (x->exemplar)
            release_block(&x->exemplar[s], x->layout.block[assay_witness_exemplar_class(s)].parts);
        if (x->content)
            release_block(&x->content[s], x->layout.block[ASSAY_WITNESS_CONTENT].parts);
    }
    free(x->exemplar);
    free(x->content);
    x->exemplar = x->content = NULL;
    assay_reference_free(x->reference);
    x->reference = NULL;
    x->aimed = false;
}

void assay_expected_free(struct assay_expected *x)
{
    if (!x)
        return;
    forget_all(x);
    for (uint32_t v = 0; x->bound && v < x->graph->n_values; v++)
        assay_block_free(x->bound[v]);
    free(x->bound);
    free(x);
}

static double inputs_cost(const struct assay_graph *g)
{
    double n = 0;
    for (uint32_t v = 0; v < g->n_values; v++)
        n += g->values[v].producer < 0 ? (double)g->values[v].elements : 0;
    return INPUT_OPS * n;
}

static double inputs_bytes(const struct assay_graph *g)
{
    double n = 0;
    for (uint32_t v = 0; v < g->n_values; v++)
        n += g->values[v].producer < 0 ? (double)g->values[v].bytes : 0;
    return n;
}

/* A reference that computes nothing yet knows what everything would cost. */
static enum assay_code count_preparing(struct assay_expected *x, struct assay_error *err)
{
    struct assay_reference *r;
    if (assay_reference_new(x->graph, NULL, &r, err))
        return err->code;
    x->bounds = assay_reference_bounds(r);
    x->preparing_ops = inputs_cost(x->graph) + assay_reference_preparing_cost(r);
    x->preparing_bytes = inputs_bytes(x->graph) + assay_reference_preparing_bytes(r);
    x->has_room = x->preparing_bytes < (double)assay_memory_available_bytes();
    assay_reference_free(r);
    return ASSAY_OK;
}

enum assay_code assay_expected_new(const char *case_id, const struct assay_graph *g, assay_fill_fn *fill, void *self,
                                   double budget_ops, double ceiling_ops, struct assay_expected **out,
                                   struct assay_error *err)
{
    struct assay_expected *x = calloc(1, sizeof *x);
    if (!x || !(x->bound = calloc((size_t)g->n_values + 1, sizeof *x->bound))) {
        free(x);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for expected values");
    }
    x->graph = g;
    x->fill = fill;
    x->self = self;
    x->budget_ops = budget_ops;
    x->ceiling_ops = ceiling_ops;
    if (count_preparing(x, err)) {
        assay_expected_free(x);
        return err->code;
    }
    if (!assay_string_copy(x->case_id, sizeof x->case_id, case_id)) {
        assay_expected_free(x);
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.40s' is no case id", case_id);
    }
    *out = x;
    return ASSAY_OK;
}

enum assay_bounds assay_expected_bounds(const struct assay_expected *x)
{
    return x->bounds;
}

double assay_expected_preparing_bytes(const struct assay_expected *x)
{
    return x->preparing_bytes;
}

bool assay_expected_has_room(const struct assay_expected *x)
{
    return x->has_room;
}

double assay_expected_preparing_ops(const struct assay_expected *x)
{
    return x->preparing_ops;
}

enum assay_code assay_expected_aim(struct assay_expected *x, uint64_t seed, const struct assay_witness_layout *layout,
                                   uint32_t favoured, struct assay_error *err)
{
    x->favoured = favoured;
    if (x->aimed && x->seed == seed && x->layout.sets == layout->sets && x->layout.chosen == layout->chosen)
        return ASSAY_OK;
    forget_all(x);
    x->layout = *layout;
    x->seed = seed;
    x->exemplar = calloc(layout->sets, sizeof *x->exemplar);
    x->content = calloc(layout->sets, sizeof *x->content);
    if (!x->exemplar || !x->content)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for expected values");
    x->aimed = true;
    return ASSAY_OK;
}

/* ---- inputs -------------------------------------------------------------------------------------------------- */

static bool is_given(const struct assay_value *v)
{
    return v->producer < 0 && v->role != ASSAY_ROLE_CONST;
}

static bool is_fixed(const struct assay_value *v)
{
    return v->role == ASSAY_ROLE_PARAM || v->role == ASSAY_ROLE_STATE;
}

static enum assay_code fill_inputs(struct assay_expected *x, uint32_t set, struct assay_error *err)
{
    const struct assay_graph *g = x->graph;
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = &g->values[v];
        if (!is_given(value) || (is_fixed(value) && x->bound[v]))
            continue;
        if (!x->bound[v] && !(x->bound[v] = assay_block_new((size_t)value->bytes)))
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the %llu bytes of '%s'", (unsigned long long)value->bytes,
                              value->name);
        if (x->fill(x->self, g, (int32_t)v, set, x->bound[v], err)) {
            assay_block_free(x->bound[v]);
            x->bound[v] = NULL;
            return assay_error_in(err, "filling '%.48s' of input set %u", value->name, set);
        }
    }
    return ASSAY_OK;
}

/* All elements and sums of the witness, of all exemplars and contents. */
static double comparisons_of(const struct assay_witness_layout *l)
{
    double n = 0;
    const double blocks[ASSAY_WITNESS_CLASSES] = {
        [ASSAY_WITNESS_CONTENT] = l->chosen, [ASSAY_WITNESS_FIRST] = 1, [ASSAY_WITNESS_OTHER] = l->sets - 1};
    for (int class = 0; class < ASSAY_WITNESS_CLASSES; class++) {
        const struct assay_witness_part *part = assay_witness_parts(l, (enum assay_witness_class)class);
        for (uint32_t i = 0; i < l->block[class].parts; i++)
            n += (double)(part[i].sample + part[i].sums) * blocks[class];
    }
    return n;
}

static enum assay_code turn_to(struct assay_expected *x, uint32_t set, struct assay_error *err)
{
    if (x->reference && x->current == set)
        return ASSAY_OK;
    assay_reference_free(x->reference);
    x->reference = NULL;
    if (fill_inputs(x, set, err) ||
        assay_reference_new(x->graph, (const void *const *)x->bound, &x->reference, err))
        return err->code;
    assay_reference_will_compare(x->reference, comparisons_of(&x->layout));
    x->current = set;
    return ASSAY_OK;
}

/* ---- what the budget allows ---------------------------------------------------------------------------------- */

/* Of n scattered elements. An op without fold shares work along rows, all of which is done for one element. */
static double sample_cost(const struct assay_expected *x, int32_t value, size_t n)
{
    const struct assay_value *v = &x->graph->values[value];
    double one = assay_reference_at_cost(x->reference, value, n);
    if (assay_witness_folds(x->graph, value) || v->rank == 0)
        return one;
    double whole = assay_reference_at_cost(x->reference, value, (size_t)v->elements), rows = one * (double)v->dims[v->rank - 1];
    return rows < whole ? rows : whole;
}

/* How many of the sample's elements `ops` allow. */
static size_t affordable(const struct assay_expected *x, const struct assay_witness_part *part, double ops)
{
    size_t n = (size_t)part->sample;
    while (n > LEAST_SAMPLE && sample_cost(x, part->value, n) > ops)
        n = n / 2 > LEAST_SAMPLE ? n / 2 : LEAST_SAMPLE;
    return n;
}

/* ---- samples and sums ---------------------------------------------------------------------------------------- */

static enum assay_code no_memory(const struct assay_value *v, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for expected values of '%s'", v->name);
}

/* Which of the sample's elements, evenly thinned out to n. */
static enum assay_code choose_sample(struct assay_expected *x, const struct assay_witness_part *part, uint64_t key, size_t n,
                                     struct assay_expected_part *out, struct assay_error *err)
{
    out->place = malloc(n * sizeof *out->place);
    out->index = calloc(n + 1, sizeof *out->index);
    out->value = malloc(n * sizeof *out->value);
    out->bound = malloc(n * sizeof *out->bound);
    if (!out->place || !out->index || !out->value || !out->bound)
        return no_memory(&x->graph->values[part->value], err);
    for (size_t i = 0; i < n; i++) {
        out->place[i] = assay_witness_place(key, part->sample, n, i);
        out->index[i] = (int64_t)assay_witness_place(key, part->elements, part->sample, out->place[i]);
    }
    return ASSAY_OK;
}

/* The sample is complete: from here on it counts. */
static void finish_sample(struct assay_expected_part *out, size_t n)
{
    double squares = 0, finite = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(out->value[i])) {
            squares += out->value[i] * out->value[i];
            finite++;
        }
    }
    out->n = n;
    out->mean_square = finite > 0 ? squares / finite : 0;
}

/* What a state held before an output took it over, where the sample is. */
static enum assay_code remember(const struct assay_expected *x, const struct assay_witness_part *part, size_t n,
                                struct assay_expected_part *out, struct assay_error *err)
{
    const struct assay_value *v = &x->graph->values[part->value];
    if (v->alias_of == ASSAY_NO_VALUE)
        return ASSAY_OK;
    if (!(out->before = malloc((n + 1) * sizeof *out->before)))
        return no_memory(v, err);
    for (size_t i = 0; i < n; i++) {
        unsigned char element[16] = {0};
        assay_witness_element(v->dtype, x->bound[v->alias_of], (uint64_t)out->index[i], element);
        assay_witness_decode(v->dtype, element, 1, &out->before[i]);
    }
    return ASSAY_OK;
}

/* Nobody chose the operands for a device's order of summation. */
static bool operands_random(const struct assay_graph *g)
{
    for (uint32_t v = 0; v < g->n_values; v++) {
        enum assay_fill_kind kind = g->values[v].fill.kind;
        if (is_given(&g->values[v]) && kind != ASSAY_FILL_UNIFORM && kind != ASSAY_FILL_NORMAL && kind != ASSAY_FILL_INTEGERS)
            return false;
    }
    return true;
}

/* What sums rounded to nearest do at the sample's places, beside the worst case. */
static enum assay_code make_probable(struct assay_expected *x, const struct assay_witness_part *part, size_t n,
                                     struct assay_expected_part *out, struct assay_error *err)
{
    const struct assay_value *v = &x->graph->values[part->value];
    double chance = ASSAY_FALSE_ALARM / comparisons_of(&x->layout);
    double *again = malloc((n + 1) * sizeof *again);
    out->probable = malloc((n + 1) * sizeof *out->probable);
    out->deviation = malloc((n + 1) * sizeof *out->deviation);
    enum assay_code code = again && out->probable && out->deviation ? ASSAY_OK : no_memory(v, err);
    if (!code)
        code = assay_reference_at_probable(x->reference, part->value, chance, n, out->index, again, out->probable, err);
    if (!code)
        code = assay_reference_at_probable(x->reference, part->value, 0, n, out->index, again, out->deviation, err);
    for (size_t i = 0; !code && i < n; i++)
        out->probable[i] = fmin(out->probable[i], out->bound[i]);
    free(again);
    if (code == ASSAY_UNSUPPORTED) { /* operands are not exact: the worst case stands */
        free(out->probable);
        free(out->deviation);
        out->probable = out->deviation = NULL;
        memset(err, 0, sizeof *err);
        code = ASSAY_OK;
    }
    return code;
}

static enum assay_code make_sums(struct assay_expected *x, const struct assay_witness_part *part,
                                 struct assay_expected_part *out, struct assay_error *err)
{
    if (part->sums == 0 || out->sum)
        return ASSAY_OK;
    out->sum = calloc((size_t)part->sums, sizeof *out->sum);
    out->sum_bound = calloc((size_t)part->sums, sizeof *out->sum_bound);
    return out->sum && out->sum_bound ? ASSAY_OK : no_memory(&x->graph->values[part->value], err);
}

/* Adding n terms in double, in any order: gamma_n of their magnitudes. */
static double adding(double n, double magnitude)
{
    return assay_ref_gamma(n, ASSAY_REF_OWN) * magnitude;
}

struct whole_sums {
    const struct assay_projection *p;
    double                        *column, *position, *magnitude, *sum, *bound;
};

/* Adds a piece of the whole output to the sums of one projection, by runs of elements of one row (inner 1) or one
 * weight s(j). */
static void add_piece(const struct whole_sums *w, uint64_t first, size_t n, const double *value, const double *bound)
{
    const struct assay_projection *p = w->p;
    const uint64_t                 length = p->length, width = p->inner, one = width == 1;
    assert(n == 0 || (length > 0 && width > 0)); /* a value with an element has no axis of none */
    for (size_t i = 0; i < n;) {
        uint64_t at = first + i, inner = at % width, j = at / width % length;
        uint64_t position = at / width / length * width + inner;
        uint64_t run = one ? length - j : width - inner;
        run = run < n - i ? run : n - i;
        assert(run > 0);
        for (uint64_t k = 0; k < run; k++) {
            uint64_t at_k = one ? position : position + k, group = p->per_group == 1 ? at_k : at_k / p->per_group;
            w->sum[group] += w->column[one ? j + k : j] * w->position[at_k] * value[i + k];
            w->magnitude[group] += fabs(value[i + k]);
            w->bound[group] += bound[i + k];
        }
        i += run;
    }
}

static void release_whole_sums(struct whole_sums *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        free(w[i].column);
        free(w[i].position);
        free(w[i].magnitude);
    }
}

static enum assay_code open_whole_sums(const struct assay_witness_part *part, uint64_t key, struct assay_expected_part *out,
                                       struct whole_sums *w, const struct assay_value *v, struct assay_error *err)
{
    for (uint32_t i = 0; i < part->n_projections; i++) {
        const struct assay_projection *p = &part->projection[i];
        w[i] = (struct whole_sums){p, malloc(p->length * sizeof(double)), malloc(p->positions * sizeof(double)),
                                   calloc(p->groups, sizeof(double)), out->sum + p->first, out->sum_bound + p->first};
        if (!w[i].column || !w[i].position || !w[i].magnitude) {
            release_whole_sums(w, i + 1);
            return no_memory(v, err);
        }
        assay_witness_signs(key, p->stream, ASSAY_WITNESS_COLUMN, 0, p->length, w[i].column);
        assay_witness_signs(key, p->stream, ASSAY_WITNESS_POSITION, 0, p->positions, w[i].position);
    }
    return ASSAY_OK;
}

static void finish_whole_sums(const struct assay_witness_part *part, const struct whole_sums *w,
                              struct assay_expected_part *out)
{
    for (uint32_t i = 0; i < part->n_projections; i++) {
        const struct assay_projection *p = w[i].p;
        for (uint64_t g = 0; g < p->groups; g++)
            w[i].bound[g] += adding((double)(p->length * p->per_group), w[i].magnitude[g] + w[i].bound[g]);
        out->has_sums[i] = true;
    }
}

/* All sums, and the sample of `taken` elements, of an output whose every element is evaluated, piece by piece. */
static enum assay_code sum_whole(struct assay_expected *x, const struct assay_witness_part *part, uint64_t key, size_t taken,
                                 struct assay_expected_part *out, struct assay_error *err)
{
    size_t                    next = 0;
    const struct assay_value *v = &x->graph->values[part->value];
    struct whole_sums         w[ASSAY_WITNESS_MOST_PROJECTIONS] = {{0}};
    int64_t                  *index = malloc(PIECE * sizeof *index);
    double                   *value = malloc(PIECE * sizeof *value), *bound = malloc(PIECE * sizeof *bound);
    enum assay_code           code = index && value && bound ? ASSAY_OK : no_memory(v, err);
    if (!code && !(code = open_whole_sums(part, key, out, w, v, err))) {
        for (uint64_t first = 0; !code && first < v->elements; first += PIECE) {
            size_t n = v->elements - first < PIECE ? (size_t)(v->elements - first) : PIECE;
            for (size_t i = 0; i < n; i++)
                index[i] = (int64_t)(first + i);
            code = assay_reference_at(x->reference, part->value, n, index, value, bound, err);
            for (uint32_t i = 0; !code && i < part->n_projections; i++)
                add_piece(&w[i], first, n, value, bound);
            for (; !code && next < taken && (uint64_t)out->index[next] < first + n; next++) {
                out->value[next] = value[(uint64_t)out->index[next] - first];
                out->bound[next] = bound[(uint64_t)out->index[next] - first];
            }
        }
        if (!code)
            finish_whole_sums(part, w, out);
        release_whole_sums(w, part->n_projections);
    }
    free(index);
    free(value);
    free(bound);
    return code;
}

/* Which sum an element goes into, with the product of its two signs. */
static void terms_of(void *self, uint64_t first, size_t n, size_t *sum, double *weight)
{
    const struct whole_sums       *w = self;
    const struct assay_projection *p = w->p;
    uint64_t inner = first % p->inner, j = first / p->inner % p->length, outer = first / p->inner / p->length * p->inner;
    if (p->inner == 1) { /* row by row */
        for (size_t i = 0; i < n; outer++, j = 0) {
            size_t group = (size_t)(outer / p->per_group);
            double sign = w->position[outer];
            for (; j < p->length && i < n; i++, j++) {
                sum[i] = group;
                weight[i] = w->column[j] * sign;
            }
        }
        return;
    }
    uint64_t group = (outer + inner) / p->per_group, left = p->per_group - (outer + inner) % p->per_group; /* positions in it from here on */
    for (size_t i = 0; i < n; i++) {
        sum[i] = (size_t)group;
        weight[i] = w->column[j] * w->position[outer + inner];
        if (++inner < p->inner) { /* the next position */
            if (--left == 0) {
                group++;
                left = p->per_group;
            }
            continue;
        }
        inner = 0;
        if (++j == p->length) {
            j = 0;
            outer += p->inner;
        }
        group = outer / p->per_group;
        left = p->per_group - outer % p->per_group;
    }
}

struct statistical_sums {
    struct assay_reference *reference;
    int32_t                 value;
    struct whole_sums       whole[ASSAY_WITNESS_MOST_PROJECTIONS];
    struct assay_error      err[ASSAY_WITNESS_MOST_PROJECTIONS];
};

static void sum_projections(void *self, size_t begin, size_t end)
{
    struct statistical_sums *s = self;
    for (size_t i = begin; i < end; i++) {
        struct whole_sums *w = &s->whole[i];
        (void)assay_reference_sums(s->reference, s->value, (size_t)w->p->groups, terms_of, w, w->sum, w->bound, &s->err[i]);
    }
}

/* All sums of an output with statistical bounds: its values are there, and how far each sum may be off is told by how far
 * the replicas' sums are. A projection is a thread's. */
static enum assay_code sum_statistical(struct assay_expected *x, const struct assay_witness_part *part, uint64_t key,
                                       struct assay_expected_part *out, struct assay_error *err)
{
    struct statistical_sums s = {.reference = x->reference, .value = part->value};
    enum assay_code         code = ASSAY_OK;
    if (open_whole_sums(part, key, out, s.whole, &x->graph->values[part->value], err))
        return err->code;
    assay_parallel_for(part->n_projections, 1, sum_projections, &s);
    for (uint32_t i = 0; !code && i < part->n_projections; i++) {
        if ((code = s.err[i].code))
            *err = s.err[i];
        out->has_sums[i] = !code;
    }
    release_whole_sums(s.whole, part->n_projections);
    return code;
}

/* The sums of one projection by the op's own fold. */
static enum assay_code sum_fold(struct assay_expected *x, const struct assay_witness_part *part, uint64_t key, uint32_t i,
                                struct assay_expected_part *out, struct assay_error *err)
{
    const struct assay_projection *p = &part->projection[i];
    size_t                         n = (size_t)p->positions;
    double  *column = malloc((size_t)p->length * sizeof(double)), *sign = malloc(n * sizeof(double));
    double  *value = malloc(n * sizeof(double)), *bound = malloc(n * sizeof(double)), *magnitude = calloc(p->groups, sizeof(double));
    int64_t *index = malloc(n * sizeof *index);
    enum assay_code code = ASSAY_OK;
    if (!column || !sign || !value || !bound || !magnitude || !index)
        code = no_memory(&x->graph->values[part->value], err);
    if (!code) {
        assay_witness_signs(key, p->stream, ASSAY_WITNESS_COLUMN, 0, p->length, column);
        assay_witness_signs(key, p->stream, ASSAY_WITNESS_POSITION, 0, n, sign);
        for (size_t k = 0; k < n; k++)
            index[k] = (int64_t)k;
        code = assay_reference_fold(x->reference, part->value, p->axis, column, n, index, value, bound, err);
    }
    if (!code) {
        double *sum = out->sum + p->first, *sum_bound = out->sum_bound + p->first;
        for (size_t k = 0; k < n; k++) {
            sum[k / p->per_group] += sign[k] * value[k];
            sum_bound[k / p->per_group] += bound[k];
            magnitude[k / p->per_group] += fabs(value[k]) + bound[k];
        }
        for (uint64_t g = 0; g < p->groups && p->per_group > 1; g++)
            sum_bound[g] += adding((double)p->per_group, magnitude[g]);
        out->has_sums[i] = true;
    }
    free(column);
    free(sign);
    free(value);
    free(bound);
    free(magnitude);
    free(index);
    return code;
}

static enum assay_code make_part(struct assay_expected *x, const struct assay_witness_part *part, uint64_t key, double ops,
                                 bool probable, bool favoured, struct assay_expected_part *out, struct assay_error *err)
{
    const struct assay_value *v = &x->graph->values[part->value];
    double whole = assay_reference_at_cost(x->reference, part->value, (size_t)v->elements);
    bool   by_replicas = x->bounds == ASSAY_BOUNDS_STATISTICAL, by_fold = !by_replicas && assay_witness_folds(x->graph, part->value);
    bool   at_once = part->sums && !by_fold && !by_replicas && whole <= ops;
    size_t n = at_once || by_replicas ? (size_t)part->sample : affordable(x, part, part->sums && by_fold ? ops / 2 : ops);
    if (choose_sample(x, part, key, n, out, err) || make_sums(x, part, out, err))
        return err->code;
    if (at_once ? sum_whole(x, part, key, n, out, err)
                : assay_reference_at(x->reference, part->value, n, out->index, out->value, out->bound, err))
        return err->code;
    if (remember(x, part, n, out, err))
        return err->code;
    if (by_replicas && sum_statistical(x, part, key, out, err))
        return err->code;
    if (probable && (favoured || 3 * sample_cost(x, part->value, n) <= ops) && make_probable(x, part, n, out, err))
        return err->code;
    finish_sample(out, n);
    if (!by_fold)
        return ASSAY_OK;
    ops -= sample_cost(x, part->value, n);
    for (uint32_t i = 0; i < part->n_projections; i++) {
        const struct assay_projection *p = &part->projection[i];
        double cost = p->axis < 0 ? INFINITY : assay_reference_fold_cost(x->reference, part->value, p->axis, (size_t)p->positions);
        if (cost > ops)
            continue;
        ops -= cost;
        if (sum_fold(x, part, key, i, out, err))
            return err->code;
    }
    return ASSAY_OK;
}

static double share_of(const struct assay_expected *x, uint32_t set, bool of_exemplar)
{
    double sets = x->layout.sets;
    if (!of_exemplar)
        return x->budget_ops * CONTENTS_SHARE / sets;
    if (set > 0)
        return x->budget_ops * OTHERS_SHARE / (sets - 1);
    return x->budget_ops * (sets > 1 ? FIRST_SHARE : FIRST_SHARE + OTHERS_SHARE);
}

enum assay_code assay_expected_block(struct assay_expected *x, uint32_t set, bool of_exemplar,
                                     const struct assay_expected_block **out, struct assay_error *err)
{
    struct assay_expected_block *b = of_exemplar ? &x->exemplar[set] : &x->content[set];
    enum assay_witness_class     class = of_exemplar ? assay_witness_exemplar_class(set) : ASSAY_WITNESS_CONTENT;
    const struct assay_witness_part *part = assay_witness_parts(&x->layout, class);
    uint32_t                         parts = x->layout.block[class].parts;
    if (!b->part && !(b->part = calloc(parts, sizeof *b->part)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what is expected of %u outputs", parts);
    bool favoured = set == x->favoured, again = favoured && of_exemplar && b->ready && b->part[0].n == 0;
    *out = b;
    if (b->ready && !again)
        return ASSAY_OK;
    double ops = share_of(x, set, of_exemplar), first = of_exemplar ? x->preparing_ops : 0;
    b->ready = true;
    if (!x->has_room)
        return ASSAY_OK;
    /* A content's set was prepared for its exemplar, or it is not judged at all. */
    if (of_exemplar ? first > (favoured ? x->ceiling_ops : ops) : !x->exemplar[set].part || x->exemplar[set].part[0].n == 0)
        return ASSAY_OK;
    if (turn_to(x, set, err)) {
        b->ready = false;
        return err->code;
    }
    bool probable = x->bounds == ASSAY_BOUNDS_WORST_CASE && operands_random(x->graph);
    ops = (ops > first ? ops - first : favoured && first > 0 ? x->budget_ops * FIRST_SHARE : 0) / parts;
    for (uint32_t i = 0; i < parts; i++) {
        uint64_t key = assay_witness_key(x->seed, x->case_id, part[i].output, set);
        if (make_part(x, &part[i], key, ops, probable && assay_reference_is_sum(x->graph, part[i].value), of_exemplar && favoured, &b->part[i], err)) {
            release_block(b, parts);
            return assay_error_in(err, "expecting '%.48s' of input set %u",
                                  x->graph->values[part[i].value].name, set);
        }
    }
    return ASSAY_OK;
}
