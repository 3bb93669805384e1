#include "harness/cli/export_run.h"

#include <string.h>

#include "harness/judge/summary.h"
#include "reports/data/exchange.h"
#include "reports/mlperf/check.h"

#include "assay/banned.h"

/* What was written goes to standard output, what is left to do to standard error. */
static void tell(const struct assay_mlperf_notes *notes)
{
    static const char *const before[] = {[ASSAY_MLPERF_LEFT_OUT] = "left out: ", [ASSAY_MLPERF_PLACEHOLDER] = "to be given: ",
                                         [ASSAY_MLPERF_REFUSED] = "would be refused: "};
    for (size_t i = 0; i < notes->n; i++)
        if (notes->list[i].kind == ASSAY_MLPERF_WRITTEN)
            puts(notes->list[i].text);
    for (int kind = ASSAY_MLPERF_LEFT_OUT; kind <= ASSAY_MLPERF_REFUSED; kind++)
        for (size_t i = 0; i < notes->n; i++)
            if ((int)notes->list[i].kind == kind)
                assay_cli_complain(before[kind], notes->list[i].text, "\n");
}

static enum assay_code export_mlperf(const struct assay_summary *run, const struct assay_export_run *with, struct assay_error *err)
{
    struct assay_mlperf_notes     notes = {.n = 0};
    const struct assay_mlperf_how how = {
        .division = (enum assay_mlperf_division)with->division, .round = (enum assay_mlperf_round)with->round, .submitter = with->submitter,
        .system = with->system, .status = with->status, .system_type = with->system_type,
    };
    if (!assay_mlperf_export(run, &how, with->out, &notes, err))
        (void)assay_mlperf_check(with->out, &how, &notes, err);
    tell(&notes);
    assay_mlperf_notes_release(&notes);
    return err->code;
}

static enum assay_code exchange(const struct assay_summary *run, const struct assay_export_run *with, struct assay_error *err)
{
    enum assay_exchange format = !strcmp(with->format, "junit")         ? ASSAY_EXCHANGE_JUNIT
                                 : !strcmp(with->format, "openmetrics") ? ASSAY_EXCHANGE_OPENMETRICS
                                                                        : ASSAY_EXCHANGE_JSONL;
    if (!assay_exchange_write(run, format, with->out, err))
        puts(with->out);
    return err->code;
}

enum assay_exit assay_cli_export_run(const struct assay_export_run *with)
{
    struct assay_error   err = {.code = ASSAY_OK};
    struct assay_summary run;
    if (assay_summary_read(with->folder, &run, &err))
        return assay_cli_fail(&err);
    assay_cli_note_torn(run.folder);
    if (!strcmp(with->format, "mlperf"))
        (void)export_mlperf(&run, with, &err);
    else
        (void)exchange(&run, with, &err);
    assay_summary_release(&run);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}
