/* The cost model as formulas. Every step is that of harness/judge/ownership.c, so that a spreadsheet gives what we print. */
#include <math.h>
#include <string.h>

#include "harness/judge/ownership.h"
#include "reports/book/tables.h"

#include "assay/banned.h"

/* Rows of the inputs, counted from 1 as formulas do. */
struct inputs {
    unsigned common[ASSAY_COST_COMMON]; /* columns B, C, D: low, middle, high */
    unsigned per_host, per_rack, tax, host_watts, growth, spares, hours, run_items, first_hour, peak, mean;
};

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static unsigned one(struct assay_book *book, enum assay_language language, enum assay_say what, double value)
{
    unsigned row = assay_book_row(book);
    assay_book_say(book, ASSAY_CELL_PLAIN, language, what);
    assay_book_skip(book);
    assay_book_number(book, ASSAY_CELL_INPUT, value);
    assay_book_next_row(book);
    return row;
}

static void common_inputs(struct assay_book *book, enum assay_language language, const struct assay_costs *c, struct inputs *in)
{
    static const enum assay_say names[ASSAY_COST_COMMON] = {ASSAY_SAY_INPUT_HOST_PRICE, ASSAY_SAY_INPUT_NETWORK, ASSAY_SAY_INPUT_POWER_PRICE,
                                                            ASSAY_SAY_INPUT_PUE,        ASSAY_SAY_INPUT_YEARS,   ASSAY_SAY_INPUT_STAFF,
                                                            ASSAY_SAY_INPUT_LOAD};
    const struct assay_range *ranges[ASSAY_COST_COMMON] = {&c->host_price, &c->network_price,  &c->power_price_per_kwh, &c->pue,
                                                           &c->years,      &c->staff_per_year, &c->load_share};
    static const enum assay_say heads[] = {ASSAY_SAY_INPUT, ASSAY_SAY_LOW, ASSAY_SAY_MIDDLE, ASSAY_SAY_HIGH};
    assay_book_heads(book, language, heads, sizeof heads / sizeof *heads);
    for (int i = 0; i < ASSAY_COST_COMMON; i++) {
        in->common[i] = assay_book_row(book);
        assay_book_say(book, ASSAY_CELL_PLAIN, language, names[i]);
        assay_book_number(book, ASSAY_CELL_INPUT, ranges[i]->low);
        assay_book_number(book, ASSAY_CELL_INPUT, ranges[i]->middle);
        assay_book_number(book, ASSAY_CELL_INPUT, ranges[i]->high);
        assay_book_next_row(book);
    }
}

static void demand_inputs(struct assay_book *book, enum assay_language language, const struct assay_demand *d, struct inputs *in)
{
    double peak = 0, sum = 0;
    in->first_hour = assay_book_row(book);
    for (int i = 0; i < 24; i++) {
        char              hour[12], name[100];
        struct assay_text text = ASSAY_TEXT(name);
        (void)snprintf(hour, sizeof hour, "%d", i);
        assay_say_with(&text, language, ASSAY_SAY_DEMAND_HOUR, (const char *const[]){hour, NULL});
        assay_book_text(book, ASSAY_CELL_PLAIN, name);
        assay_book_skip(book);
        assay_book_number(book, ASSAY_CELL_INPUT, d->per_s_by_hour[i]);
        assay_book_text(book, ASSAY_CELL_PLAIN, d->unit);
        assay_book_next_row(book);
        peak = fmax(peak, d->per_s_by_hour[i]);
        sum += d->per_s_by_hour[i];
    }
    in->peak = assay_book_row(book);
    assay_book_say(book, ASSAY_CELL_PLAIN, language, ASSAY_SAY_DEMAND_PEAK);
    assay_book_skip(book);
    assay_book_formula(book, ASSAY_CELL_PLAIN, peak, "MAX(C%u:C%u)", in->first_hour, in->first_hour + 23);
    assay_book_next_row(book);
    in->mean = assay_book_row(book);
    assay_book_say(book, ASSAY_CELL_PLAIN, language, ASSAY_SAY_DEMAND_MEAN);
    assay_book_skip(book);
    assay_book_formula(book, ASSAY_CELL_PLAIN, sum / 24, "AVERAGE(C%u:C%u)", in->first_hour, in->first_hour + 23);
    assay_book_next_row(book);
}

