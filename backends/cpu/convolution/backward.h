/* Our own gradients of a convolution.
 * Of the input, without strides: a convolution of dY with the weights turned round, by the direct one. With strides: products
 * of weights and dY, band by band of output rows, each row of which is then added where its tap looked.
 * Of the weights: what the taps of some channels see, band by band, times dY. */
#ifndef CPU_CONVOLUTION_BACKWARD_H
#define CPU_CONVOLUTION_BACKWARD_H

#include "backends/cpu/convolution/shape.h"
#include "backends/cpu/cpu.h"

struct cpu_backward;

/* weights: the content if it stays what it is, or NULL; only for the input's gradient. */
enum assay_code cpu_backward_new(const struct cpu_engine *engine, const struct cpu_conv_shape *shape, bool of_weights,
                                 const float *weights, struct cpu_backward **out, struct assay_text *kernel,
                                 struct assay_error *err);
void            cpu_backward_free(struct cpu_backward *plan);
/* `other` is the weights, and dx is written; or it is x, and dw is written. */
void            cpu_backward_run(const struct cpu_backward *plan, const struct cpu_engine *engine, const float *dy,
                                 const float *other, float *to);
/* Would the input's gradient be a direct convolution that needs no library? */
bool cpu_backward_is_good(const struct cpu_engine *engine, const struct cpu_conv_shape *shape);

#endif
