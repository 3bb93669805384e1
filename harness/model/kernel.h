/* What one kernel takes on a chip: pure functions of a shape, a chip and the coefficients of its class (coefficients.h). Forms and
 * their sources: README.md. Times are the device's own, launch floor included; hosts are priced elsewhere.
 * ASSAY_UNSUPPORTED: the chip lacks a format or a number that the form needs; the message names it. */
#ifndef ASSAY_MODEL_KERNEL_H
#define ASSAY_MODEL_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/error.h"
#include "harness/model/device.h"

/* What has coefficients and residuals of its own. */
enum assay_kernel_class {
    ASSAY_KERNEL_GEMM, ASSAY_KERNEL_CONV, ASSAY_KERNEL_PREFILL, ASSAY_KERNEL_DECODE, ASSAY_KERNEL_MOE, ASSAY_KERNEL_MEMORY,
    ASSAY_KERNEL_COLLECTIVE, ASSAY_KERNEL_TRANSFER, ASSAY_KERNEL_CLASSES
};
extern const char *const assay_kernel_class_names[ASSAY_KERNEL_CLASSES + 1];

/* How operands are stored and scaled. */
enum assay_scaling { ASSAY_SCALING_NONE = 0, ASSAY_SCALING_TENSOR, ASSAY_SCALING_BLOCK };

struct assay_gemm_shape {
    double             batch, m, n, k; /* batch products of m x k by k x n */
    enum assay_dtype   compute;        /* what the matrix unit multiplies */
    double             a_bytes, b_bytes, c_bytes; /* an element of each; 0.5 for 4 bits */
    enum assay_scaling scaling;
    bool               quantises; /* a is quantised on the way in, as serving stacks do it */
    bool               host_launched; /* each launch waits for the host, as in a plain measuring loop */
    double             rotated_bytes; /* what a measuring loop goes through before it comes round again; 0: everything is cold */
};
struct assay_conv_shape { /* an implicit product: m = batch x out pixels, n = out channels / groups, k = in channels / groups x window */
    struct assay_gemm_shape product; /* batch = groups */
    double                  input_bytes, weight_bytes, output_bytes;
};
struct assay_attention_shape {
    double           batch, query, past, heads, kv_heads, head_dim, value_dim; /* query tokens after `past` cached ones, of each sequence */
    bool             causal;
    enum assay_dtype compute;
    double           q_bytes, kv_bytes; /* an element */
    double           kv_tokens; /* of all sequences together where their lengths differ; 0: batch x (past + query) */
};
struct assay_moe_shape {
    double             tokens, hidden, inter, top_k, experts; /* tokens of the whole expert-parallel group */
    double             tp, ep;                                /* ways that inter and experts are split */
    double             imbalance;                             /* the busiest rank's load over the mean; 1 = even */
    double             touched;                               /* experts of that rank that get a token; 0: as even routing has it */
    enum assay_dtype   compute;
    double             weight_bytes, token_bytes;
    bool               loops; /* called again and again with the same weights, which a large cache then keeps */
    enum assay_scaling scaling;
};
struct assay_memory_shape { /* element-wise, norms, softmax, optimizers, moves */
    double read_bytes, written_bytes, flops, transcendentals;
    double working_set_bytes; /* touched again and again; 0: everything is cold */
};
enum assay_collective_op { ASSAY_ALL_REDUCE, ASSAY_ALL_GATHER, ASSAY_REDUCE_SCATTER, ASSAY_ALL_TO_ALL, ASSAY_BROADCAST, ASSAY_SEND };
struct assay_collective_shape { /* within one scale-up domain; tiers are composed elsewhere */
    enum assay_collective_op op;
    double                   devices, bytes; /* bytes: the whole buffer */
};

/* What a price is made of; what is not asked for stays 0. The largest of compute, memory, cache, vector and link is what limits. */
struct assay_price {
    enum assay_kernel_class class;
    double ns;
    double compute_ns, memory_ns, cache_ns, vector_ns, link_ns, floor_ns;
    double flops, memory_bytes, cache_bytes, link_bytes;
};

struct assay_coefficients; /* coefficients.h: fitted, with the fingerprint of what they were fitted on */

enum assay_code assay_price_gemm(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_gemm_shape *s, struct assay_price *out, struct assay_error *err);
enum assay_code assay_price_conv(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_conv_shape *s, struct assay_price *out, struct assay_error *err);
enum assay_code assay_price_prefill(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_attention_shape *s, struct assay_price *out, struct assay_error *err);
enum assay_code assay_price_decode(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_attention_shape *s, struct assay_price *out, struct assay_error *err);
enum assay_code assay_price_moe(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_moe_shape *s, struct assay_price *out, struct assay_error *err);
enum assay_code assay_price_memory(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_memory_shape *s, struct assay_price *out, struct assay_error *err);
/* Do switches add up on the way? The price is then of another form, its link_bytes still those of a ring. */
bool assay_collective_reduces(const struct assay_chip *chip, const struct assay_collective_shape *s);
enum assay_code assay_price_collective(const struct assay_chip *chip, const struct assay_coefficients *k, const struct assay_collective_shape *s, struct assay_price *out, struct assay_error *err);

#endif
