/* Cost of ownership and what the order by cost rests on; measured candidates, others and announced ones each among themselves. */
#include <stdlib.h>
#include <string.h>

#include "harness/judge/ownership.h"
#include "reports/decision.h"

#include "assay/banned.h"

/* Those of one kind and division whose cost is known. */
struct field {
    const struct assay_candidate **candidates;
    const struct assay_offer     **offers;
    size_t                         n;
};

static bool stands_with(const struct assay_candidate *a, const struct assay_candidate *b)
{
    return a->division == b->division && a->announced == b->announced && (a->announced || a->measured == b->measured);
}

/* An offer counts once, however many run folders have it. */
static void gather(struct assay_decision_page *p, const struct assay_candidate *like, struct field *f)
{
    f->n = 0;
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        bool                          again = false;
        for (size_t k = 0; k < f->n; k++)
            again = again || f->offers[k] == c->offer;
        if (again || !stands_with(c, like) || !assay_cost_is_known(p->q->policy, c->offer))
            continue;
        f->candidates[f->n] = c;
        f->offers[f->n++] = c->offer;
    }
}

static const struct assay_candidate *who(const struct field *f, const struct assay_ownership *o)
{
    size_t i = 0;
    while (f->offers[i] != o->offer)
        i++;
    return f->candidates[i];
}

static void row(struct assay_decision_page *p, const struct field *f, const struct assay_ownership *o)
{
    const char *currency = p->q->policy->costs.currency;
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\"", who(f, o)->name);
    assay_sink_raw(&p->to, "<td>");
    assay_decision_money(p, o->middle, o->low, o->high);
    assay_sink_raw(&p->to, "</td><td>");
    assay_sink_textf(&p->to, "%.4g %s", o->per_million, currency);
    assay_sink_raw(&p->to, "</td><td>");
    if (o->per_run > 0)
        assay_sink_textf(&p->to, "%.4g %s", o->per_run, currency);
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td><td>");
    assay_sink_textf(&p->to, "%.4g/s/W", o->per_watt);
    assay_sink_raw(&p->to, "</td><td>");
    assay_sink_textf(&p->to, "%.0f – %.0f %% (± %.1f %%)", 100 * o->first_low, 100 * o->first_high, 100 * o->error);
    assay_sink_raw(&p->to, "</td></tr>\n");
}

static void sentence(struct assay_decision_page *p, enum assay_say what, const char *const *arguments)
{
    assay_sink_raw(&p->to, "<li>");
    assay_decision_say_with(p, what, arguments);
    assay_sink_raw(&p->to, "</li>\n");
}

static void flip(struct assay_decision_page *p, const struct field *f, const struct assay_costing *c,
                 const struct assay_cost_flip *at)
{
    static const enum assay_say inputs[] = {ASSAY_SAY_INPUT_HOST_PRICE, ASSAY_SAY_INPUT_NETWORK, ASSAY_SAY_INPUT_POWER_PRICE,
                                            ASSAY_SAY_INPUT_PUE,        ASSAY_SAY_INPUT_YEARS,   ASSAY_SAY_INPUT_STAFF,
                                            ASSAY_SAY_INPUT_LOAD,       ASSAY_SAY_INPUT_PRICE,   ASSAY_SAY_INPUT_POWER};
    const char                 *a = who(f, &c->costs[at->a])->name, *b = who(f, &c->costs[at->b])->name;
    const char                 *of = at->of < 0 ? "" : who(f, &c->costs[at->of])->name, *currency = p->q->policy->costs.currency;
    char                        value[64], input[300];
    struct assay_text           name = ASSAY_TEXT(input);
    bool money = at->input != ASSAY_COST_PUE && at->input != ASSAY_COST_YEARS && at->input != ASSAY_COST_LOAD &&
                 at->input != ASSAY_COST_POWER;
    (void)snprintf(value, sizeof value, "%.6g%s%.20s", at->value, money || at->input == ASSAY_COST_POWER ? " " : "",
                   money                           ? currency
                   : at->input == ASSAY_COST_POWER ? "W"
                                                   : "");
    if (at->input == ASSAY_COST_PRICE && at->of == (int)at->b) {
        sentence(p, ASSAY_SAY_WINS_BELOW, (const char *const[]){b, a, value, NULL});
        return;
    }
    assay_say_with(&name, p->language, inputs[at->input], (const char *const[]){of, NULL});
    const char *where = assay_say(p->language, at->in_range ? ASSAY_SAY_WITHIN : ASSAY_SAY_OUTSIDE);
    sentence(p, ASSAY_SAY_SAME_WHERE, (const char *const[]){a, b, input, value, where, NULL});
}

