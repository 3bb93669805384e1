#include "backends/cpu/convolution/shape.h"

#include "backends/cpu/cpu.h"

#include "assay/banned.h"

void cpu_conv_shape_read(const struct cpu_node *node, const struct assay_value_view *x, const struct assay_value_view *w,
                         const struct assay_value_view *y, struct cpu_conv_shape *s)
{
    int     spatial = x->rank - 2;
    int64_t strides[2] = {1, 1}, dilations[2] = {1, 1}, pads[4] = {0};
    (void)cpu_attr_i64s(node, "strides", strides, 2);
    (void)cpu_attr_i64s(node, "dilations", dilations, 2);
    (void)cpu_attr_i64s(node, "pads", pads, 4);
    *s = (struct cpu_conv_shape){
        .images = (size_t)x->dims[0],
        .groups = (size_t)cpu_attr_i64(node, "group", 1),
        .in_channels = (size_t)x->dims[1],
        .out_channels = (size_t)w->dims[0],
        .in = {1, 1}, .out = {1, 1}, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1},
    };
    for (int i = 0; i < spatial; i++) {
        int axis = i + 2 - spatial;
        s->in[axis] = (size_t)x->dims[i + 2];
        s->out[axis] = (size_t)y->dims[i + 2];
        s->kernel[axis] = (size_t)w->dims[i + 2];
        s->stride[axis] = (size_t)strides[i];
        s->dilation[axis] = (size_t)dilations[i];
        s->pad_begin[axis] = (size_t)pads[i]; /* the host has resolved auto_pad */
    }
}
