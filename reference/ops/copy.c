/* Copy: the same elements in another place. */
#include "reference/elementwise.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(Copy) = {.at = assay_ref_same, .exact = true};
