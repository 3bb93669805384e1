#include "harness/judge/summary_row.h"

#include <math.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define LEVEL 0.95

/* ---- how it went ------------------------------------------------------------------------------------------- */

static bool is_ok(const struct assay_record *record)
{
    return record->status == ASSAY_STATUS_OK;
}

static int status_badness(enum assay_status status)
{
    static const int badness[] = {
        [ASSAY_STATUS_OK] = 0,    [ASSAY_STATUS_SKIPPED] = 1, [ASSAY_STATUS_UNSUPPORTED] = 2,
        [ASSAY_STATUS_ERROR] = 3, [ASSAY_STATUS_TIMEOUT] = 4, [ASSAY_STATUS_CRASHED] = 5,
    };
    return badness[status];
}

static void fill_status(struct assay_summary_row *row)
{
    const struct assay_record *worst = row->launches[0];
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        row->statuses[r->status]++;
        if (status_badness(r->status) > status_badness(worst->status))
            worst = r;
    }
    row->status = worst->status;
    row->reason = is_ok(worst) ? "" : worst->reason;
}

bool assay_launch_is_proved(const struct assay_summary_row *row, size_t i)
{
    const struct assay_verdict *v = row->verdicts[i];
    return row->launches[i]->status == ASSAY_STATUS_OK && v && assay_outcome_proves(v->check.outcome);
}

static void fill_outcome(struct assay_summary_row *row)
{
    row->outcome = ASSAY_NOT_CHECKED;
    row->outcome_why = row->reason;
    bool first = true;
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_check *check = row->verdicts[i] ? &row->verdicts[i]->check : NULL;
        enum assay_outcome outcome = check ? check->outcome : ASSAY_NOT_CHECKED;
        if (!is_ok(row->launches[i]))
            continue;
        row->validated = row->validated || check;
        if (!first && assay_outcome_badness(outcome) <= assay_outcome_badness(row->outcome))
            continue;
        first = false;
        row->outcome = outcome;
        row->check = check;
        row->outcome_why = check ? check->why : "not validated yet";
    }
}

/* The weakest counts; evidence is numbered from the strongest to the weakest. */
static void fill_evidence(struct assay_summary_row *row)
{
    row->grade = "";
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        if (!is_ok(r) && row->statuses[ASSAY_STATUS_OK] > 0)
            continue;
        if (r->evidence > row->evidence)
            row->evidence = r->evidence;
        if (strcmp(r->grade, row->grade) > 0)
            row->grade = r->grade;
        if (!row->clock)
            row->clock = r->metric[ASSAY_METRIC_latency_ns].clock;
    }
}

static void fill_noise(struct assay_summary_row *row)
{
    row->noise = "";
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        if (!is_ok(r) || !r->noise_complaint[0])
            continue;
        if (!row->noisy++)
            row->noise = r->noise_complaint;
    }
}

/* ---- figures ---------------------------------------------------------------------------------------------- */

/* Values of a metric in the ok launches, in launch order; *why = why the first one without has none. */
static size_t values_of(const struct assay_summary_row *row, enum assay_metric metric, double *values, const char **why)
{
    size_t n = 0;
    *why = row->statuses[ASSAY_STATUS_OK] ? "" : "no launch ended ok";
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_metric_value *value = &row->launches[i]->metric[metric];
        if (!is_ok(row->launches[i]))
            continue;
        if (value->has_value)
            values[n++] = value->value;
        else if (!**why)
            *why = value->why;
    }
    return n;
}

static bool all_positive(const double *values, size_t n)
{
    bool positive = n > 0;
    for (size_t i = 0; i < n; i++)
        positive = positive && values[i] > 0;
    return positive;
}

static void say_why(struct assay_estimate *e, const char *why)
{
    (void)assay_string_copy(e->why, sizeof e->why, *why ? why : "not recorded");
}

