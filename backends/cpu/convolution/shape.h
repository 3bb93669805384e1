/* A convolution over two spatial axes; one axis is two with a first of length 1. */
#ifndef CPU_CONVOLUTION_SHAPE_H
#define CPU_CONVOLUTION_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

struct cpu_conv_shape {
    size_t images, groups;
    size_t in_channels, out_channels; /* of all groups */
    size_t in[2], out[2], kernel[2], stride[2], dilation[2], pad_begin[2]; /* height, width */
    bool   has_bias;
};

/* Rows (columns) of padding that the last output asks for behind the input; may be negative: input not used. */
static inline ptrdiff_t cpu_conv_pad_end(const struct cpu_conv_shape *s, int axis)
{
    return (ptrdiff_t)((s->out[axis] - 1) * s->stride[axis] + (s->kernel[axis] - 1) * s->dilation[axis] + 1) -
           (ptrdiff_t)(s->in[axis] + s->pad_begin[axis]);
}

struct cpu_node;
struct assay_value_view;
/* The shape of a Conv node or of a gradient of one, whose tensors x, weights and y are given; without a bias. */
void cpu_conv_shape_read(const struct cpu_node *node, const struct assay_value_view *x, const struct assay_value_view *w,
                         const struct assay_value_view *y, struct cpu_conv_shape *s);

#endif
