/* A folder that holds anything as what levels of validation found. Parts: model.json, training.json. What is refused is told in one line;
 * what is read is written as a page and as a text, where nothing of it is markup. */
#include "reports/report.h"

#include "harness/base/tests/fuzz.h"
#include "reports/data/tables.h"
#include "reports/markdown/markdown.h"
#include "reports/page/page.h"
#include "reports/tests/markup.h"

#include "assay/banned.h"

static char *written(const struct assay_report_source *of, enum assay_report_format format)
{
    char  *text = NULL;
    size_t length = 0;
    FILE  *out = open_memstream(&text, &length);
    FUZZ_HOLDS(out);
    struct assay_plots *plots = assay_plots_new();
    struct assay_page   page = {.to = {.out = out, .how = ASSAY_ESCAPE_HTML}, .plots = plots, .levels = of->levels, .n_levels = of->n_levels};
    struct assay_sink   to = {.out = out, .how = ASSAY_ESCAPE_MARKDOWN};
    if (format == ASSAY_REPORT_HTML)
        assay_page_write(&page);
    else
        FUZZ_HOLDS(assay_report_markdown(of, &to));
    FUZZ_HOLDS(fclose(out) == 0 && !page.to.failed && strlen(text) == length);
    assay_plots_free(plots);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const names[] = {ASSAY_FINDINGS_MODEL, ASSAY_FINDINGS_TRAINING};
    static bool              built;
    struct assay_findings    level;
    struct assay_error       err = {.code = ASSAY_OK};
    char                     why[200];
    for (unsigned i = 0; i < 2; i++) {
        size_t         n;
        const uint8_t *part = fuzz_part(&data, &bytes, &n);
        if (!built)
            fuzz_folder_link(names[i], i);
        (void)fuzz_file(i, part, n);
    }
    built = true;
    if (assay_findings_read(fuzz_folder(), &level, &err)) {
        FUZZ_HOLDS((err.code == ASSAY_DATA || err.code == ASSAY_IO) && *err.message && !strchr(err.message, '\n'));
    }
    const struct assay_report_source of = {.levels = &level, .n_levels = level.has_model || level.has_training};
    char *page = written(&of, ASSAY_REPORT_HTML), *text = written(&of, ASSAY_REPORT_MARKDOWN);
    FUZZ_HOLDS(markup_is_well_formed(page, why) && !strstr(page, "<script") && !strpbrk(text, "<"));
    free(page);
    free(text);
    assay_findings_release(&level);
    return 0;
}
