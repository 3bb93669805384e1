/* Page one, in the order in which a board reads: decision, what was tested, candidates, reasons, doubts, rule,
 * validity, signatures. */
#include <math.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/judge/ownership.h"
#include "harness/store/run_folder.h"
#include "reports/decision/page.h"
#include "reports/figures.h"

#include "assay/banned.h"

#define ROOMY 9 /* candidates for which a sheet of A4 has room in letters of the usual size */

/* ---- decision ---------------------------------------------------------------------------------------------------- */

static void decisions(struct assay_decision_page *p)
{
    assay_sink_raw(&p->to, "<section id=\"decision\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_DECISION);
    assay_sink_raw(&p->to, "<ul class=\"decisions\">\n");
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        char room[600];
        struct assay_text text = ASSAY_TEXT(room);
        assay_say_candidate(&text, p->language, p->q->policy, c);
        assay_sink_raw(&p->to, "<li class=\"d%d\">", (int)c->decision);
        assay_sink_text(&p->to, room);
        assay_sink_raw(&p->to, "</li>\n");
    }
    assay_sink_raw(&p->to, "</ul>\n</section>\n");
}

/* ---- what was tested --------------------------------------------------------------------------------------------- */

static const char *host_of(const struct assay_candidate *c)
{
    const json_t *host = json_object_get(assay_run_folder_manifest(c->run->folder), "host");
    const char *name =
        json_is_string(host) ? json_string_value(host) : json_string_value(json_object_get(host, "hostname"));
    return name ? name : "";
}

static bool is_calculated(const struct assay_candidate *c)
{
    return c->evidence == ASSAY_EVIDENCE_MODELLED;
}

/* Who was not tested at all. */
static void calculated(struct assay_decision_page *p)
{
    char names[2000];
    struct assay_text all = ASSAY_TEXT(names);
    for (size_t i = 0; i < p->q->n; i++)
        if (is_calculated(&p->q->candidates[i]))
            assay_text_add(&all, "%s%s", *names ? assay_say(p->language, ASSAY_SAY_LIST_COMMA) : "",
                           p->q->candidates[i].name);
    if (!*names)
        return;
    assay_sink_raw(&p->to, "<p>");
    assay_decision_say_with(p, ASSAY_SAY_NOT_TESTED, (const char *const[]){names, NULL});
    assay_sink_raw(&p->to, "</p>\n");
}

static void tested(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE, ASSAY_SAY_DEVICE, ASSAY_SAY_PLACE, ASSAY_SAY_DIVISION,
                                             ASSAY_SAY_VERSIONS};
    assay_sink_raw(&p->to, "<section id=\"tested\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_TESTED);
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>",
                   assay_say(p->language, ASSAY_SAY_TESTED));
    assay_decision_columns(p, columns, sizeof columns / sizeof *columns);
    assay_sink_raw(&p->to, "<tbody>\n");
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        const struct assay_device_info *d = c->device;
        if (is_calculated(c))
            continue;
        const char *host = host_of(c), *created = assay_figure_manifest(c->run, "created");
        assay_sink_raw(&p->to, "<tr>");
        assay_decision_text(p, "th scope=\"row\"", c->name);
        assay_sink_raw(&p->to, "<td>");
        if (!d)
            assay_decision_say(p, ASSAY_SAY_NEVER_OPENED);
        else {
            assay_sink_textf(&p->to, "%s%s%s%s", *d->product ? d->product : d->name,
                             *d->vendor ? assay_say(p->language, ASSAY_SAY_COMMA) : "", d->vendor,
                             assay_say(p->language, ASSAY_SAY_SEMICOLON));
            assay_sink_text(&p->to, *d->serial ? d->serial : assay_say(p->language, ASSAY_SAY_NOT_READABLE));
        }
        assay_sink_raw(&p->to, "</td><td class=\"when\">");
        assay_sink_textf(&p->to, "%s%s", *host ? host : assay_say(p->language, ASSAY_SAY_NOT_RECORDED),
                         assay_say(p->language, ASSAY_SAY_COMMA));
        if (*created)
            assay_sink_textf(&p->to, "%.10s", created);
        else
            assay_decision_say(p, ASSAY_SAY_NOT_RECORDED);
        assay_sink_raw(&p->to, "</td>");
        assay_decision_heading(
            p, "td", c->division == ASSAY_DIVISION_OPEN ? ASSAY_SAY_DIVISION_OPEN : ASSAY_SAY_DIVISION_CLOSED);
        assay_sink_raw(&p->to, "<td>");
        assay_sink_textf(&p->to, "assay %s", assay_figure_manifest(c->run, "assay"));
        if (d && *d->firmware)
            assay_sink_textf(&p->to, "%s%s", assay_say(p->language, ASSAY_SAY_SEMICOLON), d->firmware);
        if (c->offer && *c->offer->differences) {
            assay_decision_say(p, ASSAY_SAY_SEMICOLON);
            assay_decision_verbatim(p, "span", c->offer->differences);
        }
        assay_sink_raw(&p->to, "</td></tr>\n");
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
    calculated(p);
    assay_sink_raw(&p->to, "<div class=\"by\">");
    assay_decision_heading(p, "p", ASSAY_SAY_RAN_BY);
    assay_decision_heading(p, "p", ASSAY_SAY_WITNESSED_BY);
    assay_sink_raw(&p->to, "</div>\n</section>\n");
}

