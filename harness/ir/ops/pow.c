/* Pow: Z = X to the power of Y, with broadcasting, in X's type (ONNX Pow-15).
 * Cost: one transcendental an element.
 * Gradient: of X, dz y x^(y-1); of Y, dz z log(x) where x is above zero and 0 where it is not, since a power of a negative
 * number has no derivative in the exponent. */
#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0], *y = in->in[1];
    int64_t                   dims[ASSAY_MAX_RANK];
    int32_t                   rank;
    enum assay_code           code = assay_infer_type(in, 0, ASSAY_TYPES_WIDE, err);
    if (!code)
        code = assay_infer_type(in, 1, ASSAY_TYPES_NUMERIC, err);
    if (code)
        return code;
    if (!assay_shape_broadcast(x->rank, x->dims, y->rank, y->dims, &rank, dims))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "the shapes do not broadcast");
    assay_infer_output(in, 0, x->dtype, rank, dims);
    return ASSAY_OK;
}

static void cost(const struct assay_graph *g, const struct assay_node *node, struct assay_cost *cost)
{
    assay_cost_transcendentals(cost, 1, assay_output_elements(g, node, 0));
}

/* y x^(y-1). A square, the commonest power, is 2 x. */
static int32_t slope(const struct assay_gradient *q, int32_t x, int32_t y)
{
    const struct assay_value *v = assay_graph_value(q->graph, y);
    double                    power = 0;
    if (v->role == ASSAY_ROLE_CONST && v->elements == 1) {
        assay_to_double(v->dtype, v->data, 1, &power);
        int32_t factor = assay_gradient_number(q, x, power);
        int32_t base = power == 2 ? x : assay_gradient_binary(q, "Pow", x, assay_gradient_number(q, x, power - 1));
        return assay_gradient_binary(q, "Mul", base, factor);
    }
    int32_t less = assay_gradient_binary(q, "Sub", y, assay_gradient_number(q, y, 1));
    return assay_gradient_binary(q, "Mul", assay_gradient_binary(q, "Pow", x, less), y);
}

static void gradient(const struct assay_gradient *q)
{
    int32_t          x = q->node->inputs[0], y = q->node->inputs[1];
    enum assay_dtype of_x = assay_graph_value(q->graph, x)->dtype, of_y = assay_graph_value(q->graph, y)->dtype;
    int32_t          y_cast = y;
    if (of_x != of_y)
        y_cast = assay_gradient_op(q, "Cast", &y, 1,
                                   (struct assay_attr[]){ASSAY_ATTR_INT("to", assay_onnx_number(of_x)), ASSAY_ATTR_END});
    if (q->wanted[0])
        q->dx[0] = assay_gradient_sum_to(q, assay_gradient_binary(q, "Mul", q->dy[0], slope(q, x, y_cast)), x);
    if (q->wanted[1]) {
        int32_t above = assay_gradient_binary(q, "Greater", x, assay_gradient_number(q, x, 0));
        int32_t safe = assay_gradient_op(q, "Where", (int32_t[]){above, x, assay_gradient_number(q, x, 1)}, 3, NULL);
        int32_t z = assay_gradient_binary(q, "Mul", q->dy[0], q->node->outputs[0]);
        int32_t dy = assay_gradient_binary(q, "Mul", z, assay_gradient_unary(q, "Log", safe));
        dy = assay_gradient_sum_to(q, dy, y);
        q->dx[1] = of_x == of_y ? dy
                                : assay_gradient_op(q, "Cast", &dy, 1,
                                                    (struct assay_attr[]){ASSAY_ATTR_INT("to", assay_onnx_number(of_y)), ASSAY_ATTR_END});
    }
}

ASSAY_OP_IR(Pow) = {.infer = infer, .cost = cost, .gradient = gradient};
