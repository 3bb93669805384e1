#include "backends/cpu/layout/transpose.h"

#include "backends/cpu/vector/isa.h"
#include "backends/cpu/vector/vector.h"

#include "assay/banned.h"

/* Squares of 8 x 8 turned in registers by three rounds of exchanging halves; where vectors are shorter the compiler
 * splits them. */
typedef float v8 __attribute__((vector_size(32)));
typedef int32_t i8x __attribute__((vector_size(32)));

#if defined(__clang__)
#define SHUFFLE_AS(indices, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE_AS(indices, a, b, ...) __builtin_shuffle(a, b, (indices){__VA_ARGS__})
#endif
#define SHUFFLE(a, b, ...) SHUFFLE_AS(i8x, a, b, __VA_ARGS__)

static inline __attribute__((always_inline)) void square(const float *from, size_t from_stride, float *to,
                                                         size_t to_stride)
{
    v8 a[8], b[8];
    CPU_UNROLL(8)
    for (size_t i = 0; i < 8; i++)
        memcpy(&a[i], from + i * from_stride, sizeof a[i]);
    CPU_UNROLL(4)
    for (int i = 0; i < 4; i++) { /* pairs of rows */
        b[2 * i] = SHUFFLE(a[2 * i], a[2 * i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        b[2 * i + 1] = SHUFFLE(a[2 * i], a[2 * i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    CPU_UNROLL(2)
    for (int i = 0; i < 8; i += 4) { /* fours */
        CPU_UNROLL(2)
        for (int j = 0; j < 2; j++) {
            a[i + j] = SHUFFLE(b[i + j], b[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            a[i + j + 2] = SHUFFLE(b[i + j], b[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    CPU_UNROLL(4)
    for (int j = 0; j < 4; j++) { /* eights */
        b[j] = SHUFFLE(a[j], a[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        b[j + 4] = SHUFFLE(a[j], a[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    CPU_UNROLL(8)
    for (size_t i = 0; i < 8; i++)
        memcpy(to + i * to_stride, &b[i], sizeof b[i]);
}

#if defined(__AVX512F__)
#define SIDE 16
typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16x __attribute__((vector_size(64)));

/* Lane l of the lower row of a pair that lies `step` apart, and of the upper one, in terms of the 32 lanes of both. */
#define LOWER(step, l) ((l) & (step) ? 16 + (l) - (step) : (l))
#define UPPER(step, l) ((l) & (step) ? 16 + (l) : (l) + (step))
#define PICK(row, step, a, b)                                                                                                      \
    SHUFFLE_AS(i16x, a, b, row(step, 0), row(step, 1), row(step, 2), row(step, 3), row(step, 4), row(step, 5), row(step, 6),       \
               row(step, 7), row(step, 8), row(step, 9), row(step, 10), row(step, 11), row(step, 12), row(step, 13), row(step, 14), \
               row(step, 15))
#define EXCHANGE(step)                                                          \
    CPU_UNROLL(16)                                                              \
    for (int i = 0; i < 16; i++)                                                \
        if (!(i & (step))) {                                                    \
            v16 lower = a[i], upper = a[i + (step)];                            \
            a[i] = PICK(LOWER, step, lower, upper);                             \
            a[i + (step)] = PICK(UPPER, step, lower, upper);                    \
        }

/* 16 x 16: a line of a cache is read and written once and whole. Where rows are a power of two apart they share places in the
 * cache, and halves of lines would be pushed out before the other half is wanted. */
static inline __attribute__((always_inline)) void large_square(const float *from, size_t from_stride, float *to, size_t to_stride)
{
    v16 a[16];
    CPU_UNROLL(16)
    for (size_t i = 0; i < 16; i++)
        memcpy(&a[i], from + i * from_stride, sizeof a[i]);
    EXCHANGE(1)
    EXCHANGE(2)
    EXCHANGE(4)
    EXCHANGE(8)
    CPU_UNROLL(16)
    for (size_t i = 0; i < 16; i++)
        memcpy(to + i * to_stride, &a[i], sizeof a[i]);
}
#else
#define SIDE 8
#define large_square square
#endif

static void matrix(size_t rows, size_t columns, const float *from, size_t from_stride, float *to, size_t to_stride)
{
    size_t large_rows = rows / SIDE * SIDE, large_columns = columns / SIDE * SIDE;
    size_t whole_rows = rows / 8 * 8, whole_columns = columns / 8 * 8;
    for (size_t j = 0; j < large_columns; j += SIDE)
        for (size_t i = 0; i < large_rows; i += SIDE)
            large_square(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
    for (size_t i = 0; i < whole_rows; i += 8)
        for (size_t j = i < large_rows ? large_columns : 0; j < whole_columns; j += 8)
            square(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
            to[j * to_stride + i] = from[i * from_stride + j];
}

const struct cpu_transpose_kernels CPU_ISA_NAME(transpose) = {.matrix = matrix};
