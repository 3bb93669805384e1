/* TopK: numbers at their ranks, and which they are. A number at a rank is off by no more than the largest error around it;
 * which element it is is known only where it is further from its neighbours than the errors of both. */
#include "reference/choose.h"

#include "assay/banned.h"

static void each(const void *self, size_t line, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_lines *l = self;
    size_t                        n = (size_t)l->axis.length;
    struct assay_ref_ranked      *list = (struct assay_ref_ranked *)scratch;
    double                        sign = assay_node_i64(l->call->node, "largest", 1) ? 1 : -1, *index_error = scratch + 3 * n;
    for (size_t k = 0; k < n; k++) {
        struct assay_bounded x = assay_ref_line_at(l, line, (int64_t)k);
        list[k] = (struct assay_ref_ranked){sign * x.value, x.error, (double)k};
    }
    assay_ref_rank(n, list, index_error, index_error + n);
    for (size_t i = 0; i < count; i++) {
        int64_t k = assay_ref_line_place(l, places[i]);
        l->value[places[i]] = l->call->output ? list[k].index : sign * list[k].value;
        l->bound[places[i]] = l->call->output ? index_error[k] : list[k].error;
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    int32_t                axis = (int32_t)assay_node_i64(call->node, "axis", -1);
    struct assay_ref_lines l = {.call = call, .x = &call->in[0], .axis = assay_ref_axis_of(&call->in[0], axis),
                                .length = call->out[call->output].dims[axis], .index = index, .value = value, .bound = bound};
    return assay_ref_lines_each(&l, n, 6 * (size_t)l.axis.length, each, err);
}

ASSAY_OP_REFERENCE(TopK) = {.at = at, .exact = true};
