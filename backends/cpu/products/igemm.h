/* Products of u8 by i8, exact in 32 bits: the inner block for each instruction set, and whole products made of it. What differs is
 * the word: four bytes of each operand where the processor adds up four products of bytes at once (VNNI), else two of them widened
 * to 16 bits, as instructions that multiply bytes without VNNI saturate the sums of pairs. */
#ifndef CPU_PRODUCTS_IGEMM_H
#define CPU_PRODUCTS_IGEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "assay/text.h"
#include "backends/cpu/cpu.h"

struct cpu_igemm_tile {
    size_t          rows, columns, words; /* rows and columns: at most the kernels' */
    const uint32_t *a;                    /* word k of row m: a[m * a_row + k] */
    size_t          a_row;
    const uint32_t *b; /* word k of column n: b[k * kernels' columns + n], all of these readable */
    int32_t        *c; /* c[m * c_row + n], written */
    size_t          c_row;
};

struct cpu_igemm_kernels {
    size_t rows, columns;
    void (*pairs)(const struct cpu_igemm_tile *tile);     /* words of two numbers of 16 bits */
    void (*quads)(const struct cpu_igemm_tile *tile);     /* words of four bytes; NULL: not built */
    const char *quads_by;                                 /* the instruction */
};

/* Do the quads of these kernels run here? */
bool cpu_igemm_has_quads(const struct cpu_kernels *kernels);

/* One product: C[m,n] = A[m,k] B[k,n], sums wrapping as i32, with A's bytes of u8 or i8 and B's likewise. Packed, they are u8 and
 * i8: the other sign is turned over, which moves its zero point by 128. */
struct cpu_igemm {
    size_t m, k, n;
    bool   a_signed, b_unsigned;
    bool   quads; /* as cpu_igemm_has_quads says, or false */
};
size_t cpu_igemm_a_bytes(const struct cpu_kernels *kernels, const struct cpu_igemm *p);
size_t cpu_igemm_b_bytes(const struct cpu_kernels *kernels, const struct cpu_igemm *p);
/* Packs; sum[]: of A's rows, of B's columns, of the packed numbers. */
void cpu_igemm_pack_a(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *a, uint32_t *to, int32_t *sum);
void cpu_igemm_pack_b(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *b, uint32_t *to, int32_t *sum);
/* Of packed numbers, without zero points. */
void cpu_igemm_multiply(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint32_t *a, const uint32_t *b, int32_t *c);

/* The same numbers turned over and summed as they lie, for a library's product; `to` may be NULL where nothing is turned over. */
void cpu_igemm_turn_a(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *a, uint8_t *to, int32_t *sum);
void cpu_igemm_turn_b(const struct cpu_engine *engine, const struct cpu_igemm *p, const uint8_t *b, uint8_t *to, int32_t *sum);

/* Does oneDNN add up 64 products of 255 by 127, and by -128, without saturating, at shapes that take each of its paths? If not,
 * `why` says what it gave. */
bool cpu_igemm_onednn_is_exact(struct cpu_onednn *onednn, struct assay_text *why);

#endif