static void inputs_of(struct assay_book *book, enum assay_language language, const struct assay_policy *p, struct inputs *in)
{
    const struct assay_costs *c = &p->costs;
    common_inputs(book, language, c, in);
    in->per_host = one(book, language, ASSAY_SAY_DEVICES_PER_HOST, c->devices_per_host);
    in->per_rack = one(book, language, ASSAY_SAY_HOSTS_PER_RACK, c->hosts_per_rack);
    in->tax = one(book, language, ASSAY_SAY_TAX_RATE, c->tax_included ? 0 : c->tax_rate);
    in->host_watts = one(book, language, ASSAY_SAY_HOST_WATTS, c->host_power_watts.middle);
    in->growth = one(book, language, ASSAY_SAY_GROWTH, p->demand.growth_per_year);
    in->spares = one(book, language, ASSAY_SAY_SPARES, p->demand.spares_share);
    in->hours = one(book, language, ASSAY_SAY_HOURS_A_YEAR, ASSAY_HOURS_A_YEAR);
    in->run_items = one(book, language, ASSAY_SAY_RUN_ITEMS, c->training_run_items);
    demand_inputs(book, language, &p->demand, in);
}

/* ---- a candidate: A name, B evidence, C-E price, F-H power, I-J promise, K devices, L hosts, M racks, N kW, O-Q cost, R-T rates ---- */

static void range(struct assay_book *book, const struct assay_range *r)
{
    assay_book_number(book, ASSAY_CELL_INPUT, r->low);
    assay_book_number(book, ASSAY_CELL_INPUT, r->middle);
    assay_book_number(book, ASSAY_CELL_INPUT, r->high);
}

/* C of ownership.h with everything at one end: `common` is the column of the shared inputs, price and power the candidate's own. */
static void cost(struct assay_book *book, const struct inputs *in, const struct assay_ownership *o, char common, char price, char power, double value)
{
    const unsigned *c = in->common, r = assay_book_row(book);
    char            overhead[24] = "1";
    if (!o->offer->power_has_facility)
        (void)snprintf(overhead, sizeof overhead, "$%c$%u", common, c[ASSAY_COST_PUE]);
    assay_book_formula(book, ASSAY_CELL_MONEY, value,
                       "(K%u*%c%u+L%u*($%c$%u+$%c$%u))*(1+$C$%u)+(K%u*%c%u+L%u*$C$%u)*%s*$%c$%u*$%c$%u*$C$%u/1000*$%c$%u+$%c$%u*$%c$%u", r, price,
                       r, r, common, c[ASSAY_COST_HOST_PRICE], common, c[ASSAY_COST_NETWORK], in->tax, r, power, r, r, in->host_watts, overhead,
                       common, c[ASSAY_COST_LOAD], common, c[ASSAY_COST_YEARS], in->hours, common, c[ASSAY_COST_POWER_PRICE],
                       common, c[ASSAY_COST_STAFF], common, c[ASSAY_COST_YEARS]);
}

/* Devices fill hosts, and hosts racks; a system's are its own. */
static void places(struct assay_book *book, const struct inputs *in, const struct assay_ownership *o, unsigned r)
{
    if (o->systems > 0) {
        assay_book_number(book, ASSAY_CELL_PLAIN, 0);
        assay_book_number(book, ASSAY_CELL_PLAIN, 0);
        return;
    }
    assay_book_formula(book, ASSAY_CELL_PLAIN, o->hosts, "ROUNDUP(ROUND(K%u/$C$%u,9),0)", r, in->per_host);
    assay_book_formula(book, ASSAY_CELL_PLAIN, o->racks, "ROUNDUP(ROUND(L%u/$C$%u,9),0)", r, in->per_rack);
}

