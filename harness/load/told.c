#include "harness/load/told.h"

#include <string.h>

#include "assay/banned.h"

enum assay_code assay_backend_told(const struct assay_backend *b, enum assay_code code, const char *call,
                                   struct assay_error *err)
{
    if (code == ASSAY_OK)
        return ASSAY_OK;
    if (!strcmp(assay_code_name(code), "UNKNOWN"))
        return ASSAY_FAIL(err, ASSAY_DEVICE, "%s of back end '%s' returned %d, which is no code", call, b->name,
                          (int)code);
    err->where[sizeof err->where - 1] = 0;
    err->message[sizeof err->message - 1] = 0;
    err->hint[sizeof err->hint - 1] = 0;
    if (!err->message[0])
        (void)ASSAY_FAIL(err, code, "%s, and no reason was given", assay_code_text(code));
    err->code = code;
    if (err->nframes > ASSAY_ERROR_FRAMES)
        err->nframes = 0;
    for (uint32_t i = 0; i < err->nframes; i++)
        err->frame[i][sizeof err->frame[i] - 1] = 0;
    return assay_error_in(err, "%s of back end '%s'", call, b->name);
}
