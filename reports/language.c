#include "reports/language.h"

#include <string.h>

#include "harness/base/student.h"

#include "assay/banned.h"

static const char *const messages[ASSAY_SAY_COUNT][ASSAY_LANGUAGES] = {
#define ASSAY_SAY(id, en, zh) [ASSAY_SAY_##id] = {en, zh},
#include "reports/languages/messages.def"
#include "reports/languages/tables.def"
#undef ASSAY_SAY
};

static const char *const names[ASSAY_LANGUAGES] = {"en", "zh"};

const char *assay_language_name(enum assay_language language)
{
    return names[language];
}

bool assay_language_find(const char *name, enum assay_language *out)
{
    for (int i = 0; i < ASSAY_LANGUAGES; i++)
        if (!strcmp(names[i], name)) {
            *out = (enum assay_language)i;
            return true;
        }
    return false;
}

/* U+3400 to U+9FFF, U+F900 to U+FAFF, U+20000 to U+3FFFF; what is no UTF-8 has none. */
static bool is_han(const unsigned char *at)
{
    if (at[0] >= 0xe3 && at[0] <= 0xe9)
        return at[1] >= (at[0] == 0xe3 ? 0x90 : 0x80) && at[1] <= 0xbf;
    return (at[0] == 0xef && at[1] >= 0xa4 && at[1] <= 0xab) || (at[0] == 0xf0 && at[1] >= 0xa0 && at[1] <= 0xbf);
}

const char *assay_language_of(const char *text)
{
    for (const char *at = text; *at; at++)
        if (is_han((const unsigned char *)at))
            return names[ASSAY_CHINESE];
    return names[ASSAY_ENGLISH];
}

const char *assay_say(enum assay_language language, enum assay_say what)
{
    return messages[what][language];
}

/* "n|one|many}": the text for what argument n is, with the argument in place of #. Returns what follows it, or NULL: it is none. */
static const char *say_number(struct assay_text *out, const char *at, const char *const *arguments, size_t n)
{
    const char *one = at + 2, *many = strchr(one, '|'), *end = strchr(one, '}');
    size_t      which = (size_t)(at[0] - '0');
    if (which >= n || !many || !end || many > end)
        return NULL;
    bool        is_one = !strcmp(arguments[which], "1");
    const char *text = is_one ? one : many + 1, *last = is_one ? many : end;
    while (text < last) {
        size_t length = strcspn(text, "#");
        length = length < (size_t)(last - text) ? length : (size_t)(last - text);
        assay_text_add(out, "%.*s", (int)length, text);
        text += length;
        if (text < last) {
            assay_text_add(out, "%s", arguments[which]);
            text++;
        }
    }
    return end + 1;
}

static const char *say_argument(struct assay_text *out, const char *at, const char *const *arguments, size_t n)
{
    if (at[0] != '{' || at[1] < '0' || at[1] > '9')
        return NULL;
    if (at[2] == '|')
        return say_number(out, at + 1, arguments, n);
    if (at[2] != '}' || (size_t)(at[1] - '0') >= n)
        return NULL;
    assay_text_add(out, "%s", arguments[at[1] - '0']);
    return at + 3;
}

void assay_say_fill(struct assay_text *out, const char *text, const char *const *arguments)
{
    size_t n = 0;
    while (arguments[n])
        n++;
    for (const char *at = text; *at;) {
        const char *next = say_argument(out, at, arguments, n);
        if (!next) {
            next = at + 1 + strcspn(at + 1, "{");
            assay_text_add(out, "%.*s", (int)(next - at), at);
        }
        at = next;
    }
}

void assay_say_with(struct assay_text *out, enum assay_language language, enum assay_say what, const char *const *arguments)
{
    assay_say_fill(out, assay_say(language, what), arguments);
}

/* ---- words for what the judge found -------------------------------------------------------------------------------- */

enum assay_say assay_say_list(enum assay_list list)
{
    return list == ASSAY_LIST_MEASURED   ? ASSAY_SAY_MEASURED_ABOVE
           : list == ASSAY_LIST_MODELLED ? ASSAY_SAY_MODELLED_BELOW
                                         : ASSAY_SAY_ANNOUNCED_BELOW;
}

const char *assay_say_decision(enum assay_language language, enum assay_decision decision)
{
    static const enum assay_say say[] = {ASSAY_SAY_UNDECIDED, ASSAY_SAY_QUALIFIED, ASSAY_SAY_NOT_QUALIFIED,
                                         ASSAY_SAY_INSUFFICIENT};
    return assay_say(language, say[decision]);
}