static void outcome(struct assay_book *book, const struct inputs *in, const struct assay_ownership *o)
{
    unsigned r = assay_book_row(book), years = in->common[ASSAY_COST_YEARS];
    assay_book_formula(book, ASSAY_CELL_PLAIN, o->devices, "MAX(1,ROUNDUP(ROUND($C$%u*(1+$C$%u)^$C$%u*(1+$C$%u)/I%u,9),0))", in->peak, in->growth,
                       years, in->spares, r);
    places(book, in, o, r);
    if (o->offer->power_has_facility)
        assay_book_formula(book, ASSAY_CELL_PLAIN, o->kilowatts.middle, "K%u*G%u/1000", r, r);
    else
        assay_book_formula(book, ASSAY_CELL_PLAIN, o->kilowatts.middle, "(K%u*G%u+L%u*$C$%u)*$C$%u/1000", r, r, r, in->host_watts, in->common[ASSAY_COST_PUE]);
    cost(book, in, o, 'B', 'C', 'F', o->low);
    cost(book, in, o, 'C', 'D', 'G', o->middle);
    cost(book, in, o, 'D', 'E', 'H', o->high);
    assay_book_formula(book, ASSAY_CELL_PLAIN, o->per_million.middle,
                       "IF($C$%u>0,P%u/($C$%u*$C$%u*3600*IF(ABS($C$%u)<1E-12,$C$%u,((1+$C$%u)^$C$%u-1)/LN(1+$C$%u)))*1000000,0)", in->mean, r, in->mean,
                       in->hours, in->growth, years, in->growth, years, in->growth);
    assay_book_formula(book, ASSAY_CELL_PLAIN, o->per_run.middle, "IF($C$%u>0,P%u*$C$%u/(K%u*J%u)/($C$%u*$C$%u*3600),0)", in->run_items, r, in->run_items, r, r,
                       years, in->hours);
    assay_book_formula(book, ASSAY_CELL_PLAIN, o->per_watt.middle, "J%u/G%u", r, r);
}

static void candidate(struct assay_book *book, enum assay_language language, const struct assay_policy *policy, const struct inputs *in,
                      const struct assay_candidate *c)
{
    struct assay_ownership o = assay_ownership_of(policy, c->offer);
    char                   evidence[160];
    struct assay_text      text = ASSAY_TEXT(evidence);
    assay_say_candidate_evidence(&text, language, c);
    assay_book_text(book, ASSAY_CELL_PLAIN, c->name);
    assay_book_text(book, ASSAY_CELL_PLAIN, evidence);
    range(book, &c->offer->price);
    range(book, &c->offer->power_watts);
    assay_book_number(book, ASSAY_CELL_INPUT, c->offer->at_promise_per_s.low);
    assay_book_number(book, ASSAY_CELL_INPUT, c->offer->at_promise_per_s.middle);
    outcome(book, in, &o);
    char              curve[400];
    struct assay_text basis = ASSAY_TEXT(curve);
    if (c->offer->promise_evidence)
        assay_say_promise_basis(&basis, language, policy, c);
    assay_book_text(book, ASSAY_CELL_PLAIN, c->offer->promise_evidence ? curve : c->offer->at_promise_source);
    assay_book_next_row(book);
}

/* ---- the sheet --------------------------------------------------------------------------------------------------- */

/* Those that may stand under one head: measured with measured, of one division. */
static bool stands_with(const struct assay_candidate *a, const struct assay_candidate *b)
{
    return a->division == b->division && a->announced == b->announced && (a->announced || a->measured == b->measured);
}

static bool is_new_offer(const struct assay_qualification *q, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (q->candidates[k].offer && !strcmp(q->candidates[k].offer->device, q->candidates[i].offer->device) && stands_with(&q->candidates[k], &q->candidates[i]))
            return false;
    return true;
}

static void heads(struct assay_book *book, enum assay_language language, const struct assay_policy *policy)
{
    static const enum assay_say columns[] = {
        ASSAY_SAY_CANDIDATE, ASSAY_SAY_EVIDENCE_COLUMN, ASSAY_SAY_DEVICE_PRICE, ASSAY_SAY_MIDDLE, ASSAY_SAY_HIGH,  ASSAY_SAY_DEVICE_POWER,
        ASSAY_SAY_MIDDLE,    ASSAY_SAY_HIGH,            ASSAY_SAY_PROMISE_LOW,  ASSAY_SAY_MIDDLE, ASSAY_SAY_DEVICES, ASSAY_SAY_HOSTS,
        ASSAY_SAY_RACKS,     ASSAY_SAY_KILOWATTS,       ASSAY_SAY_COST_LOW,     ASSAY_SAY_MIDDLE, ASSAY_SAY_HIGH,  ASSAY_SAY_PER_MILLION,
        ASSAY_SAY_PER_RUN,   ASSAY_SAY_PER_WATT,        ASSAY_SAY_SOURCE};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char              head[200];
        struct assay_text text = ASSAY_TEXT(head);
        assay_say_with(&text, language, columns[i], (const char *const[]){policy->demand.unit, NULL});
        assay_book_text(book, ASSAY_CELL_HEAD, head);
    }
    assay_book_next_row(book);
}

