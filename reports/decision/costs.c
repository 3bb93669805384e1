/* Cost of ownership and what the order by cost rests on; measured candidates, others and announced ones each among
 * themselves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/ownership.h"
#include "reports/decision/page.h"

#include "assay/banned.h"

/* Those of one kind and division whose cost is known. */
struct field {
    const struct assay_candidate **candidates;
    struct assay_bid *bids;
    size_t n;
};

static bool stands_with(const struct assay_candidate *a, const struct assay_candidate *b)
{
    return a->division == b->division && assay_candidate_list(a) == assay_candidate_list(b);
}

/* An offer counts once, however many run folders have it. */
static void gather(struct assay_decision_page *p, const struct assay_candidate *like, struct field *f,
                   bool (*is_known)(const struct assay_policy *policy, const struct assay_offer *offer))
{
    f->n = 0;
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        bool again = false;
        if (!stands_with(c, like) || !is_known(p->q->policy, c->offer))
            continue;
        for (size_t k = 0; k < f->n; k++)
            again = again || !strcmp(f->bids[k].offer->device, c->offer->device);
        if (again)
            continue;
        f->candidates[f->n] = c;
        f->bids[f->n++] = (struct assay_bid){c->offer, c->points_low, c->points_high};
    }
}

static const struct assay_candidate *who(const struct field *f, const struct assay_ownership *o)
{
    return f->candidates[o->bid];
}

static void money_cell(struct assay_decision_page *p, const struct assay_range *r, bool has_middle)
{
    assay_sink_raw(&p->to, "<td>");
    if (r->high > 0)
        assay_decision_money(p, r, has_middle);
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td>");
}

static void share_cell(struct assay_decision_page *p, bool alone, double low, double high, double error)
{
    char a[24], b[24], e[24];
    (void)snprintf(a, sizeof a, "%.0f", 100 * low);
    (void)snprintf(b, sizeof b, "%.0f", 100 * high);
    (void)snprintf(e, sizeof e, "%.1f", 100 * error);
    if (alone) { /* nobody else has a cost: being first among one says nothing */
        assay_sink_raw(&p->to, "<td>–</td>");
        return;
    }
    assay_sink_raw(&p->to, "<td>");
    assay_decision_say_with(p, ASSAY_SAY_SHARE_RANGE, (const char *const[]){a, b, e, NULL});
    assay_sink_raw(&p->to, "</td>");
}

