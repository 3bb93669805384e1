#include "harness/verify/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/verify/check_parts.h"
#include "harness/verify/fault_size.h"
#include "harness/verify/witness_file.h"
#include "reference/arithmetic.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

/* Errors that come by chance grow like the square root of the roundings, bounds like their number: where a bound allows n
 * roundings, the error of an honest device stays below 6 deviations of them, 6 sqrt(n / 3) units, so that over half of the bound is
 * strange for n > 48 and ordinary below: one rounding may well reach its bound. */
#define MARGINAL 0.5
#define MARGINAL_ROUNDINGS 48.0

static struct assay_witness_content content_at(const struct assay_check_judge *j, uint32_t i)
{
    struct assay_witness_content c;
    memcpy(&c, j->file + j->layout.contents_at + i * sizeof c, sizeof c);
    return c;
}

static struct assay_witness_stats stats_at(const struct assay_check_judge *j, const struct assay_witness_part *part, uint64_t block)
{
    struct assay_witness_stats s;
    memcpy(&s, j->file + block + part->stats_at, sizeof s);
    return s;
}

/* The first kept iteration with this content. */
static uint64_t iteration_of(const struct assay_check_judge *j, uint32_t content)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < j->header.kept; i++) {
        struct assay_witness_kept k;
        memcpy(&k, j->file + j->layout.kept_at + i * sizeof k, sizeof k);
        if (k.content == content && k.iteration < first)
            first = k.iteration;
    }
    return first;
}

/* ---- comparing ----------------------------------------------------------------------------------------------- */

/* |observed - expected| / bound; INFINITY where they can not agree; 0 where nothing can be said. */
static double ratio_of(double observed, double expected, double bound)
{
    if (isnan(bound) || isinf(bound))
        return 0;
    if (!isfinite(expected))
        return isnan(expected) ? (isnan(observed) ? 0 : INFINITY) : (observed == expected ? 0 : INFINITY);
    if (!isfinite(observed))
        return INFINITY;
    double apart = fabs(observed - expected);
    return apart == 0 ? 0 : bound > 0 ? apart / bound : INFINITY;
}

struct place {
    const struct assay_witness_part *part;
    uint32_t                         content;
    int64_t                          index; /* flat, of the first element that it stands for */
    bool                             is_sum;
};

static void note_of_output(struct assay_check_shown *s, const struct place *at, double ratio, double observed, double expected, double bound)
{
    if (!at->is_sum && !(bound <= s->largest_bound)) /* one that is no number is larger than all */
        s->largest_bound = bound;
    if (!isnan(s->worst_ratio) && !(ratio > s->worst_ratio))
        return;
    s->worst_ratio = ratio;
    s->worst_index = at->index;
    s->worst_is_sum = at->is_sum;
    s->worst_observed = observed;
    s->worst_expected = expected;
    s->worst_bound = bound;
}

static void note(struct assay_check_judge *j, const struct place *at, double ratio, double observed, double expected, double bound)
{
    struct assay_check *out = j->out;
    note_of_output(&j->shown[at->part->output], at, ratio, observed, expected, bound);
    if (!isnan(out->worst_ratio) && !(ratio > out->worst_ratio))
        return;
    out->worst_ratio = ratio;
    j->worst_is_sum = at->is_sum;
    (void)snprintf(out->worst_value, sizeof out->worst_value, "%s", j->graph->values[at->part->value].name);
    out->worst_index = at->index;
    out->worst_iteration = iteration_of(j, at->content);
    out->worst_observed = observed;
    out->worst_expected = expected;
    out->worst_bound = bound;
}

static enum assay_code keep_ratio(struct assay_check_judge *j, double ratio, struct assay_error *err)
{
    if (j->n_ratios == j->room) {
        size_t  room = j->room ? 2 * j->room : 4096;
        double *more = realloc(j->ratio, room * sizeof *more);
        if (!more)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu compared elements", room);
        j->ratio = more;
        j->room = room;
    }
    j->ratio[j->n_ratios++] = ratio;
    return ASSAY_OK;
}

