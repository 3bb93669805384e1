#include "harness/judge/policy_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/plan/lengths.h"

#include "assay/banned.h"

#define OF_THE_WHOLE 12 /* findings that are of no single rule, at most */
#define A_RULE 3        /* findings of one rule, at most */

struct findings {
    struct assay_finding *at;
    size_t n;
};

ASSAY_PRINTF(3, 4)
static void find(struct findings *f, const struct assay_rule *rule, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    f->at[f->n].rule = rule;
    (void)vsnprintf(f->at[f->n].what, sizeof f->at->what, fmt, args);
    va_end(args);
    f->n++;
}

/* What a case must be for a metric to be recorded of it. */
enum kind { OF_LESSONS = 1, OF_LOADS, OF_SEARCHES, OF_SERVED };
static const struct {
    enum assay_metric metric;
    enum kind kind;
} only_of[] = {
    {ASSAY_METRIC_steps_to_quality, OF_LESSONS},
    {ASSAY_METRIC_time_to_quality_ns, OF_LESSONS},
    {ASSAY_METRIC_quality, OF_LESSONS},
    {ASSAY_METRIC_samples_per_s, OF_LOADS},
    {ASSAY_METRIC_latency_at_percentile_ns, OF_LOADS},
    {ASSAY_METRIC_lateness_p99_ns, OF_LOADS},
    {ASSAY_METRIC_late_share, OF_LOADS},
    {ASSAY_METRIC_peak_qps, OF_SEARCHES},
    {ASSAY_METRIC_ttft_ns, OF_SERVED},
    {ASSAY_METRIC_ttft_p90_ns, OF_SERVED},
    {ASSAY_METRIC_ttft_p99_ns, OF_SERVED},
    {ASSAY_METRIC_tpot_ns, OF_SERVED},
    {ASSAY_METRIC_tpot_p90_ns, OF_SERVED},
    {ASSAY_METRIC_tpot_p99_ns, OF_SERVED},
    {ASSAY_METRIC_itl_ns, OF_SERVED},
    {ASSAY_METRIC_itl_p99_ns, OF_SERVED},
    {ASSAY_METRIC_tokens_per_s, OF_SERVED},
    {ASSAY_METRIC_tokens_per_s_user, OF_SERVED},
    {ASSAY_METRIC_goodput_per_s, OF_SERVED},
    {ASSAY_METRIC_goodput_per_device_s, OF_SERVED},
    {ASSAY_METRIC_devices_for_demand, OF_SERVED},
    {ASSAY_METRIC_joules_per_token, OF_SERVED},
};

static bool is_of(const struct assay_case *c, enum kind kind)
{
    switch (kind) {
    case OF_LESSONS:
        return c->workload->lesson && !strcmp(c->workload->lesson->phase, c->phase);
    case OF_LOADS:
        return c->scenario.type != 0;
    case OF_SEARCHES:
        return c->scenario.type != 0 && assay_scenario_searches(&c->scenario);
    case OF_SERVED:
        return assay_case_is_served(c);
    }
    return true;
}

/* The first metric of the rule that its case cannot have, with what it is of. */
static bool lacks_metric(const struct assay_rule *rule, const struct assay_case *c, enum assay_metric *metric,
                         enum kind *kind)
{
    for (size_t i = 0; i < rule->expression.n; i++)
        for (size_t k = 0; k < sizeof only_of / sizeof *only_of; k++)
            if (only_of[k].metric == rule->expression.metric[i] && !is_of(c, only_of[k].kind)) {
                *metric = only_of[k].metric;
                *kind = only_of[k].kind;
                return true;
            }
    return false;
}

static void check_decidable(struct findings *f, const struct assay_rule *rule)
{
    static const char *const what[] = {[OF_LESSONS] = "what is trained to a quality",
                                       [OF_LOADS] = "cases with a scenario",
                                       [OF_SEARCHES] = "cases whose rate is to be found (qps=0)",
                                       [OF_SERVED] = "what is served"};
    struct assay_case c = {.workload = NULL};
    struct assay_error ignored = {.code = ASSAY_OK};
    enum assay_metric metric;
    enum kind kind;
    if (rule->test == ASSAY_RULE_WORDS) {
        find(f, rule, "no case decides this clause: it names nothing that a run can show%s",
             rule->kind == ASSAY_RULE_MANDATORY ? ", so that no candidate can ever qualify" : "");
        return;
    }
    if (rule->test != ASSAY_RULE_FIGURE || assay_case_parse(rule->case_name, &c, &ignored))
        return;
    if (lacks_metric(rule, &c, &metric, &kind))
        find(f, rule, "no case decides this clause: '%s' is of %s, and this case is not",
             assay_metric_row(metric)->name, what[kind]);
    assay_case_release(&c);
}

static void check_points(struct findings *f, const struct assay_policy *policy)
{
    double sum = policy->price_points;
    for (size_t i = 0; i < policy->n_rules; i++)
        sum += policy->rules[i].weight;
    const struct assay_range *price = &policy->price_weight;
    if (price->high > policy->all_points)
        find(f, NULL, "the price may have %g points, more than all_points, %g", price->high, policy->all_points);
    if (price->high > 0 && !policy->costs.given)
        find(f, NULL, "the price has points and there are no costs: nobody's can be computed");
    if (fabs(sum - policy->all_points) > 1e-9)
        find(f, NULL, "points do not add up: rules %g and price %g are %g, all_points says %g",
             sum - policy->price_points, policy->price_points, sum, policy->all_points);
}

/* Does a distribution of lengths have the percentile that the demand names, within a tenth? Empty where it has no such
 * ends. */
