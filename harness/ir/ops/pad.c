/* Pad (ONNX 24), mode constant: X with elements of one value put before and behind it along its axes, or taken away where a
 * number of pads is negative. `pads`, const input 1, lists what comes before each axis, then what comes behind; of all axes,
 * or of those that const input 3 lists. The value is const input 2, or 0. In a built graph attribute `widths` holds the
 * pads of all axes, and the attribute `value` the value.
 * The gradient is a Pad again: what was put is taken away, what was taken is put as zeros.
 * Cost: nothing but bytes. */
#include <inttypes.h>
#include <string.h>

#include "harness/ir/gradient.h"
#include "harness/ir/infer.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

/* Pads beyond this are mistakes, and would overflow. */
#define MAX_NUMBER INT64_C(0x7fffffff)

static const struct assay_attr_row attrs[] = {
    {.name = "mode", .type = ASSAY_ATTR_TEXT, .presence = ASSAY_ATTR_DEFAULT, .text = "constant"},
    {.name = "value", .type = ASSAY_ATTR_F64, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = "widths", .type = ASSAY_ATTR_I64S, .presence = ASSAY_ATTR_OPTIONAL},
    {.name = NULL},
};

static enum assay_code read_value(const struct assay_infer *in, double *value, struct assay_error *err)
{
    const struct assay_value *v = in->in[2];
    *value = 0;
    if (!v)
        return ASSAY_OK;
    if (v->role != ASSAY_ROLE_CONST || v->elements != 1)
        return ASSAY_INFER_REFUSE(in, err, 2, ASSAY_INFER_NONE, "it must be a const of one number");
    assay_to_double(v->dtype, v->data, 1, value);
    return ASSAY_OK;
}

static enum assay_code read_widths(const struct assay_infer *in, int64_t *widths, struct assay_error *err)
{
    const int64_t *pads, *axes = NULL;
    size_t  n, n_axes = (size_t)in->in[0]->rank;
    int32_t rank = in->in[0]->rank;
    bool    taken[ASSAY_MAX_RANK] = {false};
    enum assay_code code = assay_infer_const_i64s(in, 1, 2 * ASSAY_MAX_RANK, &pads, &n, err);
    if (!code && in->in[3])
        code = assay_infer_const_i64s(in, 3, ASSAY_MAX_RANK, &axes, &n_axes, err);
    if (!code && n != 2 * n_axes)
        code = ASSAY_INFER_REFUSE(in, err, 0, 1, "%zu pads for %zu axes", n, n_axes);
    for (size_t i = 0; !code && i < n_axes; i++) {
        int64_t given = axes ? axes[i] : (int64_t)i, axis = given < 0 ? given + rank : given;
        if (axis < 0 || axis >= rank || taken[axis])
            return ASSAY_INFER_REFUSE(in, err, 0, 3, "%" PRId64 " is no axis of the first, or is given twice", given);
        taken[axis] = true;
        widths[axis] = pads[i];
        widths[rank + axis] = pads[n_axes + i];
    }
    return code;
}

static enum assay_code infer(const struct assay_infer *in, struct assay_error *err)
{
    const struct assay_value *x = in->in[0];
    int64_t widths[2 * ASSAY_MAX_RANK] = {0}, dims[ASSAY_MAX_RANK];
    double  value = 0;
    if (strcmp(assay_node_text(in->node, "mode", ""), "constant") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "only mode constant is known, got '%.32s'",
                                  assay_node_text(in->node, "mode", ""));
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_ORDERED, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 2, err);
    if (!code)
        code = read_value(in, &value, err);
    if (!code)
        code = read_widths(in, widths, err);
    for (int32_t i = 0; !code && i < x->rank; i++) {
        int64_t before = widths[i], behind = widths[x->rank + i];
        bool    sane = before >= -MAX_NUMBER && before <= MAX_NUMBER && behind >= -MAX_NUMBER && behind <= MAX_NUMBER;
        if (!sane || x->dims[i] + before + behind < 0 || -before > x->dims[i] || -behind > x->dims[i])
            code = ASSAY_INFER_REFUSE(in, err, 0, 1, "axis %" PRId32 " cannot get %" PRId64 " before and %" PRId64 " behind", i,
                                      before, behind);
        else
            dims[i] = x->dims[i] + before + behind;
    }
    if (code)
        return code;
    assay_infer_set_i64s(in, "widths", 2 * (size_t)x->rank, widths);
    assay_infer_set_f64(in, "value", value);
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

static void gradient(const struct assay_gradient *q)
{
    const struct assay_attr *widths = assay_node_attr(q->node, "widths");
    int64_t back[2 * ASSAY_MAX_RANK];
    for (size_t i = 0; i < widths->n; i++)
        back[i] = -widths->list[i];
    q->dx[0] = assay_gradient_binary(q, "Pad", q->dy[0], assay_gradient_i64s(q, widths->n, back));
}

ASSAY_OP_IR(Pad) = {.attrs = attrs, .infer = infer, .gradient = gradient};
