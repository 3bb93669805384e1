/* One row of a summary, from its launches. */
#ifndef ASSAY_JUDGE_SUMMARY_ROW_H
#define ASSAY_JUDGE_SUMMARY_ROW_H

#include <stdbool.h>

#include "harness/base/arena.h"
#include "harness/judge/summary.h"

/* Fills all that follows from launches, verdicts and n_launches (at least 1), which are set; memory comes from the
 * arena. false: out of memory. */
bool assay_summary_row_fill(struct assay_summary_row *row, struct assay_arena *arena);

#endif
