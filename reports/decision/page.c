#include "reports/decision/page.h"

#include <math.h>
#include <string.h>

#include "reports/figures.h"

#include "assay/banned.h"

void assay_decision_say(struct assay_decision_page *p, enum assay_say what)
{
    assay_sink_text(&p->to, assay_say(p->language, what));
}

void assay_decision_say_with(struct assay_decision_page *p, enum assay_say what, const char *const *arguments)
{
    char              room[4096];
    struct assay_text text = ASSAY_TEXT(room);
    assay_say_with(&text, p->language, what, arguments);
    assay_sink_text(&p->to, room);
}

void assay_decision_text(struct assay_decision_page *p, const char *tag, const char *text)
{
    assay_sink_raw(&p->to, "<%s>", tag);
    assay_sink_text(&p->to, text);
    assay_sink_raw(&p->to, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void assay_decision_verbatim(struct assay_decision_page *p, const char *tag, const char *text)
{
    char with[128];
    (void)snprintf(with, sizeof with, "%.80s lang=\"%s\"", tag, assay_language_of(text));
    assay_decision_text(p, with, text);
}

static void say_piece(struct assay_decision_page *p, const char *message, const char *const *arguments)
{
    char room[4096];
    struct assay_text text = ASSAY_TEXT(room);
    assay_say_fill(&text, message, arguments);
    assay_sink_text(&p->to, room);
}

void assay_decision_say_quoting(struct assay_decision_page *p, enum assay_say what, const char *const *arguments,
                                size_t which)
{
    char before[1024], hole[8];
    const char *message = assay_say(p->language, what);
    (void)snprintf(hole, sizeof hole, "{%zu}", which);
    const char *at = strstr(message, hole);
    if (!at) {
        assay_decision_say_with(p, what, arguments);
        return;
    }
    (void)snprintf(before, sizeof before, "%.*s", (int)(at - message), message);
    say_piece(p, before, arguments);
    assay_decision_verbatim(p, "span", arguments[which]);
    say_piece(p, at + strlen(hole), arguments);
}

void assay_decision_heading(struct assay_decision_page *p, const char *tag, enum assay_say what)
{
    assay_decision_text(p, tag, assay_say(p->language, what));
    assay_sink_raw(&p->to, "\n");
}

void assay_decision_columns(struct assay_decision_page *p, const enum assay_say *columns, size_t n)
{
    assay_sink_raw(&p->to, "<thead><tr>");
    for (size_t i = 0; i < n; i++)
        assay_decision_heading(p, "th scope=\"col\"", columns[i]);
    assay_sink_raw(&p->to, "</tr></thead>\n");
}

void assay_decision_number(struct assay_text *out, double value, int digits)
{
    double unit = value > 0 ? pow(10, floor(log10(value)) + 1 - digits) : 1, rounded = floor(value / unit + 0.5) * unit;
    if (rounded >= 1000 && rounded < 1e15)
        assay_figure_count(out, (uint64_t)(rounded + 0.5));
    else
        assay_text_add(out, "%.*g", digits, value);
}

static void say_money(struct assay_text *out, double value)
{
    if (value >= 1e4 && value < 1e15)
        assay_figure_count(out, (uint64_t)(value + 0.5));
    else
        assay_text_add(out, "%.4g", value);
}

void assay_decision_money(struct assay_decision_page *p, const struct assay_range *r, bool has_middle)
{
    char              middle[64], low[64], high[64];
    struct assay_text t[] = {ASSAY_TEXT(middle), ASSAY_TEXT(low), ASSAY_TEXT(high)};
    say_money(&t[0], r->middle);
    say_money(&t[1], r->low);
    say_money(&t[2], r->high);
    if (!(r->low < r->high))
        assay_sink_textf(&p->to, "%s", middle);
    else if (has_middle)
        assay_decision_say_with(p, ASSAY_SAY_MIDDLE_RANGE, (const char *const[]){middle, low, high, NULL});
    else
        assay_sink_textf(&p->to, "%s – %s", low, high);
    assay_sink_textf(&p->to, " %s", p->q->policy->costs.currency);
}

void assay_decision_list_title(struct assay_decision_page *p, const struct assay_candidate *c)
{
    assay_sink_raw(&p->to, "<h3>");
    assay_decision_say(p, c->division == ASSAY_DIVISION_OPEN ? ASSAY_SAY_DIVISION_OPEN : ASSAY_SAY_DIVISION_CLOSED);
    assay_decision_say(p, ASSAY_SAY_COLON);
    assay_decision_say(p, c->announced ? ASSAY_SAY_LIST_ANNOUNCED : c->measured ? ASSAY_SAY_MEASURED_ABOVE : ASSAY_SAY_LIST_MODELLED);
    assay_sink_raw(&p->to, "</h3>\n");
}

static bool asks_a_training(const struct assay_policy *policy)
{
    return policy->demand.training_items > 0;
}

void assay_decision_lack(struct assay_decision_page *p, const struct assay_candidate *c)
{
    static const enum assay_say served[] = {[ASSAY_PROMISE_KNOWN] = ASSAY_SAY_NO_CURVE,
                                            [ASSAY_PROMISE_NOT_ASKED] = ASSAY_SAY_NO_CURVE_ASKED,
                                            [ASSAY_PROMISE_NOT_RUN] = ASSAY_SAY_NO_CURVE,
                                            [ASSAY_PROMISE_NOT_PROVED] = ASSAY_SAY_NO_CURVE_PROVED,
                                            [ASSAY_PROMISE_NONE_KEEPS] = ASSAY_SAY_NO_RATE_KEEPS};
    char devices[24], days[24];
    (void)snprintf(devices, sizeof devices, "%.0f", c->promise.devices);
    (void)snprintf(days, sizeof days, "%.3g", c->promise.days);
    if (c->offer && c->offer->at_promise_per_s.low > 0)
        assay_decision_say(p, ASSAY_SAY_NO_DEMAND);
    else if (c->promise.lack == ASSAY_PROMISE_TOO_SLOW)
        assay_decision_say_with(p, ASSAY_SAY_TOO_SLOW, (const char *const[]){devices, days, NULL});
    else if (asks_a_training(p->q->policy))
        assay_decision_say(p, c->promise.lack == ASSAY_PROMISE_NOT_PROVED ? ASSAY_SAY_NO_STEP_PROVED : ASSAY_SAY_NO_STEP);
    else
        assay_decision_say(p, served[c->promise.lack]);
}

enum assay_say assay_decision_promise_column(const struct assay_policy *policy)
{
    return asks_a_training(policy) ? ASSAY_SAY_PROMISE_COLUMN_TRAINING : ASSAY_SAY_PROMISE_COLUMN;
}

void assay_decision_power_source(struct assay_decision_page *p, const struct assay_offer *o)
{
    char devices[24];
    (void)snprintf(devices, sizeof devices, "%.0f", o->system_devices);
    if (!(o->power_watts.high > 0))
        assay_sink_raw(&p->to, "–");
    else if (o->power_has_facility)
        assay_decision_say_with(p, ASSAY_SAY_BY_SYSTEM, (const char *const[]){devices, NULL});
    else
        assay_decision_say(p, o->power_evidence ? ASSAY_SAY_BY_DESCRIPTION : ASSAY_SAY_BY_BUYER);
}
