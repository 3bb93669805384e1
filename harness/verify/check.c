#include "harness/verify/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/file.h"
#include "harness/verify/errors.h"
#include "harness/verify/expected.h"
#include "harness/verify/fault_size.h"
#include "harness/verify/witness_file.h"
#include "reference/arithmetic.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

#define LEAST_TELLING 64u /* elements that zeros would fail at, below which a comparison proves nothing */
/* Errors that come by chance grow like the square root of the roundings, bounds like their number: where a bound allows n
 * roundings, the error of an honest device stays below 6 deviations of them, 6 sqrt(n / 3) units, so that over half of the bound is
 * strange for n > 48 and ordinary below: one rounding may well reach its bound. */
#define MARGINAL 0.5
#define MARGINAL_ROUNDINGS 48.0

/* What one output of all judged contents showed. */
struct shown {
    int32_t  value;
    bool     in_contents; /* every content's block has it; else only exemplars' may */
    uint64_t compared, telling; /* single elements; those where |expected| > bound, so that a zero would fail */
    double   first_value;       /* of the observed ones */
    bool     varies;
    bool     infinite_expected; /* the reference itself has values that are not finite */
    uint64_t unexplained;       /* elements not finite in contents without such */
    bool     strange;           /* over half of a bound that allows many roundings */
    uint64_t due;               /* of a state: compared elements that the iteration changes */
    bool     unchanged;         /* in some content every element is what the state held before */
    bool     poisoned;          /* in some content more of its poison is left than chance explains */
    double   of_errors, of_expected, of_observed, product; /* sums of squares, and of y e */
    double   worst_ratio, worst_observed, worst_expected, worst_bound; /* ratio NaN: nothing was compared */
    int64_t  worst_index;
    bool     worst_is_sum;
};
struct judge {
    const unsigned char          *file;
    const struct assay_graph     *graph;
    struct assay_witness_layout   layout;
    struct assay_witness_header   header;
    struct assay_expected        *expected;
    assay_check_outputs_fn       *see; /* may be NULL */
    void                         *self;
    struct assay_check           *out;
    struct shown                 *shown;          /* one an output of the graph */
    uint32_t                      looked_at;      /* outputs that the block has of which the assurance is */
    double                       *ratio; /* of all single elements */
    size_t                        n_ratios, room;
    struct assay_errors           errors; /* of the elements that have a deviation */
    struct assay_errors           biased; /* of the first output whose errors are */
    int32_t                       biased_value;
    bool                          probable; /* some bound was that of sums rounded to nearest */
    bool                          worst_is_sum; /* of all outputs together */
    bool                          judged[ASSAY_WITNESS_MOST_CHOSEN]; /* contents */
    uint32_t                      sets_kept, sets_judged;
    char                          poisoned[ASSAY_VALUE_NAME_BYTES]; /* output whose poison was left */
    uint64_t                      poison_left, poison_of;
};

static struct assay_witness_content content_at(const struct judge *j, uint32_t i)
{
    struct assay_witness_content c;
    memcpy(&c, j->file + j->layout.contents_at + i * sizeof c, sizeof c);
    return c;
}

static struct assay_witness_stats stats_at(const struct judge *j, const struct assay_witness_part *part, uint64_t block)
{
    struct assay_witness_stats s;
    memcpy(&s, j->file + block + part->stats_at, sizeof s);
    return s;
}

/* The first kept iteration with this content. */
static uint64_t iteration_of(const struct judge *j, uint32_t content)
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

static void note_of_output(struct shown *s, const struct place *at, double ratio, double observed, double expected, double bound)
{
    if (!isnan(s->worst_ratio) && !(ratio > s->worst_ratio))
        return;
    s->worst_ratio = ratio;
    s->worst_index = at->index;
    s->worst_is_sum = at->is_sum;
    s->worst_observed = observed;
    s->worst_expected = expected;
    s->worst_bound = bound;
}

static void note(struct judge *j, const struct place *at, double ratio, double observed, double expected, double bound)
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

static enum assay_code keep_ratio(struct judge *j, double ratio, struct assay_error *err)
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

bool assay_check_is_strange(enum assay_dtype dtype, double ratio, double expected, double bound)
{
    const struct assay_number_format *format = assay_format_of(dtype);
    return ratio > MARGINAL && format && bound > MARGINAL_ROUNDINGS * format->unit_roundoff * fabs(expected);
}

