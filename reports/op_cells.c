#include "reports/op_cells.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assay/banned.h"

bool assay_ops_are_in(const struct assay_summary *run)
{
    for (size_t i = 0; i < run->n_rows; i++)
        if (assay_ops_is_case(run->rows[i].case_name))
            return true;
    return false;
}

enum assay_code assay_ops_cells_of(const struct assay_summary *run, const char *backend, struct assay_ops *out, struct assay_error *err)
{
    *out = (struct assay_ops){.n = 0};
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct assay_summary_row *row = &run->rows[i];
        struct assay_check              unknown = {.outcome = ASSAY_NOT_CHECKED, .worst_ratio = NAN, .median_ratio = NAN, .rms = NAN};
        if (strcmp(row->backend, backend) != 0)
            continue;
        (void)snprintf(unknown.why, sizeof unknown.why, "%s", row->outcome_why);
        if (assay_ops_add(out, row->case_name, row->check ? row->check : &unknown, err)) {
            assay_ops_release(out);
            return err->code;
        }
    }
    return ASSAY_OK;
}
