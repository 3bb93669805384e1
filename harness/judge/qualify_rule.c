/* One rule of one candidate. */
#include <math.h>
#include <string.h>

#include "harness/base/student.h"
#include "harness/judge/qualify.h"

#include "assay/banned.h"

#define MOST_LAUNCHES 1000000u

/* ---- the decision rule of figures -------------------------------------------------------------------------------- */

struct sample {
    double mean, deviation;
    size_t n;
};

static struct sample sample_of(const double *values, size_t n, double sign)
{
    struct sample s = {.n = n};
    double        squares = 0;
    for (size_t i = 0; i < n; i++)
        s.mean += sign * log(values[i]) / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (sign * log(values[i]) - s.mean) * (sign * log(values[i]) - s.mean);
    s.deviation = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
    return s;
}

static double reach(const struct sample *s, size_t n, double alpha)
{
    return assay_student_quantile(1 - alpha, (double)(n - 1)) * s->deviation / sqrt((double)n);
}

/* The least number of launches at which a bound comes no farther than `distance` from the mean. */
static uint64_t launches_for(const struct sample *s, double distance, double alpha)
{
    size_t low = s->n, high = s->n;
    while (high < MOST_LAUNCHES && reach(s, high, alpha) >= distance) {
        low = high;
        high *= 2;
    }
    while (low + 1 < high) {
        size_t middle = low + (high - low) / 2;
        if (reach(s, middle, alpha) < distance)
            high = middle;
        else
            low = middle;
    }
    return high >= MOST_LAUNCHES ? 0 : high;
}

static void settle(struct assay_rule_result *out, const struct sample *s, double threshold, double gate, double alpha)
{
    double distance = s->mean >= gate ? s->mean - gate : threshold - s->mean;
    out->reason = s->mean >= gate || s->mean < threshold ? ASSAY_REASON_BETWEEN : ASSAY_REASON_GUARD_BAND;
    uint64_t enough = out->reason == ASSAY_REASON_BETWEEN && distance > 0 ? launches_for(s, distance, alpha) : 0;
    out->more_launches = enough > s->n ? enough - s->n : 0;
}

/* Bounds and estimate as people read them, in the rule's unit. */
static void show(struct assay_rule_result *out, double sign, double mean, double low, double high, double threshold)
{
    double unit = out->rule->threshold / out->rule->stated, a = exp(sign * low) / unit, b = exp(sign * high) / unit;
    out->has_point = out->has_bounds = true;
    out->value = exp(sign * mean) / unit;
    out->low = sign > 0 ? a : b;
    out->high = sign > 0 ? b : a;
    out->level = 1 - 2 * out->rule->alpha;
    out->ratio_low = exp(low - threshold);
    out->ratio_high = exp(high - threshold);
}

void assay_rule_decide(const struct assay_rule *rule, const double *values, size_t n, size_t k, struct assay_rule_result *out)
{
    double        sign = rule->expression.better == ASSAY_BETTER_HIGHER ? 1 : -1;
    double        threshold = sign * log(rule->threshold), gate = threshold + log1p(rule->guard_band);
    struct sample s = sample_of(values, n, sign);
    out->n = n;
    out->decision = ASSAY_INSUFFICIENT;
    if (n < rule->least_launches || n < 2) {
        out->reason = ASSAY_REASON_FEW_LAUNCHES;
        out->more_launches = rule->least_launches > n ? rule->least_launches - n : 2 - n;
        if (n) {
            out->has_point = true;
            out->value = exp(sign * s.mean) * rule->stated / rule->threshold;
        }
        return;
    }
    double low = s.mean - reach(&s, n, rule->alpha), high = s.mean + reach(&s, n, rule->alpha);
    double high_together = s.mean + reach(&s, n, rule->alpha / (double)(k ? k : 1));
    show(out, sign, s.mean, low, high, threshold);
    if (low >= gate) {
        out->decision = ASSAY_QUALIFIED;
        out->reason = ASSAY_REASON_MEETS;
    } else if (high_together < threshold) {
        out->decision = ASSAY_NOT_QUALIFIED;
        out->reason = ASSAY_REASON_BELOW;
    } else if (high < threshold) {
        out->reason = ASSAY_REASON_BELOW_ALONE;
        uint64_t enough = launches_for(&s, threshold - s.mean, rule->alpha / (double)k);
        out->more_launches = enough > n ? enough - n : 0;
    } else
        settle(out, &s, threshold, gate, rule->alpha);
}

