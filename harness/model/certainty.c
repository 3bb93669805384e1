#include "harness/model/certainty.h"

#include <math.h>

#include "harness/model/rates.h"

#include "assay/banned.h"

#define MODEL_DEVIATION 0.12 /* of products, about, on chips left out of their fit */
#define UNSAID 1.1           /* a number that the press or we say without a range may be off by so much, either way */
#define SHARE 0.05           /* of the variance, from which on a number decides the grade */
#define MOVES 1e-9

/* How far the figure's logarithm goes when the field goes from low to high. */
static double swing_of(const struct assay_chip *middle, enum assay_device_field field, double low, double high,
                       assay_figure_of *figure,
                       void *self)
{
    struct assay_chip least = *middle, most = *middle;
    least.field[field] = low;
    most.field[field] = high;
    double swing = fabs(log(figure(self, &most) / figure(self, &least)));
    return isnan(swing) ? INFINITY : swing;
}

static bool is_vendors(const struct assay_quantity *q)
{
    return q->provenance == ASSAY_MEASURED || q->provenance == ASSAY_DATASHEET || q->provenance == ASSAY_ANNOUNCED;
}

bool assay_field_range(const struct assay_quantity *q, double *low, double *high)
{
    bool range = q->low < q->high;
    if (q->state != ASSAY_KNOWN || q->low <= 0 || (!range && is_vendors(q)))
        return false;
    *low = range ? q->low : q->value / UNSAID;
    *high = range ? q->high : q->value * UNSAID;
    return true;
}

/* Of a uniform number of that width. A vendor's number without a range has none. */
static double variance_of(const struct assay_chip *middle, const struct assay_quantity *q, enum assay_device_field field,
                          assay_figure_of *figure, void *self)
{
    double low, high;
    if (!assay_field_range(q, &low, &high))
        return 0;
    double swing = swing_of(middle, field, low, high, figure, self);
    return swing * swing / 12;
}

struct assay_certain assay_certainty_of(const struct assay_described *d, assay_figure_of *figure, void *self)
{
    return assay_certainty_within(d, MODEL_DEVIATION, figure, self);
}

struct assay_certain assay_certainty_within(const struct assay_described *d, double deviation, assay_figure_of *figure, void *self)
{
    struct assay_chip    middle = assay_chip_middle(d);
    struct assay_certain found = {assay_rates_derived(&middle) ? 'C' : 'B', true, ASSAY_DEVICE_FIELDS};
    double               variance[ASSAY_DEVICE_FIELDS], all = deviation * deviation;
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        all += variance[i] = variance_of(&middle, &d->fields[i], (enum assay_device_field)i, figure, self);
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++) {
        const struct assay_quantity *q = &d->fields[i];
        bool assumed = q->state == ASSAY_KNOWN && q->provenance == ASSAY_ASSUMED;
        if (!(variance[i] > MOVES * MOVES))
            continue;
        if (isnan(q->value) && found.has_point) {
            found.has_point = false;
            found.without = (enum assay_device_field)i;
        }
        if (assumed)
            found.grade = 'D';
        else if (found.grade < 'C' && variance[i] >= SHARE * all)
            found.grade = 'C';
    }
    return found;
}

char assay_described_grade(const struct assay_described *d, size_t by[ASSAY_ASSUMED + 1])
{
    static const enum assay_device_field needed[] = {ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_MEMORY, ASSAY_DEVICE_PEAK_BF16};
    char                                 grade = 'B';
    for (int p = 0; p <= ASSAY_ASSUMED; p++)
        by[p] = 0;
    for (int f = 0; f < ASSAY_DEVICE_FIELDS; f++)
        by[d->fields[f].state == ASSAY_KNOWN ? d->fields[f].provenance : 0]++;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        const struct assay_quantity *q = &d->fields[needed[i]];
        bool f32 = needed[i] == ASSAY_DEVICE_PEAK_BF16 && q->state != ASSAY_KNOWN;
        q = f32 ? &d->fields[ASSAY_DEVICE_PEAK_F32] : q;
        if (q->state != ASSAY_KNOWN || q->provenance == ASSAY_ASSUMED)
            grade = 'D';
        else if (grade < 'C' && !is_vendors(q))
            grade = 'C';
    }
    return grade;
}
