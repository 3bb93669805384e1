#include "harness/cli/report_set.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/folder_temporary.h"
#include "harness/base/json.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/judge/claims.h"
#include "harness/judge/findings.h"
#include "harness/judge/qualify.h"
#include "reports/book/tables.h"
#include "reports/decision/decision.h"
#include "reports/decision/deviation_page.h"
#include "reports/mlperf/published.h"
#include "reports/pdf.h"
#include "reports/translate.h"
#include "reports/write/write.h"

#include "assay/banned.h"

/* ---- what is wanted ---------------------------------------------------------------------------------------------- */

struct choosing {
    struct assay_report_set *set;
    struct assay_error      *err;
};

/* "html, md, …" of the table. */
static const char *names_of_formats(char room[128])
{
    size_t                         n;
    const struct assay_report_row *all = assay_report_formats(&n);
    struct assay_text              text = assay_text_over(room, 128);
    for (size_t i = 0; i < n; i++)
        assay_text_add(&text, "%s%s", i ? ", " : "", all[i].name);
    return room;
}

static bool choose_format(void *self, const char *part)
{
    struct choosing               *c = self;
    const struct assay_report_row *row = assay_report_format_find(part);
    if (!row) {
        const char                    *names[ASSAY_REPORT_FORMATS_MAX], *near;
        char                           room[128];
        size_t                         n;
        const struct assay_report_row *all = assay_report_formats(&n);
        for (size_t i = 0; i < n; i++)
            names[i] = all[i].name;
        near = assay_string_nearest(part, names, n);
        (void)ASSAY_FAIL(c->err, ASSAY_CONFIG, "unknown format '%.40s'%s%s%s (%s)", part, near ? "; did you mean '" : "", near ? near : "",
                         near ? "'?" : "", names_of_formats(room));
        return false;
    }
    for (size_t i = 0; i < c->set->n_formats; i++)
        if (c->set->format[i] == row)
            return true;
    c->set->format[c->set->n_formats++] = row;
    return true;
}

enum assay_code assay_report_set_formats(struct assay_report_set *set, const char *list, struct assay_error *err)
{
    struct choosing c = {set, err};
    char            room[128];
    (void)assay_string_split(list, ',', choose_format, &c);
    return err->code || set->n_formats ? err->code : ASSAY_FAIL(err, ASSAY_CONFIG, "no format was given (%s)", names_of_formats(room));
}

static bool choose_language(void *self, const char *part)
{
    struct choosing    *c = self;
    enum assay_language language;
    if (!assay_language_find(part, &language)) {
        (void)ASSAY_FAIL(c->err, ASSAY_CONFIG, "unknown language '%.20s' (en, zh)", part);
        return false;
    }
    for (size_t i = 0; i < c->set->n_languages; i++)
        if (c->set->language[i] == language)
            return true;
    c->set->language[c->set->n_languages++] = language;
    return true;
}

enum assay_code assay_report_set_languages(struct assay_report_set *set, const char *list, struct assay_error *err)
{
    struct choosing c = {set, err};
    (void)assay_string_split(list, ',', choose_language, &c);
    return err->code || set->n_languages ? err->code : ASSAY_FAIL(err, ASSAY_CONFIG, "no language was given (en, zh)");
}

void assay_report_set_reproducible(struct assay_report_set *set)
{
    size_t                         n;
    const struct assay_report_row *all = assay_report_formats(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].reproducible && (all[i].format != ASSAY_REPORT_XLSX || strcmp(assay_book_library(), "none") != 0))
            set->format[set->n_formats++] = &all[i];
    for (; set->n_languages < ASSAY_LANGUAGES; set->n_languages++)
        set->language[set->n_languages] = (enum assay_language)set->n_languages;
}

