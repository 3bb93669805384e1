#include "harness/judge/qualify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/ownership.h"

#include "assay/banned.h"

const char *assay_decision_name(enum assay_decision decision)
{
    static const char *const names[] = {"none", "qualified", "not qualified", "insufficient evidence"};
    return names[decision <= ASSAY_INSUFFICIENT ? decision : 0];
}

const char *assay_reason_name(enum assay_reason reason)
{
    static const char *const names[] = {"none",
#define X(name, word) word,
                                        ASSAY_REASONS(X)
#undef X
    };
    return names[reason < ASSAY_REASON_COUNT ? reason : 0];
}

/* ---- a candidate ------------------------------------------------------------------------------------------------- */

static const struct assay_offer *offer_of(const struct assay_policy *policy, const struct assay_candidate *c)
{
    char plugin[64];
    (void)assay_string_copy(plugin, sizeof plugin, c->backend);
    plugin[strcspn(plugin, ":,")] = 0;
    const struct assay_offer *offer = c->device ? assay_policy_offer(policy, c->device->name) : NULL;
    return offer ? offer : assay_policy_offer(policy, plugin);
}

static void introduce(const struct assay_policy *policy, struct assay_candidate *c)
{
    c->grade = "";
    for (size_t i = 0; i < c->run->n_rows; i++) {
        const struct assay_summary_row *row = &c->run->rows[i];
        if (strcmp(row->backend, c->backend) != 0)
            continue;
        for (size_t k = 0; !c->device && k < row->n_launches; k++)
            c->device = *row->launches[k]->device.name ? &row->launches[k]->device : NULL;
        if (row->statuses[ASSAY_STATUS_OK] == 0)
            continue;
        c->evidence = row->evidence > c->evidence ? row->evidence : c->evidence;
        c->grade = strcmp(row->grade, c->grade) > 0 ? row->grade : c->grade;
    }
    c->offer = offer_of(policy, c);
    c->division = c->offer ? c->offer->division : ASSAY_DIVISION_CLOSED;
    c->announced = c->offer && !c->offer->available;
    c->measured = c->evidence == ASSAY_EVIDENCE_MEASURED;
    const char *name = c->offer && *c->offer->name        ? c->offer->name
                       : c->device && *c->device->product ? c->device->product
                                                          : c->backend;
    (void)assay_string_copy(c->name, sizeof c->name, name);
}

static void add_points(struct assay_candidate *c, const struct assay_rule_result *r)
{
    double low = r->decision == ASSAY_QUALIFIED, high = r->decision != ASSAY_NOT_QUALIFIED;
    if (r->has_bounds) {
        low = fmin(1, r->ratio_low);
        high = fmin(1, r->ratio_high);
    }
    c->points_low += r->rule->weight * low;
    c->points_high += r->rule->weight * high;
}

static void judge(const struct assay_policy *policy, struct assay_candidate *c, double *room)
{
    bool fails = false, proved = false, published = true;
    for (size_t i = 0; i < policy->n_rules; i++) {
        struct assay_rule_result *r = &c->results[i];
        assay_rule_judge(policy, &policy->rules[i], c, room, r);
        published = published && policy->rules[i].takes_published;
        if (policy->rules[i].kind == ASSAY_RULE_SCORED)
            add_points(c, r);
        if (policy->rules[i].kind != ASSAY_RULE_MANDATORY)
            continue;
        c->passed += r->decision == ASSAY_QUALIFIED;
        c->failed += r->decision == ASSAY_NOT_QUALIFIED;
        c->undecided += r->decision == ASSAY_INSUFFICIENT;
        fails = fails || r->fails_together;
        proved = proved || (r->decision == ASSAY_QUALIFIED && r->row);
    }
    /* Once more, whatever the rules said: without a figure that counts, nobody qualifies. */
    bool strong = c->measured || (published && c->evidence == ASSAY_EVIDENCE_PUBLISHED);
    bool all = c->passed == policy->n_mandatory;
    c->decision = fails ? ASSAY_NOT_QUALIFIED : all && strong && proved ? ASSAY_QUALIFIED : ASSAY_INSUFFICIENT;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int group(const struct assay_candidate *c)
{
    return (c->announced ? 4 : c->measured ? 0 : 2) + (c->division == ASSAY_DIVISION_OPEN);
}

/* Does a stand behind b? What is not measured is ranked for reference by the points it may come to; else the order given stays. */
static bool stands_behind(const struct assay_candidate *a, const struct assay_candidate *b)
{
    if (group(a) != group(b) || a->measured)
        return group(a) > group(b);
    return a->points_low + a->points_high < b->points_low + b->points_high;
}

static void arrange(struct assay_candidate *all, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct assay_candidate c = all[i];
        size_t                 k = i;
        for (; k > 0 && stands_behind(&all[k - 1], &c); k--)
            all[k] = all[k - 1];
        all[k] = c;
    }
}

/* A fact alone, such as origin, may refuse a candidate; that all are refused is the decision only if each is. */
static enum assay_decision decide(const struct assay_qualification *q)
{
    size_t count[4] = {0};
    for (size_t i = 0; i < q->n; i++)
        count[q->candidates[i].decision]++;
    if (count[ASSAY_QUALIFIED])
        return ASSAY_QUALIFIED;
    return count[ASSAY_NOT_QUALIFIED] == q->n ? ASSAY_NOT_QUALIFIED : ASSAY_INSUFFICIENT;
}

