/* What the witnesses of a run already say of repeatability, without running anything: execution after execution within a launch, and
 * launch against launch. */
#ifndef ASSAY_JUDGE_REPEATS_SEEN_H
#define ASSAY_JUDGE_REPEATS_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/store/run_folder.h"
#include "harness/verify/agreement.h"

/* A case on a back end, over its launches. An execution differs if its bits are not those that most executions of its input set in
 * that launch had, which is what the first of each set counts for; a launch differs from the first one if any set's are not the
 * same. Witnesses keep hashes: what differs first, and by how much, is told by `assay probe repeat`. */
struct assay_repeats_seen {
    char                   case_name[ASSAY_CASE_NAME_BYTES], id[17], backend[640];
    struct assay_agreement runs, processes; /* only runs and differing */
    char                   why_no_runs[256], why_no_processes[256]; /* empty: there are some */
};
/* In the order of the records; free *out. */
enum assay_code assay_repeats_seen_of(const struct assay_run_folder *folder, struct assay_repeats_seen **out, size_t *n,
                                      struct assay_error *err);

#endif
