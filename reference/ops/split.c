/* Split: out[o][.., k, ..] = in[.., k + what stands before o, ..]. */
#include "reference/arithmetic.h"

#include "assay/banned.h"

/* Where output o begins: from the lengths that are given, or pieces of equal length. */
static int64_t begin_of(const struct assay_ref_call *call, int32_t axis)
{
    const struct assay_ref_tensor *sizes = assay_ref_input(call, 1);
    int64_t                        begin = 0, pieces = assay_node_i64(call->node, "num_outputs", 1);
    for (uint32_t o = 0; o < call->output; o++) {
        int64_t whole = call->in[0].dims[axis], each = (whole + pieces - 1) / pieces;
        begin += sizes ? (int64_t)sizes->value[o] : each < whole - begin ? each : whole - begin;
    }
    return begin;
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int32_t               axis = (int32_t)assay_node_i64(call->node, "axis", 0);
    struct assay_ref_axis a = assay_ref_axis_of(&call->out[call->output], axis);
    int64_t               begin = begin_of(call, axis), whole = call->in[0].dims[axis];
    (void)err;
    for (size_t i = 0; i < n; i++) {
        int64_t              k = index[i] / a.inner % a.length, outer = index[i] / a.inner / a.length;
        struct assay_bounded x = bounded_of(&call->in[0], (size_t)((outer * whole + begin + k) * a.inner + index[i] % a.inner));
        value[i] = x.value;
        bound[i] = x.error;
    }
    return ASSAY_OK;
}

ASSAY_OP_REFERENCE(Split) = {.at = at, .exact = true};
