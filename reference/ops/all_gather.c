/* AllGather: of a group of one, X. */
#include "reference/alone.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(AllGather) = {.at = assay_ref_alone, .exact = true};