/* ---- candidates -------------------------------------------------------------------------------------------------- */

/* Nothing hangs on a throughput that is not known: one cell for it, need and cost, with the reason. */
static void unknown_cells(struct assay_decision_page *p, const struct assay_candidate *c)
{
    assay_sink_raw(&p->to, "<td colspan=\"3\">");
    assay_decision_lack(p, c);
    assay_decision_say(p, ASSAY_SAY_SEMICOLON);
    assay_decision_say(p, ASSAY_SAY_NO_NEED);
    assay_sink_raw(&p->to, "</td>");
}

/* Read off the candidate's own curve; or what the buyer assumes, marked as that. Nothing else stands in for it. */
static void promise_cell(struct assay_decision_page *p, const struct assay_candidate *c)
{
    const struct assay_offer *o = c->offer;
    char low[48], high[48];
    struct assay_text l = ASSAY_TEXT(low), h = ASSAY_TEXT(high);
    assay_decision_number(&l, o->at_promise_per_s.low, 4);
    assay_decision_number(&h, o->at_promise_per_s.high, 4);
    assay_sink_raw(&p->to, "<td>");
    assay_sink_textf(&p->to, "%s%s%s/s", low, strcmp(low, high) != 0 ? " – " : "", strcmp(low, high) != 0 ? high : "");
    bool training = p->q->policy->demand.training_items > 0;
    bool open = !o->promise_evidence || c->promise.is_open;
    bool part = o->promise_evidence && (training || c->promise.devices < o->system_devices); /* the reader is told of how many it is */
    if (open || part)
        assay_decision_say(p, ASSAY_SAY_OPENS);
    if (open)
        assay_decision_say(p, o->promise_evidence ? ASSAY_SAY_CURVE_ENDS : ASSAY_SAY_ASSUMED);
    if (open && part)
        assay_decision_say(p, ASSAY_SAY_SEMICOLON);
    if (part) {
        (void)snprintf(low, sizeof low, "%.0f", c->promise.devices);
        assay_decision_say_with(p, training ? ASSAY_SAY_OF_A_STEP : ASSAY_SAY_OF_A_PART, (const char *const[]){low, NULL});
    }
    if (open || part)
        assay_decision_say(p, ASSAY_SAY_CLOSES);
    assay_sink_raw(&p->to, "</td>");
}