bool assay_check_is_strange(enum assay_dtype dtype, double ratio, double expected, double rms, double bound)
{
    const struct assay_number_format *format = assay_format_of(dtype);
    return ratio > MARGINAL && format && bound > MARGINAL_ROUNDINGS * format->unit_roundoff * fmax(fabs(expected), rms);
}

static double observed_at(const struct assay_check_judge *j, const struct place *at, uint64_t block, uint64_t place)
{
    double observed;
    assay_witness_decode(at->part->dtype, j->file + block + at->part->sample_at + place * at->part->element_bytes, 1, &observed);
    return observed;
}

/* The bounds that hold here: those of sums rounded to nearest, unless the errors say that they are not. */
static const double *bounds_of(struct assay_check_judge *j, const struct place *at, uint64_t block, const struct assay_expected_part *x)
{
    struct assay_errors errors = {.n = 0};
    for (size_t i = 0; x->deviation && i < x->n; i++) {
        double observed = observed_at(j, at, block, x->place[i]);
        if (isfinite(observed) && isfinite(x->value[i]) && x->deviation[i] > 0 && isfinite(x->deviation[i]))
            assay_errors_add(&errors, observed, x->value[i], x->deviation[i]);
    }
    assay_errors_join(&j->errors, &errors);
    if (assay_errors_are_biased(&errors) && !j->biased.n) {
        j->biased = errors;
        j->biased_value = at->part->value;
    }
    if (!x->probable || assay_errors_are_biased(&errors))
        return x->bound;
    j->probable = true;
    return x->probable;
}

static void add_to_norms(struct assay_check_shown *s, double observed, double expected)
{
    if (!isfinite(expected))
        return;
    s->of_errors += (observed - expected) * (observed - expected);
    s->of_expected += expected * expected;
    s->of_observed += observed * observed;
    s->product += observed * expected;
}

static enum assay_code compare_sample(struct assay_check_judge *j, struct place at, uint64_t block,
                                      const struct assay_expected_part *x, struct assay_error *err)
{
    struct assay_check_shown *shown = &j->shown[at.part->output];
    const double *bound = bounds_of(j, &at, block, x);
    for (size_t i = 0; i < x->n; i++) {
        double observed = observed_at(j, &at, block, x->place[i]), ratio = ratio_of(observed, x->value[i], bound[i]);
        at.index = x->index[i];
        note(j, &at, ratio, observed, x->value[i], bound[i]);
        add_to_norms(shown, observed, x->value[i]);
        shown->strange |= bound == x->bound && assay_check_is_strange(at.part->dtype, ratio, x->value[i], sqrt(x->mean_square), bound[i]);
        shown->due += x->before && assay_round_to(at.part->dtype, x->value[i]) != x->before[i];
        shown->telling += !isfinite(x->value[i]) || fabs(x->value[i]) > bound[i];
        shown->infinite_expected |= !isfinite(x->value[i]) || !isfinite(bound[i]);
        if (shown->compared++ == 0)
            shown->first_value = observed;
        shown->varies |= !(observed == shown->first_value);
        if (keep_ratio(j, ratio, err))
            return err->code;
    }
    j->out->elements += x->n;
    return ASSAY_OK;
}

/* The first element of a group, to say where. */
static int64_t first_of(const struct assay_projection *p, uint64_t group)
{
    uint64_t position = group * p->per_group;
    return (int64_t)(position / p->inner * p->length * p->inner + position % p->inner);
}

