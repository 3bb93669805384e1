/* Runs of very many cases, such as every op in every format: a case of one launch that is right, or that the device declined, is a row of a
 * table with all of its figures in place of a section, and what is the same in all of them is said once above. Whatever needs to be looked at
 * keeps its section. */
#include <math.h>
#include <string.h>

#include "reports/figures.h"
#include "reports/page/page.h"

#include "assay/banned.h"

enum { MOST_SECTIONS = 100, COLUMN_BYTES = 2100, MOST_COUNTERS = 32 };

struct one {
    const struct assay_report_run  *run;
    const struct assay_report_case *c;
    const struct assay_summary_row *row;
    const struct assay_record      *record; /* of its one launch */
};

/* A column: how it is said of one, into `out`; and why there is nothing, where a reason stands in place of a figure. */
struct column {
    const char *title;
    void (*say)(struct assay_text *out, const char **why, const struct one *o, const struct column *k);
    size_t                              i;       /* which one of its kind */
    const struct assay_summary_counter *counter; /* one of its name */
};

/* ---- which ---------------------------------------------------------------------------------------------------------------- */

static bool is_brief_row(const struct assay_summary_row *row)
{
    const struct assay_record *r = row->launches[0];
    if (row->n_launches != 1 || r->load.issued || *r->load.served || r->influences[0].share > 0 || r->proof.guard_bytes_changed ||
        row->n_counters > MOST_COUNTERS || row->metric[ASSAY_METRIC_latency_ns].has_interval)
        return false;
    return row->status == ASSAY_STATUS_OK ? row->outcome == ASSAY_PASS && row->check : row->status == ASSAY_STATUS_UNSUPPORTED;
}

bool assay_page_is_brief(const struct assay_report_run *run, const struct assay_report_case *c)
{
    bool brief = run->n_cases > MOST_SECTIONS && c->plot == ASSAY_PLOT_NONE && c->learning == ASSAY_PLOT_NONE &&
                 c->quality == ASSAY_PLOT_NONE && c->norms == ASSAY_PLOT_NONE && !*c->why_no_learning;
    for (size_t i = 0; i < c->n_rows; i++)
        brief = brief && is_brief_row(c->rows[i]);
    return brief;
}

/* ---- columns -------------------------------------------------------------------------------------------------------------- */

static void say_backend(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    (void)why, (void)k;
    assay_report_series_name(o->run->summary, o->row->backend, out);
}

static void say_evidence(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    (void)why, (void)k;
    assay_figure_evidence(out, o->row);
}

static void say_metric(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const struct assay_estimate *e = &o->row->metric[k->i];
    if (e->has_value) {
        assay_text_add(out, "%s\u00a0", assay_figure_evidence_mark(o->row->evidence));
        assay_figure_value(out, (enum assay_metric)k->i, e->value);
    } else {
        *why = *e->why ? e->why : "no reason was recorded";
    }
}

static void say_no_interval(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    (void)why, (void)k;
    assay_figure_interval_words(out, o->row);
}

static const struct assay_summary_counter *counter_of(const struct assay_summary_row *row, const struct assay_summary_counter *like)
{
    for (size_t i = 0; i < row->n_counters; i++)
        if (!strcmp(row->counters[i].first->name, like->first->name) && !strcmp(row->counters[i].first->provider, like->first->provider))
            return &row->counters[i];
    return NULL;
}

static void say_counter(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const struct assay_summary_counter *c = counter_of(o->row, k->counter);
    if (c && c->has_value) {
        assay_figure_counter(out, c->value, c->first->unit);
        assay_text_add(out, "%s", c->multiplexed ? ", scaled: it shared the hardware with others" : "");
    } else {
        *why = c && *c->why ? c->why : "no reason was recorded";
    }
}

static void say_phase(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    if (o->record->phase_ns[k->i])
        assay_figure_duration(out, o->record->phase_ns[k->i]);
    else
        *why = "not reached or not timed";
}

