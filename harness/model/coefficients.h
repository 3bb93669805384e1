/* The numbers in the forms of kernel.h: fitted on published measurements (calibrate.h), kept with how far they were off on chips
 * left out and with the fingerprint of the measurements in backends/coefficients/kernels.json. */
#ifndef ASSAY_MODEL_COEFFICIENTS_H
#define ASSAY_MODEL_COEFFICIENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "assay/error.h"
#include "harness/model/kernel.h"

enum assay_coefficient {
#define ASSAY_COEFFICIENT(id, class, key, begin, low, high, about) ASSAY_K_##id,
#include "harness/model/coefficients.def"
#undef ASSAY_COEFFICIENT
    ASSAY_COEFFICIENTS
};
struct assay_coefficient_row {
    enum assay_kernel_class class;
    const char *key, *about;
    double      begin, low, high;
};
extern const struct assay_coefficient_row assay_coefficient_rows[ASSAY_COEFFICIENTS];

struct assay_coefficients {
    double value[ASSAY_COEFFICIENTS];
};
/* Where every fit begins: by hand, from the sources in README.md. */
struct assay_coefficients assay_coefficients_begin(void);

/* What residuals are kept apart by. */
enum assay_format_class { ASSAY_FORMAT_WIDE, ASSAY_FORMAT_F8, ASSAY_FORMAT_BLOCK, ASSAY_FORMAT_F4, ASSAY_FORMAT_CLASSES };
extern const char *const assay_format_class_names[ASSAY_FORMAT_CLASSES + 1];
enum assay_regime { ASSAY_REGIME_FLOOR, ASSAY_REGIME_MEMORY, ASSAY_REGIME_COMPUTE, ASSAY_REGIMES };
extern const char *const assay_regime_names[ASSAY_REGIMES + 1];
/* What takes the larger part of a price: its least time, memory or links, or work. */
enum assay_regime assay_price_regime(const struct assay_price *price);

/* Of one class, in logarithms of time, on chips left out of the fit. All 0: nobody measured this class. */
struct assay_spread {
    unsigned chips;                                         /* of the vendor with the most */
    double   chip_sd;                                       /* of the chips' own medians */
    double   scale;                                         /* that makes the bands cover what they say they do */
    double   error[2][ASSAY_FORMAT_CLASSES][ASSAY_REGIMES]; /* 0.8-quantile about the chip's median; [0] HBM; 0: no such rows */
    double   pooled;                                        /* the same of all rows */
};

#define ASSAY_VENDORS_MOST 16
#define ASSAY_FITTED_DEVICES 32
struct assay_vendor_fit { /* or of one device that was measured by itself */
    char     name[64];
    unsigned chips[ASSAY_KERNEL_CLASSES]; /* measured, of each class */
    double   factor[ASSAY_COEFFICIENTS];  /* on the base: how mature its software is; 1 where nothing was measured */
};
struct assay_fitted_device {
    char   name[64], vendor[32];
    bool   classes[ASSAY_KERNEL_CLASSES];
    double core_flops_per_clock, clock_hz; /* what likeness is told by */
    bool   hbm;
    double effect[ASSAY_KERNEL_CLASSES][ASSAY_FORMAT_CLASSES]; /* median log residual of the fit on it; NaN: no rows */
};
struct assay_fitted {
    struct assay_coefficients  base; /* of the vendor with the most chips */
    struct assay_vendor_fit    vendors[ASSAY_VENDORS_MOST];
    size_t                     n_vendors;
    struct assay_fitted_device devices[ASSAY_FITTED_DEVICES];
    size_t                     n_devices;
    struct assay_spread        spreads[ASSAY_KERNEL_CLASSES];
    char                       fingerprint[65]; /* of the measurements */
};
/* ASSAY_DATA: the file is wrong. path NULL: what comes with the program. */
enum assay_code assay_fitted_read(const char *path, struct assay_fitted *out, struct assay_error *err);
/* A new reference; NULL when out of memory. */
json_t *assay_fitted_to_json(const struct assay_fitted *f);
/* As this vendor's chips have them; the base where it was not measured. */
struct assay_coefficients assay_fitted_for(const struct assay_fitted *f, const char *vendor);
/* As this very device has them, where it was measured by itself; else as its vendor's. */
struct assay_coefficients assay_fitted_of(const struct assay_fitted *f, const char *vendor, const char *device);
/* What the fit's residuals on chips like this one say: a factor on the time, nearer to 1 the less it is like any of its vendor's.
 * `skip`: a device that does not count, NULL: none. */
double assay_fitted_likeness(const struct assay_fitted *f, const char *vendor, const struct assay_chip *chip,
                             enum assay_kernel_class class, enum assay_format_class format, const char *skip);
/* How well the chips of its vendor that a class was measured on stand for this one: 0, not at all, to nearly 1, a sister. */
double assay_fitted_familiarity(const struct assay_fitted *f, const char *vendor, const struct assay_chip *chip,
                                enum assay_kernel_class class);
/* Measured chips of a class and vendor. */
unsigned assay_fitted_chips(const struct assay_fitted *f, const char *vendor, enum assay_kernel_class class);
/* Did the fit see rows of this very device, class and format? */
bool     assay_fitted_on(const struct assay_fitted *f, const char *device, enum assay_kernel_class class, enum assay_format_class format);

#endif
