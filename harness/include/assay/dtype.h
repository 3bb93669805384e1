/* Element types of values. Names follow the usual short forms; the numbers cross the plug-in line and are
 * only ever appended. Sub-byte types are packed two (4 bit) or four in three (6 bit) to the byte, the first
 * element in the low bits. */
#ifndef ASSAY_DTYPE_H
#define ASSAY_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* X(enumerator, number, name, bits, is floating point) */
#define ASSAY_DTYPES(X)              \
    X(F64, 1, "f64", 64, true)       \
    X(F32, 2, "f32", 32, true)       \
    X(BF16, 3, "bf16", 16, true)     \
    X(F16, 4, "f16", 16, true)       \
    X(F8E4M3, 5, "f8e4m3", 8, true)  \
    X(F8E5M2, 6, "f8e5m2", 8, true)  \
    X(F8E8M0, 7, "f8e8m0", 8, true)  \
    X(F6E2M3, 8, "f6e2m3", 6, true)  \
    X(F6E3M2, 9, "f6e3m2", 6, true)  \
    X(F4E2M1, 10, "f4e2m1", 4, true) \
    X(I64, 11, "i64", 64, false)     \
    X(I32, 12, "i32", 32, false)     \
    X(I8, 13, "i8", 8, false)        \
    X(U8, 14, "u8", 8, false)        \
    X(I4, 15, "i4", 4, false)        \
    X(U4, 16, "u4", 4, false)        \
    X(BOOL, 17, "bool", 8, false)

enum assay_dtype {
    ASSAY_DTYPE_NONE = 0,
#define X(id, number, name, bits, is_float) ASSAY_##id = number,
    ASSAY_DTYPES(X)
#undef X
};

static inline const char *assay_dtype_name(enum assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_DTYPE_NONE: break;
#define X(id, number, name, bits, is_float) \
    case ASSAY_##id: return name;
        ASSAY_DTYPES(X)
#undef X
    }
    return "none";
}

/* 0 of ASSAY_DTYPE_NONE and of what is no dtype. */
static inline unsigned assay_dtype_bits(enum assay_dtype dtype)
{
#define X(id, number, name, bits, is_float) dtype == ASSAY_##id ? bits :
    return ASSAY_DTYPES(X) 0;
#undef X
}

static inline bool assay_dtype_is_float(enum assay_dtype dtype)
{
#define X(id, number, name, bits, is_float) || (is_float && dtype == ASSAY_##id)
    return false ASSAY_DTYPES(X);
#undef X
}

/* ASSAY_DTYPE_NONE when there is no such name. */
static inline enum assay_dtype assay_dtype_from_name(const char *name)
{
#define X(id, number, text, bits, is_float) \
    if (!strcmp(name, text))                \
        return ASSAY_##id;
    ASSAY_DTYPES(X)
#undef X
    return ASSAY_DTYPE_NONE;
}

/* Bytes that n elements take, packed; n >= 0. */
static inline uint64_t assay_dtype_bytes(enum assay_dtype dtype, uint64_t n)
{
    return (n * assay_dtype_bits(dtype) + 7) / 8;
}

#endif
