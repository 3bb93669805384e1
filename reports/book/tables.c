#include "reports/book/tables.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "reports/decision/deviation.h"
#include "reports/figures.h"
#include "reports/level_figures.h"

#include "assay/banned.h"

void assay_book_say(struct assay_book *book, enum assay_cell_style style, enum assay_language language, enum assay_say what)
{
    assay_book_text(book, style, assay_say(language, what));
}

void assay_book_heads(struct assay_book *book, enum assay_language language, const enum assay_say *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assay_book_say(book, ASSAY_CELL_HEAD, language, columns[i]);
    assay_book_next_row(book);
}

static void begin(struct assay_book *book, enum assay_language language, enum assay_say name, const enum assay_say *columns, size_t n)
{
    assay_book_sheet(book, assay_say(language, name));
    assay_book_heads(book, language, columns, n);
}
#define BEGIN(name, ...)                                                                               \
    do {                                                                                               \
        static const enum assay_say columns_[] = {__VA_ARGS__};                                        \
        begin(book, language, (name), columns_, sizeof columns_ / sizeof *columns_);                   \
    } while (0)

static void text(struct assay_book *book, const char *value)
{
    assay_book_text(book, ASSAY_CELL_PLAIN, value);
}

static void number(struct assay_book *book, bool there, double value)
{
    if (there)
        assay_book_number(book, ASSAY_CELL_PLAIN, value);
    else
        assay_book_skip(book);
}

static void run_name(struct assay_book *book, const struct assay_summary *run)
{
    char              name[256];
    struct assay_text room = ASSAY_TEXT(name);
    assay_figure_run_name(&room, run);
    text(book, name);
}

/* Run, case, id, back end, device, evidence, grade, status, verdict: how every line of a result begins. */
static void row_begins(struct assay_book *book, enum assay_language language, const struct assay_summary *run,
                       const struct assay_summary_row *row)
{
    const struct assay_device_info *device = &row->launches[row->typical]->device;
    run_name(book, run);
    text(book, row->case_name);
    text(book, row->id);
    text(book, row->backend);
    text(book, *device->product ? device->product : device->name);
    text(book, assay_say_evidence(language, row->evidence));
    text(book, row->grade);
    text(book, assay_say_status(language, row->status));
    text(book, assay_say_outcome(language, row->outcome));
}
#define ROW_BEGINS \
    ASSAY_SAY_RUN, ASSAY_SAY_CASE, ASSAY_SAY_CASE_ID, ASSAY_SAY_BACKEND, ASSAY_SAY_PRODUCT, ASSAY_SAY_EVIDENCE_COLUMN, ASSAY_SAY_GRADE, ASSAY_SAY_STATUS, ASSAY_SAY_VERDICT

static void estimate(struct assay_book *book, const struct assay_estimate *e)
{
    number(book, e->has_value, e->value);
    number(book, e->has_interval, e->low); /* also without a value: a model of grade D gives a range and no point */
    number(book, e->has_interval, e->high);
}

static const char *why(enum assay_language language, const struct assay_summary_row *row, const struct assay_estimate *e)
{
    return e->has_value || *e->why ? e->why : *row->reason ? row->reason : assay_say(language, ASSAY_SAY_NO_REASON_RECORDED);
}

/* ---- sheets ------------------------------------------------------------------------------------------------------ */

static void runs_sheet(struct assay_book *book, enum assay_language language, const struct assay_summary *const *runs, size_t n)
{
    BEGIN(ASSAY_SAY_SHEET_RUNS, ASSAY_SAY_RUN, ASSAY_SAY_CREATED, ASSAY_SAY_VERSIONS, ASSAY_SAY_RECORDS, ASSAY_SAY_CASES, ASSAY_SAY_PROVED,
          ASSAY_SAY_NOT_PROVED, ASSAY_SAY_NEVER_RUN);
    for (size_t i = 0; i < n; i++) {
        size_t proved = 0;
        char   version[100];
        for (size_t r = 0; r < runs[i]->n_rows; r++)
            proved += assay_figure_is_proved(&runs[i]->rows[r]);
        (void)snprintf(version, sizeof version, "assay %.80s", assay_figure_manifest(runs[i], "assay"));
        run_name(book, runs[i]);
        text(book, assay_figure_manifest(runs[i], "created"));
        text(book, version);
        number(book, true, (double)runs[i]->n_records);
        number(book, true, (double)runs[i]->n_rows);
        number(book, true, (double)proved);
        number(book, true, (double)(runs[i]->n_rows - proved));
        number(book, true, (double)runs[i]->n_missing);
        assay_book_next_row(book);
    }
}

