/* oneDNN, loaded when a session wants it. Its headers at build say which interface it has: onednn_v2.c, onednn_v3.c, or
 * onednn_none.c when there were none; exactly one of them defines the functions. */
#ifndef CPU_CONVOLUTION_ONEDNN_H
#define CPU_CONVOLUTION_ONEDNN_H

#include "assay/error.h"
#include "assay/text.h"
#include "backends/cpu/convolution/shape.h"

/* 0: built without headers */
#if defined(__has_include)
#if __has_include(<oneapi/dnnl/dnnl.h>) && !defined(CPU_WITHOUT_ONEDNN)
#include <oneapi/dnnl/dnnl_version.h>
#define CPU_ONEDNN_MAJOR DNNL_VERSION_MAJOR
#endif
#endif
#if !defined(CPU_ONEDNN_MAJOR)
#define CPU_ONEDNN_MAJOR 0
#endif

struct cpu_onednn;      /* an engine and a stream of the library */
struct cpu_onednn_conv; /* a compiled convolution with its reorders */

/* What is computed of the three tensors of a convolution, from the two others. */
enum cpu_onednn_kind {
    CPU_ONEDNN_OUTPUT = 0,     /* y = x convolved with weights, plus bias */
    CPU_ONEDNN_INPUT_GRAD = 1, /* the gradient of x from that of y */
    CPU_ONEDNN_WEIGHT_GRAD = 2,
};

/* Where a run finds them. The one that is computed is written. */
struct cpu_onednn_operands {
    const float *x, *weights, *bias, *y;
};

/* `threads` of its own are used (OpenMP), told to sleep rather than spin. ASSAY_UNAVAILABLE with the reason. */
enum assay_code cpu_onednn_open(unsigned threads, struct cpu_onednn **out, struct assay_error *err);
void            cpu_onednn_close(struct cpu_onednn *self);
/* The library's path once it was loaded, else NULL. */
const char *cpu_onednn_path(void);

/* c[m,n] = a[m,k] b[k,n], row-major, as the library adds it up: on AVX2 without VNNI sums of two products saturate in 16 bits. */
enum assay_code cpu_onednn_gemm_u8s8s32(struct cpu_onednn *self, size_t m, size_t n, size_t k, const uint8_t *a, const int8_t *b,
                                        int32_t *c, struct assay_error *err);

/* weights: packed now if not NULL, else per run. Data come and go in NCHW; the library's own layouts are reordered
 * to and from. */
enum assay_code cpu_onednn_conv_new(struct cpu_onednn *self, enum cpu_onednn_kind kind, const struct cpu_conv_shape *shape,
                                    const float *weights, struct cpu_onednn_conv **out, struct assay_text *kernel,
                                    struct assay_error *err);
void            cpu_onednn_conv_free(struct cpu_onednn_conv *conv);
enum assay_code cpu_onednn_conv_run(struct cpu_onednn_conv *conv, const struct cpu_onednn_operands *at,
                                    struct assay_error *err);

#endif