/* Devices, racks and power; or why there are none. */
static void needs_cell(struct assay_decision_page *p, const struct assay_candidate *c)
{
    char n[32], places[32], size[32], kw[64];
    if (!assay_need_is_known(p->q->policy, c->offer)) {
        assay_decision_heading(p, "td", ASSAY_SAY_NO_DEMAND);
        return;
    }
    struct assay_ownership o = assay_ownership_of(p->q->policy, c->offer);
    (void)snprintf(n, sizeof n, "%.0f", o.devices);
    (void)snprintf(places, sizeof places, "%.0f", o.systems > 0 ? o.systems : o.racks);
    (void)snprintf(size, sizeof size, "%.0f", c->offer->system_devices);
    if (o.kilowatts.low < o.kilowatts.high)
        (void)snprintf(kw, sizeof kw, "%.3g – %.3g", o.kilowatts.low, o.kilowatts.high);
    else
        (void)snprintf(kw, sizeof kw, "%.3g", o.kilowatts.middle);
    assay_sink_raw(&p->to, "<td>");
    assay_decision_say_with(p, o.systems > 0 ? ASSAY_SAY_NEEDS_SYSTEM : ASSAY_SAY_NEEDS, (const char *const[]){n, places, size, NULL});
    assay_sink_raw(&p->to, "<br/><span class=\"short\">");
    if (o.has_power)
        assay_decision_say_with(p, ASSAY_SAY_NEEDS_POWER, (const char *const[]){kw, NULL});
    else
        assay_decision_say(p, ASSAY_SAY_NO_COST);
    assay_sink_raw(&p->to, "</span>");
    assay_sink_raw(&p->to, "</td>");
}

static void cost_cell(struct assay_decision_page *p, const struct assay_candidate *c)
{
    if (!assay_cost_is_known(p->q->policy, c->offer)) {
        bool needs = assay_need_is_known(p->q->policy, c->offer);
        assay_decision_heading(p, "td",
                               !needs                        ? ASSAY_SAY_NO_DEMAND
                               : !(c->offer->price.high > 0) ? ASSAY_SAY_NO_PRICE
                                                             : ASSAY_SAY_NO_COST);
        return;
    }
    struct assay_ownership o = assay_ownership_of(p->q->policy, c->offer);
    struct assay_range cost = {o.low, o.middle, o.high};
    assay_sink_raw(&p->to, "<td>");
    assay_decision_money(p, &cost, o.has_middle);
    assay_sink_raw(&p->to, "</td>");
}

static void candidate_row(struct assay_decision_page *p, const struct assay_candidate *c)
{
    char evidence[160];
    struct assay_text text = ASSAY_TEXT(evidence);
    assay_say_candidate_evidence(&text, p->language, c);
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\"", c->name);
    assay_sink_raw(&p->to, "<td class=\"short\">%zu / %zu / %zu</td>", c->passed, c->failed, c->undecided);
    if (!c->offer || !(c->offer->at_promise_per_s.high > 0))
        unknown_cells(p, c);
    else {
        promise_cell(p, c);
        needs_cell(p, c);
        cost_cell(p, c);
    }
    if (p->q->policy->all_points > 0) {
        double low = c->points_low, high = c->points_high;
        assay_sink_raw(&p->to, low < high ? "<td class=\"short\">%.1f – %.1f</td>" : "<td>%.1f</td>", low, high);
    }
    assay_decision_text(p, "td class=\"short\"", evidence);
    assay_sink_raw(&p->to, "</tr>\n");
}

static void line(struct assay_decision_page *p, enum assay_say what, size_t columns)
{
    char tag[64];
    (void)snprintf(tag, sizeof tag, "th scope=\"colgroup\" colspan=\"%zu\" class=\"line\"", columns);
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_heading(p, tag, what);
    assay_sink_raw(&p->to, "</tr>\n");
}

/* Candidates of one division and one list. */
static void rows(struct assay_decision_page *p, enum assay_division division, enum assay_list list, size_t columns)
{
    bool any = false;
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        if (c->division != division || assay_candidate_list(c) != list)
            continue;
        if (!any)
            line(p, assay_say_list(list), columns);
        any = true;
        candidate_row(p, c);
    }
}

