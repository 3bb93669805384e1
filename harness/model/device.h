/* What is known of a chip: numbers with where each is from and how far it may be off. Read from backends/devices/NAME.json
 * (schema: backends/devices/README.md), overlaid by a buyer's own file. */
#ifndef ASSAY_MODEL_DEVICE_H
#define ASSAY_MODEL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/error.h"
#include "harness/model/description.h"
#include "harness/model/quantity.h"

enum assay_device_field {
#define ASSAY_DEVICE_FIELD(id, key, unit, least, most, about) ASSAY_DEVICE_##id,
#include "harness/model/device_fields.def"
#undef ASSAY_DEVICE_FIELD
    ASSAY_DEVICE_FIELDS
};
extern const struct assay_quantity_row assay_device_fields[ASSAY_DEVICE_FIELDS];

/* How matrix work is laid out on the chip, and which memory it has: the models' families. */
enum assay_chip_family { ASSAY_CHIP_TENSOR_CORE = 1, ASSAY_CHIP_SYSTOLIC, ASSAY_CHIP_VECTOR };
enum assay_memory_class { ASSAY_MEMORY_HBM = 1, ASSAY_MEMORY_GDDR, ASSAY_MEMORY_LPDDR, ASSAY_MEMORY_DDR };
extern const char *const assay_chip_family_names[], *const assay_memory_class_names[]; /* likewise */
enum assay_device_status { ASSAY_DEVICE_ANNOUNCED = 1, ASSAY_DEVICE_SAMPLING, ASSAY_DEVICE_AVAILABLE, ASSAY_DEVICE_DISCONTINUED };
extern const char *const assay_device_status_names[]; /* likewise */

/* What the chip was seen to do: no claim may be below it. */
struct assay_at_least {
    enum assay_device_field field;
    double                  at_least;
    const char             *source;
};

/* Strings live with the device. */
struct assay_described {
    const char              *name, *product, *vendor, *origin; /* origin: ISO 3166 two letters of the vendor's seat */
    const char              *about, *unit;                     /* unit: a file of backends/units, "" = unknown */
    const char *const       *aliases;                          /* ends with NULL */
    enum assay_chip_family   family;
    enum assay_memory_class  memory_class;
    enum assay_device_status status;
    struct assay_quantity    fields[ASSAY_DEVICE_FIELDS];
    const struct assay_said *said;
    size_t                   n_said;
    const struct assay_at_least *measured;
    size_t                   n_measured;
    const char              *overlays; /* "FILE (by WHOM), …", "" = none */
    char                     fingerprint[65]; /* SHA-256 of the description and its overlays */
};

/* By name or alias, any case, or a file (a slash in it, or .json at its end). ASSAY_CONFIG: none such (hint: the nearest);
 * ASSAY_DATA: the file is wrong (line, key, what). */
enum assay_code assay_described_find(const char *name, struct assay_described **out, struct assay_error *err);
enum assay_code assay_described_read(const char *path, struct assay_described **out, struct assay_error *err);
/* Lays a buyer's file over it: only what the file has is replaced; a file that names another device is refused. */
enum assay_code assay_described_overlay(struct assay_described *d, const char *path, struct assay_error *err);
/* Is the file a description of its own, or numbers to lay over one? And which device it is for. */
enum assay_code assay_spec_is_device(const char *path, bool *out, struct assay_error *err);
enum assay_code assay_spec_device(const char *path, char out[64], struct assay_error *err);
void            assay_described_free(struct assay_described *d);
/* The descriptions there are, sorted by name. One that cannot be read is told with its error. */
enum assay_code assay_described_list(void (*each)(void *self, const char *name, const struct assay_described *d,
                                                  const struct assay_error *why_not),
                                     void *self, struct assay_error *err);

/* One possible chip that fits a description: every field a number. NaN = unknown, 0 = not supported. */
struct assay_chip {
    enum assay_chip_family  family;
    enum assay_memory_class memory_class;
    double                  field[ASSAY_DEVICE_FIELDS];
};
/* The middle of what is known: the value, or the geometric mean of a range without one. For searches and sensitivities; a figure
 * that is shown is an interval (interval.h) unless every field it rests on has a value. */
struct assay_chip assay_chip_middle(const struct assay_described *d);
/* The k-th draw, k >= 1: fields with a range are log-triangular in [low, high] around value, log-uniform without one; the same
 * (k, field) gives the same quantile on every device, so that comparisons are paired. */
struct assay_chip assay_chip_draw(const struct assay_described *d, uint64_t k);
/* The quantile in (0, 1) that draw k has for an uncertain number, the same for every device: fields are streams of their own
 * number, what else is drawn has streams from ASSAY_DEVICE_FIELDS on. */
double assay_draw_quantile(uint64_t k, uint32_t stream);
/* The peak of a format's matrix work; NaN unknown, 0 not supported. Never another format's. */
double assay_chip_peak(const struct assay_chip *chip, enum assay_dtype dtype);
/* The field that has it; ASSAY_DEVICE_FIELDS: no chip's matrix units multiply such values. */
enum assay_device_field assay_chip_peak_field(enum assay_dtype dtype);

#endif
