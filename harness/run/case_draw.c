#include "harness/run/case_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/load/graph_target.h"
#include "harness/run/case_metrics.h"
#include "harness/run/drawn_levels.h"
#include "harness/run/drawn_range.h"
#include "harness/run/session_counters.h"

#include "assay/banned.h"

#define DRAWS 200u
#define TRILLION 1e12
#define DRAWS_WITH_VALUES 20u /* each computes them */

bool assay_case_is_drawn(const struct assay_course *c)
{
    return c->opened.device.clock == ASSAY_CLOCK_MODEL && ASSAY_HAS(c->opened.backend, draw);
}

static enum assay_code draw_once(struct assay_course *c, uint64_t k, uint64_t *ended_ns, double *ns, double *joules,
                                 struct assay_error *err)
{
    struct assay_target target = assay_graph_target_as_target(c->target);
    bool                restores = assay_graph_target_restores(c->target);
    struct assay_query  q = {.slot = restores ? 0 : (uint32_t)(k % c->sets), .earliest_ns = *ended_ns};
    struct assay_span   span = {.size = sizeof span};
    uint64_t            token = 0, done = 0;
    double              before = assay_session_joules(&c->opened);
    if (c->opened.backend->draw(c->opened.session, k, err) || ((restores || k == 1) &&
            assay_graph_target_prepare(c->target, restores ? 1 : c->sets, err)) ||
        target.issue(target.self, &q, &token, err) || target.poll(target.self, c->job->what->repeat.timeout_ns, &done, &span,
                                                                  err))
        return assay_error_in(err, "draw %llu", (unsigned long long)k);
    if (done != token || span.clock != ASSAY_CLOCK_MODEL || span.end_ns < span.begin_ns || span.begin_ns < *ended_ns)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "span of draw %llu is wrong: begin %llu, end %llu, not before %llu",
                          (unsigned long long)k,
                          (unsigned long long)span.begin_ns, (unsigned long long)span.end_ns, (unsigned long long)*ended_ns);
    *ended_ns = span.end_ns;
    *ns = (double)(span.end_ns - span.begin_ns);
    *joules = assay_session_joules(&c->opened) - before;
    c->loop.last = span;
    return ASSAY_OK;
}

enum assay_code assay_case_draw(struct assay_course *c, struct assay_error *err)
{
    double   ns[DRAWS] = {0}, joules[DRAWS] = {0}, trillion_ns[DRAWS] = {0};
    bool     values = c->opened.device.traits & ASSAY_TRAIT_VALUES;
    uint32_t n = values ? DRAWS_WITH_VALUES : DRAWS;
    uint64_t ended_ns = c->loop.last.end_ns;
    assay_course_enter(c, ASSAY_PHASE_TIMED);
    if (assay_drawn_levels_new(n, &c->drawn.levels, err))
        return err->code;
    for (uint32_t i = 0; i < n; i++) {
        if (draw_once(c, i + 1, &ended_ns, &ns[i], &joules[i], err))
            return err->code;
        assay_drawn_levels_see(c->drawn.levels, c, i);
        trillion_ns[i] = ns[i] / assay_drawn_level(c->drawn.levels, "goodput", i) * TRILLION / (double)c->record->items;
        if (!values)
            ((uint64_t *)c->samples.at)[i] = (uint64_t)ns[i];
    }
    c->loop.n = values ? c->loop.n : n;
    c->drawn.ns = assay_drawn_range_of(ns, n);
    c->drawn.joules = assay_drawn_range_of(joules, n);
    c->drawn.trillion_ns = assay_drawn_range_of(trillion_ns, n);
    return c->opened.backend->draw(c->opened.session, 0, err);
}

/* ---- metrics -------------------------------------------------------------------------------------------------------- */

/* amount in each time: the ends change places. */
static void set_rate(struct assay_record *rec, enum assay_metric metric, double amount, const char *none,
                     const struct assay_course *c,
                     const struct assay_certainty *certain)
{
    struct assay_drawn_range t = c->drawn.ns, r = {amount / (t.high / 1e9), amount / (t.middle / 1e9), amount / (t.low / 1e9),
                                                   t.n};
    if (amount <= 0 || t.low <= 0)
        assay_metric_absent(rec, metric, amount <= 0 ? none : "the model's time is nothing");
    else
        assay_drawn_range_set(rec, metric, &r, ASSAY_CLOCK_MODEL, certain);
}

void assay_case_draw_metrics(const struct assay_course *c)
{
    static const enum assay_metric of_executions[] = {ASSAY_METRIC_latency_p90_ns, ASSAY_METRIC_latency_p99_ns,
                                                      ASSAY_METRIC_latency_spread,
                                                      ASSAY_METRIC_first_ns, ASSAY_METRIC_device_ns};
    struct assay_record   *rec = c->record;
    struct assay_certainty certain = assay_drawn_certainty(c, assay_graph_target_program(c->target));
    assay_drawn_range_set(rec, ASSAY_METRIC_latency_ns, &c->drawn.ns, ASSAY_CLOCK_MODEL, &certain);
    set_rate(rec, ASSAY_METRIC_flops_per_s, (double)rec->flops, "the case has no floating-point operations", c, &certain);
    set_rate(rec, ASSAY_METRIC_bytes_per_s, (double)rec->read_bytes + (double)rec->written_bytes, "the case moves no bytes", c,
             &certain);
    set_rate(rec, ASSAY_METRIC_items_per_s, (double)rec->items, "the case has no items", c, &certain);
    for (size_t i = 0; i < sizeof of_executions / sizeof *of_executions; i++)
        assay_metric_absent(rec, of_executions[i], "modelled: a time and its range, no executions that differ");
    assay_metric_absent(rec, ASSAY_METRIC_compile_ns, "modelled: nothing is compiled");
    if (c->drawn.trillion_ns.n)
        assay_drawn_range_set(rec, ASSAY_METRIC_trillion_items_ns, &c->drawn.trillion_ns, ASSAY_CLOCK_MODEL, &certain);
    if (!c->drawn.joules.n) {
        assay_metric_absent(rec, ASSAY_METRIC_energy_joules, "the model has no power for the device");
        return;
    }
    assay_drawn_range_set(rec, ASSAY_METRIC_energy_joules, &c->drawn.joules, 0, &certain);
    (void)assay_string_copy(rec->energy_source, sizeof rec->energy_source,
                            "modelled: the device's stated power times the modelled time");
}
