#include "harness/verify/check_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/verify/fault_size.h"

#include "assay/banned.h"

#define LEAST_TELLING 64u /* elements that zeros would fail at, below which a comparison proves nothing */

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

static bool is_statistical(const struct assay_check_judge *j)
{
    return assay_expected_bounds(j->expected) == ASSAY_BOUNDS_STATISTICAL;
}

static void name_bound(const struct assay_check_judge *j)
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
static bool decide_class(const struct assay_check_judge *j)
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
static bool is_unwritten_state(const struct assay_check_shown *s)
{
    return s->unchanged && 2 * s->due > s->compared;
}

static bool decide_fail(const struct assay_check_judge *j)
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

static bool tells_enough(const struct assay_check_shown *s)
{
    return s->telling >= (s->compared / 2 < LEAST_TELLING ? (s->compared + 1) / 2 : LEAST_TELLING);
}

/* Within their bounds, but zeros or one constant would have been, too. */
static bool is_weak(const struct assay_check_shown *s)
{
    return !tells_enough(s) || (!s->varies && s->compared > 1);
}

/* How many outputs are weak, and the first of them. */
static uint32_t weak_outputs(const struct assay_check_judge *j, uint32_t *first)
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
static bool decide_untrusted(const struct assay_check_judge *j)
{
    uint32_t o = 0;
    if (10 * weak_outputs(j, &o) <= j->layout.outputs)
        return false;
    j->out->by = ASSAY_BY_TELLING;
    const struct assay_check_shown *s = &j->shown[o];
    const char         *name = j->graph->values[s->value].name;
    if (!tells_enough(s))
        say(j->out, ASSAY_UNTRUSTED, "agreed and proved nothing: only %llu of %llu compared elements of '%s' differ from zero by more than their bound",
            (unsigned long long)s->telling, (unsigned long long)s->compared, name);
    else
        say(j->out, ASSAY_UNTRUSTED, "agreed and proved nothing: all %llu compared elements of '%s' are %.9g",
            (unsigned long long)s->compared, name, s->first_value);
    return true;
}

static void decide_pass(const struct assay_check_judge *j)
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

void assay_check_decide(struct assay_check_judge *j)
{
    name_bound(j);
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
    else if (out->judged == 0 && !assay_expected_has_room(j->expected))
        say(out, ASSAY_NOT_CHECKED, "judging takes about %.1f GB of memory; the machine had less when it began",
            assay_expected_preparing_bytes(j->expected) / 1e9);
    else if (out->judged == 0)
        say(out, ASSAY_NOT_CHECKED, "evaluating the reference is beyond the judge's budget: %.2g operations, about %.0f s",
            assay_expected_preparing_ops(j->expected), assay_expected_preparing_ops(j->expected) / ASSAY_EXPECTED_OPS_PER_S);
    else if (!decide_untrusted(j) && !decide_class(j))
        decide_pass(j);
}

/* ---- output by output ---------------------------------------------------------------------------------------- */

static enum assay_outcome outcome_of(const struct assay_check_shown *s)
{
    bool unexplained = s->unexplained && !s->infinite_expected;
    if (s->poisoned || is_unwritten_state(s) || s->worst_ratio > 1 || unexplained)
        return ASSAY_FAIL;
    if (isnan(s->worst_ratio))
        return ASSAY_NOT_CHECKED;
    return is_weak(s) ? ASSAY_UNTRUSTED : s->strange ? ASSAY_MARGINAL : ASSAY_PASS;
}

static struct assay_check_output row_of(const struct assay_check_judge *j, const struct assay_check_shown *s)
{
    const struct assay_value *v = &j->graph->values[s->value];
    double                    norms = sqrt(s->of_observed) * sqrt(s->of_expected);
    struct assay_check_output row = {.outcome = outcome_of(s), .elements = v->elements, .compared = s->compared,
                                     .error = s->of_expected > 0 ? sqrt(s->of_errors / s->of_expected) : NAN,
                                     .cosine = norms > 0 ? s->product / norms : NAN, .worst_ratio = s->worst_ratio,
                                     .worst_index = s->worst_index, .worst_is_sum = s->worst_is_sum,
                                     .worst_observed = s->worst_observed, .worst_expected = s->worst_expected,
                                     .worst_bound = s->worst_bound, .largest_bound = s->largest_bound};
    if (s->of_expected > 0 && !isfinite(s->of_errors))
        row.error = INFINITY;
    if (row.outcome != ASSAY_FAIL && !tells_enough(s))
        row.error = row.cosine = NAN; /* of roundings against roundings */
    (void)snprintf(row.name, sizeof row.name, "%s", v->name);
    return row;
}

enum assay_code assay_check_tell_outputs(const struct assay_check_judge *j, struct assay_error *err)
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

/* ---- names --------------------------------------------------------------------------------------------------- */

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

enum assay_outcome assay_outcome_find(const char *name)
{
    for (enum assay_outcome o = ASSAY_PASS; name && o <= ASSAY_NOT_CHECKED; o++)
        if (!strcmp(assay_outcome_name(o), name))
            return o;
    return (enum assay_outcome)0;
}

bool assay_outcome_proves(enum assay_outcome outcome)
{
    return outcome == ASSAY_PASS || outcome == ASSAY_MARGINAL;
}

int assay_outcome_badness(enum assay_outcome outcome)
{
    switch (outcome) {
    case ASSAY_PASS:
        return 0;
    case ASSAY_MARGINAL:
        return 1;
    case ASSAY_NOT_CHECKED:
        return 2;
    case ASSAY_UNTRUSTED:
        return 3;
    case ASSAY_FAIL:
        return 4;
    }
    return 2;
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
