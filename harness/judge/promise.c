#include "harness/judge/promise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/judge/qualify.h"

#include "assay/banned.h"

#define MOST_POINTS 64u

/* ---- points ------------------------------------------------------------------------------------------------------ */

struct point {
    const struct assay_summary_row *row;
    double load;
    bool keeps, breaks, middle_breaks, has_middle;
};

static void hold(struct point *p, const struct assay_estimate *time_ns, double limit_s)
{
    double limit = limit_s * 1e9;
    if (!(limit > 0))
        return;
    p->keeps = p->keeps && time_ns->has_interval && time_ns->high <= limit;
    p->breaks = p->breaks || (time_ns->has_interval && time_ns->low > limit);
    p->has_middle = p->has_middle && time_ns->has_value;
    p->middle_breaks = p->middle_breaks || (time_ns->has_value && time_ns->value > limit);
}

double assay_promise_devices(const struct assay_summary_row *row)
{
    for (size_t i = 0; i < row->n_counters; i++)
        if (!strcmp(row->counters[i].first->name, "devices") && row->counters[i].has_value && row->counters[i].value >= 1)
            return row->counters[i].value;
    return 1;
}

static struct point point_of(const struct assay_demand *d, const struct assay_summary_row *row, double load)
{
    const struct assay_estimate *failed = &row->metric[ASSAY_METRIC_queries_failed],
                                *rate = &row->metric[ASSAY_METRIC_tokens_per_s];
    struct point p = {.row = row, .load = load, .keeps = rate->has_interval, .has_middle = rate->has_value};
    hold(&p, &row->metric[ASSAY_METRIC_ttft_ns], d->ttft_p50_s);
    hold(&p, &row->metric[ASSAY_METRIC_ttft_p99_ns], d->ttft_p99_s);
    hold(&p, &row->metric[ASSAY_METRIC_tpot_ns], d->tpot_p50_s);
    hold(&p, &row->metric[ASSAY_METRIC_tpot_p99_ns], d->tpot_p99_s);
    if (failed->has_value && failed->value > 0) {
        p.keeps = false;
        p.breaks = p.middle_breaks = true;
    }
    return p;
}

static bool is_modelled(const struct assay_summary_row *row)
{
    return row->evidence == ASSAY_EVIDENCE_MODELLED;
}

/* Measured on hardware and right, or modelled throughout. */
static bool row_counts(const struct assay_summary_row *row)
{
    static const struct assay_rule asks = {.assurance = ASSAY_ASSURANCE_SAMPLED};
    if (row->status != ASSAY_STATUS_OK)
        return false;
    if (is_modelled(row))
        return true;
    for (size_t i = 0; i < row->n_launches; i++)
        if (assay_record_counts(&asks, row->launches[i]))
            return false;
    return assay_outcome_proves(row->outcome);
}

static int by_load(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return (x->load > y->load) - (x->load < y->load);
}

/* Without the values of what grows with the system that serves: the same load on a device is the same point. */
static void without_size(const char *family, char out[ASSAY_CASE_NAME_BYTES])
{
    static const char *const keys[] = {"batch=", "packed="};
    (void)assay_string_copy(out, ASSAY_CASE_NAME_BYTES, family);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *value = strstr(out, keys[i]);
        if (value) {
            value += strlen(keys[i]);
            size_t digits = strspn(value, "0123456789");
            memmove(value, value + digits, strlen(value + digits) + 1);
        }
    }
}

static bool is_training(const struct assay_policy *policy)
{
    return policy->demand.training_items > 0;
}

static bool is_point(const struct assay_policy *policy, const struct assay_summary_row *row, double *load)
{
    char family[ASSAY_CASE_NAME_BYTES], asked[ASSAY_CASE_NAME_BYTES], given[ASSAY_CASE_NAME_BYTES];
    *load = 0;
    if (is_training(policy))
        return assay_case_training(row->case_name, family) && !strcmp(family, policy->demand.family);
    if (!assay_case_family(row->case_name, family, load))
        return false;
    if (!(assay_promise_devices(row) > 1))
        return !strcmp(family, policy->demand.family);
    without_size(family, given);
    without_size(policy->demand.family, asked);
    return !strcmp(given, asked);
}

/* How many rows of the back end are points; of how many. */
static size_t count_points(const struct assay_policy *policy, const struct assay_summary *run, const char *backend, size_t *rows)
{
    size_t points = 0;
    double load;
    *rows = 0;
    for (size_t i = 0; i < run->n_rows; i++)
        if (!strcmp(run->rows[i].backend, backend)) {
            points += is_point(policy, &run->rows[i], &load);
            ++*rows;
        }
    return points;
}

bool assay_promise_is_all(const struct assay_policy *policy, const struct assay_summary *run, const char *backend)
{
    size_t rows, points = count_points(policy, run, backend, &rows);
    return points > 0 && points == rows;
}

bool assay_promise_is_any(const struct assay_policy *policy, const struct assay_summary *run, const char *backend)
{
    size_t rows;
    return count_points(policy, run, backend, &rows) > 0;
}

