#include "harness/run/drawn_scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/run/case_metrics.h"
#include "harness/run/drawn_range.h"

#include "assay/banned.h"

struct assay_drawn_scenario {
    uint32_t          n, without_breach;
    double            value[ASSAY_METRIC_COUNT][ASSAY_SCENARIO_DRAWS]; /* NaN: that device had none */
    struct assay_load together; /* counts of all, added up */
};

/* What is the host's own, and not the device's: it stays as the last run left it. */
static bool is_of_host(enum assay_metric metric)
{
    static const enum assay_metric of_host[] = {
        ASSAY_METRIC_resident_peak_bytes, ASSAY_METRIC_device_memory_bytes, ASSAY_METRIC_device_memory_share, ASSAY_METRIC_harness_overhead_ns,
        ASSAY_METRIC_harness_allocations, ASSAY_METRIC_plugin_allocations, ASSAY_METRIC_memory_growth_bytes, ASSAY_METRIC_lateness_p99_ns,
        ASSAY_METRIC_late_share, ASSAY_METRIC_engine_step_ns, ASSAY_METRIC_tokens_equal_share, ASSAY_METRIC_parting_margin,
    };
    for (size_t i = 0; i < sizeof of_host / sizeof *of_host; i++)
        if (of_host[i] == metric)
            return true;
    return false;
}

static bool is_verdict(enum assay_metric metric)
{
    return metric == ASSAY_METRIC_loadgen_valid || metric == ASSAY_METRIC_settled_valid;
}

enum assay_code assay_drawn_scenario_new(struct assay_drawn_scenario **out, struct assay_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what %u devices come to", ASSAY_SCENARIO_DRAWS);
}

void assay_drawn_scenario_free(struct assay_drawn_scenario *d)
{
    free(d);
}

void assay_drawn_scenario_begin(struct assay_record *record)
{
    record->load = (struct assay_load){.sets = record->load.sets};
    record->noise_complaint[0] = 0; /* remarks are made anew on every device */
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        if (record->metric[m].has_value && !is_of_host((enum assay_metric)m))
            assay_metric_absent(record, (enum assay_metric)m, "the device that was drawn last has none");
}

void assay_drawn_scenario_add(struct assay_drawn_scenario *d, const struct assay_record *record)
{
    struct assay_load *t = &d->together;
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        d->value[m][d->n] = record->metric[m].has_value ? record->metric[m].value : NAN;
    t->issued += record->load.issued;
    t->completed += record->load.completed;
    t->failed += record->load.failed;
    t->samples += record->load.samples;
    d->without_breach += !*record->load.invalid;
    if (!*t->invalid)
        (void)assay_string_copy(t->invalid, sizeof t->invalid, record->load.invalid);
    d->n++;
}

static uint32_t count(const struct assay_drawn_scenario *d, enum assay_metric metric, double value)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < d->n; i++)
        found += isnan(value) ? isnan(d->value[metric][i]) : d->value[metric][i] == value;
    return found;
}

static void put_range(const struct assay_drawn_scenario *d, enum assay_metric metric, const struct assay_certainty *certain,
                      struct assay_record *rec)
{
    double   sorted[ASSAY_SCENARIO_DRAWS];
    char     why[96];
    uint32_t none = count(d, metric, NAN);
    if (none == d->n)
        return; /* the last one says why, and it is why on all of them */
    if (none) {
        (void)snprintf(why, sizeof why, "%u of %u devices that fit what is known have none", none, d->n);
        assay_metric_absent(rec, metric, why);
        return;
    }
    memcpy(sorted, d->value[metric], d->n * sizeof *sorted);
    struct assay_drawn_range r = assay_drawn_range_of(sorted, d->n);
    assay_drawn_range_set(rec, metric, &r, ASSAY_CLOCK_MODEL, certain);
}

/* 1 or 0 where all devices agree. */
static void put_verdict(const struct assay_drawn_scenario *d, enum assay_metric metric, char *text, size_t bytes, struct assay_record *rec)
{
    uint32_t yes = count(d, metric, 1), no = count(d, metric, 0);
    if (yes + no == 0) /* nothing was asked, and the text says so */
        return;
    (void)snprintf(text, bytes, "of %u devices that fit what is known: valid on %u, invalid on %u, undecided on %u", d->n, yes, no,
                   d->n - yes - no);
    if (yes == d->n || no == d->n)
        assay_metric_set(rec, metric, yes == d->n, d->n, ASSAY_CLOCK_MODEL);
    else
        assay_metric_absent(rec, metric, text);
}

/* Counts, and what does not hang on the device; the rest was one device's. */
static void put_load(const struct assay_drawn_scenario *d, struct assay_record *rec)
{
    struct assay_load last = rec->load, *l = &rec->load;
    struct assay_text invalid = ASSAY_TEXT(l->invalid);
    *l = d->together;
    l->draws = d->n;
    l->sets = last.sets;
    l->rate = last.rate;
    l->percentile = last.percentile;
    l->allowed_within_ns = last.allowed_within_ns;
    l->lateness_limit_ns = last.lateness_limit_ns;
    (void)assay_string_copy(l->proof, sizeof l->proof, last.proof);
    (void)assay_string_copy(l->served, sizeof l->served, last.served);
    (void)assay_string_copy(l->failure, sizeof l->failure, last.failure);
    (void)assay_string_copy(l->settled, sizeof l->settled, last.allowed_within_ns ? "not settled on any device" : last.settled);
    (void)assay_string_copy(l->loadgen, sizeof l->loadgen, "no rule was asked");
    (void)assay_string_copy(l->steady, sizeof l->steady, "looked for on each device by itself");
    if (*last.peak)
        (void)snprintf(l->peak, sizeof l->peak, "searched on each of %u devices by itself", d->n);
    if (d->without_breach < d->n)
        assay_text_add(&invalid, "rules are broken on %u of %u devices that fit what is known; on the first of those: %s", d->n - d->without_breach, d->n,
                       d->together.invalid);
}

void assay_drawn_scenario_tell(const struct assay_drawn_scenario *d, struct assay_course *c, const struct assay_program *program)
{
    struct assay_record   *rec = c->record;
    struct assay_certainty certain = assay_drawn_certainty(c, program);
    uint64_t              *samples = c->samples.at;
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        if (!is_of_host((enum assay_metric)m) && !is_verdict((enum assay_metric)m))
            put_range(d, (enum assay_metric)m, &certain, rec);
    put_load(d, rec);
    put_verdict(d, ASSAY_METRIC_loadgen_valid, rec->load.loadgen, sizeof rec->load.loadgen, rec);
    put_verdict(d, ASSAY_METRIC_settled_valid, rec->load.settled, sizeof rec->load.settled, rec);
    c->loop.n = d->n;
    for (uint32_t i = 0; samples && i < d->n; i++)
        samples[i] = (uint64_t)d->value[ASSAY_METRIC_latency_ns][i];
}
