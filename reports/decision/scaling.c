/* How candidates go on over many devices, and what power they take: from what was run and described, measured and modelled each in tables of
 * their own; where nothing is known of it, the sentence that says so. */
#include <stdlib.h>
#include <string.h>

#include "harness/judge/ownership.h"
#include "reports/clusters.h"
#include "reports/decision/page.h"
#include "reports/figures.h"

#include "assay/banned.h"

/* A candidate's rows of a table; false: it has none, and nothing was written. */
typedef bool row_fn(struct assay_decision_page *p, const struct assay_candidate *c, bool write);

static void open_table(struct assay_decision_page *p, enum assay_say label, const enum assay_say *columns, size_t n)
{
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>", assay_say(p->language, label));
    assay_decision_columns(p, columns, n);
    assay_sink_raw(&p->to, "<tbody>\n");
}

static void figure_cell(struct assay_decision_page *p, enum assay_metric metric, const struct assay_estimate *e)
{
    char              room[160], why[300];
    struct assay_text text = ASSAY_TEXT(room), told = ASSAY_TEXT(why);
    if (e->has_interval)
        assay_figure_range(&text, metric, e);
    else if (e->has_value)
        assay_figure_value(&text, metric, e->value);
    else
        assay_say_told(&told, p->language, e->why);
    assay_decision_text(p, *room ? "td class=\"short\"" : "td", *room ? room : why);
}

static void evidence_cell(struct assay_decision_page *p, const struct assay_summary_row *row)
{
    char              room[160];
    struct assay_text text = ASSAY_TEXT(room);
    assay_say_grade(&text, p->language, row->evidence, row->grade);
    assay_decision_text(p, "td class=\"short\"", room);
}

/* A section's tables, one a division and list that has a row; are there any? */
static bool tables(struct assay_decision_page *p, enum assay_say label, const enum assay_say *columns, size_t n_columns, row_fn *rows)
{
    bool any = false;
    for (enum assay_division d = ASSAY_DIVISION_CLOSED; d <= ASSAY_DIVISION_OPEN; d++)
        for (enum assay_list list = ASSAY_LIST_MEASURED; list <= ASSAY_LIST_ANNOUNCED; list++) {
            bool open = false;
            for (size_t i = 0; i < p->q->n; i++) {
                const struct assay_candidate *c = &p->q->candidates[i];
                if (c->division != d || assay_candidate_list(c) != list || !rows(p, c, false))
                    continue;
                if (!open) {
                    assay_decision_list_title(p, c);
                    open_table(p, label, columns, n_columns);
                }
                open = any = true;
                (void)rows(p, c, true);
            }
            if (open)
                assay_sink_raw(&p->to, "</tbody></table></div>\n");
        }
    return any;
}

/* ---- scaling ---------------------------------------------------------------------------------------------------------- */

static void case_cells(struct assay_decision_page *p, const struct assay_candidate *c, const struct assay_summary_row *row)
{
    char brief[ASSAY_CASE_NAME_BYTES];
    assay_case_brief(row->case_name, brief);
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\" class=\"case\"", brief);
    assay_decision_text(p, "td", c->name);
    assay_sink_raw(&p->to, "<td class=\"short\">%.0f</td>", assay_cluster_devices(row));
}

static void share_cell(struct assay_decision_page *p, double low, double high)
{
    if (low < high)
        assay_sink_raw(&p->to, "<td class=\"short\">%.0f&#160;%% – %.0f&#160;%%</td>", 100 * low, 100 * high);
    else
        assay_sink_raw(&p->to, "<td class=\"short\">%.0f&#160;%%</td>", 100 * low);
}

