/* What levels of validation found, as rows of figures for the tables that programs read: one a case and metric, "model.…" or "training.…".
 * Every value of every node is in the document beside and in report.json. */
#ifndef ASSAY_REPORTS_LEVEL_FIGURES_H
#define ASSAY_REPORTS_LEVEL_FIGURES_H

#include "harness/judge/findings.h"

/* Borrowed for the call. A metric of one param or node ends with its name: "training.gradient_error_over_bound.head.weight". */
struct assay_level_figure {
    const char        *folder, *case_name, *backend, *metric, *unit, *why; /* why: of the verdict, or of a figure that is not there */
    enum assay_outcome outcome;
    bool               has_value, has_interval;
    double             value, low, high, level;
    uint64_t           n; /* what it is of: nodes, choices, elements, pairs */
};
typedef void assay_level_each(void *self, const struct assay_level_figure *figure);
void         assay_level_figures(const struct assay_findings *levels, size_t n, assay_level_each *each, void *self);

#endif