const char *assay_say_evidence(enum assay_language language, enum assay_evidence evidence)
{
    static const enum assay_say say[] = {ASSAY_SAY_EVIDENCE_NONE,      ASSAY_SAY_EVIDENCE_MEASURED,  ASSAY_SAY_EVIDENCE_MIXED,
                                         ASSAY_SAY_EVIDENCE_PUBLISHED, ASSAY_SAY_EVIDENCE_CLAIMED,   ASSAY_SAY_EVIDENCE_MODELLED,
                                         ASSAY_SAY_EVIDENCE_SIMULATED, ASSAY_SAY_EVIDENCE_INSTRUMENT};
    return assay_say(language, say[evidence]);
}

const char *assay_say_outcome(enum assay_language language, enum assay_outcome outcome)
{
    static const enum assay_say say[] = {[ASSAY_PASS] = ASSAY_SAY_OUTCOME_PASS,
                                         [ASSAY_MARGINAL] = ASSAY_SAY_OUTCOME_MARGINAL,
                                         [ASSAY_FAIL] = ASSAY_SAY_OUTCOME_FAIL,
                                         [ASSAY_UNTRUSTED] = ASSAY_SAY_OUTCOME_UNTRUSTED,
                                         [ASSAY_NOT_CHECKED] = ASSAY_SAY_OUTCOME_NOT_CHECKED};
    return assay_say(language, say[outcome]);
}

const char *assay_say_status(enum assay_language language, enum assay_status status)
{
    static const enum assay_say say[] = {[ASSAY_STATUS_OK] = ASSAY_SAY_STATUS_OK,
                                         [ASSAY_STATUS_UNSUPPORTED] = ASSAY_SAY_STATUS_UNSUPPORTED,
                                         [ASSAY_STATUS_SKIPPED] = ASSAY_SAY_STATUS_SKIPPED,
                                         [ASSAY_STATUS_TIMEOUT] = ASSAY_SAY_STATUS_TIMEOUT,
                                         [ASSAY_STATUS_CRASHED] = ASSAY_SAY_STATUS_CRASHED,
                                         [ASSAY_STATUS_ERROR] = ASSAY_SAY_STATUS_ERROR};
    return assay_say(language, say[status]);
}

const char *assay_say_claim(enum assay_language language, enum assay_claim_verdict verdict)
{
    static const enum assay_say say[] = {ASSAY_SAY_UNDECIDED,         ASSAY_SAY_CLAIM_CONFIRMED, ASSAY_SAY_CLAIM_CONSISTENT,
                                         ASSAY_SAY_CLAIM_NOT_REACHED, ASSAY_SAY_CLAIM_REFUTED,   ASSAY_SAY_CLAIM_DIFFER,
                                         ASSAY_SAY_CLAIM_UNTESTED};
    return assay_say(language, say[verdict]);
}

const char *assay_say_assurance(enum assay_language language, enum assay_assurance a)
{
    static const enum assay_say say[] = {ASSAY_SAY_ASSURANCE_NONE,    ASSAY_SAY_ASSURANCE_FULL,  ASSAY_SAY_ASSURANCE_ALGEBRAIC,
                                         ASSAY_SAY_ASSURANCE_SAMPLED, ASSAY_SAY_ASSURANCE_LOCAL, ASSAY_SAY_ASSURANCE_LEARNED};
    return assay_say(language, say[a]);
}

void assay_say_grade(struct assay_text *out, enum assay_language language, enum assay_evidence evidence, const char *grade)
{
    const char *word = assay_say_evidence(language, evidence);
    if (grade && *grade)
        assay_say_with(out, language, ASSAY_SAY_EVIDENCE_GRADE, (const char *const[]){word, grade, NULL});
    else
        assay_text_add(out, "%s", word);
}

void assay_say_promise_basis(struct assay_text *out, enum assay_language language, const struct assay_policy *policy,
                             const struct assay_candidate *c)
{
    const struct assay_offer *o = c->offer;
    const char               *evidence = assay_say_evidence(language, o->promise_evidence);
    char                      devices[24];
    (void)snprintf(devices, sizeof devices, "%.0f", c->promise.devices);
    if (!o->promise_evidence)
        assay_say_with(out, language, ASSAY_SAY_COST_BASIS, (const char *const[]){c->name, o->at_promise_source, NULL});
    else if (policy->demand.training_items > 0)
        assay_say_with(out, language, ASSAY_SAY_STEP_BASIS, (const char *const[]){c->name, evidence, devices, NULL});
    else
        assay_say_with(out, language, ASSAY_SAY_CURVE_BASIS, (const char *const[]){c->name, evidence, NULL});
}

void assay_say_candidate_evidence(struct assay_text *out, enum assay_language language, const struct assay_candidate *c)
{
    assay_say_grade(out, language, c->evidence, c->grade);
}

