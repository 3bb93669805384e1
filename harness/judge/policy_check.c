#include "harness/judge/policy_check.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define OF_THE_WHOLE 4 /* findings that are of no single rule, at most */
#define A_RULE 3       /* findings of one rule, at most */

struct findings {
    struct assay_finding *at;
    size_t                n;
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

/* Metrics that only what is trained to a quality has. */
static bool is_of_lessons(enum assay_metric m)
{
    return m == ASSAY_METRIC_steps_to_quality || m == ASSAY_METRIC_time_to_quality_ns || m == ASSAY_METRIC_quality;
}

static void check_decidable(struct findings *f, const struct assay_rule *rule)
{
    struct assay_case  c = {.workload = NULL};
    struct assay_error ignored = {.code = ASSAY_OK};
    if (rule->test == ASSAY_RULE_WORDS) {
        find(f, rule, "no case decides this clause: it names nothing that a run can show%s",
             rule->kind == ASSAY_RULE_MANDATORY ? ", so that no candidate can ever qualify" : "");
        return;
    }
    if (rule->test != ASSAY_RULE_FIGURE || assay_case_parse(rule->case_name, &c, &ignored))
        return;
    bool learns = c.workload->lesson && !strcmp(c.workload->lesson->phase, c.phase);
    for (size_t i = 0; i < rule->expression.n && !learns; i++)
        if (is_of_lessons(rule->expression.metric[i])) {
            find(f, rule, "no case decides this clause: '%s' is of what is trained to a quality, and this case is not",
                 assay_metric_row(rule->expression.metric[i])->name);
            break;
        }
    assay_case_release(&c);
}

static void check_points(struct findings *f, const struct assay_policy *policy)
{
    double sum = policy->price_points;
    for (size_t i = 0; i < policy->n_rules; i++)
        sum += policy->rules[i].weight;
    if (fabs(sum - policy->all_points) > 1e-9)
        find(f, NULL, "points do not add up: rules %g and price %g are %g, all_points says %g", sum - policy->price_points,
             policy->price_points, sum, policy->all_points);
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
        find(
            f, NULL,
            "rule '%.40s' is closed and rule '%.40s' open: no candidate stands in both divisions, so none can meet all mandatory rules",
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
    size_t                        known = 0, able = 0;
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
        find(f, &q->policy->rules[rule], "only one of the %zu candidates with a figure can meet the threshold: %.120s", known,
             last->name);
    else if (able == 0 && known > 0)
        find(f, &q->policy->rules[rule], known == 1 ? "the only candidate with a figure cannot meet the threshold"
                                                    : "none of the %zu candidates with a figure can meet the threshold", known);
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
    if (strcmp(policy->freeze_date, policy->valid_until) > 0)
        find(&f, NULL, "software is frozen on %s, after the policy's end on %s", policy->freeze_date, policy->valid_until);
    *out = f.at;
    *n = f.n;
    return ASSAY_OK;
}
