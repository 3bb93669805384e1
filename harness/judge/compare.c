#include "harness/judge/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/json.h"
#include "harness/judge/compare_statistics.h"

#include "assay/banned.h"

#define LEAST_DELTA 0.01
#define TAIL ((1 - ASSAY_COMPARE_LEVEL) / 2)

const char *assay_comparison_name(enum assay_comparison outcome)
{
    switch (outcome) {
    case ASSAY_NO_WORSE:
        return "no worse";
    case ASSAY_WORSE:
        return "worse";
    case ASSAY_UNDECIDED:
        return "undecided";
    case ASSAY_NOT_COMPARABLE:
        return "not comparable";
    }
    return "none";
}

ASSAY_PRINTF(3, 4)
static void decide(struct assay_compare_row *row, enum assay_comparison outcome, const char *fmt, ...)
{
    va_list args;
    row->outcome = outcome;
    va_start(args, fmt);
    (void)vsnprintf(row->why, sizeof row->why, fmt, args);
    va_end(args);
}

/* ---- times of one case ------------------------------------------------------------------------------------ */

/* Where the ratio's interval lies. */
static enum assay_comparison place(const struct assay_estimate *ratio, double delta)
{
    if (ratio->low > 1 + delta)
        return ASSAY_WORSE;
    return ratio->high <= 1 + delta ? ASSAY_NO_WORSE : ASSAY_UNDECIDED;
}

static const char *words(enum assay_comparison outcome)
{
    return outcome == ASSAY_WORSE ? "above" : outcome == ASSAY_NO_WORSE ? "not above" : "on both sides of";
}

/* Ranges of two models: no launch, no chance, so the widest ratio that both allow. */
static void judge_models(struct assay_compare_row *row, double delta)
{
    const struct assay_estimate *a = &row->a->metric[ASSAY_METRIC_latency_ns];
    const struct assay_estimate *b = &row->b->metric[ASSAY_METRIC_latency_ns];
    struct assay_estimate *r = &row->ratio;
    if (a->has_value && b->has_value && a->value > 0) {
        r->has_value = true;
        r->value = b->value / a->value;
    }
    if (!a->has_interval || !b->has_interval || !(a->low > 0)) {
        (void)snprintf(r->why, sizeof r->why, "a model without a range");
        decide(row, ASSAY_UNDECIDED, "modelled, and the model of %s gives no range", b->has_interval ? "A" : "B");
        return;
    }
    r->has_interval = true;
    r->low = b->low / a->high;
    r->high = b->high / a->low;
    r->level = fmin(a->level, b->level);
    decide(row, place(r, delta), "modelled: the range of the ratio is %s the margin", words(place(r, delta)));
    row->confirmed = row->outcome == ASSAY_WORSE;
}

/* Launch medians side by side; pairs are launches of equal number. Returns how many; room for all of them. */
static size_t pair_up(const struct assay_compare_row *row, double *a, double *b)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < row->a->n_medians && k < row->b->n_medians;) {
        if (row->a->median_launch[i] < row->b->median_launch[k])
            i++;
        else if (row->a->median_launch[i] > row->b->median_launch[k])
            k++;
        else {
            a[n] = row->a->medians[i++];
            b[n++] = row->b->medians[k++];
        }
    }
    return n;
}

static void judge_launches(struct assay_compare_row *row, const double *a, size_t n_a, const double *b, size_t n_b,
                           double delta)
{
    row->ratio = assay_estimate_ratio(a, n_a, b, n_b, row->paired, ASSAY_COMPARE_LEVEL);
    if (!row->ratio.has_value || !row->ratio.has_interval) {
        decide(row, ASSAY_UNDECIDED, "%s", row->ratio.why);
        row->more_launches = n_a && n_b ? 1 : 0; /* two on each side are the least that has an interval */
        return;
    }
    struct assay_compare_test test = assay_compare_test_make(a, n_a, b, n_b, row->paired);
    double margin = log1p(delta);
    row->tested = true;
    row->p = assay_compare_test_p(&test, margin);
    decide(row, place(&row->ratio, delta), "the interval of the ratio is %s the margin",
           words(place(&row->ratio, delta)));
    if (row->outcome != ASSAY_UNDECIDED)
        return;
    row->more_launches = assay_compare_test_more(&test, margin);
    if (row->more_launches)
        decide(row, ASSAY_UNDECIDED, "the interval holds the margin; about %llu more launches would settle it",
               (unsigned long long)row->more_launches);
    else
        decide(row, ASSAY_UNDECIDED, "the ratio is so near to the margin that no number of launches would settle it");
}

static bool is_model(const struct assay_summary_row *row)
{
    return row->clock == ASSAY_CLOCK_MODEL;
}

