/* AllToAll: of a group of one its only part, X. */
#include "reference/alone.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(AllToAll) = {.at = assay_ref_alone, .exact = true};