static void results_sheet(struct assay_book *book, enum assay_language language, const struct assay_summary *const *runs, size_t n)
{
    static const enum assay_metric shown[] = {ASSAY_METRIC_latency_ns, ASSAY_METRIC_flops_per_s, ASSAY_METRIC_bytes_per_s};
    assay_book_sheet(book, assay_say(language, ASSAY_SAY_SHEET_RESULTS));
    static const enum assay_say first[] = {ROW_BEGINS, ASSAY_SAY_LAUNCHES};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        assay_book_say(book, ASSAY_CELL_HEAD, language, first[i]);
    for (size_t m = 0; m < sizeof shown / sizeof *shown; m++) {
        const struct assay_metric_row *row = assay_metric_row(shown[m]);
        char                           head[100];
        (void)snprintf(head, sizeof head, "%s (%s)", row->name, row->unit);
        assay_book_text(book, ASSAY_CELL_HEAD, head);
        assay_book_say(book, ASSAY_CELL_HEAD, language, ASSAY_SAY_LOW);
        assay_book_say(book, ASSAY_CELL_HEAD, language, ASSAY_SAY_HIGH);
    }
    assay_book_say(book, ASSAY_CELL_HEAD, language, ASSAY_SAY_WHY);
    assay_book_next_row(book);
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < runs[i]->n_rows; r++) {
            const struct assay_summary_row *row = &runs[i]->rows[r];
            row_begins(book, language, runs[i], row);
            number(book, true, (double)row->n_launches);
            for (size_t m = 0; m < sizeof shown / sizeof *shown; m++)
                estimate(book, &row->metric[shown[m]]);
            text(book, why(language, row, &row->metric[ASSAY_METRIC_latency_ns]));
            assay_book_next_row(book);
        }
}

struct level_rows {
    struct assay_book  *book;
    enum assay_language language;
};
static void level_row(void *self, const struct assay_level_figure *f)
{
    const struct level_rows *to = self;
    struct assay_book       *book = to->book;
    text(book, f->folder);
    text(book, f->case_name);
    assay_book_skip(book);
    text(book, f->backend);
    for (int launch = 0; launch < 4; launch++) /* device, evidence, grade, status: no launch stands behind it */
        assay_book_skip(book);
    text(book, assay_say_outcome(to->language, f->outcome));
    text(book, f->metric);
    number(book, f->has_value, f->value);
    number(book, f->has_interval, f->low);
    number(book, f->has_interval, f->high);
    number(book, f->has_interval, f->level);
    number(book, true, (double)f->n);
    text(book, f->unit);
    text(book, f->why);
    assay_book_next_row(book);
}

void assay_book_figures(struct assay_book *book, enum assay_language language, const struct assay_report_source *of)
{
    const struct assay_summary *const *runs = of->runs;
    size_t                             n = of->n_runs;
    BEGIN(ASSAY_SAY_SHEET_FIGURES, ROW_BEGINS, ASSAY_SAY_METRIC, ASSAY_SAY_VALUE, ASSAY_SAY_LOW, ASSAY_SAY_HIGH, ASSAY_SAY_LEVEL,
          ASSAY_SAY_LAUNCHES, ASSAY_SAY_UNIT, ASSAY_SAY_WHY);
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < runs[i]->n_rows; r++)
            for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
                const struct assay_summary_row *row = &runs[i]->rows[r];
                const struct assay_estimate    *e = &row->metric[m];
                row_begins(book, language, runs[i], row);
                text(book, assay_metric_row((enum assay_metric)m)->name);
                estimate(book, e);
                number(book, e->has_interval, e->level);
                number(book, true, (double)e->n);
                text(book, assay_metric_row((enum assay_metric)m)->unit);
                text(book, why(language, row, e));
                assay_book_next_row(book);
            }
    assay_level_figures(of->levels, of->n_levels, level_row, &(struct level_rows){book, language});
}

static void launch_line(struct assay_book *book, enum assay_language language, const struct assay_summary *run,
                        const struct assay_summary_row *row, size_t k)
{
    const struct assay_record  *r = row->launches[k];
    const struct assay_verdict *v = row->verdicts[k];
    bool                        ok = r->status == ASSAY_STATUS_OK;
    enum assay_outcome          outcome = ok && v ? v->check.outcome : ASSAY_NOT_CHECKED;
    if (ok && (outcome == ASSAY_PASS || outcome == ASSAY_MARGINAL))
        return;
    run_name(book, run);
    text(book, row->case_name);
    text(book, row->id);
    text(book, row->backend);
    number(book, true, r->launch);
    text(book, assay_say_status(language, r->status));
    text(book, assay_say_outcome(language, outcome));
    text(book, !ok ? r->reason : v ? v->check.why : "");
    text(book, r->repeat);
    assay_book_next_row(book);
}

static void not_counted_sheet(struct assay_book *book, enum assay_language language, const struct assay_summary *const *runs, size_t n)
{
    BEGIN(ASSAY_SAY_SHEET_NOT_COUNTED, ASSAY_SAY_RUN, ASSAY_SAY_CASE, ASSAY_SAY_CASE_ID, ASSAY_SAY_BACKEND, ASSAY_SAY_LAUNCH, ASSAY_SAY_STATUS,
          ASSAY_SAY_VERDICT, ASSAY_SAY_WHY, ASSAY_SAY_REPEAT);
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < runs[i]->n_rows; r++)
            for (size_t k = 0; k < runs[i]->rows[r].n_launches; k++)
                launch_line(book, language, runs[i], &runs[i]->rows[r], k);
        for (size_t m = 0; m < runs[i]->n_missing; m++) {
            run_name(book, runs[i]);
            text(book, runs[i]->missing[m].case_name);
            text(book, runs[i]->missing[m].id);
            text(book, runs[i]->missing[m].backend);
            assay_book_skip(book);
            assay_book_say(book, ASSAY_CELL_PLAIN, language, ASSAY_SAY_NEVER_RUN);
            assay_book_next_row(book);
        }
    }
}

