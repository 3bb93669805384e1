#include "harness/judge/guarantee.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

/* ---- the limit on one execution ---------------------------------------------------------------------------------- */

/* Work of one execution that a rate is over; 0: the metric is none of these rates. */
static double work_of(enum assay_metric metric, const struct assay_record *r)
{
    switch (metric) {
    case ASSAY_METRIC_items_per_s:
        return (double)r->items;
    case ASSAY_METRIC_flops_per_s:
        return (double)r->flops;
    case ASSAY_METRIC_bytes_per_s:
        return (double)r->read_bytes + (double)r->written_bytes;
    default:
        return 0;
    }
}

/* The longest time of one execution that still meets the rule, guard band included; 0: it is not about that. */
static double limit_ns(const struct assay_rule *rule, const struct assay_summary_row *row)
{
    const struct assay_expression *e = &rule->expression;
    const struct assay_record *r = row->launches[row->typical];
    if (e->n != 1 || e->power[0] != 1 || strchr(rule->case_name, '@'))
        return 0;
    if (e->metric[0] == ASSAY_METRIC_latency_ns)
        return rule->threshold / (1 + rule->guard_band) * 1e9;
    return work_of(e->metric[0], r) / (rule->threshold * (1 + rule->guard_band)) * 1e9;
}

/* ---- one rule of one candidate ------------------------------------------------------------------------------------
 */

static void ask(struct assay_guarantee *out, struct assay_contest *contest)
{
    enum assay_device_field peak = assay_contest_peak(contest);
    out->chance = assay_contest_chance(contest);
    out->grade = assay_contest_device(contest)->certain.grade;
    out->has_peak = peak != ASSAY_DEVICE_FIELDS;
    assay_contest_need(contest, ASSAY_DEVICE_BANDWIDTH, &out->bandwidth);
    if (out->has_peak)
        assay_contest_need(contest, peak, &out->peak);
}

static void contest(const struct assay_described *device, const struct assay_fitted *fitted, double limit,
                    struct assay_guarantee *out)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_case c = {.workload = NULL};
    struct assay_graph *g = NULL;
    struct assay_contest *between = NULL;
    if (!assay_case_parse(out->rule->case_name, &c, &err) && !assay_case_graph(&c, &g, &err) &&
        !assay_contest_new(g, device, NULL, limit, fitted, &between, &err))
        ask(out, between);
    else {
        out->lack = ASSAY_GUARANTEE_NO_NUMBERS;
        (void)assay_string_copy(out->detail, sizeof out->detail, err.message);
    }
    assay_contest_free(between);
    assay_graph_free(g);
    assay_case_release(&c);
}

static void find_one(const struct assay_described *device, const struct assay_fitted *fitted,
                     const struct assay_rule_result *r, struct assay_guarantee *out)
{
    const struct assay_rule *rule = r->rule;
    double band = 1 + rule->guard_band, limit = r->row ? limit_ns(rule, r->row) : 0;
    out->rule = rule;
    out->measured = rule->expression.better == ASSAY_BETTER_HIGHER ? rule->stated * band : rule->stated / band;
    if (!device || !r->row)
        out->lack = ASSAY_GUARANTEE_NO_DEVICE;
    else if (!(limit > 0))
        out->lack = ASSAY_GUARANTEE_NO_TIME;
    else
        contest(device, fitted, limit, out);
}

enum assay_code assay_guarantees_find(const struct assay_qualification *q, struct assay_guarantees *out,
                                      struct assay_error *err)
{
    struct assay_fitted *fitted = malloc(sizeof *fitted);
    *out = (struct assay_guarantees){.rows = calloc(q->n * q->policy->n_rules + 1, sizeof *out->rows)};
    if (!fitted || !out->rows) {
        free(fitted);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what an order should ask for");
    }
    bool read = false;
    for (size_t i = 0; i < q->n && !err->code; i++) {
        const struct assay_candidate *c = &q->candidates[i];
        struct assay_described *device = NULL;
        struct assay_error ignored = {.code = ASSAY_OK};
        if (!c->announced)
            continue;
        if (!read && assay_fitted_read(NULL, fitted, err))
            break;
        read = true;
        if (c->device)
            (void)assay_described_find(c->device->name, &device, &ignored);
        for (size_t k = 0; k < q->policy->n_rules; k++)
            if (c->results[k].rule->test == ASSAY_RULE_FIGURE) {
                out->rows[out->n].candidate = c;
                find_one(device, fitted, &c->results[k], &out->rows[out->n++]);
            }
        assay_described_free(device);
    }
    free(fitted);
    return err->code;
}

void assay_guarantees_release(struct assay_guarantees *g)
{
    free(g->rows);
    memset(g, 0, sizeof *g);
}
