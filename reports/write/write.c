#include "reports/write/write.h"

#include <stdlib.h>

#include "harness/base/file.h"
#include "reports/data/tables.h"
#include "reports/markdown/markdown.h"
#include "reports/page/page.h"

#include "assay/banned.h"

/* Runs sorted for reading, with plots drawn. */
static bool write_html(const struct assay_report_source *of, struct assay_sink *to)
{
    const struct assay_summary *const *runs = of->runs;
    size_t                   n = of->n_runs;
    bool                     ok = true;
    struct assay_plots      *plots = assay_plots_new();
    struct assay_report_run *sorted = calloc(n + 1, sizeof *sorted);
    if (plots && sorted) {
        for (size_t i = 0; ok && i < n; i++) {
            ok = assay_report_run_init(&sorted[i], runs[i], i + 1);
            if (ok) {
                assay_repeats_begin(&sorted[i]);
                assay_roofline_begin(&sorted[i], plots);
                assay_distributions_begin(&sorted[i], plots);
                assay_learning_begin(&sorted[i], plots);
                assay_load_begin(&sorted[i], plots);
                if (assay_page_has_worth(&sorted[i]))
                    assay_worth_begin(&sorted[i].worth, plots);
                for (size_t m = 0; m < runs[i]->n_rows; m++)
                    assay_model_roofline_begin(&sorted[i].models[m], plots);
            }
        }
        assay_plots_draw(plots);
        struct assay_page page = {.to = *to, .plots = plots, .runs = sorted, .n_runs = n, .levels = of->levels, .n_levels = of->n_levels};
        if (ok)
            assay_page_write(&page);
        ok = ok && !page.to.failed;
    } else {
        ok = false;
    }
    for (size_t i = 0; sorted && i < n; i++)
        assay_report_run_release(&sorted[i]);
    free(sorted);
    assay_plots_free(plots);
    return ok;
}

static bool write_format(const struct assay_report_source *of, enum assay_report_format format, FILE *out)
{
    struct assay_sink to = {.out = out};
    switch (format) {
    case ASSAY_REPORT_HTML: to.how = ASSAY_ESCAPE_HTML; return write_html(of, &to);
    case ASSAY_REPORT_MARKDOWN: to.how = ASSAY_ESCAPE_MARKDOWN; return assay_report_markdown(of, &to);
    case ASSAY_REPORT_CSV: to.how = ASSAY_ESCAPE_CSV; return assay_report_csv(of, &to);
    case ASSAY_REPORT_JSON: return assay_report_json(of, out);
    case ASSAY_REPORT_XLSX:
    case ASSAY_REPORT_PDF: return false;
    }
    return false;
}

enum assay_code assay_report_write(const struct assay_report_source *of, enum assay_report_format format, const char *path,
                                   struct assay_error *err)
{
    char  *bytes = NULL;
    size_t length = 0;
    FILE  *out = open_memstream(&bytes, &length);
    if (!out)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a report");
    bool ok = write_format(of, format, out);
    if ((fclose(out) != 0) || !ok)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the report '%.160s'", path);
    else
        (void)assay_file_replace(path, bytes, length, err);
    free(bytes);
    return err->code;
}
