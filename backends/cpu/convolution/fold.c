#include "backends/cpu/convolution/fold.h"

#include <math.h>
#include <stdlib.h>

#include "assay/banned.h"

enum assay_code cpu_fold_normalization(const struct cpu_node *conv, const struct cpu_conv_shape *shape, const float *weights,
                                       const float *bias, float **folded_weights, float **folded_bias, struct assay_error *err)
{
    size_t each = shape->in_channels / shape->groups * shape->kernel[0] * shape->kernel[1];
    struct cpu_node by = {.host = conv->host, .graph = conv->graph, .index = conv->fused.normalization};
    const float *scale = conv->fused.known[0], *shift = conv->fused.known[1], *mean = conv->fused.known[2];
    const float *variance = conv->fused.known[3];
    double       epsilon = (double)(float)cpu_attr_f64(&by, "epsilon", 1e-5);
    float       *w = cpu_block_new(shape->out_channels * each * sizeof *w), *b = cpu_block_new(shape->out_channels * sizeof *b);
    if (!w || !b) {
        cpu_block_free(w);
        cpu_block_free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for folded weights");
    }
    for (size_t o = 0; o < shape->out_channels; o++) {
        double factor = (double)scale[o] / sqrt((double)variance[o] + epsilon);
        for (size_t i = 0; i < each; i++)
            w[o * each + i] = (float)((double)weights[o * each + i] * factor);
        b[o] = (float)(((bias ? (double)bias[o] : 0.0) - (double)mean[o]) * factor + (double)shift[o]);
    }
    *folded_weights = w;
    *folded_bias = b;
    return ASSAY_OK;
}
