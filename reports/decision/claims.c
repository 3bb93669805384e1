/* What vendors say beside what was measured, or published by others. */
#include "reports/decision/page.h"

#include "assay/banned.h"

static void claim(struct assay_decision_page *p, const struct assay_claim *c)
{
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\"", c->device);
    assay_sink_raw(&p->to, "<td>");
    assay_decision_verbatim(p, "q", c->text);
    const char *comma = assay_say(p->language, ASSAY_SAY_COMMA), *semicolon = assay_say(p->language, ASSAY_SAY_SEMICOLON);
    assay_sink_raw(&p->to, " ");
    assay_decision_verbatim(p, "span", c->claimed.source);
    assay_sink_textf(&p->to, "%s%s%s", comma, c->claimed.date, *c->claimed.counted ? semicolon : "");
    if (*c->claimed.counted)
        assay_decision_verbatim(p, "span", c->claimed.counted);
    assay_sink_raw(&p->to, "</td><td>");
    assay_sink_textf(&p->to, "%.6g %s", c->claimed.stated, c->claimed.unit);
    assay_sink_raw(&p->to, "</td><td>");
    if (c->evidence)
        assay_sink_textf(&p->to, "%.4g %s%s%s%s%s", c->value, c->claimed.unit, comma, assay_say_evidence(p->language, c->evidence),
                         assay_say(p->language, ASSAY_SAY_COLON), c->compared_with);
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td><td class=\"short\">");
    assay_sink_raw(&p->to, c->evidence ? "%.2f" : "–", c->ratio);
    assay_sink_raw(&p->to, "</td>");
    assay_decision_text(p, "td class=\"short\"", assay_say_claim(p->language, c->verdict));
    assay_sink_raw(&p->to, "</tr>\n");
}

void assay_decision_claims(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_DEVICE,   ASSAY_SAY_CLAIM, ASSAY_SAY_CLAIMED,
                                             ASSAY_SAY_COMPARED, ASSAY_SAY_RATIO, ASSAY_SAY_OUTCOME};
    assay_sink_raw(&p->to, "<section id=\"claims\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_CLAIMS);
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"rules\">",
                   assay_say(p->language, ASSAY_SAY_CLAIMS));
    assay_decision_columns(p, columns, sizeof columns / sizeof *columns);
    assay_sink_raw(&p->to, "<tbody>\n");
    for (size_t i = 0; i < p->claims->n; i++)
        claim(p, &p->claims->claims[i]);
    assay_sink_raw(&p->to, "</tbody></table></div>\n</section>\n");
}
