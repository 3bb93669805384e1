/* What a chip sustains of what its description states, and what stands in for a number that is not stated. */
#ifndef ASSAY_MODEL_RATES_H
#define ASSAY_MODEL_RATES_H

#include "assay/dtype.h"
#include "assay/error.h"
#include "harness/model/coefficients.h"
#include "harness/model/device.h"

/* Numbers that were not known and are derived from others: each lowers the grade of what rests on it. */
enum assay_derived {
    ASSAY_DERIVED_CORES = 1 << 0,
    ASSAY_DERIVED_CLOCK = 1 << 1,
    ASSAY_DERIVED_LLC = 1 << 2,
    ASSAY_DERIVED_EXP = 1 << 3,
    ASSAY_DERIVED_POWER = 1 << 4,
};

struct assay_rates {
    double   peak;      /* FLOP/s of the format that long work sustains, before the tiles' own losses */
    double   core_peak; /* of one core */
    double   sustained; /* peak over what the vendor states */
    double   cores, clock_hz;
    double   memory;              /* B/s as stated */
    double   llc_bytes, llc_rate; /* B, B/s */
    double   feed;                /* B/s of tiles that are read again, as matrix units are fed from that cache */
    double   exp;                 /* 1/s */
    unsigned derived;             /* enum assay_derived */
};

/* ASSAY_UNSUPPORTED: the chip lacks the format, or its peak or memory bandwidth is not known; the message says which. */
enum assay_code assay_rates_of(const struct assay_chip *chip, const struct assay_coefficients *k, enum assay_dtype dtype,
                               struct assay_rates *out, struct assay_error *err);
/* What of assay_derived this chip needs, whatever the format. */
unsigned assay_rates_derived(const struct assay_chip *chip);
/* The least time of a kernel: so many cycles of the chip, as fitted at 1.8 GHz, or its launch floor where that is longer. */
double assay_floor_ns(const struct assay_chip *chip, double fitted_ns);
/* What is fitted at 1.8 GHz, at this chip's clock. */
double assay_at_clock(const struct assay_chip *chip, double fitted_ns);
/* Longest of the three under the norm p: (a^p + b^p + c^p)^(1/p). */
double assay_norm3(double p, double a, double b, double c);

#endif
