/* A run folder that holds anything, from its files to every report. Parts: manifest, plan, records, verdicts. No report
 * holds control characters or markup that is not its own. */
#include "reports/report.h"

#include <jansson.h>

#include "harness/base/tests/escape_readers.h"
#include "harness/store/tests/fuzz_lines.h"
#include "reports/data/tables.h"
#include "reports/markdown/markdown.h"
#include "reports/page/page.h"

#include "assay/banned.h"

static const char *const names[] = {"manifest.json", "plan.json", "records.jsonl", "verdicts.jsonl"};

static bool plain(const char *text, const char *allowed)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (((c < 0x20 || c == 0x7F) && !strchr(allowed, c)) || (c == 0xC2 && (unsigned char)at[1] < 0xA0))
            return false;
    }
    return valid_text(text);
}

/* ---- HTML ---- */

/* Which elements the report has; anything else came from outside. */
static bool is_ours(const char *name, size_t n)
{
    static const char *const all[] = {"a", "abbr", "article", "aside", "b", "body", "br", "caption", "code", "col", "colgroup",
                                      "dd", "details", "div", "dl", "dt", "em", "figcaption", "figure", "footer", "h1", "h2",
                                      "h3", "h4", "h5", "head", "header", "html", "i", "li", "link", "main", "meta", "nav", "ol",
                                      "p", "pre", "section", "small", "span", "strong", "style", "sub", "summary", "sup", "table",
                                      "tbody", "td", "th", "thead", "title", "tr", "ul", "wbr"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i]) == n && !strncmp(all[i], name, n))
            return true;
    return false;
}

static bool is_void(const char *name, size_t n)
{
    static const char *const all[] = {"br", "col", "link", "meta", "wbr"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i]) == n && !strncmp(all[i], name, n))
            return true;
    return false;
}

/* Every tag is one of ours, closed in order, its attributes between quotes. */
static void check_html(const char *page)
{
    struct {
        const char *at;
        size_t      n;
    } open[128];
    size_t depth = 0;
    FUZZ_HOLDS(plain(page, "\n\t\r"));
    for (const char *at = strchr(page + 1, '<'); at; at = strchr(at, '<')) {
        bool        closing = at[1] == '/';
        const char *name = at + 1 + closing, *end = name;
        size_t      n = strcspn(name, " />\n");
        FUZZ_HOLDS(is_ours(name, n));
        for (bool quoted = false; *end && (quoted || *end != '>'); end++)
            quoted = quoted != (*end == '"');
        FUZZ_HOLDS(*end == '>');
        if (closing) {
            FUZZ_HOLDS(depth > 0 && open[depth - 1].n == n && !strncmp(open[depth - 1].at, name, n));
            depth--;
        } else if (!is_void(name, n)) {
            FUZZ_HOLDS(depth < 128);
            open[depth].at = name;
            open[depth++].n = n;
        }
        at = end;
    }
    FUZZ_HOLDS(depth == 0);
}

static bool write_html(const struct assay_summary *run, FILE *out)
{
    struct assay_plots     *plots = assay_plots_new(); /* begun and not drawn: that is another program's work */
    struct assay_report_run sorted;
    bool                    ok = assay_report_run_init(&sorted, run, 1);
    FUZZ_HOLDS(plots && ok);
    assay_roofline_begin(&sorted, plots);
    assay_distributions_begin(&sorted, plots);
    struct assay_page page = {.to = {.out = out, .how = ASSAY_ESCAPE_HTML}, .plots = plots, .runs = &sorted, .n_runs = 1};
    assay_page_write(&page);
    assay_report_run_release(&sorted);
    assay_plots_free(plots);
    return !page.to.failed;
}

/* ---- the others ---- */

/* Every line has the fields of the first, and none begins a formula. */
static void check_csv(const char *text)
{
    size_t fields = 0, first = 0;
    FUZZ_HOLDS(plain(text, "\n\t\r"));
    char *field = malloc(strlen(text) + 1);
    for (const char *at = text; *at;) {
        size_t n = 0;
        if (*at == '"') {
            for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
                field[n++] = *at;
                at += *at == '"';
            }
            FUZZ_HOLDS(*at == '"');
            at++;
        } else {
            while (*at && !strchr(",\r\n\"", *at))
                field[n++] = *at++;
        }
        field[n] = 0;
        fields++;
        char *end;
        if (*field && strchr("=+-@", *field)) {
            (void)strtod(field, &end);
            FUZZ_HOLDS(!*end && strchr("+-", *field));
        }
        FUZZ_HOLDS(*at == ',' || (at[0] == '\r' && at[1] == '\n'));
        if (*at++ == ',')
            continue;
        at++;
        first = first ? first : fields;
        FUZZ_HOLDS(fields == first);
        fields = 0;
    }
    FUZZ_HOLDS(fields == 0 && first > 1);
    free(field);
}

static void check_format(const struct assay_summary *run, enum assay_report_format format)
{
    const struct assay_summary *const runs[] = {run, run};
    const struct assay_report_source  one = {.runs = runs, .n_runs = 1}, two = {.runs = runs, .n_runs = 2};
    struct assay_sink                 to = {.how = format == ASSAY_REPORT_CSV ? ASSAY_ESCAPE_CSV : ASSAY_ESCAPE_MARKDOWN};
    char                             *text = NULL;
    size_t                            length = 0;
    bool                              ok = false;
    to.out = open_memstream(&text, &length);
    FUZZ_HOLDS(to.out);
    switch (format) {
    case ASSAY_REPORT_HTML: ok = write_html(run, to.out); break;
    case ASSAY_REPORT_MARKDOWN: ok = assay_report_markdown(&one, &to); break;
    case ASSAY_REPORT_CSV: ok = assay_report_csv(&one, &to); break;
    case ASSAY_REPORT_JSON: ok = assay_report_json(&two, to.out); break;
    }
    FUZZ_HOLDS(fclose(to.out) == 0 && ok && strlen(text) == length);
    if (format == ASSAY_REPORT_HTML)
        check_html(text);
    if (format == ASSAY_REPORT_MARKDOWN)
        FUZZ_HOLDS(plain(text, "\n") && !strpbrk(text, "<"));
    if (format == ASSAY_REPORT_CSV)
        check_csv(text);
    if (format == ASSAY_REPORT_JSON) {
        json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        FUZZ_HOLDS(json);
        json_decref(json);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool          built;
    struct assay_summary run;
    struct assay_error   err = {.code = ASSAY_OK};
    for (unsigned i = 0; i < 4; i++) {
        size_t         n, length;
        const uint8_t *part = fuzz_part(&data, &bytes, &n);
        if (!built)
            fuzz_folder_link(names[i], i);
        if (i == 2) {
            char *mended = fuzz_lines(part, n, &length);
            (void)fuzz_file(i, mended, length);
            free(mended);
        } else {
            (void)fuzz_file(i, part, n);
        }
    }
    built = true;
    if (assay_summary_read(fuzz_folder(), &run, &err)) {
        FUZZ_HOLDS(err.code && *err.message);
        return 0;
    }
    for (int format = ASSAY_REPORT_HTML; format <= ASSAY_REPORT_JSON; format++)
        check_format(&run, (enum assay_report_format)format);
    assay_summary_release(&run);
    return 0;
}
