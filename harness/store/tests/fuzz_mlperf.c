/* Any bytes as a table of published results, and as our own file of them: refused with a reason, or rows that can be cited and come back
 * when they are written. */
#include "harness/store/mlperf.h"

#include <string.h>

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

static void check(const struct assay_mlperf *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct assay_mlperf_row *r = &m->rows[i];
        FUZZ_HOLDS(*r->submitter && *r->round && *r->division && *r->system && *r->benchmark && *r->unit && *r->value);
        FUZZ_HOLDS((*r->id || *r->source) && strspn(r->value, "0123456789.eE+-") == strlen(r->value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_mlperf m = {.n = 0};
    struct assay_error  err = {.code = ASSAY_OK};
    if (assay_mlperf_import(fuzz_file(0, data, bytes), "", &m, &err))
        FUZZ_HOLDS(err.code && *err.message);
    else
        check(&m);
    assay_mlperf_release(&m);
    memset(&err, 0, sizeof err);
    if (assay_mlperf_read(fuzz_file(0, data, bytes), &m, &err))
        FUZZ_HOLDS(err.code && *err.message);
    else
        check(&m);
    assay_mlperf_release(&m);
    return 0;
}
