/* Our own convolution. It reads NCHW and writes NCHW, without unrolling patches: a band of input rows is copied once
 * into planes with their padding, and each kernel tap is then that plane read from another offset. A stride makes
 * several planes (every stride-th row and column), so taps stay contiguous. Outputs are counted along the plane, so
 * the few columns between two rows are computed and dropped: cpu_direct_efficiency says how much is left. */
#ifndef CPU_CONVOLUTION_DIRECT_H
#define CPU_CONVOLUTION_DIRECT_H

#include "backends/cpu/convolution/shape.h"
#include "backends/cpu/cpu.h"

struct cpu_direct;

/* weights: the content if it stays what it is, then they are packed now; or NULL, then each run packs them. */
enum assay_code cpu_direct_new(const struct cpu_engine *engine, const struct cpu_conv_shape *shape, const float *weights,
                               struct cpu_direct **out, struct assay_text *kernel, struct assay_error *err);
void            cpu_direct_free(struct cpu_direct *plan);
/* What is done to sums before they are stored. */
struct cpu_direct_end {
    const float *bias, *added; /* of each output channel; shaped as y; NULL = none */
    bool         relu;
};
void cpu_direct_run(const struct cpu_direct *plan, const struct cpu_engine *engine, const float *x, const float *weights,
                    const struct cpu_direct_end *end, float *y);
/* Useful part of the arithmetic it would do, 0 to 1. */
double cpu_direct_efficiency(const struct cpu_engine *engine, const struct cpu_conv_shape *shape);
/* Is that so much that oneDNN's layouts are not worth their reorders? */
bool cpu_direct_is_good(const struct cpu_engine *engine, const struct cpu_conv_shape *shape);

#endif
