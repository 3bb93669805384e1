/* Where a report's text goes. Every string that comes from a file, a host or a device passes through assay_sink_text
 * or assay_sink_textf, which escape; assay_sink_raw is for the report's own words only. */
#ifndef ASSAY_REPORTS_SINK_H
#define ASSAY_REPORTS_SINK_H

#include <stdbool.h>
#include <stdio.h>

#include "assay/error.h"
#include "harness/base/strings.h"

struct assay_sink {
    FILE             *out; /* borrowed */
    enum assay_escape how;
    bool              failed; /* out of memory; what follows is dropped, and the report must not be used */
};

/* Our own words, as they are. */
ASSAY_PRINTF(2, 3)
void assay_sink_raw(struct assay_sink *s, const char *fmt, ...);
/* Escaped for the sink's format. */
void assay_sink_text(struct assay_sink *s, const char *text);
ASSAY_PRINTF(2, 3)
void assay_sink_textf(struct assay_sink *s, const char *fmt, ...);

#endif
