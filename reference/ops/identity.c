/* Identity: the same elements in the same order. */
#include "reference/elementwise.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(Identity) = {.at = assay_ref_same, .exact = true};
