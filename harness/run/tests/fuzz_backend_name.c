/* Any text as the name of a back end. */
#include "harness/base/tests/fuzz.h"
#include "harness/run/loader.h"

#include "assay/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_backend_name name;
    struct assay_error        err = {.code = ASSAY_OK};
    char                     *text = fuzz_text(data, bytes);
    if (!assay_backend_name_parse(text, &name, &err)) {
        FUZZ_HOLDS(*name.name && !strpbrk(name.name, ",:\n\x1b\x7f"));
        FUZZ_HOLDS(strlen(name.name) + strlen(name.device) + strlen(name.options) <= strlen(text));
        for (const char *c = name.device; *c; c++)
            FUZZ_HOLDS((unsigned char)*c >= 0x20 && *c != 0x7f);
        for (const char *c = name.options; *c; c++)
            FUZZ_HOLDS((unsigned char)*c >= 0x20 && *c != 0x7f);
    } else {
        FUZZ_HOLDS(err.code == ASSAY_CONFIG && *err.message);
    }
    free(text);
    return 0;
}