/* ---- what may count ---------------------------------------------------------------------------------------------- */

enum assay_reason assay_record_counts(const struct assay_rule *rule, const struct assay_record *record)
{
    if (rule->takes_published && record->evidence == ASSAY_EVIDENCE_PUBLISHED)
        return ASSAY_REASON_NONE;
    if (record->evidence != ASSAY_EVIDENCE_MEASURED)
        return ASSAY_REASON_EVIDENCE;
    bool timed_by_model = record->device.clock == ASSAY_CLOCK_MODEL;
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        timed_by_model = timed_by_model || record->metric[m].clock == ASSAY_CLOCK_MODEL;
    return timed_by_model || *record->grade || record->device.origin != ASSAY_ORIGIN_REAL ? ASSAY_REASON_CONTRADICTION
                                                                                          : ASSAY_REASON_NONE;
}

static int assurance_rank(enum assay_assurance a)
{
    static const int rank[] = {[ASSAY_ASSURANCE_NONE] = 0,    [ASSAY_ASSURANCE_FULL] = 5,  [ASSAY_ASSURANCE_ALGEBRAIC] = 4,
                               [ASSAY_ASSURANCE_SAMPLED] = 3, [ASSAY_ASSURANCE_LOCAL] = 2, [ASSAY_ASSURANCE_LEARNED] = 1};
    return rank[a];
}

bool assay_assurance_suffices(enum assay_assurance there_is, enum assay_assurance asked)
{
    return assurance_rank(there_is) >= assurance_rank(asked);
}

static enum assay_decision say(struct assay_rule_result *out, enum assay_decision decision, enum assay_reason reason,
                               const char *detail)
{
    out->decision = decision;
    out->reason = reason;
    out->detail = detail ? detail : "";
    return decision;
}

static const struct assay_record *first_ok(const struct assay_summary_row *row)
{
    for (size_t i = 0; i < row->n_launches; i++)
        if (row->launches[i]->status == ASSAY_STATUS_OK)
            return row->launches[i];
    return NULL;
}

/* Evidence and outputs of a row. true: its figures count; false: *out says why not. */
static bool row_counts(const struct assay_rule *rule, const struct assay_summary_row *row, struct assay_rule_result *out)
{
    out->row = row;
    out->evidence = row->evidence;
    out->grade = row->grade;
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        enum assay_reason          why = r->status == ASSAY_STATUS_OK ? assay_record_counts(rule, r) : ASSAY_REASON_NONE;
        if (why)
            return say(out, ASSAY_INSUFFICIENT, why, ""), false;
    }
    if (!first_ok(row)) {
        bool declined = row->status == ASSAY_STATUS_UNSUPPORTED;
        return say(out, ASSAY_INSUFFICIENT, declined ? ASSAY_REASON_GAP : ASSAY_REASON_NOT_RUN, row->reason), false;
    }
    if (row->outcome == ASSAY_FAIL)
        return say(out, ASSAY_NOT_QUALIFIED, ASSAY_REASON_WRONG, row->outcome_why), false;
    if (!assay_outcome_proves(row->outcome))
        return say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_UNPROVED, row->outcome_why), false;
    for (size_t i = 0; i < row->n_launches; i++)
        if (row->launches[i]->status == ASSAY_STATUS_OK &&
            !assay_assurance_suffices(row->verdicts[i]->check.assurance, rule->assurance))
            return out->assurance = row->verdicts[i]->check.assurance,
                   say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_ASSURANCE, assay_assurance_name(out->assurance)), false;
    return true;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* What the model says stands beside the reason why it does not count: a range, and a point where one exists. */