/* A model says its own uncertainty: launches repeat its calculation, and a t interval over them would say nothing. */
static struct assay_estimate modelled(const struct assay_summary_row *row, enum assay_metric metric, double *values,
                                      size_t n)
{
    struct assay_estimate e = {.has_value = n > 0, .n = n};
    if (all_positive(values, n))
        e.value = assay_estimate_launches(values, n, LEVEL).value;
    else if (n > 0)
        e.value = assay_median(values, n);
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_metric_value *value = &row->launches[i]->metric[metric];
        if (!is_ok(row->launches[i]) || !value->has_interval)
            continue;
        e.low = e.has_interval ? fmin(e.low, value->low) : value->low;
        e.high = e.has_interval ? fmax(e.high, value->high) : value->high;
        e.level = value->level;
        e.has_interval = true;
        if (!e.has_value)
            say_why(&e, value->why);
    }
    if (!e.has_interval)
        say_why(&e, "the model gives no range");
    return e;
}

static bool has_range(const struct assay_summary_row *row, enum assay_metric metric)
{
    for (size_t i = 0; i < row->n_launches; i++)
        if (is_ok(row->launches[i]) && row->launches[i]->metric[metric].has_interval)
            return true;
    return false;
}

static struct assay_estimate estimate_of(const struct assay_summary_row *row, enum assay_metric metric, double *room)
{
    struct assay_estimate e = {0};
    const char *why;
    size_t n = values_of(row, metric, room, &why);
    if (row->clock == ASSAY_CLOCK_MODEL && (n > 0 || has_range(row, metric) || metric == ASSAY_METRIC_latency_ns))
        return modelled(row, metric, room, n);
    if (all_positive(room, n)) {
        e = assay_estimate_launches(room, n, LEVEL);
        if (n == 1)
            e.value = room[0]; /* the record's own figure to the last digit */
        return e;
    }
    e.n = n;
    if (n > 0) {
        e.has_value = true;
        e.value = assay_median(room, n);
        why = "median of the launches: a value that is not positive has no logarithm";
    }
    say_why(&e, why);
    return e;
}

/* work / latency, in 1/s: the ends of the interval change places. */
static struct assay_estimate rate_of(struct assay_estimate latency, double work)
{
    struct assay_estimate e = latency;
    double scale = work * 1e9;
    if (e.has_value)
        e.value = scale / latency.value;
    if (e.has_interval) {
        e.low = scale / latency.high;
        e.high = scale / latency.low;
    }
    return e;
}

/* A rate that no launch gave stays absent with its reason. */
static void fill_rates(struct assay_summary_row *row)
{
    const struct assay_record *first = NULL;
    const struct assay_estimate *latency = &row->metric[ASSAY_METRIC_latency_ns];
    for (size_t i = 0; i < row->n_launches && !first; i++)
        if (is_ok(row->launches[i]))
            first = row->launches[i];
    if (!first || first->load.issued || !(latency->has_value || latency->has_interval)) /* a scenario has a rate of its own */
        return;
    const struct {
        enum assay_metric metric;
        double work;
    } rates[] = {
        {ASSAY_METRIC_flops_per_s, (double)first->flops},
        {ASSAY_METRIC_bytes_per_s, (double)first->read_bytes + (double)first->written_bytes},
        {ASSAY_METRIC_items_per_s, (double)first->items},
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct assay_estimate *e = &row->metric[rates[i].metric];
        if (e->has_value && rates[i].work > 0)
            *e = rate_of(*latency, rates[i].work);
    }
}

static bool fill_figures(struct assay_summary_row *row, struct assay_arena *arena)
{
    double *medians = assay_arena_take(arena, row->n_launches, sizeof *medians);
    double *room = assay_arena_take(arena, row->n_launches, sizeof *room);
    uint32_t *launch = assay_arena_take(arena, row->n_launches, sizeof *launch);
    if (!medians || !room || !launch)
        return false;
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_metric_value *latency = &row->launches[i]->metric[ASSAY_METRIC_latency_ns];
        if (!is_ok(row->launches[i]) || !latency->has_value)
            continue;
        launch[row->n_medians] = row->launches[i]->launch;
        medians[row->n_medians++] = latency->value;
    }
    row->medians = medians;
    row->median_launch = launch;
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        row->metric[m] = estimate_of(row, (enum assay_metric)m, room);
    fill_rates(row);
    return true;
}