static double observed_at(const struct judge *j, const struct place *at, uint64_t block, uint64_t place)
{
    double observed;
    assay_witness_decode(at->part->dtype, j->file + block + at->part->sample_at + place * at->part->element_bytes, 1, &observed);
    return observed;
}

/* The bounds that hold here: those of sums rounded to nearest, unless the errors say that they are not. */
static const double *bounds_of(struct judge *j, const struct place *at, uint64_t block, const struct assay_expected_part *x)
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

static void add_to_norms(struct shown *s, double observed, double expected)
{
    if (!isfinite(expected))
        return;
    s->of_errors += (observed - expected) * (observed - expected);
    s->of_expected += expected * expected;
    s->of_observed += observed * observed;
    s->product += observed * expected;
}

static enum assay_code compare_sample(struct judge *j, struct place at, uint64_t block,
                                      const struct assay_expected_part *x, struct assay_error *err)
{
    struct shown *shown = &j->shown[at.part->output];
    const double *bound = bounds_of(j, &at, block, x);
    for (size_t i = 0; i < x->n; i++) {
        double observed = observed_at(j, &at, block, x->place[i]), ratio = ratio_of(observed, x->value[i], bound[i]);
        at.index = x->index[i];
        note(j, &at, ratio, observed, x->value[i], bound[i]);
        add_to_norms(shown, observed, x->value[i]);
        shown->strange |= bound == x->bound && assay_check_is_strange(at.part->dtype, ratio, x->value[i], bound[i]);
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
static void compare_sums(struct judge *j, struct place at, uint64_t block, const struct assay_expected_part *x)
{
    struct shown              *shown = &j->shown[at.part->output];
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
            shown->strange |= ratio > MARGINAL;
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
static void count_block(struct judge *j, enum assay_witness_class class, uint64_t block)
{
    for (uint32_t i = 0; i < j->layout.block[class].parts; i++) {
        const struct assay_witness_part *part = &assay_witness_parts(&j->layout, class)[i];
        struct shown                    *shown = &j->shown[part->output];
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
static void suspect(struct judge *j, const struct assay_witness_part *part, uint64_t block, const struct assay_expected_part *x)
{
    struct assay_witness_stats s = stats_at(j, part, block);
    if (!assay_covers_singly(part, x) && !j->shown[part->output].infinite_expected)
        j->shown[part->output].unexplained += s.not_finite;
}

static enum assay_code judge_content(struct judge *j, uint32_t content, bool of_exemplar, struct assay_error *err)
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
static enum assay_code assure(struct judge *j, uint32_t set, struct assay_error *err)
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

static enum assay_code judge_sets(struct judge *j, struct assay_error *err)
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

/* ---- the verdict --------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void say(struct assay_check *out, enum assay_outcome outcome, const char *fmt, ...) ASSAY_PRINTF(3, 4);
static void say(struct assay_check *out, enum assay_outcome outcome, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(out->why, sizeof out->why, fmt, args);
    va_end(args);
    out->outcome = outcome;
}

static bool is_statistical(const struct judge *j)
{
    return assay_expected_bounds(j->expected) == ASSAY_BOUNDS_STATISTICAL;
}

static void name_bound(const struct judge *j)
{
    struct assay_text text = assay_text_over(j->out->bound, sizeof j->out->bound);
    if (is_statistical(j))
        assay_text_add(&text, "statistical bound, %d replicas, false alarm <= %.0e", ASSAY_REPLICAS, ASSAY_FALSE_ALARM);
    else if (j->probable)
        assay_text_add(&text, "bound of sums rounded to nearest, false alarm <= %.0e", ASSAY_FALSE_ALARM);
    else
        assay_text_add(&text, "worst-case bound");
}

/* Within every bound, and yet not what roundings of the class that the types require can look like. */
static bool decide_class(const struct judge *j)
{
    const struct assay_errors *e = j->biased.n ? &j->biased : &j->errors;
    if (!j->biased.n && !assay_errors_are_large(e))
        return false;
    j->out->by = ASSAY_BY_DISTRIBUTION;
    if (!j->biased.n) {
        say(j->out, ASSAY_FAIL, "of a lower class of arithmetic: the errors of %llu elements are %.3g times (rms) what rounding every step to nearest gives at most",
            (unsigned long long)e->n, assay_errors_rms(e));
        return true;
    }
    bool     inward = fabs(assay_errors_lean(e)) >= fabs(assay_errors_drift(e));
    uint64_t with = inward ? e->inward : e->up, of = e->inward + e->outward;
    say(j->out, ASSAY_MARGINAL, "within the worst-case bound, but of a lower class of arithmetic: %.0f %% of the errors of '%s' are %s, %.3g standard deviations from half: something is not rounded to nearest",
        100.0 * (double)(2 * with > of ? with : of - with) / (double)of, j->graph->values[j->biased_value].name,
        inward ? (2 * with > of ? "toward zero" : "away from zero") : (2 * with > of ? "upward" : "downward"),
        fabs(inward ? assay_errors_lean(e) : assay_errors_drift(e)));
    return true;
}

/* More than half of the compared elements should have changed, and none did. */
static bool is_unwritten_state(const struct shown *s)
{
    return s->unchanged && 2 * s->due > s->compared;
}

static bool decide_fail(const struct judge *j)
{
    struct assay_check *out = j->out;
    out->by = ASSAY_BY_POISON;
    if (j->poison_left) {
        say(out, ASSAY_FAIL, "outputs were not written: %llu of %llu elements of '%s' still hold what was there before",
            (unsigned long long)j->poison_left, (unsigned long long)j->poison_of, j->poisoned);
        return true;
    }
    for (uint32_t o = 0; o < j->layout.outputs; o++) {
        const struct assay_value *v = &j->graph->values[j->shown[o].value];
        if (is_unwritten_state(&j->shown[o])) {
            say(out, ASSAY_FAIL, "a state was not written: all %llu elements of '%s' are what they were before the iteration",
                (unsigned long long)v->elements, v->name);
            return true;
        }
    }
    if (out->worst_ratio > 1) {
        out->by = j->worst_is_sum ? ASSAY_BY_SUM : out->worst_bound == 0 ? ASSAY_BY_EXACT : ASSAY_BY_ELEMENT;
        say(out, ASSAY_FAIL, "'%s' at element %lld in iteration %llu is %.9g where %.9g is expected, %.3g times the %s bound of %.3g",
            out->worst_value, (long long)out->worst_index, (unsigned long long)out->worst_iteration,
            out->worst_observed, out->worst_expected, out->worst_ratio,
            is_statistical(j) ? "statistical" : j->probable ? "probable" : "worst-case", out->worst_bound);
        return true;
    }
    out->by = ASSAY_BY_FINITE;
    for (uint32_t o = 0; o < j->layout.outputs; o++) {
        if (j->shown[o].unexplained && !j->shown[o].infinite_expected) {
            say(out, ASSAY_FAIL, "%llu elements of '%s' are not finite; every expected value that was computed is",
                (unsigned long long)j->shown[o].unexplained, j->graph->values[j->shown[o].value].name);
            return true;
        }
    }
    out->by = ASSAY_BY_NONE;
    return false;
}

static bool tells_enough(const struct shown *s)
{
    return s->telling >= (s->compared / 2 < LEAST_TELLING ? (s->compared + 1) / 2 : LEAST_TELLING);
}

/* Within their bounds, but zeros or one constant would have been, too. */
static bool is_weak(const struct shown *s)
{
    return !tells_enough(s) || (!s->varies && s->compared > 1);
}

/* How many outputs are weak, and the first of them. */
static uint32_t weak_outputs(const struct judge *j, uint32_t *first)
{
    uint32_t weak = 0;
    for (uint32_t o = j->layout.outputs; o-- > 0;)
        if (is_weak(&j->shown[o])) {
            weak++;
            *first = o;
        }
    return weak;
}

/* Of many outputs (a training step has hundreds) a tenth may be weak: the gradient of a bias that a softmax takes out again is zero,
 * and a device that writes more than the bound there fails all the same. */
static bool decide_untrusted(const struct judge *j)
{
    uint32_t o = 0;
    if (10 * weak_outputs(j, &o) <= j->layout.outputs)
        return false;
    j->out->by = ASSAY_BY_TELLING;
    const struct shown *s = &j->shown[o];
    const char         *name = j->graph->values[s->value].name;
    if (!tells_enough(s))
        say(j->out, ASSAY_UNTRUSTED, "agreed and proved nothing: only %llu of %llu compared elements of '%s' differ from zero by more than their bound",
            (unsigned long long)s->telling, (unsigned long long)s->compared, name);
    else
        say(j->out, ASSAY_UNTRUSTED, "agreed and proved nothing: all %llu compared elements of '%s' are %.9g",
            (unsigned long long)s->compared, name, s->first_value);
    return true;
}

static void decide_pass(const struct judge *j)
{
    struct assay_check *out = j->out;
    struct assay_text   text = assay_text_over(out->why, sizeof out->why);
    uint32_t            weak, first = 0;
    out->outcome = ASSAY_PASS;
    for (uint32_t o = 0; o < j->layout.outputs; o++)
        if (j->shown[o].strange)
            out->outcome = ASSAY_MARGINAL;
    assay_text_add(&text, "%llu of %llu observed iterations judged: %llu elements and %llu sums are within %.2g of their bounds (%s)",
                   (unsigned long long)out->judged, (unsigned long long)out->iterations, (unsigned long long)out->elements,
                   (unsigned long long)out->sums, out->worst_ratio, out->bound);
    if ((weak = weak_outputs(j, &first)) > 0)
        assay_text_add(&text, "; %u of %u outputs have nothing to tell, '%s' first", weak, j->layout.outputs,
                       j->graph->values[j->shown[first].value].name);
    if (j->looked_at < j->layout.outputs)
        assay_text_add(&text, "; %u of %u outputs were looked at, drawn by the seed", j->looked_at, j->layout.outputs);
    if (j->sets_judged < j->sets_kept)
        assay_text_add(&text, "; %u of %u input sets were left out, beyond the judge's budget", j->sets_kept - j->sets_judged,
                       j->sets_kept);
    if (out->equal < out->iterations)
        assay_text_add(&text, "; bits differ from run to run: %llu iterations equal no judged one",
                       (unsigned long long)(out->iterations - out->equal));
}

static void decide(struct judge *j)
{
    struct assay_check *out = j->out;
    out->errors = j->errors.n;
    out->lean = assay_errors_lean(&j->errors);
    out->drift = assay_errors_drift(&j->errors);
    out->rms = assay_errors_rms(&j->errors);
    out->cheat_share_found = assay_cheat_share_found(out->judged);
    if (j->n_ratios) {
        qsort(j->ratio, j->n_ratios, sizeof *j->ratio, ascending);
        out->median_ratio = j->ratio[(j->n_ratios - 1) / 2];
    }
    if (decide_fail(j))
        return;
    if (j->header.seen == 0)
        say(out, ASSAY_NOT_CHECKED, "no iteration was observed");
    else if (out->judged == 0)
        say(out, ASSAY_NOT_CHECKED, "evaluating the reference is beyond the judge's budget: %.2g operations, about %.0f s",
            assay_expected_preparing_ops(j->expected), assay_expected_preparing_ops(j->expected) / ASSAY_EXPECTED_OPS_PER_S);
    else if (!decide_untrusted(j) && !decide_class(j))
        decide_pass(j);
}

/* ---- output by output ---------------------------------------------------------------------------------------- */

static enum assay_outcome outcome_of(const struct shown *s)
{
    bool unexplained = s->unexplained && !s->infinite_expected;
    if (s->poisoned || is_unwritten_state(s) || s->worst_ratio > 1 || unexplained)
        return ASSAY_FAIL;
    if (isnan(s->worst_ratio))
        return ASSAY_NOT_CHECKED;
    return is_weak(s) ? ASSAY_UNTRUSTED : s->strange ? ASSAY_MARGINAL : ASSAY_PASS;
}

static struct assay_check_output row_of(const struct judge *j, const struct shown *s)
{
    const struct assay_value *v = &j->graph->values[s->value];
    double                    norms = sqrt(s->of_observed) * sqrt(s->of_expected);
    struct assay_check_output row = {.outcome = outcome_of(s), .elements = v->elements, .compared = s->compared,
                                     .error = s->of_expected > 0 ? sqrt(s->of_errors / s->of_expected) : NAN,
                                     .cosine = norms > 0 ? s->product / norms : NAN, .worst_ratio = s->worst_ratio,
                                     .worst_index = s->worst_index, .worst_is_sum = s->worst_is_sum,
                                     .worst_observed = s->worst_observed, .worst_expected = s->worst_expected,
                                     .worst_bound = s->worst_bound};
    if (s->of_expected > 0 && !isfinite(s->of_errors))
        row.error = INFINITY;
    if (row.outcome != ASSAY_FAIL && !tells_enough(s))
        row.error = row.cosine = NAN; /* of roundings against roundings */
    (void)snprintf(row.name, sizeof row.name, "%s", v->name);
    return row;
}

static enum assay_code tell_outputs(const struct judge *j, struct assay_error *err)
{
    struct assay_check_output *rows = j->see ? calloc(j->layout.outputs, sizeof *rows) : NULL;
    if (!j->see)
        return ASSAY_OK;
    if (!rows)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to tell of %u outputs", j->layout.outputs);
    for (uint32_t o = 0; o < j->layout.outputs; o++)
        rows[o] = row_of(j, &j->shown[o]);
    j->see(j->self, rows, j->layout.outputs);
    free(rows);
    return ASSAY_OK;
}

/* ---- entry --------------------------------------------------------------------------------------------------- */

/* The set that is judged whatever it costs: the first that was kept, so that there is one. */
static uint32_t first_kept(const struct judge *j)
{
    for (uint32_t s = 0; s < j->layout.sets; s++) {
        struct assay_witness_set set;
        memcpy(&set, j->file + j->layout.sets_at + s * sizeof set, sizeof set);
        if (set.exemplar != ASSAY_WITNESS_NONE)
            return s;
    }
    return 0;
}

static enum assay_code list_outputs(struct judge *j, struct assay_error *err)
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
        j->shown[o] = (struct shown){.value = values[o], .worst_ratio = NAN, .worst_index = -1, .worst_observed = NAN,
                                     .worst_expected = NAN, .worst_bound = NAN};
    free(values);
    for (uint32_t i = 0; i < j->layout.block[ASSAY_WITNESS_CONTENT].parts; i++)
        j->shown[assay_witness_parts(&j->layout, ASSAY_WITNESS_CONTENT)[i].output].in_contents = true;
    return ASSAY_OK;
}

static void count_all(struct judge *j)
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

static enum assay_code judge_file(struct judge *j, struct assay_error *err)
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
    name_bound(j);
    decide(j);
    return tell_outputs(j, err);
}

enum assay_code assay_witness_check_outputs(const char *path, const char *case_id, const struct assay_graph *g,
                                            struct assay_expected *x, assay_check_outputs_fn *see, void *self,
                                            struct assay_check *out, struct assay_error *err)
{
    struct assay_mapped_file file = {0};
    struct assay_check       found = {.of_elements = 0};
    struct judge            *j = calloc(1, sizeof *j);
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

const char *assay_outcome_name(enum assay_outcome outcome)
{
    switch (outcome) {
    case ASSAY_PASS: return "pass";
    case ASSAY_MARGINAL: return "marginal";
    case ASSAY_FAIL: return "fail";
    case ASSAY_UNTRUSTED: return "untrusted";
    case ASSAY_NOT_CHECKED: return "not_checked";
    }
    return "unknown";
}

const char *assay_instrument_name(enum assay_instrument by)
{
    switch (by) {
    case ASSAY_BY_NONE: return "none";
    case ASSAY_BY_POISON: return "poison";
    case ASSAY_BY_EXACT: return "exact";
    case ASSAY_BY_ELEMENT: return "element";
    case ASSAY_BY_SUM: return "sum";
    case ASSAY_BY_FINITE: return "finite";
    case ASSAY_BY_DISTRIBUTION: return "distribution";
    case ASSAY_BY_TELLING: return "telling";
    }
    return "unknown";
}

const char *assay_assurance_name(enum assay_assurance assurance)
{
    switch (assurance) {
    case ASSAY_ASSURANCE_NONE: return "none";
    case ASSAY_ASSURANCE_FULL: return "full";
    case ASSAY_ASSURANCE_ALGEBRAIC: return "algebraic";
    case ASSAY_ASSURANCE_SAMPLED: return "sampled";
    case ASSAY_ASSURANCE_LOCAL: return "local";
    case ASSAY_ASSURANCE_LEARNED: return "learned";
    }
    return "unknown";
}
