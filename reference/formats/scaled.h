/* Numbers that share scales: a row of elements in a narrow format, one scale to each block of them. */
#ifndef ASSAY_SCALED_H
#define ASSAY_SCALED_H

#include <stdbool.h>
#include <stddef.h>

#include "assay/dtype.h"

/* How a block's scale follows from its largest magnitude. */
enum assay_scale_rule {
    ASSAY_SCALE_POWER, /* the largest power of two not above it, over the largest power of two that an element can be */
    ASSAY_SCALE_FULL, /* it over the largest element, rounded to the format of scales, so that it becomes the largest */
};

/* The value of an element is code * unit * scale of its block * scale of the tensor. */
struct assay_scaled_format {
    const char *name;
    enum assay_dtype element, scale;
    size_t length; /* elements a block; 0: the whole row is one */
    double unit;   /* of element codes: 1, but for MXINT8 2^-6 */
    enum assay_scale_rule rule;
    bool has_tensor_scale; /* an f32 beside all; the scales are relative to it */
};

/* mxfp8_e4m3 … nvfp4, and int8 and int4 with one scale a row: for a scale a channel a row is a channel, for a scale a
 * tensor it is the tensor. Blocks of integers: a copy with another length. */
extern const struct assay_scaled_format assay_scaled_formats[];
extern const size_t assay_n_scaled_formats;
/* NULL: none of that name. */
const struct assay_scaled_format *assay_scaled_format_named(const char *name);

/* Scales of a row of n elements. */
size_t assay_scaled_count(const struct assay_scaled_format *b, size_t n);
/* The tensor's scale for `most`, its largest magnitude; 1 where there is none, or nothing to scale. */
float assay_scaled_tensor_scale(const struct assay_scaled_format *b, double most);
/* The scale of a block of which `most` is the largest magnitude, as it is stored. NaN if most is not finite. Scales
 * have no sign; 0 is one, unless they are powers of two. */
double assay_scaled_block_scale(const struct assay_scaled_format *b, float tensor_scale, double most);

/* Elements at `to`, packed, for one scale, of x without NaN: x / (scale * tensor scale) in double, rounded to nearest
 * even, at most the largest in magnitude (of integers on both sides: -128 and -8 are not used). All 0 where the scale
 * is 0 or NaN. */
void assay_scaled_elements(const struct assay_scaled_format *b, float tensor_scale, double scale, const double *x,
                           size_t n, void *to);
/* Both for a row of n. A block with an infinity or a NaN gets the scale NaN: all of it reads as NaN. */
void assay_scaled_quantize(const struct assay_scaled_format *b, float tensor_scale, const double *x, size_t n,
                           void *elements, void *scales);
/* The values, exact in double. */
void assay_scaled_dequantize(const struct assay_scaled_format *b, float tensor_scale, const void *elements,
                             const void *scales, size_t n, double *x);

#endif
