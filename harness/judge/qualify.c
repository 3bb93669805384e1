#include "harness/judge/qualify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/judge/ownership.h"
#include "harness/model/cluster/system.h"
#include "harness/model/quantity.h"

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

static const struct assay_summary_counter *counter_of(const struct assay_summary_row *row, const char *name)
{
    for (size_t i = 0; i < row->n_counters; i++)
        if (!strcmp(row->counters[i].first->name, name))
            return &row->counters[i];
    return NULL;
}

/* A device's share of what the system draws in all, as its rows were priced. */
static void share_power(const struct assay_candidate *c, struct assay_offer *terms)
{
    for (size_t i = 0; i < c->run->n_rows; i++) {
        const struct assay_summary_row     *row = &c->run->rows[i];
        const struct assay_summary_counter *watts = counter_of(row, "power");
        double                              devices = assay_promise_devices(row);
        if (strcmp(row->backend, c->backend) != 0 || !watts || !watts->ranged || !(watts->low > 0))
            continue;
        terms->power_has_no_middle = !watts->has_value;
        terms->power_watts = (struct assay_range){watts->low / devices, (watts->has_value ? watts->value : sqrt(watts->low * watts->high)) / devices,
                                                  watts->high / devices};
        terms->power_has_facility = true;
        terms->power_evidence = ASSAY_EVIDENCE_MODELLED;
        return;
    }
}

/* Power as the device is described, where the buyer gives none. */
static void describe_power(const struct assay_candidate *c, struct assay_offer *terms)
{
    struct assay_described *d = NULL;
    struct assay_error      ignored = {.code = ASSAY_OK};
    if (!c->device || c->device->origin != ASSAY_ORIGIN_MODELLED || assay_described_find(c->device->name, &d, &ignored))
        return;
    const struct assay_quantity *w = &d->fields[ASSAY_DEVICE_POWER];
    if (w->state == ASSAY_KNOWN) {
        terms->power_watts = (struct assay_range){w->low, assay_quantity_middle(w), w->high};
        terms->power_has_no_middle = isnan(w->value);
        terms->power_evidence = ASSAY_EVIDENCE_CLAIMED;
    }
    assay_described_free(d);
}

/* The offer with what runs and description tell. NULL: there is no offer, or no memory for its copy. */
static const struct assay_offer *terms_of(struct assay_arena *arena, const struct assay_candidate *c, const struct assay_offer *offer)
{
    struct assay_offer *terms = offer ? assay_arena_take(arena, 1, sizeof *terms) : NULL;
    if (!terms)
        return NULL;
    *terms = *offer;
    if (c->promise.lack == ASSAY_PROMISE_KNOWN) {
        const struct assay_range *q = &c->promise.per_s;
        terms->at_promise_per_s = *q;
        terms->promise_has_no_middle = !c->promise.has_middle;
        terms->promise_evidence = c->promise.evidence;
        if (!c->promise.has_middle)
            terms->at_promise_per_s.middle = sqrt(q->low * q->high);
    }
    for (size_t i = 0; i < c->run->n_rows; i++)
        if (!strcmp(c->run->rows[i].backend, c->backend))
            terms->system_devices = fmax(terms->system_devices, assay_promise_devices(&c->run->rows[i]));
    terms->system_devices = terms->system_devices > 1 ? terms->system_devices : 0;
    if (!(terms->power_watts.high > 0) && terms->system_devices > 0)
        share_power(c, terms);
    else if (!(terms->power_watts.high > 0))
        describe_power(c, terms);
    return terms;
}

static bool has_backend(const struct assay_summary *run, const char *backend)
{
    size_t i = 0;
    while (i < run->n_backends && strcmp(run->backends[i], backend) != 0)
        i++;
    return i < run->n_backends;
}

/* All folders, and the policy. */
struct given {
    const struct assay_policy  *policy;
    const struct assay_summary *runs;
    size_t                      n;
};

/* Is the back end a system of as many devices as are described, and `other` the same of another number? */
static bool has_part(const char *backend, const char *other)
{
    static const char described[] = "devices=0", key[] = "devices=";
    const char       *a = strstr(backend, described), *b = strstr(other, key);
    if (!a || !b || a - backend != b - other || strncmp(backend, other, (size_t)(a - backend)) != 0)
        return false;
    size_t digits = strspn(b + sizeof key - 1, "0123456789");
    return strcmp(backend, other) != 0 && !strcmp(a + sizeof described - 1, b + sizeof key - 1 + digits);
}

