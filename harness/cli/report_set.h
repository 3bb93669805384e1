/* The reports of run folders, as `assay report` writes them and `assay bundle` packs them: one call, so that they are the same bytes. */
#ifndef ASSAY_CLI_REPORT_SET_H
#define ASSAY_CLI_REPORT_SET_H

#include <stddef.h>

#include "assay/error.h"
#include "reports/language.h"
#include "reports/report.h"

#define ASSAY_REPORT_FORMATS_MAX 8

struct assay_report_set {
    const struct assay_report_row *format[ASSAY_REPORT_FORMATS_MAX];
    size_t                         n_formats;
    enum assay_language            language[ASSAY_LANGUAGES];
    size_t                         n_languages;
    const char                    *policy, *claims; /* names or paths; "" none */
    const char                    *mlperf;          /* a file of assay import mlperf, for a table of its own; "" none */
};

/* Parses "html,md" and "en,zh" into the set. ASSAY_CONFIG with the nearest name there is. */
enum assay_code assay_report_set_formats(struct assay_report_set *set, const char *list, struct assay_error *err);
enum assay_code assay_report_set_languages(struct assay_report_set *set, const char *list, struct assay_error *err);

/* All formats whose bytes follow from the runs, the policy and the versions of what makes them, in all languages. */
void assay_report_set_reproducible(struct assay_report_set *set);
/* The versions of the programs that have a say in those bytes; "none" without it. */
void assay_report_set_tools(char gnuplot[64], char xlsx[64]);

/* Reads runs[n] before anything is written, then writes into `folder` (made if it is not there); `wrote` is told each file's path. */
enum assay_code assay_report_set_write(const struct assay_report_set *set, size_t n, char *const *runs, const char *folder,
                                       void (*wrote)(void *self, const char *path), void *self, struct assay_error *err);

#endif
