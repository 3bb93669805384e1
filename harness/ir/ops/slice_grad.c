/* assay.SliceGrad: zeros of input_shape, with element i of axis d of dY at starts[d] + i steps[d]: Slice's gradient.
 * Cost: bytes only. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "input_shape", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "starts", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = "steps", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

/* Does start + (n - 1) step lie in [0, length)? Steps may be as long as i64 allows. */
static bool fits(int64_t n, int64_t start, int64_t step, int64_t length)
{
    int64_t span, last;
    if (n == 0)
        return true;
    return start >= 0 && start < length && !__builtin_mul_overflow(n - 1, step, &span) &&
           !__builtin_add_overflow(start, span, &last) && last >= 0 && last < length;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0];
    const struct assay_attr  *starts = assay_node_attr(in->node, "starts"), *steps = assay_node_attr(in->node, "steps");
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   rank;
    enum assay_code           code = assay_infer_shape(in, "input_shape", &rank, dims, err);
    if (code)
        return code;
    if (rank != dy->rank || starts->n != (size_t)rank || steps->n != (size_t)rank)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "input_shape, starts and steps need a number for each axis");
    for (int32_t d = 0; d < rank; d++)
        if (steps->list[d] == 0 || !fits(dy->dims[d], starts->list[d], steps->list[d], dims[d]))
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId32 " from %" PRId64 " by %" PRId64
                                      " leaves an axis of %" PRId64, d, starts->list[d], steps->list[d], dims[d]);
    assay_infer_output(in, 0, dy->dtype, rank, dims);
    return ASSAY_OK;
}

ASSAY_OP_IR(SliceGrad) = {.attrs = attrs, .infer = infer};