/* Member by member, "host.cpu.model" and the like, in the order of the file. */
static void flatten(struct assay_book *book, const struct assay_summary *run, const char *name, const json_t *value, int depth)
{
    const char *key;
    json_t     *member;
    size_t      i;
    char        inner[300], *bare = NULL;
    if (json_is_object(value) && depth < 8) {
        json_object_foreach ((json_t *)value, key, member) {
            if (!strcmp(key, "devices"))
                continue; /* all that a back end could have opened: not what was tested */
            (void)snprintf(inner, sizeof inner, "%.180s%s%.100s", name, *name ? "." : "", key);
            flatten(book, run, inner, member, depth + 1);
        }
    } else if (json_is_array(value) && depth < 8) {
        json_array_foreach (value, i, member) {
            (void)snprintf(inner, sizeof inner, "%.180s[%zu]", name, i);
            flatten(book, run, inner, member, depth + 1);
        }
    } else {
        run_name(book, run);
        text(book, name);
        if (json_is_number(value))
            number(book, true, json_number_value(value));
        else
            text(book, json_is_string(value) ? json_string_value(value) : (bare = json_dumps(value, JSON_ENCODE_ANY)) ? bare : "");
        assay_book_next_row(book);
        free(bare);
    }
}

static void environment_sheet(struct assay_book *book, enum assay_language language, const struct assay_summary *const *runs, size_t n)
{
    BEGIN(ASSAY_SAY_SHEET_ENVIRONMENT, ASSAY_SAY_RUN, ASSAY_SAY_MEMBER, ASSAY_SAY_VALUE);
    for (size_t i = 0; i < n; i++)
        flatten(book, runs[i], "", assay_run_folder_manifest(runs[i]->folder), 0);
}

void assay_book_runs(struct assay_book *book, enum assay_language language, const struct assay_summary *const *runs, size_t n)
{
    runs_sheet(book, language, runs, n);
    results_sheet(book, language, runs, n);
    not_counted_sheet(book, language, runs, n);
    environment_sheet(book, language, runs, n);
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */

void assay_book_claims(struct assay_book *book, enum assay_language language, const struct assay_claims *claims)
{
    BEGIN(ASSAY_SAY_SHEET_CLAIMS, ASSAY_SAY_PRODUCT, ASSAY_SAY_CLAIM, ASSAY_SAY_SOURCE, ASSAY_SAY_CLAIMED, ASSAY_SAY_UNIT, ASSAY_SAY_COMPARED,
          ASSAY_SAY_EVIDENCE_COLUMN, ASSAY_SAY_RATIO, ASSAY_SAY_OUTCOME);
    for (size_t i = 0; i < claims->n; i++) {
        const struct assay_claim *c = &claims->claims[i];
        char                      source[600];
        (void)snprintf(source, sizeof source, "%.400s, %.100s", c->claimed.source, c->claimed.date);
        text(book, c->device);
        text(book, c->text);
        text(book, source);
        number(book, true, c->claimed.stated);
        text(book, c->claimed.unit);
        number(book, c->evidence, c->value);
        text(book, c->evidence ? assay_say_evidence(language, c->evidence) : "");
        number(book, c->evidence, c->ratio);
        text(book, assay_say_claim(language, c->verdict));
        assay_book_next_row(book);
    }
}

/* ---- deviations -------------------------------------------------------------------------------------------------- */

void assay_book_deviations(struct assay_book *book, enum assay_language language, const struct assay_qualification *q,
                           const struct assay_claims *claims)
{
    BEGIN(ASSAY_SAY_SHEET_DEVIATIONS, ASSAY_SAY_CANDIDATE, ASSAY_SAY_EVIDENCE_COLUMN, ASSAY_SAY_CLAUSE, ASSAY_SAY_REQUIRED, ASSAY_SAY_CLAIMED,
          ASSAY_SAY_MEASURED, ASSAY_SAY_OUTCOME, ASSAY_SAY_DEVIATION, ASSAY_SAY_CASE_ID, ASSAY_SAY_REPEAT);
    for (size_t i = 0; i < q->n; i++)
        for (size_t k = 0; k < q->policy->n_rules; k++) {
            const struct assay_candidate *c = &q->candidates[i];
            struct assay_deviation        d;
            char                          evidence[160];
            struct assay_text             room = ASSAY_TEXT(evidence);
            assay_say_candidate_evidence(&room, language, c);
            assay_deviation_of(c, k, claims, language, &d);
            text(book, c->name);
            text(book, evidence);
            text(book, d.clause);
            text(book, d.required);
            text(book, d.claimed);
            text(book, d.measured);
            text(book, assay_say_decision(language, d.decision));
            text(book, d.deviation);
            text(book, d.case_id);
            text(book, d.repeat);
            assay_book_next_row(book);
        }
}
