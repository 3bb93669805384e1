/* What whoever exports has to know: what was left out and why, what only he can fill in, what would be refused. */
#ifndef ASSAY_MLPERF_NOTES_H
#define ASSAY_MLPERF_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"

enum assay_mlperf_note {
    ASSAY_MLPERF_WRITTEN,     /* a folder with a result */
    ASSAY_MLPERF_LEFT_OUT,    /* a case, and why */
    ASSAY_MLPERF_PLACEHOLDER, /* a file, and what in it the submitter has to give */
    ASSAY_MLPERF_REFUSED,     /* a rule of the submission checker that does not hold */
};
struct assay_mlperf_notes {
    struct { enum assay_mlperf_note kind; char *text; } *list; /* owned */
    size_t n;
    bool   failed; /* there was no memory for one */
};
ASSAY_PRINTF(3, 4) void assay_mlperf_note(struct assay_mlperf_notes *notes, enum assay_mlperf_note kind, const char *fmt, ...);
/* How many are of that kind. */
size_t assay_mlperf_notes_count(const struct assay_mlperf_notes *notes, enum assay_mlperf_note kind);
void   assay_mlperf_notes_release(struct assay_mlperf_notes *notes);

#endif
