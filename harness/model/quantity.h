/* One number of a description in its file, read the way every description reads them (backends/devices/README.md): a value, a
 * range or both, with where it is from; or why there is none. */
#ifndef ASSAY_MODEL_QUANTITY_H
#define ASSAY_MODEL_QUANTITY_H

#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/json.h"

/* From the surest to the least sure. */
enum assay_provenance {
    ASSAY_MEASURED = 1, /* on the chip, by whom the source says */
    ASSAY_DATASHEET,    /* the vendor's published document */
    ASSAY_ANNOUNCED,    /* the vendor's word before or without one */
    ASSAY_REPORTED,     /* the press, analysts */
    ASSAY_INFERRED,     /* follows from other fields or from a sister chip; the source says how */
    ASSAY_ASSUMED,      /* nobody said it; the source is the derivation of the range */
};
extern const char *const assay_provenance_names[]; /* by enum assay_provenance; ends with NULL */

enum assay_knowledge { ASSAY_UNKNOWN_FIELD = 0, ASSAY_KNOWN, ASSAY_NOT_SUPPORTED };
struct assay_quantity {
    enum assay_knowledge  state;
    enum assay_provenance provenance; /* of what is known */
    double                value, low, high; /* low <= value <= high; value is NaN where only a range is given: no point exists */
    const char           *source;     /* where it is from; of what is unknown: why, "" = not said. Lives with the device */
    const char           *overlay;    /* the file that this number is from instead of the description, "" = none */
};

#define ASSAY_QUANTITY_MOST 1e21 /* of any number of a description; no unit that is used here leads near it */

/* What a description may say under a key. least > 0: zero is refused, as that is never how "not known" is said. */
struct assay_quantity_row {
    const char *key, *unit, *about;
    double      least, most;
};

struct assay_quantity assay_quantity_none(void);
/* Texts are kept in the arena. `parent` has under the row's key {value, low, high, provenance, source}, {"supported": false, provenance,
 * source}, {"unknown": why} or null. */
enum assay_code assay_quantity_read(const struct assay_json_file *file, const json_t *parent, const struct assay_quantity_row *row,
                                    const char *overlay, struct assay_arena *arena, struct assay_quantity *out, struct assay_error *err);
/* The value, or the geometric mean of a range without one; NaN where nothing is known. */
double assay_quantity_middle(const struct assay_quantity *q);
/* At a quantile in (0, 1): log-triangular around the value, log-uniform without one. */
double assay_quantity_at(const struct assay_quantity *q, double u);

#endif
