/* assay.ResizeGrad: dX from dY of a Resize that repeats elements: each element of dX is the sum of the block of dY, `factors`
 * long along each axis, that repeats it.
 * Cost: a block of n makes n - 1 additions. */
#include <inttypes.h>

#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "factors", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_REQUIRED},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *dy = in->in[0];
    const struct assay_attr  *factors = assay_node_attr(in->node, "factors");
    int64_t dims[ASSAY_MAX_RANK];
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (code)
        return code;
    if (factors->n != (size_t)dy->rank)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "factors has %zu numbers, not %" PRId32, factors->n, dy->rank);
    for (int32_t i = 0; i < dy->rank; i++) {
        if (factors->list[i] < 1 || dy->dims[i] % factors->list[i])
            return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "axis %" PRId32 " does not divide into blocks of %" PRId64, i,
                                      factors->list[i]);
        dims[i] = dy->dims[i] / factors->list[i];
    }
    assay_infer_output(in, 0, dy->dtype, dy->rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, 1, assay_input_elements(g, node, 0) - assay_output_elements(g, node, 0));
}

ASSAY_OP_IR(ResizeGrad) = {.attrs = attrs, .infer = infer, .cost = cost};
