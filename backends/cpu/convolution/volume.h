/* Windows over three spatial axes: their geometry, and convolutions over them. What the windows of some output rows see is gathered
 * as a matrix, whose products with weights or dY are the convolution and its gradients. */
#ifndef CPU_CONVOLUTION_VOLUME_H
#define CPU_CONVOLUTION_VOLUME_H

#include "backends/cpu/convolution/onednn.h"
#include "backends/cpu/cpu.h"

/* Depth, height, width. A row of outputs is one along the width; they are counted through depth and height. */
struct cpu_volume {
    size_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
};
/* Of a node over x [n, c, d, h, w] and y likewise; the kernel is attribute kernel_shape. */
void cpu_volume_read(const struct cpu_node *node, const struct assay_value_view *x, const struct assay_value_view *y,
                     struct cpu_volume *v);
static inline size_t cpu_volume_elements(const size_t axis[3])
{
    return axis[0] * axis[1] * axis[2];
}
/* Where along axis d tap k of output o looks: v->in[d] if into padding. */
static inline size_t cpu_volume_at(const struct cpu_volume *v, int d, size_t o, size_t k)
{
    size_t at = o * v->stride[d] + k * v->dilation[d];
    return at < v->pad[d] || at - v->pad[d] >= v->in[d] ? v->in[d] : at - v->pad[d];
}

struct cpu_volume_conv;
/* `kind`: which of the three tensors is computed. x, w, y: their shapes, none of them empty. */
enum assay_code cpu_volume_conv_new(const struct cpu_engine *engine, const struct cpu_node *node, enum cpu_onednn_kind kind,
                                    const struct assay_value_view *x, const struct assay_value_view *w, const struct assay_value_view *y,
                                    struct cpu_volume_conv **out, struct assay_text *kernel, struct assay_error *err);
void            cpu_volume_conv_free(struct cpu_volume_conv *conv);
/* Writes the tensor of its kind, from the two others; no bias is added. */
void cpu_volume_conv_run(const struct cpu_volume_conv *conv, const struct cpu_engine *engine, const float *x, const float *w,
                         const float *y, float *to);

#endif
