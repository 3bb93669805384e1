#include "harness/judge/policy.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/arena.h"
#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

#define FORMAT "assay-policy/1"
#define LIMIT_BYTES (1u << 20)
#define MOST_RULES 500
#define MOST_OFFERS 200
#define HUGE_NUMBER 1e18

struct owned {
    struct assay_arena     arena;
    struct assay_json_file file;
    bool                   loaded;
};

/* One place to stand while reading: file, object, error. */
struct reader {
    const struct assay_json_file *file;
    const json_t                 *at;
    struct assay_arena           *arena;
    struct assay_error           *err;
};

static const char *const kinds[] = {"mandatory", "scored", "informative", NULL};
static const char *const divisions[] = {"closed", "open", NULL};
static const char *const tests[] = {"quantified", "pass", NULL};
static const char *const passes[] = {"outputs", "stability", "origin", "words", NULL};
static const char *const evidences[] = {"measured", "published", NULL};
static const char *const assurances[] = {"full", "algebraic", "sampled", "local", "learned", NULL};
static const char *const origins[] = {"none", "domestic_if_state_funded", "replace_under_30_percent", NULL};
static const char *const decisions[] = {"bounds_95", "bounds_99", NULL};

const char *assay_rule_kind_name(enum assay_rule_kind kind)
{
    return kind >= 1 && kind <= 3 ? kinds[kind - 1] : "none";
}