static void show_range(const struct assay_rule *rule, const struct assay_summary_row *row, struct assay_rule_result *out)
{
    struct assay_estimate e = assay_expression_range(&rule->expression, row);
    double                unit = rule->threshold / rule->stated;
    out->has_point = e.has_value;
    out->has_bounds = e.has_interval;
    out->value = e.value / unit;
    out->low = e.low / unit;
    out->high = e.high / unit;
    out->level = e.level;
    bool higher = rule->expression.better == ASSAY_BETTER_HIGHER;
    out->ratio_low = higher ? out->low / rule->stated : rule->stated / out->high;
    out->ratio_high = higher ? out->high / rule->stated : rule->stated / out->low;
}

static const struct assay_summary_row *find_row(const struct assay_candidate *c, const char *case_id)
{
    const struct assay_summary_row *row = NULL;
    for (size_t i = 0; !row && i < c->n_told_by; i++)
        if (!strcmp(c->told_by[i].backend, c->backend)) /* a part of a system does not stand for the whole */
            row = assay_summary_find(c->told_by[i].run, case_id, c->backend);
    return row;
}

static void judge_figure(const struct assay_policy *policy, const struct assay_rule *rule, const struct assay_candidate *c,
                         double *room, struct assay_rule_result *out)
{
    const struct assay_summary_row *row = find_row(c, rule->case_id);
    size_t                          n = 0;
    enum assay_metric               lacks = ASSAY_METRIC_COUNT;
    if (!row) {
        (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_NO_CASE, "");
        return;
    }
    if (!row_counts(rule, row, out)) {
        if (out->reason == ASSAY_REASON_EVIDENCE && first_ok(row))
            show_range(rule, row, out);
        return;
    }
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_record *r = row->launches[i];
        if (r->status != ASSAY_STATUS_OK)
            continue;
        if (!assay_expression_value(&rule->expression, r, &room[n], &lacks) || !(room[n] > 0)) {
            const char *why = lacks < ASSAY_METRIC_COUNT ? r->metric[lacks].why : "";
            (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_NO_FIGURE, *why ? why : rule->expression.text);
            return;
        }
        n++;
    }
    assay_rule_decide(rule, room, n, rule->kind == ASSAY_RULE_MANDATORY ? policy->n_mandatory : 1, out);
}

/* The rows of one run that the rule is about; how many. */
static size_t judge_outputs_of(const struct assay_rule *rule, const struct assay_telling *t, struct assay_rule_result *out)
{
    size_t rows = 0;
    for (size_t i = 0; i < t->run->n_rows && out->decision != ASSAY_NOT_QUALIFIED; i++) {
        const struct assay_summary_row *row = &t->run->rows[i];
        if (strcmp(row->backend, t->backend) != 0 || (!rule->every_case && strcmp(row->id, rule->case_id) != 0))
            continue;
        rows++;
        out->n += row->statuses[ASSAY_STATUS_OK];
        struct assay_rule_result one = *out;
        if (row_counts(rule, row, &one)) {
            out->row = out->row ? out->row : row;
            out->evidence = row->evidence;
        } else if (one.decision == ASSAY_NOT_QUALIFIED || out->decision == ASSAY_QUALIFIED)
            *out = one;
    }
    return rows;
}

/* Launches of the case, or of all: every row must count, and have launches enough. */
static void judge_outputs(const struct assay_rule *rule, const struct assay_candidate *c, struct assay_rule_result *out)
{
    size_t rows = 0;
    (void)say(out, ASSAY_QUALIFIED, ASSAY_REASON_OUTPUTS_PASS, "");
    for (size_t i = 0; i < c->n_told_by && out->decision != ASSAY_NOT_QUALIFIED; i++)
        if (rule->every_case || !strcmp(c->told_by[i].backend, c->backend))
            rows += judge_outputs_of(rule, &c->told_by[i], out);
    if (out->decision == ASSAY_NOT_QUALIFIED)
        return;
    if (!rows)
        (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_NO_CASE, "");
    else if (out->decision == ASSAY_QUALIFIED && out->n < rule->least_launches) {
        (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_FEW_LAUNCHES, "");
        out->more_launches = rule->least_launches - out->n;
    }
}

