/* assay.AllToAll: X cut along `split_axis` into as many equal parts as the group has ranks, part r for the rank at place r; Y = the
 * parts that came for this rank, one after the other along `concat_axis`, in the order of the ranks they came from.
 * Cost: bytes only; a message of X's bytes.
 * Gradient: AllToAll back, the axes exchanged. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_ATTR_RANKS,
    {.name = "split_axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "concat_axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t                   dims[ASSAY_MAX_RANK], n;
    int32_t                   split, concat;
    enum assay_code           code = assay_infer_ranks(in, 1, ASSAY_ATTR_MAX_LENGTH, &n, err);
    if (!code)
        code = assay_infer_axis(in, "split_axis", &split, err);
    if (!code)
        code = assay_infer_axis(in, "concat_axis", &concat, err);
    if (code)
        return code;
    if (x->dims[split] % n)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId32 " does not divide by %" PRId64 " ranks", split, n);
    memcpy(dims, x->dims, sizeof dims);
    dims[split] /= n;
    if (__builtin_mul_overflow(dims[concat], n, &dims[concat]))
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%" PRId64 " of them are too long", n);
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr axes[] = {ASSAY_ATTR_INT("split_axis", assay_node_i64(q->node, "concat_axis", 0)),
                                ASSAY_ATTR_INT("concat_axis", assay_node_i64(q->node, "split_axis", 0)), ASSAY_ATTR_END};
    q->dx[0] = assay_gradient_on_ranks(q, "assay.AllToAll", q->dy[0], axes);
}

ASSAY_OP_IR(AllToAll) = {.attrs = attrs, .infer = infer, .cost = assay_cost_payload, .gradient = gradient};
