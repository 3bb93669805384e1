#include "reports/decision/deviation.h"

#include <math.h>
#include <string.h>

#include "assay/banned.h"

/* What the vendor says of that very figure on that device. */
static const struct assay_claim *claim_of(const struct assay_claims *claims, const struct assay_candidate *c, const struct assay_rule *rule)
{
    const char *device = c->offer ? c->offer->device : c->device ? c->device->name : "";
    for (size_t i = 0; claims && rule->test == ASSAY_RULE_FIGURE && i < claims->n; i++) {
        const struct assay_claim *claim = &claims->claims[i];
        if (!strcmp(claim->device, device) && !strcmp(claim->expression.text, rule->expression.text) &&
            (!*claim->case_id || !strcmp(claim->case_id, rule->case_id)))
            return claim;
    }
    return NULL;
}

static void say_clause(const struct assay_rule *rule, enum assay_language language, struct assay_deviation *out)
{
    static const enum assay_say kinds[] = {ASSAY_SAY_NONE_HERE, ASSAY_SAY_MANDATORY, ASSAY_SAY_SCORED, ASSAY_SAY_INFORMATIVE};
    struct assay_text           text = ASSAY_TEXT(out->clause);
    assay_text_add(&text, "%s ", assay_say(language, kinds[rule->kind]));
    out->words = strlen(out->clause);
    assay_text_add(&text, "%s %s: %s", rule->document, rule->number, rule->text);
}

static void say_claimed(const struct assay_claim *claim, enum assay_language language, char *room, size_t bytes)
{
    struct assay_text text = assay_text_over(room, bytes);
    if (claim)
        assay_text_add(&text, "%.6g %s (%s, %s)", claim->claimed.stated, claim->claimed.unit, claim->claimed.source, claim->claimed.date);
    else
        assay_text_add(&text, "%s", assay_say(language, ASSAY_SAY_NO_CLAIM));
}

/* x over T, as a deviation; only of what counts as measured. */
static bool share_of(const struct assay_rule_result *r, double *out)
{
    bool counts = r->rule->test == ASSAY_RULE_FIGURE && r->has_point && r->evidence == ASSAY_EVIDENCE_MEASURED && r->rule->stated > 0 &&
                  r->reason != ASSAY_REASON_EVIDENCE && r->reason != ASSAY_REASON_CONTRADICTION;
    *out = counts ? r->value / r->rule->stated - 1 : 0;
    return counts && isfinite(*out);
}

static void say_deviation(const struct assay_rule_result *r, enum assay_language language, char *room, size_t bytes)
{
    struct assay_text text = assay_text_over(room, bytes);
    char              share[32];
    double            by;
    bool              has = share_of(r, &by);
    (void)snprintf(share, sizeof share, "%+.1f %%", 100 * by);
    if (r->decision == ASSAY_INSUFFICIENT)
        assay_text_add(&text, "%s", assay_say(language, ASSAY_SAY_UNDECIDED));
    else if (r->decision == ASSAY_NOT_QUALIFIED && has)
        assay_say_with(&text, language, ASSAY_SAY_DEVIATES_DOWN, (const char *const[]){share, NULL});
    else if (r->decision == ASSAY_NOT_QUALIFIED)
        assay_text_add(&text, "%s", assay_say(language, ASSAY_SAY_DEVIATES_DOWN_ALONE));
    else if (has && fabs(by) >= 0.0005)
        assay_say_with(&text, language, ASSAY_SAY_DEVIATES_UP, (const char *const[]){share, NULL});
    else
        assay_text_add(&text, "%s", assay_say(language, ASSAY_SAY_DEVIATES_NOT));
}

void assay_deviation_of(const struct assay_candidate *c, size_t rule, const struct assay_claims *claims, enum assay_language language,
                        struct assay_deviation *out)
{
    const struct assay_rule_result *r = &c->results[rule];
    *out = (struct assay_deviation){.id = r->rule->id, .case_id = "", .repeat = "", .decision = r->decision};
    say_clause(r->rule, language, out);
    struct assay_text required = ASSAY_TEXT(out->required), measured = ASSAY_TEXT(out->measured);
    assay_say_required(&required, language, r->rule);
    say_claimed(claim_of(claims, c, r->rule), language, out->claimed, sizeof out->claimed);
    assay_say_why(&measured, language, r);
    say_deviation(r, language, out->deviation, sizeof out->deviation);
    if (r->row) {
        out->case_id = r->row->id;
        out->repeat = r->row->launches[r->row->typical]->repeat;
    }
}