static void withdrawal(struct assay_decision_page *p, const struct field *f, const struct assay_costing *c)
{
    struct assay_standing *all = calloc(c->n + 1, sizeof *all);
    size_t                 out[3];
    if (!all) {
        p->to.failed = true;
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        const struct assay_candidate *one = who(f, &c->costs[i]);
        all[i] = (struct assay_standing){(one->points_low + one->points_high) / 2, c->costs[i].middle};
    }
    if (assay_rank_reverses(all, c->n, p->q->policy->price_points, out))
        sentence(p, ASSAY_SAY_REVERSAL,
                 (const char *const[]){who(f, &c->costs[out[0]])->name, who(f, &c->costs[out[1]])->name,
                                       who(f, &c->costs[out[2]])->name, NULL});
    else
        sentence(p, ASSAY_SAY_NO_REVERSAL, (const char *const[]){NULL});
    free(all);
}

/* Dominance first, then where one input flips the order, then who hangs on whom. */
static void sentences(struct assay_decision_page *p, const struct field *f, const struct assay_costing *c)
{
    assay_sink_raw(&p->to, "<ul class=\"prose\">\n");
    for (size_t i = 0; i < c->n * c->n; i++)
        if (c->beats[i])
            sentence(p, ASSAY_SAY_DOMINATES,
                     (const char *const[]){who(f, &c->costs[i / c->n])->name, who(f, &c->costs[i % c->n])->name, NULL});
    for (size_t i = 0; i < c->n_flips; i++)
        flip(p, f, c, &c->flips[i]);
    if (p->q->policy->all_points > 0 && c->n > 2)
        withdrawal(p, f, c);
    assay_sink_raw(&p->to, "</ul>\n");
}

static void group(struct assay_decision_page *p, const struct field *f, enum assay_say title)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE, ASSAY_SAY_COST_COLUMN, ASSAY_SAY_PER_MILLION,
                                             ASSAY_SAY_PER_RUN,   ASSAY_SAY_PER_WATT,    ASSAY_SAY_FIRST_SHARE};
    struct assay_costing        c = {.n = 0};
    struct assay_error          err = {.code = ASSAY_OK};
    if (assay_cost_rank(p->q->policy, f->offers, f->n, &c, &err)) {
        p->to.failed = true;
        return;
    }
    assay_decision_heading(p, "h3", title);
    for (size_t i = 0; i < f->n; i++) {
        assay_sink_raw(&p->to, "<p class=\"small\">");
        assay_sink_textf(&p->to, "%s: ", f->candidates[i]->name);
        assay_decision_say_with(p, ASSAY_SAY_COST_BASIS, (const char *const[]){f->offers[i]->at_promise_source, NULL});
        assay_sink_raw(&p->to, "</p>\n");
    }
    assay_sink_raw(&p->to,
                   "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"rules\"><thead><tr>",
                   assay_say(p->language, ASSAY_SAY_COSTS));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        assay_sink_raw(&p->to, "<th scope=\"col\">");
        assay_decision_say_with(p, columns[i], (const char *const[]){p->q->policy->demand.unit, NULL});
        assay_sink_raw(&p->to, "</th>");
    }
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < c.n; i++)
        row(p, f, &c.costs[i]);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    sentences(p, f, &c);
    assay_costing_release(&c);
}

void assay_decision_costs(struct assay_decision_page *p)
{
    struct field f = {.candidates = calloc(p->q->n, sizeof(void *)), .offers = calloc(p->q->n, sizeof(void *))};
    bool         any = false;
    if (!f.candidates || !f.offers)
        p->to.failed = true;
    for (size_t i = 0; i < p->q->n && !p->to.failed; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        if (i > 0 && stands_with(c, &p->q->candidates[i - 1]))
            continue;
        gather(p, c, &f);
        if (!f.n)
            continue;
        if (!any) {
            assay_sink_raw(&p->to, "<section id=\"costs\" class=\"back\">\n");
            assay_decision_heading(p, "h2", ASSAY_SAY_COSTS);
        }
        any = true;
        group(p, &f,
              c->announced  ? ASSAY_SAY_ANNOUNCED_BELOW
              : c->measured ? ASSAY_SAY_MEASURED_ABOVE
                            : ASSAY_SAY_MODELLED_BELOW);
    }
    if (any)
        assay_sink_raw(&p->to, "</section>\n");
    free(f.candidates);
    free(f.offers);
}
