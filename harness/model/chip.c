/* Chips that fit a description: the middle one, and seeded draws. */
#include <math.h>

#include "harness/base/random.h"
#include "harness/model/device.h"

#include "assay/banned.h"

#define DRAW_KEY_LOW 0x63686970u /* "chip": a stream of Philox of its own */
#define DRAW_KEY_HIGH 0x64726177u /* "draw" */

double assay_draw_quantile(uint64_t k, uint32_t stream)
{
    const uint32_t counter[4] = {(uint32_t)k, (uint32_t)(k >> 32), stream, 0};
    const uint32_t key[2] = {DRAW_KEY_LOW, DRAW_KEY_HIGH};
    uint32_t       word[4];
    assay_philox(counter, key, word);
    return ((double)(((uint64_t)word[1] << 32 | word[0]) >> 11) + 0.5) * 0x1p-53;
}

/* The peaks of all formats share one stream: they are the same units at the same clock, and a chip that is fast in one is not
 * slow in the next. So do the two sides of an array. */
static double quantile_of(uint64_t k, enum assay_device_field field)
{
    bool peak = field >= ASSAY_DEVICE_PEAK_F64 && field <= ASSAY_DEVICE_PEAK_I4;
    return assay_draw_quantile(k, peak ? ASSAY_DEVICE_PEAK_F64 : field == ASSAY_DEVICE_ARRAY_COLUMNS ? ASSAY_DEVICE_ARRAY_ROWS
                               : field);
}

/* The quantile u of a triangle on [low, high] with its top at `top` (Kotz, van Dorp, "Beyond Beta", 2004, chapter 1). */
static double triangle(double low, double top, double high, double u)
{
    double left = (top - low) / (high - low);
    return u < left ? low + sqrt(u * (high - low) * (top - low)) : high - sqrt((1 - u) * (high - low) * (high - top));
}

static bool is_count(enum assay_device_field field)
{
    return field == ASSAY_DEVICE_CORES || field == ASSAY_DEVICE_ARRAY_ROWS || field == ASSAY_DEVICE_ARRAY_COLUMNS ||
           field == ASSAY_DEVICE_SCALE_UP_DOMAIN;
}

/* At quantile u of what is known. Years and yes-or-no go by their own scale, all else by its logarithm. */
static double at_quantile(const struct assay_quantity *q, enum assay_device_field field, double u)
{
    double low = q->low, high = q->high, number;
    if (low >= high)
        return low;
    if (field == ASSAY_DEVICE_IN_NETWORK_REDUCE)
        return u < (isnan(q->value) ? 0.5 : q->value);
    if (field == ASSAY_DEVICE_FIRST_DELIVERY)
        return isnan(q->value) ? low + u * (high - low) : triangle(low, q->value, high, u);
    number = isnan(q->value) ? low * pow(high / low, u) : exp(triangle(log(low), log(q->value), log(high), u));
    number = is_count(field) ? nearbyint(number) : number;
    return fmin(fmax(number, low), high);
}

static double middle_of(const struct assay_quantity *q, enum assay_device_field field)
{
    if (!isnan(q->value))
        return q->value;
    return at_quantile(q, field, 0.5);
}

static struct assay_chip chip_of(const struct assay_described *d, bool drawn, uint64_t k)
{
    struct assay_chip chip = {.family = d->family, .memory_class = d->memory_class};
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++) {
        const struct assay_quantity  *q = &d->fields[i];
        const enum assay_device_field field = (enum assay_device_field)i;
        if (q->state == ASSAY_KNOWN)
            chip.field[i] = drawn ? at_quantile(q, field, quantile_of(k, field)) : middle_of(q, field);
        else
            chip.field[i] = q->state == ASSAY_NOT_SUPPORTED ? 0 : NAN;
    }
    return chip;
}

struct assay_chip assay_chip_middle(const struct assay_described *d)
{
    return chip_of(d, false, 0);
}

struct assay_chip assay_chip_draw(const struct assay_described *d, uint64_t k)
{
    return chip_of(d, true, k);
}

enum assay_device_field assay_chip_peak_field(enum assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_F64: return ASSAY_DEVICE_PEAK_F64;
    case ASSAY_F32: return ASSAY_DEVICE_PEAK_F32;
    case ASSAY_BF16: return ASSAY_DEVICE_PEAK_BF16;
    case ASSAY_F16: return ASSAY_DEVICE_PEAK_F16;
    case ASSAY_F8E4M3:
    case ASSAY_F8E5M2: return ASSAY_DEVICE_PEAK_F8;
    case ASSAY_F6E2M3:
    case ASSAY_F6E3M2: return ASSAY_DEVICE_PEAK_F6;
    case ASSAY_F4E2M1: return ASSAY_DEVICE_PEAK_F4;
    case ASSAY_I8:
    case ASSAY_U8: return ASSAY_DEVICE_PEAK_I8;
    case ASSAY_I4:
    case ASSAY_U4: return ASSAY_DEVICE_PEAK_I4;
    case ASSAY_DTYPE_NONE:
    case ASSAY_F8E8M0:
    case ASSAY_I64:
    case ASSAY_I32:
    case ASSAY_BOOL: break;
    }
    return ASSAY_DEVICE_FIELDS;
}

double assay_chip_peak(const struct assay_chip *chip, enum assay_dtype dtype)
{
    enum assay_device_field field = assay_chip_peak_field(dtype);
    return field == ASSAY_DEVICE_FIELDS ? 0 : chip->field[field];
}
