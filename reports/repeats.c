/* What a run folder says of repetition, beside its records: witnesses, and the stretches of a soak. */
#include "harness/base/strings.h"
#include "reports/cases.h"

#include "assay/banned.h"

void assay_repeats_begin(struct assay_report_run *run)
{
    struct assay_error err = {.code = ASSAY_OK}, other = {.code = ASSAY_OK};
    if (assay_soak_read(assay_run_folder_path(run->summary->folder), &run->soak, &err)) {
        assay_soak_release(&run->soak);
        (void)assay_string_copy(run->why_no_soak, sizeof run->why_no_soak, err.message);
    }
    if (assay_repeats_seen_of(run->summary->folder, &run->repeats, &run->n_repeats, &other))
        (void)assay_string_copy(run->why_no_repeats, sizeof run->why_no_repeats, other.message);
}
