/* Op by format, as a run has it: the cells of one back end. */
#ifndef ASSAY_REPORTS_OP_CELLS_H
#define ASSAY_REPORTS_OP_CELLS_H

#include <stdbool.h>

#include "harness/judge/ops.h"
#include "harness/judge/summary.h"

/* Are there cases of single ops? */
bool assay_ops_are_in(const struct assay_summary *run);
/* Release *out with assay_ops_release; it is empty where the back end ran none. */
enum assay_code assay_ops_cells_of(const struct assay_summary *run, const char *backend, struct assay_ops *out, struct assay_error *err);

#endif