/* One table a division: figures of the two never stand in one column. */
static void table(struct assay_decision_page *p, enum assay_division division)
{
    static const enum assay_say head[] = {ASSAY_SAY_CANDIDATE,      ASSAY_SAY_RULES_COLUMN, ASSAY_SAY_PROMISE_COLUMN,
                                          ASSAY_SAY_NEED_COLUMN,    ASSAY_SAY_COST_COLUMN,  ASSAY_SAY_POINTS_COLUMN,
                                          ASSAY_SAY_EVIDENCE_COLUMN};
    enum assay_say columns[7];
    bool any = false, points = p->q->policy->all_points > 0;
    size_t n = 0;
    for (size_t i = 0; i < p->q->n; i++)
        any = any || p->q->candidates[i].division == division;
    if (!any)
        return;
    for (size_t i = 0; i < 7; i++)
        if (head[i] != ASSAY_SAY_POINTS_COLUMN || points)
            columns[n++] = head[i] == ASSAY_SAY_PROMISE_COLUMN ? assay_decision_promise_column(p->q->policy) : head[i];
    enum assay_say title = division == ASSAY_DIVISION_OPEN ? ASSAY_SAY_DIVISION_OPEN : ASSAY_SAY_DIVISION_CLOSED;
    assay_decision_heading(p, "p", title);
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>",
                   assay_say(p->language, title));
    assay_decision_columns(p, columns, n);
    assay_sink_raw(&p->to, "<tbody>\n");
    for (enum assay_list list = ASSAY_LIST_MEASURED; list <= ASSAY_LIST_ANNOUNCED; list++)
        rows(p, division, list, n);
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

/* A limit's two sides, where the demand has it. */
static void limit(struct assay_decision_page *p, enum assay_say what, double half_s, double most_s)
{
    char half[24] = "–", most[24] = "–";
    if (!(half_s > 0) && !(most_s > 0))
        return;
    if (half_s > 0)
        (void)snprintf(half, sizeof half, "%.3g s", half_s);
    if (most_s > 0)
        (void)snprintf(most, sizeof most, "%.3g s", most_s);
    assay_decision_say_with(p, what, (const char *const[]){half, most, NULL});
}

/* What "the promise" is, of a training. */
static void training(struct assay_decision_page *p)
{
    const struct assay_demand *d = &p->q->policy->demand;
    char items[48], days[24], spares[24], name[ASSAY_CASE_NAME_BYTES];
    struct assay_text number = ASSAY_TEXT(items);
    assay_decision_number(&number, d->training_items, 6);
    (void)snprintf(days, sizeof days, "%.3g", d->training_days);
    (void)snprintf(spares, sizeof spares, "%.3g", 100 * d->spares_share);
    assay_case_brief(d->case_name, name);
    assay_sink_raw(&p->to, "<p>");
    assay_decision_say_with(p, ASSAY_SAY_DEMAND_TRAINING, (const char *const[]){items, d->unit, days, spares, name, NULL});
    assay_decision_say(p, ASSAY_SAY_FULL_STOP);
    assay_sink_raw(&p->to, "</p>\n");
}

/* What "the promise" is. */
static void demand(struct assay_decision_page *p)
{
    const struct assay_demand *d = &p->q->policy->demand;
    double peak = 0;
    char rate[48], growth[24], years[24], spares[24];
    struct assay_text text = ASSAY_TEXT(rate);
    if (!d->given || !p->q->policy->costs.given)
        return;
    if (d->training_items > 0) {
        training(p);
        return;
    }
    for (int i = 0; i < 24; i++)
        peak = fmax(peak, d->per_s_by_hour[i]);
    assay_decision_number(&text, peak, 4);
    (void)snprintf(growth, sizeof growth, "%.3g", 100 * d->growth_per_year);
    (void)snprintf(years, sizeof years, "%.3g", p->q->policy->costs.years.middle);
    (void)snprintf(spares, sizeof spares, "%.3g", 100 * d->spares_share);
    assay_sink_raw(&p->to, "<p>");
    assay_decision_say_with(p, ASSAY_SAY_DEMAND_TEXT, (const char *const[]){rate, d->unit, growth, years, spares, NULL});
    limit(p, ASSAY_SAY_DEMAND_FIRST, d->ttft_p50_s, d->ttft_p99_s);
    limit(p, ASSAY_SAY_DEMAND_NEXT, d->tpot_p50_s, d->tpot_p99_s);
    assay_decision_say(p, ASSAY_SAY_FULL_STOP);
    assay_sink_raw(&p->to, "</p>\n");
}

