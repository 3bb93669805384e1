/* Built without oneDNN's headers: the library is not used, and says why. */
#include "backends/cpu/convolution/onednn.h"

#include <stddef.h>

#include "assay/banned.h"

#if CPU_ONEDNN_MAJOR != 2 && CPU_ONEDNN_MAJOR != 3

enum assay_code cpu_onednn_open(unsigned threads, struct cpu_onednn **out, struct assay_error *err)
{
    (void)threads;
    (void)out;
    ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "oneDNN: built without its headers (found major version %d; 2 and 3 are known)",
               CPU_ONEDNN_MAJOR);
    return assay_error_hint(err, "install libdnnl-dev and build again, or ask for conv=own");
}

void cpu_onednn_close(struct cpu_onednn *self)
{
    (void)self;
}

const char *cpu_onednn_path(void)
{
    return NULL;
}

enum assay_code cpu_onednn_conv_new(struct cpu_onednn *self, enum cpu_onednn_kind kind, const struct cpu_conv_shape *shape,
                                    const float *weights, struct cpu_onednn_conv **out, struct assay_text *kernel,
                                    struct assay_error *err)
{
    (void)self;
    (void)kind;
    (void)shape;
    (void)weights;
    (void)out;
    (void)kernel;
    return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "oneDNN: built without its headers");
}

enum assay_code cpu_onednn_gemm_u8s8s32(struct cpu_onednn *self, size_t m, size_t n, size_t k, const uint8_t *a, const int8_t *b,
                                        int32_t *c, struct assay_error *err)
{
    (void)self;
    (void)m;
    (void)n;
    (void)k;
    (void)a;
    (void)b;
    (void)c;
    return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "oneDNN: built without its headers");
}

void cpu_onednn_conv_free(struct cpu_onednn_conv *conv)
{
    (void)conv;
}

enum assay_code cpu_onednn_conv_run(struct cpu_onednn_conv *conv, const struct cpu_onednn_operands *at,
                                    struct assay_error *err)
{
    (void)conv;
    (void)at;
    return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "oneDNN: built without its headers");
}

#endif