static void group_head(struct assay_book *book, enum assay_language language, const struct assay_candidate *c)
{
    char head[400];
    (void)snprintf(head, sizeof head, "%s (%s)",
                   assay_say(language, c->announced ? ASSAY_SAY_ANNOUNCED_BELOW : c->measured ? ASSAY_SAY_MEASURED_ABOVE : ASSAY_SAY_MODELLED_BELOW),
                   assay_say(language, c->division == ASSAY_DIVISION_OPEN ? ASSAY_SAY_DIVISION_OPEN : ASSAY_SAY_DIVISION_CLOSED));
    assay_book_text(book, ASSAY_CELL_HEAD, head);
    assay_book_next_row(book);
}

void assay_book_costs(struct assay_book *book, enum assay_language language, const struct assay_qualification *q)
{
    const struct assay_policy    *policy = q->policy;
    const struct assay_candidate *last = NULL;
    struct inputs                 in;
    if (!policy->costs.given || !policy->demand.given)
        return;
    assay_book_sheet(book, assay_say(language, ASSAY_SAY_SHEET_COST));
    char              about[500];
    struct assay_text text = ASSAY_TEXT(about);
    assay_say_with(&text, language, ASSAY_SAY_COST_SHEET_ABOUT, (const char *const[]){policy->name, NULL});
    assay_book_text(book, ASSAY_CELL_HEAD, about);
    assay_book_next_row(book);
    inputs_of(book, language, policy, &in);
    assay_book_next_row(book);
    heads(book, language, policy);
    for (size_t i = 0; i < q->n; i++) {
        const struct assay_candidate *c = &q->candidates[i];
        if (!assay_cost_is_known(policy, c->offer) || !is_new_offer(q, i))
            continue;
        if (!last || !stands_with(last, c))
            group_head(book, language, c);
        last = c;
        candidate(book, language, policy, &in, c);
    }
}

/* ---- every price and who says so; without one, what its vendor is to be asked --------------------------------------------- */

static void price(struct assay_book *book, enum assay_language language, const char *currency, const char *name, const struct assay_offer *o)
{
    const char *source = o->price_source ? o->price_source : "", *question = o->price_question ? o->price_question : "";
    assay_book_text(book, ASSAY_CELL_PLAIN, name);
    if (o->price.high > 0) {
        assay_book_number(book, ASSAY_CELL_PLAIN, o->price.low);
        assay_book_number(book, ASSAY_CELL_PLAIN, o->price.middle);
        assay_book_number(book, ASSAY_CELL_PLAIN, o->price.high);
        assay_book_text(book, ASSAY_CELL_PLAIN, currency);
        assay_book_text(book, ASSAY_CELL_PLAIN, *source ? source : assay_say(language, ASSAY_SAY_BY_BUYER));
    } else {
        char              ask[1200];
        struct assay_text text = ASSAY_TEXT(ask);
        if (*question)
            assay_say_with(&text, language, ASSAY_SAY_NOT_GIVEN_ASK, (const char *const[]){question, NULL});
        for (int i = 0; i < 4; i++)
            assay_book_skip(book);
        assay_book_text(book, ASSAY_CELL_PLAIN, *question ? ask : assay_say(language, ASSAY_SAY_NOT_GIVEN));
    }
    assay_book_next_row(book);
}

void assay_book_prices(struct assay_book *book, enum assay_language language, const struct assay_qualification *q)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE, ASSAY_SAY_DEVICE_PRICE, ASSAY_SAY_MIDDLE,
                                             ASSAY_SAY_HIGH,      ASSAY_SAY_CURRENCY,     ASSAY_SAY_SOURCE};
    const char *currency = q->policy->costs.given ? q->policy->costs.currency : "";
    if (!q->policy->n_offers)
        return;
    assay_book_sheet(book, assay_say(language, ASSAY_SAY_SHEET_PRICES));
    assay_book_heads(book, language, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < q->n; i++)
        if (q->candidates[i].offer && is_new_offer(q, i))
            price(book, language, currency, q->candidates[i].name, q->candidates[i].offer);
    for (size_t i = 0; i < q->n_absent; i++)
        price(book, language, currency, *q->absent[i].offer->name ? q->absent[i].offer->name : q->absent[i].offer->device, q->absent[i].offer);
}