static bool is_unstable(const struct assay_record *r)
{
    bool lost = r->status == ASSAY_STATUS_ERROR &&
                (r->error.code == ASSAY_DEVICE || r->error.code == ASSAY_UNAVAILABLE || r->error.code == ASSAY_PROTOCOL);
    return lost || r->status == ASSAY_STATUS_CRASHED || r->status == ASSAY_STATUS_TIMEOUT;
}

/* What launches say of stability, counted up. */
struct stability {
    enum assay_reason weak; /* why one of them counts for nothing */
    bool              opened;
};

static void count_stability(const struct assay_rule *rule, const struct assay_summary_row *row, struct stability *s, struct assay_rule_result *out)
{
    for (size_t k = 0; k < row->n_launches; k++) {
        const struct assay_record *r = row->launches[k];
        enum assay_reason          why = *r->device.name ? assay_record_counts(rule, r) : ASSAY_REASON_NONE;
        if (why && (!s->weak || r->evidence > out->evidence)) {
            s->weak = why;
            out->evidence = r->evidence;
            out->grade = r->grade;
        }
        s->opened = s->opened || *r->device.name;
        if (is_unstable(r) && !out->count++) {
            out->row = row;
            out->detail = r->reason;
        }
        out->n += r->status == ASSAY_STATUS_OK || is_unstable(r);
    }
}

static void judge_stability(const struct assay_rule *rule, const struct assay_candidate *c, struct assay_rule_result *out)
{
    struct stability s = {ASSAY_REASON_NONE, false};
    out->detail = "";
    for (size_t i = 0; i < c->n_told_by; i++)
        for (size_t k = 0; k < c->told_by[i].run->n_rows; k++)
            if (!strcmp(c->told_by[i].run->rows[k].backend, c->told_by[i].backend))
                count_stability(rule, &c->told_by[i].run->rows[k], &s, out);
    if (s.weak || !s.opened)
        (void)say(out, ASSAY_INSUFFICIENT, s.weak ? s.weak : ASSAY_REASON_NOT_RUN, out->detail);
    else if (out->count)
        (void)say(out, ASSAY_NOT_QUALIFIED, ASSAY_REASON_UNSTABLE, out->detail);
    else if (out->n < rule->least_launches) {
        (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_FEW_LAUNCHES, "");
        out->more_launches = rule->least_launches - out->n;
    } else
        (void)say(out, ASSAY_QUALIFIED, ASSAY_REASON_STABLE, "");
}

static void judge_origin(const struct assay_policy *policy, const struct assay_candidate *c, struct assay_rule_result *out)
{
    bool asks = policy->origin_rule != ASSAY_ORIGIN_ANY && policy->state_funded &&
                (policy->origin_rule != ASSAY_ORIGIN_REPLACE_UNDER_30 || policy->complete_share < 0.30);
    if (!asks)
        (void)say(out, ASSAY_QUALIFIED, ASSAY_REASON_ORIGIN_FREE, "");
    else if (!c->offer || !*c->offer->origin)
        (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_ORIGIN_UNKNOWN, "");
    else if (!strcmp(c->offer->origin, policy->domestic))
        (void)say(out, ASSAY_QUALIFIED, ASSAY_REASON_ORIGIN_YES, c->offer->origin);
    else
        (void)say(out, ASSAY_NOT_QUALIFIED, ASSAY_REASON_ORIGIN_NO, c->offer->origin);
}

void assay_rule_judge(const struct assay_policy *policy, const struct assay_rule *rule, const struct assay_candidate *c,
                      double *room, struct assay_rule_result *out)
{
    *out = (struct assay_rule_result){.rule = rule, .detail = "", .grade = ""};
    if (rule->test == ASSAY_RULE_WORDS)
        (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_WORDS, "");
    else if (rule->test == ASSAY_RULE_ORIGIN)
        judge_origin(policy, c, out);
    else if (c->division != rule->division)
        (void)say(out, ASSAY_INSUFFICIENT, ASSAY_REASON_DIVISION, assay_division_name(c->division));
    else if (rule->test == ASSAY_RULE_FIGURE)
        judge_figure(policy, rule, c, room, out);
    else if (rule->test == ASSAY_RULE_OUTPUTS)
        judge_outputs(rule, c, out);
    else
        judge_stability(rule, c, out);
}