/* The ok launch of lower median latency: as many are at most as slow as are at least as slow. */
static void fill_typical(struct assay_summary_row *row)
{
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        size_t below = 0, equal_before = 0;
        if (!is_ok(r) || !r->metric[ASSAY_METRIC_latency_ns].has_value)
            continue;
        for (size_t k = 0; k < row->n_medians; k++) {
            below += row->medians[k] < r->metric[ASSAY_METRIC_latency_ns].value;
            equal_before +=
                row->medians[k] == r->metric[ASSAY_METRIC_latency_ns].value && row->median_launch[k] < r->launch;
        }
        if (below + equal_before == (row->n_medians - 1) / 2)
            row->typical = i;
    }
    if (row->n_medians == 0)
        while (row->typical < row->n_launches && !is_ok(row->launches[row->typical]))
            row->typical++;
    if (row->typical == row->n_launches)
        row->typical = 0;
}

/* ---- counters --------------------------------------------------------------------------------------------- */

static bool same_counter(const struct assay_counter *a, const struct assay_counter *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->provider, b->provider) == 0 && strcmp(a->unit, b->unit) == 0;
}

static const struct assay_counter *counter_in(const struct assay_record *record, const struct assay_counter *like)
{
    for (uint32_t i = 0; i < record->n_counters; i++)
        if (same_counter(&record->counters[i], like))
            return &record->counters[i];
    return NULL;
}

static struct assay_summary_counter counter_of(const struct assay_summary_row *row, const struct assay_counter *first,
                                               double *room)
{
    struct assay_summary_counter out = {.first = first, .why = ""};
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_counter *c = is_ok(row->launches[i]) ? counter_in(row->launches[i], first) : NULL;
        if (!c)
            continue;
        if (c->ranged) {
            out.low = out.ranged && out.low < c->low ? out.low : c->low;
            out.high = out.ranged && out.high > c->high ? out.high : c->high;
            out.ranged = true;
        }
        if (c->status != ASSAY_COUNTER_UNAVAILABLE)
            room[out.n++] = c->value;
        else if (!*out.why)
            out.why = c->why;
        out.multiplexed = out.multiplexed || c->status == ASSAY_COUNTER_MULTIPLEXED;
    }
    out.has_value = out.n > 0;
    if (out.has_value) {
        out.value = assay_median(room, out.n);
        out.why = "";
    }
    return out;
}

/* In the order of their first appearance; more than a record can hold are not kept. */
static bool fill_counters(struct assay_summary_row *row, struct assay_arena *arena)
{
    struct assay_summary_counter *all = assay_arena_take(arena, ASSAY_RECORD_MAX_COUNTERS, sizeof *all);
    double *room = assay_arena_take(arena, row->n_launches, sizeof *room);
    if (!all || !room)
        return false;
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        for (uint32_t k = 0; is_ok(r) && k < r->n_counters; k++) {
            size_t known = 0;
            while (known < row->n_counters && !same_counter(all[known].first, &r->counters[k]))
                known++;
            if (known == row->n_counters && known < ASSAY_RECORD_MAX_COUNTERS)
                all[row->n_counters++] = counter_of(row, &r->counters[k], room);
        }
    }
    row->counters = all;
    return true;
}

bool assay_summary_row_fill(struct assay_summary_row *row, struct assay_arena *arena)
{
    row->case_name = row->launches[0]->case_name;
    row->id = row->launches[0]->id;
    row->backend = row->launches[0]->backend;
    fill_status(row);
    fill_outcome(row);
    fill_evidence(row);
    fill_noise(row);
    if (!fill_figures(row, arena) || !fill_counters(row, arena))
        return false;
    fill_typical(row);
    return true;
}