static void row(struct assay_decision_page *p, const struct field *f, const struct assay_ownership *o)
{
    struct assay_range cost = {o->low, o->middle, o->high};
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\"", who(f, o)->name);
    money_cell(p, &cost, o->has_middle);
    money_cell(p, &o->per_million, o->has_middle);
    money_cell(p, &o->per_run, o->has_middle);
    assay_sink_raw(&p->to, "<td>");
    if (o->per_watt.low < o->per_watt.high)
        assay_sink_textf(&p->to, "%.3g – %.3g/s/W", o->per_watt.low, o->per_watt.high);
    else
        assay_sink_textf(&p->to, "%.4g/s/W", o->per_watt.middle);
    assay_sink_raw(&p->to, "</td>");
    share_cell(p, f->n < 2, o->first_low, o->first_high, o->error);
    if (p->q->policy->all_points > 0)
        share_cell(p, f->n < 2, o->best_low, o->best_high, o->error);
    assay_sink_raw(&p->to, "</tr>\n");
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
    static const enum assay_say inputs[] = {
        ASSAY_SAY_INPUT_HOST_PRICE, ASSAY_SAY_INPUT_NETWORK, ASSAY_SAY_INPUT_POWER_PRICE, ASSAY_SAY_INPUT_PUE,
        ASSAY_SAY_INPUT_YEARS,      ASSAY_SAY_INPUT_STAFF,   ASSAY_SAY_INPUT_LOAD,        ASSAY_SAY_INPUT_PRICE,
        ASSAY_SAY_INPUT_POWER,      ASSAY_SAY_INPUT_PROMISE};
    const char *a = who(f, &c->costs[at->a])->name, *b = who(f, &c->costs[at->b])->name;
    const char *of = at->of < 0 ? "" : who(f, &c->costs[at->of])->name, *currency = p->q->policy->costs.currency;
    char value[64], input[300];
    struct assay_text name = ASSAY_TEXT(input);
    static const char *const units[ASSAY_COST_FLIPPABLE] = {[ASSAY_COST_PUE] = "",
                                                            [ASSAY_COST_YEARS] = "",
                                                            [ASSAY_COST_LOAD] = "",
                                                            [ASSAY_COST_POWER] = " W",
                                                            [ASSAY_COST_PROMISE] = "/s"};
    (void)snprintf(value, sizeof value, "%.6g%s%.20s", at->value, units[at->input] ? units[at->input] : " ",
                   units[at->input] ? "" : currency);
    if (at->input == ASSAY_COST_PRICE && at->of == (int)at->b && !at->rising) {
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
    size_t out[3];
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

/* Of each candidate: where its throughput is from. */
static void bases(struct assay_decision_page *p, const struct field *f)
{
    for (size_t i = 0; i < f->n; i++) {
        char              basis[500];
        struct assay_text text = ASSAY_TEXT(basis);
        assay_say_promise_basis(&text, p->language, p->q->policy, f->candidates[i]);
        assay_sink_raw(&p->to, "<p class=\"small\">");
        assay_sink_text(&p->to, basis);
        assay_sink_raw(&p->to, "</p>\n");
    }
}

static void head(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE, ASSAY_SAY_COST_COLUMN, ASSAY_SAY_PER_MILLION,
                                             ASSAY_SAY_PER_RUN,   ASSAY_SAY_PER_WATT,    ASSAY_SAY_FIRST_SHARE,
                                             ASSAY_SAY_BEST_SHARE};
    size_t n = sizeof columns / sizeof *columns - (p->q->policy->all_points > 0 ? 0 : 1);
    assay_sink_raw(
        &p->to,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table class=\"rules\"><thead><tr>",
        assay_say(p->language, ASSAY_SAY_COSTS));
    for (size_t i = 0; i < n; i++) {
        assay_sink_raw(&p->to, "<th scope=\"col\">");
        assay_decision_say_with(p, columns[i], (const char *const[]){p->q->policy->demand.unit, NULL});
        assay_sink_raw(&p->to, "</th>");
    }
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
}

static void ranked(struct assay_decision_page *p, const struct field *f)
{
    struct assay_costing c = {.n = 0};
    struct assay_error err = {.code = ASSAY_OK};
    if (assay_cost_rank(p->q->policy, f->bids, f->n, &c, &err)) {
        p->to.failed = true;
        return;
    }
    bases(p, f);
    head(p);
    for (size_t i = 0; i < c.n; i++)
        row(p, f, &c.costs[i]);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    sentences(p, f, &c);
    assay_costing_release(&c);
}

static bool is_a_range(const struct assay_offer *o)
{
    return o->promise_has_no_middle || o->power_has_no_middle;
}

/* The offer at an end of what its throughput and its power may be: bit 0 and 1 of `corner`. */
static struct assay_offer at_corner(const struct assay_offer *o, unsigned corner)
{
    struct assay_offer at = *o;
    double rate = corner & 1 ? o->at_promise_per_s.high : o->at_promise_per_s.low;
    double watts = corner & 2 ? o->power_watts.high : o->power_watts.low;
    at.at_promise_per_s = (struct assay_range){rate, rate, rate};
    at.power_watts = (struct assay_range){watts, watts, watts};
    return at;
}

/* What one pays for: a device, or a device's share of a system. */
static const char *paid_for(struct assay_decision_page *p, const struct assay_candidate *c, char *room, size_t bytes)
{
    struct assay_text text = assay_text_over(room, bytes);
    if (!(c->offer->system_devices > 0))
        return c->name;
    assay_say_with(&text, p->language, ASSAY_SAY_SYSTEM_SHARE, (const char *const[]){c->name, NULL});
    return room;
}

