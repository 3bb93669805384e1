/* One number of a description in its file, read the way every description reads them (backends/devices/README.md): a value, a
 * range or both, with where it is from; or why there is none. */
#ifndef ASSAY_MODEL_QUANTITY_H
#define ASSAY_MODEL_QUANTITY_H

#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/model/device.h"

/* What a description may say under a key. least > 0: zero is refused, as that is never how "not known" is said. */
struct assay_quantity_row {
    const char *key, *unit, *about;
    double      least, most;
};

struct assay_quantity assay_quantity_none(void);
/* Texts are kept in the arena. `object`: {value, low, high, provenance, source}, {"unknown": why} or null. */
enum assay_code assay_quantity_read(const struct assay_json_file *file, const json_t *parent, const struct assay_quantity_row *row,
                                    const char *overlay, struct assay_arena *arena, struct assay_quantity *out, struct assay_error *err);
/* The value, or the geometric mean of a range without one; NaN where nothing is known. */
double assay_quantity_middle(const struct assay_quantity *q);
/* At a quantile in (0, 1): log-triangular around the value, log-uniform without one. */
double assay_quantity_at(const struct assay_quantity *q, double u);

#endif
