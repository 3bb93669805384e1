/* Any bytes as a bundle: refused with a reason, or files whose names lead nowhere but in, and which lie within what was read. */
#include "harness/store/bundle.h"

#include <string.h>

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

static void check(const struct assay_bundle *b)
{
    const unsigned char *begin = b->map.at;
    for (size_t i = 0; i < b->n; i++) {
        const struct assay_archive_member *m = &b->members[i];
        FUZZ_HOLDS(assay_archive_name_is_good(m->name) && !strstr(m->name, ".."));
        FUZZ_HOLDS(i == 0 || strcmp(b->members[i - 1].name, m->name) < 0);
        FUZZ_HOLDS(m->at >= begin && m->bytes <= b->map.bytes && (size_t)(m->at - begin) + m->bytes <= b->map.bytes);
    }
    for (size_t i = 0; i < b->n_findings; i++)
        FUZZ_HOLDS(*b->findings[i]);
    FUZZ_HOLDS(b->manifest || b->n_findings);
    FUZZ_HOLDS(!b->signature_holds || b->is_signed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_bundle b;
    struct assay_error  err = {.code = ASSAY_OK};
    if (assay_bundle_open(fuzz_file(0, data, bytes), &b, &err))
        FUZZ_HOLDS(err.code && *err.message);
    else
        check(&b);
    assay_bundle_close(&b);
    return 0;
}