/* Nothing within the ranges of either is likelier than the rest: over all their ends. */
static void parity_range(struct assay_decision_page *p, const struct assay_candidate *a, const struct assay_candidate *b)
{
    char one_of[400], other_of[400];
    double ratio[2] = {INFINITY, -INFINITY}, offset[2] = {INFINITY, -INFINITY}, r, o;
    char times[2][32], plus[2][64];
    for (unsigned corner = 0; corner < 16; corner++) {
        struct assay_offer one = at_corner(a->offer, corner & 3), other = at_corner(b->offer, corner >> 2);
        assay_price_parity(p->q->policy, &one, &other, &r, &o);
        ratio[0] = fmin(ratio[0], r), ratio[1] = fmax(ratio[1], r);
        offset[0] = fmin(offset[0], o), offset[1] = fmax(offset[1], o);
    }
    for (int i = 0; i < 2; i++) {
        struct assay_text amount = ASSAY_TEXT(plus[i]);
        (void)snprintf(times[i], sizeof times[i], "%.3g", ratio[i]);
        assay_text_add(&amount, "%s", offset[i] < 0 ? "−" : "");
        assay_decision_number(&amount, fabs(offset[i]), 3);
    }
    sentence(p, ASSAY_SAY_PARITY_RANGE,
             (const char *const[]){paid_for(p, a, one_of, sizeof one_of), paid_for(p, b, other_of, sizeof other_of), times[0], times[1],
                                  plus[0], plus[1], p->q->policy->costs.currency, NULL});
}

void assay_decision_parity(struct assay_decision_page *p, const struct assay_candidate *a,
                           const struct assay_candidate *b)
{
    double ratio, offset;
    char times[32], plus[64], one_of[400], other_of[400];
    struct assay_text amount = ASSAY_TEXT(plus);
    if (is_a_range(a->offer) || is_a_range(b->offer)) {
        parity_range(p, a, b);
        return;
    }
    assay_price_parity(p->q->policy, a->offer, b->offer, &ratio, &offset);
    (void)snprintf(times, sizeof times, "%.3g", ratio);
    assay_decision_number(&amount, fabs(offset), 3);
    assay_text_add(&amount, " %.20s", p->q->policy->costs.currency);
    sentence(p, offset < 0 ? ASSAY_SAY_PARITY_LESS : ASSAY_SAY_PARITY_MORE,
             (const char *const[]){paid_for(p, a, one_of, sizeof one_of), paid_for(p, b, other_of, sizeof other_of), times, plus, NULL});
}

/* Prices are missing: at which prices those without one would cost the same as `with`. */
static void parities(struct assay_decision_page *p, const struct field *f, const struct assay_candidate *with)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_candidate *c = f->candidates[i];
        if (c == with || assay_cost_is_known(p->q->policy, c->offer) || !(with->offer->power_watts.high > 0) || !(c->offer->power_watts.high > 0))
            continue;
        if (!any) {
            assay_decision_heading(p, "p", ASSAY_SAY_PARITY);
            assay_sink_raw(&p->to, "<ul class=\"prose\">\n");
        }
        any = true;
        assay_decision_parity(p, c, with);
    }
    if (any)
        assay_sink_raw(&p->to, "</ul>\n");
}

static void title(struct assay_decision_page *p, const struct assay_candidate *c, bool *any)
{
    if (!*any) {
        assay_sink_raw(&p->to, "<section id=\"costs\" class=\"back\">\n");
        assay_decision_heading(p, "h2", ASSAY_SAY_COSTS);
    }
    *any = true;
    assay_decision_list_title(p, c);
}

void assay_decision_costs(struct assay_decision_page *p)
{
    struct field f = {.candidates = calloc(p->q->n, sizeof(void *)), .bids = calloc(p->q->n, sizeof *f.bids)};
    bool any = false;
    if (!f.candidates || !f.bids)
        p->to.failed = true;
    for (size_t i = 0; i < p->q->n && !p->to.failed; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        if (i > 0 && stands_with(c, &p->q->candidates[i - 1]))
            continue;
        gather(p, c, &f, assay_cost_is_known);
        if (f.n) {
            title(p, c, &any);
            ranked(p, &f);
            const struct assay_candidate *priced = f.candidates[0];
            gather(p, c, &f, assay_need_is_known);
            parities(p, &f, priced);
            continue;
        }
        gather(p, c, &f, assay_need_is_known);
        if (f.n > 1) {
            title(p, c, &any);
            bases(p, &f);
            parities(p, &f, f.candidates[0]);
        }
    }
    if (any)
        assay_sink_raw(&p->to, "</section>\n");
    free(f.candidates);
    free(f.bids);
}
