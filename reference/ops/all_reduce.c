/* AllReduce: of a group of one its X is the sum, and the greatest. */
#include "reference/alone.h"

#include "assay/banned.h"

ASSAY_OP_REFERENCE(AllReduce) = {.at = assay_ref_alone, .exact = true};