void assay_report_set_tools(char gnuplot[64], char xlsx[64])
{
    struct assay_error why = {.code = ASSAY_OK};
    char               program[] = "gnuplot", word[] = "--version", *argv[] = {program, word, NULL};
    int                status = -1;
    (void)assay_string_copy(xlsx, 64, assay_book_library());
    if (assay_process_capture(argv, NULL, 5 * ASSAY_NS_PER_S, gnuplot, 64, &status, &why) || status != 0)
        (void)assay_string_copy(gnuplot, 64, "none");
    gnuplot[strcspn(gnuplot, "\n")] = 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* What all reports are made of. */
struct writing {
    const struct assay_report_set *set;
    const char                    *folder;
    struct assay_summary          *runs;
    const struct assay_summary   **borrowed;
    size_t                         n;
    struct assay_findings         *levels;
    size_t                         n_levels;
    struct assay_policy            policy;
    struct assay_qualification     decision;
    struct assay_claims            claims;
    struct assay_guarantees        orders; /* of the decision */
    struct assay_mlperf            mlperf; /* of others: it meets none of the above in any table */
    char                           report_pdf[1024]; /* once it is printed; "" before */
    void (*wrote)(void *self, const char *path);
    void *self;
};

static enum assay_code read_run(struct writing *w, const char *path, struct assay_error *err)
{
    struct assay_summary *runs = reallocarray(w->runs, w->n + 1, sizeof *runs);
    if (!runs)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu runs", w->n + 1);
    w->runs = runs;
    if (assay_summary_read(path, &w->runs[w->n], err))
        return err->code;
    assay_cli_note_torn(w->runs[w->n++].folder);
    return ASSAY_OK;
}

/* What is in the folder: a run, what levels of validation found, or both. Of a level of trainings the run is that of its gradients. */
static enum assay_code read_folder(struct writing *w, const char *path, struct assay_error *err)
{
    char                   records[1024], gradients[1024];
    struct assay_findings *level = &w->levels[w->n_levels++];
    if (assay_findings_read(path, level, err) || assay_path_join(records, sizeof records, path, "records.jsonl", err) ||
        assay_path_join(gradients, sizeof gradients, path, ASSAY_FINDINGS_GRADIENTS, err))
        return err->code;
    bool has_level = level->has_model || level->has_training;
    if (!has_level)
        w->n_levels--;
    if (!has_level || assay_file_exists(records))
        return read_run(w, path, err);
    return level->has_training && assay_file_exists(gradients) ? read_run(w, gradients, err) : ASSAY_OK;
}

static enum assay_code read_all(struct writing *w, size_t n, char *const *paths, struct assay_error *err)
{
    w->borrowed = calloc(n, sizeof(struct assay_summary *));
    w->levels = calloc(n, sizeof *w->levels);
    if (!w->borrowed || !w->levels)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu folders", n);
    if (*w->set->policy && assay_policy_read(w->set->policy, &w->policy, err))
        return err->code;
    if (*w->set->mlperf && assay_mlperf_read(w->set->mlperf, &w->mlperf, err))
        return err->code;
    for (size_t i = 0; i < n; i++)
        if (read_folder(w, paths[i], err))
            return err->code;
    for (size_t i = 0; i < w->n; i++)
        w->borrowed[i] = &w->runs[i];
    if (*w->set->policy && !w->n)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a policy decides about runs, and there is none in '%.160s'", paths[0]);
    if (*w->set->claims && assay_claims_read(w->set->claims, w->runs, w->n, &w->claims, err))
        return err->code;
    if (*w->set->policy && (assay_qualify(&w->policy, w->runs, w->n, &w->decision, err) || assay_guarantees_find(&w->decision, &w->orders, err)))
        return err->code;
    return ASSAY_OK;
}

static void release(struct writing *w)
{
    assay_guarantees_release(&w->orders);
    assay_qualification_release(&w->decision);
    assay_claims_release(&w->claims);
    while (w->n)
        assay_summary_release(&w->runs[--w->n]);
    while (w->n_levels)
        assay_findings_release(&w->levels[--w->n_levels]);
    free(w->runs);
    free(w->borrowed);
    free(w->levels);
    assay_mlperf_release(&w->mlperf);
    assay_policy_release(&w->policy);
}

static struct assay_report_source source_of(const struct writing *w)
{
    return (struct assay_report_source){.runs = w->borrowed, .n_runs = w->n, .levels = w->levels, .n_levels = w->n_levels};
}

static const struct assay_claims *claims_of(const struct writing *w)
{
    return w->claims.owned ? &w->claims : NULL;
}

static enum assay_code write_decision(const struct writing *w, enum assay_language language, const char *path, struct assay_error *err)
{
    const struct assay_decision_extras extras = {claims_of(w), &w->orders};
    return assay_decision_write(&w->decision, &extras, language, path, err);
}

/* "STEM.LANG.END" in the folder. */
static enum assay_code path_of(const struct writing *w, const char *stem, enum assay_language language, const char *end, char path[1024],
                               struct assay_error *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%.30s.%s.%.10s", stem, assay_language_name(language), end);
    return assay_path_join(path, 1024, w->folder, name, err);
}

/* Decision and deviations, as a page each. */
static enum assay_code write_pages(struct writing *w, struct assay_error *err)
{
    struct assay_deviations deviations = {&w->decision, claims_of(w), NULL};
    char                    path[1024];
    for (size_t i = 0; i < w->set->n_languages; i++) {
        enum assay_language l = w->set->language[i];
        if (path_of(w, "decision", l, "html", path, err) || write_decision(w, l, path, err))
            return err->code;
        w->wrote(w->self, path);
        if (path_of(w, "deviation", l, "html", path, err) || assay_deviations_write(&deviations, l, path, err))
            return err->code;
        w->wrote(w->self, path);
    }
    return ASSAY_OK;
}

static void fill_book(const struct writing *w, enum assay_language l, struct assay_book *book)
{
    *book = (struct assay_book){.n = 0};
    assay_book_runs(book, l, w->borrowed, w->n);
    if (*w->set->policy) {
        assay_book_deviations(book, l, &w->decision, claims_of(w));
        assay_book_costs(book, l, &w->decision);
        assay_book_prices(book, l, &w->decision);
    }
    if (claims_of(w))
        assay_book_claims(book, l, claims_of(w));
}

static enum assay_code write_books(struct writing *w, struct assay_error *err)
{
    char path[1024];
    for (size_t i = 0; !err->code && i < w->set->n_languages; i++) {
        enum assay_language l = w->set->language[i];
        struct assay_book   book;
        const struct assay_report_source of = source_of(w);
        fill_book(w, l, &book);
        assay_book_figures(&book, l, &of);
        if (*w->set->mlperf)
            assay_mlperf_sheet(&book, l, &w->mlperf);
        if (!path_of(w, "report", l, "xlsx", path, err) && !assay_book_write(&book, path, err))
            w->wrote(w->self, path);
        assay_book_release(&book);
    }
    return err->code;
}

/* A page written for the printer alone, and printed to `pdf`. */
static enum assay_code print_page(struct writing *w, const char *html, const char *pdf, struct assay_error *err)
{
    if (!assay_pdf_print(html, pdf, err))
        w->wrote(w->self, pdf);
    return err->code;
}

/* The report in the other languages, printed: "report.zh.pdf". `page` is a file to be used for it. */
static enum assay_code print_translations(struct writing *w, const char *english, const char *page, struct assay_error *err)
{
    char path[1024];
    for (size_t i = 0; !err->code && i < w->set->n_languages; i++) {
        enum assay_language l = w->set->language[i];
        if (l != ASSAY_ENGLISH && !path_of(w, "report", l, "pdf", path, err) && !assay_report_translate(english, ASSAY_REPORT_HTML, l, page, err))
            (void)print_page(w, page, path, err);
    }
    return err->code;
}

/* The report first: the deviation table tells its pages. */
static enum assay_code write_pdfs(struct writing *w, struct assay_error *err)
{
    struct assay_deviations deviations = {&w->decision, claims_of(w), w->report_pdf};
    char                    temporary[1024], html[1100], report[1100], path[1024];
    const struct assay_report_source source = source_of(w);
    if (assay_path_join(w->report_pdf, sizeof w->report_pdf, w->folder, "report.pdf", err) ||
        assay_folder_temporary("print", temporary, sizeof temporary, err))
        return err->code;
    (void)snprintf(html, sizeof html, "%s/page.html", temporary);
    (void)snprintf(report, sizeof report, "%s/report.html", temporary);
    if (!assay_report_write(&source, ASSAY_REPORT_HTML, report, err) && !print_page(w, report, w->report_pdf, err) && *w->set->policy)
        for (size_t i = 0; !err->code && i < w->set->n_languages; i++) {
            enum assay_language l = w->set->language[i];
            if (!path_of(w, "decision", l, "pdf", path, err) && !write_decision(w, l, html, err) &&
                !print_page(w, html, path, err) && !path_of(w, "deviation", l, "pdf", path, err) &&
                !assay_deviations_write(&deviations, l, html, err))
                (void)print_page(w, html, path, err);
        }
    if (!err->code)
        (void)print_translations(w, report, html, err);
    for (size_t i = 0; !err->code && *w->set->mlperf && i < w->set->n_languages; i++)
        if (!path_of(w, "mlperf", w->set->language[i], "pdf", path, err) &&
            !assay_mlperf_report(&w->mlperf, ASSAY_REPORT_HTML, w->set->language[i], html, err))
            (void)print_page(w, html, path, err);
    w->report_pdf[0] = 0;
    assay_folder_remove(temporary);
    return err->code;
}

static enum assay_code write_decision_json(struct writing *w, struct assay_error *err)
{
    char    path[1024];
    json_t *json = assay_decision_to_json(&w->decision, claims_of(w));
    char   *bytes = json ? assay_json_pretty(json) : NULL;
    json_decref(json);
    if (!bytes)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the decision as JSON");
    if (!assay_path_join(path, sizeof path, w->folder, "decision.json", err) && !assay_file_replace(path, bytes, strlen(bytes), err))
        w->wrote(w->self, path);
    free(bytes);
    return err->code;
}

static enum assay_code write_mlperf(struct writing *w, const struct assay_report_row *row, struct assay_error *err)
{
    char path[1024];
    if (!*w->set->mlperf || !assay_mlperf_has_format(row->format))
        return ASSAY_OK;
    for (size_t i = 0; i < w->set->n_languages; i++) {
        if (path_of(w, "mlperf", w->set->language[i], row->name, path, err) ||
            assay_mlperf_report(&w->mlperf, row->format, w->set->language[i], path, err))
            return err->code;
        w->wrote(w->self, path);
    }
    return ASSAY_OK;
}

/* A report in English, in the other languages: "report.zh.html". */
static enum assay_code write_translations(struct writing *w, const struct assay_report_row *row, const char *english, struct assay_error *err)
{
    char path[1024];
    for (size_t i = 0; i < w->set->n_languages; i++) {
        enum assay_language l = w->set->language[i];
        if (l == ASSAY_ENGLISH)
            continue;
        if (path_of(w, "report", l, row->name, path, err) || assay_report_translate(english, row->format, l, path, err))
            return err->code;
        w->wrote(w->self, path);
    }
    return ASSAY_OK;
}

static enum assay_code write_format(struct writing *w, const struct assay_report_row *row, struct assay_error *err)
{
    const struct assay_report_source source = source_of(w);
    char                             path[1024];
    bool                             decided = *w->set->policy;
    if (row->format == ASSAY_REPORT_XLSX)
        return write_books(w, err);
    if (row->format == ASSAY_REPORT_PDF)
        return write_pdfs(w, err);
    if (assay_path_join(path, sizeof path, w->folder, row->file, err) || assay_report_write(&source, row->format, path, err))
        return err->code;
    w->wrote(w->self, path);
    if ((row->format == ASSAY_REPORT_HTML || row->format == ASSAY_REPORT_MARKDOWN) && write_translations(w, row, path, err))
        return err->code;
    if (decided && row->format == ASSAY_REPORT_HTML && write_pages(w, err))
        return err->code;
    if (decided && row->format == ASSAY_REPORT_JSON && write_decision_json(w, err))
        return err->code;
    return write_mlperf(w, row, err);
}

enum assay_code assay_report_set_write(const struct assay_report_set *set, size_t n, char *const *runs, const char *folder,
                                       void (*wrote)(void *self, const char *path), void *self, struct assay_error *err)
{
    struct writing w = {.set = set, .folder = folder, .wrote = wrote, .self = self};
    if (!read_all(&w, n, runs, err) && !assay_folder_make(folder, err))
        for (int printed = 0; printed <= 1; printed++) /* last: where nothing prints, all others are there */
            for (size_t i = 0; !err->code && i < set->n_formats; i++)
                if ((set->format[i]->format == ASSAY_REPORT_PDF) == printed)
                    (void)write_format(&w, set->format[i], err);
    release(&w);
    return err->code;
}