void assay_say_confidence(const struct assay_policy *policy, char one[16], char together[16])
{
    double alpha = 0;
    for (size_t i = 0; i < policy->n_rules; i++)
        if (policy->rules[i].kind == ASSAY_RULE_MANDATORY && policy->rules[i].alpha > alpha)
            alpha = policy->rules[i].alpha;
    (void)snprintf(one, 16, "%.3g", 100 * (1 - alpha));
    (void)snprintf(together, 16, "%.4g", 100 * (1 - alpha / (double)policy->n_mandatory));
}

void assay_say_candidate(struct assay_text *out, enum assay_language language, const struct assay_policy *policy,
                         const struct assay_candidate *c)
{
    char all[24], count[24], confidence[16], together[16], evidence[160];
    (void)snprintf(all, sizeof all, "%zu", policy->n_mandatory);
    (void)snprintf(count, sizeof count, "%zu", c->decision == ASSAY_NOT_QUALIFIED ? c->failed : c->undecided);
    assay_say_confidence(policy, confidence, together);
    struct assay_text text = ASSAY_TEXT(evidence);
    assay_say_candidate_evidence(&text, language, c);
    if (c->decision == ASSAY_QUALIFIED)
        assay_say_with(out, language, ASSAY_SAY_DECISION_QUALIFIED, (const char *const[]){c->name, all, confidence, NULL});
    else if (c->decision == ASSAY_NOT_QUALIFIED)
        assay_say_with(out, language, ASSAY_SAY_DECISION_NOT_QUALIFIED, (const char *const[]){c->name, count, all, together, NULL});
    else if (c->evidence > ASSAY_EVIDENCE_MEASURED)
        assay_say_with(out, language, ASSAY_SAY_DECISION_NEVER_QUALIFIES, (const char *const[]){c->name, evidence, NULL});
    else
        assay_say_with(out, language, ASSAY_SAY_DECISION_INSUFFICIENT, (const char *const[]){c->name, count, all, NULL});
}

void assay_say_required(struct assay_text *out, enum assay_language language, const struct assay_rule *rule)
{
    char value[64];
    switch (rule->test) {
    case ASSAY_RULE_FIGURE:
        (void)snprintf(value, sizeof value, "%.6g%s%s", rule->stated, strcmp(rule->unit, "1") != 0 ? " " : "",
                       strcmp(rule->unit, "1") != 0 ? rule->unit : "");
        assay_say_with(out, language, rule->expression.better == ASSAY_BETTER_HIGHER ? ASSAY_SAY_AT_LEAST : ASSAY_SAY_AT_MOST,
                       (const char *const[]){value, NULL});
        return;
    case ASSAY_RULE_OUTPUTS:
        assay_say_with(out, language, ASSAY_SAY_REQUIRED_OUTPUTS,
                       (const char *const[]){assay_say_assurance(language, rule->assurance), NULL});
        return;
    case ASSAY_RULE_STABILITY:
        (void)snprintf(value, sizeof value, "%zu", rule->least_launches);
        assay_say_with(out, language, ASSAY_SAY_REQUIRED_STABLE, (const char *const[]){value, NULL});
        return;
    case ASSAY_RULE_ORIGIN: assay_text_add(out, "%s", assay_say(language, ASSAY_SAY_REQUIRED_ORIGIN)); return;
    case ASSAY_RULE_WORDS: assay_text_add(out, "%s", assay_say(language, ASSAY_SAY_REQUIRED_WORDS)); return;
    }
}

void assay_say_figure(struct assay_text *out, enum assay_language language, const struct assay_rule_result *r)
{
    const char *unit = r->rule->unit && strcmp(r->rule->unit, "1") != 0 ? r->rule->unit : "";
    if (!r->has_point && !r->has_bounds) {
        assay_text_add(out, "–");
        return;
    }
    if (r->has_point)
        assay_text_add(out, "%.4g%s%s", r->value, *unit ? " " : "", unit);
    if (!r->has_bounds)
        return;
    bool counts = r->reason != ASSAY_REASON_EVIDENCE;
    const char *opens = assay_say(language, ASSAY_SAY_OPENS), *comma = assay_say(language, ASSAY_SAY_COMMA);
    assay_text_add(out, "%s%.4g – %.4g%s%s%s%.3g %% %s", r->has_point ? opens : "", r->low, r->high,
                   *unit && !r->has_point ? " " : "", r->has_point ? "" : unit, r->has_point ? comma : opens, 100 * r->level,
                   assay_say(language, counts ? ASSAY_SAY_CONFIDENCE : ASSAY_SAY_PREDICTION));
    if (!r->has_point)
        assay_text_add(out, "%s%s", comma, assay_say(language, ASSAY_SAY_NO_POINT));
    assay_text_add(out, "%s", assay_say(language, ASSAY_SAY_CLOSES));
}