/* The device's elements were added in double, in some order: gamma_n of at most n times their largest magnitude. */
static void compare_sums(struct assay_check_judge *j, struct place at, uint64_t block, const struct assay_expected_part *x)
{
    struct assay_check_shown              *shown = &j->shown[at.part->output];
    struct assay_witness_stats stats = stats_at(j, at.part, block);
    at.is_sum = true;
    for (uint32_t i = 0; i < at.part->n_projections; i++) {
        const struct assay_projection *p = &at.part->projection[i];
        double terms = (double)p->length * (double)p->per_group;
        double adding = assay_ref_gamma(terms, ASSAY_REF_OWN) * terms * fabs(stats.largest);
        if (!isfinite(adding)) /* never recorded so: whoever wrote it gets no allowance */
            adding = 0;
        for (uint64_t g = 0; x->has_sums[i] && g < p->groups; g++) {
            double observed, expected = x->sum[p->first + g], bound = x->sum_bound[p->first + g] + adding;
            memcpy(&observed, j->file + block + at.part->sums_at + 8 * (p->first + g), sizeof observed);
            if (!isfinite(expected)) { /* a sum of such says nothing about which */
                shown->infinite_expected = true;
                continue;
            }
            at.index = first_of(p, g);
            double ratio = ratio_of(observed, expected, bound);
            note(j, &at, ratio, observed, expected, bound);
            shown->strange |= assay_check_is_strange(at.part->dtype, ratio, expected, sqrt(x->mean_square), bound);
            j->out->sums++;
        }
    }
}

/* ---- one content --------------------------------------------------------------------------------------------- */

/* Above what chance leaves: an element of b bits agrees by chance with probability 2^-b (floating formats never, unless
 * they are NaN themselves); six deviations of a Poisson variable and two more. */
static double poison_by_chance(const struct assay_witness_part *part)
{
    unsigned bits = assay_dtype_bits(part->dtype);
    if (assay_dtype_is_float(part->dtype) && bits >= 16)
        return 0;
    double mean = (double)part->elements * (bits < 8 ? bits / 8.0 / 256 : ldexp(1, -(int)bits));
    return mean + 6 * sqrt(mean) + 2;
}

/* Outputs that contents' blocks have are counted there, so that none is counted twice. */
static void count_block(struct assay_check_judge *j, enum assay_witness_class class, uint64_t block)
{
    for (uint32_t i = 0; i < j->layout.block[class].parts; i++) {
        const struct assay_witness_part *part = &assay_witness_parts(&j->layout, class)[i];
        struct assay_check_shown                    *shown = &j->shown[part->output];
        struct assay_witness_stats       s = stats_at(j, part, block);
        if (class != ASSAY_WITNESS_CONTENT && shown->in_contents)
            continue;
        j->out->not_finite += s.not_finite;
        j->out->zeros += s.zeros;
        if (j->graph->values[part->value].alias_of != ASSAY_NO_VALUE) {
            shown->unchanged |= s.poison_left == part->elements; /* some of a state may well stay as it is */
            continue;
        }
        j->out->poison_left += s.poison_left;
        if (!((double)s.poison_left > poison_by_chance(part)))
            continue;
        shown->poisoned = true;
        if (s.poison_left > j->poison_left) {
            j->poison_left = s.poison_left;
            j->poison_of = part->elements;
            (void)snprintf(j->poisoned, sizeof j->poisoned, "%s", j->graph->values[part->value].name);
        }
    }
}

/* A content with elements that are not finite where nothing expected is not, in the output as far as it was seen. */
static void suspect(struct assay_check_judge *j, const struct assay_witness_part *part, uint64_t block, const struct assay_expected_part *x)
{
    struct assay_witness_stats s = stats_at(j, part, block);
    if (!assay_covers_singly(part, x) && !j->shown[part->output].infinite_expected)
        j->shown[part->output].unexplained += s.not_finite;
}

