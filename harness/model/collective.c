#include "harness/model/kernel.h"

#include <math.h>

#include "harness/model/rates.h"

#include "assay/banned.h"

/* Share of the whole buffer that crosses each device's link, and the steps of the ring; rows by enum assay_collective_op. */
static double crossing(enum assay_collective_op op, double n)
{
    switch (op) {
    case ASSAY_ALL_REDUCE: return 2 * (n - 1) / n;
    case ASSAY_ALL_GATHER:
    case ASSAY_REDUCE_SCATTER:
    case ASSAY_ALL_TO_ALL: return (n - 1) / n;
    case ASSAY_BROADCAST:
    case ASSAY_SEND: return 1;
    }
    return 1;
}

static double steps_of(enum assay_collective_op op, double n)
{
    return op == ASSAY_ALL_REDUCE ? 2 * (n - 1) : op == ASSAY_SEND ? 1 : n - 1;
}

enum assay_code assay_price_collective(const struct assay_chip *chip, const struct assay_coefficients *k,
                                       const struct assay_collective_shape *s, struct assay_price *out, struct assay_error *err)
{
    double link = chip->field[ASSAY_DEVICE_SCALE_UP], reduces = chip->field[ASSAY_DEVICE_IN_NETWORK_REDUCE];
    if (isnan(link) || link <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "scale_up_bytes_per_s is not known");
    double ring = crossing(s->op, s->devices) * s->bytes, share = k->value[ASSAY_K_LINK_SHARE];
    double switched = s->op == ASSAY_ALL_REDUCE && reduces > 0 && s->devices > 2 ? (1 + 1 / s->devices) * s->bytes / k->value[ASSAY_K_LINK_REDUCE] : INFINITY;
    struct assay_price price = {.class = ASSAY_KERNEL_COLLECTIVE};
    double crossed = fmin(ring / share, switched);
    price.link_bytes = fmin(ring, crossed);
    price.link_ns = (crossed + k->value[ASSAY_K_LINK_RAMP] * crossed / (crossed + k->value[ASSAY_K_LINK_RAMP])) / link * 1e9;
    price.floor_ns = assay_floor_ns(chip, k->value[ASSAY_K_LINK_FLOOR]) + k->value[ASSAY_K_LINK_STEP] * (steps_of(s->op, s->devices) - 1);
    price.ns = price.floor_ns + price.link_ns;
    *out = price;
    return ASSAY_OK;
}
