/* How sure a figure is that rests on a description: its grade, and whether it may be a point. backends/model/README.md, "What a
 * run gives". */
#ifndef ASSAY_MODEL_CERTAINTY_H
#define ASSAY_MODEL_CERTAINTY_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/model/device.h"

/* The figure (a time, say) on a chip; NaN: there is none. */
typedef double assay_figure_of(void *self, const struct assay_chip *chip);

struct assay_certain {
    char                    grade;     /* 'B', 'C', 'D'. 'A', calibrated on the chip itself, is for whoever calibrated to say */
    bool                    has_point; /* every number that moves it has a value */
    enum assay_device_field without;   /* one that has none; ASSAY_DEVICE_FIELDS if all have */
};
/* `deviation`: of the logarithm of what the figure's form is off by on chips left out of its fit, were the chip known perfectly: a field counts
 * by its share of that and of all fields' variance. */
struct assay_certain assay_certainty_within(const struct assay_described *d, double deviation, assay_figure_of *figure, void *self);
/* With the deviation of products, where nobody knows a better one. */
struct assay_certain assay_certainty_of(const struct assay_described *d, assay_figure_of *figure, void *self);

/* From where to where a number may be: its range, or what one that is not the vendor's may be off by. false: it is sure, or not
 * known. */
bool assay_field_range(const struct assay_quantity *q, double *low, double *high);

/* The best grade that any figure of it can have that rests on its 16-bit or f32 peak, bandwidth and memory; and where its numbers
 * are from: by[provenance]. */
char assay_described_grade(const struct assay_described *d, size_t by[ASSAY_ASSUMED + 1]);

#endif