enum count { SINGLY, SUMS, OF_ELEMENTS, JUDGED, EQUAL, TIMED, ZEROS, NOT_FINITE, POISON, SETS, WARM, FLOPS, TRANSCENDENTALS, ITEMS };

static void say_count(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    static const struct assay_check none = {.judged = 0};
    const struct assay_check       *c = o->row->check ? o->row->check : &none;
    const struct assay_record      *r = o->record;
    const uint64_t count[] = {[SINGLY] = c->elements, [SUMS] = c->sums, [OF_ELEMENTS] = c->of_elements, [JUDGED] = c->judged, [EQUAL] = c->equal,
                              [TIMED] = r->proof.iterations, [ZEROS] = c->zeros, [NOT_FINITE] = c->not_finite, [POISON] = c->poison_left,
                              [SETS] = r->proof.sets, [WARM] = r->warm_runs, [FLOPS] = r->flops, [TRANSCENDENTALS] = r->transcendentals,
                              [ITEMS] = r->items};
    if (!o->row->check && k->i <= POISON && k->i != TIMED)
        *why = "nothing to validate";
    else
        assay_figure_count(out, count[k->i]);
}

enum number { RATIO, MEDIAN, OBSERVED, EXPECTED, ALLOWED, CHEAT, FAULT };

static void say_number(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const struct assay_check *c = o->row->check;
    if (!c) {
        *why = "nothing to validate";
        return;
    }
    const bool   has = c->worst_index >= 0;
    const double number[] = {[RATIO] = c->worst_ratio, [MEDIAN] = c->median_ratio, [OBSERVED] = has ? c->worst_observed : (double)NAN,
                             [EXPECTED] = has ? c->worst_expected : (double)NAN, [ALLOWED] = has ? c->worst_bound : (double)NAN,
                             [CHEAT] = c->cheat_share_found > 0 && c->cheat_share_found < 1 ? 100 * c->cheat_share_found : (double)NAN,
                             [FAULT] = c->smallest_fault > 0 ? c->smallest_fault : (double)NAN};
    const double n = number[k->i];
    if (isnan(n) && k->i != OBSERVED && k->i != EXPECTED)
        *why = "nothing was compared from which it follows";
    else
        assay_text_add(out, k->i == OBSERVED || k->i == EXPECTED ? "%.9g" : k->i == CHEAT ? "%.3g\u00a0%%" : "%.3g", n);
}

static void say_assurance(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    (void)why, (void)k;
    assay_text_add(out, "%s", assay_assurance_name(o->row->check ? o->row->check->assurance : ASSAY_ASSURANCE_NONE));
}

static void say_bound(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    (void)why, (void)k;
    assay_text_add(out, "%s", o->row->check ? o->row->check->bound : "");
}

static void say_where(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const struct assay_check *c = o->row->check;
    (void)k;
    if (c && c->worst_index >= 0)
        assay_text_add(out, "%s[%lld], %llu", c->worst_value, (long long)c->worst_index, (unsigned long long)c->worst_iteration);
    else
        *why = "no element was compared";
}

enum bytes { READS, WRITES, WORKING_SET };

static void say_bytes(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const uint64_t bytes[] = {[READS] = o->record->read_bytes, [WRITES] = o->record->written_bytes, [WORKING_SET] = o->record->working_set_bytes};
    (void)why;
    assay_string_quantity(out, (double)bytes[k->i], "B", 4);
}

/* What was compiled: the first line is of the whole, the others of its nodes. */
static void say_nodes(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const char *line = strchr(o->record->compiled, '\n');
    (void)why, (void)k;
    assay_text_add(out, "%s", line ? line + 1 : "");
}

static void say_reason(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    (void)why, (void)k;
    assay_text_add(out, "%s", o->row->reason);
}

enum words { STATUS, VERDICT, ENERGY, MACHINE, COMPILED };