/* Points that count, by load; *rows is how many rows of the curve there are at all. */
static size_t gather(const struct assay_policy *policy, const struct assay_summary *run, const char *backend,
                     struct point out[MOST_POINTS], size_t *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < run->n_rows && n < MOST_POINTS; i++) {
        const struct assay_summary_row *row = &run->rows[i];
        double load;
        if (strcmp(row->backend, backend) != 0 || !is_point(policy, row, &load))
            continue;
        ++*rows;
        if (row_counts(row))
            out[n++] = point_of(&policy->demand, row, load / assay_promise_devices(row));
    }
    qsort(out, n, sizeof *out, by_load);
    return n;
}

/* ---- a training -------------------------------------------------------------------------------------------------- */

/* Items a second of one device. */
static struct assay_estimate rate_of(const struct assay_summary_row *row)
{
    const double           devices = assay_promise_devices(row), items = 1e12;
    struct assay_estimate  rate = row->metric[ASSAY_METRIC_trillion_items_ns];
    const struct assay_estimate *plain = &row->metric[ASSAY_METRIC_items_per_s];
    if (rate.has_interval && rate.low > 0) {
        double low = items * 1e9 / rate.high, high = items * 1e9 / rate.low;
        rate.low = low;
        rate.high = high;
        rate.value = rate.has_value ? items * 1e9 / rate.value : 0;
    } else {
        rate = *plain;
    }
    rate.low /= devices;
    rate.high /= devices;
    rate.value /= devices;
    return rate;
}

static void read_training(const struct assay_demand *d, const struct point *points, size_t n, struct assay_promise *out)
{
    out->points = n;
    for (size_t i = 0; i < n; i++) {
        const struct assay_estimate rate = rate_of(points[i].row);
        const double                devices = assay_promise_devices(points[i].row);
        if (!rate.has_interval || !(rate.low > 0) || rate.low * devices <= out->per_s.low * out->devices)
            continue;
        out->devices = devices;
        out->has_middle = rate.has_value;
        out->per_s = (struct assay_range){rate.low, rate.has_value ? rate.value : 0, rate.high};
        out->evidence = points[i].row->evidence;
        out->grade = points[i].row->grade;
    }
    if (!(out->per_s.low > 0)) {
        out->lack = ASSAY_PROMISE_NOT_PROVED;
        return;
    }
    out->days = d->training_items / (out->per_s.low * out->devices) / 86400;
    out->lack = out->days <= d->training_days ? ASSAY_PROMISE_KNOWN : ASSAY_PROMISE_TOO_SLOW;
}

/* ---- the curve --------------------------------------------------------------------------------------------------- */

static void read_curve(const struct point *points, size_t n, struct assay_promise *out)
{
    bool keeps = true, breaks = false, middle_breaks = false;
    out->has_middle = true;
    out->points = n;
    for (size_t i = 0; i < n; i++) {
        const struct assay_estimate *rate = &points[i].row->metric[ASSAY_METRIC_tokens_per_s];
        double devices = assay_promise_devices(points[i].row);
        out->devices = i && out->devices < devices ? out->devices : devices;
        keeps = keeps && points[i].keeps;
        breaks = breaks || points[i].breaks;
        middle_breaks = middle_breaks || points[i].middle_breaks;
        out->has_middle = out->has_middle && points[i].has_middle;
        out->evidence = points[i].row->evidence > out->evidence ? points[i].row->evidence : out->evidence;
        out->grade = strcmp(points[i].row->grade, out->grade) > 0 ? points[i].row->grade : out->grade;
        if (keeps)
            out->per_s.low = fmax(out->per_s.low, rate->low);
        if (!breaks && rate->has_interval)
            out->per_s.high = fmax(out->per_s.high, rate->high);
        if (!middle_breaks && rate->has_value)
            out->per_s.middle = fmax(out->per_s.middle, rate->value);
    }
    out->is_open = keeps;
    out->has_middle = out->has_middle && out->per_s.middle > 0;
    /* the greatest value may belong to another point than the ends do */
    out->per_s.middle = out->has_middle ? fmin(fmax(out->per_s.middle, out->per_s.low), out->per_s.high) : 0;
    out->lack = out->per_s.low > 0 ? ASSAY_PROMISE_KNOWN : ASSAY_PROMISE_NONE_KEEPS;
}

void assay_promise_read(const struct assay_policy *policy, const struct assay_summary *run, const char *backend,
                        struct assay_promise *out)
{
    struct point points[MOST_POINTS];
    size_t rows = 0;
    *out = (struct assay_promise){.lack = ASSAY_PROMISE_NOT_ASKED, .grade = ""};
    if (!policy->demand.given || !*policy->demand.family)
        return;
    size_t n = gather(policy, run, backend, points, &rows);
    if (n && is_training(policy))
        read_training(&policy->demand, points, n, out);
    else if (n)
        read_curve(points, n, out);
    else
        out->lack = rows ? ASSAY_PROMISE_NOT_PROVED : ASSAY_PROMISE_NOT_RUN;
}
