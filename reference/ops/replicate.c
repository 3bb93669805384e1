/* Replicate: the same elements in the same order, of a group of any size. */
#include "reference/elementwise.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(Replicate) = {.at = assay_ref_same, .exact = true};
