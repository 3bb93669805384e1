/* Send: a zero. */
#include "reference/alone.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(Send) = {.at = assay_ref_alone_silent, .exact = true};
