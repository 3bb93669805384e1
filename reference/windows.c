#include "reference/windows.h"

#include <string.h>

#include "assay/banned.h"

static int64_t listed(const struct assay_node *node, const char *name, int32_t i, int64_t if_absent)
{
    const struct assay_attr *attr = assay_node_attr(node, name);
    return attr && (size_t)i < attr->n ? attr->list[i] : if_absent;
}

struct assay_ref_windows assay_ref_windows_of(const struct assay_node *node, int32_t rank, const int64_t *in, const int64_t *out,
                                              const int64_t *kernel)
{
    const char *pad = assay_node_text(node, "auto_pad", "NOTSET");
    struct assay_ref_windows w = {.axes = rank - 2, .in_size = 1, .out_size = 1, .taps = 1};
    for (int32_t d = 0; d < w.axes; d++) {
        w.in[d] = in[d + 2];
        w.out[d] = out[d + 2];
        w.kernel[d] = kernel ? kernel[d] : listed(node, "kernel_shape", d, 1);
        w.stride[d] = listed(node, "strides", d, 1);
        w.dilation[d] = listed(node, "dilations", d, 1);
        if (!strcmp(pad, "NOTSET")) {
            w.begin[d] = listed(node, "pads", d, 0);
            w.end[d] = listed(node, "pads", w.axes + d, 0);
        } else if (!strncmp(pad, "SAME_", 5)) {
            int64_t total = (w.out[d] - 1) * w.stride[d] + (w.kernel[d] - 1) * w.dilation[d] + 1 - w.in[d];
            total = total > 0 ? total : 0;
            w.begin[d] = !strcmp(pad, "SAME_LOWER") ? total - total / 2 : total / 2;
            w.end[d] = total - w.begin[d];
        }
        w.in_size *= w.in[d];
        w.out_size *= w.out[d];
        w.taps *= w.kernel[d];
    }
    return w;
}

int64_t assay_ref_tap(const struct assay_ref_windows *w, int64_t position, int64_t tap)
{
    int64_t offset = 0, stride = 1;
    for (int32_t d = w->axes - 1; d >= 0; d--) {
        int64_t at = position % w->out[d] * w->stride[d] - w->begin[d] + tap % w->kernel[d] * w->dilation[d];
        if (at < 0 || at >= w->in[d])
            return -1;
        offset += at * stride;
        stride *= w->in[d];
        position /= w->out[d];
        tap /= w->kernel[d];
    }
    return offset;
}

int64_t assay_ref_tap_from(const struct assay_ref_windows *w, int64_t offset, int64_t tap)
{
    int64_t position = 0, stride = 1;
    for (int32_t d = w->axes - 1; d >= 0; d--) {
        int64_t ahead = offset % w->in[d] + w->begin[d] - tap % w->kernel[d] * w->dilation[d];
        if (ahead < 0 || ahead % w->stride[d] || ahead / w->stride[d] >= w->out[d])
            return -1;
        position += ahead / w->stride[d] * stride;
        stride *= w->out[d];
        offset /= w->in[d];
        tap /= w->kernel[d];
    }
    return position;
}

int64_t assay_ref_window_count(const struct assay_ref_windows *w, int64_t position, bool padded)
{
    int64_t count = 1;
    for (int32_t d = w->axes - 1; d >= 0; d--) {
        int64_t first = position % w->out[d] * w->stride[d] - w->begin[d], here = 0;
        int64_t least = padded ? -w->begin[d] : 0, most = w->in[d] + (padded ? w->end[d] : 0);
        for (int64_t k = 0; k < w->kernel[d]; k++)
            here += first + k * w->dilation[d] >= least && first + k * w->dilation[d] < most;
        count *= here;
        position /= w->out[d];
    }
    return count;
}
