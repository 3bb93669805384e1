/* Split: X cut along `axis` (ONNX Split-18), into the lengths that const input 1 gives or into num_outputs pieces of
 * equal length, of which the last may be shorter. Outputs at the end may be absent. In a built graph `sizes` holds the
 * lengths.
 * Cost: bytes only. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "num_outputs", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "sizes", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL}, /* ours */
    {.name = NULL},
};
_Static_assert(ASSAY_OP_MAX_OPERANDS <= ASSAY_ATTR_MAX_LENGTH, "sizes are a list");

/* The lengths, and how many; they need not add up yet. */
static enum assay_code lengths(const struct assay_infer *in, int64_t whole, int64_t *sizes, size_t *n,
                               struct assay_error *err)
{
    const struct assay_attr *count = assay_node_attr(in->node, "num_outputs");
    const int64_t           *list;
    if ((count != NULL) == (in->in[1] != NULL))
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "either input 1 or num_outputs says how it is cut");
    if (in->in[1]) {
        enum assay_code code = assay_infer_const_i64s(in, 1, ASSAY_OP_MAX_OPERANDS, &list, n, err);
        for (size_t i = 0; !code && i < *n; i++)
            sizes[i] = list[i];
        return code;
    }
    if (count->i < 1 || count->i > ASSAY_OP_MAX_OPERANDS)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "num_outputs must be in 1..%d, got %" PRId64,
                                  ASSAY_OP_MAX_OPERANDS, count->i);
    int64_t each = whole / count->i + (whole % count->i != 0);
    *n = (size_t)count->i;
    for (size_t i = 0; i < *n; i++, whole -= sizes[i - 1])
        sizes[i] = whole < each ? whole : each;
    return ASSAY_OK;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t                   sizes[ASSAY_OP_MAX_OPERANDS] = {0}, dims[ASSAY_MAX_RANK], sum = 0;
    int32_t                   axis;
    size_t                    n = 0;
    enum assay_code           code = assay_infer_axis(in, "axis", &axis, err);
    if (!code)
        code = lengths(in, x->dims[axis], sizes, &n, err);
    if (code)
        return code;
    if (in->node->n_outputs > n)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%" PRIu32 " outputs of %zu pieces", in->node->n_outputs, n);
    for (size_t i = 0; i < n; i++) {
        if (sizes[i] < 0 || sizes[i] > x->dims[axis] - sum)
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "a piece of %" PRId64 " where %" PRId64 " are left",
                                      sizes[i], x->dims[axis] - sum);
        sum += sizes[i];
    }
    if (sum != x->dims[axis])
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "pieces of %" PRId64 " together, not %" PRId64, sum,
                                  x->dims[axis]);
    assay_infer_set_i64s(in, "sizes", n, sizes);
    memcpy(dims, x->dims, sizeof dims);
    for (int o = 0; o < (int)in->node->n_outputs; o++) {
        dims[axis] = sizes[o];
        assay_infer_output(in, o, x->dtype, x->rank, dims);
    }
    return ASSAY_OK;
}

/* One piece alone is put among zeros; several are put together, zeros for those that nothing hangs on. */
static void gradient(const struct assay_gradient *q)
{
    const struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    const struct assay_attr *sizes = assay_node_attr(q->node, "sizes");
    int64_t                  axis = assay_node_i64(q->node, "axis", 0), starts[ASSAY_MAX_RANK] = {0}, at = 0;
    int64_t                  ones[ASSAY_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1}, dims[ASSAY_MAX_RANK];
    int32_t                  parts[ASSAY_OP_MAX_OPERANDS] = {0}, given = 0, alone = ASSAY_NO_VALUE;
    for (size_t i = 0; i < sizes->n; at += sizes->list[i++]) {
        parts[i] = i < q->node->n_outputs ? q->dy[i] : ASSAY_NO_VALUE;
        if (parts[i] == ASSAY_NO_VALUE)
            continue;
        alone = parts[i];
        starts[axis] = at;
        given++;
    }
    if (given == 1) {
        q->dx[0] = assay_gradient_op(q, "assay.SliceGrad", &alone, 1,
                                     (struct assay_attr[]){assay_gradient_list("input_shape", (size_t)x.rank, x.dims),
                                                           assay_gradient_list("starts", (size_t)x.rank, starts),
                                                           assay_gradient_list("steps", (size_t)x.rank, ones), ASSAY_ATTR_END});
        return;
    }
    memcpy(dims, x.dims, sizeof dims);
    for (size_t i = 0; i < sizes->n; i++) {
        dims[axis] = sizes->list[i];
        if (parts[i] == ASSAY_NO_VALUE)
            parts[i] = assay_gradient_zeros(q, alone, x.rank, dims);
    }
    q->dx[0] = assay_gradient_op(q, "Concat", parts, sizes->n, (struct assay_attr[]){ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END});
}

ASSAY_OP_IR(Split) = {.attrs = attrs, .infer = infer, .gradient = gradient};