/* Has the run a case that the policy names, in a rule or in its demand? */
static bool is_asked_for(const struct assay_policy *policy, const struct assay_summary *run, const char *backend)
{
    for (size_t r = 0; r < policy->n_rules; r++)
        if (*policy->rules[r].case_id && assay_summary_find(run, policy->rules[r].case_id, backend))
            return true;
    return assay_promise_is_any(policy, run, backend);
}

/* How much a run of a back end is one that a candidate is made of: 0, a curve and nothing else; 1, nothing that is asked for; 2, cases that
 * decide. */
static int standing_of(const struct given *g, const struct assay_summary *run, const char *backend)
{
    return assay_promise_is_all(g->policy, run, backend) ? 0 : is_asked_for(g->policy, run, backend) ? 2 : 1;
}

/* A part of a system of which there is the whole is no candidate of its own, nor is a run of a back end that another run stands for better:
 * each lends what it has. */
static bool is_lent(const struct given *g, const struct assay_summary *run, const char *backend)
{
    bool better = false, part = false;
    int  standing = standing_of(g, run, backend);
    for (size_t i = 0; i < g->n; i++) {
        better = better || (has_backend(&g->runs[i], backend) && standing_of(g, &g->runs[i], backend) > standing);
        for (size_t b = 0; b < g->runs[i].n_backends; b++)
            part = part || has_part(g->runs[i].backends[b], backend);
    }
    return part || better;
}

bool assay_candidate_is_told_by(const struct assay_candidate *c, const char *backend)
{
    return !strcmp(c->backend, backend) || has_part(c->backend, backend);
}

/* Its own run, then what is lent: of the whole before parts. */
static bool find_told_by(struct assay_arena *arena, const struct given *g, struct assay_candidate *c)
{
    size_t most = 1;
    for (size_t i = 0; i < g->n; i++)
        most += g->runs[i].n_backends;
    if (!(c->told_by = assay_arena_take(arena, most, sizeof *c->told_by)))
        return false;
    c->told_by[c->n_told_by++] = (struct assay_telling){c->run, c->backend};
    for (int part = 0; part < 2; part++)
        for (size_t i = 0; i < g->n; i++)
            for (size_t b = 0; b < g->runs[i].n_backends; b++) {
                const char *backend = g->runs[i].backends[b];
                if (&g->runs[i] == c->run && !strcmp(backend, c->backend))
                    continue;
                if ((part ? has_part(c->backend, backend) : !strcmp(c->backend, backend)) && is_lent(g, &g->runs[i], backend))
                    c->told_by[c->n_told_by++] = (struct assay_telling){&g->runs[i], backend};
            }
    return true;
}

/* The first curve that there is. */
static void read_promise(const struct given *g, struct assay_candidate *c)
{
    c->promise.lack = ASSAY_PROMISE_NOT_RUN;
    for (size_t i = 0; i < c->n_told_by && c->promise.lack == ASSAY_PROMISE_NOT_RUN; i++)
        assay_promise_read(g->policy, c->told_by[i].run, c->told_by[i].backend, &c->promise);
}

static void introduce(struct assay_arena *arena, const struct given *g, struct assay_candidate *c)
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
    read_promise(g, c);
    c->offer = terms_of(arena, c, offer_of(g->policy, c));
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
    bool proved = false, published = true;
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
        proved = proved || (r->decision == ASSAY_QUALIFIED && r->row);
    }
    /* Once more, whatever the rules said: without a figure that counts, nobody qualifies. */
    bool strong = c->measured || (published && c->evidence == ASSAY_EVIDENCE_PUBLISHED);
    bool all = c->passed == policy->n_mandatory;
    c->decision = c->failed ? ASSAY_NOT_QUALIFIED : all && strong && proved ? ASSAY_QUALIFIED : ASSAY_INSUFFICIENT;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

enum assay_list assay_candidate_list(const struct assay_candidate *c)
{
    return c->announced ? ASSAY_LIST_ANNOUNCED : c->measured ? ASSAY_LIST_MEASURED : ASSAY_LIST_MODELLED;
}

