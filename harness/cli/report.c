#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/operands.h"
#include "harness/cli/report_set.h"

#include "assay/banned.h"

struct report_options {
    char format[256], lang[64], policy[512], claims[512], mlperf[512], out[512];
};

#define AT(member) offsetof(struct report_options, member)

static const struct assay_option options[] = {
    {.name = "format", .type = ASSAY_OPT_TEXT, .offset = AT(format), .bytes = 256, .dflt = "html",
     .help = "html, md, csv, xlsx, pdf, json: one or several, separated by commas"},
    {.name = "lang", .type = ASSAY_OPT_TEXT, .offset = AT(lang), .bytes = 64, .dflt = "en,zh",
     .help = "languages: en, zh; the page and the text are there in English in any case"},
    {.name = "policy", .type = ASSAY_OPT_TEXT, .offset = AT(policy), .bytes = 512, .dflt = "",
     .help = "also what comes of the runs under this policy: a name, or a path that ends in .json"},
    {.name = "claims", .type = ASSAY_OPT_TEXT, .offset = AT(claims), .bytes = 512, .dflt = "",
     .help = "with --policy, what vendors say: a name, or a path that ends in .json"},
    {.name = "mlperf", .type = ASSAY_OPT_TEXT, .offset = AT(mlperf), .bytes = 512, .dflt = "",
     .help = "also a table of MLPerf results that others published, apart from all else: a file of assay import mlperf"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = AT(out), .bytes = 512, .dflt = "",
     .help = "folder of the reports (default: report/ in the first run folder)"},
    {0},
};

static void tell(void *self, const char *path)
{
    (void)self;
    puts(path);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct report_options *o = given_options;
    struct assay_error           err = {.code = ASSAY_OK};
    struct assay_report_set      set = {.policy = o->policy, .claims = o->claims, .mlperf = o->mlperf};
    char                         folder[1024];
    (void)given;
    if (n == 0)
        return assay_cli_usage("report needs a run folder or several: assay report out/quick");
    if (*o->claims && !*o->policy)
        return assay_cli_usage("--claims stand in what a policy adds: give --policy as well");
    if (assay_cli_once(n, operands, &err) || assay_report_set_formats(&set, o->format, &err) || assay_report_set_languages(&set, o->lang, &err))
        return assay_cli_fail(&err);
    if (*o->out)
        (void)assay_string_copy(folder, sizeof folder, o->out);
    else if (assay_path_join(folder, sizeof folder, operands[0], "report", &err))
        return assay_cli_fail(&err);
    return assay_report_set_write(&set, n, operands, folder, tell, NULL, &err) ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_report = {
    .name = "report",
    .operands = "DIR…",
    .summary = "writes the report of one or more run folders: a page with plots, text, tables, a spreadsheet, paper, or JSON",
    .details = "Prints the path of each report. html: index.html, one file that needs nothing else, and report.zh.html, the same page in Chinese. md:\n"
               "report.md and report.zh.md. csv: report.csv, a row for each case, back end and metric. xlsx: report.en.xlsx, a sheet a table. pdf:\n"
               "report.pdf and report.zh.pdf. json: report.json, everything. With --policy also the decision and the deviation table, and the cost\n"
               "model as formulas. Folders that assay validate --level left are found by what is in them. Nothing in the folders changes but for the\n"
               "folder report/. Plots need gnuplot; without it the page says so and has every number all the same. pdf needs Chromium.",
    .options = options,
    .options_bytes = sizeof(struct report_options),
    .run = run,
};
