/* Behind page one: every rule with its clause, what is required and what was found, one table a candidate. */
#include <string.h>

#include "reports/decision_page.h"

#include "assay/banned.h"

static enum assay_say kind(const struct assay_rule *rule)
{
    return rule->kind == ASSAY_RULE_MANDATORY ? ASSAY_SAY_MANDATORY
           : rule->kind == ASSAY_RULE_SCORED  ? ASSAY_SAY_SCORED
                                              : ASSAY_SAY_INFORMATIVE;
}

/* What the vendor says of the same case, in its own unit. */
static void claimed_cell(struct assay_decision_page *p, const struct assay_candidate *c, const struct assay_rule *rule)
{
    const char *device = c->offer ? c->offer->device : c->device ? c->device->name : "";
    for (size_t i = 0; p->claims && i < p->claims->n; i++) {
        const struct assay_claim *claim = &p->claims->claims[i];
        if (strcmp(claim->device, device) != 0 || !*claim->case_id || strcmp(claim->case_id, rule->case_id) != 0 ||
            strcmp(claim->expression.text, rule->expression.text) != 0)
            continue;
        assay_sink_raw(&p->to, "<td>");
        assay_sink_textf(&p->to, "%.6g %s", claim->claimed.stated, claim->claimed.unit);
        assay_sink_raw(&p->to, "</td>");
        return;
    }
    assay_sink_raw(&p->to, "<td>–</td>");
}

/* How far from what is required, more being better: of a figure in percent, of what passes or not in words. */
static void deviation_cell(struct assay_decision_page *p, const struct assay_rule_result *r)
{
    bool higher = r->rule->expression.better == ASSAY_BETTER_HIGHER;
    if (r->rule->test != ASSAY_RULE_FIGURE) {
        assay_decision_heading(p, "td",
                               r->decision == ASSAY_QUALIFIED       ? ASSAY_SAY_DEVIATION_NONE
                               : r->decision == ASSAY_NOT_QUALIFIED ? ASSAY_SAY_DEVIATION_NEGATIVE
                                                                    : ASSAY_SAY_UNDECIDED);
        return;
    }
    assay_sink_raw(&p->to, "<td class=\"short\">");
    if (r->has_point)
        assay_sink_textf(&p->to, "%+.3g %%",
                         100 * ((higher ? r->value / r->rule->stated : r->rule->stated / r->value) - 1));
    else if (r->has_bounds)
        assay_sink_textf(&p->to, "%+.3g – %+.3g %%", 100 * (r->ratio_low - 1), 100 * (r->ratio_high - 1));
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td>");
}

static void row(struct assay_decision_page *p, const struct assay_candidate *c, const struct assay_rule_result *r)
{
    char room[1200];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<tr><td>");
    assay_decision_say(p, kind(r->rule));
    assay_sink_textf(&p->to, " %s%s%s %s%s", r->rule->id, assay_say(p->language, ASSAY_SAY_COMMA), r->rule->document,
                     r->rule->number, assay_say(p->language, ASSAY_SAY_COLON));
    assay_decision_text(p, "q", r->rule->text);
    assay_sink_raw(&p->to, "</td><td>");
    assay_say_required(&text, p->language, r->rule);
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "</td>");
    claimed_cell(p, c, r->rule);
    assay_sink_raw(&p->to, "<td class=\"found\">");
    text = ASSAY_TEXT(room);
    assay_say_why(&text, p->language, r);
    assay_sink_text(&p->to, room);
    if (r->decision == ASSAY_INSUFFICIENT || r->more_launches) {
        char how[600];
        struct assay_text settle = ASSAY_TEXT(how);
        assay_say_settle(&settle, p->language, r);
        assay_sink_raw(&p->to, "<br/>");
        assay_decision_say_with(p, ASSAY_SAY_SETTLED_BY, (const char *const[]){how, NULL});
    }
    assay_sink_raw(&p->to, "</td>");
    deviation_cell(p, r);
    assay_sink_raw(&p->to, "<td class=\"d%d outcome\">", (int)r->decision);
    assay_sink_text(&p->to, assay_say_decision(p->language, r->decision));
    assay_sink_raw(&p->to, "</td><td>");
    if (r->row)
        assay_decision_text(p, "code", r->row->launches[r->row->typical]->repeat);
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td></tr>\n");
}

void assay_decision_rules(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CLAUSE, ASSAY_SAY_REQUIRED,  ASSAY_SAY_CLAIMED,
                                             ASSAY_SAY_FOUND,  ASSAY_SAY_DEVIATION, ASSAY_SAY_OUTCOME,
                                             ASSAY_SAY_REPEAT};
    assay_sink_raw(&p->to, "<section id=\"rules\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_RULES);
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        char evidence[160];
        struct assay_text text = ASSAY_TEXT(evidence);
        assay_say_candidate_evidence(&text, p->language, c);
        assay_sink_raw(&p->to, "<h3>");
        assay_sink_text(&p->to, c->name);
        assay_sink_raw(&p->to, " <small>");
        assay_sink_textf(&p->to, "%s%s%s", c->backend, assay_say(p->language, ASSAY_SAY_SEMICOLON), evidence);
        assay_sink_raw(&p->to, "</small></h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
        assay_sink_text(&p->to, c->name);
        assay_sink_raw(&p->to, "\"><table class=\"rules\">");
        assay_decision_columns(p, columns, sizeof columns / sizeof *columns);
        assay_sink_raw(&p->to, "<tbody>\n");
        for (size_t k = 0; k < p->q->policy->n_rules; k++)
            row(p, c, &c->results[k]);
        assay_sink_raw(&p->to, "</tbody></table></div>\n");
    }
    assay_sink_raw(&p->to, "</section>\n");
}
