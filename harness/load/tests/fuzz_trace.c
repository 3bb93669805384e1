/* Any bytes as a trace: refused with a reason, or as many rows as were counted, in order and of the data set. */
#include "harness/load/trace.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

#define SAMPLES 100u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error     err = {.code = ASSAY_OK};
    struct assay_trace     trace;
    struct assay_trace_row row;
    uint64_t               n = 0, before = 0;
    if (assay_trace_open(fuzz_file(0, data, bytes), SAMPLES, &trace, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
        return 0;
    }
    while (assay_trace_next(&trace, &row)) {
        FUZZ_HOLDS(row.scheduled_ns >= before && row.sample < SAMPLES);
        before = row.scheduled_ns;
        n++;
    }
    FUZZ_HOLDS(n == trace.n && n > 0);
    assay_trace_close(&trace);
    return 0;
}