static void say_words(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const struct assay_summary_row *row = o->row;
    (void)why;
    switch ((enum words)k->i) {
    case STATUS: assay_text_add(out, "%s", assay_status_name(row->status)); break;
    case VERDICT: assay_text_add(out, "%s", assay_outcome_name(row->outcome)); break;
    case ENERGY: assay_text_add(out, "%s", *o->record->energy_source ? o->record->energy_source : "no meter was read"); break;
    case MACHINE: assay_text_add(out, "%s", row->noisy ? row->noise : row->n_medians ? "quiet in every launch" : "no launch came to its end"); break;
    case COMPILED:
        assay_text_add(out, "%.*s", (int)strcspn(o->record->compiled, "\n"), o->record->compiled);
        break;
    }
}

/* The line that repeats it, with "CASE" for the case. */
static void say_repeat(struct assay_text *out, const char **why, const struct one *o, const struct column *k)
{
    const char *at = strstr(o->record->repeat, o->row->case_name);
    (void)why, (void)k;
    if (at)
        assay_text_add(out, "%.*sCASE%s", (int)(at - o->record->repeat), o->record->repeat, at + strlen(o->row->case_name));
    else
        assay_text_add(out, "%s", o->record->repeat);
}

static const struct column fixed[] = {
    {"back end", say_backend, 0, NULL}, {"evidence", say_evidence, 0, NULL}, {"ended", say_words, STATUS, NULL}, {"verdict", say_words, VERDICT, NULL},
    {"why", say_reason, 0, NULL}, {"assurance", say_assurance, 0, NULL}, {"observed/bound", say_number, RATIO, NULL},
    {"median element, observed/bound", say_number, MEDIAN, NULL}, {"bound", say_bound, 0, NULL}, {"worst element, its iteration", say_where, 0, NULL},
    {"observed", say_number, OBSERVED, NULL}, {"expected", say_number, EXPECTED, NULL}, {"allowed difference", say_number, ALLOWED, NULL},
    {"elements compared", say_count, SINGLY, NULL}, {"sums compared", say_count, SUMS, NULL}, {"elements of one iteration", say_count, OF_ELEMENTS, NULL},
    {"iterations", say_count, TIMED, NULL}, {"of them judged", say_count, JUDGED, NULL}, {"bitwise equal to a judged one", say_count, EQUAL, NULL},
    {"share of cheated iterations that would have been found with 95 %", say_number, CHEAT, NULL},
    {"smallest fault found with 99 %, of the root mean square", say_number, FAULT, NULL}, {"kept elements that are zero", say_count, ZEROS, NULL},
    {"not finite", say_count, NOT_FINITE, NULL}, {"never written", say_count, POISON, NULL}, {"interval", say_no_interval, 0, NULL},
    {"machine", say_words, MACHINE, NULL}, {"energy by", say_words, ENERGY, NULL},
    {"compiled, as recorded by the back end", say_words, COMPILED, NULL}, {"of its nodes, as recorded by the back end", say_nodes, 0, NULL}, {"flop", say_count, FLOPS, NULL},
    {"transcendental", say_count, TRANSCENDENTALS, NULL}, {"items", say_count, ITEMS, NULL}, {"reads", say_bytes, READS, NULL},
    {"writes", say_bytes, WRITES, NULL}, {"working set, all input sets", say_bytes, WORKING_SET, NULL}, {"input sets", say_count, SETS, NULL},
    {"warm-up executions", say_count, WARM, NULL}, {"repeat", say_repeat, 0, NULL},
};
enum { N_FIXED = sizeof fixed / sizeof *fixed, MOST_COLUMNS = N_FIXED + ASSAY_METRIC_COUNT + 2 * MOST_COUNTERS + ASSAY_PHASE_COUNT };

/* ---- rows ----------------------------------------------------------------------------------------------------------------- */

/* Calls `each` for the brief rows, those that ran or those that were declined. */
static void for_each(const struct assay_report_run *run, bool ran, void (*each)(void *self, const struct one *o), void *self)
{
    for (size_t i = 0; i < run->n_cases; i++)
        for (size_t k = 0; k < run->cases[i].n_rows && assay_page_is_brief(run, &run->cases[i]); k++) {
            const struct assay_summary_row *row = run->cases[i].rows[k];
            const struct one                o = {run, &run->cases[i], row, row->launches[0]};
            if ((row->status == ASSAY_STATUS_OK) == ran)
                each(self, &o);
        }
}

