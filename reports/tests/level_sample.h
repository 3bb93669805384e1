/* What both levels found in one folder, whose every name tries to break out. */
#ifndef ASSAY_REPORTS_TESTS_LEVEL_SAMPLE_H
#define ASSAY_REPORTS_TESTS_LEVEL_SAMPLE_H

#include "harness/judge/tests/findings_sample.h"
#include "reports/write/write.h"
#include "reports/tests/sample_run.h"

/* Release it with assay_findings_release. */
static inline void sample_level(struct assay_findings *f)
{
    struct assay_error err = {0};
    memset(f, 0, sizeof *f);
    SAMPLE_TEXT(f->folder, "out/<b>level");
    cr_assert_eq(assay_model_findings_of(sample_model_document(HOSTILE), "m", &f->model, &err), ASSAY_OK, "%s", err.message);
    sample_training_findings(HOSTILE, &f->training);
    f->has_model = f->has_training = true;
}

/* The report of it alone. */
static inline char *sample_level_report(const struct assay_findings *f, enum assay_report_format format, const char *path)
{
    struct assay_error err = {0};
    size_t             bytes;
    cr_assert_eq(assay_report_write(&(struct assay_report_source){.levels = f, .n_levels = 1}, format, path, &err), ASSAY_OK, "%s", err.message);
    return get_bytes(path, &bytes);
}

#endif
