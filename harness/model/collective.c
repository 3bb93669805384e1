#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/rates.h"

#include "assay/banned.h"

/* How often the buffer's share of each other device passes a device's link. */
static double passes_of(enum assay_collective_op op)
{
    return op == ASSAY_ALL_REDUCE ? 2 : 1;
}

static double steps_of(enum assay_collective_op op, double n)
{
    return op == ASSAY_SEND || op == ASSAY_BROADCAST ? 1 : passes_of(op) * (n - 1);
}

/* Bytes that a device sends, or as good as sends: its copy of its own share takes a part of the time too. */
static double crossing_of(const struct assay_collective_shape *s, double copy)
{
    if (s->op == ASSAY_BROADCAST || s->op == ASSAY_SEND)
        return s->bytes;
    return (passes_of(s->op) * (s->devices - 1) + copy) / s->devices * s->bytes;
}

#define REDUCING_DEVICES 8.0 /* fewer than this the libraries serve by rings also where switches reduce */

bool assay_collective_reduces(const struct assay_chip *chip, const struct assay_collective_shape *s)
{
    return s->op == ASSAY_ALL_REDUCE && chip->field[ASSAY_DEVICE_IN_NETWORK_REDUCE] > 0 && s->devices >= REDUCING_DEVICES;
}

enum assay_code assay_price_collective(const struct assay_chip *chip, const struct assay_coefficients *k,
                                       const struct assay_collective_shape *s, struct assay_price *out, struct assay_error *err)
{
    double link = chip->field[ASSAY_DEVICE_SCALE_UP];
    if (isnan(link) || link <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "scale_up_bytes_per_s is not known");
    double             share = k->value[ASSAY_K_LINK_SHARE] * (assay_collective_reduces(chip, s) ? k->value[ASSAY_K_LINK_NETWORK] : 1);
    double             half = assay_at_clock(chip, k->value[ASSAY_K_LINK_RAMP]) * 1e-9 * link; /* filling the pipeline is cores' steps */
    double             step_ns = s->op == ASSAY_ALL_TO_ALL ? k->value[ASSAY_K_LINK_PEER] : k->value[ASSAY_K_LINK_STEP];
    struct assay_price price = {.class = ASSAY_KERNEL_COLLECTIVE, .link_bytes = crossing_of(s, 0)};
    price.link_ns = crossing_of(s, k->value[ASSAY_K_LINK_COPY]) / (link * share) *
                    (1 + pow(half / s->bytes, k->value[ASSAY_K_LINK_POWER])) * 1e9;
    price.floor_ns =
        assay_floor_ns(chip, k->value[ASSAY_K_LINK_FLOOR]) + assay_at_clock(chip, step_ns * (steps_of(s->op, s->devices) - 1));
    price.ns = price.floor_ns + price.link_ns;
    *out = price;
    return ASSAY_OK;
}