/* false: out of memory. */
static bool judge_times(struct assay_compare_row *row, bool same_run, double delta)
{
    const struct assay_summary_row *a = row->a, *b = row->b;
    if (a->evidence == ASSAY_EVIDENCE_SIMULATED || b->evidence == ASSAY_EVIDENCE_SIMULATED) {
        decide(row, ASSAY_NOT_COMPARABLE, "%s is simulated: its time says nothing of speed",
               a->evidence == ASSAY_EVIDENCE_SIMULATED ? "A" : "B");
        return true;
    }
    if (a->clock && b->clock && is_model(a) != is_model(b)) {
        decide(row, ASSAY_NOT_COMPARABLE, "A is %s and B is %s: one clock is a model's",
               assay_evidence_name(a->evidence), assay_evidence_name(b->evidence));
        return true;
    }
    if (is_model(a) && is_model(b)) {
        judge_models(row, delta);
        return true;
    }
    double *room = calloc(a->n_medians + b->n_medians + 1, sizeof *room);
    if (!room)
        return false;
    if (same_run) {
        row->pairs = pair_up(row, room, room + a->n_medians);
        row->paired = row->pairs >= 2; /* launches that have no partner are worth more than no interval */
    }
    if (row->paired)
        judge_launches(row, room, row->pairs, room + a->n_medians, row->pairs, delta);
    else
        judge_launches(row, a->medians, a->n_medians, b->medians, b->n_medians, delta);
    free(room);
    return true;
}

/* ---- what counts more than time --------------------------------------------------------------------------- */

static bool is_wrong(const struct assay_summary_row *row)
{
    return row->validated && assay_outcome_badness(row->outcome) >= assay_outcome_badness(ASSAY_UNTRUSTED);
}

/* How it ended. true: that settles the row. */
static bool judge_status(struct assay_compare_row *row)
{
    const struct assay_summary_row *a = row->a, *b = row->b;
    bool a_ran = a->statuses[ASSAY_STATUS_OK] > 0, b_ran = b->statuses[ASSAY_STATUS_OK] > 0;
    if (a->status == ASSAY_STATUS_OK && b->status != ASSAY_STATUS_OK)
        decide(row, ASSAY_WORSE, "B did not end ok: %s: %s", assay_status_name(b->status), b->reason);
    else if (a_ran && !b_ran)
        decide(row, ASSAY_WORSE, "B never ended ok: %s: %s", assay_status_name(b->status), b->reason);
    else if (!a_ran && b_ran)
        decide(row, ASSAY_NO_WORSE, "B ended ok and A did not: %s: %s", assay_status_name(a->status), a->reason);
    else if (!a_ran)
        decide(row, ASSAY_NOT_COMPARABLE, "neither ended ok: A %s, B %s", assay_status_name(a->status),
               assay_status_name(b->status));
    else
        return false;
    return true;
}

/* What validation said. true: that settles the row. */
static bool judge_verdict(struct assay_compare_row *row)
{
    const struct assay_summary_row *a = row->a, *b = row->b;
    if (a->validated && b->validated && assay_outcome_badness(b->outcome) > assay_outcome_badness(a->outcome))
        decide(row, ASSAY_WORSE, "the verdict got worse: from %s to %s", assay_outcome_name(a->outcome),
               assay_outcome_name(b->outcome));
    else if (is_wrong(a) && is_wrong(b))
        decide(row, ASSAY_NOT_COMPARABLE, "verdicts are %s and %s: times of such results say nothing",
               assay_outcome_name(a->outcome), assay_outcome_name(b->outcome));
    else if (is_wrong(b))
        decide(row, ASSAY_WORSE, "B's results are %s", assay_outcome_name(b->outcome));
    else if (is_wrong(a) && b->validated)
        decide(row, ASSAY_NO_WORSE, "A's results are %s and B's %s: A's times say nothing",
               assay_outcome_name(a->outcome), assay_outcome_name(b->outcome));
    else
        return false;
    return true;
}

/* false: out of memory. */
static bool judge_row(struct assay_compare_row *row, bool same_run, double delta)
{
    row->evidence_differs = row->a->evidence != row->b->evidence;
    if (!judge_times(row, same_run, delta))
        return false;
    if (judge_status(row) || judge_verdict(row)) {
        row->by_verdict = row->confirmed = row->outcome == ASSAY_WORSE;
        row->tested = false; /* its time decides nothing, so it is none of the tests */
        row->more_launches = 0;
    } else if (row->outcome == ASSAY_NO_WORSE && row->a->validated && !row->b->validated) {
        decide(row, ASSAY_UNDECIDED, "as fast, but B is not validated and A is");
    }
    return true;
}