/* What the record, or the judge, has to say besides. */
static void say_detail(struct assay_text *out, enum assay_language language, const struct assay_rule_result *r)
{
    if (r->reason == ASSAY_REASON_ASSURANCE)
        assay_text_add(out, "%s", assay_say_assurance(language, r->assurance));
    else if (r->reason == ASSAY_REASON_DIVISION)
        assay_text_add(out, "%s",
                       assay_say(language, r->rule->division == ASSAY_DIVISION_OPEN ? ASSAY_SAY_DIVISION_NAME_CLOSED
                                                                                  : ASSAY_SAY_DIVISION_NAME_OPEN));
    else if (r->reason == ASSAY_REASON_ORIGIN_YES || r->reason == ASSAY_REASON_ORIGIN_NO)
        assay_text_add(out, "%s", r->detail);
    else
        assay_say_told(out, language, r->detail);
}

void assay_say_why(struct assay_text *out, enum assay_language language, const struct assay_rule_result *r)
{
    static const enum assay_say say[] = {
#define X(name, word) [ASSAY_REASON_##name] = ASSAY_SAY_WHY_##name,
        ASSAY_REASONS(X)
#undef X
    };
    char              figure[256], required[200], launches[24], evidence[160], count[24], detail[700];
    struct assay_text f = ASSAY_TEXT(figure), q = ASSAY_TEXT(required), e = ASSAY_TEXT(evidence), d = ASSAY_TEXT(detail);
    assay_say_figure(&f, language, r);
    assay_say_required(&q, language, r->rule);
    assay_say_grade(&e, language, r->evidence, r->grade);
    say_detail(&d, language, r);
    (void)snprintf(launches, sizeof launches, "%llu", (unsigned long long)r->n);
    if (r->reason == ASSAY_REASON_STABLE)
        (void)snprintf(count, sizeof count, "%.2g %%", 100 * assay_upper_share(0, r->n, 0.95));
    else
        (void)snprintf(count, sizeof count, "%llu", (unsigned long long)r->count);
    bool bare = r->reason == ASSAY_REASON_EVIDENCE && !r->has_point && !r->has_bounds;
    assay_say_with(out, language, bare ? ASSAY_SAY_WHY_EVIDENCE_ALONE : say[r->reason],
                   (const char *const[]){figure, required, launches, detail, evidence, count, NULL});
}

static enum assay_say settles(const struct assay_rule_result *r)
{
    switch (r->reason) {
    case ASSAY_REASON_BELOW_ALONE:
    case ASSAY_REASON_BETWEEN: return r->more_launches ? ASSAY_SAY_SETTLE_MORE : ASSAY_SAY_SETTLE_NEVER;
    case ASSAY_REASON_FEW_LAUNCHES: return ASSAY_SAY_SETTLE_LEAST;
    case ASSAY_REASON_GUARD_BAND: return ASSAY_SAY_SETTLE_NEVER;
    case ASSAY_REASON_NO_CASE:
    case ASSAY_REASON_NOT_RUN: return ASSAY_SAY_SETTLE_RUN;
    case ASSAY_REASON_EVIDENCE:
    case ASSAY_REASON_CONTRADICTION: return ASSAY_SAY_SETTLE_MEASURE;
    case ASSAY_REASON_UNPROVED:
    case ASSAY_REASON_ASSURANCE: return ASSAY_SAY_SETTLE_VALIDATE;
    case ASSAY_REASON_GAP:
    case ASSAY_REASON_DIVISION: return ASSAY_SAY_SETTLE_PATH;
    case ASSAY_REASON_NO_FIGURE: return ASSAY_SAY_SETTLE_METER;
    case ASSAY_REASON_ORIGIN_UNKNOWN: return ASSAY_SAY_SETTLE_POLICY;
    case ASSAY_REASON_WORDS: return ASSAY_SAY_SETTLE_EXPERT;
    default: return ASSAY_SAY_SETTLE_NOTHING;
    }
}

void assay_say_settle(struct assay_text *out, enum assay_language language, const struct assay_rule_result *r)
{
    char more[24], brief[ASSAY_CASE_NAME_BYTES] = "*";
    (void)snprintf(more, sizeof more, "%llu", (unsigned long long)r->more_launches);
    if (*r->rule->case_name)
        assay_case_brief(r->rule->case_name, brief);
    assay_say_with(out, language, settles(r), (const char *const[]){more, r->detail, brief, NULL});
}
