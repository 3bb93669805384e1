/* DequantizeLinear: Y = (X - zero point) scale (ONNX 24), of one scale, one for each place along `axis`, or one for each
 * block of block_size along it. output_dtype 0 is the scale's type.
 * Cost: a multiplication an element, and a subtraction if there is a zero point.
 * Gradient: of the scale, the sum of dY (X - zero point) over what shares it; of an X of floats, dY scale. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/quantize.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "axis", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 1},
    {.name = "block_size", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = "output_dtype", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *scale = in->in[1];
    int64_t                   asked = assay_node_i64(in->node, "output_dtype", 0);
    enum assay_dtype          out = asked ? assay_onnx_dtype(asked) : scale->dtype;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_QUANTIZED | ASSAY_TYPE(ASSAY_I32), err);
    if (!code)
        code = assay_infer_type(in, 1, ASSAY_TYPES_FLOAT | ASSAY_TYPE(ASSAY_F8E8M0), err);
    if (!code)
        code = assay_infer_same_type(in, 0, 2, err);
    if (!code)
        code = assay_infer_scales(in, err);
    if (code)
        return code;
    if (!(ASSAY_TYPES_FLOAT >> out & 1))
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "output_dtype must be a float's number, got %" PRId64, asked);
    assay_infer_set_i64(in, "output_dtype", assay_onnx_number(out));
    assay_infer_output(in, 0, out, x->rank, x->dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_flops(cost, node->n_inputs > 2 ? 2 : 1, assay_output_elements(g, node, 0));
}

static int32_t cast(const struct assay_gradient *q, int32_t x, enum assay_dtype to)
{
    return assay_gradient_op(q, "Cast", &x, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", assay_onnx_number(to)), ASSAY_ATTR_END});
}

/* Scales (or zero points) in a shape that broadcasts with `x`: of blocks each repeated, the last as far as x goes. */
static int32_t spread(const struct assay_gradient *q, int32_t scale, const struct assay_value *x)
{
    const struct assay_value s = *assay_graph_value(q->graph, scale);
    int64_t                  axis = assay_node_i64(q->node, "axis", 1), block = assay_node_i64(q->node, "block_size", 0);
    int64_t                  dims[ASSAY_MAX_RANK + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    if (s.rank == 0)
        return scale;
    if (!block) {
        dims[axis] = s.dims[0];
        return assay_gradient_reshape(q, scale, x->rank, dims);
    }
    int64_t *index = malloc(((size_t)x->dims[axis] + 1) * sizeof *index);
    if (!index) {
        assay_graph_refuse(q->graph, ASSAY_MEMORY, "no memory for the blocks of '%s'", x->name);
        return ASSAY_NO_VALUE;
    }
    for (int64_t i = 0; i < x->dims[axis]; i++)
        index[i] = i / block;
    int32_t list = assay_gradient_i64s(q, (size_t)x->dims[axis], index);
    free(index);
    return assay_gradient_op(q, "Gather", (int32_t[]){scale, list}, 2, (struct assay_attr[]){ASSAY_ATTR_INT("axis", axis), ASSAY_ATTR_END});
}

/* Sums over what shares a scale: over all, over the other axes, or over each block, the last filled up with zeros. */
static int32_t gather_up(const struct assay_gradient *q, int32_t t, int32_t scale)
{
    if (!assay_graph_value(q->graph, t))
        return ASSAY_NO_VALUE;
    const struct assay_value x = *assay_graph_value(q->graph, t), s = *assay_graph_value(q->graph, scale);
    int64_t                  axis = assay_node_i64(q->node, "axis", 1), block = assay_node_i64(q->node, "block_size", 0);
    int64_t                  dims[ASSAY_MAX_RANK + 1], axes[ASSAY_MAX_RANK], zeros[ASSAY_MAX_RANK] = {0};
    int64_t                  ones[ASSAY_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    size_t                   n = 0;
    if (!block) {
        for (int32_t d = 0; d < x.rank; d++)
            if (s.rank == 0 || d != axis)
                axes[n++] = d;
        if (n)
            t = assay_gradient_op(q, "ReduceSum", (int32_t[]){t, assay_gradient_i64s(q, n, axes)}, 2, NULL);
        return assay_gradient_shape_as(q, t, scale);
    }
    memcpy(dims, x.dims, sizeof x.dims);
    dims[axis] = s.dims[axis] * block;
    if (dims[axis] != x.dims[axis])
        t = assay_gradient_op(q, "assay.SliceGrad", &t, 1,
                              (struct assay_attr[]){assay_gradient_list("input_shape", (size_t)x.rank, dims),
                                                    assay_gradient_list("starts", (size_t)x.rank, zeros),
                                                    assay_gradient_list("steps", (size_t)x.rank, ones), ASSAY_ATTR_END});
    /* [outer, blocks, block, inner], so that the rank stays in bounds */
    int64_t outer = (int64_t)assay_shape_count(x.dims, 0, (int32_t)axis), inner = (int64_t)assay_shape_count(x.dims, (int32_t)axis + 1, x.rank);
    t = assay_gradient_reshape(q, t, 4, (int64_t[]){outer, s.dims[axis], block, inner});
    t = assay_gradient_op(q, "ReduceSum", (int32_t[]){t, assay_gradient_i64s(q, 1, (int64_t[]){2})}, 2, NULL);
    return assay_gradient_shape_as(q, t, scale);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t                  scale = q->node->inputs[1], zero = q->node->n_inputs > 2 ? q->node->inputs[2] : ASSAY_NO_VALUE;
    const struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    enum assay_dtype         type = assay_graph_value(q->graph, q->dy[0])->dtype, of_scale = assay_graph_value(q->graph, scale)->dtype;
    if (q->wanted[0]) {
        int32_t wide = spread(q, scale, &x);
        wide = of_scale == type ? wide : cast(q, wide, type);
        q->dx[0] = cast(q, assay_gradient_binary(q, "Mul", q->dy[0], wide), x.dtype);
    }
    if (q->wanted[1]) {
        int32_t t = cast(q, q->node->inputs[0], type);
        if (zero != ASSAY_NO_VALUE)
            t = assay_gradient_binary(q, "Sub", t, cast(q, spread(q, zero, &x), type));
        t = gather_up(q, assay_gradient_binary(q, "Mul", q->dy[0], t), scale);
        q->dx[1] = of_scale == type ? t : cast(q, t, of_scale);
    }
}

ASSAY_OP_IR(DequantizeLinear) = {.attrs = attrs, .infer = infer, .cost = cost, .gradient = gradient};
