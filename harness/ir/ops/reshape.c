/* Reshape (ONNX 24): X's elements in the same order under the shape that const input 1 gives. There, -1 (once) is
 * whatever is left; 0 is the input's length at that place or, with allowzero, zero.
 * Cost: bytes only. They are counted as the definition reads; a device that renames the memory moves none. */
#include <inttypes.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"

#include "assay/banned.h"

static const struct assay_attr_row attrs[] = {
    {.name = "allowzero", .type = ASSAY_ATTR_I64, .presence = ASSAY_ATTR_DEFAULT, .i = 0},
    {.name = NULL},
};

/* Resolves zeros and finds the place of -1 (or -1). */
static enum assay_code resolve(const struct assay_infer *in, const int64_t *shape, int32_t rank, int64_t *dims,
                               int32_t *open, struct assay_error *err)
{
    bool allow_zero = assay_node_i64(in->node, "allowzero", 0);
    *open = -1;
    for (int32_t i = 0; i < rank; i++) {
        dims[i] = shape[i];
        if (shape[i] < -1)
            return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "%" PRId64 " is not a length", shape[i]);
        if (shape[i] == -1 && *open >= 0)
            return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "-1 may stand only once");
        if (shape[i] == -1)
            *open = i;
        if (shape[i] == 0 && !allow_zero) {
            if (i >= in->in[0]->rank)
                return ASSAY_INFER_REFUSE(in, err, 0, 1, "there is no axis %" PRId32 " for 0 to copy", i);
            dims[i] = in->in[0]->dims[i];
        }
    }
    for (int32_t i = 0; allow_zero && *open >= 0 && i < rank; i++) {
        if (shape[i] == 0)
            return ASSAY_INFER_REFUSE(in, err, 1, ASSAY_INFER_NONE, "0 and -1 do not go together with allowzero");
    }
    return ASSAY_OK;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    const int64_t *shape;
    size_t n;
    int64_t dims[ASSAY_MAX_RANK];
    int32_t open;
    enum assay_code code = assay_infer_range(in, "allowzero", 0, 1, err);
    if (!code)
        code = assay_infer_const_i64s(in, 1, ASSAY_MAX_RANK, &shape, &n, err);
    if (!code)
        code = resolve(in, shape, (int32_t)n, dims, &open, err);
    if (code)
        return code;
    if (open >= 0) {
        dims[open] = 1;
        uint64_t others = assay_shape_count(dims, 0, (int32_t)n);
        if (!others || x->elements % others)
            return ASSAY_INFER_REFUSE(in, err, 0, 1, "no length for -1 fits %" PRIu64 " elements by %" PRIu64,
                                      x->elements, others);
        dims[open] = (int64_t)(x->elements / others);
    }
    if (assay_shape_count(dims, 0, (int32_t)n) != x->elements)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "%" PRIu64 " elements do not become %" PRIu64, x->elements,
                                  assay_shape_count(dims, 0, (int32_t)n));
    assay_infer_output(in, 0, x->dtype, (int32_t)n, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    q->dx[0] = assay_gradient_shape_as(q, q->dy[0], q->node->inputs[0]);
}

ASSAY_OP_IR(Reshape) = {.attrs = attrs, .infer = infer, .gradient = gradient};