static enum assay_code judge_content(struct assay_check_judge *j, uint32_t content, bool of_exemplar, struct assay_error *err)
{
    struct assay_witness_content       c = content_at(j, content);
    enum assay_witness_class           class = of_exemplar ? assay_witness_exemplar_class(c.set) : ASSAY_WITNESS_CONTENT;
    uint64_t                           block = of_exemplar ? assay_witness_exemplar_at(&j->layout, c.set)
                                                           : assay_witness_content_at(&j->layout, content);
    const struct assay_expected_block *x;
    if (assay_expected_block(j->expected, c.set, of_exemplar, &x, err))
        return err->code;
    for (uint32_t i = 0; i < j->layout.block[class].parts; i++) {
        struct place at = {.part = &assay_witness_parts(&j->layout, class)[i], .content = content};
        if (x->part[i].n == 0)
            return ASSAY_OK; /* beyond the budget */
        if (compare_sample(j, at, block, &x->part[i], err))
            return err->code;
        compare_sums(j, at, block, &x->part[i]);
        suspect(j, at.part, block, &x->part[i]);
    }
    j->judged[content] = true;
    j->out->judged += c.kept;
    j->out->equal += c.seen;
    return ASSAY_OK;
}

/* The assurance is that of the best judged exemplar: the first set that was kept. */
static enum assay_code assure(struct assay_check_judge *j, uint32_t set, struct assay_error *err)
{
    enum assay_witness_class           class = assay_witness_exemplar_class(set);
    const struct assay_witness_part   *part = assay_witness_parts(&j->layout, class);
    const struct assay_expected_block *x;
    double                             fault = 0, elements = 0;
    j->looked_at = j->layout.block[class].parts;
    bool singly = j->looked_at == j->layout.outputs, by_sums = singly;
    if (assay_expected_block(j->expected, set, true, &x, err))
        return err->code;
    for (uint32_t i = 0; i < j->looked_at; i++) {
        bool all = assay_covers_singly(&part[i], &x->part[i]);
        singly &= all;
        by_sums &= all || assay_covers_by_sums(&part[i], &x->part[i]);
        double of = assay_smallest_fault(&part[i], &x->part[i]);
        fault = of > fault ? of : fault;
        elements += (double)part[i].elements;
    }
    j->out->smallest_fault = elements >= 0.99 * (double)j->layout.elements ? fault : INFINITY;
    j->out->assurance = singly ? ASSAY_ASSURANCE_FULL : by_sums ? ASSAY_ASSURANCE_ALGEBRAIC : ASSAY_ASSURANCE_SAMPLED;
    return ASSAY_OK;
}

static enum assay_code judge_sets(struct assay_check_judge *j, struct assay_error *err)
{
    for (uint32_t s = 0; s < j->layout.sets; s++) {
        struct assay_witness_set set;
        memcpy(&set, j->file + j->layout.sets_at + s * sizeof set, sizeof set);
        if (set.exemplar == ASSAY_WITNESS_NONE)
            continue;
        j->sets_kept++;
        if (judge_content(j, set.exemplar, true, err))
            return err->code;
        if (j->judged[set.exemplar] && j->sets_judged++ == 0 && assure(j, s, err))
            return err->code;
        for (uint32_t i = 0; i < j->layout.chosen; i++) {
            struct assay_witness_content c = content_at(j, i);
            if (c.kept && c.set == s && i != set.exemplar && judge_content(j, i, false, err))
                return err->code;
        }
    }
    return ASSAY_OK;
}

/* ---- entry --------------------------------------------------------------------------------------------------- */

/* The set that is judged whatever it costs: the first that was kept, so that there is one. */
static uint32_t first_kept(const struct assay_check_judge *j)
{
    for (uint32_t s = 0; s < j->layout.sets; s++) {
        struct assay_witness_set set;
        memcpy(&set, j->file + j->layout.sets_at + s * sizeof set, sizeof set);
        if (set.exemplar != ASSAY_WITNESS_NONE)
            return s;
    }
    return 0;
}

