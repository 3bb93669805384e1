/* Slice: along some axes every step-th element from a start to before an end (ONNX Slice-13). starts, ends, axes and
 * steps are const vectors of i64; negative starts and ends count from the end, and what lies outside is cut off.
 * Cost: bytes only. */
#include "harness/ir/slice.h"

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    const int64_t            *list[5] = {NULL};
    size_t                    n[5] = {0};
    struct assay_slice        s;
    for (int i = 1; i < 5; i++) {
        enum assay_code code = in->in[i] ? assay_infer_const_i64s(in, i, ASSAY_MAX_RANK, &list[i], &n[i], err) : ASSAY_OK;
        if (code)
            return code;
        if (in->in[i] && n[i] != n[1])
            return ASSAY_INFER_REFUSE(in, err, 1, i, "%zu and %zu numbers", n[1], n[i]);
    }
    const char *wrong = assay_slice_resolve(x->rank, x->dims, n[1], list[1], list[2], list[3], list[4], &s);
    if (wrong)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "%s", wrong);
    assay_infer_output(in, 0, x->dtype, x->rank, s.count);
    return ASSAY_OK;
}

static const int64_t *numbers(const struct assay_gradient *q, uint32_t i, size_t *n)
{
    const struct assay_value *v = i < q->node->n_inputs ? assay_graph_value(q->graph, q->node->inputs[i]) : NULL;
    if (v)
        *n = (size_t)v->elements;
    return v ? v->data : NULL;
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_value x = *assay_graph_value(q->graph, q->node->inputs[0]);
    size_t                   n = 0;
    const int64_t           *starts = numbers(q, 1, &n), *ends = numbers(q, 2, &n), *axes = numbers(q, 3, &n), *steps = numbers(q, 4, &n);
    struct assay_slice       s;
    (void)assay_slice_resolve(x.rank, x.dims, n, starts, ends, axes, steps, &s);
    q->dx[0] = assay_gradient_op(q, "assay.SliceGrad", q->dy, 1,
                                 (struct assay_attr[]){assay_gradient_list("input_shape", (size_t)x.rank, x.dims),
                                                       assay_gradient_list("starts", (size_t)x.rank, s.start),
                                                       assay_gradient_list("steps", (size_t)x.rank, s.step), ASSAY_ATTR_END});
}

ASSAY_OP_IR(Slice) = {.infer = infer, .gradient = gradient};