struct table {
    struct assay_page *page;
    struct column      column[MOST_COLUMNS];
    size_t             n, rows;
    bool               varies[MOST_COLUMNS];
    struct one         first;
};

static const char *said(char room[COLUMN_BYTES], const struct column *c, const struct one *o)
{
    struct assay_text text = assay_text_over(room, COLUMN_BYTES);
    const char       *why = NULL;
    c->say(&text, &why, o, c);
    return why ? why : "";
}

static bool is_of(const struct column *c, const struct assay_summary_counter *counter)
{
    return c->counter && !strcmp(c->counter->first->name, counter->first->name) && !strcmp(c->counter->first->provider, counter->first->provider);
}

/* Rows name the same counters as a rule; what only some name is a column as well. */
static void add_counters(struct table *t, const struct assay_summary_row *row)
{
    for (size_t i = 0; i < row->n_counters; i++) {
        size_t k = 0;
        while (k < t->n && !is_of(&t->column[k], &row->counters[i]))
            k++;
        if (k == t->n && t->n < MOST_COLUMNS)
            t->column[t->n++] = (struct column){row->counters[i].first->name, say_counter, i, &row->counters[i]};
    }
}

static void see(void *self, const struct one *o)
{
    struct table *t = self;
    char          room[COLUMN_BYTES], other[COLUMN_BYTES];
    if (!t->rows++)
        t->first = *o;
    add_counters(t, o->row);
    for (size_t i = 0; i < t->n; i++) {
        if (t->varies[i])
            continue;
        const char *a = said(room, &t->column[i], o), *b = said(other, &t->column[i], &t->first);
        t->varies[i] = strcmp(room, other) != 0 || strcmp(a, b) != 0;
    }
}

/* Words that stand in the list above already are not written again. */
static bool is_words(const struct column *c)
{
    return c->say == say_words || c->say == say_bound || c->say == say_assurance || c->say == say_evidence || c->say == say_repeat;
}

/* Words of the back end's own. */
static bool is_recorded(const struct column *c)
{
    return c->say == say_nodes || (c->say == say_words && c->i == COMPILED);
}

static void write_row(void *self, const struct one *o)
{
    struct table      *t = self;
    struct assay_sink *to = &t->page->to;
    char               room[COLUMN_BYTES], other[COLUMN_BYTES];
    if (o->row == o->c->rows[0])
        assay_sink_raw(to, "<tr id=\"case-%zu-%zu\">", o->run->number, o->c->number);
    else
        assay_sink_raw(to, "<tr>");
    assay_sink_raw(to, "<th scope=\"row\" translate=\"no\">");
    assay_sink_text(to, o->c->name);
    assay_sink_raw(to, "</th><td>%zu</td><td translate=\"no\">", o->c->number);
    assay_sink_text(to, o->c->id);
    assay_sink_raw(to, "</td>");
    for (size_t i = 0; i < t->n; i++) {
        if (!t->varies[i])
            continue;
        const char *why = said(other, &t->column[i], &t->first);
        const bool  usual = is_words(&t->column[i]) && !strcmp(said(room, &t->column[i], o), why) && !strcmp(room, other);
        why = said(room, &t->column[i], o);
        if (usual) {
            assay_sink_raw(to, "<td></td>");
            continue;
        }
        assay_sink_raw(to, "<td");
        if (*room && is_recorded(&t->column[i]))
            assay_page_recorded_attributes(t->page, room);
        assay_sink_raw(to, *why ? " title=\"" : "");
        assay_sink_text(to, why);
        assay_sink_raw(to, *why ? "\">" : ">");
        assay_sink_text(to, *room || (!*why && !is_words(&t->column[i])) ? room : "–");
        assay_sink_raw(to, "</td>");
    }
    assay_sink_raw(to, "</tr>\n");
}

