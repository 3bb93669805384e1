/* assay.ReduceScatter: the sum over the group of their X, made in the order of the ranks and cut along `axis` into as many equal parts
 * as there are ranks; Y is the part with the rank's place in the group.
 * Cost: for n ranks n - 1 additions an element of Y; a message of X's bytes.
 * Gradient: AllGather (ranks.h). */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/ranks.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    ASSAY_ATTR_RANKS,
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t                   dims[ASSAY_MAX_RANK], n;
    int32_t                   axis;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_WIDE, err);
    if (!code)
        code = assay_infer_ranks(in, 1, ASSAY_ATTR_MAX_LENGTH, &n, err);
    if (!code)
        code = assay_infer_axis(in, "axis", &axis, err);
    if (code)
        return code;
    if (x->dims[axis] % n)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId32 " does not divide by %" PRId64 " ranks", axis, n);
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] /= n;
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    size_t n;
    (void)assay_node_ranks(node, &n);
    assay_cost_flops(cost, n - 1, assay_output_elements(g, node, 0));
    assay_cost_payload(g, node, cost);
}

static void gradient(const struct assay_gradient *q)
{
    struct assay_attr axis[] = {ASSAY_ATTR_INT("axis", assay_node_i64(q->node, "axis", 0)), ASSAY_ATTR_END};
    q->dx[0] = assay_gradient_on_ranks(q, "assay.AllGather", q->dy[0], axis);
}

ASSAY_OP_IR(ReduceScatter) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
