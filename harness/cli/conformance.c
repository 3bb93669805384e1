#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/process.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/judge/conformance.h"

#include "assay/banned.h"

struct conformance_options {
    char     out[512];
    uint64_t timeout_ns;
    bool     all, quiet;
};

static const struct assay_option options[] = {
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = offsetof(struct conformance_options, out), .bytes = 512, .dflt = "",
     .help = "the folder of its run (default: a temporary one, named when something does not conform)"},
    {.name = "timeout-s", .type = ASSAY_OPT_SECONDS, .offset = offsetof(struct conformance_options, timeout_ns), .dflt = "10s",
     .min = 0.5, .max = 3600, .help = "a case that takes longer hangs"},
    {.name = "all", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct conformance_options, all), .dflt = "false",
     .help = "run all cases even after three ended badly"},
    {.name = "quiet", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct conformance_options, quiet), .dflt = "false",
     .help = "no progress"},
    {0},
};

static void on_progress(void *self, const char *what)
{
    const struct conformance_options *o = self;
    if (!o->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%.100s", what);
}

static enum assay_exit print(const struct assay_conformity_finding *f, size_t n, const char *folder)
{
    static const char *const outcome[] = {"?", "holds", "FAILS", "not checked"};
    size_t                   count[4] = {0};
    struct assay_table       table;
    assay_table_init(&table, (const char *const[]){"result", "check", "why", NULL});
    for (size_t i = 0; i < n; i++) {
        count[f[i].outcome]++;
        assay_table_row(&table, (const char *const[]){outcome[f[i].outcome], f[i].what, f[i].why});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
    printf("%zu passed, %zu failed, %zu not checked\n", count[ASSAY_CONFORMS], count[ASSAY_CONFORMS_NOT],
           count[ASSAY_CONFORMITY_NOT_CHECKED]);
    if (!count[ASSAY_CONFORMS_NOT])
        return ASSAY_EXIT_YES;
    fprintf(stderr, "its run is in %s\n", folder);
    return ASSAY_EXIT_NO;
}

static void remove_folder(const char *folder)
{
    char  rm[] = "rm", flags[] = "-rf", end[] = "--", path[600];
    char *argv[] = {rm, flags, end, path, NULL};
    char  out[64];
    int   status;
    struct assay_error ignored;
    (void)snprintf(path, sizeof path, "%s", folder);
    (void)assay_process_capture(argv, NULL, 30 * ASSAY_NS_PER_S, out, sizeof out, &status, &ignored);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    struct conformance_options       o = *(const struct conformance_options *)given_options;
    struct assay_error               err = {.code = ASSAY_OK};
    struct assay_conformity_finding *finding = NULL;
    size_t                           n_findings = 0;
    char                             folder[600] = "/tmp/assay-conformance-XXXXXX";
    (void)given;
    if (n != 1)
        return assay_cli_usage("conformance needs one plug-in: assay conformance build/backends/assay-template.so");
    bool temporary = !*o.out;
    if (temporary ? !mkdtemp(folder) : snprintf(folder, sizeof folder, "%s", o.out) < 0)
        return assay_cli_usage("cannot make a temporary folder in /tmp");
    struct assay_conformity_request request = {.backend = operands[0], .folder = folder, .timeout_ns = o.timeout_ns, .all = o.all,
                                               .progress = on_progress, .self = &o};
    enum assay_code code = assay_conformance(&request, &finding, &n_findings, &err);
    if (!o.quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    enum assay_exit result;
    bool            ours = code == ASSAY_CONFIG || code == ASSAY_DATA || code == ASSAY_IO || code == ASSAY_MEMORY ||
                code == ASSAY_INTERRUPTED || code == ASSAY_INTERNAL;
    if (ours) { /* nothing was found out about the plug-in */
        result = assay_cli_fail(&err);
    } else if (code) {
        printf("FAILS  it loads, agrees on the ABI, and finds a device\n0 passed, 1 failed, 0 not checked\n");
        (void)assay_cli_fail(&err);
        result = ASSAY_EXIT_NO;
    } else {
        result = print(finding, n_findings, folder);
    }
    if (temporary && (code || result == ASSAY_EXIT_YES))
        remove_folder(folder);
    free(finding);
    return result;
}

const struct assay_verb assay_verb_conformance = {
    .name = "conformance",
    .operands = "PLUGIN.so|NAME[:device][,option=value…]",
    .summary = "checks that a plug-in keeps its side of the agreement, and that its results are right",
    .details = "A plug-in in the current folder is named with a slash: ./assay-mine.so. Every check prints what holds or why not.\n"
               "Exit status 1 when something fails.",
    .options = options,
    .options_bytes = sizeof(struct conformance_options),
    .run = run,
};
