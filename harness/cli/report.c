#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "reports/report.h"

#include "assay/banned.h"

struct report_options {
    char format[256], out[512];
};

static const struct assay_option options[] = {
    {.name = "format", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct report_options, format), .bytes = 256, .dflt = "html",
     .help = "html, md, csv, json: one or several, separated by commas"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct report_options, out), .bytes = 512, .dflt = "",
     .help = "folder of the reports (default: report/ in the first run folder)"},
    {0},
};

struct chosen {
    const struct assay_report_row *row[8];
    size_t                         n;
    struct assay_error            *err;
};

static bool choose(void *self, const char *part)
{
    struct chosen                 *c = self;
    const struct assay_report_row *row = assay_report_format_find(part);
    if (!row) {
        const char                    *names[8], *near;
        size_t                         n;
        const struct assay_report_row *all = assay_report_formats(&n);
        for (size_t i = 0; i < n; i++)
            names[i] = all[i].name;
        near = assay_string_nearest(part, names, n);
        (void)ASSAY_FAIL(c->err, ASSAY_CONFIG, "unknown format '%.40s'%s%s%s (html, md, csv, json)", part, near ? "; did you mean '" : "", near ? near : "",
                         near ? "'?" : "");
        return false;
    }
    for (size_t i = 0; i < c->n; i++)
        if (c->row[i] == row)
            return true;
    c->row[c->n++] = row;
    return true;
}

/* Reads all runs before anything is written. */
static enum assay_code read_runs(size_t n, char **paths, struct assay_summary *runs, size_t *read, struct assay_error *err)
{
    for (*read = 0; *read < n; ++*read)
        if (assay_summary_read(paths[*read], &runs[*read], err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code write_reports(const struct assay_summary *const *runs, size_t n, const struct chosen *formats, const char *folder,
                                     struct assay_error *err)
{
    char path[1024];
    if (assay_folder_make(folder, err))
        return err->code;
    for (size_t i = 0; i < formats->n; i++) {
        if (assay_path_join(path, sizeof path, folder, formats->row[i]->file, err) ||
            assay_report_write(runs, n, formats->row[i]->format, path, err))
            return err->code;
        puts(path);
    }
    return ASSAY_OK;
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct report_options *o = given_options;
    struct assay_error           err = {.code = ASSAY_OK};
    struct chosen                formats = {.err = &err};
    char                         folder[1024];
    size_t                       read = 0;
    (void)given;
    if (n == 0)
        return assay_cli_usage("report needs a run folder or several: assay report out/quick");
    (void)assay_string_split(o->format, ',', choose, &formats);
    if (!err.code && formats.n == 0)
        (void)ASSAY_FAIL(&err, ASSAY_CONFIG, "no format was given (html, md, csv, json)");
    if (err.code)
        return assay_cli_fail(&err);
    struct assay_summary        *runs = calloc(n, sizeof *runs);
    const struct assay_summary **borrowed = calloc(n, sizeof(struct assay_summary *));
    if (!runs || !borrowed)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for %zu runs", n);
    else if (!read_runs(n, operands, runs, &read, &err)) {
        for (size_t i = 0; i < n; i++) {
            borrowed[i] = &runs[i];
            assay_cli_note_torn(runs[i].folder);
        }
        if (*o->out)
            (void)assay_string_copy(folder, sizeof folder, o->out);
        else
            (void)assay_path_join(folder, sizeof folder, operands[0], "report", &err);
        if (!err.code)
            (void)write_reports(borrowed, n, &formats, folder, &err);
    }
    for (size_t i = 0; runs && i < read; i++)
        assay_summary_release(&runs[i]);
    free(runs);
    free(borrowed);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_report = {
    .name = "report",
    .operands = "DIR…",
    .summary = "writes the report of one or more run folders: a page with plots, text, a table, or JSON",
    .details = "Prints the path of each report. html: index.html, one file that needs nothing else. md: report.md. csv: report.csv, a row for each\n"
               "case, back end and metric. json: report.json, everything. Nothing in the run folders changes but for the folder report/.\n"
               "Plots need gnuplot; without it the page says so and has every number all the same.",
    .options = options,
    .options_bytes = sizeof(struct report_options),
    .run = run,
};