/* ---- margin ----------------------------------------------------------------------------------------------- */

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The median of n is taken so that one case with other launches does not decide. false: out of memory. */
static bool derive_delta(struct assay_compare *c)
{
    double squares = 0, freedom = 0;
    size_t cases = 0;
    size_t *launches = calloc(c->n_rows + 1, sizeof *launches);
    if (!launches)
        return false;
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct assay_summary_row *a = c->rows[i].a;
        if (a->n_medians < 2 || is_model(a) || !a->metric[ASSAY_METRIC_latency_ns].has_interval)
            continue;
        launches[cases++] = a->n_medians;
        squares += (double)(a->n_medians - 1) * assay_compare_log_variance(a->medians, a->n_medians);
        freedom += (double)(a->n_medians - 1);
    }
    c->delta = LEAST_DELTA;
    if (cases == 0) {
        (void)snprintf(c->delta_how, sizeof c->delta_how,
                       "1 %%: no case of A has two launches, so what A against A would show is unknown");
        free(launches);
        return true;
    }
    qsort(launches, cases, sizeof *launches, compare_sizes);
    size_t n = launches[(cases - 1) / 2];
    double s = sqrt(squares / freedom), self = assay_compare_self(s, n);
    c->delta = fmax(LEAST_DELTA, self);
    (void)snprintf(
        c->delta_how, sizeof c->delta_how,
        "max(1 %%, %.3g %%): the 95 %% half-width of A against A, exp(t(0.975, %zu) s sqrt(2 / %zu)) - 1 with s = "
        "%.3g %% pooled over %zu cases",
        100 * self, 2 * n - 2, n, 100 * s, cases);
    free(launches);
    return true;
}

/* ---- all cases together ----------------------------------------------------------------------------------- */

/* false: out of memory. */
static bool apply_holm(struct assay_compare *c)
{
    double *p = calloc(c->n_rows + 1, sizeof *p);
    bool *rejected = calloc(c->n_rows + 1, sizeof *rejected);
    size_t n = 0, alone = 0, stay = 0;
    bool ok = p && rejected;
    for (size_t i = 0; ok && i < c->n_rows; i++)
        if (c->rows[i].tested)
            p[n++] = c->rows[i].p;
    ok = ok && assay_compare_holm(p, n, TAIL, rejected);
    for (size_t i = 0, k = 0; ok && i < c->n_rows; i++) {
        struct assay_compare_row *row = &c->rows[i];
        if (!row->tested)
            continue;
        row->confirmed = rejected[k++] && row->outcome == ASSAY_WORSE;
        alone += row->outcome == ASSAY_WORSE;
        stay += row->confirmed;
    }
    if (ok)
        (void)snprintf(
            c->family_how, sizeof c->family_how,
            "each of %zu cases is tested at 95 %% by itself: %zu worse; as a family (Holm, 2.5 %% on this side for "
            "all together): %zu worse",
            n, alone, stay);
    free(p);
    free(rejected);
    return ok;
}

static void conclude(struct assay_compare *c)
{
    size_t confirmed = 0;
    for (size_t i = 0; i < c->n_rows; i++) {
        c->counts[c->rows[i].outcome]++;
        confirmed += c->rows[i].confirmed;
    }
    size_t worse = c->counts[ASSAY_WORSE], undecided = c->counts[ASSAY_UNDECIDED], fine = c->counts[ASSAY_NO_WORSE];
    c->outcome = ASSAY_UNDECIDED;
    if (confirmed > 0) {
        c->outcome = ASSAY_WORSE;
        (void)snprintf(c->why, sizeof c->why, "%zu of %zu cases are worse", confirmed, c->n_rows);
    } else if (worse > 0)
        (void)snprintf(c->why, sizeof c->why,
                       "%zu of %zu cases are worse by themselves, but not more than chance may do among so many", worse,
                       c->n_rows);
    else if (undecided > 0)
        (void)snprintf(c->why, sizeof c->why, "%zu of %zu cases are undecided and none is worse", undecided, c->n_rows);
    else if (fine == 0)
        (void)snprintf(c->why, sizeof c->why, "%s", c->n_rows ? "no case can be compared" : "no case is in both");
    else {
        c->outcome = ASSAY_NO_WORSE;
        (void)snprintf(c->why, sizeof c->why, "all %zu cases that can be compared are no worse", fine);
    }
}

/* ---- which rows ------------------------------------------------------------------------------------------- */

static bool has_backend(const struct assay_summary *s, const char *name)
{
    for (size_t i = 0; i < s->n_backends; i++)
        if (strcmp(s->backends[i], name) == 0)
            return true;
    return false;
}

