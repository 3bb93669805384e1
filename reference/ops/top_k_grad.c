/* TopKGrad: dX[.., index[.., j, ..], ..] = dY[.., j, ..], else 0. */
#include "reference/choose.h"
#include "reference/index.h"

#include "assay/banned.h"

/* One line: dY's elements laid out along dX's axis. */
static void each(const void *self, size_t line, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_lines *l = self;
    struct assay_ref_lines        by_index = *l;
    double                       *value = scratch, *error = scratch + l->length;
    bool                          certain = true;
    by_index.x = &l->call->in[1];
    for (int64_t k = 0; k < 2 * l->length; k++)
        scratch[k] = 0;
    for (int64_t j = 0; j < l->axis.length; j++) {
        struct assay_bounded to = assay_ref_line_at(&by_index, line, j), dy = assay_ref_line_at(l, line, j);
        certain &= !(to.error > 0);
        value[(int64_t)to.value] = dy.value;
        error[(int64_t)to.value] = dy.error;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t k = assay_ref_line_place(l, places[i]);
        l->value[places[i]] = value[k];
        l->bound[places[i]] = certain ? error[k] : INFINITY;
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int32_t                axis = (int32_t)assay_node_i64(call->node, "axis", -1);
    struct assay_ref_lines l = {.call = call, .x = &call->in[0], .axis = assay_ref_axis_of(&call->in[0], axis),
                                .length = call->out[0].dims[axis], .index = index, .value = value, .bound = bound};
    enum assay_code        code = assay_ref_check_indices(call, 1, 0, l.length, err);
    return code ? code : assay_ref_lines_each(&l, n, 2 * (size_t)l.length, each, err);
}

ASSAY_OP_REFERENCE(TopKGrad) = {.at = at, .exact = true};