static int group(const struct assay_candidate *c)
{
    return 2 * (int)assay_candidate_list(c) + (c->division == ASSAY_DIVISION_OPEN);
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

/* Candidates of one name are told apart by their back ends, those of one back end by their run folders. */
static bool tell_apart(struct assay_arena *arena, struct assay_candidate *all, size_t n)
{
    enum { ALONE, BY_BACKEND, BY_RUN } *alike = assay_arena_take(arena, n, sizeof *alike);
    for (size_t i = 0; alike && i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (k != i && !strcmp(all[i].name, all[k].name) && alike[i] != BY_RUN)
                alike[i] = strcmp(all[i].backend, all[k].backend) != 0 ? BY_BACKEND : BY_RUN;
    for (size_t i = 0; alike && i < n; i++) {
        char              run[256], name[160];
        struct assay_text folder = ASSAY_TEXT(run), whole = ASSAY_TEXT(name);
        if (alike[i] == ALONE)
            continue;
        if (alike[i] == BY_RUN && all[i].run->folder)
            assay_summary_name(all[i].run, &folder);
        else /* what was put together in memory has no folder */
            assay_text_add(&folder, "%zu", i + 1);
        assay_text_add(&whole, "%.80s (%.70s)", all[i].name, alike[i] == BY_RUN ? run : all[i].backend);
        (void)assay_string_copy(all[i].name, sizeof all[i].name, name);
    }
    return alike != NULL;
}

/* Offers that nobody ran. */
static bool find_absent(struct assay_arena *arena, struct assay_qualification *q)
{
    q->absent = assay_arena_take(arena, q->policy->n_offers + 1, sizeof *q->absent);
    for (size_t i = 0; q->absent && i < q->policy->n_offers; i++) {
        const struct assay_offer *o = &q->policy->offers[i];
        struct assay_system      *system = NULL;
        struct assay_error        ignored = {.code = ASSAY_OK};
        bool                      ran = false;
        for (size_t k = 0; k < q->n; k++)
            ran = ran || (q->candidates[k].offer && !strcmp(q->candidates[k].offer->device, o->device));
        if (ran)
            continue;
        struct assay_absent *a = &q->absent[q->n_absent++];
        a->offer = o;
        if (assay_system_find(o->device, &system, &ignored))
            continue;
        (void)assay_string_copy(a->device, sizeof a->device, system->device);
        a->devices = system->devices;
        assay_system_free(system);
    }
    return q->absent != NULL;
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
    const struct given g = {policy, runs, n};
    size_t             count = 0, most = 1;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        for (size_t b = 0; b < runs[i].n_backends; b++)
            count += !is_lent(&g, &runs[i], runs[i].backends[b]);
        most = runs[i].n_records > most ? runs[i].n_records : most;
    }
    if (!count)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "there is no record in the run folders: nobody to qualify");
    struct assay_arena *arena = out->owned = calloc(1, sizeof *arena);
    double             *room = calloc(most, sizeof *room);
    out->policy = policy;
    out->runs = runs;
    out->n_runs = n;
    out->candidates = arena ? assay_arena_take(arena, count, sizeof *out->candidates) : NULL;
    for (size_t i = 0; room && out->candidates && i < n; i++)
        for (size_t b = 0; b < runs[i].n_backends; b++) {
            struct assay_candidate *c = &out->candidates[out->n];
            if (is_lent(&g, &runs[i], runs[i].backends[b]))
                continue;
            c->run = &runs[i];
            c->backend = runs[i].backends[b];
            c->results = assay_arena_take(arena, policy->n_rules, sizeof *c->results);
            if (!c->results || !find_told_by(arena, &g, c))
                break;
            introduce(arena, &g, c);
            judge(policy, c, room);
            out->n++;
        }
    free(room);
    if (!out->candidates || out->n != count || !tell_apart(arena, out->candidates, count) || !find_absent(arena, out))
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

static json_t *range_to_json(const struct assay_range *r, bool has_middle)
{
    return json_pack("{s:o, s:o, s:o}", "low", assay_json_number(r->low), "middle",
                     has_middle ? assay_json_number(r->middle) : json_null(), "high", assay_json_number(r->high));
}

/* Throughput at the promise; null where that is not known. */
static json_t *promise_to_json(const struct assay_candidate *c)
{
    const struct assay_offer *o = c->offer;
    if (!o || !(o->at_promise_per_s.low > 0))
        return json_null();
    json_t *out = range_to_json(&o->at_promise_per_s, !o->promise_has_no_middle);
    if (out)
        json_object_set_new(out, "evidence", json_string(o->promise_evidence ? assay_evidence_name(o->promise_evidence) : "assumed"));
    if (out && o->promise_evidence && o->system_devices > 0)
        json_object_set_new(out, "read_off_devices", assay_json_number(c->promise.devices));
    if (out && o->promise_evidence && c->promise.days > 0)
        json_object_set_new(out, "training_days_of_these", assay_json_number(c->promise.days));
    return out;
}

/* What the policy's demand takes and, where prices are known, costs; null where the throughput is not known. */
static json_t *ownership_to_json(const struct assay_policy *policy, const struct assay_offer *offer)
{
    if (!assay_need_is_known(policy, offer))
        return json_null();
    struct assay_ownership o = assay_ownership_of(policy, offer);
    json_t *out = json_pack("{s:s, s:o}", "currency", policy->costs.currency, "devices", assay_json_number(o.devices));
    if (out && o.systems > 0)
        json_object_set_new(out, "systems", assay_json_number(o.systems));
    else if (out) {
        json_object_set_new(out, "hosts", assay_json_number(o.hosts));
        json_object_set_new(out, "racks", assay_json_number(o.racks));
    }
    if (out && o.has_power) {
        json_object_set_new(out, "power_evidence", json_string(offer->power_evidence ? assay_evidence_name(offer->power_evidence) : "assumed"));
        json_object_set_new(out, "kilowatts", range_to_json(&o.kilowatts, !offer->power_has_no_middle));
        json_object_set_new(out, "per_watt", range_to_json(&o.per_watt, o.has_middle));
    }
    if (!out || !o.has_cost)
        return out;
    struct assay_range cost = {o.low, o.middle, o.high};
    json_object_set_new(out, "evidence", json_string("assumed"));
    json_object_set_new(out, "cost", range_to_json(&cost, o.has_middle));
    json_object_set_new(out, "per_million", range_to_json(&o.per_million, o.has_middle));
    json_object_set_new(out, "per_run", o.per_run.high > 0 ? range_to_json(&o.per_run, o.has_middle) : json_null());
    return out;
}

/* What is paid for a device and who says so; without that, what its vendor is to be asked. */
static json_t *price_to_json(const struct assay_policy *policy, const struct assay_offer *offer)
{
    const char *source = offer && offer->price_source ? offer->price_source : "", *question = offer && offer->price_question ? offer->price_question : "";
    if (!offer || !(offer->price.high > 0))
        return *question ? json_pack("{s:n, s:o}", "middle", "question", assay_json_string(question)) : json_null();
    json_t *out = range_to_json(&offer->price, true);
    if (out) {
        json_object_set_new(out, "currency", assay_json_string(policy->costs.given ? policy->costs.currency : ""));
        json_object_set_new(out, "source", assay_json_string(*source ? source : "the buyer, in the policy"));
    }
    return out;
}

/* Other folders, or parts of its system, that count for it. */
static json_t *told_by_to_json(const struct assay_candidate *c)
{
    json_t *all = json_array();
    for (size_t i = 1; i < c->n_told_by; i++) {
        char              run[256];
        struct assay_text name = ASSAY_TEXT(run);
        assay_summary_name(c->told_by[i].run, &name);
        json_array_append_new(all, json_pack("{s:o, s:o}", "run", assay_json_string(run), "backend", assay_json_string(c->told_by[i].backend)));
    }
    return all;
}

static json_t *absent_to_json(const struct assay_qualification *q)
{
    json_t *all = json_array();
    for (size_t i = 0; i < q->n_absent; i++)
        json_array_append_new(all, json_pack("{s:s, s:b, s:s, s:o}", "offer", q->absent[i].offer->device, "system", q->absent[i].devices > 0,
                                             "evidence", "none", "price", price_to_json(q->policy, q->absent[i].offer)));
    return all;
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
        if (o && c->n_told_by > 1)
            json_object_set_new(o, "told_by", told_by_to_json(c));
        if (o)
            json_object_set_new(o, "ownership", ownership_to_json(q->policy, c->offer));
        if (o)
            json_object_set_new(o, "at_promise_per_s", promise_to_json(c));
        if (o)
            json_object_set_new(o, "price", price_to_json(q->policy, c->offer));
        json_array_append_new(all, o);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "format", "assay-decision/1", "policy", q->policy->name, "policy_sha256",
                     q->policy->sha256, "decision", assay_decision_name(q->decision), "candidates", all, "absent", absent_to_json(q));
}
