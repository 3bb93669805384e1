/* Any bytes as a launch's trace: refused with a reason, or nodes in order with times that are times, which come back when written. */
#include "harness/store/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

static void check(const struct assay_trace *t)
{
    for (size_t i = 0; i < t->n; i++) {
        FUZZ_HOLDS(isfinite(t->nodes[i].ns) && t->nodes[i].ns >= 0);
        FUZZ_HOLDS(i == 0 || t->nodes[i].node > t->nodes[i - 1].node);
        FUZZ_HOLDS(memchr(t->nodes[i].name, 0, sizeof t->nodes[i].name) && memchr(t->nodes[i].note, 0, sizeof t->nodes[i].note));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct assay_record record;
    static bool                built;
    struct assay_trace         trace;
    struct assay_error         err = {.code = ASSAY_OK};
    if (!built)
        fuzz_folder_link("trace/x.json", 0);
    built = true;
    (void)fuzz_file(0, data, bytes);
    (void)snprintf(record.trace_file, sizeof record.trace_file, "trace/x.json");
    assay_sha256_hex(data, bytes, record.trace_sha256);
    if (assay_trace_read(fuzz_folder(), &record, &trace, &err))
        FUZZ_HOLDS(err.code && *err.message && !trace.nodes && !trace.n);
    else
        check(&trace);
    assay_trace_release(&trace);
    return 0;
}
