/* The op table's column of references. */
#include "reference/reference.h"

#include "assay/banned.h"

static const struct assay_op_reference *const references[] = {
#define ASSAY_OP(name, domain, min_in, max_in, min_out, max_out) &assay_op_reference_##name,
#include "harness/ir/ops.def"
#undef ASSAY_OP
};

const struct assay_op_reference *assay_reference_of(const struct assay_op_row *row)
{
    return references[assay_op_index(row)];
}
