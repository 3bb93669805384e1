/* What the decision rests on: time and accuracy of every case that was run, where each input of need and cost is from,
 * launches that do not count, and the machines. What is measured and what is not stand in tables of their own. */
#include <math.h>
#include <string.h>

#include "harness/store/run_folder.h"
#include "reports/decision/page.h"
#include "reports/figures.h"

#include "assay/banned.h"

static void open_table(struct assay_decision_page *p, enum assay_say label, const enum assay_say *columns, size_t n)
{
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>",
                   assay_say(p->language, label));
    assay_decision_columns(p, columns, n);
    assay_sink_raw(&p->to, "<tbody>\n");
}

static void close_table(struct assay_decision_page *p)
{
    assay_sink_raw(&p->to, "</tbody></table></div>\n");
}

static void case_cell(struct assay_decision_page *p, const char *tag, const char *name)
{
    char brief[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(name, brief);
    assay_decision_text(p, tag, brief);
}

/* ---- time and accuracy ---------------------------------------------------------------------------------------------
 */

/* A value with its range, a range alone, or why there is neither. */
static void time_cell(struct assay_decision_page *p, const struct assay_summary_row *row)
{
    const struct assay_estimate *e = &row->metric[ASSAY_METRIC_latency_ns];
    char value[64], range[128], why[300];
    struct assay_text v = ASSAY_TEXT(value), r = ASSAY_TEXT(range), w = ASSAY_TEXT(why);
    assay_figure_estimate(&v, ASSAY_METRIC_latency_ns, e);
    assay_figure_range(&r, ASSAY_METRIC_latency_ns, e);
    assay_say_told(&w, p->language, *row->reason ? row->reason : e->why);
    assay_sink_raw(&p->to, e->has_value || *range ? "<td class=\"short\">" : "<td>");
    if (e->has_value && *range)
        assay_sink_textf(&p->to, "%s%s%s%s", value, assay_say(p->language, ASSAY_SAY_OPENS), range,
                         assay_say(p->language, ASSAY_SAY_CLOSES));
    else if (e->has_value || *range)
        assay_sink_text(&p->to, e->has_value ? value : range);
    else
        assay_sink_text(&p->to, why);
    assay_sink_raw(&p->to, "</td>");
}

/* The verdict, how much was compared, and the largest error over its bound. */
static void accuracy_cells(struct assay_decision_page *p, const struct assay_summary_row *row)
{
    assay_sink_raw(&p->to, "<td class=\"short\">");
    assay_sink_text(&p->to, assay_say_outcome(p->language, row->outcome));
    if (row->check && row->check->assurance != ASSAY_ASSURANCE_NONE) {
        assay_decision_say(p, ASSAY_SAY_COMMA);
        assay_sink_text(&p->to, assay_say_assurance(p->language, row->check->assurance));
    }
    assay_sink_raw(&p->to, "</td><td>");
    if (row->check && isfinite(row->check->worst_ratio))
        assay_sink_textf(&p->to, "%.3g", row->check->worst_ratio);
    else
        assay_sink_raw(&p->to, "–");
    assay_sink_raw(&p->to, "</td>");
}

static void results_of(struct assay_decision_page *p, const struct assay_candidate *c)
{
    for (size_t i = 0; i < c->run->n_rows; i++) {
        const struct assay_summary_row *row = &c->run->rows[i];
        char evidence[160];
        struct assay_text text = ASSAY_TEXT(evidence);
        if (strcmp(row->backend, c->backend) != 0)
            continue;
        assay_say_grade(&text, p->language, row->evidence, row->grade);
        assay_sink_raw(&p->to, "<tr>");
        case_cell(p, "th scope=\"row\" class=\"case\"", row->case_name);
        assay_decision_text(p, "td class=\"short\"", c->name);
        time_cell(p, row);
        assay_decision_text(p, "td class=\"short\"", evidence);
        accuracy_cells(p, row);
        assay_sink_raw(&p->to, "<td>%u</td></tr>\n", (unsigned)row->statuses[ASSAY_STATUS_OK]);
    }
}

void assay_decision_results(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {
        ASSAY_SAY_CASE,     ASSAY_SAY_CANDIDATE, ASSAY_SAY_TIME,    ASSAY_SAY_EVIDENCE_COLUMN,
        ASSAY_SAY_ACCURACY, ASSAY_SAY_WORST,     ASSAY_SAY_LAUNCHES};
    assay_sink_raw(&p->to, "<section id=\"results\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_RESULTS);
    for (enum assay_division d = ASSAY_DIVISION_CLOSED; d <= ASSAY_DIVISION_OPEN; d++)
        for (enum assay_list list = ASSAY_LIST_MEASURED; list <= ASSAY_LIST_ANNOUNCED; list++) {
            bool any = false;
            for (size_t i = 0; i < p->q->n; i++) {
                const struct assay_candidate *c = &p->q->candidates[i];
                if (c->division != d || assay_candidate_list(c) != list)
                    continue;
                if (!any) {
                    assay_decision_list_title(p, c);
                    open_table(p, ASSAY_SAY_RESULTS, columns, sizeof columns / sizeof *columns);
                }
                any = true;
                results_of(p, c);
            }
            if (any)
                close_table(p);
        }
    assay_sink_raw(&p->to, "</section>\n");
}

/* ---- where inputs are from ------------------------------------------------------------------------------------------
 */

static void range(struct assay_decision_page *p, const struct assay_range *r, const char *unit)
{
    char low[48], high[48];
    struct assay_text l = ASSAY_TEXT(low), h = ASSAY_TEXT(high);
    assay_decision_number(&l, r->low, 4);
    assay_decision_number(&h, r->high, 4);
    bool one = !strcmp(low, high);
    assay_sink_textf(&p->to, "%s%s%s%s%s", low, one ? "" : " – ", one ? "" : high, unit, assay_say(p->language, ASSAY_SAY_SEMICOLON));
}

static void promise_cell(struct assay_decision_page *p, const struct assay_offer *o)
{
    assay_sink_raw(&p->to, "<td>");
    if (o->at_promise_per_s.high > 0) {
        range(p, &o->at_promise_per_s, "/s");
        assay_sink_text(&p->to, o->promise_evidence ? assay_say_evidence(p->language, o->promise_evidence)
                                : assay_say(p->language, ASSAY_SAY_BY_BUYER));
    } else
        assay_decision_say(p, ASSAY_SAY_NOT_GIVEN);
    assay_sink_raw(&p->to, "</td>");
}

static void power_cell(struct assay_decision_page *p, const struct assay_offer *o)
{
    assay_sink_raw(&p->to, "<td>");
    if (o->power_watts.high > 0) {
        range(p, &o->power_watts, " W");
        assay_decision_power_source(p, o);
    } else
        assay_decision_say(p, ASSAY_SAY_NOT_GIVEN);
    assay_sink_raw(&p->to, "</td>");
}

/* The price and who says so; without one, what its vendor is to be asked. */
static void price_cell(struct assay_decision_page *p, const struct assay_offer *o, const char *currency)
{
    const char *question = o->price_question ? o->price_question : "", *source = o->price_source ? o->price_source : "";
    assay_sink_raw(&p->to, "<td>");
    if (o->price.high > 0) {
        range(p, &o->price, currency);
        if (*source)
            assay_decision_verbatim(p, "span", source);
        else
            assay_decision_say(p, ASSAY_SAY_BY_BUYER);
    } else if (*question)
        assay_decision_say_quoting(p, ASSAY_SAY_NOT_GIVEN_ASK, (const char *const[]){question, NULL}, 0);
    else
        assay_decision_say(p, ASSAY_SAY_NOT_GIVEN);
    assay_sink_raw(&p->to, "</td>");
}

static void provenance(struct assay_decision_page *p)
{
    const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE, assay_decision_promise_column(p->q->policy), ASSAY_SAY_POWER, ASSAY_SAY_PRICE};
    char currency[40];
    (void)snprintf(currency, sizeof currency, " %.20s", p->q->policy->costs.given ? p->q->policy->costs.currency : "");
    assay_sink_raw(&p->to, "<section id=\"provenance\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_PROVENANCE);
    open_table(p, ASSAY_SAY_PROVENANCE, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < p->q->n; i++) {
        const struct assay_candidate *c = &p->q->candidates[i];
        static const struct assay_offer none = {.device = ""};
        const struct assay_offer *o = c->offer ? c->offer : &none;
        assay_sink_raw(&p->to, "<tr>");
        assay_decision_text(p, "th scope=\"row\"", c->name);
        promise_cell(p, o);
        power_cell(p, o);
        price_cell(p, o, currency);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    close_table(p);
    assay_sink_raw(&p->to, "</section>\n");
}

/* ---- launches that do not count
 * -------------------------------------------------------------------------------------- */

static void discarded_row(struct assay_decision_page *p, const struct assay_summary_row *row, size_t i)
{
    const struct assay_record *r = row->launches[i];
    const struct assay_verdict *v = row->verdicts[i];
    char why[700];
    struct assay_text text = ASSAY_TEXT(why);
    bool ended = r->status == ASSAY_STATUS_OK;
    assay_say_told(&text, p->language, !ended ? r->reason : v ? v->check.why : "not validated yet");
    assay_sink_raw(&p->to, "<tr>");
    case_cell(p, "th scope=\"row\" class=\"case\"", r->case_name);
    assay_decision_text(p, "td", r->backend);
    assay_sink_raw(&p->to, "<td>%u</td>", r->launch + 1);
    assay_decision_text(p, "td",
                        ended ? assay_say_outcome(p->language, v ? v->check.outcome : ASSAY_NOT_CHECKED)
                              : assay_say_status(p->language, r->status));
    assay_decision_text(p, "td", why);
    assay_sink_raw(&p->to, "</tr>\n");
}

/* Of what computes no values there is nothing to discard: it stands under what is not measured. */
static bool is_discarded(const struct assay_summary_row *row, size_t i)
{
    const struct assay_record *r = row->launches[i];
    return r->status != ASSAY_STATUS_OK || (r->evidence != ASSAY_EVIDENCE_MODELLED && !assay_launch_is_proved(row, i));
}

static void discarded(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CASE, ASSAY_SAY_BACKEND, ASSAY_SAY_LAUNCH, ASSAY_SAY_OUTCOME,
                                             ASSAY_SAY_WHY};
    bool any = false;
    assay_sink_raw(&p->to, "<section id=\"discarded\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_DISCARDED);
    for (size_t i = 0; i < p->q->n_runs; i++)
        for (size_t k = 0; k < p->q->runs[i].n_rows; k++)
            for (size_t l = 0; l < p->q->runs[i].rows[k].n_launches; l++) {
                if (!is_discarded(&p->q->runs[i].rows[k], l))
                    continue;
                if (!any)
                    open_table(p, ASSAY_SAY_DISCARDED, columns, sizeof columns / sizeof *columns);
                any = true;
                discarded_row(p, &p->q->runs[i].rows[k], l);
            }
    if (any)
        close_table(p);
    else
        assay_decision_heading(p, "p", ASSAY_SAY_NONE_DISCARDED);
    assay_sink_raw(&p->to, "</section>\n");
}

/* ---- machines
 * -------------------------------------------------------------------------------------------------------- */

static const char *host_text(const json_t *host, const char *key)
{
    const char *text = json_string_value(json_object_get(host, key));
    return text ? text : "";
}

static void machine(struct assay_decision_page *p, const struct assay_summary *run)
{
    const json_t *host = json_object_get(assay_run_folder_manifest(run->folder), "host");
    const char *texts[] = {host_text(host, "hostname"),
                           host_text(json_object_get(host, "cpu"), "product"),
                           host_text(host, "kernel"),
                           host_text(host, "libc"),
                           assay_figure_manifest(run, "compiler"),
                           assay_figure_manifest(run, "assay"),
                           assay_figure_manifest(run, "created")};
    char name[256];
    struct assay_text text = ASSAY_TEXT(name);
    assay_figure_run_name(&text, run);
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\"", name);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assay_decision_text(p, "td", *texts[i] ? texts[i] : assay_say(p->language, ASSAY_SAY_NOT_RECORDED));
    assay_sink_raw(&p->to, "</tr>\n");
}

static void environment(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_RUN,  ASSAY_SAY_HOST,     ASSAY_SAY_PROCESSOR, ASSAY_SAY_KERNEL,
                                             ASSAY_SAY_LIBC, ASSAY_SAY_COMPILER, ASSAY_SAY_PROGRAM,   ASSAY_SAY_DATE};
    assay_sink_raw(&p->to, "<section id=\"environment\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_ENVIRONMENT);
    open_table(p, ASSAY_SAY_ENVIRONMENT, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < p->q->n_runs; i++)
        machine(p, &p->q->runs[i]);
    close_table(p);
    assay_sink_raw(&p->to, "</section>\n");
}

void assay_decision_evidence(struct assay_decision_page *p)
{
    provenance(p);
    discarded(p);
    environment(p);
}