static enum assay_code list_outputs(struct assay_check_judge *j, struct assay_error *err)
{
    const uint32_t n = j->layout.outputs;
    int32_t       *values = calloc(n, sizeof *values);
    j->shown = calloc(n, sizeof *j->shown);
    if (!values || !j->shown) {
        free(values);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for judging %u outputs", n);
    }
    (void)assay_graph_outputs(j->graph, values, n);
    for (uint32_t o = 0; o < n; o++)
        j->shown[o] = (struct assay_check_shown){.value = values[o], .worst_ratio = NAN, .worst_index = -1, .worst_observed = NAN,
                                     .worst_expected = NAN, .worst_bound = NAN};
    free(values);
    for (uint32_t i = 0; i < j->layout.block[ASSAY_WITNESS_CONTENT].parts; i++)
        j->shown[assay_witness_parts(&j->layout, ASSAY_WITNESS_CONTENT)[i].output].in_contents = true;
    return ASSAY_OK;
}

static void count_all(struct assay_check_judge *j)
{
    for (uint32_t i = 0; i < j->layout.chosen; i++)
        if (content_at(j, i).kept)
            count_block(j, ASSAY_WITNESS_CONTENT, assay_witness_content_at(&j->layout, i));
    for (uint32_t s = 0; s < j->layout.sets; s++) {
        struct assay_witness_set set;
        memcpy(&set, j->file + j->layout.sets_at + s * sizeof set, sizeof set);
        if (set.exemplar != ASSAY_WITNESS_NONE)
            count_block(j, assay_witness_exemplar_class(s), assay_witness_exemplar_at(&j->layout, s));
    }
}

static enum assay_code judge_file(struct assay_check_judge *j, struct assay_error *err)
{
    struct assay_check *out = j->out;
    memcpy(&j->header, j->file, sizeof j->header);
    *out = (struct assay_check){.of_elements = j->header.elements, .iterations = j->header.seen, .chosen = j->header.kept,
                                .worst_ratio = NAN, .median_ratio = NAN, .worst_index = -1, .worst_observed = NAN,
                                .worst_expected = NAN, .worst_bound = NAN, .rms = NAN, .smallest_fault = INFINITY};
    if (list_outputs(j, err))
        return err->code;
    count_all(j);
    if (assay_expected_aim(j->expected, j->header.seed, &j->layout, first_kept(j), err) || judge_sets(j, err))
        return err->code;
    assay_check_decide(j);
    return assay_check_tell_outputs(j, err);
}

enum assay_code assay_witness_check_outputs(const char *path, const char *case_id, const struct assay_graph *g,
                                            struct assay_expected *x, assay_check_outputs_fn *see, void *self,
                                            struct assay_check *out, struct assay_error *err)
{
    struct assay_mapped_file file = {0};
    struct assay_check       found = {.of_elements = 0};
    struct assay_check_judge            *j = calloc(1, sizeof *j);
    enum assay_code          code = j ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for judging");
    if (!code && !(code = assay_mapped_file_read(path, &file, err)) &&
        !(code = assay_witness_inspect(file.at, file.bytes, case_id, g, &j->layout, err))) {
        j->file = file.at;
        j->graph = g;
        j->expected = x;
        j->see = see;
        j->self = self;
        j->out = &found;
        code = judge_file(j, err);
    }
    assay_mapped_file_release(&file);
    if (j) {
        free(j->ratio);
        free(j->shown);
    }
    free(j);
    if (code)
        return assay_error_in(err, "judging witness '%s'", path);
    *out = found;
    return ASSAY_OK;
}

enum assay_code assay_witness_check_expected(const char *path, const char *case_id, const struct assay_graph *g,
                                             struct assay_expected *x, struct assay_check *out, struct assay_error *err)
{
    return assay_witness_check_outputs(path, case_id, g, x, NULL, NULL, out, err);
}

enum assay_code assay_witness_check(const char *path, const char *case_id, const struct assay_graph *g, assay_fill_fn *fill,
                                    void *self, double budget_ops, struct assay_check *out, struct assay_error *err)
{
    struct assay_expected *x;
    if (assay_expected_new(case_id, g, fill, self, budget_ops, budget_ops, &x, err))
        return err->code;
    enum assay_code code = assay_witness_check_expected(path, case_id, g, x, out, err);
    assay_expected_free(x);
    return code;
}