/* What the policy calls a device. */
static const char *name_of(const struct assay_policy *policy, const char *device)
{
    const struct assay_offer *offer = assay_policy_offer(policy, device);
    return offer && *offer->name ? offer->name : device;
}

/* Offers that no run folder has, each with the reason. */
static void absent(struct assay_decision_page *p)
{
    for (size_t i = 0; i < p->q->n_absent; i++) {
        const struct assay_absent *a = &p->q->absent[i];
        char devices[24];
        (void)snprintf(devices, sizeof devices, "%lld", (long long)a->devices);
        assay_sink_raw(&p->to, "<p>");
        assay_decision_say_with(p, a->devices ? ASSAY_SAY_ABSENT_SYSTEM : ASSAY_SAY_ABSENT,
                                (const char *const[]){*a->offer->name ? a->offer->name : a->offer->device, devices,
                                                      name_of(p->q->policy, a->device), NULL});
        assay_sink_raw(&p->to, "</p>\n");
    }
}

/* ---- rule, validity, hashes, facts, signatures ------------------------------------------------------------------- */

static void rule(struct assay_decision_page *p)
{
    char confidence[16], together[16], k[24];
    assay_say_confidence(p->q->policy, confidence, together);
    (void)snprintf(k, sizeof k, "%zu", p->q->policy->n_mandatory);
    assay_decision_heading(p, "h2", ASSAY_SAY_RULE);
    assay_sink_raw(&p->to, "<p>");
    assay_decision_say_with(p, ASSAY_SAY_RULE_TEXT, (const char *const[]){confidence, k, together, NULL});
    assay_sink_raw(&p->to, "</p>\n");
    for (size_t i = 0; i < p->q->n; i++)
        if (is_calculated(&p->q->candidates[i])) {
            assay_decision_heading(p, "p", ASSAY_SAY_GRADES);
            break;
        }
}

static void validity(struct assay_decision_page *p)
{
    const struct assay_policy *policy = p->q->policy;
    assay_decision_heading(p, "h2", ASSAY_SAY_VALIDITY);
    assay_sink_raw(&p->to, "<p>");
    assay_decision_say_with(p, ASSAY_SAY_VALIDITY_TEXT,
                            (const char *const[]){policy->valid_until, policy->freeze_date, NULL});
    if (policy->costs.given) {
        const char *tax = assay_say(p->language, policy->costs.tax_included ? ASSAY_SAY_TAX_IN : ASSAY_SAY_TAX_OUT);
        assay_decision_say_quoting(p, ASSAY_SAY_PRICES_TEXT,
                                   (const char *const[]){policy->costs.currency, tax, policy->costs.prices_valid_until,
                                                         policy->costs.includes, NULL},
                                   3);
    }
    assay_sink_raw(&p->to, "</p>\n");
}

static void hash(struct assay_decision_page *p, const char *name, const char *value)
{
    assay_sink_raw(&p->to, "<p class=\"hash\">");
    assay_sink_textf(&p->to, "%s%s%s", name, assay_say(p->language, ASSAY_SAY_COLON), value);
    assay_sink_raw(&p->to, "</p>\n");
}

static void hashes(struct assay_decision_page *p)
{
    assay_decision_heading(p, "h2 id=\"hashes\"", ASSAY_SAY_HASHES);
    hash(p, assay_say(p->language, ASSAY_SAY_HASH_POLICY), p->q->policy->sha256);
    for (size_t i = 0; i < p->q->n_runs; i++) {
        char path[1200], name[256], label[320], hex[65];
        struct assay_error why = {.code = ASSAY_OK};
        struct assay_text text = ASSAY_TEXT(name), said = ASSAY_TEXT(label);
        assay_figure_run_name(&text, &p->q->runs[i]);
        assay_say_with(&said, p->language, ASSAY_SAY_HASH_RUN, (const char *const[]){name, NULL});
        (void)snprintf(path, sizeof path, "%s/records.jsonl", assay_run_folder_path(p->q->runs[i].folder));
        hash(p, label, assay_sha256_file(path, hex, &why) ? why.message : hex);
    }
}

static const char *fact(struct assay_decision_page *p, bool known, bool value)
{
    return assay_say(p->language, !known ? ASSAY_SAY_UNKNOWN : value ? ASSAY_SAY_YES : ASSAY_SAY_NO);
}