static bool is_same_run(const struct assay_summary *a, const struct assay_summary *b)
{
    struct stat x, y;
    return a == b || (stat(assay_run_folder_path(a->folder), &x) == 0 &&
                      stat(assay_run_folder_path(b->folder), &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static enum assay_code fail_backend(const struct assay_summary *s, const char *side, const char *name,
                                    struct assay_error *err)
{
    char known[180];
    struct assay_text text = ASSAY_TEXT(known);
    for (size_t i = 0; i < s->n_backends; i++)
        assay_text_add(&text, "%s%s", i ? " " : "", s->backends[i]);
    if (name)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "run %s has no back end '%.100s'", side, name);
    else
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "which back end of run %s is to be compared", side);
    return assay_error_hint(err, "run %s has: %s", side, known);
}

/* Names for both sides; both NULL = every back end that both runs have. */
static enum assay_code choose(const struct assay_summary *a, const struct assay_summary *b, const char **name_a,
                              const char **name_b, struct assay_error *err)
{
    bool same = is_same_run(a, b), shared = false;
    if (*name_a && !has_backend(a, *name_a))
        return fail_backend(a, "A", *name_a, err);
    if (*name_b && !has_backend(b, *name_b))
        return fail_backend(b, "B", *name_b, err);
    for (size_t i = 0; i < a->n_backends; i++)
        shared = shared || (!same && has_backend(b, a->backends[i]));
    if (!*name_a && !*name_b && (shared || !a->n_backends || !b->n_backends))
        return ASSAY_OK;
    if (same && !*name_a && !*name_b && a->n_backends == 2) {
        *name_a = a->backends[0];
        *name_b = b->backends[1];
    }
    if (!*name_a && !same && *name_b && has_backend(a, *name_b))
        *name_a = *name_b;
    if (!*name_b && !same && *name_a && has_backend(b, *name_a))
        *name_b = *name_a;
    if (!*name_a && !same && a->n_backends == 1)
        *name_a = a->backends[0];
    if (!*name_b && !same && b->n_backends == 1)
        *name_b = b->backends[0];
    if (!*name_a)
        return fail_backend(a, "A", NULL, err);
    return *name_b ? ASSAY_OK : fail_backend(b, "B", NULL, err);
}

static size_t count_rows(const struct assay_summary *s, const char *backend, const struct assay_summary *other)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_rows; i++)
        n += backend ? strcmp(s->rows[i].backend, backend) == 0 : has_backend(other, s->rows[i].backend);
    return n;
}

/* false: out of memory. */
static bool match_rows(const struct assay_summary *a, const struct assay_summary *b, const char *name_a,
                       const char *name_b, struct assay_compare *c)
{
    c->rows = calloc(a->n_rows + 1, sizeof *c->rows);
    c->n_rows = 0;
    if (!c->rows)
        return false;
    for (size_t i = 0; i < a->n_rows; i++) {
        const struct assay_summary_row *row = &a->rows[i];
        if (name_a && strcmp(row->backend, name_a) != 0)
            continue;
        const struct assay_summary_row *mate = assay_summary_find(b, row->id, name_b ? name_b : row->backend);
        if (mate)
            c->rows[c->n_rows++] = (struct assay_compare_row){.a = row, .b = mate};
    }
    c->only_a = count_rows(a, name_a, b) - c->n_rows;
    c->only_b = count_rows(b, name_b, a) - c->n_rows;
    return true;
}

/* ---- the whole -------------------------------------------------------------------------------------------- */

enum assay_code assay_compare_runs(const struct assay_summary *a, const struct assay_summary *b,
                                   const struct assay_compare_setup *setup, struct assay_compare *out,
                                   struct assay_error *err)
{
    struct assay_compare c = {.delta = setup->delta};
    const char *name_a = setup->backend_a, *name_b = setup->backend_b;
    bool same = is_same_run(a, b), ok;
    if (setup->delta > 10 || isnan(setup->delta))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a margin of %g is no share of a time", setup->delta);
    if (choose(a, b, &name_a, &name_b, err))
        return err->code;
    (void)snprintf(c.delta_how, sizeof c.delta_how, "given");
    ok = match_rows(a, b, name_a, name_b, &c) && (c.delta >= 0 || derive_delta(&c));
    for (size_t i = 0; ok && i < c.n_rows; i++)
        ok = judge_row(&c.rows[i], same, c.delta);
    if (!ok || !apply_holm(&c)) {
        assay_compare_release(&c);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to compare %zu cases", a->n_rows);
    }
    conclude(&c);
    *out = c;
    return ASSAY_OK;
}

void assay_compare_release(struct assay_compare *compare)
{
    free(compare->rows);
    *compare = (struct assay_compare){0};
}
