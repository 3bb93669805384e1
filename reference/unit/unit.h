/* A matrix unit: how a device adds up the products of a matrix product, told so exactly that every bit follows.
 *
 * The k products of one output element are cut into sections (all of them, or `promotion` each), a section into blocks. What a
 * block sums to goes into an accumulator, what a section sums to is added to a sum in f32. The field comments and the README
 * define the arithmetic; assay_unit_dot is that definition as code, and everything faster is tested against it. */
#ifndef ASSAY_UNIT_H
#define ASSAY_UNIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "reference/unit/number.h"

#define ASSAY_UNIT_MAX_BLOCK 64u
#define ASSAY_UNIT_MAX_CHAINS 64u
#define ASSAY_UNIT_MAX_PROMOTION (1u << 20)

/* How the products of a block are added. */
enum assay_unit_block {
    ASSAY_UNIT_ROUNDED, /* one after another or as a tree, each sum put into block.put; then the block into the accumulator */
    ASSAY_UNIT_ALIGNED, /* with the accumulator, all shifted to the largest exponent, what is shifted out cut off; one sum */
};

/* In which order the sums of blocks come together. */
enum assay_unit_order {
    ASSAY_UNIT_SEQUENTIAL, /* one after another */
    ASSAY_UNIT_TREE,       /* neighbours by two, then those by two …; an odd last one waits */
    ASSAY_UNIT_CHAINS,     /* block i goes to chain i mod chains, each sequential; then the chains are joined */
};

/* How chains are joined. */
enum assay_unit_join {
    ASSAY_UNIT_JOIN_SEQUENTIAL, /* 0 + 1, + 2, … */
    ASSAY_UNIT_JOIN_PAIRS,      /* a tree of neighbours */
    ASSAY_UNIT_JOIN_HALVES,     /* i + (i + half), as vectors are folded; a power of two of chains */
};

/* Plain data; formats point to constants. */
struct assay_matrix_unit {
    char                            name[64], about[160], why[400], source[400];
    const struct assay_unit_format *a, *b;        /* operands are rounded to these, to nearest even, too large ones to the largest */
    bool                            flush_inputs; /* operands below the smallest normal number are read as zeros */
    const struct assay_unit_format *product;      /* each product is rounded to it, to nearest even; NULL: exact */
    struct {
        uint32_t              length; /* products */
        enum assay_unit_block sum;
        uint32_t              fraction_bits; /* of ALIGNED: kept behind the largest exponent */
        enum assay_unit_order order;         /* of ROUNDED: SEQUENTIAL or TREE */
        struct assay_unit_put put;           /* of ROUNDED. Of ALIGNED rounding alone: how what is shifted out is cut */
    } block;
    struct {
        struct assay_unit_put put;
        enum assay_unit_order order;
        uint32_t              chains; /* 1 unless order is CHAINS */
        enum assay_unit_join  join;
    } accumulator;
    uint32_t              promotion; /* products to a section, whose sum is then added to one in f32; 0: never */
    struct assay_unit_put output;
};

/* init + sum over i < k of a[i * sa] * b[i * sb]. Operands as the graph has them: they are rounded here. init must be a
 * number of the accumulator (with promotion: of f32). */
double assay_unit_dot(const struct assay_matrix_unit *unit, size_t k, const double *a, size_t sa, const double *b, size_t sb,
                      double init);
/* An operand as the unit reads it. */
double assay_unit_operand(const struct assay_matrix_unit *unit, const struct assay_unit_format *format, double x);

/* Does the unit take such values? Integer units take integers, the others floats. */
bool assay_unit_takes(const struct assay_matrix_unit *unit, enum assay_dtype dtype);
/* Does an operand's format hold every whole number of this type? */
bool assay_unit_holds(const struct assay_unit_format *format, enum assay_dtype dtype);
/* Same arithmetic, whatever they are called? */
bool assay_unit_equal(const struct assay_matrix_unit *x, const struct assay_matrix_unit *y);

/* ---- files (unit_file.c) --------------------------------------------------------------------------------- */

#define ASSAY_UNIT_FORMAT "assay-matrix-unit/1"

/* Unknown keys, fields that do not go together and numbers out of range are ASSAY_DATA or ASSAY_CONFIG with file, line, key. */
enum assay_code assay_unit_read(const char *path, struct assay_matrix_unit *out, struct assay_error *err);
/* What assay_unit_read reads (a new reference); NULL: no memory. */
json_t *assay_unit_to_json(const struct assay_matrix_unit *unit);
/* A file (a slash in it, or .json at its end), or the name of one that comes with the program (backends/units/NAME.json). */
enum assay_code assay_unit_find(const char *name, struct assay_matrix_unit *out, struct assay_error *err);

/* ---- many at once (unit_tile.c) -------------------------------------------------------------------------- */

/* value[i * step + j] = the unit's sum over k < terms of x[i * x_row + k] * y[k * y_term + j * y_column], i < rows, j < columns.
 * Runs on the calling thread. Units of plain FMA chains in f32 go by tiles in registers, all others by assay_unit_dot: the bits
 * are the same. Without memory it is only slower. One of y_term and y_column is 1. */
struct assay_unit_tile {
    size_t        rows, columns, terms;
    const double *x, *y;
    size_t        x_row, y_term, y_column;
    double       *value;
    size_t        step;
};
void assay_unit_tiles(const struct assay_matrix_unit *unit, const struct assay_unit_tile *t);
/* Does this machine go by tiles for it? */
bool assay_unit_is_fast(const struct assay_matrix_unit *unit);

#endif
