#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/operands.h"
#include "harness/store/mlperf.h"

#include "assay/banned.h"

struct import_options {
    char retrieved[64], from[256], match[128], out[512];
};

#define AT(member) offsetof(struct import_options, member)

static const struct assay_option options[] = {
    {.name = "retrieved", .type = ASSAY_OPT_TEXT, .offset = AT(retrieved), .bytes = 64, .dflt = "", .help = "the day the files were retrieved: 2026-11-27"},
    {.name = "from", .type = ASSAY_OPT_TEXT, .offset = AT(from), .bytes = 256, .dflt = "https://mlcommons.org/benchmarks/",
     .help = "the address that they were retrieved from"},
    {.name = "match", .type = ASSAY_OPT_TEXT, .offset = AT(match), .bytes = 128, .dflt = "",
     .help = "only rows with this text in accelerator, system, submitter, benchmark or round"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = AT(out), .bytes = 512, .dflt = "", .help = "the file to write, for assay report --mlperf"},
    {0},
};

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct import_options *o = given_options;
    struct assay_error           err = {.code = ASSAY_OK};
    struct assay_mlperf          m = {.n = 0};
    (void)given;
    if (n < 2 || strcmp(operands[0], "mlperf") != 0 || !*o->out)
        return assay_cli_usage("import needs 'mlperf', files and where to write: assay import mlperf summary_results.json --retrieved 2026-11-27 -o mlperf.json");
    if (!assay_cli_once(n - 1, operands + 1, &err) && !assay_mlperf_retrieved(&m, o->retrieved, o->from, &err))
        for (size_t i = 1; i < n && !assay_mlperf_import(operands[i], o->match, &m, &err);)
            i++;
    if (!err.code && !m.n)
        (void)ASSAY_FAIL(&err, ASSAY_CONFIG, "there is no row%s%.60s%s", *o->match ? " with '" : "", o->match, *o->match ? "' in it" : "");
    if (!err.code && !assay_mlperf_write(&m, o->out, &err))
        printf("%s: %zu MLPerf™ results, as published\n", o->out, m.n);
    assay_mlperf_release(&m);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_import = {
    .name = "import",
    .operands = "mlperf FILE…",
    .summary = "takes over MLPerf™ results that others published, to be cited in a table of their own, apart from every figure of ours",
    .details = "FILE is a CSV (columns of published summaries or of the submission checker's) or a summary_results.json; reports/README.md names\n"
               "the columns. Values stay the very text they were. What cannot be cited (submitter, round, system, division, entry or source) is\n"
               "refused.",
    .options = options,
    .options_bytes = sizeof(struct import_options),
    .run = run,
};
