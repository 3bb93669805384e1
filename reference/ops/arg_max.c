/* ArgMax: the place of the greatest. Nothing is known where another may be as great. */
#include "reference/choose.h"

#include "assay/banned.h"

static void each(const void *self, size_t line, size_t count, const size_t *places, double *scratch)
{
    const struct assay_ref_lines *l = self;
    bool                          last = assay_node_i64(l->call->node, "select_last_index", 0) != 0, certain = true;
    struct assay_bounded          best = assay_ref_line_at(l, line, 0);
    int64_t                       place = 0;
    (void)scratch;
    for (int64_t k = 1; k < l->axis.length; k++) {
        struct assay_bounded x = assay_ref_line_at(l, line, k);
        if (x.value > best.value || (last && x.value == best.value)) {
            best = x;
            place = k;
        }
    }
    for (int64_t k = 0; k < l->axis.length; k++) {
        struct assay_bounded x = assay_ref_line_at(l, line, k);
        certain &= !isnan(x.value) && (k == place || !assay_ref_too_close(x, best));
    }
    for (size_t i = 0; i < count; i++) {
        l->value[places[i]] = (double)place;
        l->bound[places[i]] = certain ? 0 : INFINITY;
    }
}

static enum assay_code at(const struct assay_ref_call *call, size_t n, const int64_t *index, double *value,
                          double *bound, struct assay_error *err)
{
    struct assay_ref_lines l = {.call = call, .x = &call->in[0], .length = 1, .index = index, .value = value, .bound = bound,
                                .axis = assay_ref_axis_of(&call->in[0], (int32_t)assay_node_i64(call->node, "axis", 0))};
    return assay_ref_lines_each(&l, n, 1, each, err);
}

ASSAY_OP_REFERENCE(ArgMax) = {.at = at, .exact = true};