/* Facts that the buyer knows, and the share of cases that the device did not decline. */
static void checklist(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE, ASSAY_SAY_ORIGIN, ASSAY_SAY_OPEN_INTERFACES,
                                             ASSAY_SAY_SECOND_SOURCE, ASSAY_SAY_NATIVE_OPS};
    assay_decision_heading(p, "h2 id=\"checklist\"", ASSAY_SAY_CHECKLIST);
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>",
                   assay_say(p->language, ASSAY_SAY_CHECKLIST));
    assay_decision_columns(p, columns, sizeof columns / sizeof *columns);
    assay_sink_raw(&p->to, "<tbody>\n");
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        const struct assay_offer *o = c->offer;
        size_t all = 0, native = 0;
        for (size_t k = 0; k < c->run->n_rows; k++) {
            bool mine = !strcmp(c->run->rows[k].backend, c->backend);
            all += mine;
            native += mine && c->run->rows[k].statuses[ASSAY_STATUS_UNSUPPORTED] == 0 &&
                      c->run->rows[k].evidence != ASSAY_EVIDENCE_MIXED;
        }
        assay_sink_raw(&p->to, "<tr>");
        assay_decision_text(p, "th scope=\"row\"", c->name);
        assay_decision_text(p, "td class=\"short\"", o && *o->origin ? o->origin : assay_say(p->language, ASSAY_SAY_UNKNOWN));
        assay_decision_text(p, "td class=\"short\"", fact(p, o && o->has_interfaces, o && o->open_interfaces));
        assay_decision_text(p, "td class=\"short\"", fact(p, o && o->has_second, o && o->second_source));
        if (is_calculated(c))
            assay_decision_heading(p, "td class=\"short\"", ASSAY_SAY_UNKNOWN);
        else
            assay_sink_raw(&p->to, "<td>%zu / %zu</td>", native, all);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

static void signatures(struct assay_decision_page *p)
{
    static const enum assay_say who[] = {ASSAY_SAY_SIGN_BUYER, ASSAY_SAY_SIGN_TESTER, ASSAY_SAY_SIGN_WITNESS};
    assay_decision_heading(p, "h2", ASSAY_SAY_SIGNATURES);
    assay_sink_raw(&p->to, "<div class=\"sign\">");
    for (size_t i = 0; i < 3; i++) {
        assay_sink_raw(&p->to, "<div>");
        assay_decision_say(p, who[i]);
        assay_decision_heading(p, "small", ASSAY_SAY_SIGN_LINE);
        assay_sink_raw(&p->to, "</div>");
    }
    assay_sink_raw(&p->to, "</div>\n");
}

void assay_decision_first(struct assay_decision_page *p)
{
    const struct assay_policy *policy = p->q->policy;
    assay_sink_raw(&p->to, "<div class=\"sheet%s\">\n<p class=\"kicker\">", p->q->n > ROOMY ? " dense" : "");
    assay_decision_say(p, ASSAY_SAY_POLICY);
    assay_decision_say(p, ASSAY_SAY_COLON);
    assay_sink_text(&p->to, policy->name);
    assay_sink_raw(&p->to, "</p>\n");
    assay_decision_heading(p, "h1", ASSAY_SAY_TITLE);
    decisions(p);
    tested(p);
    assay_sink_raw(&p->to, "<section id=\"candidates\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_CANDIDATES);
    demand(p);
    table(p, ASSAY_DIVISION_CLOSED);
    table(p, ASSAY_DIVISION_OPEN);
    absent(p);
    assay_sink_raw(&p->to, "</section>\n<div class=\"two\">\n");
    assay_decision_points(p);
    assay_sink_raw(&p->to, "</div>\n<div class=\"two\"><section id=\"rule\">\n");
    rule(p);
    checklist(p);
    assay_sink_raw(&p->to, "</section>\n<section id=\"validity\">\n");
    validity(p);
    hashes(p);
    assay_sink_raw(&p->to, "</section></div>\n<section id=\"signatures\">\n");
    signatures(p);
    assay_sink_raw(&p->to, "</section>\n</div>\n");
}
