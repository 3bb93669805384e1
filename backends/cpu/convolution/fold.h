/* A BatchNormalization with known numbers as part of the convolution before it. */
#ifndef CPU_CONVOLUTION_FOLD_H
#define CPU_CONVOLUTION_FOLD_H

#include "backends/cpu/convolution/shape.h"
#include "backends/cpu/cpu.h"

/* weights[o] * scale[o] / sqrt(variance[o] + epsilon), and the bias that goes with them: computed in double, rounded once.
 * `weights` and `bias` (which may be NULL) are the convolution's; both results are the caller's to free. */
enum assay_code cpu_fold_normalization(const struct cpu_node *conv, const struct cpu_conv_shape *shape, const float *weights,
                                       const float *bias, float **folded_weights, float **folded_bias, struct assay_error *err);

#endif
