/* The deviation table as a page of its own, candidate by candidate. */
#ifndef ASSAY_REPORTS_DECISION_DEVIATION_PAGE_H
#define ASSAY_REPORTS_DECISION_DEVIATION_PAGE_H

#include "harness/judge/claims.h"
#include "harness/judge/qualify.h"
#include "reports/language.h"
#include "reports/pdf.h"

struct assay_deviations {
    const struct assay_qualification *q;
    const struct assay_claims        *claims;     /* NULL: none were given */
    const char                       *report_pdf; /* the printed report whose pages are told; NULL: cases are told */
};

/* To the file `path`: the old file or the new. */
enum assay_code assay_deviations_write(const struct assay_deviations *of, enum assay_language language, const char *path, struct assay_error *err);

#endif
