#include "harness/ir/conv.h"

#include <inttypes.h>

#include "assay/banned.h"

enum assay_code assay_conv_grad_operands(const struct assay_infer *in, struct assay_error *err)
{
    enum assay_code code = assay_infer_type(in, 0, ASSAY_TYPES_FLOAT, err);
    if (!code)
        code = assay_infer_same_type(in, 0, 1, err);
    if (!code)
        code = assay_infer_rank(in, 0, 3, 2 + ASSAY_WINDOW_MAX_AXES, err);
    if (!code && in->in[1]->rank != in->in[0]->rank)
        code = ASSAY_INFER_REFUSE(in, err, 0, 1, "the ranks must be equal");
    return code;
}

enum assay_code assay_conv_grad_check(const struct assay_infer *in, const int64_t *x, int64_t m, int64_t filter_channels,
                                      struct assay_window *w, struct assay_error *err)
{
    int64_t group = assay_node_i64(in->node, "group", 1), c = x[1];
    if (group < 1)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "group must be positive, got %" PRId64, group);
    if (c % group || (filter_channels >= 0 && c / group != filter_channels))
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "%" PRId64 " channels in %" PRId64 " groups do not meet %" PRId64 " in a kernel",
                                  c, group, filter_channels >= 0 ? filter_channels : c / group);
    if (m % group)
        return ASSAY_INFER_REFUSE(in, err, 0, 1, "%" PRId64 " kernels do not divide into %" PRId64 " groups", m, group);
    w->axes = in->in[0]->rank - 2;
    w->input = 0;
    for (int32_t i = 0; i < w->axes; i++)
        w->in[i] = x[i + 2];
    enum assay_code code = assay_window_resolve(in, w, err);
    return code ? code : assay_window_expect(in, w, x[0], m, err);
}
