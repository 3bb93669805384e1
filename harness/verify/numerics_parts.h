/* What the files of numerics share. Nobody else includes this. */
#ifndef ASSAY_VERIFY_NUMERICS_PARTS_H
#define ASSAY_VERIFY_NUMERICS_PARTS_H

#include "harness/verify/numerics.h"

#define NUMERICS_TERMS 64   /* of the questions about a unit's structure */
#define NUMERICS_LONG 2048  /* of those about promotion */
#define NUMERICS_MOST_BITS 60 /* of a sum that is looked for */

/* Questions: number i has the operands that fill() writes over zeros; its answer is one dot product. */
struct numerics_questions {
    size_t n, terms;
    void (*fill)(const void *self, size_t i, double *a, double *b);
    const void *self;
};
/* The device's answers, a tile's diagonal full at a time. */
enum assay_code numerics_ask(const struct assay_numerics_device *device, const struct numerics_questions *q, double *answer,
                             struct assay_error *err);

/* What single questions told, before any structure is known. */
struct numerics_facts {
    enum assay_dtype                dtype;
    const struct assay_unit_format *a, *b;   /* NULL: none has the bits and the range that were seen */
    int                             sum_bits; /* of the narrowest sum that was met; NUMERICS_MOST_BITS: as many or more */
    int                             near_bits; /* the same of three neighbours */
    size_t                          at[3];    /* where it was met: large, small, minus large */
    bool                            wide_range; /* sums go beyond f16 */
    enum assay_unit_rounding        rounding;
    bool                            rounds_otherwise; /* in none of the three ways */
    bool                            flush_inputs, flush_sums, sums_reach_subnormals;
};
enum assay_code numerics_floats(const struct assay_numerics_device *device, struct numerics_facts *f, struct assay_numerics *out,
                                struct assay_error *err);
enum assay_code numerics_integers(const struct assay_numerics_device *device, struct numerics_facts *f, struct assay_numerics *out,
                                  struct assay_error *err);
ASSAY_PRINTF(4, 5)
void numerics_say(struct assay_numerics *out, const char *field, const char *value, const char *how, ...);

/* Fills out->unit and out->inferred: of all structures the simplest that gives every answer. */
enum assay_code numerics_structure(const struct assay_numerics_device *device, const struct numerics_facts *f,
                                   struct assay_numerics *out, struct assay_error *err);
/* Does any section end within NUMERICS_LONG terms? Narrows out->unit, or takes out->inferred back. */
enum assay_code numerics_promotion(const struct assay_numerics_device *device, const struct numerics_facts *f,
                                   struct assay_numerics *out, struct assay_error *err);
/* Compares random tiles. */
enum assay_code numerics_tiles(const struct assay_numerics_device *device, uint64_t tiles, struct assay_numerics *out,
                               struct assay_error *err);

/* What operands are drawn from: the formats that the unit reads, but of 8-bit integers all that the device's types hold. */
struct numerics_operands {
    const struct assay_matrix_unit *unit;
    const struct assay_unit_format *a, *b;
};
struct numerics_operands numerics_operands_of(const struct assay_numerics_device *device, const struct assay_matrix_unit *unit);
/* Random operands: a[rows][terms], b[terms][columns], as functions of `seed`. Of an odd one the second half of every
 * sum takes the first away again, so that roundings are all that is left, and a coarse output format hides none of them. */
void numerics_draw(const struct numerics_operands *from, int sum_bits, uint64_t seed, size_t rows, size_t columns, size_t terms,
                   double *a, double *b);
/* Bits of the unit's sums, for numerics_draw. */
int numerics_bits_of(const struct assay_matrix_unit *unit);
/* 2^exponent in two factors of about equal size, in a[at] and b[at], times `sign`. */
void numerics_power(double *a, double *b, size_t at, int exponent, double sign);

#endif
