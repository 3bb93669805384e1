#include "reports/mlperf/notes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

void assay_mlperf_note(struct assay_mlperf_notes *notes, enum assay_mlperf_note kind, const char *fmt, ...)
{
    char    text[2048];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *copy = strdup(text);
    void *more = realloc(notes->list, (notes->n + 1) * sizeof *notes->list);
    if (more)
        notes->list = more;
    if (!more || !copy) {
        notes->failed = true;
        free(copy);
        return;
    }
    notes->list[notes->n].kind = kind;
    notes->list[notes->n++].text = copy;
}

size_t assay_mlperf_notes_count(const struct assay_mlperf_notes *notes, enum assay_mlperf_note kind)
{
    size_t n = 0;
    for (size_t i = 0; i < notes->n; i++)
        n += notes->list[i].kind == kind;
    return n;
}

void assay_mlperf_notes_release(struct assay_mlperf_notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        free(notes->list[i].text);
    free(notes->list);
    *notes = (struct assay_mlperf_notes){.n = 0};
}
