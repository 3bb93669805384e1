/* Receive: of a group of one, zeros. */
#include "reference/alone.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(Receive) = {.at = assay_ref_alone_silent, .exact = true};