/* What training on all of its devices reaches. */
static bool reached_rows(struct assay_decision_page *p, const struct assay_candidate *c, bool write)
{
    bool any = false;
    for (size_t i = 0; i < c->run->n_rows; i++) {
        const struct assay_summary_row     *row = &c->run->rows[i];
        const struct assay_summary_counter *peak = assay_cluster_counter(row, "model_flops_share");
        if (strcmp(row->backend, c->backend) != 0 || !assay_cluster_is(row))
            continue;
        any = true;
        if (!write)
            break;
        struct assay_estimate each = assay_cluster_scaled(row, ASSAY_METRIC_items_per_s, 1 / assay_cluster_devices(row));
        case_cells(p, c, row);
        figure_cell(p, ASSAY_METRIC_latency_ns, &row->metric[ASSAY_METRIC_latency_ns]);
        figure_cell(p, ASSAY_METRIC_items_per_s, &each);
        if (peak && peak->ranged)
            share_cell(p, peak->low, peak->high);
        else
            assay_decision_heading(p, "td", ASSAY_SAY_UNKNOWN);
        figure_cell(p, ASSAY_METRIC_trillion_items_ns, &row->metric[ASSAY_METRIC_trillion_items_ns]);
        evidence_cell(p, row);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    return any;
}

/* Sizes of the candidate's system, in whatever folder they were run. */
static struct assay_cluster_size *sizes_of(struct assay_decision_page *p, const struct assay_candidate *c, enum assay_cluster_scaling kind, size_t *n)
{
    size_t most = 0, n_rows = 0;
    *n = 0;
    for (size_t i = 0; i < p->q->n_runs; i++)
        most += p->q->runs[i].n_rows;
    const struct assay_summary_row **rows = malloc((most + 1) * sizeof(void *));
    for (size_t i = 0; rows && i < p->q->n_runs; i++)
        for (size_t k = 0; k < p->q->runs[i].n_rows; k++)
            if (assay_candidate_is_told_by(c, p->q->runs[i].rows[k].backend))
                rows[n_rows++] = &p->q->runs[i].rows[k];
    struct assay_cluster_size *sizes = rows ? assay_cluster_sizes(rows, n_rows, kind, n) : NULL;
    p->to.failed = p->to.failed || !sizes;
    free(rows);
    return sizes;
}

static bool size_rows(struct assay_decision_page *p, const struct assay_candidate *c, enum assay_cluster_scaling kind, bool write)
{
    size_t                     n = 0;
    struct assay_cluster_size *sizes = sizes_of(p, c, kind, &n);
    for (size_t i = 0; sizes && write && i < n; i++) {
        case_cells(p, c, sizes[i].row);
        figure_cell(p, ASSAY_METRIC_latency_ns, &sizes[i].row->metric[ASSAY_METRIC_latency_ns]);
        const double *times = sizes[i].speed_up;
        assay_sink_raw(&p->to, times[0] < times[1] ? "<td class=\"short\">%.2f – %.2f</td>" : "<td class=\"short\">%.3g</td>", times[0], times[1]);
        share_cell(p, sizes[i].efficiency[0], sizes[i].efficiency[1]);
        evidence_cell(p, sizes[i].row);
        assay_sink_raw(&p->to, "</tr>\n");
    }
    free(sizes);
    return n > 0;
}

static bool strong_rows(struct assay_decision_page *p, const struct assay_candidate *c, bool write)
{
    return size_rows(p, c, ASSAY_CLUSTER_STRONG, write);
}

static bool weak_rows(struct assay_decision_page *p, const struct assay_candidate *c, bool write)
{
    return size_rows(p, c, ASSAY_CLUSTER_WEAK, write);
}

/* A paragraph and its tables; nothing where no candidate was run in two sizes. */
static void growth(struct assay_decision_page *p, enum assay_say about, enum assay_say label, row_fn *rows)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CASE,     ASSAY_SAY_CANDIDATE,  ASSAY_SAY_DEVICES,        ASSAY_SAY_STEP_TIME,
                                             ASSAY_SAY_SPEED_UP, ASSAY_SAY_EFFICIENCY, ASSAY_SAY_EVIDENCE_COLUMN};
    bool any = false;
    for (size_t i = 0; i < p->q->n; i++)
        any = any || rows(p, &p->q->candidates[i], false);
    if (!any)
        return;
    assay_decision_heading(p, "p", about);
    (void)tables(p, label, columns, sizeof columns / sizeof *columns, rows);
}

static void scaling(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CASE,        ASSAY_SAY_CANDIDATE,       ASSAY_SAY_DEVICES,        ASSAY_SAY_STEP_TIME, ASSAY_SAY_TOKENS_A_DEVICE,
                                             ASSAY_SAY_OF_THE_PEAK, ASSAY_SAY_TRILLION_TOKENS, ASSAY_SAY_EVIDENCE_COLUMN};
    assay_sink_raw(&p->to, "<section id=\"scaling\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_SCALING);
    if (!tables(p, ASSAY_SAY_SCALING, columns, sizeof columns / sizeof *columns, reached_rows))
        assay_decision_heading(p, "p", ASSAY_SAY_NO_SCALING);
    growth(p, ASSAY_SAY_STRONG_ABOUT, ASSAY_SAY_STRONG, strong_rows);
    growth(p, ASSAY_SAY_WEAK_ABOUT, ASSAY_SAY_WEAK, weak_rows);
    assay_sink_raw(&p->to, "</section>\n");
}

/* ---- power ------------------------------------------------------------------------------------------------------------ */