const char *assay_division_name(enum assay_division division)
{
    return division >= 1 && division <= 2 ? divisions[division - 1] : "none";
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static enum assay_code keys(const struct reader *r, const char *const *known)
{
    size_t n = 0;
    while (known[n])
        n++;
    return assay_json_known_keys(r->file, r->at, known, n, r->err);
}

static enum assay_code text(const struct reader *r, const char *key, bool required, const char **out)
{
    *out = *out ? *out : "";
    if (assay_json_text(r->file, r->at, key, required, out, r->err))
        return r->err->code;
    return required && !**out ? assay_json_fail_at(r->file, r->at, key, r->err, "'%s' must not be empty", key) : ASSAY_OK;
}

/* One of a list of words: its place from 1; `dflt` when it is absent (0: required). */
static enum assay_code word(const struct reader *r, const char *key, const char *const *words, int dflt, int *out)
{
    const char *given = NULL;
    size_t      n = 0;
    if (assay_json_text(r->file, r->at, key, !dflt, &given, r->err))
        return r->err->code;
    *out = dflt;
    for (; given && words[n]; n++)
        if (!strcmp(words[n], given)) {
            *out = (int)n + 1;
            return ASSAY_OK;
        }
    if (!given)
        return ASSAY_OK;
    char              list[160];
    struct assay_text all = ASSAY_TEXT(list);
    for (size_t i = 0; i < n; i++)
        assay_text_add(&all, "%s%s", i ? ", " : "", words[i]);
    const char *near = assay_string_nearest(given, words, n);
    return assay_json_fail_at(r->file, r->at, key, r->err, "'%s' must be one of %s, not '%.40s'%s%s%s", key, list, given,
                              near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static enum assay_code number(const struct reader *r, const char *key, bool required, double min, double max, double *out)
{
    return assay_json_f64(r->file, r->at, key, required, min, max, out, r->err);
}

static enum assay_code truth(const struct reader *r, const char *key, bool *out)
{
    return assay_json_bool(r->file, r->at, key, false, out, r->err);
}

/* A number, or [low, middle, high]. */
static enum assay_code range(const struct reader *r, const char *key, bool required, double min, double max,
                             struct assay_range *out)
{
    const json_t *value = json_object_get(r->at, key);
    double        v[3];
    if (!json_is_array(value)) {
        double single = out->middle;
        if (number(r, key, required, min, max, &single))
            return r->err->code;
        if (value)
            *out = (struct assay_range){single, single, single};
        return ASSAY_OK;
    }
    for (size_t i = 0; i < 3; i++)
        v[i] = json_number_value(json_array_get(value, i));
    bool numbers = json_array_size(value) == 3;
    for (size_t i = 0; i < 3; i++)
        numbers = numbers && json_is_number(json_array_get(value, i)) && v[i] >= min && v[i] <= max;
    if (!numbers || v[0] > v[1] || v[1] > v[2])
        return assay_json_fail_at(r->file, r->at, key, r->err,
                                  "'%s' must be a number or [low, middle, high] from %g to %g, ascending", key, min, max);
    *out = (struct assay_range){v[0], v[1], v[2]};
    return ASSAY_OK;
}

static bool is_date(const char *text_)
{
    for (size_t i = 0; i < 10; i++)
        if ((i == 4 || i == 7) ? text_[i] != '-' : (text_[i] < '0' || text_[i] > '9'))
            return false;
    return text_[10] == 0 && strncmp(text_ + 5, "01", 2) >= 0 && strncmp(text_ + 5, "12", 2) <= 0 &&
           strcmp(text_ + 8, "01") >= 0 && strcmp(text_ + 8, "31") <= 0;
}

static enum assay_code date(const struct reader *r, const char *key, bool required, const char **out)
{
    if (text(r, key, required, out))
        return r->err->code;
    return **out && !is_date(*out)
               ? assay_json_fail_at(r->file, r->at, key, r->err, "'%s' must be a date like 2026-12-31, not '%.30s'", key, *out)
               : ASSAY_OK;
}

/* ---- a rule ------------------------------------------------------------------------------------------------------ */

static enum assay_code read_clause(const struct reader *r, struct assay_rule *rule)
{
    static const char *const known[] = {"document", "number", "text", NULL};
    json_t                  *clause = NULL;
    if (assay_json_object(r->file, r->at, "clause", true, &clause, r->err))
        return r->err->code;
    struct reader in = *r;
    in.at = clause;
    if (keys(&in, known) || text(&in, "document", true, &rule->document) || text(&in, "number", true, &rule->number))
        return r->err->code;
    return text(&in, "text", true, &rule->text);
}

static enum assay_code read_case(const struct reader *r, struct assay_rule *rule, bool required)
{
    const char       *name = NULL;
    struct assay_case c = {.workload = NULL};
    if (assay_json_text(r->file, r->at, "case", required, &name, r->err) || !name)
        return r->err->code;
    if (!strcmp(name, "*")) {
        rule->every_case = true;
        return rule->test == ASSAY_RULE_FIGURE
                   ? assay_json_fail_at(r->file, r->at, "case", r->err, "a figure is of one case, not of '*'")
                   : ASSAY_OK;
    }
    struct assay_error why = {.code = ASSAY_OK};
    if (assay_case_parse(name, &c, &why))
        return assay_json_fail_at(r->file, r->at, "case", r->err, "unknown case '%.60s': %.90s%s%.60s", name, why.message,
                                  *why.hint ? "; " : "", why.hint);
    memcpy(rule->case_name, c.name, sizeof rule->case_name);
    memcpy(rule->case_id, c.id, sizeof rule->case_id);
    assay_case_release(&c);
    return ASSAY_OK;
}

static enum assay_code read_threshold(const struct reader *r, struct assay_rule *rule)
{
    struct assay_error why = {.code = ASSAY_OK};
    const char        *metric = NULL;
    double             si = 1;
    if (text(r, "metric", true, &metric) || text(r, "unit", true, &rule->unit) ||
        number(r, "threshold", true, 0, HUGE_NUMBER, &rule->stated) || number(r, "guard_band", true, 0, 0.5, &rule->guard_band))
        return r->err->code;
    if (!(rule->stated > 0))
        return assay_json_fail_at(r->file, r->at, "threshold", r->err, "'threshold' must be above 0");
    if (assay_expression_parse(metric, &rule->expression, &why))
        return assay_json_fail_at(r->file, r->at, "metric", r->err, "%s%s%s", why.message, *why.hint ? "; " : "", why.hint);
    if (assay_expression_unit(&rule->expression, rule->unit, &si, &why))
        return assay_json_fail_at(r->file, r->at, "unit", r->err, "%s%s%s", why.message, *why.hint ? "; " : "", why.hint);
    rule->threshold = rule->stated * si;
    return ASSAY_OK;
}

/* What a test that passes or not looks at. */
static enum assay_code read_pass(const struct reader *r, struct assay_rule *rule)
{
    int         holds = 0;
    const char *not_here[] = {"metric", "unit", "threshold", "guard_band"};
    for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
        if (json_object_get(r->at, not_here[i]))
            return assay_json_fail_at(r->file, r->at, not_here[i], r->err, "a test that passes or not has no '%s'", not_here[i]);
    if (word(r, "holds", passes, 0, &holds))
        return r->err->code;
    rule->test = (enum assay_rule_test)(holds + 1);
    if (rule->test != ASSAY_RULE_OUTPUTS && json_object_get(r->at, "case"))
        return assay_json_fail_at(r->file, r->at, "case", r->err, "only outputs and figures are of a case");
    return ASSAY_OK;
}

static const enum assay_assurance assurance_of[] = {ASSAY_ASSURANCE_FULL, ASSAY_ASSURANCE_ALGEBRAIC, ASSAY_ASSURANCE_SAMPLED,
                                                    ASSAY_ASSURANCE_LOCAL, ASSAY_ASSURANCE_LEARNED};

static enum assay_code read_evidence(const struct reader *r, struct assay_rule *rule)
{
    int         assurance = 3, decision = 1;
    int64_t     launches = 2;
    const char *evidence = NULL;
    if (assay_json_text(r->file, r->at, "evidence", true, &evidence, r->err))
        return r->err->code;
    rule->takes_published = !strcmp(evidence, evidences[1]);
    if (!rule->takes_published && strcmp(evidence, evidences[0]) != 0)
        return assay_json_fail_at(
            r->file, r->at, "evidence", r->err,
            "the least evidence is 'measured' or 'published', not '%.30s': nothing that is modelled, mixed, simulated or claimed can qualify",
            evidence);
    if (word(r, "assurance", assurances, 3, &assurance) || word(r, "decision", decisions, 1, &decision) ||
        assay_json_i64(r->file, r->at, "least_launches", false, 2, 1000, &launches, r->err))
        return r->err->code;
    rule->assurance = assurance_of[assurance - 1];
    rule->alpha = decision == 1 ? 0.05 : 0.01;
    rule->least_launches = (size_t)launches;
    return ASSAY_OK;
}

static enum assay_code read_rule(const struct reader *r, struct assay_rule *rule)
{
    static const char *const known[] = {"id",        "clause",   "kind",           "test",       "holds",    "case",
                                        "metric",    "unit",     "threshold",      "guard_band", "division", "evidence",
                                        "assurance", "decision", "least_launches", "points",     NULL};
    int                      kind = 0, test = 0, division = 1;
    if (keys(r, known) || text(r, "id", true, &rule->id) || read_clause(r, rule) || word(r, "kind", kinds, 0, &kind) ||
        word(r, "test", tests, 0, &test) || word(r, "division", divisions, 0, &division))
        return r->err->code;
    rule->kind = (enum assay_rule_kind)kind;
    rule->division = (enum assay_division)division;
    rule->test = ASSAY_RULE_FIGURE;
    bool words = false;
    if (test == 2) {
        if (read_pass(r, rule))
            return r->err->code;
        words = rule->test == ASSAY_RULE_WORDS;
    } else if (json_object_get(r->at, "holds"))
        return assay_json_fail_at(r->file, r->at, "holds", r->err, "'holds' is of tests that pass or not");
    else if (read_threshold(r, rule))
        return r->err->code;
    if (!words && read_evidence(r, rule))
        return r->err->code;
    if (read_case(r, rule, rule->test == ASSAY_RULE_FIGURE || rule->test == ASSAY_RULE_OUTPUTS))
        return r->err->code;
    if (rule->kind != ASSAY_RULE_SCORED && json_object_get(r->at, "points"))
        return assay_json_fail_at(r->file, r->at, "points", r->err, "only a scored rule has points");
    return number(r, "points", rule->kind == ASSAY_RULE_SCORED, 0, 1000, &rule->weight);
}

static enum assay_code read_rules(const struct reader *r, struct assay_policy *out)
{
    json_t *rules = NULL;
    if (assay_json_array(r->file, r->at, "rules", true, &rules, r->err))
        return r->err->code;
    size_t n = json_array_size(rules);
    if (n == 0 || n > MOST_RULES)
        return assay_json_fail_at(r->file, r->at, "rules", r->err, "a policy has 1 to %d rules, not %zu", MOST_RULES, n);
    out->rules = assay_arena_take(r->arena, n, sizeof *out->rules);
    if (!out->rules)
        return ASSAY_FAIL(r->err, ASSAY_MEMORY, "no memory for %zu rules", n);
    for (size_t i = 0; i < n; i++) {
        struct reader in = *r;
        in.at = json_array_get(rules, i);
        if (!json_is_object(in.at))
            return assay_json_fail_at(r->file, r->at, "rules", r->err, "rule %zu must be an object", i + 1);
        if (read_rule(&in, &out->rules[i]))
            return assay_error_in(r->err, "rule %zu", i + 1);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(out->rules[k].id, out->rules[i].id))
                return assay_json_fail_at(r->file, in.at, "id", r->err, "there are two rules '%.40s'", out->rules[i].id);
        out->n_mandatory += out->rules[i].kind == ASSAY_RULE_MANDATORY;
    }
    out->n_rules = n;
    return out->n_mandatory
               ? ASSAY_OK
               : assay_json_fail_at(r->file, r->at, "rules", r->err, "no rule is mandatory: there is nothing to qualify by");
}

/* ---- what is not measured ---------------------------------------------------------------------------------------- */

static enum assay_code read_offer(const struct reader *r, struct assay_offer *o)
{
    static const char *const known[] = {"device",
                                        "name",
                                        "origin",
                                        "division",
                                        "available",
                                        "price",
                                        "price_source",
                                        "price_question",
                                        "power_watts",
                                        "at_promise_per_s",
                                        "at_promise_source",
                                        "differences",
                                        "open_interfaces",
                                        "second_source",
                                        NULL};
    int                      division = 1;
    o->available = true;
    o->has_interfaces = json_object_get(r->at, "open_interfaces") != NULL;
    o->has_second = json_object_get(r->at, "second_source") != NULL;
    if (keys(r, known) || text(r, "device", true, &o->device) || text(r, "name", false, &o->name) ||
        text(r, "origin", false, &o->origin) || word(r, "division", divisions, 1, &division) ||
        truth(r, "available", &o->available) || range(r, "price", false, 0, HUGE_NUMBER, &o->price) ||
        range(r, "power_watts", false, 0, 1e6, &o->power_watts) ||
        range(r, "at_promise_per_s", false, 0, HUGE_NUMBER, &o->at_promise_per_s) ||
        text(r, "at_promise_source", o->at_promise_per_s.high > 0, &o->at_promise_source) ||
        text(r, "price_source", false, &o->price_source) || text(r, "price_question", false, &o->price_question) ||
        text(r, "differences", division == 2, &o->differences) || truth(r, "open_interfaces", &o->open_interfaces) ||
        truth(r, "second_source", &o->second_source))
        return r->err->code;
    o->division = (enum assay_division)division;
    bool has_price = o->price.high > 0;
    if (*(has_price ? o->price_question : o->price_source))
        return assay_json_fail_at(r->file, r->at, has_price ? "price_question" : "price_source", r->err,
                                  has_price ? "there is a price: 'price_question' is for offers without one"
                                            : "'price_source' tells where a price is from, and there is none");
    bool two = strlen(o->origin) == 2 && o->origin[0] >= 'A' && o->origin[0] <= 'Z' && o->origin[1] >= 'A' && o->origin[1] <= 'Z';
    return *o->origin && !two ? assay_json_fail_at(r->file, r->at, "origin", r->err,
                                                   "'origin' is two letters of ISO 3166, not '%.20s'", o->origin)
                              : ASSAY_OK;
}

static enum assay_code read_offers(const struct reader *r, struct assay_policy *out)
{
    json_t *offers = NULL;
    if (assay_json_array(r->file, r->at, "offers", false, &offers, r->err) || !offers)
        return r->err->code;
    size_t n = json_array_size(offers);
    out->offers = n <= MOST_OFFERS ? assay_arena_take(r->arena, n, sizeof *out->offers) : NULL;
    if (!out->offers)
        return assay_json_fail_at(r->file, r->at, "offers", r->err, "no room for %zu offers (at most %d)", n, MOST_OFFERS);
    for (size_t i = 0; i < n; i++, out->n_offers++) {
        struct reader in = *r;
        in.at = json_array_get(offers, i);
        if (!json_is_object(in.at))
            return assay_json_fail_at(r->file, r->at, "offers", r->err, "offer %zu must be an object", i + 1);
        if (read_offer(&in, &out->offers[i]))
            return assay_error_in(r->err, "offer %zu", i + 1);
        if (assay_policy_offer(out, out->offers[i].device))
            return assay_json_fail_at(r->file, in.at, "device", r->err, "there are two offers of '%.40s'", out->offers[i].device);
    }
    return ASSAY_OK;
}

static enum assay_code read_origin(const struct reader *r, struct assay_policy *out)
{
    static const char *const known[] = {"rule", "domestic", "state_funded", "complete_share", NULL};
    json_t                  *origin = NULL;
    int                      rule = 0;
    out->origin_rule = ASSAY_ORIGIN_ANY;
    out->domestic = "";
    if (assay_json_object(r->file, r->at, "origin", false, &origin, r->err) || !origin)
        return r->err->code;
    struct reader in = *r;
    in.at = origin;
    if (keys(&in, known) || word(&in, "rule", origins, 0, &rule))
        return r->err->code;
    out->origin_rule = (enum assay_origin_rule)rule;
    bool asks = out->origin_rule != ASSAY_ORIGIN_ANY;
    if (text(&in, "domestic", asks, &out->domestic) || truth(&in, "state_funded", &out->state_funded))
        return r->err->code;
    return number(&in, "complete_share", out->origin_rule == ASSAY_ORIGIN_REPLACE_UNDER_30, 0, 1, &out->complete_share);
}

static enum assay_code read_pair(const struct reader *r, const char *key, double *p50, double *p99)
{
    static const char *const known[] = {"p50", "p99", NULL};
    json_t                  *pair = NULL;
    if (assay_json_object(r->file, r->at, key, false, &pair, r->err) || !pair)
        return r->err->code;
    struct reader in = *r;
    in.at = pair;
    if (keys(&in, known) || number(&in, "p50", true, 1e-6, HUGE_NUMBER, p50) || number(&in, "p99", true, 1e-6, HUGE_NUMBER, p99))
        return r->err->code;
    return *p99 < *p50 ? assay_json_fail_at(r->file, pair, "p99", r->err, "'p99' of %s is below its 'p50'", key) : ASSAY_OK;
}

/* The served case whose curve counts, at any rate: "case". */
static enum assay_code read_curve(const struct reader *r, struct assay_demand *d)
{
    const char        *name = NULL;
    double             load = 0;
    struct assay_case  c = {.workload = NULL};
    struct assay_error why = {.code = ASSAY_OK};
    if (assay_json_text(r->file, r->at, "case", false, &name, r->err) || !name)
        return r->err->code;
    if (assay_case_parse(name, &c, &why))
        return assay_json_fail_at(r->file, r->at, "case", r->err, "unknown case '%.60s': %.90s%s%.60s", name, why.message,
                                  *why.hint ? "; " : "", why.hint);
    bool served = assay_case_is_served(&c);
    memcpy(d->case_name, c.name, sizeof d->case_name);
    assay_case_release(&c);
    if (!served || !assay_case_family(d->case_name, d->family, &load))
        return assay_json_fail_at(r->file, r->at, "case", r->err,
                                  "the demand's case must be one that is served at a rate or a number in flight, not '%.60s'", name);
    return ASSAY_OK;
}

/* A run that is to end within some days asks for the same rate in every hour of them. */
static enum assay_code read_training(const struct reader *r, struct assay_demand *d)
{
    static const char *const known[] = {"unit", "spares_share", "training", NULL};
    static const char *const of_it[] = {"case", "items", "days", NULL};
    struct reader            in = *r;
    const char              *name = NULL;
    json_t                  *training = NULL;
    if (keys(r, known) || text(r, "unit", true, &d->unit) || number(r, "spares_share", false, 0, 1, &d->spares_share) ||
        assay_json_object(r->file, r->at, "training", true, &training, r->err))
        return r->err->code;
    in.at = training;
    if (keys(&in, of_it) || text(&in, "case", true, &name) ||
        number(&in, "items", true, 1, 1e30, &d->training_items) || number(&in, "days", true, 1e-3, 36525, &d->training_days))
        return r->err->code;
    if (!assay_case_training(name, d->family))
        return assay_json_fail_at(r->file, in.at, "case", r->err,
                                  "the demand's training must be a step of one, as decoder.train/model=gpt-3-175b is, not '%.80s'", name);
    (void)assay_string_copy(d->case_name, sizeof d->case_name, d->family);
    for (size_t i = 0; i < 24; i++)
        d->per_s_by_hour[i] = d->training_items / d->training_days / 86400;
    d->given = true;
    return ASSAY_OK;
}

static enum assay_code read_demand(const struct reader *r, struct assay_policy *out)
{
    static const char *const known[] = {"unit",          "per_s_by_hour", "growth_per_year",
                                        "spares_share",  "input_length",  "output_length",
                                        "first_token_s", "per_token_s",   "case",
                                        "training",      NULL};
    struct assay_demand     *d = &out->demand;
    json_t                  *demand = NULL, *hours = NULL;
    if (assay_json_object(r->file, r->at, "demand", false, &demand, r->err) || !demand)
        return r->err->code;
    struct reader in = *r;
    in.at = demand;
    if (json_object_get(demand, "training"))
        return read_training(&in, d);
    if (keys(&in, known) || text(&in, "unit", true, &d->unit) ||
        assay_json_array(r->file, demand, "per_s_by_hour", true, &hours, r->err) ||
        number(&in, "growth_per_year", false, -0.9, 10, &d->growth_per_year) ||
        number(&in, "spares_share", false, 0, 1, &d->spares_share) ||
        read_pair(&in, "input_length", &d->input_p50, &d->input_p99) ||
        read_pair(&in, "output_length", &d->output_p50, &d->output_p99) ||
        read_pair(&in, "first_token_s", &d->ttft_p50_s, &d->ttft_p99_s) ||
        read_pair(&in, "per_token_s", &d->tpot_p50_s, &d->tpot_p99_s) || read_curve(&in, d))
        return r->err->code;
    for (size_t i = 0; i < 24; i++) {
        const json_t *hour = json_array_get(hours, i);
        if (json_array_size(hours) != 24 || !json_is_number(hour) || !(json_number_value(hour) >= 0) ||
            json_number_value(hour) > HUGE_NUMBER)
            return assay_json_fail_at(r->file, demand, "per_s_by_hour", r->err,
                                      "'per_s_by_hour' must be 24 numbers, one an hour of a day");
        d->per_s_by_hour[i] = json_number_value(hour);
    }
    d->given = true;
    return ASSAY_OK;
}

static enum assay_code read_costs(const struct reader *r, struct assay_policy *out)
{
    static const char *const known[] = {"currency",
                                        "tax_included",
                                        "tax_rate",
                                        "includes",
                                        "prices_valid_until",
                                        "host_price",
                                        "devices_per_host",
                                        "hosts_per_rack",
                                        "host_power_watts",
                                        "network_price_per_host",
                                        "power_price_per_kwh",
                                        "pue",
                                        "years",
                                        "staff_per_year",
                                        "load_share",
                                        "training_run_items",
                                        NULL};
    struct assay_costs      *c = &out->costs;
    json_t                  *costs = NULL;
    if (assay_json_object(r->file, r->at, "costs", false, &costs, r->err) || !costs)
        return r->err->code;
    struct reader in = *r;
    in.at = costs;
    c->load_share = (struct assay_range){1, 1, 1};
    if (keys(&in, known) || text(&in, "currency", true, &c->currency) ||
        assay_json_bool(r->file, costs, "tax_included", true, &c->tax_included, r->err) ||
        number(&in, "tax_rate", !c->tax_included, 0, 1, &c->tax_rate) || text(&in, "includes", true, &c->includes) ||
        date(&in, "prices_valid_until", true, &c->prices_valid_until) ||
        range(&in, "host_price", true, 0, HUGE_NUMBER, &c->host_price) ||
        number(&in, "devices_per_host", true, 1, 1024, &c->devices_per_host) ||
        number(&in, "hosts_per_rack", true, 1, 1024, &c->hosts_per_rack) ||
        range(&in, "host_power_watts", true, 0, 1e6, &c->host_power_watts) ||
        range(&in, "network_price_per_host", true, 0, HUGE_NUMBER, &c->network_price) ||
        range(&in, "power_price_per_kwh", true, 0, 1e6, &c->power_price_per_kwh) || range(&in, "pue", true, 1, 5, &c->pue) ||
        range(&in, "years", true, 0.1, 30, &c->years) || range(&in, "staff_per_year", true, 0, HUGE_NUMBER, &c->staff_per_year) ||
        range(&in, "load_share", false, 1e-6, 1, &c->load_share) ||
        number(&in, "training_run_items", false, 0, 1e30, &c->training_run_items))
        return r->err->code;
    double asked = out->demand.training_items;
    if (asked > 0 && c->training_run_items > 0 && c->training_run_items != asked)
        return assay_json_fail_at(r->file, costs, "training_run_items", r->err, "'training_run_items' is %.15g, the demand's training has %.15g items",
                                  c->training_run_items, asked);
    c->training_run_items = asked > 0 ? asked : c->training_run_items;
    c->given = true;
    return ASSAY_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static enum assay_code read_all(const struct reader *r, struct assay_policy *out)
{
    static const char *const known[] = {"format",      "name",   "about",        "software_freeze_date",
                                        "valid_until", "rules",  "price_points", "all_points",
                                        "origin",      "offers", "demand",       "costs",
                                        NULL};
    if (keys(r, known) || text(r, "name", true, &out->name) || text(r, "about", true, &out->about) ||
        date(r, "software_freeze_date", true, &out->freeze_date) || date(r, "valid_until", true, &out->valid_until) ||
        read_origin(r, out) || read_rules(r, out) || range(r, "price_points", false, 0, 1000, &out->price_weight) ||
        number(r, "all_points", out->price_weight.high > 0, 0, 1000, &out->all_points) || read_offers(r, out) || read_demand(r, out))
        return r->err->code;
    out->price_points = out->price_weight.middle;
    return read_costs(r, out);
}

static enum assay_code find(const char *name, char *path, size_t capacity, struct assay_error *err)
{
    char   folder[400], file[128];
    size_t length = strlen(name);
    if (strchr(name, '/') || (length > 5 && !strcmp(name + length - 5, ".json")))
        return assay_string_copy(path, capacity, name) ? ASSAY_OK
                                                       : ASSAY_FAIL(err, ASSAY_CONFIG, "path is too long: '%.60s…'", name);
    struct assay_text t = ASSAY_TEXT(file);
    assay_text_add(&t, "%s.json", name);
    if (t.cut)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "policy name is too long: '%.60s…'", name);
    if (assay_data_folder("reports/policies", folder, sizeof folder, err) || assay_path_join(path, capacity, folder, file, err))
        return err->code;
    if (assay_file_exists(path))
        return ASSAY_OK;
    static const char *const ours[] = {"inference-service", "training-cluster", "mixed", "state-funded-site"};
    const char              *near = assay_string_nearest(name, ours, sizeof ours / sizeof *ours);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no policy '%.64s'", name);
    return near ? assay_error_hint(err, "did you mean '%s'?", near)
                : assay_error_hint(err, "one of your own is given as a path that ends in .json");
}

enum assay_code assay_policy_read(const char *name_or_path, struct assay_policy *out, struct assay_error *err)
{
    char path[512];
    memset(out, 0, sizeof *out);
    struct owned *owned = calloc(1, sizeof *owned);
    if (!owned)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a policy");
    out->owned = owned;
    if (find(name_or_path, path, sizeof path, err) || assay_json_load(path, FORMAT, LIMIT_BYTES, &owned->file, err))
        return err->code;
    owned->loaded = true;
    out->path = owned->file.path;
    assay_sha256_hex(owned->file.bytes, owned->file.length, out->sha256);
    struct reader r = {&owned->file, owned->file.root, &owned->arena, err};
    return read_all(&r, out);
}

void assay_policy_release(struct assay_policy *policy)
{
    struct owned *owned = policy->owned;
    if (!owned)
        return;
    if (owned->loaded)
        assay_json_release(&owned->file);
    assay_arena_clear(&owned->arena);
    free(owned);
    policy->owned = NULL;
}

const struct assay_offer *assay_policy_offer(const struct assay_policy *policy, const char *device)
{
    for (size_t i = 0; i < policy->n_offers; i++)
        if (!strcmp(policy->offers[i].device, device))
            return &policy->offers[i];
    return NULL;
}
