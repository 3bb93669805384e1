/* What arithmetic does a device's matrix unit do? From small products with crafted operands: formats, rounding, subnormals, exactness of
 * products, blocks, order, promotion. What was inferred is a matrix unit (reference/unit), which must then give the bits of random
 * tiles, all of them; else nothing is explained. */
#ifndef ASSAY_VERIFY_NUMERICS_H
#define ASSAY_VERIFY_NUMERICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/error.h"
#include "reference/unit/unit.h"

#define ASSAY_NUMERICS_TILE 16 /* rows and columns of every product that is asked for */

/* The device: c = a b of a[TILE][terms], b[terms][TILE], row-major; numbers that the types `a` and `b` hold, c in `dtype`. Of floats
 * all three are one; of integers c is i32, and a and b are u8, i8 or i32. */
struct assay_numerics_device {
    enum assay_dtype a, b, dtype;
    void            *self;
    enum assay_code (*multiply)(void *self, size_t terms, const double *a, const double *b, double *c, struct assay_error *err);
};

enum assay_numerics_class {
    ASSAY_NUMERICS_MEETS = 1,       /* what the judge's bounds ask of this type */
    ASSAY_NUMERICS_LOWER = 2,       /* less, and it is known what */
    ASSAY_NUMERICS_UNEXPLAINED = 3, /* no unit that was thought of gives its bits */
};
const char *assay_numerics_class_name(enum assay_numerics_class c);

struct assay_numerics_row {
    char field[24], value[64], how[128];
};

#define ASSAY_NUMERICS_ROWS 12

struct assay_numerics {
    enum assay_dtype          a, b, dtype; /* the device's */
    struct assay_numerics_row row[ASSAY_NUMERICS_ROWS];
    size_t                    n_rows;
    struct assay_matrix_unit  unit;
    bool                      inferred; /* a unit was found that answers every question as the device did */
    uint64_t                  tiles, elements; /* that were compared, up to the first that differs */
    bool                      explained;       /* inferred, and no element differed */
    struct {
        size_t terms, tile, row, column;
        double device, unit;
    } differs; /* the first, if not explained */
    enum assay_numerics_class found;
    char                      verdict[192];
};

/* dtype f32, bf16, f16 or i32. The device's operands of i32 may be cut to fewer bits, those of 8 bits may not. Errors are the device's or memory's; not to understand it is none. */
enum assay_code assay_numerics_infer(const struct assay_numerics_device *device, uint64_t tiles, struct assay_numerics *out,
                                     struct assay_error *err);
/* A new reference; NULL: no memory. */
json_t *assay_numerics_to_json(const struct assay_numerics *n);

#endif
