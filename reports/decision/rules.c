/* Behind page one: every rule with its clause, what is required and what was found, one table a candidate. */
#include "reports/decision/page.h"
#include "reports/decision/deviation.h"

#include "assay/banned.h"

static enum assay_say kind(const struct assay_rule *rule)
{
    return rule->kind == ASSAY_RULE_MANDATORY ? ASSAY_SAY_MANDATORY
           : rule->kind == ASSAY_RULE_SCORED  ? ASSAY_SAY_SCORED
                                              : ASSAY_SAY_INFORMATIVE;
}

static void row(struct assay_decision_page *p, const struct assay_candidate *c, size_t rule)
{
    const struct assay_rule_result *r = &c->results[rule];
    struct assay_deviation deviation;
    char room[1200];
    struct assay_text text = ASSAY_TEXT(room);
    assay_deviation_of(c, rule, p->claims, p->language, &deviation);
    assay_sink_raw(&p->to, "<tr><td>");
    assay_decision_say(p, kind(r->rule));
    assay_sink_raw(&p->to, " ");
    assay_decision_text(p, "b", r->rule->id);
    assay_decision_say(p, ASSAY_SAY_COMMA);
    assay_decision_verbatim(p, "span", r->rule->document);
    assay_sink_textf(&p->to, " %s%s", r->rule->number, assay_say(p->language, ASSAY_SAY_COLON));
    assay_decision_verbatim(p, "q", r->rule->text);
    assay_sink_raw(&p->to, "</td><td>");
    assay_say_required(&text, p->language, r->rule);
    assay_sink_text(&p->to, room);
    assay_sink_raw(&p->to, "</td>");
    assay_decision_text(p, "td", deviation.claimed);
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
    assay_decision_text(p, "td", deviation.deviation);
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
            row(p, c, k);
        assay_sink_raw(&p->to, "</tbody></table></div>\n");
    }
    assay_sink_raw(&p->to, "</section>\n");
}