/* Does the column say nothing but a reason, the same of all? Which: *why, valid until the next call. */
static bool is_absent(const struct table *t, size_t i, const char **why)
{
    char room[COLUMN_BYTES];
    *why = said(room, &t->column[i], &t->first);
    return !t->varies[i] && **why && !*room;
}

/* What has no figure in any of them, by its reason, once each. */
static void write_absences(const struct table *t)
{
    struct assay_page *p = t->page;
    const char        *why, *other;
    bool               any = false;
    for (size_t i = 0; i < t->n; i++) {
        bool again = !is_absent(t, i, &why);
        for (size_t k = 0; k < i && !again; k++)
            again = is_absent(t, k, &other) && !strcmp(other, why);
        if (again)
            continue;
        assay_sink_raw(&p->to, any ? "<li>" : "<ul class=\"absent\">\n<li>");
        any = true;
        for (size_t k = i; k < t->n; k++) {
            if (!is_absent(t, k, &other) || strcmp(other, why) != 0)
                continue;
            assay_sink_raw(&p->to, k > i ? ", " : "");
            assay_page_element(p, "b", t->column[k].title);
        }
        assay_page_element(p, "span", why);
        assay_sink_raw(&p->to, "</li>\n");
    }
    assay_sink_raw(&p->to, any ? "</ul>\n" : "");
}

static void write_common(const struct table *t)
{
    struct assay_page *p = t->page;
    char               room[COLUMN_BYTES];
    assay_sink_raw(&p->to, "<p>In all of them, and of words where a row has no others:</p>\n<dl class=\"facts\">\n");
    for (size_t i = 0; i < t->n; i++) {
        (void)said(room, &t->column[i], &t->first);
        if (*room && (!t->varies[i] || is_words(&t->column[i])))
            (is_recorded(&t->column[i]) ? assay_page_recorded : assay_page_fact)(p, t->column[i].title, room);
    }
    assay_sink_raw(&p->to, "</dl>\n");
    write_absences(t);
}

/* A counter's column says who counts. */
static void write_head(const struct table *t)
{
    struct assay_page *p = t->page;
    assay_sink_raw(&p->to, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"figures of cases\"><table class=\"every\"><thead><tr>"
                           "<th scope=\"col\">case</th><th scope=\"col\">number</th><th scope=\"col\">case id</th>");
    for (size_t i = 0; i < t->n; i++) {
        if (!t->varies[i])
            continue;
        assay_sink_raw(&p->to, "<th scope=\"col\">");
        assay_sink_text(&p->to, t->column[i].title);
        if (t->column[i].counter)
            assay_page_element(p, "small", t->column[i].counter->first->provider);
        assay_sink_raw(&p->to, "</th>");
    }
    assay_sink_raw(&p->to, "</tr></thead><tbody>\n");
}

static void write_table(struct assay_page *p, const struct assay_report_run *run, bool ran, const char *heading)
{
    struct table t = {.page = p};
    for (size_t i = 0; i < N_FIXED; i++)
        t.column[t.n++] = fixed[i];
    for (size_t m = 0; m < ASSAY_METRIC_COUNT; m++)
        t.column[t.n++] = (struct column){assay_figure_metric_title((enum assay_metric)m), say_metric, m, NULL};
    for (size_t i = 0; i < ASSAY_PHASE_COUNT; i++)
        t.column[t.n++] = (struct column){assay_phase_name((enum assay_phase)i), say_phase, i, NULL};
    for_each(run, ran, see, &t);
    if (!t.rows)
        return;
    assay_sink_raw(&p->to, "<details class=\"one\"><summary><h3>%s</h3></summary><div class=\"body\">\n", heading);
    write_common(&t);
    write_head(&t);
    for_each(run, ran, write_row, &t);
    assay_sink_raw(&p->to, "</tbody></table></div>\n</div></details>\n");
}

void assay_page_brief(struct assay_page *p, const struct assay_report_run *run)
{
    write_table(p, run, true, "Every figure of the cases of one launch that are right");
    write_table(p, run, false, "Cases that the device declined");
}