static void range_cell(struct assay_decision_page *p, const struct assay_range *r, const char *unit)
{
    char              low[48], high[48];
    struct assay_text l = ASSAY_TEXT(low), h = ASSAY_TEXT(high);
    if (!(r->high > 0)) {
        assay_sink_raw(&p->to, "<td>");
        assay_decision_say(p, ASSAY_SAY_NOT_GIVEN);
        assay_sink_raw(&p->to, "</td>");
        return;
    }
    assay_decision_number(&l, r->low, 3);
    assay_decision_number(&h, r->high, 3);
    bool one = !strcmp(low, high);
    assay_sink_raw(&p->to, "<td class=\"short\">");
    assay_sink_textf(&p->to, "%s%s%s %s", low, one ? "" : " – ", one ? "" : high, unit);
    assay_sink_raw(&p->to, "</td>");
}

/* Devices, hosts and facility for the demand, where that is known. */
static void promise_cell(struct assay_decision_page *p, const struct assay_candidate *c)
{
    if (!assay_need_is_known(p->q->policy, c->offer)) {
        assay_sink_raw(&p->to, "<td>");
        assay_decision_lack(p, c);
        assay_sink_raw(&p->to, "</td>");
        return;
    }
    struct assay_ownership o = assay_ownership_of(p->q->policy, c->offer);
    range_cell(p, &o.kilowatts, "kW");
}

/* Of a served case an item is a token that it gave. false: there is none. */
static bool energy_of_item(const struct assay_summary_row *row, struct assay_estimate *out)
{
    const struct assay_estimate *token = &row->metric[ASSAY_METRIC_joules_per_token], *execution = &row->metric[ASSAY_METRIC_energy_joules];
    if (token->has_value || token->has_interval) {
        *out = *token;
        return true;
    }
    if (*row->launches[row->typical]->load.served || !(execution->has_value || execution->has_interval) || !row->launches[row->typical]->items)
        return false;
    *out = assay_cluster_scaled(row, ASSAY_METRIC_energy_joules, 1 / (double)row->launches[row->typical]->items);
    return true;
}

static bool has_energy(const struct assay_summary_row *row)
{
    struct assay_estimate ignored;
    return energy_of_item(row, &ignored);
}

/* The case of whose energy a row tells: the first that a rule asks for, else the first there is. */
static const struct assay_summary_row *with_energy(const struct assay_decision_page *p, const struct assay_candidate *c)
{
    for (size_t i = 0; i < p->q->policy->n_rules; i++) {
        const struct assay_summary_row *row = c->results[i].row;
        if (row && !c->results[i].rule->every_case && has_energy(row))
            return row;
    }
    for (size_t i = 0; i < c->run->n_rows; i++)
        if (!strcmp(c->run->rows[i].backend, c->backend) && has_energy(&c->run->rows[i]))
            return &c->run->rows[i];
    return NULL;
}

static bool power_row(struct assay_decision_page *p, const struct assay_candidate *c, bool write)
{
    if (!write)
        return true;
    static const struct assay_offer none = {.device = ""};
    const struct assay_offer       *o = c->offer ? c->offer : &none;
    const struct assay_summary_row *row = with_energy(p, c);
    char                            brief[ASSAY_CASE_NAME_BYTES] = "";
    assay_sink_raw(&p->to, "<tr>");
    assay_decision_text(p, "th scope=\"row\"", c->name);
    range_cell(p, &o->power_watts, "W");
    assay_sink_raw(&p->to, "<td>");
    assay_decision_power_source(p, o);
    assay_sink_raw(&p->to, "</td>");
    promise_cell(p, c);
    struct assay_estimate           e;
    if (row && energy_of_item(row, &e)) {
        figure_cell(p, ASSAY_METRIC_energy_joules, &e);
        assay_case_brief(row->case_name, brief);
        assay_decision_text(p, "td class=\"case\"", brief);
        evidence_cell(p, row);
    } else {
        assay_sink_raw(&p->to, "<td colspan=\"3\">");
        assay_decision_say(p, ASSAY_SAY_NO_ENERGY);
        assay_sink_raw(&p->to, "</td>");
    }
    assay_sink_raw(&p->to, "</tr>\n");
    return true;
}

static void power(struct assay_decision_page *p)
{
    static const enum assay_say columns[] = {ASSAY_SAY_CANDIDATE,   ASSAY_SAY_POWER, ASSAY_SAY_SOURCE,         ASSAY_SAY_POWER_PROMISE,
                                             ASSAY_SAY_ENERGY_ITEM, ASSAY_SAY_CASE,  ASSAY_SAY_EVIDENCE_COLUMN};
    assay_sink_raw(&p->to, "<section id=\"power\" class=\"back\">\n");
    assay_decision_heading(p, "h2", ASSAY_SAY_POWER_SECTION);
    assay_decision_heading(p, "p", ASSAY_SAY_POWER_ABOUT);
    (void)tables(p, ASSAY_SAY_POWER_SECTION, columns, sizeof columns / sizeof *columns, power_row);
    assay_sink_raw(&p->to, "</section>\n");
}

void assay_decision_scaling(struct assay_decision_page *p)
{
    scaling(p);
    power(p);
}
