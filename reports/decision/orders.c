/* What an order of a device that cannot be bought yet should be conditional on: a row a rule, then the prices that
 * would do. */
#include <math.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/judge/ownership.h"
#include "reports/decision/page.h"

#include "assay/banned.h"

static void number(struct assay_text *out, const struct assay_need *n, double value)
{
    const char *unit = assay_device_fields[n->field].unit;
    assay_text_add(out, n->at_most ? "≤ " : "≥ ");
    assay_string_quantity(out, value, unit, 3);
}

static void need_cell(struct assay_decision_page *p, const struct assay_need *n)
{
    char value[80];
    struct assay_text text = ASSAY_TEXT(value);
    assay_sink_raw(&p->to, "<td>");
    if (*n->why_not || !n->moves)
        assay_decision_say(p, ASSAY_SAY_NEED_IDLE);
    else if (n->sure_is == ASSAY_NEED_ANY)
        assay_decision_say(p, ASSAY_SAY_NEED_ANY);
    else if (n->sure_is == ASSAY_NEED_NEVER)
        assay_decision_say(p, ASSAY_SAY_NEED_NEVER);
    else {
        number(&text, n, n->sure);
        assay_sink_text(&p->to, value);
    }
    assay_sink_raw(&p->to, "</td>");
}

static void lack_cell(struct assay_decision_page *p, const struct assay_guarantee *g)
{
    static const enum assay_say say[] = {[ASSAY_GUARANTEE_KNOWN] = ASSAY_SAY_ORDER_NO_TIME,
                                         [ASSAY_GUARANTEE_NO_TIME] = ASSAY_SAY_ORDER_NO_TIME,
                                         [ASSAY_GUARANTEE_NO_DEVICE] = ASSAY_SAY_ORDER_NO_DEVICE,
                                         [ASSAY_GUARANTEE_NO_NUMBERS] = ASSAY_SAY_ORDER_NO_NUMBERS};
    char detail[300];
    struct assay_text text = ASSAY_TEXT(detail);
    assay_say_told(&text, p->language, g->detail);
    assay_sink_raw(&p->to, "<td colspan=\"3\">");
    assay_decision_say_with(p, say[g->lack], (const char *const[]){detail, NULL});
    assay_sink_raw(&p->to, "</td>");
}

static void row(struct assay_decision_page *p, const struct assay_guarantee *g)
{
    const char *unit = strcmp(g->rule->unit, "1") != 0 ? g->rule->unit : "";
    char value[80], chance[24];
    bool higher = g->rule->expression.better == ASSAY_BETTER_HIGHER;
    (void)snprintf(value, sizeof value, "%.4g%s%.40s", g->measured, *unit ? " " : "", unit);
    (void)snprintf(chance, sizeof chance, "%.0f", 100 * g->chance);
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\"", g->candidate->name);
    assay_decision_text(p, "td class=\"short\"", g->rule->id);
    assay_sink_raw(&p->to, "<td>");
    assay_decision_say_with(p, higher ? ASSAY_SAY_AT_LEAST : ASSAY_SAY_AT_MOST, (const char *const[]){value, NULL});
    assay_sink_raw(&p->to, "</td>");
    if (g->lack)
        lack_cell(p, g);
    else {
        assay_sink_raw(&p->to, "<td>");
        assay_decision_say_with(p, ASSAY_SAY_ORDER_CHANCE, (const char *const[]){chance, NULL});
        assay_sink_raw(&p->to, "</td>");
        need_cell(p, &g->bandwidth);
        if (g->has_peak)
            need_cell(p, &g->peak);
        else
            assay_decision_heading(p, "td", ASSAY_SAY_NEED_IDLE);
    }
    assay_sink_raw(&p->to, "</tr>\n");
}

static bool is_priced(const struct assay_decision_page *p, const struct assay_candidate *c)
{
    return assay_need_is_known(p->q->policy, c->offer) && c->offer->power_watts.high > 0;
}

/* At which price a device that cannot be bought yet costs what one costs that can. */
static void prices(struct assay_decision_page *p)
{
    bool any = false;
    for (size_t i = 0; i < p->q->n * p->q->n; i++) {
        const struct assay_candidate *a = &p->q->candidates[i / p->q->n], *b = &p->q->candidates[i % p->q->n];
        if (!a->announced || b->announced || a->division != b->division || !is_priced(p, a) || !is_priced(p, b))
            continue;
        if (!any) {
            assay_decision_heading(p, "p", ASSAY_SAY_ORDER_PRICES);
            assay_sink_raw(&p->to, "<ul class=\"prose\">\n");
        }
        any = true;
        assay_decision_parity(p, a, b);
    }
    if (any)
        assay_sink_raw(&p->to, "</ul>\n");
}

void assay_decision_orders(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE,       ASSAY_SAY_RULE_COLUMN,
                                             ASSAY_SAY_ORDER_MEASURED,  ASSAY_SAY_ORDER_AS_TOLD,
                                             ASSAY_SAY_ORDER_BANDWIDTH, ASSAY_SAY_ORDER_PEAK};
    if (!p->orders || !p->orders->n)
        return;
    assay_sink_raw(&p->to, "<section id=\"orders\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_ORDERS);
    assay_decision_heading(p, "p", ASSAY_SAY_ORDERS_TEXT);
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>",
                   assay_say(p->language, ASSAY_SAY_ORDERS));
    assay_decision_columns(p, columns, sizeof columns / sizeof *columns);
    assay_sink_raw(&p->to, "<tbody>\n");
    for (size_t i = 0; i < p->orders->n; i++)
        row(p, &p->orders->rows[i]);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    prices(p);
    assay_sink_raw(&p->to, "</section>\n");
}
