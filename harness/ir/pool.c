/* What the pools' inference shares. */
#include "harness/ir/pool.h"

#include <inttypes.h>

#include "assay/banned.h"

/* Does every window see an element of the input, along each axis? */
static enum assay_code check_windows(const struct assay_infer *in, const struct assay_window *w, struct assay_error *err)
{
    for (int32_t i = 0; i < w->axes; i++)
        for (int64_t o = 0; o < w->out[i]; o++) {
            int64_t first = o * w->strides[i] - w->pads[i], step = w->dilations[i];
            int64_t skipped = first < 0 ? (-first + step - 1) / step : 0;
            if (first >= 0 && first + w->kernel[i] * step <= w->in[i]) { /* whole, and the next ones until the last */
                o += (w->in[i] - w->kernel[i] * step - first) / w->strides[i];
                continue;
            }
            if (skipped >= w->kernel[i] || first + skipped * step >= w->in[i])
                return ASSAY_INFER_REFUSE(in, err, w->input, ASSAY_INFER_NONE,
                                          "window %" PRId64 " along axis %d sees nothing but padding", o, (int)i + 2);
        }
    return ASSAY_OK;
}

enum assay_code assay_pool_resolve(const struct assay_infer *in, const int64_t *dims, struct assay_window *w,
                                   struct assay_error *err)
{
    const struct assay_attr *kernel = assay_node_attr(in->node, "kernel_shape");
    *w = (struct assay_window){.axes = in->in[0]->rank - 2, .filters = ASSAY_INFER_NONE};
    for (int32_t i = 0; i < w->axes; i++) {
        w->in[i] = dims[i + 2];
        w->kernel[i] = kernel && i < (int32_t)kernel->n ? kernel->list[i] : 1;
    }
    enum assay_code code = assay_infer_range(in, "ceil_mode", 0, 1, err);
    if (!code)
        code = assay_window_resolve(in, w, err);
    return code ? code : check_windows(in, w, err);
}

enum assay_code assay_pool_infer(const struct assay_infer *in, uint32_t types, struct assay_error *err)
{
    struct assay_window w;
    const struct assay_value *x = in->in[0];
    int64_t dims[2 + ASSAY_WINDOW_MAX_AXES];
    enum assay_code code = assay_infer_type(in, 0, types, err);
    if (!code)
        code = assay_infer_rank(in, 0, 3, 2 + ASSAY_WINDOW_MAX_AXES, err);
    if (!code)
        code = assay_pool_resolve(in, x->dims, &w, err);
    if (code)
        return code;
    dims[0] = x->dims[0];
    dims[1] = x->dims[1];
    for (int32_t i = 0; i < w.axes; i++)
        dims[i + 2] = w.out[i];
    assay_infer_output(in, 0, x->dtype, x->rank, dims);
    return ASSAY_OK;
}

enum assay_code assay_pool_grad_infer(const struct assay_infer *in, const int64_t *dims, struct assay_error *err)
{
    struct assay_window w;
    enum assay_code code = assay_pool_resolve(in, dims, &w, err);
    if (!code)
        code = assay_window_expect(in, &w, dims[0], dims[1], err);
    if (!code)
        assay_infer_output(in, 0, in->in[0]->dtype, in->in[0]->rank, dims);
    return code;
}
