/* What a plug-in's call said, made fit to be passed on. */
#ifndef ASSAY_LOAD_TOLD_H
#define ASSAY_LOAD_TOLD_H

#include "assay/backend.h"
#include "assay/error.h"

/* To be called on what a plug-in's call returned: makes sure that *err agrees with `code`, ends its strings and names
 * `call`. Returns code, or ASSAY_DEVICE when it is no code of ours. */
enum assay_code assay_backend_told(const struct assay_backend *b, enum assay_code code, const char *call,
                                   struct assay_error *err);

#endif
