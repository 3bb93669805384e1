#include "reports/sink.h"

#include <stdarg.h>
#include <stdlib.h>

#include "assay/banned.h"

void assay_sink_raw(struct assay_sink *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (vfprintf(s->out, fmt, args) < 0)
        s->failed = true;
    va_end(args);
}

void assay_sink_text(struct assay_sink *s, const char *text)
{
    char *escaped = assay_string_escaped(s->how, text);
    if (!escaped || fputs(escaped, s->out) < 0)
        s->failed = true;
    free(escaped);
}

void assay_sink_textf(struct assay_sink *s, const char *fmt, ...)
{
    va_list args;
    char   *text = NULL;
    va_start(args, fmt);
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    if (length < 0) {
        s->failed = true;
        return;
    }
    assay_sink_text(s, text);
    free(text);
}