static double percentile_of(const struct assay_lengths *l, double z)
{
    double at = l->kind == ASSAY_LENGTHS_LOGNORMAL ? l->median * exp(z * l->deviation)
                : l->kind == ASSAY_LENGTHS_UNIFORM ? l->low + (l->high - l->low) * (z > 0 ? 0.99 : 0.5)
                                                   : l->low;
    return fmin(at, l->high);
}

static void check_lengths(struct findings *f, const char *what, const char *text, double p50, double p99)
{
    static const double z99 = 2.3263;
    struct assay_lengths l;
    struct assay_error ignored = {.code = ASSAY_OK};
    if (!(p50 > 0) || assay_lengths_parse(text, what, &l, &ignored))
        return;
    double median = percentile_of(&l, 0), tail = percentile_of(&l, z99);
    if (fabs(median / p50 - 1) > 0.1 || fabs(tail / p99 - 1) > 0.1)
        find(f, NULL, "the demand's %s lengths are %g at p50 and %g at p99, its case has %.0f and %.0f", what, p50, p99,
             median, tail);
}

/* What is asked of the demand is to be found in the runs of its case. */
static void check_demand(struct findings *f, const struct assay_policy *policy)
{
    const struct assay_demand *d = &policy->demand;
    struct assay_case c = {.workload = NULL};
    struct assay_error ignored = {.code = ASSAY_OK};
    double peak = 0;
    bool limited = d->ttft_p50_s > 0 || d->ttft_p99_s > 0 || d->tpot_p50_s > 0 || d->tpot_p99_s > 0;
    if (!d->given)
        return;
    for (size_t i = 0; i < 24; i++)
        peak = fmax(peak, d->per_s_by_hour[i]);
    if (!(peak > 0))
        find(f, NULL, "the demand is 0 in every hour: nothing is needed for it");
    if (d->training_items > 0)
        return;
    if (*d->family && !limited)
        find(f, NULL, "the demand names a case and no limit of time: whatever rate it is run at would do");
    if (!*d->family && limited)
        find(f, NULL, "the demand has limits of time and no case: no run can show whether they are kept");
    if (!*d->family || assay_case_parse(d->case_name, &c, &ignored))
        return;
    if (!*c.serving.table) {
        check_lengths(f, "input", c.serving.prompt, d->input_p50, d->input_p99);
        check_lengths(f, "output", c.serving.output, d->output_p50, d->output_p99);
    }
    assay_case_release(&c);
}

/* A candidate stands in one division, so mandatory rules in both can never hold together. */
static void check_divisions(struct findings *f, const struct assay_policy *policy)
{
    const struct assay_rule *of[3] = {NULL, NULL, NULL};
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct assay_rule *r = &policy->rules[i];
        bool has = r->test == ASSAY_RULE_FIGURE || r->test == ASSAY_RULE_OUTPUTS || r->test == ASSAY_RULE_STABILITY;
        if (has && r->kind == ASSAY_RULE_MANDATORY && !of[r->division])
            of[r->division] = r;
    }
    if (of[ASSAY_DIVISION_CLOSED] && of[ASSAY_DIVISION_OPEN])
        find(f, NULL,
             "rule '%.40s' is closed and rule '%.40s' open: no candidate stands in both divisions, so none can meet "
             "all mandatory rules",
             of[ASSAY_DIVISION_CLOSED]->id, of[ASSAY_DIVISION_OPEN]->id);
}

/* Whom the evidence, of whatever kind, does not already exclude. */
static bool may_meet(const struct assay_rule_result *r)
{
    if (r->has_bounds)
        return r->ratio_high >= 1;
    double ratio = r->has_point ? r->value / r->rule->stated : NAN;
    return r->rule->expression.better == ASSAY_BETTER_HIGHER ? ratio >= 1 : ratio <= 1;
}

static void check_reach(struct findings *f, const struct assay_qualification *q, size_t rule)
{
    const struct assay_candidate *last = NULL;
    size_t known = 0, able = 0;
    for (size_t i = 0; i < q->n; i++) {
        const struct assay_rule_result *r = &q->candidates[i].results[rule];
        if ((!r->has_bounds && !r->has_point) || r->evidence == ASSAY_EVIDENCE_INSTRUMENT)
            continue;
        known++;
        if (may_meet(r)) {
            able++;
            last = &q->candidates[i];
        }
    }
    if (able == 1 && known > 1)
        find(f, &q->policy->rules[rule], "only one of the %zu candidates with a figure can meet the threshold: %.120s",
             known, last->name);
    else if (able == 0 && known > 0)
        find(f, &q->policy->rules[rule],
             known == 1 ? "the only candidate with a figure cannot meet the threshold"
                        : "none of the %zu candidates with a figure can meet the threshold",
             known);
}

enum assay_code assay_policy_check(const struct assay_policy *policy, const struct assay_qualification *q,
                                   struct assay_finding **out, size_t *n, struct assay_error *err)
{
    struct findings f = {.at = calloc(policy->n_rules * A_RULE + OF_THE_WHOLE, sizeof *f.at)};
    if (!f.at)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for findings");
    for (size_t i = 0; i < policy->n_rules; i++) {
        check_decidable(&f, &policy->rules[i]);
        if (q && policy->rules[i].test == ASSAY_RULE_FIGURE)
            check_reach(&f, q, i);
    }
    check_points(&f, policy);
    check_divisions(&f, policy);
    check_demand(&f, policy);
    if (strcmp(policy->freeze_date, policy->valid_until) > 0)
        find(&f, NULL, "software is frozen on %s, after the policy's end on %s", policy->freeze_date,
             policy->valid_until);
    *out = f.at;
    *n = f.n;
    return ASSAY_OK;
}