enum assay_code assay_qualify(const struct assay_policy *policy, const struct assay_summary *runs, size_t n,
                              struct assay_qualification *out, struct assay_error *err)
{
    size_t count = 0, most = 1;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        count += runs[i].n_backends;
        most = runs[i].n_records > most ? runs[i].n_records : most;
    }
    if (!count)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no record in the run folders: nobody to qualify");
    struct assay_arena *arena = out->owned = calloc(1, sizeof *arena);
    double             *room = calloc(most, sizeof *room);
    out->policy = policy;
    out->candidates = arena ? assay_arena_take(arena, count, sizeof *out->candidates) : NULL;
    for (size_t i = 0; room && out->candidates && i < n; i++)
        for (size_t b = 0; b < runs[i].n_backends; b++) {
            struct assay_candidate *c = &out->candidates[out->n];
            c->run = &runs[i];
            c->backend = runs[i].backends[b];
            c->results = assay_arena_take(arena, policy->n_rules, sizeof *c->results);
            if (!c->results)
                break;
            introduce(policy, c);
            judge(policy, c, room);
            out->n++;
        }
    free(room);
    if (!out->candidates || out->n != count)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu candidates", count);
    arrange(out->candidates, out->n);
    out->decision = decide(out);
    return ASSAY_OK;
}

void assay_qualification_release(struct assay_qualification *q)
{
    if (q->owned)
        assay_arena_clear(q->owned);
    free(q->owned);
    memset(q, 0, sizeof *q);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *result_to_json(const struct assay_rule_result *r)
{
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:I}", "rule", r->rule->id, "kind", assay_rule_kind_name(r->rule->kind), "decision",
                  assay_decision_name(r->decision), "reason", assay_reason_name(r->reason), "launches", (json_int_t)r->n);
    if (!o)
        return NULL;
    if (r->evidence)
        json_object_set_new(o, "evidence", json_string(assay_evidence_name(r->evidence)));
    if (r->row)
        json_object_set_new(o, "repeat", assay_json_string(r->row->launches[r->row->typical]->repeat));
    if (*r->detail)
        json_object_set_new(o, "detail", assay_json_string(r->detail));
    if (r->more_launches)
        json_object_set_new(o, "more_launches", json_integer((json_int_t)r->more_launches));
    if (r->rule->test != ASSAY_RULE_FIGURE)
        return o;
    json_object_set_new(o, "case", assay_json_string(r->rule->case_name));
    json_object_set_new(o, "unit", json_string(r->rule->unit));
    json_object_set_new(o, "threshold", json_real(r->rule->stated));
    json_object_set_new(o, "value", r->has_point ? assay_json_number(r->value) : json_null());
    if (r->has_bounds) {
        json_object_set_new(o, "low", assay_json_number(r->low));
        json_object_set_new(o, "high", assay_json_number(r->high));
    }
    return o;
}

/* What the policy's demand takes and costs with it; null where that is not known. */
static json_t *ownership_to_json(const struct assay_policy *policy, const struct assay_offer *offer)
{
    if (!assay_cost_is_known(policy, offer))
        return json_null();
    struct assay_ownership o = assay_ownership_of(policy, offer);
    const struct {
        const char *key;
        double      value;
    } members[] = {{"devices", o.devices}, {"hosts", o.hosts},           {"racks", o.racks},           {"kilowatts", o.kilowatts},
                   {"low", o.low},         {"middle", o.middle},         {"high", o.high},             {"per_million", o.per_million},
                   {"per_run", o.per_run}, {"per_watt", o.per_watt}};
    json_t *out = json_pack("{s:s, s:s}", "evidence", "assumed", "currency", policy->costs.currency);
    for (size_t i = 0; out && i < sizeof members / sizeof *members; i++)
        json_object_set_new(out, members[i].key, assay_json_number(members[i].value));
    return out;
}

json_t *assay_qualification_to_json(const struct assay_qualification *q)
{
    json_t *all = json_array();
    for (size_t i = 0; i < q->n; i++) {
        const struct assay_candidate *c = &q->candidates[i];
        json_t                       *rules = json_array();
        char                          run[256];
        struct assay_text             name = ASSAY_TEXT(run);
        assay_summary_name(c->run, &name); /* not its path: the same run, wherever it lies, gives the same bytes */
        for (size_t k = 0; k < q->policy->n_rules; k++)
            json_array_append_new(rules, result_to_json(&c->results[k]));
        json_t *o = json_pack(
            "{s:o, s:o, s:o, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:o}", "candidate", assay_json_string(c->name), "backend",
            assay_json_string(c->backend), "run", assay_json_string(run), "division",
            assay_division_name(c->division), "evidence", c->evidence ? assay_evidence_name(c->evidence) : "none", "decision",
            assay_decision_name(c->decision), "announced", c->announced, "passed", (json_int_t)c->passed, "failed",
            (json_int_t)c->failed, "undecided", (json_int_t)c->undecided, "rules", rules);
        if (o && q->policy->all_points > 0) {
            json_object_set_new(o, "points_low", assay_json_number(c->points_low));
            json_object_set_new(o, "points_high", assay_json_number(c->points_high));
        }
        if (o)
            json_object_set_new(o, "ownership", ownership_to_json(q->policy, c->offer));
        json_array_append_new(all, o);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "format", "assay-decision/1", "policy", q->policy->name, "policy_sha256",
                     q->policy->sha256, "decision", assay_decision_name(q->decision), "candidates", all);
}
