/* Of all rules and candidates the few that page one tells: reasons for the decision, and doubts with what would settle each. */
#include <math.h>
#include <stdio.h>

#include "reports/decision/page.h"

#include "assay/banned.h"

#define SHOWN 3

struct point {
    const struct assay_candidate *c;
    const struct assay_rule_result *r;
    double order[5]; /* what comes first has the smaller ones, the first that differ decide */
};

/* How far the settling of one rule moves the candidate's decision: the last open one decides it; of one that is refused
 * already none does. */
static double leverage(const struct assay_candidate *c)
{
    return c->failed ? 0 : 1 / (double)c->undecided;
}

/* What is known of a rule, over its threshold: what would fail it stands first. Without a figure a measured one is open to
 * both sides; of what is modelled all are open, and those with a figure say more. */
static double margin(const struct assay_candidate *c, const struct assay_rule_result *r)
{
    return r->has_bounds ? r->ratio_low : c->measured ? 1 : INFINITY;
}

/* Is it told already that it is so with this candidate? */
static bool kind_is_told(const struct point *shown, size_t n, const struct point *one)
{
    size_t i = 0;
    while (i < n && (shown[i].c != one->c || shown[i].r->reason != one->r->reason))
        i++;
    return i < n;
}

static size_t told_of(const struct point *shown, size_t n, const struct assay_candidate *c)
{
    size_t times = 0;
    for (size_t i = 0; i < n; i++)
        times += shown[i].c == c;
    return times;
}

/* A doubt of each candidate before a second one of any, those first that would decide one, and one that can be bought; of reasons what refuses, then
 * what holds by the least, and each kind once before it is told again. */
static void order(struct point *one, bool doubts, const struct point *shown, size_t n)
{
    double again = kind_is_told(shown, n, one), many = (double)told_of(shown, n, one->c);
    double doubt[] = {many, -leverage(one->c), (double)assay_candidate_list(one->c), again, margin(one->c, one->r)};
    double reason[] = {again, one->r->decision != ASSAY_NOT_QUALIFIED, one->r->has_bounds ? one->r->ratio_low : INFINITY, many, 0};
    for (size_t i = 0; i < 5; i++)
        one->order[i] = doubts ? doubt[i] : reason[i];
}

static bool comes_before(const struct point *a, const struct point *b)
{
    size_t i = 0;
    while (i < 4 && !(a->order[i] < b->order[i]) && !(b->order[i] < a->order[i]))
        i++;
    return a->order[i] < b->order[i];
}

static bool is_shown(const struct point *shown, size_t n, const struct assay_rule_result *r)
{
    size_t i = 0;
    while (i < n && shown[i].r != r)
        i++;
    return i < n;
}

static bool is_point(const struct assay_rule_result *r, bool doubts)
{
    return r->rule->kind == ASSAY_RULE_MANDATORY && (r->decision == ASSAY_INSUFFICIENT) == doubts;
}

/* The points to show; returns how many there are in all. */
static size_t collect(const struct assay_qualification *q, bool doubts, struct point out[SHOWN], size_t *shown)
{
    size_t all = 0, rules = q->policy->n_rules;
    for (size_t i = 0; i < q->n * rules; i++)
        all += is_point(&q->candidates[i / rules].results[i % rules], doubts);
    for (*shown = 0; *shown < SHOWN && *shown < all; ++*shown) {
        struct point *best = &out[*shown];
        best->r = NULL;
        for (size_t i = 0; i < q->n * rules; i++) {
            struct point one = {.c = &q->candidates[i / rules], .r = &q->candidates[i / rules].results[i % rules]};
            if (!is_point(one.r, doubts) || is_shown(out, *shown, one.r))
                continue;
            order(&one, doubts, out, *shown);
            if (!best->r || comes_before(&one, best))
                *best = one;
        }
    }
    return all;
}

static void say_point(struct assay_decision_page *p, const struct point *point, bool doubts)
{
    char room[1200];
    struct assay_text text = ASSAY_TEXT(room);
    assay_sink_raw(&p->to, "<li><b>");
    assay_sink_textf(&p->to, "%s%s%s", point->c->name, assay_say(p->language, ASSAY_SAY_COMMA), point->r->rule->id);
    assay_sink_raw(&p->to, "</b>");
    assay_decision_say(p, ASSAY_SAY_COLON);
    assay_say_why(&text, p->language, point->r);
    assay_sink_text(&p->to, room);
    if (doubts) {
        text = ASSAY_TEXT(room);
        assay_say_settle(&text, p->language, point->r);
        assay_decision_say(p, ASSAY_SAY_FULL_STOP);
        assay_decision_say_with(p, ASSAY_SAY_SETTLED_BY, (const char *const[]){room, NULL});
    }
    assay_sink_raw(&p->to, "</li>\n");
}

static void points(struct assay_decision_page *p, bool doubts)
{
    struct point shown[SHOWN];
    size_t n = 0, all = collect(p->q, doubts, shown, &n);
    char more[24];
    assay_sink_raw(&p->to, "<section id=\"%s\">\n", doubts ? "doubts" : "reasons");
    assay_decision_heading(p, "h2", doubts ? ASSAY_SAY_DOUBTS : ASSAY_SAY_REASONS);
    if (!all)
        assay_decision_heading(p, "p", doubts ? ASSAY_SAY_NO_DOUBT : ASSAY_SAY_NO_REASON);
    else {
        assay_sink_raw(&p->to, "<ol>\n");
        for (size_t i = 0; i < n; i++)
            say_point(p, &shown[i], doubts);
        assay_sink_raw(&p->to, "</ol>\n");
    }
    if (doubts && all > n) {
        (void)snprintf(more, sizeof more, "%zu", all - n);
        assay_sink_raw(&p->to, "<p>");
        assay_decision_say_with(p, ASSAY_SAY_MORE_DOUBTS, (const char *const[]){more, NULL});
        assay_sink_raw(&p->to, "</p>\n");
    }
    assay_sink_raw(&p->to, "</section>\n");
}

void assay_decision_points(struct assay_decision_page *p)
{
    points(p, false);
    points(p, true);
}
